//! AVX-512 with VNNI: `vpdpbusd` on masked packed bytes.
//!
//! A line holds 8 rows x 32 columns. Masking field `f` of all 64 bytes gives, in the 8 bytes of
//! each row, the codes of columns `4 b + f`; `vpdpbusd` with the 8 activations of that field,
//! broadcast to all rows, adds 64 products into two i32 a row. Nothing is shuffled, and an
//! unpacked field serves every token of a block.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use crate::ternary::activations::store;
use crate::ternary::shared::avx512::{SHORT, broadcast, floats, join8, lanes, load, minus, sum};
use crate::ternary::shared::{columns_of, tiles_from};
use crate::ternary::{Group, Matrix};

/// Digits of `T` tiles times `C` columns of activations, in two parts a row. Codes are digits
/// plus one, so the sum of the column is taken away first.
///
/// Slices are cut here and not by the caller: an array of slices would be passed in memory, where
/// it stalls.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot<const T: usize, const C: usize>(
    m: &Matrix<'_>,
    tile: usize,
    x: &[Group],
    x_sums: &[i32; C],
) -> [[__m512i; C]; T] {
    let len = m.words_per_row;
    let tiles = tiles_from::<T>(m, tile);
    let columns = columns_of::<_, C>(x, len);
    let mask = _mm512_set1_epi8(3);
    let mut acc = [[_mm512_setzero_si512(); C]; T];
    for c in 0..C {
        for t in 0..T {
            acc[t][c] = minus(x_sums[c]);
        }
    }
    for w in 0..len {
        let mut line = [_mm512_setzero_si512(); T];
        for t in 0..T {
            line[t] = load(&tiles[t][w]);
        }
        for f in 0..4 {
            let mut codes = line;
            for t in 0..T {
                codes[t] = _mm512_and_si512(line[t], mask);
                line[t] = _mm512_srli_epi16::<2>(line[t]);
            }
            for c in 0..C {
                let x = broadcast(&columns[c][w][f]);
                for t in 0..T {
                    acc[t][c] = _mm512_dpbusd_epi32(acc[t][c], codes[t], x);
                }
            }
        }
    }
    acc
}

/// Words after which the accumulators of [`dot_one`] are folded: 4 products of at most
/// `192 * 128` a word keep an i32 below `16384 * 98304 = 1.6e9`.
const FOLD: usize = 16384;

/// As [`dot`] for one column. With nothing to share an unpacked field with, the shifts are left
/// out: a field is masked in place and its sums are divided by 4, 16 and 64 at the end, exactly.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot_one<const T: usize>(m: &Matrix<'_>, tile: usize, x: &[Group], x_sum: i32) -> [__m512i; T] {
    let len = m.words_per_row;
    let tiles = tiles_from::<T>(m, tile);
    let column = &x[..len];
    let masks = [_mm512_set1_epi8(0x03), _mm512_set1_epi8(0x0C), _mm512_set1_epi8(0x30), _mm512_set1_epi8(-0x40)];
    let mut total = [minus(x_sum); T];
    for start in (0..len).step_by(FOLD) {
        let mut acc = [[_mm512_setzero_si512(); T]; 4];
        for w in start..len.min(start + FOLD) {
            for t in 0..T {
                let line = load(&tiles[t][w]);
                for f in 0..4 {
                    let x = broadcast(&column[w][f]);
                    let codes = _mm512_and_si512(line, masks[f]);
                    acc[f][t] = _mm512_dpbusd_epi32(acc[f][t], codes, x);
                }
            }
        }
        for t in 0..T {
            let low = _mm512_add_epi32(acc[0][t], _mm512_srai_epi32::<2>(acc[1][t]));
            let high = _mm512_add_epi32(_mm512_srai_epi32::<4>(acc[2][t]), _mm512_srai_epi32::<6>(acc[3][t]));
            total[t] = _mm512_add_epi32(total[t], _mm512_add_epi32(low, high));
        }
    }
    total
}

