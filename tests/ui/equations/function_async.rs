use barewire::prelude::*;

#[differentiable]
async fn twice(x: (batch, d)) -> (batch, d) {
    x + x
}

fn main() {}
