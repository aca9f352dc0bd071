//! The rule for one weight.

use super::{Counts, Rounding};
use crate::random::philox4x32_10;

/// The 16 random bits of a weight.
///
/// Philox-4x32-10 with the key `seed` (low word first) and the counter
/// `[col / 128 * 16 + col % 16, row, step (low, high)]`; of its words the one at `col % 128 / 32`, and
/// of that the low half if `col % 32 < 16`, else the high one. Columns 16 apart share a block
/// because vectors of 16 floats then meet vectors of 16 blocks as they are.
pub fn random_bits(seed: u64, step: u64, row: usize, col: usize) -> u16 {
    let block = (col / 128 * 16 + col % 16) as u32;
    let counter = [block, row as u32, step as u32, (step >> 32) as u32];
    let words = philox4x32_10(counter, [seed as u32, (seed >> 32) as u32]);
    (words[col % 128 / 32] >> (col % 32 / 16 * 16)) as u16
}

/// The increment `q` of weight `(row, col)`; `None` if the signal or the factor is NaN or infinite.
pub fn increment(g: f32, factor: f32, limit: i8, rounding: Rounding, row: usize, col: usize) -> Option<i32> {
    if !g.is_finite() || !factor.is_finite() {
        return None;
    }
    let limit = f64::from(limit);
    let u = f64::from(g * -factor).clamp(-limit, limit);
    let q = match rounding {
        Rounding::Nearest => u.round_ties_even(),
        Rounding::Stochastic { seed, step } => {
            let fixed = (u * 65536.0).round_ties_even();
            ((fixed + f64::from(random_bits(seed, step, row, col))) / 65536.0).floor()
        }
    };
    Some(q as i32)
}

/// Adds an increment to an accumulator and fires: the new digit code and accumulator. Counts what
/// happened.
pub fn step(code: u8, accumulator: i8, q: i32, limit: i8, counts: &mut Counts) -> (u8, i8) {
    let a = i32::from(accumulator) + q;
    if a.abs() < i32::from(limit) {
        return (code, a as i8);
    }
    let moved = match (code, a > 0) {
        (0, true) | (2, false) => 1,
        (0 | 1, false) => 0,
        _ => 2,
    };
    counts.fires += 1;
    // Code 3 stands above the range.
    counts.saturated += u64::from(if a > 0 { code >= 2 } else { code == 0 });
    (moved, 0)
}

/// Adds an increment to a saturating counter: the new counter and its digit. Counts whether the digit changed.
pub fn count(counter: i8, q: i32, threshold: i8, counts: &mut Counts) -> (i8, i8) {
    let digit = |v: i8| i8::from(v > threshold) - i8::from(v < -threshold);
    let next = (i32::from(counter) + q).clamp(-128, 127) as i8;
    counts.fires += u64::from(digit(next) != digit(counter));
    (next, digit(next))
}
