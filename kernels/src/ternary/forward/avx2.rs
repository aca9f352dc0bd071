//! AVX2: `vpmaddubsw` on masked packed bytes, sums in i16 that are widened before they overflow.
//!
//! A register holds half a line, 4 rows x 32 columns. Field `f` of the bytes is masked out and
//! multiplied with the 8 activations of that field, broadcast to all rows, as in `avx512.rs`.
//!
//! The vector units are the limit. A half line and a column need 4 multiplications and 4 additions;
//! masks and shifts (7) are shared by the columns of a block. For one column, leaving fields 1 and 3
//! unshifted, as `avx512.rs` does, saves 2 of 15 operations and was no faster: shifts run on the
//! units that multiplications leave free.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::blocks::{Dot, Finish, Product, Strip, Sums};
use crate::Avx2;
use crate::ternary::Group;
use crate::ternary::shared::as_i64;
use crate::ternary::shared::avx2::{integers, load, widen};

/// Words after which the i16 sums of a block are widened. A word adds 4 pairs of products of at
/// most `3 * 128` to each: `8 * 4 * 2 * 384 = 24576 < 32768`.
const FOLD: usize = 8;

/// The product, all of it compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn run<F: Finish<L>, const L: usize>(token: Avx2, product: Product<'_, F, L>) {
    product.on(token);
}

impl Dot for Avx2 {
    // 8 sums, the 2 halves, a field of each, the mask and an activation: 14 of 16 registers.
    const COLUMNS: usize = 4;

    #[inline(always)]
    fn add<const C: usize>(self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
        // SAFETY: this `Avx2` token exists only after detection found AVX2 and FMA.
        unsafe { add_tiles(strip, x, sums) }
    }
}

/// Adds the two parts of each row, which are in order within a half, to the sums of a tile.
#[inline]
#[target_feature(enable = "avx2")]
fn add_rows(sums: &mut Sums, [first, second]: [__m256i; 2]) {
    // Per 128-bit lane, two rows of the first half, then two of the second.
    let rows = _mm256_hadd_epi32(first, second);
    let rows = integers(_mm256_permute4x64_epi64::<0b11_01_10_00>(rows));
    for (sum, row) in sums.iter_mut().zip(rows) {
        *sum = sum.wrapping_add(row);
    }
}

/// All tiles of a strip for a block of columns.
#[target_feature(enable = "avx2,fma")]
fn add_tiles<const C: usize>(strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
    let mask = _mm256_set1_epi8(3);
    for (tile, sums) in sums.iter_mut().enumerate() {
        let [lines] = strip.tiles(tile);
        let mut columns: [&[Group]; C] = [&[]; C];
        for c in 0..C {
            columns[c] = &x[c][..lines.len()];
        }
        let mut total = [[_mm256_setzero_si256(); 2]; C];
        for start in (0..lines.len()).step_by(FOLD) {
            let mut acc = [[_mm256_setzero_si256(); 2]; C];
            for w in start..lines.len().min(start + FOLD) {
                let (halves, _) = lines[w].as_chunks::<4>();
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
        for c in 0..C {
            add_rows(&mut sums[c], total[c]);
        }
    }
}
