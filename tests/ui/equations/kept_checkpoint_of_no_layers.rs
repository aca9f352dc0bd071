use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| scale * x)]
struct Layer {
    scale: f32,
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| layers(x))]
struct Model {
    #[bare(checkpoint = 0)]
    layers: Vec<Layer>,
}

fn main() {}
