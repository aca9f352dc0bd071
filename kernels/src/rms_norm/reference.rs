//! The formulas in plain f64 loops.

use crate::convert::{narrow, wide};

/// One row in f64: `(y, r)`.
pub fn row(x: &[f64], w: &[f64], eps: f64) -> (Vec<f64>, f64) {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len().max(1) as f64;
    let r = 1.0 / (mean + eps).sqrt();
    (x.iter().zip(w).map(|(x, w)| x * r * w).collect(), r)
}

/// Cotangents of one row's `x` and terms of `w`.
pub fn row_backward(x: &[f64], w: &[f64], r: f64, y_cot: &[f64], eps: f64) -> (Vec<f64>, Vec<f64>) {
    let n = x.len() as f64;
    let mean = (0..x.len()).map(|i| x[i] * w[i] * y_cot[i]).sum::<f64>() / n;
    let x_cot = |i: usize| match x.len() {
        1 => eps * r.powi(3) * w[i] * y_cot[i],
        _ => r * w[i] * y_cot[i] - x[i] * r.powi(3) * mean,
    };
    ((0..x.len()).map(x_cot).collect(), (0..x.len()).map(|i| x[i] * r * y_cot[i]).collect())
}

fn weights(w: Option<&[f32]>, d: usize) -> Vec<f64> {
    w.map_or_else(|| vec![1.0; d], wide)
}

pub(super) fn forward(x: &[f32], w: Option<&[f32]>, d: usize, eps: f32, y: &mut [f32], r: &mut [f32]) {
    let w = weights(w, d);
    for (t, r) in r.iter_mut().enumerate() {
        let (values, root) = row(&wide(&x[t * d..][..d]), &w, eps.into());
        *r = root as f32;
        narrow(&values, &mut y[t * d..]);
    }
}

#[expect(clippy::too_many_arguments, reason = "as the kernel")]
pub(super) fn backward(
    x: &[f32],
    w: Option<&[f32]>,
    r: &[f32],
    y_cot: &[f32],
    d: usize,
    eps: f32,
    x_cot: &mut [f32],
    w_cot: Option<&mut [f32]>,
) {
    let w = weights(w, d);
    let mut sums = vec![0.0; d];
    for (t, r) in r.iter().enumerate() {
        let (x, c) = (wide(&x[t * d..][..d]), wide(&y_cot[t * d..][..d]));
        let (values, terms) = row_backward(&x, &w, (*r).into(), &c, eps.into());
        narrow(&values, &mut x_cot[t * d..]);
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum += term;
        }
    }
    if let Some(w_cot) = w_cot {
        narrow(&sums, w_cot);
    }
}
