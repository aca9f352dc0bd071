//! NEON with the dot product instructions: `sdot` on masked packed bytes.
//!
//! A register holds a quarter of a line, 2 rows x 32 columns. Field `f` of the bytes is masked out
//! and multiplied with the 8 activations of that field, once for each row; `sdot` adds 16 products
//! into two i32 a row. An unpacked field serves every column of a block.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::aarch64::*;
use core::arch::asm;

use super::blocks::{Dot, Finish, PART, Product, Strip, Sums};
use crate::Neon;
use crate::ternary::{Group, Line};

/// The product, all of it compiled for the dot product instructions.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn run<F: Finish<L>, const L: usize>(token: Neon, product: Product<'_, F, L>) {
    product.on(token);
}

impl Dot for Neon {
    // 16 sums, 4 quarters, a field of each, the mask and an activation: 26 of 32 registers.
    const COLUMNS: usize = 4;

    #[inline(always)]
    fn add<const C: usize>(&mut self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
        if C == 1 {
            // SAFETY: this `Neon` token exists only after detection found NEON and dotprod.
            unsafe { add_one(strip, x[0], sums.as_flattened_mut()) }
        } else {
            // SAFETY: as above.
            unsafe { add_block(strip, x, sums) }
        }
    }
}

/// `acc + a * b`, four products a lane. The intrinsic is not stable yet (`vdotq_s32`).
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(acc: int32x4_t, a: uint8x16_t, b: int8x16_t) -> int32x4_t {
    let mut out = acc;
    // SAFETY: `sdot` reads and writes the registers named here only, and this function has its
    // feature.
    unsafe {
        asm!(
            "sdot {out:v}.4s, {a:v}.16b, {b:v}.16b",
            out = inout(vreg) out,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    out
}

#[inline]
#[target_feature(enable = "neon")]
fn quarters(line: &Line) -> [uint8x16_t; 4] {
    let (rows, _) = line.as_chunks::<2>();
    let mut out = [vdupq_n_u8(0); 4];
    for q in 0..4 {
        // SAFETY: `rows[q]` is 16 readable bytes, aligned for u64.
        out[q] = vreinterpretq_u8_u64(unsafe { vld1q_u64(rows[q].as_ptr()) });
    }
    out
}

/// The 8 activations, once for each row.
#[inline]
#[target_feature(enable = "neon")]
fn twice(codes: &[i8; 8]) -> int8x16_t {
    // SAFETY: `codes` is 8 readable bytes; the load has no alignment requirement.
    let codes = unsafe { vld1_s8(codes.as_ptr()) };
    vcombine_s8(codes, codes)
}

/// Adds the two parts of each row to the sums of a tile.
#[inline]
#[target_feature(enable = "neon")]
fn add_rows(sums: &mut Sums, acc: [int32x4_t; 4]) {
    let (halves, _) = sums.as_chunks_mut::<4>();
    for h in 0..2 {
        let rows = vpaddq_s32(acc[2 * h], acc[2 * h + 1]);
        // SAFETY: `halves[h]` is 16 readable bytes, aligned for i32.
        let before = unsafe { vld1q_s32(halves[h].as_ptr()) };
        // SAFETY: `halves[h]` is 16 writable bytes, aligned for i32.
        unsafe { vst1q_s32(halves[h].as_mut_ptr(), vaddq_s32(before, rows)) };
    }
}

#[target_feature(enable = "neon,dotprod")]
fn add_block<const C: usize>(strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
    let mask = vdupq_n_u8(3);
    for (tile, sums) in sums.iter_mut().enumerate() {
        let [lines] = strip.tiles(tile);
        let mut columns: [&[Group]; C] = [&[]; C];
        for c in 0..C {
            columns[c] = &x[c][..lines.len()];
        }
        let mut acc = [[vdupq_n_s32(0); 4]; C];
        for w in 0..lines.len() {
            let mut line = quarters(&lines[w]);
            for f in 0..4 {
                let mut codes = line;
                for q in 0..4 {
                    codes[q] = vandq_u8(line[q], mask);
                    line[q] = vshrq_n_u8::<2>(line[q]);
                }
                for c in 0..C {
                    let x = twice(&columns[c][w][f]);
                    for q in 0..4 {
                        acc[c][q] = dot(acc[c][q], codes[q], x);
                    }
                }
            }
        }
        for c in 0..C {
            add_rows(&mut sums[c], acc[c]);
        }
    }
}

/// One column. With nothing to share an unpacked field with, only the top field is shifted (as a
/// signed byte it would be negative); fields 1 and 2 are masked in place, and their sums divided
/// by 4 and 16 at the end, exactly.
#[target_feature(enable = "neon,dotprod")]
fn add_one(strip: Strip<'_>, x: &[Group], sums: &mut [Sums]) {
    // A word adds 4 products of at most `48 * 128` to each i32.
    const { assert!(4 * 48 * 128 * PART < i32::MAX as usize) };
    let masks = [vdupq_n_u8(0x03), vdupq_n_u8(0x0C), vdupq_n_u8(0x30)];
    for (tile, sums) in sums.iter_mut().enumerate() {
        let [lines] = strip.tiles(tile);
        let x = &x[..lines.len()];
        let mut acc = [[vdupq_n_s32(0); 4]; 3];
        for w in 0..lines.len() {
            let line = quarters(&lines[w]);
            let mut fields = [vdupq_n_s8(0); 4];
            for f in 0..4 {
                fields[f] = twice(&x[w][f]);
            }
            for q in 0..4 {
                for f in 0..3 {
                    acc[f][q] = dot(acc[f][q], vandq_u8(line[q], masks[f]), fields[f]);
                }
                acc[0][q] = dot(acc[0][q], vshrq_n_u8::<6>(line[q]), fields[3]);
            }
        }
        let mut total = acc[0];
        for q in 0..4 {
            let upper = vaddq_s32(vshrq_n_s32::<2>(acc[1][q]), vshrq_n_s32::<4>(acc[2][q]));
            total[q] = vaddq_s32(total[q], upper);
        }
        add_rows(sums, total);
    }
}
