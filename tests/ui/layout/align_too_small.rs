use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(align = 32)]
    x: Vec<f32>,
}

fn main() {}
