//! The transposed product: rows brought side by side in a panel, then multiplied by columns of `y`.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;
use core::ops::Range;

use super::super::{BLOCK, Codes, Panel};
use super::unpack::unpack;
use super::{fold, integers, load, load_integers, store, unshifted, widen};
use crate::columns::Columns;

/// See `Kernels::transposed`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn transposed<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    if B == 8 {
        transposed_wide::<B>(m, block, rows, y, panel, sums);
    } else {
        transposed_narrow::<B>(m, block, rows, y, panel, sums);
    }
}

/// The codes of block `block` of row `r`; zeros for a row past the end.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn unpack_row<const B: usize>(m: &Codes<'_>, block: usize, r: usize, end: usize) -> [__m256i; 2] {
    if r >= end {
        return [_mm256_setzero_si256(); 2];
    }
    let (full, rest) = m.row::<B>(r);
    match full.get(block) {
        Some(block) => unpack(block),
        None => {
            let mut block = [0; B];
            block[..rest.len()].copy_from_slice(rest);
            unpack(&block)
        }
    }
}

/// Four rows side by side: byte `4 c + r` of register `i` of half `h` is row `r` of place
/// `32 h + 16 l + 4 i + c` for 128-bit lane `l`.
#[target_feature(enable = "avx2,fma")]
fn transposed_narrow<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    let quads = rows.len().div_ceil(4);
    let panel = panel.bytes().as_chunks_mut::<32>().0.as_chunks_mut::<8>().0;
    let panel = &mut panel[..quads];
    for (q, panel) in panel.iter_mut().enumerate() {
        let r = rows.start + 4 * q;
        let a = unpack_row::<B>(m, block, r, rows.end);
        let b = unpack_row::<B>(m, block, r + 1, rows.end);
        let c = unpack_row::<B>(m, block, r + 2, rows.end);
        let d = unpack_row::<B>(m, block, r + 3, rows.end);
        for h in 0..2 {
            let ab = [_mm256_unpacklo_epi8(a[h], b[h]), _mm256_unpackhi_epi8(a[h], b[h])];
            let cd = [_mm256_unpacklo_epi8(c[h], d[h]), _mm256_unpackhi_epi8(c[h], d[h])];
            for i in 0..2 {
                store(&mut panel[4 * h + 2 * i], _mm256_unpacklo_epi16(ab[i], cd[i]));
                store(&mut panel[4 * h + 2 * i + 1], _mm256_unpackhi_epi16(ab[i], cd[i]));
            }
        }
    }
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => quads_narrow::<B, 8, 1>(panel, y, k, sums),
            2 => quads_narrow::<B, 4, 2>(panel, y, k, sums),
            _ => quads_narrow::<B, 2, 3>(panel, y, k, sums),
        };
    }
}

