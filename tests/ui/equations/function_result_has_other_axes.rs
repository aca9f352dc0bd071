use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (d, batch) {
    x + x
}

fn main() {}
