use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| scale * x)]
struct Layer {
    scale: f32,
}

#[derive(BareStruct)]
struct Model {
    #[bare(checkpoint)]
    layers: Vec<Layer>,
}

fn main() {}
