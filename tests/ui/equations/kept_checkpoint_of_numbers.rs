use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| scale * x)]
struct Layer {
    #[bare(dims = [d], checkpoint = 4)]
    scale: Vec<f32>,
}

fn main() {}
