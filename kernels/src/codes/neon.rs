//! NEON with the dot product instructions: `sdot` on unpacked bytes.
//!
//! `sdot` multiplies signed bytes, so that codes of 8 bits are taken as `code - 128`.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::aarch64::*;
use core::ops::Range;

use super::{BLOCK, Codes, Kernels, Panel, ROWS, RowBlocks, order};
use crate::Neon;
use crate::columns::Columns;

// Holding the token proves that the CPU has NEON and the dot product instructions, which is all that
// the functions of this file ask of their caller.
impl Kernels for Neon {
    const ROUNDS: bool = true;

    fn wide(self, _: u32) -> bool {
        false
    }

    fn offset(self, bits: u32) -> u8 {
        if bits == 8 { 128 } else { 0 }
    }

    fn forward<const B: usize>(
        self,
        rows: &RowBlocks<'_, B, ROWS>,
        x: Columns<'_, i8>,
        _: &mut Option<Panel>,
        sums: &mut [[i32; ROWS]],
    ) {
        // SAFETY: the token proves the features.
        unsafe { forward(rows, x, sums) }
    }

    fn transposed<const B: usize>(
        self,
        m: &Codes<'_>,
        block: usize,
        rows: Range<usize>,
        y: Columns<'_, i8>,
        panel: &mut Panel,
        sums: &mut [[i32; BLOCK]],
    ) {
        // SAFETY: the token proves the features.
        unsafe { transposed::<B>(m, block, rows, y, panel, sums) }
    }
}

