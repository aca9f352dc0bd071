use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(align = 100)]
    x: Vec<f32>,
}

fn main() {}
