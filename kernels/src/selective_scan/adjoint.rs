//! The innermost loops of the backward: some states of some blocks over the steps of a tile.
//!
//! A first pass recomputes the decays and the states in the order of time, a second one goes back.
//! What the second needs of the first is in [`Kept`], in the first cache level. Taking `e h[t-1]`
//! as `h[t] - dx b` would save keeping the decay, but cancels.

use super::backward::{Sums, add};
use super::tile::{Ahead, K, LANES, Line, Rows};
use crate::simd::Simd;
use crate::simd::math::Exp2;

/// Vectors of a step that [`Kept`] has room for.
pub(super) const VECTORS: usize = 8;

/// Decay, and state before the step, of each vector of each step.
#[repr(align(64))]
pub(super) struct Kept {
    decay: [f32; K * VECTORS * LANES],
    before: [f32; K * VECTORS * LANES],
}

impl Kept {
    pub(super) const ZERO: Self = Self { decay: [0.0; K * VECTORS * LANES], before: [0.0; K * VECTORS * LANES] };
}

/// A block's tile: what the scan reads, and what it adds to.
///
/// The arrays of a block lie together, so that they spread over all sets of the first cache level: with
/// those of two blocks in turn they would share half of them, six deep.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// The time step, after softplus.
    pub(super) delta: Rows,
    /// `delta x`
    pub(super) dx: Rows,
    /// Cotangent of `c h + d x`.
    pub(super) y_cot: Rows,
    /// `c h + d x`, added to.
    pub(super) y: Rows,
    /// Cotangent of `delta a`, summed over states times `a log2(e)`, added to.
    pub(super) delta_cot: Rows,
    /// Cotangent of `delta x`, added to.
    pub(super) dx_cot: Rows,
    /// The largest magnitude of `delta` in each channel, NaN aside.
    pub(super) delta_max: Line,
}

impl Tile {
    pub(super) const ZERO: Self = Self {
        delta: Rows::ZERO,
        dx: Rows::ZERO,
        y_cot: Rows::ZERO,
        y: Rows::ZERO,
        delta_cot: Rows::ZERO,
        dx_cot: Rows::ZERO,
        delta_max: [0.0; LANES],
    };
}

/// The scan of some blocks over a tile.
pub(super) struct Adjoint<'a> {
    /// Time steps of the tile, at most [`K`].
    pub(super) k: usize,
    /// The blocks' tiles.
    pub(super) tiles: &'a mut [Tile],
    /// Whether `y` is wanted.
    pub(super) gated: bool,
    /// Packed, a line for each block and state: `a`, the states before the tile, the cotangent of the
    /// state after it (out: before it), and that of `a`, added to.
    pub(super) a: &'a [Line],
    pub(super) h: &'a [Line],
    pub(super) carry: &'a mut [Line],
    pub(super) a_sums: &'a mut [Sums],
    /// `b` and `c` of the tile, for each state.
    pub(super) b: &'a [[f32; K]],
    pub(super) c: &'a [[f32; K]],
    /// Cotangents of `b` and `c`, a vector for each state and step, added to.
    pub(super) b_cot: &'a mut [f32],
    pub(super) c_cot: &'a mut [f32],
    pub(super) kept: &'a mut Kept,
    /// Rows to ask for, one for each pass.
    pub(super) ahead: [Ahead<'a>; 7],
}

/// Vector `v` of step `t`.
#[inline(always)]
fn at<S: Simd>(s: S, rows: &Rows, t: usize, v: usize) -> S::F {
    s.load(&rows.0[t][v * S::LANES..])
}

#[inline(always)]
fn set<S: Simd>(s: S, rows: &mut Rows, t: usize, v: usize, x: S::F) {
    s.store(&mut rows.0[t][v * S::LANES..], x);
}

