//! What a chunk of steps needs before its products: decays, scores, inputs in blocks.

use super::panels::{BLOCK, Blocks, ROWS, Row, Tiles, accumulate, each, zeros};
use super::{Inputs, Shape};
use crate::simd::{Simd, math};

/// The most steps of a chunk.
pub(super) const MAX_CHUNK: usize = 48;

/// One number a step.
pub(super) type Steps = [f32; MAX_CHUNK];

/// The steps of a chunk: `0, 1, 2, ..`, to compare with.
const INDEX: Steps = {
    let mut index = [0.0; MAX_CHUNK];
    let mut i = 0;
    while i < MAX_CHUNK {
        index[i] = i as f32;
        i += 1;
    }
    index
};

/// Where a chunk lies.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) batch: usize,
    /// First step.
    pub(super) time: usize,
    /// Number of steps.
    pub(super) len: usize,
    /// Rows of matrices with a row a step, a multiple of 6 and at least `len`.
    pub(super) rows: usize,
}

impl At {
    /// Blocks of 16 steps.
    pub(super) fn blocks(self) -> usize {
        self.len.div_ceil(BLOCK)
    }

    /// Index of step `t` of this chunk among all steps.
    #[inline(always)]
    pub(super) fn step(self, shape: Shape, t: usize) -> usize {
        self.batch * shape.seq_len + self.time + t
    }
}

/// Time steps and decays of one head in a chunk.
pub(super) struct Decay {
    /// `softplus(dt + dt_bias)`
    pub(super) delta: Steps,
    /// `exp(delta * a)`
    pub(super) decay: Steps,
    /// Product of the decays up to and with each step: what is left of the state before the chunk.
    pub(super) since_start: Steps,
}

/// `dt + dt_bias` of a head in a chunk; 0 past its end.
#[inline(always)]
pub(super) fn raw_steps(shape: Shape, inputs: &Inputs<'_>, head: usize, at: At) -> Steps {
    let bias = inputs.dt_bias.map_or(0.0, |bias| bias[head]);
    let mut raw = [0.0; MAX_CHUNK];
    for t in 0..at.len {
        raw[t] = inputs.dt[at.step(shape, t) * shape.n_heads + head] + bias;
    }
    raw
}

impl Decay {
    #[inline(always)]
    pub(super) fn new<S: Simd>(s: S, shape: Shape, inputs: &Inputs<'_>, head: usize, at: At) -> Self {
        let mut delta = raw_steps(shape, inputs, head, at);
        let (mut decay, mut since_start) = ([0.0; MAX_CHUNK], [0.0; MAX_CHUNK]);
        let a = s.splat(inputs.a[head]);
        for i in (0..at.blocks() * BLOCK).step_by(S::LANES) {
            let v = math::softplus(s, s.load(&delta[i..]));
            s.store(&mut delta[i..], v);
            s.store(&mut decay[i..], math::exp(s, s.mul(v, a)));
        }
        let mut product = 1.0;
        for t in 0..at.len {
            product *= decay[t];
            since_start[t] = product;
        }
        Self { delta, decay, since_start }
    }

    /// What is left of the state before the chunk at its end.
    pub(super) fn whole(&self, at: At) -> f32 {
        self.since_start[at.len - 1]
    }

    /// The same backwards in time: from `Π decay[t + 2..=i]` to `Π decay[t + 1..=i]` for `i` after `t`.
    #[inline(always)]
    pub(super) fn retreat<S: Simd>(&self, s: S, t: usize, first: usize, left: S::F) -> S::F {
        let after = s.lt(s.splat(t as f32), s.load(&INDEX[first..]));
        let next = self.decay[(t + 1).min(MAX_CHUNK - 1)];
        s.select(after, s.mul(s.splat(next), left), left)
    }

    /// One step of `left[i] = Π decay[i + 1..=t]`, for a vector of `i` from `first` on: lanes before
    /// `t` are multiplied by the decay of `t`, the others stay what they were at first.
    #[inline(always)]
    pub(super) fn advance<S: Simd>(&self, s: S, t: usize, first: usize, left: S::F) -> S::F {
        let before = s.lt(s.load(&INDEX[first..]), s.splat(t as f32));
        s.select(before, s.mul(s.splat(self.decay[t]), left), left)
    }
}

/// Which of the steps `i..` are before step `t`.
#[inline(always)]
pub(super) fn before<S: Simd>(s: S, t: usize, i: usize) -> S::M {
    s.lt(s.load(&INDEX[i..]), s.splat(t as f32))
}

