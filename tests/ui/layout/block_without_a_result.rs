use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [n]| { let y = x * scale; })]
struct A {
    scale: f32,
}

fn main() {}
