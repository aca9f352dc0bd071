use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x + bias + vec![1])]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
