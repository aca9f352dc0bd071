use barewire::prelude::*;

#[differentiable]
fn dense(#[bare(dims = [d_out, d_in])] weights: Matrix<f32>, x: (batch, d_model)) -> (batch, d_out) {
    linear(weights, x)
}

fn main() {}
