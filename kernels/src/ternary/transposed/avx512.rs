//! AVX-512 with VNNI: `vpdpbusd` on masked packed bytes.
//!
//! A line holds 8 rows x 32 columns. Byte `b` of the 8 rows is put side by side (one `vpermb` a
//! line); a masked field is then 8 columns by 8 rows, and 8 values of `y` are broadcast.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use crate::ternary::Matrix;
use crate::ternary::activations::store;
use crate::ternary::shared::avx512::{SHORT, broadcast, floats16, join8, load, load_bytes, minus, sum};
use crate::ternary::shared::columns_of;

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
