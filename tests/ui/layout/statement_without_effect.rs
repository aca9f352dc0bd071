use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [n]| { x + scale; x * scale })]
struct A {
    scale: f32,
}

fn main() {}
