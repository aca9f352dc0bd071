use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| { x + bias x })]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
