use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [n]|)]
struct A {
    scale: f32,
}

fn main() {}
