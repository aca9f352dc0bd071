use barewire::prelude::*;

#[differentiable]
fn shifted(#[bare(dims = [d], fixed)] bias: Vec<f32>, x: (batch, d)) -> (batch, d) {
    x + bias
}

fn main() {}
