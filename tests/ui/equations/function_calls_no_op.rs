use barewire::prelude::*;

#[allow(non_camel_case_types)]
struct twice;

#[differentiable]
fn scaled(scale: f32, x: (batch, d)) -> (batch, d) {
    scale * twice(x)
}

fn main() {}
