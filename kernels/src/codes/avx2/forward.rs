//! The forward product: rows times columns of activations, summed across registers at the end.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::super::{BLOCK, Panel, ROWS, RowBlocks, rows_of};
use super::unpack::unpack;
use super::{fold, integers, load_integers, load_part, load_signed, store_block, unshifted, widen};
use crate::columns::Columns;

/// The sums of each of four registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn reduce(v: [__m256i; 4]) -> __m128i {
    let pair = |a, b| _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (ab, cd) = (pair(v[0], v[1]), pair(v[2], v[3]));
    let all = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all))
}

/// Columns of activations from which rows are unpacked into the panel first: below, unpacking each
/// block where it is used costs less than going through memory.
const fn panel_from(bits: usize) -> usize {
    match bits {
        1 | 2 | 4 => 6,
        _ => 4,
    }
}

/// See `Kernels::forward`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn forward<const B: usize>(
    rows: &RowBlocks<'_, B, ROWS>,
    x: Columns<'_, i8>,
    panel: &mut Option<Panel>,
    sums: &mut [[i32; ROWS]],
) {
    sums.as_flattened_mut().fill(0);
    if B == 8 {
        let mut k = 0;
        while k < sums.len() {
            k += match sums.len() - k {
                1 => wide::<B, 4, 1>(rows, x, k, sums),
                2 => wide::<B, 4, 2>(rows, x, k, sums),
                _ => wide::<B, 4, 3>(rows, x, k, sums),
            };
        }
    } else if sums.len() < panel_from(B) {
        columns::<B, B>(rows, x, sums);
    } else {
        let blocks = rows.blocks();
        let panel = panel.get_or_insert_with(|| Panel::EMPTY);
        // Parts of equal length.
        let part_blocks = blocks.div_ceil(blocks.div_ceil(panel.0.len() / ROWS));
        for first in (0..blocks).step_by(part_blocks) {
            let part = rows.range(first, part_blocks.min(blocks - first));
            let len = part.blocks();
            let panel = &mut panel.0[..ROWS * len];
            for (r, panel) in panel.chunks_exact_mut(len).enumerate() {
                let tail = part.tail.as_ref().map(|tail| &tail[r]);
                for (panel, block) in panel.iter_mut().zip(part.full[r].iter().chain(tail)) {
                    store_block(panel, unpack(block));
                }
            }
            let unpacked = RowBlocks { full: rows_of(panel, len), tail: None };
            columns::<8, B>(&unpacked, x.range(first * BLOCK..(first + len) * BLOCK), sums);
        }
    }
}

/// Adds the products of rows, stored with `S` bits a code, and all columns; codes are below `2^B`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn columns<const S: usize, const B: usize>(
    rows: &RowBlocks<'_, S, ROWS>,
    x: Columns<'_, i8>,
    sums: &mut [[i32; ROWS]],
) {
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => narrow::<S, B, 4, 1>(rows, x, k, sums),
            // With three there are not enough registers; still better than to unpack twice.
            3 if S < 8 => narrow::<S, B, 4, 3>(rows, x, k, sums),
            _ => narrow::<S, B, 4, 2>(rows, x, k, sums),
        };
    }
}

/// `R` rows at a time times `T` columns from column `k` on.
#[target_feature(enable = "avx2,fma")]
fn narrow<const S: usize, const B: usize, const R: usize, const T: usize>(
    rows: &RowBlocks<'_, S, ROWS>,
    x: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; ROWS]],
) -> usize {
    let len = rows.full[0].len();
    let mut columns: [&[[[i8; 32]; 2]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = x.row(k + t).as_chunks().0.as_chunks().0;
    }
    for first in (0..ROWS).step_by(R) {
        let mut full: [&[[u64; S]]; R] = [&[]; R];
        for r in 0..R {
            full[r] = &rows.full[first + r][..len];
        }
        let mut acc = [[_mm256_setzero_si256(); T]; R];
        // Groups of blocks whose sums an i16 holds, as one block is two results.
        let done = match fold(B) {
            8.. => groups::<S, B, 4, R, T>(&mut acc, &full, &columns),
            4.. => groups::<S, B, 2, R, T>(&mut acc, &full, &columns),
            _ => 0,
        };
        if done < len {
            let mut rest = columns;
            for t in 0..T {
                rest[t] = &columns[t][done..];
            }
            for r in 0..R {
                full[r] = &full[r][done..];
            }
            groups::<S, B, 1, R, T>(&mut acc, &full, &rest);
        }
        if let Some(tail) = &rows.tail {
            let mut rest = columns;
            for t in 0..T {
                rest[t] = &columns[t][len..];
            }
            for r in 0..R {
                full[r] = core::slice::from_ref(&tail[first + r]);
            }
            groups::<S, B, 1, R, T>(&mut acc, &full, &rest);
        }
        add_reduced::<B, R, T>(&acc, first, &mut sums[k..]);
    }
    T
}

/// Adds the products of rows and columns in whole groups of `G` blocks; gives the number of blocks.
///
/// Sums of a group are in i16, where they take two operations a product; those in i32, used once a
/// group, may well be in memory.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn groups<const S: usize, const B: usize, const G: usize, const R: usize, const T: usize>(
    acc: &mut [[__m256i; T]; R],
    rows: &[&[[u64; S]]; R],
    columns: &[&[[[i8; 32]; 2]]; T],
) -> usize {
    let len = rows[0].len() / G;
    let mut row: [&[[[u64; S]; G]]; R] = [&[]; R];
    for r in 0..R {
        row[r] = &rows[r].as_chunks().0[..len];
    }
    let mut x: [&[[[[i8; 32]; 2]; G]]; T] = [&[]; T];
    for t in 0..T {
        x[t] = &columns[t].as_chunks().0[..len];
    }
    for at in 0..len {
        let mut sums = [[_mm256_setzero_si256(); T]; R];
        for g in 0..G {
            for r in 0..R {
                let codes = unpack(&row[r][at][g]);
                for t in 0..T {
                    sums[r][t] = products::<B>(sums[r][t], codes, &x[t][at][g]);
                }
            }
        }
        for r in 0..R {
            for t in 0..T {
                acc[r][t] = widen_last::<B>(acc[r][t], sums[r][t]);
            }
        }
    }
    len * G
}

