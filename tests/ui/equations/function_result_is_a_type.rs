use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> Vec<f32> {
    x + x
}

fn main() {}
