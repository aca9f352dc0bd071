use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(specialise, forward = |x: [batch, d]| scale * x)]
struct Layer {
    scale: f32,
}

fn main() {}
