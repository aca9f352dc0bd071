use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = "x")]
struct A {
    scale: f32,
}

fn main() {}
