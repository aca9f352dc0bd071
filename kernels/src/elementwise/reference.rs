//! The formulas in f64, rounded once.

use super::Op;

pub(super) fn map<O: Op<N>, const N: usize>(_: O, x: [&[f32]; N], y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        *y = O::exact(x.map(|x| f64::from(x[i]))) as f32;
    }
}

/// `1 / (1 + e^-x)`, accurate on both sides.
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// `x / (1 + e^-x)`, with the limit at minus infinity.
pub(super) fn silu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { -0.0 } else { x * sigmoid(x) }
}

/// `ln(1 + e^x)`
pub(crate) fn softplus(x: f64) -> f64 {
    // `max` would drop a NaN.
    let above = if x < 0.0 { 0.0 } else { x };
    above + (-x.abs()).exp().ln_1p()
}

/// `sigmoid(x) sigmoid(-x)`
pub(super) fn sigmoid_slope(x: f64) -> f64 {
    sigmoid(x) * sigmoid(-x)
}

/// `sigmoid(x) (1 + x sigmoid(-x))`
pub(super) fn silu_slope(x: f64) -> f64 {
    // At infinities as at 1000.
    let x = x.clamp(-1000.0, 1000.0);
    sigmoid(x) * (1.0 + x * sigmoid(-x))
}
