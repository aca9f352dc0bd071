use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(recompute = [h], forward = |x: [batch, d]| {
    let h = linear(weights, x);
    silu(h)
})]
struct Gate {
    #[bare(dims = [d_out, d])]
    weights: Matrix<f32>,
}

fn main() {}