impl Adjoint<'_> {
    /// All states, `N` at a time, of `W` vectors of channels.
    #[inline(always)]
    pub(super) fn run<S: Simd, const V: usize, const W: usize, const N: usize>(&mut self, s: S) {
        let d_state = self.b.len();
        let (mut n, mut asked) = (0, 0);
        while n + N <= d_state {
            self.states::<S, V, W, N>(s, n, asked);
            n += N;
            asked += 2;
        }
        while n < d_state {
            self.states::<S, V, W, 1>(s, n, asked);
            n += 1;
            asked += 2;
        }
        for ahead in self.ahead.iter().skip(asked) {
            for t in 0..self.k {
                ahead.step(s, t, W / V);
            }
        }
    }

    #[inline(always)]
    fn states<S: Simd, const V: usize, const W: usize, const N: usize>(&mut self, s: S, n: usize, asked: usize) {
        match (self.bounded::<S, V, W, N>(s, n), self.gated) {
            (true, true) => self.recompute::<S, V, W, N, false, true>(s, n, asked),
            (true, false) => self.recompute::<S, V, W, N, false, false>(s, n, asked),
            (false, _) => self.recompute::<S, V, W, N, true, true>(s, n, asked),
        }
        self.back::<S, V, W, N>(s, n, asked + 1);
    }

    /// State `n` of the block of vector `w`, in packed lines.
    #[inline(always)]
    fn line<const V: usize>(&self, n: usize, w: usize) -> usize {
        w / V * self.b.len() + n
    }

    #[inline(always)]
    fn load<S: Simd, const V: usize, const W: usize, const N: usize>(
        &self,
        s: S,
        lines: &[Line],
        n: usize,
    ) -> [[S::F; W]; N] {
        let mut out = [[s.splat(0.0); W]; N];
        for (i, out) in out.iter_mut().enumerate() {
            for (w, out) in out.iter_mut().enumerate() {
                *out = s.load(&lines[self.line::<V>(n + i, w)][w % V * S::LANES..]);
            }
        }
        out
    }

    /// Whether no exponent leaves the range of [`Exp2::within`].
    #[inline(always)]
    fn bounded<S: Simd, const V: usize, const W: usize, const N: usize>(&self, s: S, n: usize) -> bool {
        let a = self.load::<S, V, W, N>(s, self.a, n);
        let mut largest = s.splat(0.0);
        for a in a {
            for (w, a) in a.into_iter().enumerate() {
                let delta = s.load(&self.tiles[w / V].delta_max[w % V * S::LANES..]);
                largest = s.max(s.abs(s.mul(delta, a)), largest);
            }
        }
        !s.any(s.lt(s.splat(126.0), largest))
    }

    /// Forward in time, as `states.rs`: decays and states, `y` if `GATED`, and the cotangent of `c`.
    #[inline(always)]
    fn recompute<S: Simd, const V: usize, const W: usize, const N: usize, const CLAMP: bool, const GATED: bool>(
        &mut self,
        s: S,
        n: usize,
        asked: usize,
    ) {
        let exp2 = Exp2::new(s);
        let a = self.load::<S, V, W, N>(s, self.a, n);
        let mut h = self.load::<S, V, W, N>(s, self.h, n);
        let tiles = &mut self.tiles[..W / V];
        let (b, c) = (&self.b[n..][..N], &self.c[n..][..N]);
        let c_cot = &mut self.c_cot[n * K * S::LANES..][..N * K * S::LANES];
        let ahead = self.ahead.get(asked);
        for t in 0..self.k.min(K) {
            if let Some(ahead) = ahead {
                ahead.step(s, t, W / V);
            }
            let decay = &mut self.kept.decay[t * N * W * S::LANES..][..N * W * S::LANES];
            let before = &mut self.kept.before[t * N * W * S::LANES..][..N * W * S::LANES];
            let mut sums = [s.splat(0.0); N];
            for i in 0..N {
                sums[i] = s.load(&c_cot[(i * K + t) * S::LANES..]);
            }
            for w in 0..W {
                let (tile, v) = (&mut tiles[w / V], w % V);
                let delta = at(s, &tile.delta, t, v);
                let dx = at(s, &tile.dx, t, v);
                let y_cot = at(s, &tile.y_cot, t, v);
                let mut y = if GATED { at(s, &tile.y, t, v) } else { y_cot };
                for i in 0..N {
                    let exponent = s.mul(delta, a[i][w]);
                    let e = if CLAMP { exp2.of(s, exponent) } else { exp2.within(s, exponent) };
                    s.store(&mut decay[(i * W + w) * S::LANES..], e);
                    s.store(&mut before[(i * W + w) * S::LANES..], h[i][w]);
                    h[i][w] = s.mul_add(e, h[i][w], s.mul(dx, s.splat(b[i][t])));
                    if GATED {
                        y = s.mul_add(s.splat(c[i][t]), h[i][w], y);
                    }
                    sums[i] = s.mul_add(y_cot, h[i][w], sums[i]);
                }
                if GATED {
                    set(s, &mut tile.y, t, v, y);
                }
            }
            for i in 0..N {
                s.store(&mut c_cot[(i * K + t) * S::LANES..], sums[i]);
            }
        }
    }

    /// Back in time: `l[t] = c y_cot[t] + carry`, `carry = e[t] l[t]`, and what follows from them.
    #[inline(always)]
    fn back<S: Simd, const V: usize, const W: usize, const N: usize>(&mut self, s: S, n: usize, asked: usize) {
        let a = self.load::<S, V, W, N>(s, self.a, n);
        let mut carry = self.load::<S, V, W, N>(s, self.carry, n);
        let mut a_cot = [[s.splat(0.0); W]; N];
        let tiles = &mut self.tiles[..W / V];
        let (b, c) = (&self.b[n..][..N], &self.c[n..][..N]);
        let b_cot = &mut self.b_cot[n * K * S::LANES..][..N * K * S::LANES];
        let ahead = self.ahead.get(asked);
        for t in (0..self.k.min(K)).rev() {
            if let Some(ahead) = ahead {
                ahead.step(s, t, W / V);
            }
            let decay = &self.kept.decay[t * N * W * S::LANES..][..N * W * S::LANES];
            let before = &self.kept.before[t * N * W * S::LANES..][..N * W * S::LANES];
            let mut sums = [s.splat(0.0); N];
            for i in 0..N {
                sums[i] = s.load(&b_cot[(i * K + t) * S::LANES..]);
            }
            for w in 0..W {
                let (tile, v) = (&mut tiles[w / V], w % V);
                let delta = at(s, &tile.delta, t, v);
                let dx = at(s, &tile.dx, t, v);
                let y_cot = at(s, &tile.y_cot, t, v);
                let mut delta_cot = at(s, &tile.delta_cot, t, v);
                let mut dx_cot = at(s, &tile.dx_cot, t, v);
                for i in 0..N {
                    let l = s.mul_add(s.splat(c[i][t]), y_cot, carry[i][w]);
                    sums[i] = s.mul_add(l, dx, sums[i]);
                    dx_cot = s.mul_add(l, s.splat(b[i][t]), dx_cot);
                    carry[i][w] = s.mul(s.load(&decay[(i * W + w) * S::LANES..]), l);
                    let p = s.mul(carry[i][w], s.load(&before[(i * W + w) * S::LANES..]));
                    delta_cot = s.mul_add(p, a[i][w], delta_cot);
                    a_cot[i][w] = s.mul_add(p, delta, a_cot[i][w]);
                }
                set(s, &mut tile.delta_cot, t, v, delta_cot);
                set(s, &mut tile.dx_cot, t, v, dx_cot);
            }
            for i in 0..N {
                s.store(&mut b_cot[(i * K + t) * S::LANES..], sums[i]);
            }
        }
        let mut a_lanes = [0.0; LANES];
        for i in 0..N {
            for w in 0..W {
                let line = self.line::<V>(n + i, w);
                s.store(&mut self.carry[line][w % V * S::LANES..], carry[i][w]);
                s.store(&mut a_lanes[w % V * S::LANES..], a_cot[i][w]);
                if w % V == V - 1 {
                    add(&mut self.a_sums[line], &a_lanes);
                }
            }
        }
    }
}
