//! The recurrence and its adjoint in plain f64 loops: the oracle of every other path.

use super::{Cotangents, Inputs, Shape};
use crate::convert::{narrow, narrow_optional, wide};

/// Every step, one after the other; arguments as in [`super::forward`]. Lengths must fit the shape.
pub fn forward(shape: Shape, inputs: &Inputs<'_, f64>, h: &mut [f64], y: &mut [f64]) {
    let Shape { batch, seq_len, d_inner, d_state } = shape;
    for b in 0..batch {
        for t in 0..seq_len {
            for d in 0..d_inner {
                let at = (b * seq_len + t) * d_inner + d;
                let x = inputs.x[at];
                let mut sum = inputs.d.map_or(0.0, |v| v[d]) * x;
                for n in 0..d_state {
                    let i = d * d_state + n;
                    let h = &mut h[b * d_inner * d_state + i];
                    *h = inputs.a[i] * *h + inputs.b[i] * x;
                    sum += inputs.c[i] * *h;
                }
                y[at] = sum;
            }
        }
    }
}

/// The adjoint of [`forward`], with every state kept. `h` is the initial state; the other arguments
/// are as in [`super::backward`].
pub fn backward(
    shape: Shape,
    inputs: &Inputs<'_, f64>,
    h: &[f64],
    y_cot: &[f64],
    state_cot: &mut [f64],
    mut cot: Cotangents<'_, f64>,
) {
    let Shape { batch, seq_len, d_inner, d_state } = shape;
    for b in 0..batch {
        for d in 0..d_inner {
            let step = |t: usize| (b * seq_len + t) * d_inner + d;
            for t in 0..seq_len {
                cot.x[step(t)] = inputs.d.map_or(0.0, |v| v[d]) * y_cot[step(t)];
                if let Some(d_cot) = &mut cot.d {
                    d_cot[d] += y_cot[step(t)] * inputs.x[step(t)];
                }
            }
            for n in 0..d_state {
                let i = d * d_state + n;
                let at = b * d_inner * d_state + i;
                // states[t] is the state before step t
                let mut states = vec![h[at]];
                for t in 0..seq_len {
                    states.push(inputs.a[i] * states[t] + inputs.b[i] * inputs.x[step(t)]);
                }
                let g = &mut state_cot[at];
                for t in (0..seq_len).rev() {
                    *g += inputs.c[i] * y_cot[step(t)];
                    cot.c[i] += y_cot[step(t)] * states[t + 1];
                    cot.b[i] += *g * inputs.x[step(t)];
                    cot.a[i] += *g * states[t];
                    cot.x[step(t)] += inputs.b[i] * *g;
                    *g *= inputs.a[i];
                }
            }
        }
    }
}

/// Runs `f` with the inputs in f64.
fn with_wide(inputs: &Inputs<'_>, f: impl FnOnce(&Inputs<'_, f64>)) {
    let [x, a, b, c] = [inputs.x, inputs.a, inputs.b, inputs.c].map(wide);
    let d = inputs.d.map(wide);
    f(&Inputs { x: &x[..], a: &a[..], b: &b[..], c: &c[..], d: d.as_deref() });
}

/// [`forward`] with f64 inside and f32 outside.
pub(super) fn forward_f32(shape: Shape, inputs: &Inputs<'_>, h: &mut [f32], y: &mut [f32]) {
    let (mut state, mut out) = (wide(h), vec![0.0; y.len()]);
    with_wide(inputs, |inputs| forward(shape, inputs, &mut state, &mut out));
    narrow(&state, h);
    narrow(&out, y);
}

/// [`backward`] with f64 inside and f32 outside.
pub(super) fn backward_f32(
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cot: Cotangents<'_>,
) {
    let mut state = wide(state_cot);
    let [mut x, mut a, mut b, mut c] = [&*cot.x, &*cot.a, &*cot.b, &*cot.c].map(wide);
    let mut d = cot.d.as_deref().map(wide);
    let wide_cot = Cotangents { x: &mut x[..], a: &mut a[..], b: &mut b[..], c: &mut c[..], d: d.as_deref_mut() };
    with_wide(inputs, |inputs| backward(shape, inputs, &wide(h), &wide(y_cot), &mut state, wide_cot));
    narrow(&state, state_cot);
    for (from, to) in [(&x, cot.x), (&a, cot.a), (&b, cot.b), (&c, cot.c)] {
        narrow(from, to);
    }
    narrow_optional(d, cot.d);
}
