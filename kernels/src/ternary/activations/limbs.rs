//! A token as two or three int8 limbs: signed digits of base 256 of an integer, times a power of two.

use super::{GRAIN, Order, portable, record_len};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::error::{KernelError, product};
use crate::exec::Job;
use crate::{Exec, Isa};

/// From [`super::max_magnitude`], `(1 / step, step)` of two or three limbs, both powers of two;
/// `(0, NaN)` for a token that is not finite.
///
/// `q = round_half_even(x / step)` must be at most 127 of each limb, 32639 or 8355711, or the top
/// limb would not fit an i8. With `2^e <= max < 2^(e+1)`, a step of `2^(e-14)` or `2^(e-22)` gives
/// `q` below `2^15` or `2^23`, which is too much only when `max` is within 0.4 % of the next power
/// of two; that token takes the double step. The smallest step is the smallest normal float.
#[inline(always)]
pub(crate) fn steps_of_limbs<const L: usize>(max: u32) -> (f32, f32) {
    const { assert!(L == 2 || L == 3, "two or three limbs") };
    if max >= 0x7F80_0000 {
        return (0.0, f32::NAN);
    }
    let bits = 8 * L as u32 - 1;
    let largest = 127 * (0x0001_0101 >> (8 * (3 - L)));
    // `(2^23 + fraction) / 2^unit` is the unrounded `q` of the largest element. `largest` is odd,
    // so that one half more would round up.
    let unit = 24 - bits;
    let double = u32::from((max & 0x007F_FFFF) + (1 << 23) >= (largest << unit) + (1 << unit >> 1));
    let exponent = ((max >> 23) + double).saturating_sub(bits - 1).max(1);
    (f32::from_bits((254 - exponent) << 23), f32::from_bits(exponent << 23))
}

/// Splits `q` into signed digits of base 256, lowest first: with 128 added to each they are the
/// bytes of a number, and taking 128 away again flips the top bit.
#[inline(always)]
pub(super) fn limbs(q: i32) -> [i8; 4] {
    (q.wrapping_add(LIMB_OFFSET) ^ LIMB_OFFSET).to_le_bytes().map(|byte| byte as i8)
}

/// 128 in each of three limbs.
pub(super) const LIMB_OFFSET: i32 = 0x0080_8080;

/// Number of limb bytes that `n` tokens need, for [`crate::Scratch`].
pub(in crate::ternary) fn split_len<const L: usize>(order: Order, n: usize, len: usize) -> Result<usize, KernelError> {
    product("scratch", &[n, L, record_len(order, len)])
}

/// Fills limbs (token, limb, column) and steps for the tokens of `x`; `len > 0`.
pub(in crate::ternary) fn split<const L: usize>(
    exec: Exec,
    order: Order,
    x: &[f32],
    len: usize,
    codes: &mut [i8],
    steps: &mut [f64],
) {
    exec.run(Split::<L> { isa: exec.isa(), order, x, len, codes, steps }, GRAIN.div_ceil(len));
}

/// Tokens to be split into limbs.
struct Split<'a, const L: usize> {
    isa: Isa,
    order: Order,
    x: &'a [f32],
    len: usize,
    codes: &'a mut [i8],
    steps: &'a mut [f64],
}

impl<const L: usize> Job for Split<'_, L> {
    fn units(&self) -> usize {
        self.steps.len()
    }

    fn split_at(self, tokens: usize) -> (Self, Self) {
        let (x, x_rest) = self.x.split_at(tokens * self.len);
        let (codes, codes_rest) = self.codes.split_at_mut(tokens * L * record_len(self.order, self.len));
        let (steps, steps_rest) = self.steps.split_at_mut(tokens);
        (Self { x, codes, steps, ..self }, Self { x: x_rest, codes: codes_rest, steps: steps_rest, ..self })
    }

    fn run(self) {
        let Self { isa, order, x, len, codes, steps } = self;
        match isa {
            Isa::Reference | Isa::Portable => portable::split::<L>(order, x, len, codes, steps),
            // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => unsafe { avx2::split::<L>(order, x, len, codes, steps) },
            // SAFETY: an `Avx512` token exists only after detection found all features asked for.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => unsafe { avx512::split::<L>(order, x, len, codes, steps) },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => portable::split::<L>(order, x, len, codes, steps),
        }
    }
}

/// One output of a limb product. The sum is exact in f64 (below 2^48), the step a power of two:
/// rounding to f32 is the only rounding.
#[inline(always)]
pub(in crate::ternary) fn join<const L: usize>(sums: [i32; L], step: f64) -> f32 {
    let mut total = 0.0;
    for &sum in sums.iter().rev() {
        total = 256.0 * total + f64::from(sum);
    }
    (total * step) as f32
}
