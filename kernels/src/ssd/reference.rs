//! The recurrence and its adjoint in plain f64 loops: the oracle of every other path.

use super::{Cotangents, Inputs, Shape};
use crate::convert::{narrow, narrow_optional, wide};
use crate::elementwise::reference::{sigmoid, softplus};

/// Places of one step of one head in the arrays.
struct Place {
    /// in `dt`
    dt: usize,
    /// first of `head_dim` in `x` and `y`
    x: usize,
    /// first of `d_state` in `b` and `c`
    b: usize,
    /// first of `head_dim * d_state` in `h`
    h: usize,
}

fn place(shape: Shape, batch: usize, t: usize, head: usize) -> Place {
    let step = batch * shape.seq_len + t;
    let dt = step * shape.n_heads + head;
    let group = head / shape.heads_per_group();
    Place {
        dt,
        x: dt * shape.head_dim,
        b: (step * shape.n_groups + group) * shape.d_state,
        h: (batch * shape.n_heads + head) * shape.head_dim * shape.d_state,
    }
}

/// Every step, one after the other; arguments as in [`super::forward`]. Lengths must fit the shape.
pub fn forward(shape: Shape, inputs: &Inputs<'_, f64>, h: &mut [f64], y: &mut [f64]) {
    let Shape { head_dim, d_state, .. } = shape;
    for batch in 0..shape.batch {
        for head in 0..shape.n_heads {
            for t in 0..shape.seq_len {
                let at = place(shape, batch, t, head);
                let delta = softplus(inputs.dt[at.dt] + inputs.dt_bias.map_or(0.0, |v| v[head]));
                let decay = (delta * inputs.a[head]).exp();
                for p in 0..head_dim {
                    let x = inputs.x[at.x + p];
                    let mut sum = inputs.d.map_or(0.0, |v| v[head]) * x;
                    for n in 0..d_state {
                        let h = &mut h[at.h + p * d_state + n];
                        *h = decay * *h + delta * x * inputs.b[at.b + n];
                        sum += inputs.c[at.b + n] * *h;
                    }
                    y[at.x + p] = sum;
                }
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
    let Shape { head_dim, d_state, .. } = shape;
    let of_head = head_dim * d_state;
    cot.b.fill(0.0);
    cot.c.fill(0.0);
    for batch in 0..shape.batch {
        for head in 0..shape.n_heads {
            let skip = inputs.d.map_or(0.0, |v| v[head]);
            let raw = |t: usize| inputs.dt[place(shape, batch, t, head).dt] + inputs.dt_bias.map_or(0.0, |v| v[head]);
            // states[t] is the state before step t
            let mut states = vec![h[place(shape, batch, 0, head).h..][..of_head].to_vec()];
            for t in 0..shape.seq_len {
                let at = place(shape, batch, t, head);
                let delta = softplus(raw(t));
                let decay = (delta * inputs.a[head]).exp();
                let next = (0..of_head).map(|i| {
                    let added = delta * inputs.x[at.x + i / d_state] * inputs.b[at.b + i % d_state];
                    decay * states[t][i] + added
                });
                states.push(next.collect());
            }
            let (mut a_cot, mut d_cot, mut bias_cot) = (0.0, 0.0, 0.0);
            for t in (0..shape.seq_len).rev() {
                let at = place(shape, batch, t, head);
                let delta = softplus(raw(t));
                let decay = (delta * inputs.a[head]).exp();
                let (mut delta_cot, mut log_cot) = (0.0, 0.0);
                for p in 0..head_dim {
                    let (x, y_cot) = (inputs.x[at.x + p], y_cot[at.x + p]);
                    let mut through_b = 0.0;
                    for n in 0..d_state {
                        let i = p * d_state + n;
                        let g = &mut state_cot[at.h + i];
                        *g += inputs.c[at.b + n] * y_cot;
                        cot.c[at.b + n] += y_cot * states[t + 1][i];
                        cot.b[at.b + n] += delta * x * *g;
                        through_b += *g * inputs.b[at.b + n];
                        log_cot += *g * decay * states[t][i];
                        *g *= decay;
                    }
                    cot.x[at.x + p] = delta * through_b + skip * y_cot;
                    delta_cot += through_b * x;
                    d_cot += y_cot * x;
                }
                a_cot += log_cot * delta;
                delta_cot += log_cot * inputs.a[head];
                let dt_cot = delta_cot * sigmoid(raw(t));
                cot.dt[at.dt] = dt_cot;
                bias_cot += dt_cot;
            }
            cot.a[head] += a_cot;
            if let Some(d) = &mut cot.d {
                d[head] += d_cot;
            }
            if let Some(bias) = &mut cot.dt_bias {
                bias[head] += bias_cot;
            }
        }
    }
}

/// Owned [`Inputs`] in f64.
struct Wide {
    arrays: [Vec<f64>; 5],
    d: Option<Vec<f64>>,
    dt_bias: Option<Vec<f64>>,
}

impl Wide {
    fn new(inputs: &Inputs<'_>) -> Self {
        Self {
            arrays: [inputs.x, inputs.dt, inputs.a, inputs.b, inputs.c].map(wide),
            d: inputs.d.map(wide),
            dt_bias: inputs.dt_bias.map(wide),
        }
    }

    fn inputs(&self) -> Inputs<'_, f64> {
        let [x, dt, a, b, c] = &self.arrays;
        Inputs { x, dt, a, b, c, d: self.d.as_deref(), dt_bias: self.dt_bias.as_deref() }
    }
}

/// [`forward`] with f64 inside and f32 outside.
pub(super) fn forward_f32(shape: Shape, inputs: &Inputs<'_>, h: &mut [f32], y: &mut [f32]) {
    let (mut state, mut out) = (wide(h), vec![0.0; y.len()]);
    forward(shape, &Wide::new(inputs).inputs(), &mut state, &mut out);
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
    let [mut x, mut dt, mut a, mut b, mut c] = [&*cot.x, &*cot.dt, &*cot.a, &*cot.b, &*cot.c].map(wide);
    let (mut d, mut dt_bias) = (cot.d.as_deref().map(wide), cot.dt_bias.as_deref().map(wide));
    let wide_cot = Cotangents {
        x: &mut x[..],
        dt: &mut dt[..],
        a: &mut a[..],
        b: &mut b[..],
        c: &mut c[..],
        d: d.as_deref_mut(),
        dt_bias: dt_bias.as_deref_mut(),
    };
    backward(shape, &Wide::new(inputs).inputs(), &wide(h), &wide(y_cot), &mut state, wide_cot);
    narrow(&state, state_cot);
    for (from, to) in [(&x, cot.x), (&dt, cot.dt), (&a, cot.a), (&b, cot.b), (&c, cot.c)] {
        narrow(from, to);
    }
    narrow_optional(d, cot.d);
    narrow_optional(dt_bias, cot.dt_bias);
}
