use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| gated_linear_recurrence(x, x + bias))]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
