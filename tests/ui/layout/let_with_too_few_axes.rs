use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [n]| { let (a, b): ([n]) = split(x); a * b * scale })]
struct A {
    scale: f32,
}

fn main() {}
