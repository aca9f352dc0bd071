//! Cotangents as int8 digits, row after row: `[n][limb][8 * ceil(rows / 8)]`, padding zero.

use crate::ternary::activations::{Order, groups, max_magnitude, record_len, rounded};
use crate::{Isa, Kernel, vectorize};

/// Codes in the order of [`crate::ternary::quantize_int8`], put into that of rows. Bytes of `codes`
/// that belong to no row are left out, whatever they are.
pub(super) fn from_groups(isa: Isa, codes: &[i8], rows: usize, out: &mut [i8]) {
    vectorize(isa, FromGroups { codes, rows, out });
}

struct FromGroups<'a> {
    codes: &'a [i8],
    rows: usize,
    out: &'a mut [i8],
}

impl Kernel for FromGroups<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let tokens = groups(self.codes).chunks_exact(self.rows.div_ceil(32));
        for (token, out) in tokens.zip(self.out.chunks_exact_mut(record_len(Order::Columns, self.rows))) {
            for (group, out) in token.iter().zip(out.chunks_mut(32)) {
                let mut natural = [0; 32];
                for b in 0..8 {
                    for f in 0..4 {
                        natural[4 * b + f] = group[f][b];
                    }
                }
                match out.first_chunk_mut::<32>() {
                    Some(full) => *full = natural,
                    None => out.copy_from_slice(&natural[..out.len()]),
                }
            }
            out[self.rows..].fill(0);
        }
    }
}

/// From [`max_magnitude`], `(1 / step, step)` of two limbs, both powers of two; `(0, NaN)` for a
/// token that is not finite.
///
/// `q = round_half_even(y / step)` must be at most `127 + 127 * 256 = 32639`, or the top limb would
/// not fit an i8. With `2^e <= max < 2^(e+1)`, a step of `2^(e-14)` gives `q < 2^15`, which is too
/// much only when `max` is within 0.4 % of the next power of two; that token takes the double step.
/// The smallest step is the smallest normal float.
#[inline(always)]
fn fixed16_steps(max: u32) -> (f32, f32) {
    if max >= 0x7F80_0000 {
        return (0.0, f32::NAN);
    }
    // `(2^23 + fraction) / 2^9` is the unrounded `q` of the largest element; 32639.5 would round to
    // the even 32640.
    let double = u32::from(2 * ((max & 0x007F_FFFF) + (1 << 23)) >= (2 * 32_639 + 1) << 9);
    let exponent = ((max >> 23) + double).saturating_sub(14).max(1);
    (f32::from_bits((254 - exponent) << 23), f32::from_bits(exponent << 23))
}

/// Fills limbs (token, limb, row) and steps for the tokens of `y`.
pub(super) fn split_fixed16(isa: Isa, y: &[f32], rows: usize, codes: &mut [i8], steps: &mut [f64]) {
    vectorize(isa, SplitFixed16 { y, rows, codes, steps });
}

struct SplitFixed16<'a> {
    y: &'a [f32],
    rows: usize,
    codes: &'a mut [i8],
    steps: &'a mut [f64],
}

impl Kernel for SplitFixed16<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let record = record_len(Order::Columns, self.rows);
        let tokens = self.y.chunks_exact(self.rows).zip(self.codes.chunks_exact_mut(2 * record));
        for ((y, codes), step) in tokens.zip(self.steps) {
            let (s, value) = fixed16_steps(max_magnitude(y));
            *step = value.into();
            if value.is_nan() {
                codes.fill(0);
                continue;
            }
            let (low, high) = codes.split_at_mut(record);
            for ((low, high), y) in low.iter_mut().zip(high.iter_mut()).zip(y) {
                let q = rounded(*y, s);
                *low = q as i8;
                *high = ((q + 128) >> 8) as i8;
            }
            low[self.rows..].fill(0);
            high[self.rows..].fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_limbs_hold_every_value() {
        for max in [1.0_f32, 1.9, 1.992, 1.9921, 1.992_156, 1.99216, 1.9922, 1.999_999, 3e-39, 1e-45, 3e38] {
            let y = [max, -max, max / 3.0, 0.0];
            let (mut codes, mut step) = ([9; 16], [0.0]);
            split_fixed16(Isa::Portable, &y, 4, &mut codes, &mut step);
            for (r, y) in y.into_iter().enumerate() {
                let value = (f64::from(codes[r]) + 256.0 * f64::from(codes[8 + r])) * step[0];
                assert!((value - f64::from(y)).abs() <= step[0] / 2.0, "{y}");
            }
            assert!(step[0] <= (1.004 * f64::from(max) / 16384.0).max(f64::from(f32::MIN_POSITIVE)));
            assert_eq!((&codes[4..8], &codes[12..]), ([0; 4].as_slice(), [0; 4].as_slice()));
        }
    }

    /// `q` of 32639.5 would be rounded to 32640, whose top limb is 128.
    #[test]
    fn the_step_is_doubled_just_in_time() {
        for (max, step) in [(32639.0, 1.0), (32639.25, 1.0), (32639.498, 1.0), (32639.5, 2.0), (32640.0, 2.0)] {
            assert_eq!(fixed16_steps(f32::to_bits(max)).1, step, "{max}");
        }
    }
}
