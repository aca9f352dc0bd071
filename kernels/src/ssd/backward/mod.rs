//! The backward pass: intervals between checkpoints from last to first, blocks of heads side by side.
//!
//! Cotangents of `b` and `c` are sums over the heads of a group. A block of up to four heads makes a
//! partial sum for an interval; these are added in the order of the blocks, which depends on the shape
//! alone. Within a chunk, with `u = delta * x`, `S = C·Bᵀ`, `left(i, t)` the product of the decays
//! `i + 1..=t`, `H` the state before the chunk and `G` the cotangent of the state after it:
//!
//! ```text
//! u_cot[i] = left(i, end) · G b[i]   + Σ_{t >= i} left(i, t) S[t,i] y_cot[t]
//! S_cot[t,i] = left(i, t) · y_cot[t]·u[i]                                 (i <= t)
//! c_cot[t] = left(start, t) · Hᵀ y_cot[t] + Σ_i S_cot[t,i] b[i]
//! b_cot[i] = left(i, end) · Gᵀ u[i]       + Σ_t S_cot[t,i] c[t]
//! H_cot = left(start, end) · G + Σ_t left(start, t) y_cot[t] c[t]ᵀ
//! ```
//!
//! Each term that has a factor `left(i, t)` is the cotangent of that factor's logarithm, and adds to
//! the cotangents of `delta * a` at the steps `i + 1..=t`. These are summed over the pairs that have
//! the step between them, never as differences of sums: behind a decay of 0 all terms are 0, and
//! rounding errors of others are not multiplied by the large `delta` that made it 0.

mod head;
mod products;

use core::ops::Range;

use head::{HeadOut, before_chunk, fill_group, from_scores, head_chunk};

use super::chunk::{At, MAX_CHUNK};
use super::panels::{BLOCK, Row};
use super::state::StateSize;
use super::{CHECKPOINT, Cotangents, Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::{Job, Shares};
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa};

/// Steps of a chunk: whole tiles of six rows and whole blocks of 16 columns.
const CHUNK: usize = MAX_CHUNK;

/// Blocks of 16 steps in a chunk.
const TIMES: usize = CHUNK / BLOCK;

/// Chunks of an interval.
const CHUNKS: usize = CHECKPOINT / CHUNK;

/// Heads that share a partial sum.
const HEADS: usize = 4;

/// Blocks of heads whose partial sums are held at a time.
const WAVE: usize = 8;

/// How heads are put together.
#[derive(Clone, Copy)]
struct Grouping {
    per_group: usize,
    /// Blocks of a group.
    blocks: usize,
}

impl Grouping {
    fn new(shape: Shape) -> Self {
        let per_group = shape.heads_per_group();
        Self { per_group, blocks: per_group.div_ceil(HEADS) }
    }

    fn group(self, block: usize) -> usize {
        block / self.blocks
    }

    /// First head of a block; of one past the last block, the number of heads.
    fn first_head(self, block: usize) -> usize {
        self.group(block) * self.per_group + block % self.blocks * HEADS
    }

    fn heads(self, block: usize) -> Range<usize> {
        let end = (self.group(block) + 1) * self.per_group;
        self.first_head(block)..(self.first_head(block) + HEADS).min(end)
    }
}

/// Rows of 16 floats of each part of the working memory.
#[derive(Clone, Copy)]
struct Sizes {
    state: usize,
    by_state: usize,
    turned: usize,
    square: usize,
    by_channel: usize,
    channels_turned: usize,
}

impl Sizes {
    fn new(shape: Shape) -> Self {
        let size = StateSize::new(shape);
        Self {
            state: size.rows(),
            by_state: shape.d_state.div_ceil(BLOCK) * CHUNK,
            turned: TIMES * size.n_rows,
            square: TIMES * CHUNK,
            by_channel: size.p_blocks * CHUNK,
            channels_turned: TIMES * shape.head_dim,
        }
    }

    /// Partial sums of one block of heads over an interval: of `b`, then of `c`.
    fn partial(self) -> usize {
        2 * CHUNKS * self.turned
    }

    /// Working memory of one thread.
    fn thread(self) -> usize {
        HEADS * self.state
            + 2 * self.by_state
            + 2 * self.turned
            + 6 * self.square
            + 3 * self.by_channel
            + 2 * self.channels_turned
            + CHUNK
    }
}

