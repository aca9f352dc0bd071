use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |ids: u32[batch, d]| softmax(ids) + bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
