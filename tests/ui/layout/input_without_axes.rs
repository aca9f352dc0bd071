use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x| x * scale)]
struct A {
    scale: f32,
}

fn main() {}
