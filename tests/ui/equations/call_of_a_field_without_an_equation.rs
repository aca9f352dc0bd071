use barewire::prelude::*;

#[derive(BareStruct)]
struct Inner {
    weights: Vec<f32>,
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| inner(x))]
struct Outer {
    inner: Inner,
}

fn main() {}
