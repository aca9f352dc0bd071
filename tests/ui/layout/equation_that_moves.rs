use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = move |x: [n]| x * scale)]
struct A {
    scale: f32,
}

fn main() {}