/// Blocks of heads that are worth a thread.
fn grain(shape: Shape) -> usize {
    let block = CHECKPOINT.min(shape.seq_len) * HEADS.min(shape.n_heads) * shape.head_dim * shape.d_state;
    (1 << 18) / block.max(1) + 1
}

fn parts(exec: Exec, shape: Shape) -> usize {
    let grouping = Grouping::new(shape);
    exec.parts(WAVE.min(shape.n_groups * grouping.blocks), grain(shape))
}

/// Rows of 16 floats that [`run`] needs.
pub(super) fn scratch_rows(exec: Exec, shape: Shape) -> usize {
    let sizes = Sizes::new(shape);
    shape.n_heads * sizes.state + WAVE * sizes.partial() + parts(exec, shape) * sizes.thread()
}

/// Sums over a head: of `a`, `d` and `dt_bias`.
pub(super) type HeadSums = [f64; 3];

/// Lengths checked, nothing empty. `sums` has an entry a head.
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function and its memory")]
pub(super) fn run(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    checkpoints: &[Row],
    y_cot: &[f32],
    state_cot: &mut [f32],
    mut cot: Cotangents<'_>,
    scratch: &mut [Row],
    sums: &mut [HeadSums],
) {
    let sizes = Sizes::new(shape);
    let size = StateSize::new(shape);
    let grouping = Grouping::new(shape);
    let (states, rest) = scratch.split_at_mut(shape.n_heads * sizes.state);
    let (partials, memory) = rest.split_at_mut(WAVE * sizes.partial());
    let of_head = shape.head_dim * shape.d_state;
    let blocks = shape.n_groups * grouping.blocks;
    sums.fill([0.0; 3]);
    for batch in 0..shape.batch {
        let state_cot = &mut state_cot[batch * shape.n_heads * of_head..][..shape.n_heads * of_head];
        for (from, to) in state_cot.chunks_exact(of_head).zip(states.chunks_exact_mut(sizes.state)) {
            size.load(from, to);
        }
        for interval in (0..shape.seq_len.div_ceil(CHECKPOINT)).rev() {
            for first in (0..blocks).step_by(WAVE) {
                let wave = first..blocks.min(first + WAVE);
                let heads = grouping.first_head(wave.start)..grouping.first_head(wave.end);
                // As many as the wave has parts; the last one may have fewer blocks.
                let parts = exec.parts(wave.len(), grain(shape));
                let job = HeadBlocks {
                    of: Interval { isa: exec.isa(), shape, inputs, checkpoints, y_cot, batch, interval },
                    blocks: wave.clone(),
                    states: &mut states[heads.start * sizes.state..heads.end * sizes.state],
                    partials: &mut partials[..wave.len() * sizes.partial()],
                    x_cot: columns(cot.x, shape.n_heads * shape.head_dim, &heads, shape.head_dim),
                    dt_cot: columns(cot.dt, shape.n_heads, &heads, 1),
                    sums: &mut sums[heads.clone()],
                    memory: Shares::new(&mut memory[..parts * sizes.thread()], parts),
                };
                exec.run(job, grain(shape));
                reduce(shape, batch, interval, wave, partials, &mut cot);
            }
        }
        for (from, to) in states.chunks_exact(sizes.state).zip(state_cot.chunks_exact_mut(of_head)) {
            size.store(from, to);
        }
    }
    for (head, [a, d, bias]) in sums.iter().enumerate() {
        cot.a[head] += *a as f32;
        if let Some(d_cot) = &mut cot.d {
            d_cot[head] += *d as f32;
        }
        if let Some(bias_cot) = &mut cot.dt_bias {
            bias_cot[head] += *bias as f32;
        }
    }
}

/// The columns of some heads.
fn columns<'a>(data: &'a mut [f32], stride: usize, heads: &Range<usize>, of_head: usize) -> ColumnsMut<'a, f32> {
    let (_, rest) = ColumnsMut::new(data, stride).split_at(heads.start * of_head);
    rest.split_at(heads.len() * of_head).0
}

