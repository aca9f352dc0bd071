use barewire::prelude::*;

#[differentiable]
const fn twice(x: (batch, d)) -> (batch, d) {
    x + x
}

fn main() {}
