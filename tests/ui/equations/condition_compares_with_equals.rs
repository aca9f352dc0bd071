use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| if x == bias { bias } else { x })]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
