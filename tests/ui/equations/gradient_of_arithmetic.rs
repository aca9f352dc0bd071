use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x * gains)]
struct Scale {
    #[bare(dims = [d], gradient = sparse)]
    gains: Vec<f32>,
}

fn main() {}
