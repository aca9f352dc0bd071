use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x + bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
    gain: f32,
}

fn main() {}
