//! AVX-512 with VNNI: `vpdpbusd` on masked packed bytes.
//!
//! A line holds 8 rows x 32 columns. Masking field `f` of all 64 bytes gives, in the 8 bytes of
//! each row, the codes of columns `4 b + f`; `vpdpbusd` with the 8 activations of that field,
//! broadcast to all rows, adds 64 products into two i32 a row. Nothing is shuffled, and an
//! unpacked field serves every token of a block.
//!
//! The transposed product first puts byte `b` of the 8 rows side by side (one `vpermb` a line);
//! a masked field is then 8 columns by 8 rows, and 8 values of `y` are broadcast.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

mod quantize;

use core::arch::x86_64::*;

pub(super) use quantize::{pack_rounded, quantize_int8, split_limbs};

use super::activations::store;
use super::simd::{as_i64, columns_of, tiles_from};
use super::{Group, Line, Matrix};

#[inline]
#[target_feature(enable = "avx512f")]
fn load(line: &Line) -> __m512i {
    // SAFETY: `line` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(bytes: &[i8; 64]) -> __m512i {
    // SAFETY: `bytes` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// The 8 codes in every 8 bytes of a register.
#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(codes: &[i8; 8]) -> __m512i {
    _mm512_set1_epi64(as_i64(codes))
}

#[inline]
#[target_feature(enable = "avx2")]
fn floats(v: __m256) -> [f32; 8] {
    let mut out = [0.0; 8];
    // SAFETY: `out` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), v) };
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
fn floats16(v: __m512) -> [f32; 16] {
    let mut out = [0.0; 16];
    // SAFETY: `out` is 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), v) };
    out
}

/// Sum of codes, to take away the offset of the stored digits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sum(codes: &[i8]) -> i32 {
    let (full, rest) = codes.as_chunks::<64>();
    let mut acc = _mm512_setzero_si512();
    for part in full {
        acc = _mm512_dpbusd_epi32(acc, _mm512_set1_epi8(1), load_bytes(part));
    }
    _mm512_reduce_add_epi32(acc) + rest.iter().map(|&c| i32::from(c)).sum::<i32>()
}

/// `-sum` for each row: in the first of its two parts, 0 in the second.
#[inline]
#[target_feature(enable = "avx512f")]
fn minus(sum: i32) -> __m512i {
    _mm512_set1_epi64(i64::from(sum.wrapping_neg() as u32))
}

/// Adds the two parts of each row: 16 x i32 to 8 x i32.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn lanes(acc: __m512i) -> __m256i {
    _mm512_cvtepi64_epi32(_mm512_add_epi32(acc, _mm512_srli_epi64::<32>(acc)))
}

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

/// The longest sum for which [`join8`] may add the two lower limbs in i32: a digit is at most 2 and
/// the offset 1, so `16384 * 3 * 128 * 257 = 1.62e9 < 2^31`.
const SHORT: usize = 16384;

/// `join` of 8 outputs. `short`: the sums have at most [`SHORT`] terms.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn join8(acc: [__m512i; 3], short: bool, step: f64) -> __m256 {
    let wide = |sums| _mm512_cvtepi32_pd(sums);
    // All exact, see `join`: contracting and the order of additions change nothing.
    let low = if short {
        let low = _mm512_add_epi32(acc[0], _mm512_slli_epi32::<8>(acc[1]));
        wide(lanes(low))
    } else {
        let middle = wide(lanes(acc[1]));
        _mm512_fmadd_pd(middle, _mm512_set1_pd(256.0), wide(lanes(acc[0])))
    };
    let sum = _mm512_fmadd_pd(wide(lanes(acc[2])), _mm512_set1_pd(65536.0), low);
    _mm512_cvtpd_ps(_mm512_mul_pd(sum, _mm512_set1_pd(step)))
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

/// See [`super::transposed_f32`]; lengths checked, nothing empty. One token at a time, as above:
/// four fields by three limbs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn transposed_limbs(m: Matrix<'_>, y: &[[i8; 8]], steps: &[f64], out: &mut [f32]) {
    let short = m.rows <= SHORT;
    let tiles = m.tiles();
    let tokens = y.chunks_exact(3 * tiles).zip(out.chunks_exact_mut(m.cols));
    for ((y, out), &step) in tokens.zip(steps) {
        let mut y_sums = [0; 3];
        for l in 0..3 {
            y_sums[l] = sum(y[l * tiles..][..tiles].as_flattened());
        }
        for (w, out) in out.chunks_mut(32).enumerate() {
            let acc = strip(&m, w, y, &y_sums);
            let mut fields = [_mm256_setzero_ps(); 4];
            for f in 0..4 {
                fields[f] = join8(acc[f], short, step);
            }
            store(out, natural(fields));
        }
    }
}

/// Digits of word column `w`, all rows, times the three limbs of a token: 8 columns `4 b + f`
/// for each field `f`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn strip(m: &Matrix<'_>, w: usize, y: &[[i8; 8]], y_sums: &[i32; 3]) -> [[__m512i; 3]; 4] {
    const TRANSPOSE: [i8; 64] = {
        let mut index = [0; 64];
        let mut i = 0;
        while i < 64 {
            index[i] = (i % 8 * 8 + i / 8) as i8;
            i += 1;
        }
        index
    };
    let tiles = m.tiles();
    let columns = columns_of::<_, 3>(y, tiles);
    let transpose = load_bytes(&TRANSPOSE);
    let mask = _mm512_set1_epi8(3);
    let mut acc = [[_mm512_setzero_si512(); 3]; 4];
    for c in 0..3 {
        for f in 0..4 {
            acc[f][c] = minus(y_sums[c]);
        }
    }
    for tile in 0..tiles {
        let line = load(&m.lines[tile * m.words_per_row + w]);
        let line = _mm512_permutexvar_epi8(transpose, line);
        let codes = [
            _mm512_and_si512(line, mask),
            _mm512_and_si512(_mm512_srli_epi16::<2>(line), mask),
            _mm512_and_si512(_mm512_srli_epi16::<4>(line), mask),
            _mm512_and_si512(_mm512_srli_epi16::<6>(line), mask),
        ];
        for c in 0..3 {
            let y = broadcast(&columns[c][tile]);
            for f in 0..4 {
                acc[f][c] = _mm512_dpbusd_epi32(acc[f][c], codes[f], y);
            }
        }
    }
    acc
}

/// 32 columns in order, from `fields[f][b]` of column `4 b + f`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn natural(fields: [__m256; 4]) -> [f32; 32] {
    let pair = |low, high| _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high);
    let (a, b) = (pair(fields[0], fields[1]), pair(fields[2], fields[3]));
    // Lane `4 k + f` takes field `f` (8 lanes each, two registers), element `k`.
    let first = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
    let second = _mm512_add_epi32(first, _mm512_set1_epi32(4));
    let halves = [floats16(_mm512_permutex2var_ps(a, first, b)), floats16(_mm512_permutex2var_ps(a, second, b))];
    let mut out = [0.0; 32];
    out.as_chunks_mut::<16>().0.copy_from_slice(&halves);
    out
}
