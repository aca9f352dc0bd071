use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| scale * x)]
struct Layer {
    scale: f32,
}

#[derive(BareStruct)]
#[bare(portable, forward = |x: [batch, d]| layer(x))]
struct Model {
    #[bare(axes(d = d))]
    layer: Layer,
}

fn main() {}
