//! AVX-512 with VNNI: `vpdpbusd` on masked packed bytes.
//!
//! A line holds 8 rows x 32 columns. Byte `b` of the 8 rows is put side by side (one `vpermb` a
//! line); a masked field is then 8 columns by 8 rows, and 8 values of `y` are broadcast.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;
use core::ops::Range;

use crate::ternary::shared::avx512::{broadcast, lanes, load, load_bytes};
use crate::ternary::shared::prefetch;
use crate::ternary::{Line, Matrix};

/// Tiles after which sums go to memory, in which the next word columns are a stream each. Far
/// below what an i32 holds: `64 * 4 * 192 * 128 = 6.3e6`.
const PANEL: usize = 64;

/// Byte `8 b + r` takes byte `8 r + b`.
const TRANSPOSE: [i8; 64] = {
    let mut index = [0; 64];
    let mut i = 0;
    while i < 64 {
        index[i] = (i % 8 * 8 + i / 8) as i8;
        i += 1;
    }
    index
};

/// See [`super::product`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn add_products(m: Matrix<'_>, y: &[[i8; 8]], words: Range<usize>, sums: &mut [[[i32; 8]; 4]]) {
    // At most 24 sums: the columns of `y` times four fields times the word columns of a strip.
    match y.len() / m.tiles() {
        1 => block::<1, 4>(m, y, words, sums),
        2 => block::<2, 2>(m, y, words, sums),
        3 => block::<3, 2>(m, y, words, sums),
        4 => block::<4, 1>(m, y, words, sums),
        5 => block::<5, 1>(m, y, words, sums),
        _ => block::<6, 1>(m, y, words, sums),
    }
}

/// `C` columns of `y`; strips are `W` word columns wide.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn block<const C: usize, const W: usize>(
    m: Matrix<'_>,
    y: &[[i8; 8]],
    words: Range<usize>,
    sums: &mut [[[i32; 8]; 4]],
) {
    let (tiles, len) = (m.tiles(), words.len());
    for start in (0..tiles).step_by(PANEL) {
        let panel = PANEL.min(tiles - start);
        let mut columns: [&[[i8; 8]]; C] = [&[]; C];
        for c in 0..C {
            columns[c] = &y[c * tiles + start..][..panel];
        }
        let lines = &m.lines[start * m.words_per_row + words.start..];
        let mut w = 0;
        while w + W <= len {
            let acc = strip::<C, W>(&lines[w..], m.words_per_row, &columns);
            for k in 0..W {
                add(sums, len, w + k, acc[k]);
            }
            w += W;
        }
        while w < len {
            let [acc] = strip::<C, 1>(&lines[w..], m.words_per_row, &columns);
            add(sums, len, w, acc);
            w += 1;
        }
    }
}

/// Sums over a panel of `W` word columns, in two parts a column. Lines of a word column lie
/// `stride` apart.
///
/// With one column of `y` and a wide strip there is nothing to share an unpacked field with, and the
/// shifts are left out: a field is masked in place and its sums are divided by 4, 16 and 64 at the end, exactly.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn strip<const C: usize, const W: usize>(lines: &[Line], stride: usize, y: &[&[[i8; 8]]; C]) -> [[[__m512i; C]; 4]; W] {
    let masks = [_mm512_set1_epi8(0x03), _mm512_set1_epi8(0x0C), _mm512_set1_epi8(0x30), _mm512_set1_epi8(-0x40)];
    let transpose = load_bytes(&TRANSPOSE);
    let mut acc = [[[_mm512_setzero_si512(); C]; 4]; W];
    let mut at = 0;
    for k in 0..y[0].len() {
        let lines: &[Line] = &lines[at..][..W];
        for w in 0..W {
            prefetch(&lines[w], W);
        }
        at += stride;
        let mut rows = [_mm512_setzero_si512(); W];
        for w in 0..W {
            rows[w] = _mm512_permutexvar_epi8(transpose, load(&lines[w]));
        }
        if W == 1 {
            // Many columns of `y`, of which only one at a time is in a register.
            let mut codes = [rows[0]; 4];
            for f in 0..4 {
                codes[f] = field(rows[0], f);
            }
            for c in 0..C {
                let y = broadcast(&y[c][k]);
                for f in 0..4 {
                    acc[0][f][c] = _mm512_dpbusd_epi32(acc[0][f][c], codes[f], y);
                }
            }
            continue;
        }
        for f in 0..4 {
            for w in 0..W {
                let codes = if C == 1 { _mm512_and_si512(rows[w], masks[f]) } else { field(rows[w], f) };
                for c in 0..C {
                    acc[w][f][c] = _mm512_dpbusd_epi32(acc[w][f][c], codes, broadcast(&y[c][k]));
                }
            }
        }
    }
    if C == 1 && W > 1 {
        for w in 0..W {
            acc[w][1][0] = _mm512_srai_epi32::<2>(acc[w][1][0]);
            acc[w][2][0] = _mm512_srai_epi32::<4>(acc[w][2][0]);
            acc[w][3][0] = _mm512_srai_epi32::<6>(acc[w][3][0]);
        }
    }
    acc
}

/// Codes of field `f`, a constant once the loops around are unrolled.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn field(rows: __m512i, f: usize) -> __m512i {
    let mask = _mm512_set1_epi8(3);
    match f {
        0 => _mm512_and_si512(rows, mask),
        1 => _mm512_and_si512(_mm512_srli_epi16::<2>(rows), mask),
        2 => _mm512_and_si512(_mm512_srli_epi16::<4>(rows), mask),
        _ => _mm512_and_si512(_mm512_srli_epi16::<6>(rows), mask),
    }
}

/// Adds the sums of a word column.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn add<const C: usize>(sums: &mut [[[i32; 8]; 4]], len: usize, w: usize, acc: [[__m512i; C]; 4]) {
    for c in 0..C {
        let sums = &mut sums[c * len + w];
        for f in 0..4 {
            // SAFETY: `sums[f]` is 32 readable bytes; the load has no alignment requirement.
            let before = unsafe { _mm256_loadu_si256(sums[f].as_ptr().cast()) };
            let after = _mm256_add_epi32(before, lanes(acc[f][c]));
            // SAFETY: `sums[f]` is 32 writable bytes; the store has no alignment requirement.
            unsafe { _mm256_storeu_si256(sums[f].as_mut_ptr().cast(), after) }
        }
    }
}
