//! One step, on packed `a` and state: what decoding repeats.

use super::gates::{Entered, enter, gate};
use super::tile::{LANES, Line, get, get_part, part, put, put_part};
use super::{Shape, StepInputs};
use crate::Isa;
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::simd::math::Exp2;
use crate::simd::{Simd, SimdKernel, dispatch};

/// The step on some channels. Lengths are checked and nothing is empty.
pub(super) struct Step<'a> {
    pub(super) isa: Isa,
    pub(super) shape: Shape,
    /// `a_packed` is not used.
    pub(super) inputs: StepInputs<'a>,
    /// First block of the range.
    pub(super) first: usize,
    pub(super) blocks: usize,
    /// Packed, of all blocks.
    pub(super) a: &'a [Line],
    /// Packed states, a row for each batch entry.
    pub(super) h: ColumnsMut<'a, Line>,
    /// A row for each batch entry.
    pub(super) y: ColumnsMut<'a, f32>,
}

impl Job for Step<'_> {
    fn units(&self) -> usize {
        self.blocks
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (h, h_rest) = self.h.split_at(units * self.shape.d_state);
        let channels = (units * LANES).min(self.y.len());
        let (y, y_rest) = self.y.split_at(channels);
        let rest = Self { first: self.first + units, blocks: self.blocks - units, h: h_rest, y: y_rest, ..self };
        (Self { blocks: units, h, y, ..self }, rest)
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match S::LANES {
            16 => self.blocks::<S, 1>(s),
            8 => self.blocks::<S, 2>(s),
            _ => self.blocks::<S, 4>(s),
        }
    }
}

impl Step<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const V: usize>(&mut self, s: S) {
        let Shape { batch, d_inner, d_state, .. } = self.shape;
        let width = self.y.len();
        let exp2 = Exp2::new(s);
        for entry in 0..batch {
            let (b, c) = (&self.inputs.b[entry * d_state..][..d_state], &self.inputs.c[entry * d_state..][..d_state]);
            for j in 0..self.blocks {
                let start = (self.first + j) * LANES;
                let channels = start..d_inner.min(start + LANES);
                let row = entry * d_inner + channels.start..entry * d_inner + channels.end;
                let x = get_part::<S, V>(s, &self.inputs.x[row.clone()]);
                let dt = get_part::<S, V>(s, &self.inputs.dt[row.clone()]);
                let bias = get_part::<S, V>(s, part(self.inputs.dt_bias, channels.clone()));
                let d = get_part::<S, V>(s, part(self.inputs.d, channels));
                let Entered { delta, dx, mut y } = enter(s, self.inputs.softplus, x, dt, bias, d);
                if d_state > 0 {
                    let a = &self.a[(self.first + j) * d_state..][..d_state];
                    let h = &mut self.h.row(entry)[j * d_state..][..d_state];
                    y = states(s, exp2, a, b, c, h, delta, dx, y);
                }
                if let Some(z) = self.inputs.z {
                    y = gate(s, y, get_part(s, &z[row]));
                }
                let end = width.min((j + 1) * LANES);
                put_part(s, &mut self.y.row(entry)[j * LANES..end], y);
            }
        }
    }
}

/// The states of a block: `h = 2^(delta a) h + dx b`; adds `c h` to `y`. The same operations in the
/// same order as in `states.rs`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the operands of one loop")]
fn states<S: Simd, const V: usize>(
    s: S,
    exp2: Exp2<S>,
    a: &[Line],
    b: &[f32],
    c: &[f32],
    h: &mut [Line],
    delta: [S::F; V],
    dx: [S::F; V],
    y: [S::F; V],
) -> [S::F; V] {
    let mut y = y;
    for (((a, h), b), c) in a.iter().zip(h).zip(b).zip(c) {
        let a = get::<S, V>(s, a);
        let mut state = get::<S, V>(s, h);
        let (b, c) = (s.splat(*b), s.splat(*c));
        for v in 0..V {
            let e = exp2.of(s, s.mul(delta[v], a[v]));
            state[v] = s.mul_add(e, state[v], s.mul(dx[v], b));
            y[v] = s.mul_add(c, state[v], y[v]);
        }
        put(s, h, state);
    }
    y
}
