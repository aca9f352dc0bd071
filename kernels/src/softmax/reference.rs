//! The formulas in plain f64 loops.

use crate::convert::{narrow, wide};

/// Softmax of a row, or its logarithm.
pub fn row(log: bool, x: &[f64]) -> Vec<f64> {
    let max = x.iter().fold(f64::NEG_INFINITY, |max, x| max.max(*x));
    let sum: f64 = x.iter().map(|x| (x - max).exp()).sum();
    x.iter().map(|x| if log { (x - max) - sum.ln() } else { (x - max).exp() / sum }).collect()
}

/// Cotangent of a row, from what [`row`] gave.
pub fn row_backward(log: bool, y: &[f64], y_cot: &[f64]) -> Vec<f64> {
    let rows = || y.iter().zip(y_cot);
    if log {
        let sum: f64 = y_cot.iter().sum();
        rows().map(|(y, c)| c - y.exp() * sum).collect()
    } else {
        let sum: f64 = rows().map(|(y, c)| y * c).sum();
        rows().map(|(y, c)| y * (c - sum)).collect()
    }
}

pub(super) fn forward(log: bool, x: &[f32], d: usize, y: &mut [f32]) {
    for (x, y) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)) {
        narrow(&row(log, &wide(x)), y);
    }
}

pub(super) fn backward(log: bool, y: &[f32], y_cot: &[f32], d: usize, x_cot: &mut [f32]) {
    for ((y, c), x_cot) in y.chunks_exact(d).zip(y_cot.chunks_exact(d)).zip(x_cot.chunks_exact_mut(d)) {
        narrow(&row_backward(log, &wide(y), &wide(c)), x_cot);
    }
}
