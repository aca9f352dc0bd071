//! Elementary functions of vectors: selections in place of branches, polynomials in place of calls.
#![allow(clippy::excessive_precision, reason = "coefficients stand as published, with more digits than f32 holds")]

use core::f32::consts::LOG2_E;

use super::Simd;

// ln 2 in two parts: `n * LN_2_HIGH` is exact for |n| < 2^9.
pub(crate) const LN_2_HIGH: f32 = 0.693_359_375;
pub(crate) const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `2^-100`
const TWO_TO_MINUS_100: f32 = f32::from_bits((127 - 100) << 23);

/// `2^-32`
const TWO_TO_MINUS_32: f32 = f32::from_bits((127 - 32) << 23);

/// `(e^r - 1 - r) / r^2` on `|r| <= ln(2) / 2`, minimax in the relative error of `e^r`.
const E_MINUS_1: [f32; 5] = [1.386_307_53e-3, 8.367_432_3e-3, 4.166_724_5e-2, 1.666_653_45e-1, 0.5];

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

/// `(p, n)` with `e^x = (1 + p) * 2^n`, `n` an integer and `|p| < 0.42`, for `|x|` below 200.
///
/// With a fused multiply-add, `p` is off by at most 2^-24.7 where it is negative: half an ulp (2^-26) each of the
/// remainder `r` (the first product is exact, and so is its difference) and of `p`, and 2^-28 each of `r^2` and of the
/// polynomial. Where it is positive, the first is multiplied by `e^r`, below 1.42.
#[inline(always)]
fn reduced<S: Simd>(s: S, x: S::F) -> (S::F, S::F) {
    let n = s.round(s.mul(x, s.splat(LOG2_E)));
    let r = s.neg_mul_add(n, s.splat(LN_2_LOW), s.neg_mul_add(n, s.splat(LN_2_HIGH), x));
    let p = polynomial(s, r, E_MINUS_1);
    (s.mul_add(p, s.mul(r, r), r), n)
}

/// `e^x`; 0 below -104, infinity above 88.73, NaN for NaN. Subnormal results are kept.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    // Second operands are what `max` and `min` give for NaN.
    let x = s.max(s.splat(-105.0), x);
    let x = s.min(s.splat(89.0), x);
    let (p, n) = reduced(s, x);
    s.scale(s.add(p, s.splat(1.0)), n)
}

