use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, d) {
    let y: Vec<f32> = x + 1;
    y + x
}

fn main() {}
