//! AVX2: the portable loops, compiled for it.

use super::{Order, portable};

/// See [`super::quantize_int8`]: the portable loop, compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn quantize_int8(x: &[f32], cols: usize, codes: &mut [i8], steps: &mut [f32]) {
    portable::quantize_int8(x, cols, codes, steps);
}

/// See [`super::split_limbs`]: the portable loop, compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn split_limbs(order: Order, x: &[f32], len: usize, codes: &mut [i8], steps: &mut [f64]) {
    portable::split_limbs(order, x, len, codes, steps);
}
