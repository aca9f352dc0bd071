use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x + bias)]
struct Layer {
    bias: Vec<f32>,
}

fn main() {}
