use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, d) {
    let y = x else { x };
    y + x
}

fn main() {}
