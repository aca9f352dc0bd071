use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(dims = [d], axes(d_in = d))]
    x: Vec<f32>,
}

fn main() {}
