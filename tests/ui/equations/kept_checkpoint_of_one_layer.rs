use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| scale * x)]
struct Layer {
    scale: f32,
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| layer(x))]
struct Model {
    #[bare(checkpoint = 4)]
    layer: Layer,
}

fn main() {}
