//! The forward pass: chunks in time, heads of a group side by side.

use core::ops::Range;

use super::chunk::{At, Decay, Group, GroupMemory, Steps, pack_row, until};
use super::panels::{BLOCK, Blocks, ROWS, Row, Tiles, accumulate, each, tile_rows, zeros};
use super::state::StateSize;
use super::{CHECKPOINT, Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::{Job, Shares};
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa};

/// Steps of a chunk. Twice as many would double the products inside a chunk (6 % of the work at 128
/// states); half as many, the traffic of the state.
const CHUNK: usize = 24;

/// Floats of state that heads may hold together while they share a chunk's scores.
const STATES: usize = 1 << 16;

/// Working memory of one thread, in rows of 16 floats.
#[derive(Clone, Copy)]
struct Sizes {
    heads: usize,
    state: usize,
    c: usize,
    b_turned: usize,
    square: usize,
    x: usize,
}

impl Sizes {
    fn new(shape: Shape) -> Self {
        let size = StateSize::new(shape);
        let state = size.rows();
        let time_blocks = CHUNK.div_ceil(BLOCK);
        Self {
            heads: (STATES / BLOCK / state).clamp(1, shape.n_heads / shape.n_groups),
            state,
            c: shape.d_state.div_ceil(BLOCK) * CHUNK,
            b_turned: time_blocks * size.n_rows,
            square: time_blocks * CHUNK,
            x: size.p_blocks * CHUNK,
        }
    }

    fn total(self) -> usize {
        self.heads * self.state + self.c + self.b_turned + 2 * self.square + 2 * self.x
    }
}

/// Rows of 16 floats that [`run`] needs.
pub(super) fn scratch_rows(exec: Exec, shape: Shape) -> usize {
    Sizes::new(shape).total() * exec.parts(shape.n_heads, grain(shape))
}

/// Heads that are worth a thread.
pub(super) fn grain(shape: Shape) -> usize {
    let head = shape.batch * shape.seq_len * shape.head_dim * shape.d_state;
    (1 << 19) / head.max(1) + 1
}

/// Lengths checked, nothing empty. `checkpoints` is empty or holds the states at every
/// [`CHECKPOINT`]th step: `[head][batch][interval]`.
pub(super) fn run(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: &mut [Row],
    scratch: &mut [Row],
) {
    let job = Heads {
        isa: exec.isa(),
        shape,
        inputs,
        heads: 0..shape.n_heads,
        h: ColumnsMut::new(h, shape.n_heads * shape.head_dim * shape.d_state),
        y: ColumnsMut::new(y, shape.n_heads * shape.head_dim),
        checkpoints,
        scratch: Shares::new(scratch, exec.parts(shape.n_heads, grain(shape))),
    };
    exec.run(job, grain(shape));
}