/// [`exp`] of `x` that is not positive, or NaN: the same bits.
#[inline(always)]
pub(crate) fn exp_of_negative<S: Simd>(s: S, x: S::F) -> S::F {
    // The second operand is what `max` gives for NaN.
    let (p, n) = reduced(s, s.max(s.splat(-105.0), x));
    // 2^32 times the result is normal, so that the last product rounds what is subnormal, once.
    let high = s.scale_exponent(s.add(p, s.splat(1.0)), s.add(n, s.splat(32.0)));
    s.mul(high, s.splat(TWO_TO_MINUS_32))
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

/// `e ln 2 + ln(1 + r)` for an integer `e` below 2^9 and `r` in `[sqrt(1/2) - 1, sqrt(2) - 1]`.
#[inline(always)]
fn ln_sum<S: Simd>(s: S, e: S::F, r: S::F) -> S::F {
    let z = s.mul(r, r);
    // (ln(1 + r) - r + r^2 / 2) / r^3, minimax in the relative error of the logarithm: 2^-27.3.
    let p = polynomial(
        s,
        r,
        [
            -7.634_767_9e-2,
            1.276_157_2e-1,
            -1.315_985_47e-1,
            1.420_167_09e-1,
            -1.662_340_02e-1,
            2.000_123_86e-1,
            -2.500_081_96e-1,
            3.333_333_14e-1,
        ],
    );
    let y = s.mul_add(e, s.splat(LN_2_LOW), s.mul(s.mul(r, z), p));
    let y = s.neg_mul_add(s.splat(0.5), z, y);
    s.mul_add(e, s.splat(LN_2_HIGH), s.add(r, y))
}

/// `ln x`; minus infinity for zeros, NaN below, infinity for infinity, NaN for NaN.
#[inline(always)]
pub(crate) fn ln<S: Simd>(s: S, x: S::F) -> S::F {
    let zero = s.splat(0.0);
    let subnormal = s.lt(x, s.splat(f32::MIN_POSITIVE));
    let (m, e) = s.split_exponent(s.select(subnormal, s.mul(x, s.splat(8_388_608.0)), x));
    let e = s.sub(e, s.select(subnormal, s.splat(23.0), zero));
    let y = ln_sum(s, e, s.sub(m, s.splat(1.0)));
    let y = s.select(s.lt(x, s.splat(f32::INFINITY)), y, x);
    let not_positive = s.select(s.eq(x, zero), s.splat(f32::NEG_INFINITY), s.splat(f32::NAN));
    s.select(s.lt(zero, x), y, not_positive)
}

/// `ln(1 + u)` for `u` in [0, 1], NaN for NaN.
#[inline(always)]
pub(crate) fn ln_1p_unit<S: Simd>(s: S, u: S::F) -> S::F {
    // Above sqrt(2) - 1 as ln 2 + ln(1 + (u - 1) / 2): neither way does `1 + u` have to be rounded.
    let large = s.lt(s.splat(0.414_213_56), u);
    let half = s.splat(0.5);
    let r = s.select(large, s.mul(s.sub(u, s.splat(1.0)), half), u);
    ln_sum(s, s.select(large, s.splat(1.0), s.splat(0.0)), r)
}

/// `ln(1 + e^x)`
#[inline(always)]
pub(crate) fn softplus<S: Simd>(s: S, x: S::F) -> S::F {
    let zero = s.splat(0.0);
    let u = exp_of_negative(s, s.sub(zero, s.abs(x)));
    s.add(s.max(zero, x), ln_1p_unit(s, u))
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    Gate::new(s, x).times(s, s.splat(1.0))
}

/// `x / (1 + e^-x)`; at minus infinity its limit, 0.
#[inline(always)]
pub(crate) fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    Gate::new(s, x).times(s, s.max(s.splat(-Gate::<S>::FAR), x))
}

/// `1 / (1 + e^-x)` as `scale / below`.
///
/// With `e^-x = (1 + p) 2^n` it is `1 / (1 + 2^n (1 + p))`, or for positive `n`, `2^-n / (2^-n + 1 + p)`: nothing is
/// divided by what may be large or is rounded more than once. In units of `u = 2^-24`, relative to `below`: the
/// remainder `r` is off by 1/4, `r^2` and the polynomial by 1/16 each, what is added to `1 + 2^-|n| + r` by less
/// than 1/16, and the sum is rounded to half an ulp; where `e^r` is least, 0.707, that is `(0.18 + 0.13 + 0.06) / 0.707`
/// and `0.5 / 0.707`, 1.23 together, and no more elsewhere. The quotient is rounded once more: 1.73 ulp in all.
struct Gate<S: Simd> {
    below: S::F,
    /// `2^-n` for positive `n`, else 1, in two factors, each a normal number.
    scale: [S::F; 2],
}

impl<S: Simd> Gate<S> {
    /// `e^-FAR FAR` is 0 in f32, and 2^-157 is the product of two normal numbers.
    const FAR: f32 = 109.0;

    #[inline(always)]
    fn new(s: S, x: S::F) -> Self {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        // Second operands are what `max` and `min` give for NaN.
        let x = s.min(s.splat(Self::FAR), s.max(s.splat(-Self::FAR), x));
        let n = s.round(s.mul(x, s.splat(-LOG2_E)));
        let r = s.neg_mul_add(n, s.splat(LN_2_LOW), s.neg_mul_add(n, s.splat(LN_2_HIGH), s.sub(zero, x)));
        let q = polynomial(s, r, E_MINUS_1);
        let r2 = s.mul(r, r);
        // 2^(32 - |n|), which is normal; 2^-|n| may not be, but then it is of no account.
        let power = s.scale_exponent(one, s.sub(s.splat(32.0), s.abs(n)));
        let small = s.mul(power, s.splat(TWO_TO_MINUS_32));
        let positive = s.lt(zero, n);
        let weight = s.select(positive, one, small);
        let base = s.add(one, small);
        let base_low = s.sub(small, s.sub(base, one));
        let step = s.mul(weight, r);
        let sum = s.add(base, step);
        let sum_low = s.add(s.sub(step, s.sub(sum, base)), base_low);
        let below = s.add(sum, s.mul_add(q, s.mul(weight, r2), sum_low));
        let scale = [s.select(positive, power, one), s.select(positive, s.splat(TWO_TO_MINUS_32), one)];
        Self { below, scale }
    }

