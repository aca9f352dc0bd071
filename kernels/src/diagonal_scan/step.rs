//! Few steps on arrays as the caller has them: lanes are states of a channel. The sum over states is
//! taken one after the other, as in tiles of channels, so that the bits are the same.

use core::ops::Range;

use super::packed::{BLOCK, CHANNELS};
use super::{Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa};

/// Lengths checked, nothing empty but `d_state`.
pub(super) fn run(exec: Exec, shape: Shape, inputs: &Inputs<'_>, h: &mut [f32], y: &mut [f32]) {
    let job = Channels {
        isa: exec.isa(),
        shape,
        inputs,
        channels: 0..shape.d_inner,
        h: ColumnsMut::new(h, shape.d_inner * shape.d_state),
        y: ColumnsMut::new(y, shape.d_inner),
    };
    exec.run(job, super::forward::grain(shape) * CHANNELS / 4);
}

/// Some channels, all of the batch.
struct Channels<'a> {
    isa: Isa,
    shape: Shape,
    inputs: &'a Inputs<'a>,
    channels: Range<usize>,
    h: ColumnsMut<'a, f32>,
    y: ColumnsMut<'a, f32>,
}

impl Job for Channels<'_> {
    fn units(&self) -> usize {
        self.channels.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { isa, shape, inputs, channels, .. } = self;
        let middle = channels.start + units;
        let (h, h_rest) = self.h.split_at(units * shape.d_state);
        let (y, y_rest) = self.y.split_at(units);
        let first = Self { isa, shape, inputs, channels: channels.start..middle, h, y };
        (first, Self { isa, shape, inputs, channels: middle..channels.end, h: h_rest, y: y_rest })
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Channels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, inputs, channels, mut h, mut y, .. } = self;
        let Shape { batch, seq_len, d_inner, d_state } = shape;
        for entry in 0..batch {
            for step in entry * seq_len..(entry + 1) * seq_len {
                let y = y.row(step);
                // A matrix without columns has no rows to ask for.
                let h = if d_state > 0 { h.row(entry) } else { &mut [] };
                for (i, channel) in channels.clone().enumerate() {
                    let x = inputs.x[step * d_inner + channel];
                    let of = channel * d_state..(channel + 1) * d_state;
                    let h = &mut h[i * d_state..][..d_state];
                    advance(s, &inputs.a[of.clone()], &inputs.b[of.clone()], x, h);
                    let mut sum = s.splat(inputs.d.map_or(0.0, |d| d[channel] * x));
                    for (c, h) in inputs.c[of].iter().zip(h) {
                        sum = s.mul_add(s.splat(*c), s.splat(*h), sum);
                    }
                    let mut lanes = [0.0; BLOCK];
                    s.store(&mut lanes, sum);
                    y[i] = lanes[0];
                }
            }
        }
    }
}

/// `h = a h + b x`
#[inline(always)]
fn advance<S: Simd>(s: S, a: &[f32], b: &[f32], x: f32, h: &mut [f32]) {
    let x = s.splat(x);
    let mut n = 0;
    while n + S::LANES <= h.len() {
        let new = s.mul_add(s.load(&a[n..]), s.load(&h[n..]), s.mul(s.load(&b[n..]), x));
        s.store(&mut h[n..], new);
        n += S::LANES;
    }
    if n < h.len() {
        let new = s.mul_add(s.load_part(&a[n..]), s.load_part(&h[n..]), s.mul(s.load_part(&b[n..]), x));
        s.store_part(&mut h[n..], new);
    }
}
