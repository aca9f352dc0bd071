use barewire::prelude::*;

#[derive(BareUnion)]
enum Layer {
    #[bare(forward = |x: [batch, d]| x + bias)]
    Bias {
        #[bare(dims = [d])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d]| (x * gain, x))]
    Gain {
        gain: f32,
    },
}

fn main() {}
