use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(dims = d_in)]
    x: Vec<f32>,
}

fn main() {}
