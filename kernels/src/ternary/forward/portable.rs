//! Plain Rust on the packed words; the compiler vectorises the inner loops.

use super::blocks::{Dot, Strip, Sums};
use crate::ternary::shared::portable::{PART, unpacked};
use crate::ternary::{Group, Line};

/// Needs nothing of the CPU.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Dot for Portable {
    const COLUMNS: usize = 6;

    #[inline(always)]
    fn add<const C: usize>(&mut self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
        for (tile, sums) in sums.iter_mut().enumerate() {
            let [lines] = strip.tiles(tile);
            for row in 0..8 {
                for (sums, sum) in sums.iter_mut().zip(dot(lines, row, &x)) {
                    sums[row] = sums[row].wrapping_add(sum);
                }
            }
        }
    }
}

/// One row of a tile is unpacked in parts, which all columns share.
fn dot<const C: usize>(lines: &[Line], row: usize, x: &[&[Group]; C]) -> [i32; C] {
    let mut sums = [0; C];
    let mut codes = [[[0i8; 8]; 4]; PART];
    for (part, lines) in lines.chunks(PART).enumerate() {
        let codes = &mut codes[..lines.len()];
        for (codes, line) in codes.iter_mut().zip(lines) {
            *codes = unpacked(line[row]);
        }
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += products(codes, &x[part * PART..][..lines.len()]);
        }
    }
    sums
}

/// Sum of at most [`PART`] groups of products. A code is at most 3, so that i16 sums hold them:
/// `16 * 4 * 3 * 128 = 24576 < 32768`.
fn products(codes: &[Group], x: &[Group]) -> i32 {
    const { assert!(PART * 4 * 3 * 128 < 32768) };
    let mut sums = [0i16; 8];
    for (codes, x) in codes.iter().zip(x) {
        for (codes, x) in codes.iter().zip(x) {
            for ((sum, &code), &x) in sums.iter_mut().zip(codes).zip(x) {
                *sum += i16::from(code) * i16::from(x);
            }
        }
    }
    sums.iter().map(|&sum| i32::from(sum)).sum()
}
