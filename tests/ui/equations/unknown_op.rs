use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d_in]| liner(weights, x) + bias)]
struct Layer {
    #[bare(dims = [d_out, d_in])]
    weights: Matrix<f32>,
    #[bare(dims = [d_out])]
    bias: Vec<f32>,
}

fn main() {}
