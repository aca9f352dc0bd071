//! The formula in plain f64 loops.

use super::Coefficients;

/// `(w, m, v)` of one element in f64.
pub fn element(c: Coefficients, [w, g, m, v]: [f64; 4]) -> [f64; 3] {
    let Coefficients { grad, beta1, beta2, rate, second, eps, keep } = c;
    let [grad, rate, second, eps, keep] = [grad, rate, second, eps, keep].map(f64::from);
    // `1 - beta` is taken in f32 by every path.
    let [left1, left2] = [beta1, beta2].map(|beta| f64::from(1.0 - beta));
    let g = g * grad;
    let m = f64::from(beta1) * m + left1 * g;
    let v = f64::from(beta2) * v + left2 * g * g;
    [w * keep - rate * (m / ((v * second).sqrt() + eps)), m, v]
}

pub(super) fn update(c: Coefficients, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
        [*w, *m, *v] = element(c, [*w, *g, *m, *v].map(f64::from)).map(|x| x as f32);
    }
}
