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
use crate::ternary::shared::as_i64;
use crate::ternary::shared::avx2::{integers, load, widen};
use crate::ternary::{Group, Line};

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
        if C == 1 {
            // Two tiles are two streams through memory; more columns have no registers for them.
            // SAFETY: this `Avx2` token exists only after detection found AVX2 and FMA.
            unsafe { add_tiles::<2, C>(strip, x, sums) }
        } else {
            // SAFETY: as above.
            unsafe { add_tiles::<1, C>(strip, x, sums) }
        }
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

/// All tiles of a strip, `T` at a time, for a block of columns.
#[target_feature(enable = "avx2,fma")]
fn add_tiles<const T: usize, const C: usize>(strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
    let (full, rest) = sums.as_chunks_mut::<T>();
    for (k, sums) in full.iter_mut().enumerate() {
        add_block(strip.tiles::<T>(k * T), &x, sums);
    }
    for (k, sums) in rest.iter_mut().enumerate() {
        add_block(strip.tiles(full.len() * T + k), &x, core::array::from_mut(sums));
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_block<const T: usize, const C: usize>(tiles: [&[Line]; T], x: &[&[Group]; C], sums: &mut [[Sums; C]; T]) {
    let len = tiles[0].len();
    let mut lines: [&[Line]; T] = [&[]; T];
    for t in 0..T {
        lines[t] = &tiles[t][..len];
    }
    let mut columns: [&[Group]; C] = [&[]; C];
    for c in 0..C {
        columns[c] = &x[c][..len];
    }
    let mask = _mm256_set1_epi8(3);
    let mut total = [[[_mm256_setzero_si256(); 2]; C]; T];
    for start in (0..len).step_by(FOLD) {
        let mut acc = [[[_mm256_setzero_si256(); 2]; C]; T];
        for w in start..len.min(start + FOLD) {
            let mut half = [[_mm256_setzero_si256(); 2]; T];
            for t in 0..T {
                let (halves, _) = lines[t][w].as_chunks::<4>();
                half[t] = [load(&halves[0]), load(&halves[1])];
            }
            for f in 0..4 {
                let mut codes = half;
                for t in 0..T {
                    for h in 0..2 {
                        codes[t][h] = _mm256_and_si256(half[t][h], mask);
                        half[t][h] = _mm256_srli_epi16::<2>(half[t][h]);
                    }
                }
                for c in 0..C {
                    let x = _mm256_set1_epi64x(as_i64(&columns[c][w][f]));
                    for t in 0..T {
                        for h in 0..2 {
                            let products = _mm256_maddubs_epi16(codes[t][h], x);
                            acc[t][c][h] = _mm256_add_epi16(acc[t][c][h], products);
                        }
                    }
                }
            }
        }
        for t in 0..T {
            for c in 0..C {
                for h in 0..2 {
                    total[t][c][h] = widen(total[t][c][h], acc[t][c][h]);
                }
            }
        }
    }
    for t in 0..T {
        for c in 0..C {
            add_rows(&mut sums[t][c], total[t][c]);
        }
    }
}
