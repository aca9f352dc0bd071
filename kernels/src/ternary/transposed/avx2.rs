//! AVX2: `vpmaddubsw` on masked packed bytes, sums in i16 that are widened before they overflow.
//!
//! A register holds half a line, 4 rows x 32 columns. Byte `b` of the 4 rows is put side by side;
//! a masked field is then 8 columns by 4 rows, and 4 values of `y` are broadcast.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use crate::ternary::Matrix;
use crate::ternary::activations::store_fields;
use crate::ternary::shared::avx2::{integers, join8, load, widen};
use crate::ternary::shared::portable::sum;
use crate::ternary::shared::{as_i64, columns_of};

/// Tiles (transposed) after which i16 sums are widened. A tile adds 2 pairs of products:
/// `16 * 2 * 2 * 384 = 24576 < 32768`.
const FOLD_TILES: usize = 16;

/// See [`super::transposed_f32`]; lengths checked, nothing empty.
#[target_feature(enable = "avx2,fma")]
pub(super) fn transposed_limbs(m: Matrix<'_>, y: &[[i8; 8]], steps: &[f64], out: &mut [f32]) {
    let tiles = m.tiles();
    let tokens = y.chunks_exact(3 * tiles);
    for ((y, out), &step) in tokens.zip(out.chunks_exact_mut(m.cols)).zip(steps) {
        let columns = columns_of::<_, 3>(y, tiles);
        let y_sums = columns.map(|y| sum(y.as_flattened()));
        for (w, out) in out.chunks_mut(32).enumerate() {
            let sums = strip(&m, w, y);
            store_fields(out, sums.map(|sums| join8(sums, y_sums, step)));
        }
    }
}

/// Codes of word column `w`, all rows, times three columns of limbs: 8 columns `4 b + f` for
/// each field `f`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn strip(m: &Matrix<'_>, w: usize, y: &[[i8; 8]]) -> [[[i32; 8]; 3]; 4] {
    let tiles = m.tiles();
    let columns = columns_of::<_, 3>(y, tiles);
    let mask = _mm256_set1_epi8(3);
    // Low dwords of the 4 rows to the low lane, high dwords to the high lane; then byte `4 r + b`
    // of a lane moves to `4 b + r`.
    let split = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    let transpose = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    let mut total = [[_mm256_setzero_si256(); 3]; 4];
    for start in (0..tiles).step_by(FOLD_TILES) {
        let mut acc = [[_mm256_setzero_si256(); 3]; 4];
        for tile in start..tiles.min(start + FOLD_TILES) {
            let (halves, _) = m.lines[tile * m.words_per_row + w].as_chunks::<4>();
            for h in 0..2 {
                let rows = _mm256_permutevar8x32_epi32(load(&halves[h]), split);
                let mut rows = _mm256_shuffle_epi8(rows, transpose);
                let mut y = [_mm256_setzero_si256(); 3];
                for l in 0..3 {
                    let part = as_i64(&columns[l][tile]) >> (32 * h);
                    y[l] = _mm256_set1_epi32(part as i32);
                }
                for f in 0..4 {
                    let codes = _mm256_and_si256(rows, mask);
                    for l in 0..3 {
                        let products = _mm256_maddubs_epi16(codes, y[l]);
                        acc[f][l] = _mm256_add_epi16(acc[f][l], products);
                    }
                    rows = _mm256_srli_epi16::<2>(rows);
                }
            }
        }
        for f in 0..4 {
            for l in 0..3 {
                total[f][l] = widen(total[f][l], acc[f][l]);
            }
        }
    }
    let mut out = [[[0; 8]; 3]; 4];
    for f in 0..4 {
        for l in 0..3 {
            out[f][l] = integers(total[f][l]);
        }
    }
    out
}
