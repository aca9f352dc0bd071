use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d_in]| linear(weights, x))]
struct Inner {
    #[bare(dims = [d_out, d_in])]
    weights: Matrix<f32>,
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d_model]| inner(x))]
struct Outer {
    #[bare(axes(d_in = d_ffn))]
    inner: Inner,
}

fn main() {}