/// Adds the products of a block: in i16, or in i32 if two results do not fit an i16.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn products<const B: usize>(acc: __m256i, codes: [__m256i; 2], x: &[[i8; 32]; 2]) -> __m256i {
    let first = _mm256_maddubs_epi16(codes[0], load_signed(&x[0]));
    let second = _mm256_maddubs_epi16(codes[1], load_signed(&x[1]));
    if const { fold(B) == 1 } {
        widen(widen(acc, first), second)
    } else {
        _mm256_add_epi16(_mm256_add_epi16(acc, first), second)
    }
}

/// Adds what [`products`] summed.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn widen_last<const B: usize>(total: __m256i, acc: __m256i) -> __m256i {
    if const { fold(B) == 1 } { _mm256_add_epi32(total, acc) } else { widen(total, acc) }
}

/// Adds the sums of `R` by `T` registers for rows from `first` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_reduced<const B: usize, const R: usize, const T: usize>(
    total: &[[__m256i; T]; R],
    first: usize,
    sums: &mut [[i32; ROWS]],
) {
    for t in 0..T {
        for r in (0..R).step_by(4) {
            let mut four = [total[r][t], total[r + 1][t], total[r + 2][t], total[r + 3][t]];
            for i in 0..4 {
                four[i] = unshifted::<B>(four[i], [0, 4, 8, 12, 16, 20, 24, 28]);
            }
            let to = &mut sums[t].as_chunks_mut::<4>().0[(first + r) / 4];
            *to = integers(_mm_add_epi32(load_integers(to), reduce(four)));
        }
    }
}

/// As [`narrow`], for codes of 8 bits and activations of 16.
#[target_feature(enable = "avx2,fma")]
fn wide<const B: usize, const R: usize, const T: usize>(
    rows: &RowBlocks<'_, B, ROWS>,
    x: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; ROWS]],
) -> usize {
    let len = rows.full[0].len();
    let mut columns: [&[[[i8; 32]; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &x.row(k + t).as_chunks().0.as_chunks().0[..rows.blocks()];
    }
    for first in (0..ROWS).step_by(R) {
        let mut full: [&[[u64; B]]; R] = [&[]; R];
        for r in 0..R {
            full[r] = &rows.full[first + r][..len];
        }
        let mut total = [[_mm256_setzero_si256(); T]; R];
        for at in 0..len {
            for q in 0..4 {
                for r in 0..R {
                    let codes = _mm256_cvtepu8_epi16(load_part(&full[r][at], 16 * q));
                    for t in 0..T {
                        let products = _mm256_madd_epi16(codes, load_signed(&columns[t][at][q]));
                        total[r][t] = _mm256_add_epi32(total[r][t], products);
                    }
                }
            }
        }
        if let Some(tail) = &rows.tail {
            for q in 0..4 {
                for r in 0..R {
                    let codes = _mm256_cvtepu8_epi16(load_part(&tail[first + r], 16 * q));
                    for t in 0..T {
                        let products = _mm256_madd_epi16(codes, load_signed(&columns[t][len][q]));
                        total[r][t] = _mm256_add_epi32(total[r][t], products);
                    }
                }
            }
        }
        add_reduced::<B, R, T>(&total, first, &mut sums[k..]);
    }
    T
}
