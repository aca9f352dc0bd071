use barewire::prelude::*;

#[differentiable(fast)]
fn twice(x: (batch, d)) -> (batch, d) {
    x + x
}

fn main() {}
