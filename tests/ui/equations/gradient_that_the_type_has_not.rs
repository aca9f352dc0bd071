use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d_in]| scale * ternary_linear(digits, x))]
struct Weight {
    #[bare(dims = [d_out, d_in], gradient = sparse)]
    digits: TernaryMatrix,
    scale: f32,
}

fn main() {}
