//! One row of `d` channels a step; the compiler vectorises over channels.
//!
//! The state of a step is the row just written, which is in the first cache level, so there is
//! nothing to gain from keeping it in registers: that would walk the arrays in strides of `d`.

use super::{Saved, Shape};

/// Lengths checked, nothing empty.
#[inline(always)]
pub(super) fn forward(f: &[f32], v: &[f32], shape: Shape, h0: &mut [f32], h: &mut [f32]) {
    let Shape { time, d } = shape;
    let len = time * d;
    for (b, state) in h0.chunks_exact_mut(d).enumerate() {
        let (f, v) = (&f[b * len..][..len], &v[b * len..][..len]);
        let h = &mut h[b * len..][..len];
        let mut before: &[f32] = state;
        for ((f, v), h) in f.chunks_exact(d).zip(v.chunks_exact(d)).zip(h.chunks_exact_mut(d)) {
            for (((h, f), v), before) in h.iter_mut().zip(f).zip(v).zip(before) {
                *h = f * before + v;
            }
            before = h;
        }
        state.copy_from_slice(&h[len - d..]);
    }
}

/// Lengths checked, nothing empty.
#[inline(always)]
pub(super) fn backward(
    saved: Saved<'_>,
    h_cot: &[f32],
    shape: Shape,
    state_cot: &mut [f32],
    f_cot: &mut [f32],
    v_cot: &mut [f32],
) {
    let Shape { time, d } = shape;
    for (b, carry) in state_cot.chunks_exact_mut(d).enumerate() {
        for t in (0..time).rev() {
            let at = (b * time + t) * d;
            let before = match t {
                0 => &saved.h_initial[b * d..][..d],
                _ => &saved.h[at - d..][..d],
            };
            let f = &saved.f[at..][..d];
            let h_cot = &h_cot[at..][..d];
            let f_cot = &mut f_cot[at..][..d];
            let v_cot = &mut v_cot[at..][..d];
            let carry = &mut carry[..d];
            for i in 0..d {
                let l = h_cot[i] + carry[i];
                v_cot[i] = l;
                f_cot[i] = l * before[i];
                carry[i] = f[i] * l;
            }
        }
    }
}