/// Some heads, all of the batch.
struct Heads<'a> {
    isa: Isa,
    shape: Shape,
    inputs: &'a Inputs<'a>,
    heads: Range<usize>,
    h: ColumnsMut<'a, f32>,
    y: ColumnsMut<'a, f32>,
    checkpoints: &'a mut [Row],
    scratch: Shares<'a, Row>,
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
        let (checkpoints, checkpoints_rest) =
            self.checkpoints.split_at_mut(self.checkpoints.len() / heads.len() * units);
        let (scratch, scratch_rest) = self.scratch.split();
        let first = Self { isa, shape, inputs, heads: heads.start..middle, h, y, checkpoints, scratch };
        let second = Self {
            isa,
            shape,
            inputs,
            heads: middle..heads.end,
            h: h_rest,
            y: y_rest,
            checkpoints: checkpoints_rest,
            scratch: scratch_rest,
        };
        (first, second)
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Heads<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, inputs, heads, mut h, mut y, checkpoints, mut scratch, .. } = self;
        let sizes = Sizes::new(shape);
        let size = StateSize::new(shape);
        let (states, rest) = scratch.own().split_at_mut(sizes.heads * sizes.state);
        let (c, rest) = rest.split_at_mut(sizes.c);
        let (b_turned, rest) = rest.split_at_mut(sizes.b_turned);
        let (scores, rest) = rest.split_at_mut(sizes.square);
        let (weights, rest) = rest.split_at_mut(sizes.square);
        let (x, scaled) = rest[..2 * sizes.x].split_at_mut(sizes.x);
        b_turned.fill([0.0; BLOCK]);
        let mut group = GroupMemory { c, b_turned, scores };
        let mut own = HeadMemory { weights, x, scaled };

        let of_head = shape.head_dim * shape.d_state;
        let intervals = shape.seq_len.div_ceil(CHECKPOINT);
        for batch in 0..shape.batch {
            let mut head = heads.start;
            while head < heads.end {
                let group_end = (head / shape.heads_per_group() + 1) * shape.heads_per_group();
                let together = head..heads.end.min(group_end).min(head + sizes.heads);
                for (i, state) in together.clone().zip(states.chunks_exact_mut(sizes.state)) {
                    size.load(&h.row(batch)[(i - heads.start) * of_head..][..of_head], state);
                }
                let mut time = 0;
                while time < shape.seq_len {
                    // Checkpoints lie at multiples of the chunk.
                    let at = At { batch, time, len: CHUNK.min(shape.seq_len - time), rows: CHUNK };
                    let shared = group.fill(s, shape, inputs, head / shape.heads_per_group(), at);
                    for (i, state) in together.clone().zip(states.chunks_exact_mut(sizes.state)) {
                        if !checkpoints.is_empty() && time % CHECKPOINT == 0 {
                            let slot = ((i - heads.start) * shape.batch + batch) * intervals + time / CHECKPOINT;
                            checkpoints[slot * sizes.state..][..sizes.state].copy_from_slice(state);
                        }
                        let y = Out { y: &mut y, column: (i - heads.start) * shape.head_dim };
                        head_chunk(s, shape, inputs, i, at, &shared, state, &mut own, y);
                    }
                    time += at.len;
                }
                for (i, state) in together.clone().zip(states.chunks_exact(sizes.state)) {
                    size.store(state, &mut h.row(batch)[(i - heads.start) * of_head..][..of_head]);
                }
                head = together.end;
            }
        }
    }
}

/// Working memory of one head in a chunk.
struct HeadMemory<'a> {
    /// `[t][i]`
    weights: &'a mut [Row],
    /// `[t][p]`
    x: &'a mut [Row],
    /// `[t][p]`
    scaled: &'a mut [Row],
}

/// Where a head's output goes.
struct Out<'a, 'b> {
    y: &'a mut ColumnsMut<'b, f32>,
    /// Its first column there.
    column: usize,
}

/// One head over one chunk: its output, and its state brought to the end of the chunk.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a head, a chunk, and what they share")]
fn head_chunk<S: Simd>(
    s: S,
    shape: Shape,
    inputs: &Inputs<'_>,
    head: usize,
    at: At,
    group: &Group<'_>,
    state: &mut [Row],
    own: &mut HeadMemory<'_>,
    y: Out<'_, '_>,
) {
    let size = StateSize::new(shape);
    let decay = Decay::new(s, shape, inputs, head, at);
    let to_end = weights(s, at, &decay, group.scores, inputs.d.map_or(0.0, |d| d[head]), own.weights);
    for t in 0..at.len {
        let x = &inputs.x[(at.step(shape, t) * shape.n_heads + head) * shape.head_dim..][..shape.head_dim];
        pack_row(s, x, at.rows, t, own.x);
        scale_row(s, size.p_blocks, to_end[t], at.rows, t, own.x, own.scaled);
    }
    let mut output = Output {
        at,
        shape,
        decay: &decay,
        c: group.c,
        weights: Blocks { data: own.weights, rows: at.rows },
        x: Blocks { data: own.x, rows: at.rows },
        update: Update {
            at,
            d_state: shape.d_state,
            whole: decay.whole(at),
            left: group.b_turned,
            right: Blocks { data: own.scaled, rows: at.rows },
            state,
        },
        out: y,
    };
    each(s, size.p_blocks, &mut output);
}

/// Row `t` of a matrix in blocks times `factor`.
#[inline(always)]
pub(super) fn scale_row<S: Simd>(
    s: S,
    blocks: usize,
    factor: f32,
    rows: usize,
    t: usize,
    from: &[Row],
    to: &mut [Row],
) {
    let factor = s.splat(factor);
    for block in 0..blocks {
        let (from, to) = (&from[block * rows + t], &mut to[block * rows + t]);
        for v in (0..BLOCK).step_by(S::LANES) {
            s.store(&mut to[v..], s.mul(factor, s.load(&from[v..])));
        }
    }
}

