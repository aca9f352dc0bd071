use barewire::prelude::*;

#[differentiable]
fn twice(#[bare(dims = [d])] bias: Vec<f32>) -> (d,) {
    bias + bias
}

fn main() {}
