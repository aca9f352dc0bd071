//! The innermost loops of the forward: some states of a block over the steps of a tile.
//!
//! The loop over states is outside that over time. A pass then keeps `N` states in registers
//! and adds what they give to the row of `y` in the first cache level, which costs a load and
//! a store for each `N` states but needs no more registers for more states: every `d_state` runs
//! at the same speed. Each `y` is summed in the order of the states, whatever `N` is, so that
//! a single step has the same bits.

use super::tile::{Ahead, K, Line, Rows, get, put};
use crate::simd::Simd;
use crate::simd::math::Exp2;

/// What a block's scan over a tile reads and writes.
pub(super) struct Block<'a> {
    /// Time steps of the tile, at most [`K`].
    pub(super) k: usize,
    /// The time step, after softplus.
    pub(super) delta: &'a Rows,
    /// The largest magnitude of `delta` in each lane.
    pub(super) delta_max: &'a Line,
    /// `delta * x`
    pub(super) dx: &'a Rows,
    /// What the states give is added.
    pub(super) y: &'a mut Rows,
    /// Packed, a line for each state.
    pub(super) a: &'a [Line],
    /// `b` and `c` of the tile, for each state.
    pub(super) b: &'a [[f32; K]],
    pub(super) c: &'a [[f32; K]],
    /// The block's state, before and after.
    pub(super) h: &'a mut [Line],
}

impl Block<'_> {
    /// All states, `N` at a time, asking for the lines of `ahead`.
    #[inline(always)]
    pub(super) fn run<S: Simd, const V: usize, const N: usize>(&mut self, s: S, ahead: [Ahead<'_>; 4]) {
        let d_state = self.a.len();
        let mut asked = 0;
        let mut n = 0;
        while n + N <= d_state {
            if self.bounded::<S, V>(s, n, N) {
                self.pass::<S, V, N, false>(s, n, ahead.get(asked));
            } else {
                self.pass::<S, V, N, true>(s, n, ahead.get(asked));
            }
            asked += 1;
            n += N;
        }
        while n < d_state {
            self.pass::<S, V, 1, true>(s, n, ahead.get(asked));
            asked += 1;
            n += 1;
        }
        for ahead in ahead.iter().skip(asked) {
            for t in 0..self.k {
                ahead.step(s, t, 1);
            }
        }
    }

    /// Whether no exponent of the states `n..n + count` leaves the range of [`Exp2::within`].
    #[inline(always)]
    fn bounded<S: Simd, const V: usize>(&self, s: S, n: usize, count: usize) -> bool {
        let delta = get::<S, V>(s, self.delta_max);
        let mut largest = s.splat(0.0);
        for a in &self.a[n..][..count] {
            let a = get::<S, V>(s, a);
            for v in 0..V {
                largest = s.max(s.abs(s.mul(delta[v], a[v])), largest);
            }
        }
        !s.any(s.lt(s.splat(126.0), largest))
    }

    /// States `n..n + N`; `CLAMP` if an exponent may be out of range.
    #[inline(always)]
    fn pass<S: Simd, const V: usize, const N: usize, const CLAMP: bool>(
        &mut self,
        s: S,
        n: usize,
        ahead: Option<&Ahead<'_>>,
    ) {
        let (a, b, c) = (&self.a[n..][..N], &self.b[n..][..N], &self.c[n..][..N]);
        let state = &mut self.h[n..][..N];
        let exp2 = Exp2::new(s);
        let zero = [s.splat(0.0); V];
        let (mut ar, mut h) = ([zero; N], [zero; N]);
        for i in 0..N {
            ar[i] = get(s, &a[i]);
            h[i] = get(s, &state[i]);
        }
        for t in 0..self.k.min(K) {
            if let Some(ahead) = ahead {
                ahead.step(s, t, 1);
            }
            let delta = get::<S, V>(s, &self.delta.0[t]);
            let dx = get::<S, V>(s, &self.dx.0[t]);
            let mut y = get::<S, V>(s, &self.y.0[t]);
            for i in 0..N {
                let (b, c) = (s.splat(b[i][t]), s.splat(c[i][t]));
                for v in 0..V {
                    let exponent = s.mul(delta[v], ar[i][v]);
                    let e = if CLAMP { exp2.of(s, exponent) } else { exp2.within(s, exponent) };
                    h[i][v] = s.mul_add(e, h[i][v], s.mul(dx[v], b));
                    y[v] = s.mul_add(c, h[i][v], y[v]);
                }
            }
            put(s, &mut self.y.0[t], y);
        }
        for i in 0..N {
            put(s, &mut state[i], h[i]);
        }
    }
}
