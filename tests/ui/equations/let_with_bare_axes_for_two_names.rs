use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| { let (a, b): [batch, h] = split(x + bias); a * b })]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
