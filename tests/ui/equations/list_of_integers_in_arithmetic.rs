use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x * counts + bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
    #[bare(dims = [d])]
    counts: Vec<u32>,
}

fn main() {}