    /// `v` times it, for `v` above 2^-24 and below 2^50 in magnitude where `n` is positive.
    #[inline(always)]
    fn times(&self, s: S, v: S::F) -> S::F {
        // Scaled after the division, so that what is subnormal has been rounded twice only.
        s.mul(s.mul(s.div(v, self.below), self.scale[0]), self.scale[1])
    }
}

/// `v / (1 + e^-x)`
#[inline(always)]
pub(crate) fn times_sigmoid<S: Simd>(s: S, v: S::F, x: S::F) -> S::F {
    let logistic = Logistic::new(s, x);
    let (quotient, low) = logistic.times(s, logistic.scale(s, v));
    whole(s, quotient, low)
}

/// `v` times the derivative of [`sigmoid`], `e / (1 + e)^2` with `e = e^-|x|`.
#[inline(always)]
pub(crate) fn times_sigmoid_slope<S: Simd>(s: S, v: S::F, x: S::F) -> S::F {
    let logistic = Logistic::new(s, s.sub(s.splat(0.0), s.abs(x)));
    let (inverse, inverse_low) = logistic.inverse(s);
    let (quotient, low) = logistic.times(s, logistic.scale(s, v));
    let product = s.mul(quotient, inverse);
    let product_low = s.neg_fused(quotient, inverse, product);
    let product_low = s.sub(s.mul_add(quotient, inverse_low, s.mul(low, inverse)), product_low);
    whole(s, product, product_low)
}

/// `v` times the derivative of [`tanh`], `4 e / (1 + e)^2` with `e = e^-2|x|`.
#[inline(always)]
pub(crate) fn times_tanh_slope<S: Simd>(s: S, v: S::F, x: S::F) -> S::F {
    let four = s.splat(4.0);
    // The 4 goes first, so that it does not multiply what a subnormal product was rounded by; but not where it
    // would overflow.
    let large = s.lt(s.splat(1e30), s.abs(v));
    let y = times_sigmoid_slope(s, s.select(large, v, s.mul(v, four)), s.add(x, x));
    s.select(large, s.mul(y, four), y)
}

/// `v` times the derivative of [`silu`], `(1 + x s(-x)) s(x)` with `s` the sigmoid.
#[inline(always)]
pub(crate) fn times_silu_slope<S: Simd>(s: S, v: S::F, x: S::F) -> S::F {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let logistic = Logistic::new(s, x);
    let (inverse, inverse_low) = logistic.inverse(s);
    // Beyond, the slope is 1, or 0 times any `v`.
    let x = s.min(s.splat(200.0), s.max(s.splat(-200.0), x));
    let other = s.select(logistic.negative, inverse, s.mul(logistic.e, inverse));
    let other_low = s.select(logistic.negative, inverse_low, zero);
    let slope = s.mul_add(x, other_low, s.neg_fused(s.sub(zero, x), other, one));
    // Half of it: `v` times a slope above 1 might overflow where the result does not.
    let half = s.mul(slope, s.splat(0.5));
    let v = logistic.scale(s, v);
    let product = s.mul(v, half);
    let product_low = s.sub(zero, s.neg_fused(v, half, product));
    let (quotient, low) = logistic.times(s, product);
    let low = s.mul_add(product_low, s.mul(logistic.m, inverse), low);
    let y = whole(s, quotient, low);
    s.add(y, y)
}

/// A number and what its rounding lost, as one number. Infinities and NaN have lost nothing.
#[inline(always)]
fn whole<S: Simd>(s: S, high: S::F, low: S::F) -> S::F {
    s.select(s.lt(s.abs(high), s.splat(f32::INFINITY)), s.add(high, low), high)
}

