//! The portable loops, compiled for AVX2: they are memory-bound and vectorise fully, so there is
//! nothing left for intrinsics to win.

use super::{Saved, Shape, portable};

#[target_feature(enable = "avx2,fma")]
pub(super) fn forward(f: &[f32], v: &[f32], shape: Shape, h0: &mut [f32], h: &mut [f32]) {
    portable::forward(f, v, shape, h0, h);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn backward(
    saved: Saved<'_>,
    h_cot: &[f32],
    shape: Shape,
    state_cot: &mut [f32],
    f_cot: &mut [f32],
    v_cot: &mut [f32],
) {
    portable::backward(saved, h_cot, shape, state_cot, f_cot, v_cot);
}
