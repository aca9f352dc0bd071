use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d], y: [time, d]| concat(x + bias, y))]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
