//! Plain Rust on the packed words; the compiler vectorises the inner loops.

use super::blocks::{Dot, Strip, Sums};
use crate::ternary::Group;
use crate::ternary::shared::portable::{PART, unpacked};

/// Needs nothing of the CPU.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Dot for Portable {
    const COLUMNS: usize = 6;

    /// A row at a time is unpacked in parts, which all columns share.
    #[inline(always)]
    fn add<const C: usize>(self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
        let mut codes = [[[0i8; 8]; 4]; PART];
        for (tile, sums) in sums.iter_mut().enumerate() {
            let [lines] = strip.tiles(tile);
            for row in 0..8 {
                for (part, lines) in lines.chunks(PART).enumerate() {
                    let codes = &mut codes[..lines.len()];
                    for (codes, line) in codes.iter_mut().zip(lines) {
                        *codes = unpacked(line[row]);
                    }
                    for (sums, x) in sums.iter_mut().zip(x) {
                        let x = &x[part * PART..][..lines.len()];
                        let sum = products(codes.as_flattened().as_flattened(), x.as_flattened().as_flattened());
                        sums[row] = sums[row].wrapping_add(sum);
                    }
                }
            }
        }
    }
}

/// A dot product in the shape that compilers turn into `pmaddwd` and its like.
#[inline(always)]
fn products(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}
