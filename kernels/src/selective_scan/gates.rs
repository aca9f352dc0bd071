//! The functions at both ends of the scan: softplus before it, the gate after it.
//!
//! They are a fifth of the forward's work, so these are the shortest forms within 4 ulp. Those of
//! `simd::math` are more accurate. Loops over a tile take the exponential in one pass and what is made of it in
//! the next: as one chain of operations it is too long for the CPU's window to overlap enough of them.
#![allow(clippy::excessive_precision, reason = "coefficients stand as computed, with more digits than f32 holds")]

use core::f32::consts::LOG2_E;

use crate::simd::Simd;
use crate::simd::math::{LN_2_HIGH, LN_2_LOW};

/// `e^-|x|`; some number below 2^-126 where that is.
#[inline(always)]
pub(super) fn exp_minus_abs<S: Simd>(s: S, x: S::F) -> S::F {
    // The second operand is what `max` gives for NaN. 88 is 127 ln 2, less a little.
    let x = s.max(s.splat(-88.0), s.sub(s.splat(0.0), s.abs(x)));
    let n = s.round(s.mul(x, s.splat(LOG2_E)));
    let r = s.neg_mul_add(n, s.splat(LN_2_LOW), s.neg_mul_add(n, s.splat(LN_2_HIGH), x));
    // The polynomial of `math::Exp2`, of `r / ln 2`.
    let r2 = s.mul(r, r);
    let p = pair(s, r, 1.0, 0.999_999_707);
    let p = s.mul_add(pair(s, r, 0.499_991_495, 0.166_676_361), r2, p);
    let p = s.mul_add(pair(s, r, 4.189_793_03e-2, 8.290_318_2e-3), s.mul(r2, r2), p);
    s.scale_exponent(p, n)
}

/// `ln(1 + u)` for `u` in [0, 1], NaN for NaN: `u + u^2 p(u)`, minimax in the relative error, 2^-24.8.
#[inline(always)]
fn ln_1p_unit<S: Simd>(s: S, u: S::F) -> S::F {
    let u2 = s.mul(u, u);
    let low = s.mul_add(pair(s, u, 0.333_213_223, -0.248_571_613), u, s.splat(-0.499_996_48));
    let high = pair(s, u, 0.191_536_456, -0.137_537_827);
    let top = s.mul_add(pair(s, u, -3.006_565_5e-2, 5.364_790_7e-3), u, s.splat(7.920_430_7e-2));
    let high = s.mul_add(top, u2, high);
    s.mul_add(s.mul_add(high, s.mul(u2, u), low), u2, u)
}

/// `a + b x`. Polynomials here are summed from pairs, not by Horner's rule: of their long chains too
/// few would fit into the CPU's window to keep it busy.
#[inline(always)]
fn pair<S: Simd>(s: S, x: S::F, a: f32, b: f32) -> S::F {
    s.mul_add(s.splat(b), x, s.splat(a))
}

/// `ln(1 + e^x)` from `u = e^-|x|`.
#[inline(always)]
pub(super) fn softplus<S: Simd>(s: S, x: S::F, u: S::F) -> S::F {
    s.add(s.max(s.splat(0.0), x), ln_1p_unit(s, u))
}

/// `1 / (1 + e^-x)` from `u = e^-|x|`; for negative `x` in the form `u / (1 + u)`, which does not cancel. The
/// derivative of [`softplus`].
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(s: S, x: S::F, u: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(s.select(s.lt(x, s.splat(0.0)), u, one), s.add(one, u))
}

/// What [`enter`] makes of a block's step, a line each.
pub(super) struct Entered<F, const V: usize> {
    /// The time step.
    pub(super) delta: [F; V],
    /// `delta x`
    pub(super) dx: [F; V],
    /// The skip `d x`, to which the states add.
    pub(super) y: [F; V],
}

/// A block's step before the scan: the time step `delta`, what it makes of `x`, and the skip.
#[inline(always)]
pub(super) fn enter<S: Simd, const V: usize>(
    s: S,
    with_softplus: bool,
    x: [S::F; V],
    dt: [S::F; V],
    bias: [S::F; V],
    d: [S::F; V],
) -> Entered<S::F, V> {
    let (mut delta, mut dx, mut y) = (x, x, x);
    for v in 0..V {
        delta[v] = s.add(dt[v], bias[v]);
        if with_softplus {
            delta[v] = softplus(s, delta[v], exp_minus_abs(s, delta[v]));
        }
        dx[v] = s.mul(delta[v], x[v]);
        y[v] = s.mul(d[v], x[v]);
    }
    Entered { delta, dx, y }
}

/// A block's step after the scan: `y silu(z)`.
#[inline(always)]
pub(super) fn gate<S: Simd, const V: usize>(s: S, y: [S::F; V], z: [S::F; V]) -> [S::F; V] {
    let mut out = y;
    for v in 0..V {
        out[v] = s.mul(y[v], s.mul(z[v], sigmoid(s, z[v], exp_minus_abs(s, z[v]))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::simd::{SimdKernel, dispatch};

    struct Functions<'a>(&'a [f32]);

    impl SimdKernel for Functions<'_> {
        type Output = Vec<[f32; 3]>;

        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Self::Output {
            let mut out = Vec::new();
            for x in self.0.chunks_exact(16) {
                for x in x.chunks_exact(S::LANES) {
                    let x = s.load(x);
                    let u = exp_minus_abs(s, x);
                    let mut lanes = [[0.0; 16]; 3];
                    s.store(&mut lanes[0], u);
                    s.store(&mut lanes[1], softplus(s, x, u));
                    s.store(&mut lanes[2], sigmoid(s, x, u));
                    out.extend((0..S::LANES).map(|i| lanes.map(|lanes| lanes[i])));
                }
            }
            out
        }
    }

    #[test]
    fn functions_are_within_4_ulp() {
        // Evenly, and by magnitude down to the smallest normal number.
        let even = (-8_000..8_000).map(|i| i as f32 * 1.1e-2);
        let by_size = (0..8_000).map(|i| (i as f32 * 1.6e-2 - 126.0).exp2() * if i % 2 == 0 { 1.0 } else { -1.0 });
        let x: Vec<f32> = even.chain(by_size).collect();
        for isa in Isa::available() {
            let mut worst = [0.0f64; 3];
            for (x, found) in x.iter().zip(dispatch(isa, Functions(&x))) {
                let x = f64::from(*x);
                let u = (-x.abs()).exp();
                let exact = [u, x.max(0.0) + u.ln_1p(), if x < 0.0 { u } else { 1.0 } / (1.0 + u)];
                for k in 0..3 {
                    let rounded = (exact[k] as f32).max(f32::MIN_POSITIVE);
                    let ulp = f64::from(f32::from_bits(rounded.to_bits() + 1)) - f64::from(rounded);
                    let error = (f64::from(found[k]) - exact[k]).abs();
                    if error > f64::from(f32::MIN_POSITIVE) {
                        worst[k] = worst[k].max(error / ulp);
                    }
                }
            }
            println!("{}: worst errors of exp, softplus, sigmoid in ulp: {worst:?}", isa.name());
            assert!(worst.iter().all(|w| *w < 4.0), "{} {worst:?}", isa.name());
        }
    }
}
