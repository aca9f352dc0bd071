//! The plain recurrence on states as the caller has them: lanes are states of one channel.

use core::ops::Range;

use super::{Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch, math};
use crate::{Exec, Isa};

/// Lengths checked, nothing empty.
pub(super) fn run(exec: Exec, shape: Shape, inputs: &Inputs<'_>, h: &mut [f32], y: &mut [f32]) {
    let job = Heads {
        isa: exec.isa(),
        shape,
        inputs,
        heads: 0..shape.n_heads,
        h: ColumnsMut::new(h, shape.n_heads * shape.head_dim * shape.d_state),
        y: ColumnsMut::new(y, shape.n_heads * shape.head_dim),
    };
    exec.run(job, super::forward::grain(shape));
}

/// Some heads, all of the batch.
struct Heads<'a> {
    isa: Isa,
    shape: Shape,
    inputs: &'a Inputs<'a>,
    heads: Range<usize>,
    h: ColumnsMut<'a, f32>,
    y: ColumnsMut<'a, f32>,
}

impl Job for Heads<'_> {
    fn units(&self) -> usize {
        self.heads.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { isa, shape, inputs, heads, .. } = self;
        let middle = heads.start + units;
        let (h, h_rest) = self.h.split_at(units * shape.head_dim * shape.d_state);
        let (y, y_rest) = self.y.split_at(units * shape.head_dim);
        let first = Self { isa, shape, inputs, heads: heads.start..middle, h, y };
        (first, Self { isa, shape, inputs, heads: middle..heads.end, h: h_rest, y: y_rest })
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Heads<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, inputs, heads, mut h, mut y, .. } = self;
        let Shape { head_dim, d_state, .. } = shape;
        for batch in 0..shape.batch {
            for t in 0..shape.seq_len {
                let step = batch * shape.seq_len + t;
                for (i, head) in heads.clone().enumerate() {
                    let at = step * shape.n_heads + head;
                    let from = (step * shape.n_groups + head / shape.heads_per_group()) * d_state;
                    let raw = inputs.dt[at] + inputs.dt_bias.map_or(0.0, |bias| bias[head]);
                    let delta = math::softplus(s, s.splat(raw));
                    let mut lanes = [0.0; 16];
                    s.store(&mut lanes, delta);
                    let one = Step {
                        decay: math::exp(s, s.mul(delta, s.splat(inputs.a[head]))),
                        delta: lanes[0],
                        skip: inputs.d.map_or(0.0, |d| d[head]),
                        b: &inputs.b[from..][..d_state],
                        c: &inputs.c[from..][..d_state],
                    };
                    let x = &inputs.x[at * head_dim..][..head_dim];
                    let h = &mut h.row(batch)[i * head_dim * d_state..][..head_dim * d_state];
                    one.run(s, x, h, &mut y.row(step)[i * head_dim..][..head_dim]);
                }
            }
        }
    }
}

/// One step of one head.
struct Step<'a, S: Simd> {
    decay: S::F,
    delta: f32,
    skip: f32,
    b: &'a [f32],
    c: &'a [f32],
}

impl<S: Simd> Step<'_, S> {
    #[inline(always)]
    fn run(&self, s: S, x: &[f32], h: &mut [f32], y: &mut [f32]) {
        for ((x, y), h) in x.iter().zip(y).zip(h.chunks_exact_mut(self.b.len())) {
            let u = s.splat(self.delta * x);
            let mut sum = s.splat(0.0);
            let mut n = 0;
            while n + S::LANES <= h.len() {
                let new = s.mul_add(self.decay, s.load(&h[n..]), s.mul(u, s.load(&self.b[n..])));
                s.store(&mut h[n..], new);
                sum = s.mul_add(s.load(&self.c[n..]), new, sum);
                n += S::LANES;
            }
            if n < h.len() {
                let new = s.mul_add(self.decay, s.load_part(&h[n..]), s.mul(u, s.load_part(&self.b[n..])));
                s.store_part(&mut h[n..], new);
                sum = s.mul_add(s.load_part(&self.c[n..]), new, sum);
            }
            *y = s.sum(sum) + self.skip * x;
        }
    }
}
