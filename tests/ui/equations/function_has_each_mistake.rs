use barewire::prelude::*;

#[differentiable]
fn unused(scale: f32, gain: f32, x: (batch, d)) -> (batch, d) {
    x * scale
}

#[differentiable]
fn steep(scale: f32, x: (batch, d)) -> (batch, d) {
    step(x) * scale
}

fn main() {}
