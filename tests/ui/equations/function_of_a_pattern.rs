use barewire::prelude::*;

#[differentiable]
fn twice((x, y): (batch, d)) -> (batch, d) {
    x + y
}

fn main() {}
