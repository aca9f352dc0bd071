use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| { let a; a + x + bias })]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