/// `1 / (1 + e^-x)` in parts: with `e = e^-|x| = m 2^n` it is `1 / (1 + e)`, or `e / (1 + e)` for negative `x`.
///
/// What the roundings of a product with it, of `1 + e` and of the quotient lost is known, and put back to first
/// order. So the last rounding (0.5 ulp), that of `p` (0.62 ulp, see [`reduced`]) and half an ulp of `e` (0.33 ulp
/// of `1 + e`) are what is left.
struct Logistic<S: Simd> {
    negative: S::M,
    /// 0 unless `x` is negative
    n: S::F,
    /// 1 unless `x` is negative
    m: S::F,
    m_low: S::F,
    e: S::F,
    /// `1 + e`
    below: S::F,
    below_low: S::F,
    /// of `below`
    inverse: S::F,
}

impl<S: Simd> Logistic<S> {
    #[inline(always)]
    fn new(s: S, x: S::F) -> Self {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        // e^-200 times any f32 is 0 in f32.
        let (p, n) = reduced(s, s.sub(zero, s.min(s.splat(200.0), s.abs(x))));
        let m = s.add(one, p);
        let m_low = s.sub(p, s.sub(m, one));
        // 0 long before; `Simd::scale` knows of no less than 2^-252.
        let e = s.scale(m, s.max(s.splat(-200.0), n));
        let below = s.add(one, e);
        let negative = s.lt(x, zero);
        Self {
            negative,
            n: s.select(negative, n, zero),
            m: s.select(negative, m, one),
            m_low: s.select(negative, m_low, zero),
            e,
            below,
            below_low: s.sub(e, s.sub(below, one)),
            inverse: s.div(one, below),
        }
    }

    /// `v 2^n`: taken first, so that a subnormal product means a result of that size.
    #[inline(always)]
    fn scale(&self, s: S, v: S::F) -> S::F {
        // In two steps where `n` is beyond what `Simd::scale` has to know of.
        let far = s.lt(self.n, s.splat(-200.0));
        let near = s.select(far, s.mul(v, s.splat(TWO_TO_MINUS_100)), v);
        s.scale(near, s.select(far, s.add(self.n, s.splat(100.0)), self.n))
    }

    /// `1 / (1 + e)` and what is left of it.
    #[inline(always)]
    fn inverse(&self, s: S) -> (S::F, S::F) {
        let rest = s.neg_fused(self.inverse, self.below, s.splat(1.0));
        (self.inverse, s.mul(s.neg_mul_add(self.inverse, self.below_low, rest), self.inverse))
    }

    /// `v m / (1 + e)` and what is left of it, for a scaled `v`.
    #[inline(always)]
    fn times(&self, s: S, v: S::F) -> (S::F, S::F) {
        let above = s.mul(v, self.m);
        let above_low = s.sub(s.mul(v, self.m_low), s.neg_fused(v, self.m, above));
        let quotient = s.mul(above, self.inverse);
        let rest = s.add(s.neg_fused(quotient, self.below, above), above_low);
        let rest = s.neg_mul_add(quotient, self.below_low, rest);
        (quotient, s.mul(rest, self.inverse))
    }
}

/// `(e^x - e^-x) / (e^x + e^-x)`
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // With e = e^-2|x|: (1 - e) / (1 + e), where `1 - e` is made without cancellation, and above 0.55, where
    // the result is above 1/2, 1 - 2 e / (1 + e), which makes the roundings of the quotient small.
    let (zero, one, two, half) = (s.splat(0.0), s.splat(1.0), s.splat(2.0), s.splat(0.5));
    let a = s.min(s.splat(10.0), s.abs(x));
    let (p, n) = reduced(s, s.mul(a, s.splat(-2.0)));
    let power = s.scale(one, n);
    let (rest, part) = (s.sub(one, power), s.mul(power, p));
    let less = s.sub(rest, part);
    let less_low = s.sub(s.sub(rest, less), part);
    let below = s.sub(two, less);
    let below_low = s.sub(s.sub(s.sub(two, below), less), less_low);
    let small = s.lt(a, s.splat(0.55));
    let base = s.select(small, zero, one);
    let above = s.select(small, less, s.sub(s.add(less, less), two));
    let above_low = s.select(small, less_low, s.add(less_low, less_low));
    let quotient = s.div(above, below);
    // What the roundings lost, put back; 1 / (1 + e) is (1 + tanh |x|) / 2.
    let inverse = s.mul_add(s.add(base, quotient), half, half);
    let low = s.mul(s.neg_mul_add(quotient, below_low, above_low), inverse);
    s.copysign(s.add(base, s.add(quotient, low)), x)
}
