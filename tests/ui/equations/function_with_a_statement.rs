use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, d) {
    return x;
    x + x
}

fn main() {}