/// Adds the partial sums of a wave, in the order of its blocks, and puts them into `b` and `c`.
fn reduce(
    shape: Shape,
    batch: usize,
    interval: usize,
    wave: Range<usize>,
    partials: &mut [Row],
    cot: &mut Cotangents<'_>,
) {
    let sizes = Sizes::new(shape);
    let n_rows = StateSize::new(shape).n_rows;
    let grouping = Grouping::new(shape);
    let mut block = wave.start;
    while block < wave.end {
        let group = grouping.group(block);
        let end = wave.end.min((group + 1) * grouping.blocks);
        let (_, rest) = partials.split_at_mut((block - wave.start) * sizes.partial());
        let (sum, others) = rest[..(end - block) * sizes.partial()].split_at_mut(sizes.partial());
        for other in others.chunks_exact(sizes.partial()) {
            for (sum, other) in sum.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
                *sum += *other;
            }
        }
        let fresh = block.is_multiple_of(grouping.blocks);
        let (b, c) = sum.split_at(sizes.partial() / 2);
        for t in 0..CHECKPOINT.min(shape.seq_len - interval * CHECKPOINT) {
            let step = batch * shape.seq_len + interval * CHECKPOINT + t;
            let at = (step * shape.n_groups + group) * shape.d_state;
            let from = t / BLOCK * n_rows;
            for (out, sum) in [(&mut *cot.b, b), (&mut *cot.c, c)] {
                for (out, row) in out[at..][..shape.d_state].iter_mut().zip(&sum[from..]) {
                    *out = if fresh { row[t % BLOCK] } else { *out + row[t % BLOCK] };
                }
            }
        }
        block = end;
    }
}

/// What all heads of an interval read.
#[derive(Clone, Copy)]
struct Interval<'a> {
    isa: Isa,
    shape: Shape,
    inputs: &'a Inputs<'a>,
    checkpoints: &'a [Row],
    y_cot: &'a [f32],
    batch: usize,
    interval: usize,
}

impl<'a> Interval<'a> {
    /// Where chunk `i` of the interval lies, if the sequence has it.
    fn chunk(self, i: usize) -> Option<At> {
        let time = self.interval * CHECKPOINT + i * CHUNK;
        let len = CHUNK.min(self.shape.seq_len.checked_sub(time)?);
        (len > 0).then_some(At { batch: self.batch, time, len, rows: CHUNK })
    }

    /// The state of a head before the interval.
    fn checkpoint(self, head: usize) -> &'a [Row] {
        let state = StateSize::new(self.shape).rows();
        let intervals = self.shape.seq_len.div_ceil(CHECKPOINT);
        let slot = (head * self.shape.batch + self.batch) * intervals + self.interval;
        &self.checkpoints[slot * state..][..state]
    }
}

/// Some blocks of heads over one interval.
struct HeadBlocks<'a> {
    of: Interval<'a>,
    blocks: Range<usize>,
    /// Cotangents of the states, in: after the interval, out: before it.
    states: &'a mut [Row],
    partials: &'a mut [Row],
    x_cot: ColumnsMut<'a, f32>,
    dt_cot: ColumnsMut<'a, f32>,
    sums: &'a mut [HeadSums],
    memory: Shares<'a, Row>,
}

impl Job for HeadBlocks<'_> {
    fn units(&self) -> usize {
        self.blocks.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { of, blocks, .. } = self;
        let sizes = Sizes::new(of.shape);
        let grouping = Grouping::new(of.shape);
        let middle = blocks.start + units;
        let heads = grouping.first_head(middle) - grouping.first_head(blocks.start);
        let (states, states_rest) = self.states.split_at_mut(heads * sizes.state);
        let (partials, partials_rest) = self.partials.split_at_mut(units * sizes.partial());
        let (x_cot, x_rest) = self.x_cot.split_at(heads * of.shape.head_dim);
        let (dt_cot, dt_rest) = self.dt_cot.split_at(heads);
        let (sums, sums_rest) = self.sums.split_at_mut(heads);
        let (memory, memory_rest) = self.memory.split();
        let first = HeadBlocks { of, blocks: blocks.start..middle, states, partials, x_cot, dt_cot, sums, memory };
        let second = HeadBlocks {
            of,
            blocks: middle..blocks.end,
            states: states_rest,
            partials: partials_rest,
            x_cot: x_rest,
            dt_cot: dt_rest,
            sums: sums_rest,
            memory: memory_rest,
        };
        (first, second)
    }

    fn run(self) {
        dispatch(self.of.isa, self);
    }
}

