use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d], ids: u32[batch]| x * ids + bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
