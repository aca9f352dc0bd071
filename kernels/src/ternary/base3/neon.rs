//! NEON with the dot product instructions: digits by two comparisons, `sdot`.
//!
//! A register holds a quarter of a line, 2 rows x 40 columns. A comparison gives -1 where it holds, so the digit is the
//! difference of two: "below -42" less "above 42" is minus the digit, and the other way round the digit itself.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::aarch64::*;
use core::arch::asm;

use super::Planes;
use super::product::{Dot, Product, Strip, Sums};
use crate::Neon;
use crate::ternary::Line;

/// The product, all of it compiled for the dot product instructions.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn run(token: Neon, product: Product<'_>) {
    product.on(token);
}

impl Dot for Neon {
    #[inline(always)]
    fn dot<const C: usize>(self, strip: Strip<'_>, x: [&[Planes]; C], _: [i32; C], sums: &mut [[Sums; C]]) {
        for (tile, sums) in sums.iter_mut().enumerate() {
            let [lines] = strip.tiles(tile);
            // SAFETY: this `Neon` token exists only after detection found NEON and dotprod.
            unsafe { dot_tile(lines, &x, sums) }
        }
    }
}

/// `acc + a * b`, four products a lane. The intrinsic is not stable yet (`vdotq_s32`).
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(acc: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
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
fn quarters(line: &Line) -> [int8x16_t; 4] {
    let (rows, _) = line.as_chunks::<2>();
    let mut out = [vdupq_n_s8(0); 4];
    for q in 0..4 {
        // SAFETY: `rows[q]` is 16 readable bytes, aligned for u64.
        out[q] = vreinterpretq_s8_u64(unsafe { vld1q_u64(rows[q].as_ptr()) });
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

// Four tokens: 16 sums, 4 quarters, the digits of each, two limits and an activation are 27 of 32 registers.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot_tile<const C: usize>(lines: &[Line], x: &[&[Planes]; C], sums: &mut [Sums; C]) {
    let mut columns: [&[Planes]; C] = [&[]; C];
    for c in 0..C {
        columns[c] = &x[c][..lines.len()];
    }
    let (plus, minus) = (vdupq_n_s8(42), vdupq_n_s8(-42));
    let mut acc = [[vdupq_n_s32(0); 4]; C];
    for w in 0..lines.len() {
        let mut y = quarters(&lines[w]);
        for n in 0..5 {
            let mut digits = y;
            for q in 0..4 {
                let above = vreinterpretq_s8_u8(vcgtq_s8(y[q], plus));
                let below = vreinterpretq_s8_u8(vcltq_s8(y[q], minus));
                digits[q] = vsubq_s8(below, above);
                y[q] = vaddq_s8(y[q], vaddq_s8(y[q], y[q]));
            }
            for c in 0..C {
                let x = twice(&columns[c][w][n]);
                for q in 0..4 {
                    acc[c][q] = dot(acc[c][q], digits[q], x);
                }
            }
        }
    }
    for c in 0..C {
        let (halves, _) = sums[c].as_chunks_mut::<4>();
        for h in 0..2 {
            let rows = vpaddq_s32(acc[c][2 * h], acc[c][2 * h + 1]);
            // SAFETY: `halves[h]` is 16 writable bytes, aligned for i32.
            unsafe { vst1q_s32(halves[h].as_mut_ptr(), rows) };
        }
    }
}
