use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = || scale)]
struct A {
    scale: f32,
}

fn main() {}
