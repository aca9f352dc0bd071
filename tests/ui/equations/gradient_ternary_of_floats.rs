use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d_in]| linear(weights, x))]
struct Weight {
    #[bare(dims = [d_out, d_in], gradient = ternary)]
    weights: Matrix<f32>,
}

fn main() {}
