//! The matrix products of a chunk, with what is done to a tile before it is stored.

use super::super::chunk::{At, Decay, Steps};
use super::super::panels::{BLOCK, Blocks, ROWS, Row, Tiles, accumulate, zeros};
use crate::columns::ColumnsMut;
use crate::simd::Simd;
use crate::ssd::Shape;

/// Cotangents of what steps take of each other: `y_cot[t] · x[i] * factors[t][i]` is added to the
/// scores' cotangents; that times the score, to the logarithms'.
pub(super) struct WeightsCot<'a> {
    pub(super) at: At,
    pub(super) head_dim: usize,
    pub(super) y_cot: Blocks<'a>,
    pub(super) x_turned: Blocks<'a>,
    /// In: the factors; out: the cotangents of their logarithms.
    pub(super) factors: &'a mut [Row],
    pub(super) scores: Blocks<'a>,
    pub(super) scores_cot: &'a mut [Row],
}

impl<S: Simd> Tiles<S> for WeightsCot<'_> {
    #[inline(always)]
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize) {
        let rows = self.at.rows;
        for row in (block * BLOCK / ROWS * ROWS..self.at.len).step_by(ROWS) {
            let sums = zeros::<S, NB, VB>(s);
            let sums = accumulate(s, sums, self.y_cot, row, self.x_turned, block, 0..self.head_dim);
            for r in 0..ROWS.min(self.at.len - row) {
                let t = row + r;
                for n in 0..NB {
                    for i in 0..VB {
                        let lane = i * S::LANES;
                        let at = (block + n) * rows + t;
                        let cot = s.mul(sums[r][n][i], s.load(&self.factors[at][lane..]));
                        let total = s.add(s.load(&self.scores_cot[at][lane..]), cot);
                        s.store(&mut self.scores_cot[at][lane..], total);
                        let log_cot = s.mul(cot, s.load(&self.scores.data[at][lane..]));
                        s.store(&mut self.factors[at][lane..], log_cot);
                    }
                }
            }
        }
    }
}

/// `part[n][t] = factor[t] * Σ_p state[n][p] · turned[p][t]` is added to `out`, and its sum over `n`
/// with `other[n][t]` to `log_cot[t]`.
pub(super) struct ThroughState<'a> {
    pub(super) at: At,
    pub(super) shape: Shape,
    pub(super) state: Blocks<'a>,
    pub(super) turned: Blocks<'a>,
    pub(super) factor: &'a Steps,
    pub(super) other: Blocks<'a>,
    pub(super) out: &'a mut [Row],
    pub(super) log_cot: &'a mut Steps,
}

impl<S: Simd> Tiles<S> for ThroughState<'_> {
    #[inline(always)]
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize) {
        let Shape { d_state, head_dim, .. } = self.shape;
        debug_assert!(self.at.len > 0);
        for row in (0..d_state).step_by(ROWS) {
            let sums = zeros::<S, NB, VB>(s);
            let sums = accumulate(s, sums, self.state, row, self.turned, block, 0..head_dim);
            for n in 0..NB {
                for i in 0..VB {
                    let lane = i * S::LANES;
                    let first = (block + n) * BLOCK + lane;
                    let factor = s.load(&self.factor[first..]);
                    let mut log = s.load(&self.log_cot[first..]);
                    for r in 0..ROWS {
                        if row + r < d_state {
                            let at = (block + n) * self.other.rows + row + r;
                            let part = s.mul(factor, sums[r][n][i]);
                            let total = s.add(s.load(&self.out[at][lane..]), part);
                            s.store(&mut self.out[at][lane..], total);
                            log = s.mul_add(part, s.load(&self.other.data[at][lane..]), log);
                        }
                    }
                    s.store(&mut self.log_cot[first..], log);
                }
            }
        }
    }
}

/// `u_cot[i] = to_end[i] * Σ_n b[i][n] · cot[n] + Σ_t weights[i][t] · y_cot[t]`, and from it
/// `x_cot[i] = delta[i] * u_cot[i] + skip * y_cot[i]`.
pub(super) struct XCot<'a, 'b> {
    pub(super) at: At,
    pub(super) shape: Shape,
    pub(super) decay: &'a Decay,
    pub(super) to_end: &'a Steps,
    pub(super) skip: f32,
    pub(super) b: Blocks<'a>,
    pub(super) cot: Blocks<'a>,
    pub(super) weights: Blocks<'a>,
    pub(super) y_cot: Blocks<'a>,
    pub(super) x: Blocks<'a>,
    pub(super) dots: &'a mut [Row],
    pub(super) skip_cot: Row,
    pub(super) column: usize,
    pub(super) out: &'a mut ColumnsMut<'b, f32>,
}

impl<S: Simd> Tiles<S> for XCot<'_, '_> {
    #[inline(always)]
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize) {
        let Shape { d_state, head_dim, .. } = self.shape;
        let skip = s.splat(self.skip);
        for row in (0..self.at.len).step_by(ROWS) {
            let mut sums = zeros::<S, NB, VB>(s);
            sums = accumulate(s, sums, self.b, row, self.cot, block, 0..d_state);
            for r in 0..ROWS {
                let factor = s.splat(self.to_end[row + r]);
                for n in 0..NB {
                    for i in 0..VB {
                        sums[r][n][i] = s.mul(factor, sums[r][n][i]);
                    }
                }
            }
            sums = accumulate(s, sums, self.weights, row, self.y_cot, block, row / BLOCK * BLOCK..self.at.len);
            for r in 0..ROWS.min(self.at.len - row) {
                let t = row + r;
                let delta = s.splat(self.decay.delta[t]);
                let out = &mut self.out.row(self.at.step(self.shape, t))[self.column..][..head_dim];
                for n in 0..NB {
                    for i in 0..VB {
                        let lane = i * S::LANES;
                        let first = (block + n) * BLOCK + lane;
                        let at = (block + n) * self.at.rows + t;
                        let (x, y_cot) = (s.load(&self.x.data[at][lane..]), s.load(&self.y_cot.data[at][lane..]));
                        let dots = s.mul_add(sums[r][n][i], x, s.load(&self.dots[t][lane..]));
                        s.store(&mut self.dots[t][lane..], dots);
                        let skip_cot = s.mul_add(x, y_cot, s.load(&self.skip_cot[lane..]));
                        s.store(&mut self.skip_cot[lane..], skip_cot);
                        let x_cot = s.mul_add(delta, sums[r][n][i], s.mul(skip, y_cot));
                        if first + S::LANES <= head_dim {
                            s.store(&mut out[first..], x_cot);
                        } else if first < head_dim {
                            s.store_part(&mut out[first..], x_cot);
                        }
                    }
                }
            }
        }
    }
}
