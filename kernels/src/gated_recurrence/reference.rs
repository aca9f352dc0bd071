//! The recurrence and its adjoint in plain f64 loops: the oracle of every other path.

use super::{Saved, Shape};

/// `h[t] = f[t] * h[t-1] + v[t]` in f64 for one channel; `h0` is `h[-1]`. Gives every `h[t]`.
pub fn channel(f: &[f64], v: &[f64], h0: f64) -> Vec<f64> {
    let mut state = h0;
    f.iter()
        .zip(v)
        .map(|(f, v)| {
            state = f * state + v;
            state
        })
        .collect()
}

/// The f64 state is carried over all steps and rounded to f32 only where it is stored.
pub(super) fn forward(f: &[f32], v: &[f32], shape: Shape, h0: &mut [f32], h: &mut [f32]) {
    let Shape { time, d, .. } = shape;
    for (b, state) in h0.chunks_exact_mut(d).enumerate() {
        for (i, state) in state.iter_mut().enumerate() {
            let mut carry = f64::from(*state);
            for t in 0..time {
                let at = (b * time + t) * d + i;
                carry = f64::from(f[at]) * carry + f64::from(v[at]);
                h[at] = carry as f32;
            }
            *state = carry as f32;
        }
    }
}

pub(super) fn step(f: &[f32], v: &[f32], h0: &mut [f32]) {
    for ((state, f), v) in h0.iter_mut().zip(f).zip(v) {
        *state = (f64::from(*f) * f64::from(*state) + f64::from(*v)) as f32;
    }
}

pub(super) fn backward(
    saved: Saved<'_>,
    h_cot: &[f32],
    shape: Shape,
    state_cot: &mut [f32],
    f_cot: &mut [f32],
    v_cot: &mut [f32],
) {
    let Shape { time, d, .. } = shape;
    for (b, state) in state_cot.chunks_exact_mut(d).enumerate() {
        for (i, state) in state.iter_mut().enumerate() {
            let mut carry = f64::from(*state);
            for t in (0..time).rev() {
                let at = (b * time + t) * d + i;
                let before = if t == 0 { saved.h_initial[b * d + i] } else { saved.h[at - d] };
                let l = f64::from(h_cot[at]) + carry;
                v_cot[at] = l as f32;
                f_cot[at] = (l * f64::from(before)) as f32;
                carry = f64::from(saved.f[at]) * l;
            }
            *state = carry as f32;
        }
    }
}