/// What the output of step `t` takes of `x[i]` from inside the chunk:
///
/// `decay[i + 1] .. decay[t] * delta[i] * scores[t][i]` for `i <= t`, 0 for later `i`, and `skip`
/// more on the diagonal. Gives what is left of `delta[i] * x[i]` at the end of the chunk, for all `i`.
#[inline(always)]
fn weights<S: Simd>(s: S, at: At, decay: &Decay, scores: Blocks<'_>, skip: f32, out: &mut [Row]) -> Steps {
    let mut left = decay.delta;
    for t in 0..at.len {
        // The columns that the tile of this row reads.
        for i in (0..at.len.min(tile_rows(t + 1))).step_by(S::LANES) {
            let (block, lane) = (i / BLOCK, i % BLOCK);
            let factor = decay.advance(s, t, i, s.load(&left[i..]));
            s.store(&mut left[i..], factor);
            let weight = s.mul(factor, s.load(&scores.block(block)[t][lane..]));
            let weight = s.select(until(s, t, i), weight, s.splat(0.0));
            s.store(&mut out[block * at.rows + t][lane..], weight);
        }
        out[t / BLOCK * at.rows + t][t % BLOCK] += skip;
    }
    left
}

/// `y[t] = since_start[t] * Σ_n c[t][n] · state[n] + Σ_i weights[t][i] · x[i]`, and then the state.
struct Output<'a, 'b> {
    at: At,
    shape: Shape,
    decay: &'a Decay,
    c: Blocks<'a>,
    weights: Blocks<'a>,
    x: Blocks<'a>,
    /// Of the same blocks, while they are in the first cache level.
    update: Update<'a>,
    out: Out<'a, 'b>,
}

impl<S: Simd> Tiles<S> for Output<'_, '_> {
    #[inline(always)]
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize) {
        let Shape { d_state, head_dim, .. } = self.shape;
        let state = Blocks { data: self.update.state, rows: self.update.left.rows };
        for row in (0..self.at.len).step_by(ROWS) {
            let mut sums = zeros::<S, NB, VB>(s);
            sums = accumulate(s, sums, self.c, row, state, block, 0..d_state);
            for r in 0..ROWS {
                let factor = s.splat(self.decay.since_start[row + r]);
                for n in 0..NB {
                    for i in 0..VB {
                        sums[r][n][i] = s.mul(factor, sums[r][n][i]);
                    }
                }
            }
            let terms = 0..self.at.len.min(row + ROWS);
            sums = accumulate(s, sums, self.weights, row, self.x, block, terms);
            for r in 0..ROWS {
                if row + r < self.at.len {
                    let step = self.at.step(self.shape, row + r);
                    let y = &mut self.out.y.row(step)[self.out.column..][..head_dim];
                    for n in 0..NB {
                        for i in 0..VB {
                            let first = (block + n) * BLOCK + i * S::LANES;
                            if first + S::LANES <= head_dim {
                                s.store(&mut y[first..], sums[r][n][i]);
                            } else if first < head_dim {
                                s.store_part(&mut y[first..], sums[r][n][i]);
                            }
                        }
                    }
                }
            }
        }
        self.update.run::<NB, VB>(s, block);
    }
}

/// `state[n] = whole * state[n] + Σ_t left[n][t] · right[t]`
pub(super) struct Update<'a> {
    pub(super) at: At,
    pub(super) d_state: usize,
    pub(super) whole: f32,
    /// `[n][t]`
    pub(super) left: Blocks<'a>,
    /// `[t][p]`
    pub(super) right: Blocks<'a>,
    pub(super) state: &'a mut [Row],
}

impl<S: Simd> Tiles<S> for Update<'_> {
    #[inline(always)]
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize) {
        let whole = s.splat(self.whole);
        for row in (0..self.d_state).step_by(ROWS) {
            let sums = zeros::<S, NB, VB>(s);
            let sums = accumulate(s, sums, self.left, row, self.right, block, 0..self.at.len);
            for n in 0..NB {
                let state = &mut self.state[(block + n) * self.left.rows + row..][..ROWS];
                for r in 0..ROWS {
                    for i in 0..VB {
                        let old = s.load(&state[r][i * S::LANES..]);
                        let new = s.mul_add(whole, old, sums[r][n][i]);
                        s.store(&mut state[r][i * S::LANES..], new);
                    }
                }
            }
        }
    }
}
