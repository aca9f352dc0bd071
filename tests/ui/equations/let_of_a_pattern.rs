use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| { let Some(a) = x + bias; a })]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
