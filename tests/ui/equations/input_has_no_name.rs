use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |[batch, d]| bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
