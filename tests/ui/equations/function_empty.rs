use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) {}

fn main() {}
