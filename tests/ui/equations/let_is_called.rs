use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| { let a = x + bias; a(x) })]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
