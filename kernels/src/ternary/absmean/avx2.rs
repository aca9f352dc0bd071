//! AVX2: 8 weights a comparison.

use core::arch::x86_64::*;

use super::{pack_rows, word_from_masks};
use crate::ternary::Line;
use crate::ternary::shared::avx2::load_floats;

/// The packing pass of [`super::quantize_absmean`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn pack_rounded(w: &[f32], cols: usize, inverse: f32, lines: &mut [Line]) {
    pack_rows(w, cols, lines, |part| {
        let (x, _) = part.as_chunks::<8>();
        let (mut above, mut below) = (0, 0);
        for (i, x) in x.iter().enumerate() {
            let v = _mm256_mul_ps(load_floats(x), _mm256_set1_ps(inverse));
            let plus = _mm256_cmp_ps::<_CMP_GT_OQ>(v, _mm256_set1_ps(0.5));
            let minus = _mm256_cmp_ps::<_CMP_LT_OQ>(v, _mm256_set1_ps(-0.5));
            above |= (_mm256_movemask_ps(plus) as u32) << (8 * i);
            below |= (_mm256_movemask_ps(minus) as u32) << (8 * i);
        }
        word_from_masks(above, below)
    });
}
