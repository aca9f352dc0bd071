use barewire::prelude::*;

#[differentiable]
fn gated(scale: f32, x: (batch, d)) -> (batch, d) {
    tanh(scale * x)
}

#[derive(BareStruct)]
#[bare(portable, forward = gated)]
struct Gate {
    scale: f32,
}

fn main() {}
