//! The loops of the optimiser: elementwise, compiled for each instruction set, the same bits on all.

use barewire_kernels::{Isa, Kernel, vectorize};
use rayon::prelude::*;

/// What one AdamW update needs beside the arrays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coefficients {
    /// what every gradient is multiplied by: clipping, and `1 / scale` of digits
    pub(super) grad: f32,
    /// `beta1`
    pub(super) beta1: f32,
    /// `beta2`
    pub(super) beta2: f32,
    /// `lr / (1 - beta1^t)`
    pub(super) rate: f32,
    /// `1 / (1 - beta2^t)`
    pub(super) second: f32,
    /// added to the root
    pub(super) eps: f32,
    /// `1 - lr * weight_decay`
    pub(super) keep: f32,
}

struct Update<'a> {
    c: Coefficients,
    w: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Kernel for Update<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Update { c, w, g, m, v } = self;
        let n = w.len();
        let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
        for i in 0..n {
            let grad = g[i] * c.grad;
            m[i] = c.beta1 * m[i] + (1.0 - c.beta1) * grad;
            v[i] = c.beta2 * v[i] + (1.0 - c.beta2) * (grad * grad);
            w[i] = w[i] * c.keep - c.rate * (m[i] / ((v[i] * c.second).sqrt() + c.eps));
        }
    }
}

/// Elements that one task takes: enough that starting it costs nothing beside the work.
const TASK: usize = 1 << 14;

/// `w`, `m` and `v` after one AdamW update with the gradients `g`; all of one length.
///
/// Runs on the current rayon pool. Elements do not meet, so the bits do not depend on how they are cut.
pub(super) fn adamw(c: Coefficients, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let isa = Isa::best();
    if w.len() <= TASK {
        return vectorize(isa, Update { c, w, g, m, v });
    }
    w.par_chunks_mut(TASK)
        .zip(g.par_chunks(TASK))
        .zip(m.par_chunks_mut(TASK).zip(v.par_chunks_mut(TASK)))
        .for_each(|((w, g), (m, v))| vectorize(isa, Update { c, w, g, m, v }));
}

#[cfg(test)]
mod tests {
    use super::{Coefficients, TASK, adamw};

    /// The formula of Loshchilov & Hutter, algorithm 2, in f64.
    #[test]
    fn agrees_with_the_formula_in_f64() {
        let n = 2 * TASK + 5;
        let (beta1, beta2, lr, eps, decay) = (0.9_f64, 0.99_f64, 1e-2_f64, 1e-8_f64, 0.1_f64);
        let start = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 25.0;
        let mut w: Vec<f32> = (0..n).map(start).collect();
        let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
        let mut exact: Vec<[f64; 3]> = w.iter().map(|w| [f64::from(*w), 0.0, 0.0]).collect();
        for step in 1..=5 {
            let g: Vec<f32> = (0..n).map(|i| start(i * 3 + step)).collect();
            let (one, two) = (1.0 - beta1.powi(step as i32), 1.0 - beta2.powi(step as i32));
            let c = Coefficients {
                grad: 0.5,
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                rate: (lr / one) as f32,
                second: (1.0 / two) as f32,
                eps: eps as f32,
                keep: (1.0 - lr * decay) as f32,
            };
            adamw(c, &mut w, &g, &mut m, &mut v);
            for ([w, m, v], g) in exact.iter_mut().zip(&g) {
                let g = 0.5 * f64::from(*g);
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                *w -= lr * decay * *w + lr * (*m / one) / ((*v / two).sqrt() + eps);
            }
        }
        // a few roundings of 6e-8 each step at |w| up to 2
        for (w, [exact, ..]) in w.iter().zip(&exact) {
            assert!((f64::from(*w) - exact).abs() < 2e-6, "{w} against {exact}");
        }
    }
}
