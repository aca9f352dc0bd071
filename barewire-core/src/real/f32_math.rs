//! Branch-free `f32` functions that vectorise: selections instead of branches, polynomials instead of calls, no fused
//! multiply-add, so that every instruction set gives the same bits. Coefficients after Cephes (S. Moshier).
// coefficients stand as published, with more digits than f32 holds
#![allow(clippy::excessive_precision)]

const LOG2_E: f32 = core::f32::consts::LOG2_E;
// ln 2 in two parts: `n * LN2_HI` is exact for |n| < 2^9
const LN2_HI: f32 = 0.693_359_375;
const LN2_LO: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23: adding it rounds to the nearest integer and leaves that integer in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// `2^n` for an integer-valued `n` in [-126, 127], through the exponent bits.
#[inline(always)]
fn power_of_two(n_plus_magic: f32) -> f32 {
    let n = n_plus_magic.to_bits().wrapping_sub(MAGIC.to_bits());
    f32::from_bits(n.wrapping_add(127) << 23)
}

/// `e^x` within 1.5 ulp; 0 below -104, infinity above 88.73, NaN for NaN.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // comparisons that are false for NaN let it through
    let x = if x < -105.0 { -105.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * LN2_HI - n * LN2_LO;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_65;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    // two halves of the exponent, so that results beyond the normal range come out right
    let half = (n * 0.5 + MAGIC) - MAGIC;
    y * power_of_two(half + MAGIC) * power_of_two((n - half) + MAGIC)
}

/// Natural logarithm within 2 ulp; NaN below 0, minus infinity at 0.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    // subnormal numbers first become normal
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = if tiny { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits();
    // the mantissa in [sqrt(1/2), sqrt 2)
    let offset = bits.wrapping_sub(0x3f35_04f3);
    let e = ((offset as i32) >> 23) as f32 - if tiny { 23.0 } else { 0.0 };
    let m = f32::from_bits((offset & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let r = m - 1.0;
    let z = r * r;
    let p = 7.037_683_6e-2;
    let p = p * r - 1.151_461e-1;
    let p = p * r + 1.167_699_9e-1;
    let p = p * r - 1.242_014_1e-1;
    let p = p * r + 1.424_932_3e-1;
    let p = p * r - 1.666_805_8e-1;
    let p = p * r + 2.000_071_4e-1;
    let p = p * r - 2.499_999_4e-1;
    let p = p * r + 3.333_333e-1;
    let y = r * z * p + e * LN2_LO - 0.5 * z;
    let y = r + y + e * LN2_HI;
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}

/// Hyperbolic tangent within 2 ulp.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_908_9e-2;
    let p = p * z - 5.373_971_5e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328_2e-1;
    let small = p * z * x + x;
    let a = x.abs();
    let big = (1.0 - 2.0 / (exp(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { small } else { big }
}

/// `1 / (1 + e^-x)` within 2.5 ulp.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `ln(1 + e^x)` within 3 ulp.
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    let u = exp(-x.abs());
    // ln(1 + u): the rounding of 1 + u is put back to first order
    let w = 1.0 + u;
    let log1p = ln(w) + (u - (w - 1.0)) / w;
    // the last arm is NaN's
    let positive = if x > 0.0 {
        x
    } else if x <= 0.0 {
        0.0
    } else {
        x
    };
    let y = positive + log1p;
    if x == f32::NEG_INFINITY {
        0.0
    } else if x == f32::INFINITY {
        x
    } else {
        y
    }
}

/// `(1 + erf(x / sqrt 2)) / 2`, absolute error below 2e-7.
///
/// Numerical Recipes' Chebyshev form of erfc (`erfcc`, relative error 1.2e-7), which is one exponential and a
/// polynomial.
#[inline(always)]
pub(super) fn normal_cdf(x: f32) -> f32 {
    let z = x.abs() * core::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z);
    let p = 0.170_872_77;
    let p = p * t - 0.822_152_23;
    let p = p * t + 1.488_515_9;
    let p = p * t - 1.135_203_98;
    let p = p * t + 0.278_868_07;
    let p = p * t - 0.186_288_06;
    let p = p * t + 0.096_784_18;
    let p = p * t + 0.374_091_96;
    let p = p * t + 1.000_023_68;
    let p = p * t - 1.265_512_23;
    let tail = 0.5 * t * exp(p - z * z);
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use crate::real::Real;

    /// Largest distance in units in the last place over a dense sweep, for results in the normal range.
    fn worst_ulp(f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
        let n = 400_000;
        let mut worst = 0.0_f64;
        for i in 0..=n {
            let x = (from + (to - from) * f64::from(i) / f64::from(n)) as f32;
            let want = exact(f64::from(x));
            if want.abs() < f64::from(f32::MIN_POSITIVE) {
                continue;
            }
            let rounded = want as f32;
            let ulp = f64::from(f32::from_bits(rounded.to_bits() + 1)) - f64::from(rounded);
            worst = worst.max((f64::from(f(x)) - want).abs() / ulp.abs());
        }
        worst
    }

    #[test]
    fn functions_hold_their_stated_bounds() {
        assert!(worst_ulp(Real::exp, f64::exp, -87.0, 88.7) < 1.5);
        assert!(worst_ulp(Real::ln, f64::ln, 1e-6, 30.0) < 2.0);
        assert!(worst_ulp(Real::tanh, f64::tanh, -12.0, 12.0) < 2.0);
        assert!(worst_ulp(Real::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -80.0, 80.0) < 2.5);
        assert!(worst_ulp(Real::softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), -80.0, 80.0) < 3.0);
        for i in -4000..4000 {
            let x = i as f32 * 0.002;
            let (got, want) = (Real::normal_cdf(x), Real::normal_cdf(f64::from(x)));
            assert!((f64::from(got) - want).abs() < 2e-7, "{x}: {got} {want}");
        }
    }

    #[test]
    fn edges() {
        assert_eq!(Real::exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(Real::exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(Real::exp(-200.0_f32), 0.0);
        assert_eq!(Real::exp(0.0_f32), 1.0);
        assert!(Real::exp(-100.0_f32) > 0.0, "subnormal results are kept");
        assert_eq!(Real::ln(0.0_f32), f32::NEG_INFINITY);
        assert_eq!(Real::ln(f32::INFINITY), f32::INFINITY);
        assert!(Real::ln(-1.0_f32).is_nan());
        assert_eq!(Real::sigmoid(f32::NEG_INFINITY), 0.0);
        assert_eq!(Real::sigmoid(f32::INFINITY), 1.0);
        assert_eq!(Real::tanh(f32::INFINITY), 1.0);
        assert_eq!(Real::softplus(f32::NEG_INFINITY), 0.0);
        assert_eq!(Real::softplus(f32::INFINITY), f32::INFINITY);
        for f in [Real::exp, Real::ln, Real::tanh, Real::sigmoid, Real::softplus, Real::normal_cdf] {
            let f: fn(f32) -> f32 = f;
            assert!(f(f32::NAN).is_nan());
        }
    }
}
