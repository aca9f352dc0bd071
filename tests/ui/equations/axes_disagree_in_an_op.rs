use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d_model]| linear(weights, x))]
struct Layer {
    #[bare(dims = [d_out, d_in])]
    weights: Matrix<f32>,
}

fn main() {}
