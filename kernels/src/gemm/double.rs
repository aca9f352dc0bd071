//! Products in f64, for checks: the loops that the compiler turns into vectors by itself.

use super::{Form, Product};
use crate::{Isa, Kernel, vectorize};

/// Partial sums of an element of `nt`.
const LANES: usize = 8;

/// Lengths checked; `c` is not empty.
pub(super) fn run(isa: Isa, p: Product<'_, f64>, c: &mut [f64]) {
    if !p.accumulate {
        c.fill(0.0);
    }
    vectorize(isa, Sum(p, c));
}

struct Sum<'a>(Product<'a, f64>, &'a mut [f64]);

impl Kernel for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self(Product { form, m, n, k, alpha, a, b, .. }, c) = self;
        for (i, c) in c.chunks_exact_mut(n).enumerate() {
            match form {
                Form::Nt => {
                    for (c, b) in c.iter_mut().zip(b.chunks_exact(k.max(1))) {
                        *c += alpha * dot(&a[i * k..][..k], b);
                    }
                }
                Form::Nn => {
                    for (a, b) in a[i * k..][..k].iter().zip(b.chunks_exact(n)) {
                        add_scaled(alpha * a, b, c);
                    }
                }
                Form::Tn => {
                    for (a, b) in a.chunks_exact(m).zip(b.chunks_exact(n)) {
                        add_scaled(alpha * a[i], b, c);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_scaled(by: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += by * x;
    }
}

/// Term `i` goes to partial sum `i % 8`; then the upper half is added to the lower.
#[inline(always)]
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (x, y) in x.iter().zip(y) {
        for l in 0..LANES {
            lanes[l] += x[l] * y[l];
        }
    }
    for (lane, (x, y)) in lanes.iter_mut().zip(x_rest.iter().zip(y_rest)) {
        *lane += x * y;
    }
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
        half /= 2;
    }
    lanes[0]
}
