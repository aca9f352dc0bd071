//! Plain Rust; the compiler vectorises the inner loops.

use super::Planes;
use super::product::{Dot, Strip, Sums};
use crate::ternary::Line;

#[derive(Clone, Copy)]
pub(super) struct Portable;

/// Words of a part of a row that is unpacked at once: 640 digits, small enough for the stack and the first cache level.
const PART: usize = 16;

impl Dot for Portable {
    #[inline(always)]
    fn dot<const C: usize>(self, strip: Strip<'_>, x: [&[Planes]; C], _: [i32; C], sums: &mut [[Sums; C]]) {
        let mut digits = [[[0; 8]; 5]; PART];
        for (tile, sums) in sums.iter_mut().enumerate() {
            let [lines] = strip.tiles(tile);
            *sums = [[0; 8]; C];
            for (part, lines) in lines.chunks(PART).enumerate() {
                for r in 0..8 {
                    unpack(lines, r, &mut digits);
                    let digits = digits[..lines.len()].as_flattened().as_flattened();
                    for (sums, x) in sums.iter_mut().zip(x) {
                        let x = &x[part * PART..][..lines.len()];
                        sums[r] += products(digits, x.as_flattened().as_flattened());
                    }
                }
            }
        }
    }
}

/// The digits of a row of at most [`PART`] lines.
#[inline(always)]
fn unpack(lines: &[Line], r: usize, digits: &mut [Planes; PART]) {
    for (line, planes) in lines.iter().zip(digits) {
        let mut y = line[r].to_le_bytes().map(|byte| byte as i8);
        for digits in planes {
            for (y, digit) in y.iter_mut().zip(digits) {
                *digit = i8::from(*y > 42) - i8::from(*y < -42);
                *y = y.wrapping_mul(3);
            }
        }
    }
}

/// A dot product in the shape that compilers turn into `pmaddwd` and its like.
#[inline(always)]
fn products(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}
