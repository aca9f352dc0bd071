use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, d) {
    let Some(y) = x;
    y + x
}

fn main() {}
