use barewire::prelude::*;

fn twice(x: f32) -> f32 {
    x + x
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| twice(x) + bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
