use barewire::prelude::*;

#[derive(BareUnion)]
enum Map {
    #[bare(forward = |x: [batch, d_model]| linear(weights, x))]
    Dense {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
    },
}

fn main() {}
