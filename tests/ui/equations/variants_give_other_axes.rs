use barewire::prelude::*;

#[derive(BareUnion)]
enum Layer {
    #[bare(forward = |x: [batch, d]| x + bias)]
    Bias {
        #[bare(dims = [d])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d]| { let (a, b) = split(gain * x); a * b })]
    Gain {
        gain: f32,
    },
}

fn main() {}
