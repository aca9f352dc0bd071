//! AVX2: `vpmaddubsw` on masked packed bytes, sums in i16 that are widened before they overflow.
//!
//! A register holds half a line, 4 rows x 32 columns. Field `f` of the bytes is masked out and
//! multiplied with the 8 activations of that field, broadcast to all rows, as in `avx512.rs`.
//!
//! The transposed product first puts byte `b` of the 4 rows side by side; a masked field is then
//! 8 columns by 4 rows, and 4 values of `y` are broadcast.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::activations::{Order, join, store, store_fields};
use super::pack::pack_rows;
use super::simd::{as_i64, columns_of, word_from_masks};
use super::{Group, Line, Matrix, portable};

/// Tokens of a block of the int8 product.
const TOKENS: usize = 3;

/// Words (forward) after which i16 sums are widened. A word adds 4 pairs of products of at most
/// `3 * 128` to each: `8 * 4 * 2 * 384 = 24576 < 32768`.
const FOLD_WORDS: usize = 8;

/// Tiles (transposed) after which i16 sums are widened. A tile adds 2 pairs of products:
/// `16 * 2 * 2 * 384 = 24576 < 32768`.
const FOLD_TILES: usize = 16;

#[inline]
#[target_feature(enable = "avx2")]
fn load(half: &[u64; 4]) -> __m256i {
    // SAFETY: `half` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_floats(x: &[f32; 8]) -> __m256 {
    // SAFETY: `x` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn integers(v: __m256i) -> [i32; 8] {
    let mut out = [0; 8];
    // SAFETY: `out` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), v) };
    out
}

/// Adds neighbouring i16 into i32.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(total: __m256i, sums: __m256i) -> __m256i {
    _mm256_add_epi32(total, _mm256_madd_epi16(sums, _mm256_set1_epi16(1)))
}

#[inline(always)]
fn sum(codes: &[i8]) -> i32 {
    codes.iter().map(|&c| i32::from(c)).sum()
}

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

#[inline(always)]
fn join8(sums: [[i32; 8]; 3], x_sums: [i32; 3], step: f64) -> [f32; 8] {
    let mut out = [0.0; 8];
    for k in 0..8 {
        out[k] = join([0, 1, 2].map(|l| sums[l][k] - x_sums[l]), step);
    }
    out
}

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

/// See [`super::quantize_int8`]: the portable loop, compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn quantize_int8(x: &[f32], cols: usize, codes: &mut [i8], steps: &mut [f32]) {
    portable::quantize_int8(x, cols, codes, steps);
}

/// See [`super::activations::split_limbs`]: the portable loop, compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn split_limbs(order: Order, x: &[f32], len: usize, codes: &mut [i8], steps: &mut [f64]) {
    portable::split_limbs(order, x, len, codes, steps);
}

/// The packing pass of [`super::quantize_absmean`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn pack_rounded(w: &[f32], cols: usize, inverse: f32, lines: &mut [Line]) {
    pack_rows(w, cols, lines, |part| {
        let (x, _) = part.as_chunks::<8>();
        let (mut above, mut below) = (0, 0);
        for i in 0..4 {
            let v = _mm256_mul_ps(load_floats(&x[i]), _mm256_set1_ps(inverse));
            let plus = _mm256_cmp_ps::<_CMP_GT_OQ>(v, _mm256_set1_ps(0.5));
            let minus = _mm256_cmp_ps::<_CMP_LT_OQ>(v, _mm256_set1_ps(-0.5));
            above |= (_mm256_movemask_ps(plus) as u32) << (8 * i);
            below |= (_mm256_movemask_ps(minus) as u32) << (8 * i);
        }
        word_from_masks(above, below)
    });
}
