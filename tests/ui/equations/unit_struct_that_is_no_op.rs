use barewire::prelude::*;

#[allow(non_camel_case_types)]
struct twice;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| twice(x) + bias)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