/// Which of the steps `i..` are not before step `t`.
#[inline(always)]
pub(super) fn from_step<S: Simd>(s: S, t: usize, i: usize) -> S::M {
    s.le(s.splat(t as f32), s.load(&INDEX[i..]))
}

/// Which of the steps `i..` are not after step `t`.
#[inline(always)]
pub(super) fn until<S: Simd>(s: S, t: usize, i: usize) -> S::M {
    s.le(s.load(&INDEX[i..]), s.splat(t as f32))
}

/// Copies rows of `len` floats into blocks, the last of them filled up with zeros.
#[inline(always)]
pub(super) fn pack_row<S: Simd>(s: S, from: &[f32], rows: usize, r: usize, out: &mut [Row]) {
    for (i, from) in from.chunks(BLOCK).enumerate() {
        let out = &mut out[i * rows + r];
        if from.len() == BLOCK {
            for v in (0..BLOCK).step_by(S::LANES) {
                s.store(&mut out[v..], s.load(&from[v..]));
            }
        } else {
            *out = [0.0; BLOCK];
            out[..from.len()].copy_from_slice(from);
        }
    }
}

/// `out[i][r] = from[i * stride..][..]` turned round: element `r` of row `c` goes to row `r`, column
/// `c` of `out`, which has `rows` rows a block.
#[inline(always)]
pub(super) fn pack_turned(from: &[f32], c: usize, rows: usize, out: &mut [Row]) {
    let out = &mut out[c / BLOCK * rows..][..rows];
    for (out, x) in out.iter_mut().zip(from) {
        out[c % BLOCK] = *x;
    }
}

/// `out[t][i] = Σ_n left[t][n] · right[n][i]` for `i <= t`, or for `i >= t` if `upper`; other entries
/// are unspecified.
pub(super) struct Scores<'a> {
    pub(super) at: At,
    pub(super) d_state: usize,
    pub(super) upper: bool,
    /// `[t][n]`
    pub(super) left: Blocks<'a>,
    /// `[n][t]`
    pub(super) right: Blocks<'a>,
    pub(super) out: &'a mut [Row],
}

impl<S: Simd> Tiles<S> for Scores<'_> {
    #[inline(always)]
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize) {
        let rows = match self.upper {
            false => block * BLOCK / ROWS * ROWS..self.at.len,
            true => 0..self.at.len.min((block + NB) * BLOCK),
        };
        for row in rows.step_by(ROWS) {
            let sums = zeros::<S, NB, VB>(s);
            let sums = accumulate(s, sums, self.left, row, self.right, block, 0..self.d_state);
            for r in 0..ROWS {
                for n in 0..NB {
                    let out = &mut self.out[(block + n) * self.at.rows + row + r];
                    for i in 0..VB {
                        s.store(&mut out[i * S::LANES..], sums[r][n][i]);
                    }
                }
            }
        }
    }
}

/// The blocks of a group that a chunk shares among its heads.
pub(super) struct Group<'a> {
    /// `[t][n]`
    pub(super) c: Blocks<'a>,
    /// `[n][t]`
    pub(super) b_turned: Blocks<'a>,
    /// `[t][i]`
    pub(super) scores: Blocks<'a>,
}

/// Memory of a [`Group`].
pub(super) struct GroupMemory<'a> {
    pub(super) c: &'a mut [Row],
    pub(super) b_turned: &'a mut [Row],
    pub(super) scores: &'a mut [Row],
}

impl GroupMemory<'_> {
    /// Fills it for a group and a chunk.
    #[inline(always)]
    pub(super) fn fill<S: Simd>(&mut self, s: S, shape: Shape, inputs: &Inputs<'_>, group: usize, at: At) -> Group<'_> {
        let n_rows = super::panels::tile_rows(shape.d_state);
        for t in 0..at.len {
            let from = (at.step(shape, t) * shape.n_groups + group) * shape.d_state;
            pack_row(s, &inputs.c[from..][..shape.d_state], at.rows, t, self.c);
            pack_turned(&inputs.b[from..][..shape.d_state], t, n_rows, self.b_turned);
        }
        let c = Blocks { data: self.c, rows: at.rows };
        let b_turned = Blocks { data: self.b_turned, rows: n_rows };
        let d_state = shape.d_state;
        let mut scores = Scores { at, d_state, upper: false, left: c, right: b_turned, out: self.scores };
        each(s, at.blocks(), &mut scores);
        Group { c, b_turned, scores: Blocks { data: self.scores, rows: at.rows } }
    }
}
