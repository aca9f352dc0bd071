//! Rows of channels, a step at a time; the state stays in the first cache level.

use super::{CHANNELS, Shape};
use crate::columns::{Columns, ColumnsMut};
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Isa, rows};

pub(super) struct Forward<'a> {
    pub(super) isa: Isa,
    pub(super) shape: Shape,
    pub(super) f: Columns<'a, f32>,
    pub(super) v: Columns<'a, f32>,
    pub(super) state: ColumnsMut<'a, f32>,
    pub(super) h: ColumnsMut<'a, f32>,
}

impl Job for Forward<'_> {
    fn units(&self) -> usize {
        self.h.len().div_ceil(CHANNELS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (at, len) = (units * CHANNELS, self.h.len());
        let (state, h) = (self.state.split_at(at), self.h.split_at(at));
        let [f, v] = [self.f, self.v].map(|c| (c.range(0..at), c.range(at..len)));
        let Self { isa, shape, .. } = self;
        (
            Self { isa, shape, f: f.0, v: v.0, state: state.0, h: h.0 },
            Self { isa, shape, f: f.1, v: v.1, state: state.1, h: h.1 },
        )
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        if self.shape.streams(3) {
            self.all::<S, true>(s);
            s.fence();
        } else {
            self.all::<S, false>(s);
        }
    }
}

impl Forward<'_> {
    #[inline(always)]
    fn all<S: Simd, const STREAM: bool>(&mut self, s: S) {
        let Shape { batch, time, .. } = self.shape;
        for row in 0..batch * time {
            let (f, v, h) = (self.f.row(row), self.v.row(row), self.h.row(row));
            let state = self.state.row(row / time);
            let len = h.len();
            let (f, v, state) = (&f[..len], &v[..len], &mut state[..len]);
            let whole = len - len % S::LANES;
            let mut at = 0;
            while at < whole {
                let before = &mut state[at..][..S::LANES];
                let new = s.mul(s.load(&f[at..][..S::LANES]), s.load(before));
                let new = s.add(new, s.load(&v[at..][..S::LANES]));
                s.store(before, new);
                let h = &mut h[at..][..S::LANES];
                if STREAM {
                    s.stream(h, new)
                } else {
                    s.store(h, new)
                }
                at += S::LANES;
            }
            if whole < len {
                let before = &mut state[whole..];
                let new = s.mul(s.load_part(&f[whole..]), s.load_part(before));
                let new = s.add(new, s.load_part(&v[whole..]));
                s.store_part(before, new);
                s.store_part(&mut h[whole..], new);
            }
        }
    }
}

/// The new state in place of the old.
pub(super) struct Step<'a> {
    pub(super) f: &'a [f32],
    pub(super) v: &'a [f32],
    pub(super) h0: &'a mut [f32],
}

impl SimdKernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        rows::update!(s, state = self.h0, [f = self.f, v = self.v], s.add(s.mul(f, state), v));
    }
}

pub(super) struct Backward<'a> {
    pub(super) isa: Isa,
    pub(super) shape: Shape,
    pub(super) f: Columns<'a, f32>,
    pub(super) h: Columns<'a, f32>,
    pub(super) h_initial: Columns<'a, f32>,
    pub(super) h_cot: Columns<'a, f32>,
    /// in: of the final state
    pub(super) carry: ColumnsMut<'a, f32>,
    pub(super) f_cot: ColumnsMut<'a, f32>,
    pub(super) v_cot: ColumnsMut<'a, f32>,
}

impl Job for Backward<'_> {
    fn units(&self) -> usize {
        self.f_cot.len().div_ceil(CHANNELS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (at, len) = (units * CHANNELS, self.f_cot.len());
        let (carry, f_cot, v_cot) = (self.carry.split_at(at), self.f_cot.split_at(at), self.v_cot.split_at(at));
        let inputs = [self.f, self.h, self.h_initial, self.h_cot];
        let [f, h, h_initial, h_cot] = inputs.map(|c| (c.range(0..at), c.range(at..len)));
        let Self { isa, shape, .. } = self;
        (
            Self {
                isa,
                shape,
                f: f.0,
                h: h.0,
                h_initial: h_initial.0,
                h_cot: h_cot.0,
                carry: carry.0,
                f_cot: f_cot.0,
                v_cot: v_cot.0,
            },
            Self {
                isa,
                shape,
                f: f.1,
                h: h.1,
                h_initial: h_initial.1,
                h_cot: h_cot.1,
                carry: carry.1,
                f_cot: f_cot.1,
                v_cot: v_cot.1,
            },
        )
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        if self.shape.streams(5) {
            self.all::<S, true>(s);
            s.fence();
        } else {
            self.all::<S, false>(s);
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn all<S: Simd, const STREAM: bool>(&mut self, s: S) {
        let Shape { batch, time, .. } = self.shape;
        for e in 0..batch {
            for t in (0..time).rev() {
                self.step::<S, STREAM>(s, e, t);
            }
        }
    }

    /// Step `t` of batch entry `e`. One at a time: rows of two steps are often a power of two apart and would share the
    /// sets of the first cache level, which have fewer places than there would be streams.
    #[inline(always)]
    fn step<S: Simd, const STREAM: bool>(&mut self, s: S, e: usize, t: usize) {
        let row = e * self.shape.time + t;
        let carry = self.carry.row(e);
        let len = carry.len();
        let (f, c) = (&self.f.row(row)[..len], &self.h_cot.row(row)[..len]);
        let before = if t == 0 { self.h_initial.row(e) } else { self.h.row(row - 1) };
        let (before, v_cot, f_cot) = (&before[..len], &mut self.v_cot.row(row)[..len], &mut self.f_cot.row(row)[..len]);
        let whole = len - len % S::LANES;
        let mut at = 0;
        while at < whole {
            let l = s.add(s.load(&c[at..][..S::LANES]), s.load(&carry[at..][..S::LANES]));
            let product = s.mul(l, s.load(&before[at..][..S::LANES]));
            let (v_cot, f_cot) = (&mut v_cot[at..][..S::LANES], &mut f_cot[at..][..S::LANES]);
            if STREAM {
                s.stream(v_cot, l);
                s.stream(f_cot, product);
            } else {
                s.store(v_cot, l);
                s.store(f_cot, product);
            }
            s.store(&mut carry[at..][..S::LANES], s.mul(s.load(&f[at..][..S::LANES]), l));
            at += S::LANES;
        }
        if whole < len {
            let l = s.add(s.load_part(&c[whole..]), s.load_part(&carry[whole..]));
            s.store_part(&mut v_cot[whole..], l);
            s.store_part(&mut f_cot[whole..], s.mul(l, s.load_part(&before[whole..])));
            s.store_part(&mut carry[whole..], s.mul(s.load_part(&f[whole..]), l));
        }
    }
}
