use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |_x: [batch, d]| 1.0)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
