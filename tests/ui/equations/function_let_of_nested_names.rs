use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, d) {
    let (a, (b, c)) = split(x);
    a + b + c
}

fn main() {}