/// Adds the four products of signed bytes in each dword. (The intrinsic, `vdotq_s32`, is not stable.)
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(mut acc: int32x4_t, a: uint8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction is part of `dotprod`, works on registers alone and sets no flags.
    unsafe {
        core::arch::asm!(
            "sdot {acc:v}.4s, {a:v}.16b, {b:v}.16b",
            acc = inout(vreg) acc,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: `bytes` is 16 readable bytes; the load has no alignment requirement.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_signed(bytes: &[i8; 16]) -> int8x16_t {
    // SAFETY: `bytes` is 16 readable bytes; the load has no alignment requirement.
    unsafe { vld1q_s8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(bytes: &mut [u8; 16], v: uint8x16_t) {
    // SAFETY: `bytes` is 16 writable bytes; the store has no alignment requirement.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), v) }
}

/// 16 bytes of a block from byte `at` on, which must be there.
#[inline]
#[target_feature(enable = "neon")]
fn load_part<const B: usize>(block: &[u64; B], at: usize) -> uint8x16_t {
    assert!(at + 16 <= 8 * B, "constants, so that nothing is left of this");
    // SAFETY: `at` is inside the block by the assertion.
    let start = unsafe { block.as_ptr().cast::<u8>().add(at) };
    // SAFETY: 16 bytes from `start` on lie in the block; the load has no alignment requirement.
    unsafe { vld1q_u8(start) }
}

/// Widths that cross bytes: 16 bits that hold each of 8 codes.
struct Gather<const B: usize>;

impl<const B: usize> Gather<B> {
    const INDEX: [[[u8; 16]; 2]; 4] = {
        let mut index = [[[0; 16]; 2]; 4];
        let mut lane = 0;
        while lane < 4 {
            index[lane] = [order::gather(B, lane, 0), order::gather(B, lane, 1)];
            lane += 1;
        }
        index
    };

    /// Shifts to the left that bring a code to the lowest bits of its 16.
    const SHIFT: [i16; 8] = {
        let mut shift = [0; 8];
        let mut i = 0;
        while i < 8 {
            shift[i] = -(order::gather_shift(B, i) as i16);
            i += 1;
        }
        shift
    };
}

/// The codes of a block at their places; codes of 8 bits less 128.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn unpack<const B: usize>(block: &[u64; B]) -> [uint8x16_t; 4] {
    let mask = vdupq_n_u8(((1u32 << B) - 1) as u8);
    let mut out = [mask; 4];
    for i in 0..4 {
        out[i] = match B {
            1 => {
                let word = vdupq_n_u64(block[0]);
                let shifts = vcombine_s64(vcreate_s64(-(2 * i as i64) as u64), vcreate_s64(-(2 * i as i64 + 1) as u64));
                vandq_u8(vreinterpretq_u8_u64(vshlq_u64(word, shifts)), mask)
            }
            2 => vandq_u8(vshlq_u8(load_part(block, 0), vdupq_n_s8(-2 * i as i8)), mask),
            4 => vandq_u8(vshlq_u8(load_part(block, i % 2 * 16), vdupq_n_s8(i as i8 / 2 * -4)), mask),
            8 => veorq_u8(load_part(block, 16 * i), vdupq_n_u8(128)),
            _ => {
                let bytes = load_part(block, order::gather_start(B, i));
                // SAFETY: `SHIFT` is 16 readable bytes, aligned for `i16`.
                let shift = unsafe { vld1q_s16(Gather::<B>::SHIFT.as_ptr()) };
                let [first, second] = &Gather::<B>::INDEX[i];
                let first = vreinterpretq_u16_u8(vqtbl1q_u8(bytes, load(first)));
                let second = vreinterpretq_u16_u8(vqtbl1q_u8(bytes, load(second)));
                let first = vreinterpretq_u8_u16(vshlq_u16(first, shift));
                let second = vreinterpretq_u8_u16(vshlq_u16(second, shift));
                // The low bytes.
                vandq_u8(vuzp1q_u8(first, second), mask)
            }
        };
    }
    out
}

/// See [`Kernels::forward`].
#[target_feature(enable = "neon,dotprod")]
fn forward<const B: usize>(rows: &RowBlocks<'_, B, ROWS>, x: Columns<'_, i8>, sums: &mut [[i32; ROWS]]) {
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => columns::<B, 8, 1>(rows, x, k, sums),
            2 => columns::<B, 4, 2>(rows, x, k, sums),
            _ => columns::<B, 4, 3>(rows, x, k, sums),
        };
    }
}

/// `R` rows at a time times `T` columns from column `k` on.
#[target_feature(enable = "neon,dotprod")]
fn columns<const B: usize, const R: usize, const T: usize>(
    rows: &RowBlocks<'_, B, ROWS>,
    x: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; ROWS]],
) -> usize {
    let len = rows.full[0].len();
    let mut columns: [&[[[i8; 16]; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &x.row(k + t).as_chunks().0.as_chunks().0[..rows.blocks()];
    }
    for first in (0..ROWS).step_by(R) {
        let mut full: [&[[u64; B]]; R] = [&[]; R];
        for r in 0..R {
            full[r] = &rows.full[first + r][..len];
        }
        let mut acc = [[vdupq_n_s32(0); T]; R];
        for at in 0..len {
            for r in 0..R {
                let codes = unpack(&full[r][at]);
                for t in 0..T {
                    acc[r][t] = products(acc[r][t], codes, &columns[t][at]);
                }
            }
        }
        if let Some(tail) = &rows.tail {
            for r in 0..R {
                let codes = unpack(&tail[first + r]);
                for t in 0..T {
                    acc[r][t] = products(acc[r][t], codes, &columns[t][len]);
                }
            }
        }
        for t in 0..T {
            for r in (0..R).step_by(4) {
                let pairs = [vpaddq_s32(acc[r][t], acc[r + 1][t]), vpaddq_s32(acc[r + 2][t], acc[r + 3][t])];
                let to = &mut sums[k + t].as_chunks_mut::<4>().0[(first + r) / 4];
                let values = vpaddq_s32(pairs[0], pairs[1]);
                // SAFETY: `to` is 16 writable bytes, aligned for `i32`.
                unsafe { vst1q_s32(to.as_mut_ptr(), values) };
            }
        }
    }
    T
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn products(mut acc: int32x4_t, codes: [uint8x16_t; 4], x: &[[i8; 16]; 4]) -> int32x4_t {
    for i in 0..4 {
        acc = sdot(acc, codes[i], load_signed(&x[i]));
    }
    acc
}

/// The codes of block `block` of row `r`. What stands for a row past the end meets zeros of `y`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn unpack_row<const B: usize>(m: &Codes<'_>, block: usize, r: usize, end: usize) -> [uint8x16_t; 4] {
    if r >= end {
        return [vdupq_n_u8(0); 4];
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

/// See [`Kernels::transposed`]. Four rows side by side: byte `4 c + r` of register `i` is row `r` of
/// place `4 i + c`.
#[target_feature(enable = "neon,dotprod")]
fn transposed<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    let panel = panel.bytes().as_chunks_mut::<16>().0.as_chunks_mut::<16>().0;
    let panel = &mut panel[..rows.len().div_ceil(4)];
    for (q, panel) in panel.iter_mut().enumerate() {
        let r = rows.start + 4 * q;
        let a = unpack_row::<B>(m, block, r, rows.end);
        let b = unpack_row::<B>(m, block, r + 1, rows.end);
        let c = unpack_row::<B>(m, block, r + 2, rows.end);
        let d = unpack_row::<B>(m, block, r + 3, rows.end);
        for i in 0..4 {
            let ab = [vzip1q_u8(a[i], b[i]), vzip2q_u8(a[i], b[i])].map(|v| vreinterpretq_u16_u8(v));
            let cd = [vzip1q_u8(c[i], d[i]), vzip2q_u8(c[i], d[i])].map(|v| vreinterpretq_u16_u8(v));
            for h in 0..2 {
                store(&mut panel[4 * i + 2 * h], vreinterpretq_u8_u16(vzip1q_u16(ab[h], cd[h])));
                store(&mut panel[4 * i + 2 * h + 1], vreinterpretq_u8_u16(vzip2q_u16(ab[h], cd[h])));
            }
        }
    }
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => quads::<8, 1>(panel, y, k, sums),
            2 => quads::<8, 2>(panel, y, k, sums),
            _ => quads::<4, 3>(panel, y, k, sums),
        };
    }
}

/// `V` registers of columns at a time times `T` columns of `y` from column `k` on.
#[target_feature(enable = "neon,dotprod")]
fn quads<const V: usize, const T: usize>(
    panel: &[[[u8; 16]; 16]],
    y: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; BLOCK]],
) -> usize {
    let mut columns: [&[[i8; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &y.row(k + t).as_chunks().0[..panel.len()];
    }
    for first in (0..16).step_by(V) {
        let mut acc = [[vdupq_n_s32(0); T]; V];
        for q in 0..panel.len() {
            let panel = &panel[q][first..first + V];
            let mut y = [vdupq_n_s8(0); T];
            for t in 0..T {
                let four = i32::from_le_bytes(columns[t][q].map(|y| y as u8));
                y[t] = vreinterpretq_s8_s32(vdupq_n_s32(four));
            }
            for v in 0..V {
                let codes = load(&panel[v]);
                for t in 0..T {
                    acc[v][t] = sdot(acc[v][t], codes, y[t]);
                }
            }
        }
        for t in 0..T {
            let to = &mut sums[k + t].as_chunks_mut::<4>().0[first..first + V];
            for v in 0..V {
                // SAFETY: `to[v]` is 16 readable bytes, aligned for `i32`.
                let before = unsafe { vld1q_s32(to[v].as_ptr()) };
                let sum = vaddq_s32(before, acc[v][t]);
                // SAFETY: `to[v]` is 16 writable bytes, aligned for `i32`.
                unsafe { vst1q_s32(to[v].as_mut_ptr(), sum) };
            }
        }
    }
    T
}
