use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [3]| x * scale)]
struct A {
    scale: f32,
}

fn main() {}
