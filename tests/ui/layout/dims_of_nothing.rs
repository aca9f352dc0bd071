use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(dims = [])]
    x: Vec<f32>,
}

fn main() {}
