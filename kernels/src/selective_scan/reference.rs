//! The scan and its adjoint in plain f64 loops: the oracle of every other path.

use super::pack::{lines, lines_mut, pack_states, unpack_states};
use super::{Cotangents, Inputs, Shape, StepInputs};
use crate::convert::{narrow, narrow_optional, wide};
use crate::elementwise::reference::{sigmoid, softplus};

/// The time step of element `at`, and its derivative with respect to `dt`.
fn time_step(inputs: &Inputs<'_, f64>, at: usize, d: usize) -> (f64, f64) {
    let x = inputs.dt[at] + inputs.dt_bias.map_or(0.0, |bias| bias[d]);
    if inputs.softplus { (softplus(x), sigmoid(x)) } else { (x, 1.0) }
}

/// [`super::forward`]: `h` is the initial state and becomes the final one. Lengths must be right.
pub fn forward(shape: Shape, inputs: &Inputs<'_, f64>, h: &mut [f64], y: &mut [f64]) {
    let Shape { batch, seq_len, d_inner, d_state } = shape;
    for b in 0..batch {
        for t in 0..seq_len {
            for d in 0..d_inner {
                let at = (b * seq_len + t) * d_inner + d;
                let (delta, _) = time_step(inputs, at, d);
                let mut sum = inputs.d.map_or(0.0, |skip| skip[d]) * inputs.x[at];
                for n in 0..d_state {
                    let bc = (b * seq_len + t) * d_state + n;
                    let h = &mut h[(b * d_inner + d) * d_state + n];
                    *h = (delta * inputs.a[d * d_state + n]).exp() * *h + delta * inputs.x[at] * inputs.b[bc];
                    sum += inputs.c[bc] * *h;
                }
                y[at] = sum * inputs.z.map_or(1.0, |z| z[at] * sigmoid(z[at]));
            }
        }
    }
}

/// [`super::backward`] from the initial state `h_initial`, with every state recomputed and kept. Lengths must
/// be right.
pub fn backward(
    shape: Shape,
    inputs: &Inputs<'_, f64>,
    h_initial: &[f64],
    y_cot: &[f64],
    state_cot: &mut [f64],
    cotangents: &mut Cotangents<'_, f64>,
) {
    cotangents.b.fill(0.0);
    cotangents.c.fill(0.0);
    for b in 0..shape.batch {
        for d in 0..shape.d_inner {
            channel(shape, inputs, h_initial, y_cot, state_cot, cotangents, b, d);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "two indices more than its caller")]
fn channel(
    shape: Shape,
    inputs: &Inputs<'_, f64>,
    h_initial: &[f64],
    y_cot: &[f64],
    state_cot: &mut [f64],
    cotangents: &mut Cotangents<'_, f64>,
    b: usize,
    d: usize,
) {
    let Shape { seq_len, d_inner, d_state, .. } = shape;
    let a = &inputs.a[d * d_state..][..d_state];
    let state = (b * d_inner + d) * d_state;
    // h[t * d_state + n] is the state before step t.
    let mut h = h_initial[state..][..d_state].to_vec();
    for t in 0..seq_len {
        let at = (b * seq_len + t) * d_inner + d;
        let (delta, _) = time_step(inputs, at, d);
        for n in 0..d_state {
            let bx = delta * inputs.x[at] * inputs.b[(b * seq_len + t) * d_state + n];
            h.push((delta * a[n]).exp() * h[t * d_state + n] + bx);
        }
    }
    let carry = &mut state_cot[state..][..d_state];
    for t in (0..seq_len).rev() {
        let at = (b * seq_len + t) * d_inner + d;
        let (x, (delta, slope)) = (inputs.x[at], time_step(inputs, at, d));
        let skip = inputs.d.map_or(0.0, |skip| skip[d]);
        let mut yb = y_cot[at];
        if let (Some(z), Some(z_cot)) = (inputs.z, &mut cotangents.z) {
            let (z, gate) = (z[at], sigmoid(z[at]));
            let c = &inputs.c[(b * seq_len + t) * d_state..][..d_state];
            let y: f64 = c.iter().zip(&h[(t + 1) * d_state..]).map(|(c, h)| c * h).sum();
            z_cot[at] = yb * (y + skip * x) * gate * (1.0 + z * (1.0 - gate));
            yb *= z * gate;
        }
        let (mut delta_cot, mut x_cot) = (0.0, skip * yb);
        for n in 0..d_state {
            let bc = (b * seq_len + t) * d_state + n;
            let l = inputs.c[bc] * yb + carry[n];
            carry[n] = (delta * a[n]).exp() * l;
            let p = carry[n] * h[t * d_state + n];
            cotangents.c[bc] += yb * h[(t + 1) * d_state + n];
            cotangents.b[bc] += l * delta * x;
            cotangents.a[d * d_state + n] += p * delta;
            delta_cot += p * a[n] + l * inputs.b[bc] * x;
            x_cot += l * inputs.b[bc] * delta;
        }
        cotangents.x[at] = x_cot;
        cotangents.dt[at] = delta_cot * slope;
        if let Some(bias) = &mut cotangents.dt_bias {
            bias[d] += delta_cot * slope;
        }
        if let Some(skip) = &mut cotangents.d {
            skip[d] += yb * x;
        }
    }
}

/// [`Inputs`] in f64.
struct Wide {
    x: Vec<f64>,
    dt: Vec<f64>,
    z: Option<Vec<f64>>,
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    d: Option<Vec<f64>>,
    dt_bias: Option<Vec<f64>>,
    softplus: bool,
}

impl Wide {
    fn new(inputs: &Inputs<'_>) -> Self {
        let Inputs { x, dt, z, a, b, c, d, dt_bias, softplus } = *inputs;
        Self {
            x: wide(x),
            dt: wide(dt),
            z: z.map(wide),
            a: wide(a),
            b: wide(b),
            c: wide(c),
            d: d.map(wide),
            dt_bias: dt_bias.map(wide),
            softplus,
        }
    }

    fn inputs(&self) -> Inputs<'_, f64> {
        Inputs {
            x: &self.x,
            dt: &self.dt,
            z: self.z.as_deref(),
            a: &self.a,
            b: &self.b,
            c: &self.c,
            d: self.d.as_deref(),
            dt_bias: self.dt_bias.as_deref(),
            softplus: self.softplus,
        }
    }
}

