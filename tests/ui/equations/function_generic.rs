use barewire::prelude::*;

#[differentiable]
fn twice<T>(x: (batch, d)) -> (batch, d) {
    x + x
}

fn main() {}
