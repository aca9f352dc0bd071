use barewire::prelude::*;

#[differentiable]
fn twice(#[bare(dims = [d])] inner: Vec<f32>, x: (batch, d)) -> (batch, d) {
    inner(x)
}

fn main() {}
