//! The three products in plain f64 loops: the oracle of every other path.

use super::{Form, Product};

/// `Σ_l a[i,l] b[l,j]` for each `(i, j)` of `[m, n]`; `a(i, l)` and `b(l, j)` give the factors,
/// however they lie in memory.
pub fn product([m, n, k]: [usize; 3], a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let element = |at: usize| (0..k).map(|l| a(at / n, l) * b(l, at % n)).sum();
    (0..m * n).map(element).collect()
}

/// Rounds to f32 once, where the element is stored.
pub(super) fn product_f32(p: Product<'_, f32>, c: &mut [f32]) {
    let Product { form, m, n, k, alpha, .. } = p;
    let a = |i, l| f64::from(if form == Form::Tn { p.a[l * m + i] } else { p.a[i * k + l] });
    let b = |l, j| f64::from(if form == Form::Nt { p.b[j * k + l] } else { p.b[l * n + j] });
    for (c, sum) in c.iter_mut().zip(product([m, n, k], a, b)) {
        let before = if p.accumulate { f64::from(*c) } else { 0.0 };
        *c = (before + f64::from(alpha) * sum) as f32;
    }
}
