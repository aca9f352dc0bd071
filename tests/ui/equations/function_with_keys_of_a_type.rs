use barewire::prelude::*;

#[differentiable]
#[bare(recompute)]
fn gated(#[bare(gradient = dense)] scale: f32, x: (batch, d)) -> (batch, d) {
    tanh(scale * x)
}

fn main() {}
