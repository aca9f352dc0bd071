use barewire::prelude::*;

// each of the four is said, not only the first
#[derive(BareStruct)]
#[bare(forward = |x: [batch, d], y: [batch, d]| {
    let twice = x * 2;
    x + 1
})]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
    gain: f32,
}

fn main() {}
