//! AVX2: `vpmaddubsw` on masked packed bytes, sums in i16 that are widened before they overflow.
//!
//! A register holds half a line, 4 rows x 32 columns. Field `f` of the bytes is masked out and
//! multiplied with the 8 activations of that field, broadcast to all rows, as in `avx512.rs`.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use crate::ternary::activations::store;
use crate::ternary::shared::avx2::{integers, join8, load, widen};
use crate::ternary::shared::portable::sum;
use crate::ternary::shared::{as_i64, columns_of};
use crate::ternary::{Group, Line, Matrix};

/// Tokens of a block of the int8 product.
const TOKENS: usize = 3;

/// Words (forward) after which i16 sums are widened. A word adds 4 pairs of products of at most
/// `3 * 128` to each: `8 * 4 * 2 * 384 = 24576 < 32768`.
const FOLD_WORDS: usize = 8;

/// Codes of one tile times `C` columns of activations.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn dot<const C: usize>(tile: &[Line], x: &[Group]) -> [[i32; 8]; C] {
    let columns = columns_of::<_, C>(x, tile.len());
    let mask = _mm256_set1_epi8(3);
    let mut total = [[_mm256_setzero_si256(); 2]; C];
    for start in (0..tile.len()).step_by(FOLD_WORDS) {
        let mut acc = [[_mm256_setzero_si256(); 2]; C];
        for w in start..tile.len().min(start + FOLD_WORDS) {
            let (halves, _) = tile[w].as_chunks::<4>();
            let mut half = [load(&halves[0]), load(&halves[1])];
            for f in 0..4 {
                let codes = [_mm256_and_si256(half[0], mask), _mm256_and_si256(half[1], mask)];
                for c in 0..C {
                    let x = _mm256_set1_epi64x(as_i64(&columns[c][w][f]));
                    for h in 0..2 {
                        let products = _mm256_maddubs_epi16(codes[h], x);
                        acc[c][h] = _mm256_add_epi16(acc[c][h], products);
                    }
                }
                for h in 0..2 {
                    half[h] = _mm256_srli_epi16::<2>(half[h]);
                }
            }
        }
        for c in 0..C {
            for h in 0..2 {
                total[c][h] = widen(total[c][h], acc[c][h]);
            }
        }
    }
    let mut out = [[0; 8]; C];
    for c in 0..C {
        // Per 128-bit lane, two rows of the first half, then two of the second.
        let rows = _mm256_hadd_epi32(total[c][0], total[c][1]);
        out[c] = integers(_mm256_permute4x64_epi64::<0b11_01_10_00>(rows));
    }
    out
}

/// See [`super::forward_int8`]; lengths checked, nothing empty.
#[target_feature(enable = "avx2,fma")]
pub(super) fn forward_int8(m: Matrix<'_>, x: &[Group], scales: &[f32], weight_scale: f32, out: &mut [f32]) {
    let mut t = 0;
    while t < scales.len() {
        let scales = &scales[t..];
        let x = &x[t * m.words_per_row..];
        let out = &mut out[t * m.rows..];
        t += match scales.len() {
            1 => int8_block::<1>(m, x, scales, weight_scale, out),
            2 => int8_block::<2>(m, x, scales, weight_scale, out),
            _ => int8_block::<TOKENS>(m, x, scales, weight_scale, out),
        };
    }
}

#[target_feature(enable = "avx2,fma")]
fn int8_block<const C: usize>(m: Matrix<'_>, x: &[Group], scales: &[f32], weight_scale: f32, out: &mut [f32]) -> usize {
    let columns = columns_of::<_, C>(x, m.words_per_row);
    let x_sums = columns.map(|x| sum(x.as_flattened().as_flattened()));
    for tile in 0..m.tiles() {
        let sums = dot::<C>(m.tile(tile), x);
        for c in 0..C {
            let step = scales[c] * weight_scale;
            let out = &mut out[c * m.rows..][tile * 8..m.rows.min(tile * 8 + 8)];
            store(out, sums[c].map(|sum| (sum - x_sums[c]) as f32 * step));
        }
    }
    C
}

/// See [`super::forward_f32`]; lengths checked, nothing empty.
#[target_feature(enable = "avx2,fma")]
pub(super) fn forward_limbs(m: Matrix<'_>, x: &[Group], steps: &[f64], out: &mut [f32]) {
    let tokens = x.chunks_exact(3 * m.words_per_row);
    for ((x, out), &step) in tokens.zip(out.chunks_exact_mut(m.rows)).zip(steps) {
        let columns = columns_of::<_, 3>(x, m.words_per_row);
        let x_sums = columns.map(|x| sum(x.as_flattened().as_flattened()));
        for (tile, out) in out.chunks_mut(8).enumerate() {
            let sums = dot::<3>(m.tile(tile), x);
            store(out, join8(sums, x_sums, step));
        }
    }
}
