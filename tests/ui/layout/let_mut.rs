use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [n]| { let mut y = x * scale; y })]
struct A {
    scale: f32,
}

fn main() {}
