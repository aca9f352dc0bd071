use barewire::prelude::*;

#[derive(BareUnion)]
enum Weight {
    #[bare(forward = |x: [batch, d_in]| linear(weights, x) * gains)]
    A {
        #[bare(dims = [d_out, d_in], gradient = lowrank)]
        weights: Matrix<f32>,
        #[bare(dims = [d_out], gradient = dense)]
        gains: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| linear(weights, x))]
    B {
        #[bare(dims = [d_out, d_in], gradient = diagonal)]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| linear(weights, x))]
    C {
        #[bare(dims = [d_out, d_in], gradient = low_rank, fixed)]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| linear_bias(weights, bias, x))]
    D {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
        #[bare(dims = [d_out], gradient = low_rank)]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| linear(weights, x))]
    E {
        #[bare(dims = [d_out, d_in], gradient = 3)]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| linear(weights, x))]
    F {
        #[bare(dims = [d_out, d_in], gradient = wavelet)]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| ternary_linear(digits, x))]
    G {
        #[bare(dims = [d_out, d_in], gradient = ternery)]
        digits: TernaryMatrix,
    },
}

fn main() {}
