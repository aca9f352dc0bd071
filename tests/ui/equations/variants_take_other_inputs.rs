use barewire::prelude::*;

#[derive(BareUnion)]
enum Layer {
    #[bare(forward = |x: [batch, d]| x + bias)]
    Bias {
        #[bare(dims = [d])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d], y: [batch, d]| x * gain + y)]
    Gain {
        gain: f32,
    },
}

fn main() {}
