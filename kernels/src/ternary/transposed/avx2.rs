//! AVX2: `vpmaddubsw` on masked packed bytes, sums in i16 that are widened before they overflow.
//!
//! From the two registers of a line, one `vshufps` takes one half (4 bytes) of each of the 8 rows,
//! four rows to a lane, and one `vpshufb` puts equal bytes of the rows side by side. A masked field
//! is then 4 columns by 4 rows in either lane, which meet 4 values of `y` each.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;
use core::ops::Range;

use crate::ternary::shared::avx2::load;
use crate::ternary::shared::{as_i64, prefetch};
use crate::ternary::{Line, Matrix};

/// Tiles after which i16 sums are widened. A tile adds a pair of products of at most `3 * 128`:
/// `40 * 2 * 384 = 30720 < 32768`.
const PANEL: usize = 40;

/// See [`super::product`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn add_products(m: Matrix<'_>, y: &[[i8; 8]], words: Range<usize>, sums: &mut [[[i32; 8]; 4]]) {
    // Sums, `y` and what is unpacked must fit 16 registers: a sum that does not waits for memory
    // once a tile.
    match y.len() / m.tiles() {
        1 => block::<1, 4, 2>(m, y, words, sums),
        2 => block::<2, 4, 1>(m, y, words, sums),
        3 => block::<3, 2, 1>(m, y, words, sums),
        4 => block::<4, 2, 1>(m, y, words, sums),
        5 => block::<5, 1, 1>(m, y, words, sums),
        _ => block::<6, 1, 1>(m, y, words, sums),
    }
}

/// Word columns whose rows are put side by side in one go. Lines a power of two apart share a few sets
/// of the first cache level and drive each other out, so each visit to a tile takes what it needs for a
/// while: with 2048 or 4096 columns this takes a tenth to a quarter off the time.
const WORDS: usize = 4;

/// Both halves of the tiles of a panel, for one word column.
type Rows = [[__m256i; 2]; PANEL];

/// `C` columns of `y`; strips take `F` fields of `H` halves at a time.
#[target_feature(enable = "avx2,fma")]
fn block<const C: usize, const F: usize, const H: usize>(
    m: Matrix<'_>,
    y: &[[i8; 8]],
    words: Range<usize>,
    sums: &mut [[[i32; 8]; 4]],
) {
    let (tiles, stride, len) = (m.tiles(), m.words_per_row, words.len());
    let mut spread = [[_mm256_setzero_si256(); C]; PANEL];
    let mut rows: [Rows; WORDS] = [[[_mm256_setzero_si256(); 2]; PANEL]; WORDS];
    for start in (0..tiles).step_by(PANEL) {
        let y_panel = &mut spread[..PANEL.min(tiles - start)];
        for (k, spread) in y_panel.iter_mut().enumerate() {
            for c in 0..C {
                spread[c] = spread_rows(&y[c * tiles + start + k]);
            }
        }
        for first in (0..len).step_by(WORDS) {
            let rows = &mut rows[..WORDS.min(len - first)];
            for k in 0..y_panel.len() {
                let lines = &m.lines[(start + k) * stride + words.start + first..];
                for (rows, line) in rows.iter_mut().zip(lines) {
                    rows[k] = halves(line);
                }
            }
            for (w, rows) in rows.iter().enumerate() {
                strip::<C, F, H>(&rows[..y_panel.len()], y_panel, sums, (len, first + w));
            }
        }
    }
}

/// One word column `w` of `len`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn strip<const C: usize, const F: usize, const H: usize>(
    rows: &[[__m256i; 2]],
    y: &[[__m256i; C]],
    sums: &mut [[[i32; 8]; 4]],
    (len, w): (usize, usize),
) {
    for field in (0..4).step_by(F) {
        for half in (0..2).step_by(H) {
            let mut acc = [[[_mm256_setzero_si256(); C]; F]; H];
            for (rows, y) in rows.iter().zip(y) {
                multiply(&mut acc, *rows, y, half, field);
            }
            add(sums, (len, w, field, half), acc);
        }
    }
}

/// Both halves of a line, four rows in either lane, equal bytes side by side.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(line: &Line) -> [__m256i; 2] {
    let transpose = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    // What has its turn when these words are done.
    prefetch(line, WORDS);
    let (quads, _) = line.as_chunks::<4>();
    let (a, b) = (_mm256_castsi256_ps(load(&quads[0])), _mm256_castsi256_ps(load(&quads[1])));
    let low = _mm256_castps_si256(_mm256_shuffle_ps::<0x88>(a, b));
    let high = _mm256_castps_si256(_mm256_shuffle_ps::<0xDD>(a, b));
    [_mm256_shuffle_epi8(low, transpose), _mm256_shuffle_epi8(high, transpose)]
}

/// Rows 0, 1, 4, 5 four times in the low lane, rows 2, 3, 6, 7 in the high one.
#[inline]
#[target_feature(enable = "avx2")]
fn spread_rows(y: &[i8; 8]) -> __m256i {
    const LOW: i32 = 0x0504_0100;
    const HIGH: i32 = 0x0706_0302;
    let rows = _mm256_setr_epi32(LOW, LOW, LOW, LOW, HIGH, HIGH, HIGH, HIGH);
    _mm256_shuffle_epi8(_mm256_set1_epi64x(as_i64(y)), rows)
}

/// One tile of a strip: `F` fields from `field` on, `H` halves from `half` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn multiply<const C: usize, const F: usize, const H: usize>(
    acc: &mut [[[__m256i; C]; F]; H],
    rows: [__m256i; 2],
    y: &[__m256i; C],
    half: usize,
    field: usize,
) {
    let mask = _mm256_set1_epi8(3);
    for h in 0..H {
        let mut rows = if half == 0 { rows[h] } else { rows[1] };
        if F < 4 {
            rows = _mm256_srl_epi16(rows, _mm_cvtsi32_si128(2 * field as i32));
        }
        for f in 0..F {
            let codes = _mm256_and_si256(rows, mask);
            for c in 0..C {
                acc[h][f][c] = _mm256_add_epi16(acc[h][f][c], _mm256_maddubs_epi16(codes, y[c]));
            }
            rows = _mm256_srli_epi16::<2>(rows);
        }
    }
}

/// Adds the sums of a strip at word column `w` of `len`, field `field`, half `half`. A half has four
/// columns, each in two pairs of i16 in either lane.
#[inline]
#[target_feature(enable = "avx2")]
fn add<const C: usize, const F: usize, const H: usize>(
    sums: &mut [[[i32; 8]; 4]],
    (len, w, field, half): (usize, usize, usize, usize),
    acc: [[[__m256i; C]; F]; H],
) {
    for c in 0..C {
        for f in 0..F {
            let (halves, _) = sums[c * len + w][field + f].as_chunks_mut::<4>();
            for h in 0..H {
                let to = &mut halves[half + h];
                let wide = _mm256_madd_epi16(acc[h][f][c], _mm256_set1_epi16(1));
                let columns = _mm_add_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256::<1>(wide));
                // SAFETY: `to` is 16 readable bytes; the load has no alignment requirement.
                let before = unsafe { _mm_loadu_si128(to.as_ptr().cast()) };
                let after = _mm_add_epi32(before, columns);
                // SAFETY: `to` is 16 writable bytes; the store has no alignment requirement.
                unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), after) }
            }
        }
    }
}
