//! Plain Rust: codes and activations of 16 bits, dot products that compilers turn into `pmaddwd` and
//! its like.

use core::ops::Range;

use super::{BLOCK, Codes, Kernels, Panel, ROWS, RowBlocks};
use crate::columns::Columns;

/// Needs nothing of the CPU.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// Blocks that are unpacked at once: 2048 bytes.
const PART: usize = 16;

/// The codes of a block at their places.
#[inline(always)]
fn unpack<const B: usize>(block: &[u64; B]) -> [u8; BLOCK] {
    let mut out = [0; BLOCK];
    match B {
        1 | 2 | 4 | 8 => {
            let low = u64::MAX / 255 * ((1 << B) - 1);
            for (f, out) in out.chunks_exact_mut(8 * B).enumerate() {
                for (out, word) in out.as_chunks_mut().0.iter_mut().zip(block) {
                    *out = (word >> (f * B) & low).to_le_bytes();
                }
            }
        }
        _ => {
            // Eight codes are B bytes.
            let mut bytes = [0; BLOCK + 8];
            for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(block) {
                *bytes = word.to_le_bytes();
            }
            for (g, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                let mut eight = [0; 8];
                eight.copy_from_slice(&bytes[g * B..][..8]);
                let eight = u64::from_le_bytes(eight);
                for (i, out) in out.iter_mut().enumerate() {
                    *out = (eight >> (i * B)) as u8 & ((1u32 << B) - 1) as u8;
                }
            }
        }
    }
    out
}

#[inline(always)]
fn dot(codes: &[[i16; BLOCK]], x: &[[[i8; 2]; BLOCK]]) -> i32 {
    // In this form, and not as one sum, compilers fill registers.
    let mut acc = [0i32; 8];
    for (codes, x) in codes.iter().zip(x) {
        let mut wide = [0; BLOCK];
        for i in 0..BLOCK {
            wide[i] = i16::from_le_bytes(x[i].map(|byte| byte as u8));
        }
        for (codes, x) in codes.as_chunks::<8>().0.iter().zip(wide.as_chunks::<8>().0) {
            for i in 0..8 {
                acc[i] += i32::from(codes[i]) * i32::from(x[i]);
            }
        }
    }
    acc.iter().sum()
}

impl Kernels for Portable {
    const ROUNDS: bool = false;

    fn wide(self, _: u32) -> bool {
        true
    }

    fn offset(self, _: u32) -> u8 {
        0
    }

    fn forward<const B: usize>(
        self,
        rows: &RowBlocks<'_, B, ROWS>,
        x: Columns<'_, i8>,
        _: &mut Option<Panel>,
        sums: &mut [[i32; ROWS]],
    ) {
        let blocks = rows.blocks();
        let mut codes = [[0; BLOCK]; PART];
        sums.as_flattened_mut().fill(0);
        for r in 0..ROWS {
            for first in (0..blocks).step_by(PART) {
                let part = rows.range(first, PART.min(blocks - first));
                let tail = part.tail.as_ref().map(|tail| &tail[r]);
                for (codes, block) in codes.iter_mut().zip(part.full[r].iter().chain(tail)) {
                    *codes = unpack(block).map(i16::from);
                }
                let codes = &codes[..part.blocks()];
                for (k, sums) in sums.iter_mut().enumerate() {
                    sums[r] += dot(codes, &x.row(k).as_chunks().0.as_chunks().0[first..]);
                }
            }
        }
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
        let len = rows.len();
        let panel = &mut panel.bytes().as_chunks_mut::<BLOCK>().0[..len];
        for (r, codes) in rows.zip(panel.iter_mut()) {
            let (full, rest) = m.row::<B>(r);
            *codes = match full.get(block) {
                Some(block) => unpack(block),
                None => {
                    let mut block = [0; B];
                    block[..rest.len()].copy_from_slice(rest);
                    unpack(&block)
                }
            };
        }
        for (k, sums) in sums.iter_mut().enumerate() {
            let mut acc = [0; BLOCK];
            for (codes, y) in panel.iter().zip(y.row(k).as_chunks::<2>().0) {
                let y = i16::from_le_bytes(y.map(|byte| byte as u8));
                for (acc, &code) in acc.iter_mut().zip(codes) {
                    *acc += i32::from(i16::from(code)) * i32::from(y);
                }
            }
            for (sum, acc) in sums.iter_mut().zip(acc) {
                *sum += acc;
            }
        }
    }
}