/// [`forward`] of f32 arguments, f64 inside; of the checkpoints only the first one is written.
pub(super) fn forward_f32(
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: Option<&mut [f32]>,
) {
    if let Some(checkpoints) = checkpoints {
        pack_states(shape, h, lines_mut(checkpoints));
    }
    let (mut state, mut out) = (wide(h), wide(y));
    forward(shape, &Wide::new(inputs).inputs(), &mut state, &mut out);
    narrow(&state, h);
    narrow(&out, y);
}

/// [`backward`] of f32 arguments, f64 inside.
pub(super) fn backward_f32(
    shape: Shape,
    inputs: &Inputs<'_>,
    checkpoints: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cotangents: Cotangents<'_>,
) {
    let mut h = vec![0.0; state_cot.len()];
    unpack_states(shape, lines(checkpoints), &mut h);
    let mut state = wide(state_cot);
    let (mut x, mut dt, mut z) = (wide(cotangents.x), wide(cotangents.dt), cotangents.z.as_deref().map(wide));
    let (mut a, mut b, mut c) = (wide(cotangents.a), wide(cotangents.b), wide(cotangents.c));
    let (mut d, mut dt_bias) = (cotangents.d.as_deref().map(wide), cotangents.dt_bias.as_deref().map(wide));
    let mut cots = Cotangents {
        x: &mut x,
        dt: &mut dt,
        z: z.as_deref_mut(),
        a: &mut a,
        b: &mut b,
        c: &mut c,
        d: d.as_deref_mut(),
        dt_bias: dt_bias.as_deref_mut(),
    };
    backward(shape, &Wide::new(inputs).inputs(), &wide(&h), &wide(y_cot), &mut state, &mut cots);
    narrow(&state, state_cot);
    narrow(&x, cotangents.x);
    narrow(&dt, cotangents.dt);
    narrow(&a, cotangents.a);
    narrow(&b, cotangents.b);
    narrow(&c, cotangents.c);
    for (x, out) in [(z, cotangents.z), (d, cotangents.d), (dt_bias, cotangents.dt_bias)] {
        narrow_optional(x, out);
    }
}

/// A step of f32 arguments, f64 inside.
pub(super) fn step_f32(shape: Shape, inputs: &StepInputs<'_>, h_packed: &mut [f32], y: &mut [f32]) {
    let one = Shape { batch: 1, ..shape };
    let mut a = vec![0.0; shape.d_inner * shape.d_state];
    unpack_states(one, lines(inputs.a_packed), &mut a);
    for a in &mut a {
        *a *= core::f32::consts::LN_2;
    }
    let mut h = vec![0.0; shape.batch * shape.d_inner * shape.d_state];
    unpack_states(shape, lines(h_packed), &mut h);
    let StepInputs { x, dt, z, b, c, d, dt_bias, softplus, .. } = *inputs;
    let inputs = Inputs { x, dt, z, a: &a, b, c, d, dt_bias, softplus };
    forward_f32(shape, &inputs, &mut h, y, None);
    pack_states(shape, &h, lines_mut(h_packed));
}
