use barewire::prelude::*;

#[differentiable(recompute = [gate])]
fn gated(scale: f32, x: (batch, d)) -> (batch, d) {
    let gates = tanh(scale * x);
    gates * x
}

fn main() {}