/// Working memory of a thread.
struct Memory<'a> {
    /// States of the heads before the second chunk of an interval.
    states: &'a mut [Row],
    /// `b` and `c`, `[t][n]`
    b: &'a mut [Row],
    c: &'a mut [Row],
    /// The same, `[n][t]`
    b_turned: &'a mut [Row],
    c_turned: &'a mut [Row],
    /// `S[t][i]`, and `S[t][i]` at `[i][t]`
    scores: &'a mut [Row],
    scores_turned: &'a mut [Row],
    /// `S_cot[t][i]`, and turned
    scores_cot: &'a mut [Row],
    scores_cot_turned: &'a mut [Row],
    /// `left(i, t) * delta[i]` at `[t][i]`
    factors: &'a mut [Row],
    /// `left(i, t) * S[t][i]` at `[i][t]`
    weights_turned: &'a mut [Row],
    /// `[t][p]`
    x: &'a mut [Row],
    y_cot: &'a mut [Row],
    scaled: &'a mut [Row],
    /// `[p][t]`
    x_turned: &'a mut [Row],
    y_cot_turned: &'a mut [Row],
    /// `u_cot[t] · x[t]`, in lanes
    dots: &'a mut [Row],
}

impl<'a> Memory<'a> {
    fn new(sizes: Sizes, mut rows: &'a mut [Row]) -> Self {
        let mut take = |len: usize| rows.split_off_mut(..len).unwrap_or_default();
        Self {
            states: take(HEADS * sizes.state),
            b: take(sizes.by_state),
            c: take(sizes.by_state),
            b_turned: take(sizes.turned),
            c_turned: take(sizes.turned),
            scores: take(sizes.square),
            scores_turned: take(sizes.square),
            scores_cot: take(sizes.square),
            scores_cot_turned: take(sizes.square),
            factors: take(sizes.square),
            weights_turned: take(sizes.square),
            x: take(sizes.by_channel),
            y_cot: take(sizes.by_channel),
            scaled: take(sizes.by_channel),
            x_turned: take(sizes.channels_turned),
            y_cot_turned: take(sizes.channels_turned),
            dots: take(CHUNK),
        }
    }
}

impl SimdKernel for HeadBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { of, blocks, states, partials, mut x_cot, mut dt_cot, sums, mut memory, .. } = self;
        let sizes = Sizes::new(of.shape);
        let grouping = Grouping::new(of.shape);
        let mut m = Memory::new(sizes, memory.own());
        // Rows that fill up the last tile.
        m.b_turned.fill([0.0; BLOCK]);
        m.c_turned.fill([0.0; BLOCK]);
        let first_head = grouping.first_head(blocks.start);
        for (block, partial) in blocks.zip(partials.chunks_exact_mut(sizes.partial())) {
            partial.fill([0.0; BLOCK]);
            let (b_cot, c_cot) = partial.split_at_mut(sizes.partial() / 2);
            let heads = grouping.heads(block);
            let mine = heads.start - first_head..heads.end - first_head;
            let states = &mut states[mine.start * sizes.state..mine.end * sizes.state];
            for i in (0..CHUNKS).rev() {
                let Some(at) = of.chunk(i) else { continue };
                if i > 0 {
                    before_chunk(s, of, heads.clone(), i, &mut m);
                }
                fill_group(s, of, grouping.group(block), at, &mut m);
                let part = i * sizes.turned..(i + 1) * sizes.turned;
                let (b_cot, c_cot) = (&mut b_cot[part.clone()], &mut c_cot[part]);
                for (k, cot) in states.chunks_exact_mut(sizes.state).enumerate() {
                    let mut out = HeadOut {
                        column: mine.start + k,
                        x: &mut x_cot,
                        dt: &mut dt_cot,
                        b: b_cot,
                        c: c_cot,
                        sums: &mut sums[mine.start + k],
                    };
                    let from = if i > 0 { Some(k) } else { None };
                    head_chunk(s, of, heads.start + k, at, from, cot, &mut m, &mut out);
                }
                from_scores(s, of.shape, at, &mut m, b_cot, c_cot);
            }
        }
    }
}
