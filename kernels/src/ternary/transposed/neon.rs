//! NEON with the dot product instructions.
//!
//! Four rows of a line are two registers; two `tbl` put equal bytes of the four rows side by side.
//! A masked field is then 4 columns by 4 rows, and 4 values of `y` are broadcast.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::aarch64::*;
use core::arch::asm;
use core::ops::Range;

use crate::ternary::{Line, Matrix};

/// Tiles after which sums go to memory. Far below what an i32 holds: `64 * 8 * 48 * 128 = 3.1e6`.
const PANEL: usize = 64;

/// See [`super::product`].
#[target_feature(enable = "neon,dotprod")]
pub(super) fn add_products(m: Matrix<'_>, y: &[[i8; 8]], words: Range<usize>, sums: &mut [[[i32; 8]; 4]]) {
    // Four fields of four columns of digits, times the columns of `y`: at most 24 sums.
    match y.len() / m.tiles() {
        1 => block::<1>(m, y, words, sums),
        2 => block::<2>(m, y, words, sums),
        3 => block::<3>(m, y, words, sums),
        4 => block::<4>(m, y, words, sums),
        5 => block::<5>(m, y, words, sums),
        _ => block::<6>(m, y, words, sums),
    }
}

/// `C` columns of `y`.
#[target_feature(enable = "neon,dotprod")]
fn block<const C: usize>(m: Matrix<'_>, y: &[[i8; 8]], words: Range<usize>, sums: &mut [[[i32; 8]; 4]]) {
    let (tiles, len) = (m.tiles(), words.len());
    for start in (0..tiles).step_by(PANEL) {
        let panel = PANEL.min(tiles - start);
        let mut columns: [&[[i8; 8]]; C] = [&[]; C];
        for c in 0..C {
            columns[c] = &y[c * tiles + start..][..panel];
        }
        for w in 0..len {
            let lines = &m.lines[start * m.words_per_row + words.start + w..];
            for half in 0..2 {
                let acc = strip::<C>(lines, m.words_per_row, &columns, half);
                for c in 0..C {
                    for f in 0..4 {
                        let sums = &mut sums[c * len + w][f].as_chunks_mut::<4>().0[half];
                        add(sums, acc[f][c]);
                    }
                }
            }
        }
    }
}

/// Sums over a panel, of bytes `4 half` to `4 half + 3` of each row. Lines lie `stride` apart.
///
/// Fields are masked in place where that leaves a positive i8; their sums are divided at the end,
/// exactly.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn strip<const C: usize>(lines: &[Line], stride: usize, y: &[&[[i8; 8]]; C], half: usize) -> [[int32x4_t; C]; 4] {
    const INDEX: [[u8; 16]; 2] = {
        let mut index = [[0; 16]; 2];
        let mut i = 0;
        while i < 16 {
            index[0][i] = (i % 4 * 8 + i / 4) as u8;
            index[1][i] = (i % 4 * 8 + i / 4 + 4) as u8;
            i += 1;
        }
        index
    };
    let index = bytes(&INDEX[half]);
    let masks = [vdupq_n_u8(0x03), vdupq_n_u8(0x0C), vdupq_n_u8(0x30)];
    let mut acc = [[vdupq_n_s32(0); C]; 4];
    let mut at = 0;
    for k in 0..y[0].len() {
        let (pairs, _) = lines[at].as_chunks::<2>();
        at += stride;
        for h in 0..2 {
            let rows = vqtbl2q_u8(uint8x16x2_t(rows(&pairs[2 * h]), rows(&pairs[2 * h + 1])), index);
            let codes =
                [vandq_u8(rows, masks[0]), vandq_u8(rows, masks[1]), vandq_u8(rows, masks[2]), vshrq_n_u8::<6>(rows)];
            for c in 0..C {
                let y = four(&y[c][k], h);
                for f in 0..4 {
                    acc[f][c] = dot(acc[f][c], vreinterpretq_s8_u8(codes[f]), y);
                }
            }
        }
    }
    for c in 0..C {
        acc[1][c] = vshrq_n_s32::<2>(acc[1][c]);
        acc[2][c] = vshrq_n_s32::<4>(acc[2][c]);
    }
    acc
}

/// `acc + a * b`, four products to each sum. The intrinsic is not stable yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(mut acc: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: `sdot` reads and writes registers only, and this function has the feature.
    unsafe {
        asm!(
            "sdot {acc:v}.4s, {a:v}.16b, {b:v}.16b",
            acc = inout(vreg) acc, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}

/// Rows `4 h` to `4 h + 3`, four times.
#[inline]
#[target_feature(enable = "neon")]
fn four(y: &[i8; 8], h: usize) -> int8x16_t {
    let (halves, _) = y.as_chunks::<4>();
    let four = i32::from_le_bytes(halves[h].map(|y| y as u8));
    vreinterpretq_s8_s32(vdupq_n_s32(four))
}

#[inline]
#[target_feature(enable = "neon")]
fn rows(pair: &[u64; 2]) -> uint8x16_t {
    // SAFETY: `pair` is 16 readable bytes, aligned for `u64`.
    let words = unsafe { vld1q_u64(pair.as_ptr()) };
    vreinterpretq_u8_u64(words)
}

#[inline]
#[target_feature(enable = "neon")]
fn bytes(x: &[u8; 16]) -> uint8x16_t {
    // SAFETY: `x` is 16 readable bytes.
    unsafe { vld1q_u8(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn add(sums: &mut [i32; 4], acc: int32x4_t) {
    // SAFETY: `sums` is 16 readable bytes, aligned for `i32`.
    let before = unsafe { vld1q_s32(sums.as_ptr()) };
    let after = vaddq_s32(before, acc);
    // SAFETY: `sums` is 16 writable bytes, aligned for `i32`.
    unsafe { vst1q_s32(sums.as_mut_ptr(), after) }
}