/// See [`super::forward_int8`]; lengths checked, nothing empty.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn forward_int8(m: Matrix<'_>, x: &[Group], scales: &[f32], weight_scale: f32, out: &mut [f32]) {
    let mut t = 0;
    while t < scales.len() {
        let scales = &scales[t..];
        let x = &x[t * m.words_per_row..];
        let out = &mut out[t * m.rows..];
        t += match scales.len() {
            1 => int8_one(m, x, scales[0] * weight_scale, out),
            2 => int8_block::<2, 4>(m, x, scales, weight_scale, out),
            3 => int8_block::<3, 4>(m, x, scales, weight_scale, out),
            4 => int8_block::<4, 4>(m, x, scales, weight_scale, out),
            5 => int8_block::<5, 4>(m, x, scales, weight_scale, out),
            // Twelve accumulators leave registers to spare for the short rows of small models;
            // 4 x 4 gains 3 % on long rows and loses 15 % on rows of 128.
            _ => int8_block::<6, 2>(m, x, scales, weight_scale, out),
        };
    }
}

/// Rows of a tile that exist.
fn rows_of(m: &Matrix<'_>, tile: usize) -> core::ops::Range<usize> {
    tile * 8..m.rows.min(tile * 8 + 8)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn int8_store(out: &mut [f32], acc: __m512i, step: f32) {
    let values = _mm256_mul_ps(_mm256_cvtepi32_ps(lanes(acc)), _mm256_set1_ps(step));
    store(out, floats(values));
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn int8_one(m: Matrix<'_>, x: &[Group], step: f32, out: &mut [f32]) -> usize {
    let x = &x[..m.words_per_row];
    let x_sum = sum(x.as_flattened().as_flattened());
    let tiles = m.tiles();
    let mut tile = 0;
    while tile + 4 <= tiles {
        let acc = dot_one::<4>(&m, tile, x, x_sum);
        for k in 0..4 {
            int8_store(&mut out[rows_of(&m, tile + k)], acc[k], step);
        }
        tile += 4;
    }
    while tile < tiles {
        let [acc] = dot_one(&m, tile, x, x_sum);
        int8_store(&mut out[rows_of(&m, tile)], acc, step);
        tile += 1;
    }
    1
}

/// `C` tokens, `T` tiles at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn int8_block<const C: usize, const T: usize>(
    m: Matrix<'_>,
    x: &[Group],
    scales: &[f32],
    weight_scale: f32,
    out: &mut [f32],
) -> usize {
    let len = m.words_per_row;
    let mut x_sums = [0; C];
    let mut steps = [0.0; C];
    for c in 0..C {
        x_sums[c] = sum(x[c * len..][..len].as_flattened().as_flattened());
        steps[c] = scales[c] * weight_scale;
    }
    let tiles = m.tiles();
    let mut tile = 0;
    while tile + T <= tiles {
        let acc = dot::<T, C>(&m, tile, x, &x_sums);
        for c in 0..C {
            for k in 0..T {
                let out = &mut out[c * m.rows..][rows_of(&m, tile + k)];
                int8_store(out, acc[k][c], steps[c]);
            }
        }
        tile += T;
    }
    while tile < tiles {
        let [acc] = dot(&m, tile, x, &x_sums);
        for c in 0..C {
            let out = &mut out[c * m.rows..][rows_of(&m, tile)];
            int8_store(out, acc[c], steps[c]);
        }
        tile += 1;
    }
    C
}

/// See [`super::forward_f32`]; lengths checked, nothing empty.
///
/// One token at a time: with its three limbs and four tiles there are 12 accumulators. Two tokens
/// (24) spill, and were 6 to 25 % slower.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn forward_limbs(m: Matrix<'_>, x: &[Group], steps: &[f64], out: &mut [f32]) {
    const TILES: usize = 4;
    let len = m.words_per_row;
    let short = m.cols <= SHORT;
    let tiles = m.tiles();
    let tokens = x.chunks_exact(3 * len).zip(out.chunks_exact_mut(m.rows));
    for ((x, out), &step) in tokens.zip(steps) {
        let mut x_sums = [0; 3];
        for l in 0..3 {
            x_sums[l] = sum(x[l * len..][..len].as_flattened().as_flattened());
        }
        let mut tile = 0;
        while tile + TILES <= tiles {
            let acc = dot::<TILES, 3>(&m, tile, x, &x_sums);
            for k in 0..TILES {
                let values = join8(acc[k], short, step);
                store(&mut out[rows_of(&m, tile + k)], floats(values));
            }
            tile += TILES;
        }
        while tile < tiles {
            let [acc] = dot(&m, tile, x, &x_sums);
            store(&mut out[rows_of(&m, tile)], floats(join8(acc, short, step)));
            tile += 1;
        }
    }
}
