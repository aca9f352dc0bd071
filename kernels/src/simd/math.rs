//! Elementary functions of vectors: selections in place of branches, polynomials in place of calls.
#![allow(clippy::excessive_precision, reason = "coefficients stand as published, with more digits than f32 holds")]

use core::f32::consts::LOG2_E;

use super::Simd;

// ln 2 in two parts: `n * LN_2_HIGH` is exact for |n| < 2^9.
pub(crate) const LN_2_HIGH: f32 = 0.693_359_375;
pub(crate) const LN_2_LOW: f32 = -2.121_944_4e-4;

/// A polynomial by Horner's rule, highest coefficient first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::F, coefficients: [f32; N]) -> S::F {
    let mut sum = s.splat(coefficients[0]);
    let mut i = 1;
    while i < N {
        sum = s.mul_add(sum, x, s.splat(coefficients[i]));
        i += 1;
    }
    sum
}

/// `e^x`; 0 below -104, infinity above 88.73, NaN for NaN.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    // Second operands are what `max` and `min` give for NaN.
    let x = s.max(s.splat(-105.0), x);
    let x = s.min(s.splat(89.0), x);
    let n = s.round(s.mul(x, s.splat(LOG2_E)));
    let r = s.neg_mul_add(n, s.splat(LN_2_LOW), s.neg_mul_add(n, s.splat(LN_2_HIGH), x));
    // Cephes, S. Moshier.
    let p = polynomial(s, r, [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5]);
    let y = s.add(s.mul_add(p, s.mul(r, r), r), s.splat(1.0));
    s.scale(y, n)
}

/// `2^x`, such as a decay, in a loop: holds the coefficients in registers.
///
/// Off by at most 2.2 ulp, 3 * 2^-24 of the result: 2^-23.4 of the polynomial and the roundings of its last
/// two steps. Subnormal results may be flushed (2^-126).
#[derive(Clone, Copy)]
pub(crate) struct Exp2<S: Simd>([S::F; 6]);

impl<S: Simd> Exp2<S> {
    /// Once before the loop.
    #[inline(always)]
    pub(crate) fn new(s: S) -> Self {
        // Minimax in the relative error on [-1/2, 1/2] among those with p(0) = 1, which underflow relies on.
        let p = [1.326_473_3e-3, 9.671_513e-3, 5.550_733_7e-2, 0.240_222_42, 0.693_146_98, 1.0];
        // Known numbers would be fetched again at each use, which takes more instructions than they save.
        let p = core::hint::black_box(p);
        let mut out = [s.splat(0.0); 6];
        let mut i = 0;
        while i < 6 {
            out[i] = s.splat(p[i]);
            i += 1;
        }
        Self(out)
    }

    /// `2^x` for finite `x`; 0 where it underflows, infinity where it overflows. NaN for NaN, and on some
    /// instruction sets for infinities.
    #[inline(always)]
    pub(crate) fn of(self, s: S, x: S::F) -> S::F {
        self.within(s, s.clamp_exponent(x))
    }

    /// [`Exp2::of`] of `|x| <= 126`, or NaN, with the same bits: a loop that knows its range saves two
    /// instructions.
    #[inline(always)]
    pub(crate) fn within(self, s: S, x: S::F) -> S::F {
        let n = s.round(x);
        let f = s.sub(x, n);
        let [c5, c4, c3, c2, c1, c0] = self.0;
        let p = s.mul_add(s.mul_add(s.mul_add(c5, f, c4), f, c3), f, c2);
        s.scale_exponent(s.mul_add(s.mul_add(p, f, c1), f, c0), n)
    }
}

/// `ln(1 + u)` for `u` in [0, 1], NaN for NaN.
#[inline(always)]
pub(crate) fn ln_1p_unit<S: Simd>(s: S, u: S::F) -> S::F {
    let w = s.add(s.splat(1.0), u);
    // What rounding took from `1 + u`, put back to first order.
    let lost = s.div(s.sub(u, s.sub(w, s.splat(1.0))), w);
    let (m, e) = s.split_exponent(w);
    let r = s.sub(m, s.splat(1.0));
    let z = s.mul(r, r);
    // Cephes, S. Moshier.
    let p = polynomial(
        s,
        r,
        [
            7.037_683_6e-2,
            -1.151_461e-1,
            1.167_699_9e-1,
            -1.242_014_1e-1,
            1.424_932_3e-1,
            -1.666_805_8e-1,
            2.000_071_4e-1,
            -2.499_999_4e-1,
            3.333_333e-1,
        ],
    );
    let y = s.mul_add(e, s.splat(LN_2_LOW), s.mul(s.mul(r, z), p));
    let y = s.neg_mul_add(s.splat(0.5), z, y);
    let y = s.mul_add(e, s.splat(LN_2_HIGH), s.add(r, y));
    s.add(y, lost)
}

/// `ln(1 + e^x)`
#[inline(always)]
pub(crate) fn softplus<S: Simd>(s: S, x: S::F) -> S::F {
    let zero = s.splat(0.0);
    let u = exp(s, s.sub(zero, s.abs(x)));
    s.add(s.max(zero, x), ln_1p_unit(s, u))
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}
