//! AVX2: digits by two comparisons, `vpmaddubsw`, sums in i16 that are widened before they overflow.
//!
//! A register holds half a line, 4 rows x 40 columns. `vpmaddubsw` wants unsigned weights, so it gets one minus
//! the digit: 2, with -1 from each comparison that holds.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::asm;
use core::arch::x86_64::*;

use super::Planes;
use super::product::{Dot, Product, Strip, Sums};
use crate::Avx2;
use crate::ternary::Line;
use crate::ternary::shared::as_i64;
use crate::ternary::shared::avx2::{integers, load, widen};

/// Words after which i16 sums are widened. A word adds 5 pairs of products of at most `2 * 128` to
/// each, and a pair is far below what `vpmaddubsw` saturates at.
const FOLD: usize = 12;
const _: () = assert!(FOLD * 5 * 2 * 2 * 128 <= i16::MAX as usize);

/// The product, all of it compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn run(token: Avx2, product: Product<'_>) {
    product.on(token);
}

impl Dot for Avx2 {
    #[inline(always)]
    fn dot<const C: usize>(self, strip: Strip<'_>, x: [&[Planes]; C], x_sums: [i32; C], sums: &mut [[Sums; C]]) {
        for (tile, sums) in sums.iter_mut().enumerate() {
            let [lines] = strip.tiles(tile);
            // SAFETY: this `Avx2` token exists only after detection found AVX2 and FMA.
            unsafe { dot_tile(lines, &x, &x_sums, sums) }
        }
    }
}

/// `3 y` modulo 256, by two additions.
#[inline]
#[target_feature(enable = "avx2")]
fn triple(y: __m256i) -> __m256i {
    let mut y = y;
    // Without this the compiler multiplies by 9, 27 and 81 at once; AVX2 has no multiplication of bytes, so that
    // each takes six instructions.
    // SAFETY: no instruction; the value stays in its register.
    unsafe { asm!("/* {0} */", inout(ymm_reg) y, options(pure, nomem, nostack, preserves_flags)) };
    _mm256_add_epi8(y, _mm256_add_epi8(y, y))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn dot_tile<const C: usize>(lines: &[Line], x: &[&[Planes]; C], x_sums: &[i32; C], sums: &mut [Sums; C]) {
    let mut columns: [&[Planes]; C] = [&[]; C];
    for c in 0..C {
        columns[c] = &x[c][..lines.len()];
    }
    let two = _mm256_set1_epi8(2);
    // Above the first for +1; not above the second for -1.
    let (plus, minus) = (_mm256_set1_epi8(42), _mm256_set1_epi8(-43));
    let mut total = [[_mm256_setzero_si256(); 2]; C];
    for start in (0..lines.len()).step_by(FOLD) {
        let mut acc = [[_mm256_setzero_si256(); 2]; C];
        for w in start..lines.len().min(start + FOLD) {
            let (halves, _) = lines[w].as_chunks::<4>();
            let mut y = [load(&halves[0]), load(&halves[1])];
            for n in 0..5 {
                let mut codes = y;
                for h in 0..2 {
                    let above = _mm256_add_epi8(_mm256_cmpgt_epi8(y[h], plus), two);
                    codes[h] = _mm256_add_epi8(above, _mm256_cmpgt_epi8(y[h], minus));
                    y[h] = triple(y[h]);
                }
                for c in 0..C {
                    let x = _mm256_set1_epi64x(as_i64(&columns[c][w][n]));
                    for h in 0..2 {
                        acc[c][h] = _mm256_add_epi16(acc[c][h], _mm256_maddubs_epi16(codes[h], x));
                    }
                }
            }
        }
        for c in 0..C {
            for h in 0..2 {
                total[c][h] = widen(total[c][h], acc[c][h]);
            }
        }
    }
    for c in 0..C {
        // Per 128-bit lane, two rows of the first half, then two of the second.
        let rows = _mm256_hadd_epi32(total[c][0], total[c][1]);
        let rows = _mm256_permute4x64_epi64::<0b11_01_10_00>(rows);
        sums[c] = integers(_mm256_sub_epi32(_mm256_set1_epi32(x_sums[c]), rows));
    }
}
