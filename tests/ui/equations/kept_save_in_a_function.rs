use barewire::prelude::*;

#[differentiable]
fn gated(scale: f32, x: (batch, d)) -> (batch, d) {
    let h = square(x);
    tanh(h * h * scale)
}

#[derive(BareUnion)]
enum Gate {
    #[bare(save = [h], forward = gated)]
    Square { scale: f32 },
}

fn main() {}
