use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x + bias * exp)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
    exp: f32,
}

fn main() {}
