use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, d) {
    x + x;
}

fn main() {}
