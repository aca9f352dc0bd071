use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: f32[n]| x * scale)]
struct A {
    scale: f32,
}

fn main() {}