/// `V` registers of columns at a time times `T` columns of `y` from column `k` on.
#[target_feature(enable = "avx2,fma")]
fn quads_narrow<const B: usize, const V: usize, const T: usize>(
    panel: &[[[u8; 32]; 8]],
    y: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; BLOCK]],
) -> usize {
    let mut columns: [&[[i8; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = y.row(k + t).as_chunks().0;
    }
    for first in (0..8).step_by(V) {
        let mut acc = [[_mm256_setzero_si256(); T]; V];
        // Groups whose sums an i16 holds.
        let done = match fold(B) {
            4.. => quad_groups::<4, V, T>(&mut acc, panel, first, &columns),
            2.. => quad_groups::<2, V, T>(&mut acc, panel, first, &columns),
            _ => 0,
        };
        let mut rest = columns;
        for t in 0..T {
            rest[t] = &rest[t][done..];
        }
        quad_groups::<1, V, T>(&mut acc, &panel[done..], first, &rest);
        for t in 0..T {
            for v in 0..V {
                let i = (first + v) % 4;
                let (low, high) = (4 * i, 16 + 4 * i);
                let places = [low, low, low, low, high, high, high, high];
                add_columns(&mut sums[k + t], (first + v) / 4, i, unshifted::<B>(acc[v][t], places));
            }
        }
    }
    T
}

/// As [`groups`], for quads of rows and `V` registers of columns from `first` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn quad_groups<const G: usize, const V: usize, const T: usize>(
    acc: &mut [[__m256i; T]; V],
    panel: &[[[u8; 32]; 8]],
    first: usize,
    columns: &[&[[i8; 4]]; T],
) -> usize {
    let panel = panel.as_chunks::<G>().0;
    let mut y: [&[[[i8; 4]; G]]; T] = [&[]; T];
    for t in 0..T {
        y[t] = &columns[t].as_chunks().0[..panel.len()];
    }
    for at in 0..panel.len() {
        let mut sums = [[_mm256_setzero_si256(); T]; V];
        for g in 0..G {
            let panel = &panel[at][g][first..first + V];
            let mut four = [_mm256_setzero_si256(); T];
            for t in 0..T {
                four[t] = _mm256_set1_epi32(i32::from_le_bytes(y[t][at][g].map(|y| y as u8)));
            }
            for v in 0..V {
                let codes = load(&panel[v]);
                for t in 0..T {
                    sums[v][t] = _mm256_add_epi16(sums[v][t], _mm256_maddubs_epi16(codes, four[t]));
                }
            }
        }
        for v in 0..V {
            for t in 0..T {
                acc[v][t] = widen(acc[v][t], sums[v][t]);
            }
        }
    }
    panel.len() * G
}

/// Adds to the sums of the columns of register `i` of half `h`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_columns(sums: &mut [i32; BLOCK], h: usize, i: usize, v: __m256i) {
    let (lanes, _) = sums.as_chunks_mut::<16>();
    let lanes = &mut lanes[2 * h..2 * h + 2];
    let halves = [_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v)];
    for l in 0..2 {
        let to = &mut lanes[l].as_chunks_mut::<4>().0[i];
        *to = integers(_mm_add_epi32(load_integers(to), halves[l]));
    }
}

/// As [`transposed_narrow`] with two rows of i16 side by side, for codes of 8 bits.
#[target_feature(enable = "avx2,fma")]
fn transposed_wide<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    let zero = _mm256_setzero_si256();
    let all = panel.bytes().as_chunks_mut::<32>().0.as_chunks_mut::<8>().0;
    let y_pairs = 2 * rows.len().div_ceil(4);
    let room = all.len();
    for first in (0..y_pairs).step_by(room) {
        let panel = &mut all[..room.min(y_pairs - first)];
        for (p, panel) in panel.iter_mut().enumerate() {
            let r = rows.start + 2 * (first + p);
            let a = unpack_row::<B>(m, block, r, rows.end);
            let b = unpack_row::<B>(m, block, r + 1, rows.end);
            for h in 0..2 {
                let ab = [_mm256_unpacklo_epi8(a[h], b[h]), _mm256_unpackhi_epi8(a[h], b[h])];
                for i in 0..2 {
                    store(&mut panel[4 * h + 2 * i], _mm256_unpacklo_epi8(ab[i], zero));
                    store(&mut panel[4 * h + 2 * i + 1], _mm256_unpackhi_epi8(ab[i], zero));
                }
            }
        }
        let y = y.range(4 * first..4 * (first + panel.len()));
        let mut k = 0;
        while k < sums.len() {
            k += match sums.len() - k {
                1 => pairs_wide::<8, 1>(panel, y, k, sums),
                _ => pairs_wide::<4, 2>(panel, y, k, sums),
            };
        }
    }
}

/// As [`quads_narrow`], for pairs; adds to `sums`.
#[target_feature(enable = "avx2,fma")]
fn pairs_wide<const V: usize, const T: usize>(
    panel: &[[[u8; 32]; 8]],
    y: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; BLOCK]],
) -> usize {
    let len = panel.len();
    let mut columns: [&[[i8; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &y.row(k + t).as_chunks().0[..len];
    }
    for first in (0..8).step_by(V) {
        let mut total = [[_mm256_setzero_si256(); T]; V];
        for p in 0..len {
            let panel = &panel[p][first..first + V];
            let mut y = [_mm256_setzero_si256(); T];
            for t in 0..T {
                y[t] = _mm256_set1_epi32(i32::from_le_bytes(columns[t][p].map(|y| y as u8)));
            }
            for v in 0..V {
                let codes = load(&panel[v]);
                for t in 0..T {
                    total[v][t] = _mm256_add_epi32(total[v][t], _mm256_madd_epi16(codes, y[t]));
                }
            }
        }
        for t in 0..T {
            for v in 0..V {
                add_columns(&mut sums[k + t], (first + v) / 4, (first + v) % 4, total[v][t]);
            }
        }
    }
    T
}
