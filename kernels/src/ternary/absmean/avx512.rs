//! AVX-512: 16 weights a comparison.

use core::arch::x86_64::*;

use super::{pack_rows, word_from_masks};
use crate::ternary::Line;
use crate::ternary::shared::avx512::load_floats;

/// The packing pass of [`super::quantize_absmean`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn pack_rounded(w: &[f32], cols: usize, inverse: f32, lines: &mut [Line]) {
    pack_rows(w, cols, lines, |part| {
        let (x, _) = part.as_chunks::<16>();
        let (mut above, mut below) = (0, 0);
        for (i, x) in x.iter().enumerate() {
            let v = _mm512_mul_ps(load_floats(x), _mm512_set1_ps(inverse));
            let plus = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(v, _mm512_set1_ps(0.5));
            let minus = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(v, _mm512_set1_ps(-0.5));
            above |= u32::from(plus) << (16 * i);
            below |= u32::from(minus) << (16 * i);
        }
        word_from_masks(above, below)
    });
}
