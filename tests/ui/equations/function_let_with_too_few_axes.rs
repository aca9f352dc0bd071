use barewire::prelude::*;

#[differentiable]
fn twice(x: (batch, d)) -> (batch, h) {
    let (a, b): ((batch, h),) = split(x);
    a * b
}

fn main() {}
