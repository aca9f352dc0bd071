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

use core::ops::Range;

use super::chunk::{At, Decay, MAX_CHUNK, Scores, Steps, before, from_step, pack_row, pack_turned, raw_steps, until};
use super::forward::{Update, scale_row};
use super::panels::{BLOCK, Blocks, ROWS, Row, Tiles, accumulate, each, zeros};
use super::state::StateSize;
use super::{CHECKPOINT, Cotangents, Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch, math};
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
                let job = HeadBlocks {
                    of: Interval { isa: exec.isa(), shape, inputs, checkpoints, y_cot, batch, interval },
                    blocks: wave.clone(),
                    states: &mut states[heads.start * sizes.state..heads.end * sizes.state],
                    partials: &mut partials[..wave.len() * sizes.partial()],
                    x_cot: columns(cot.x, shape.n_heads * shape.head_dim, &heads, shape.head_dim),
                    dt_cot: columns(cot.dt, shape.n_heads, &heads, 1),
                    sums: &mut sums[heads.clone()],
                    memory: &mut memory[..],
                    regions: exec.parts(wave.len(), grain(shape)),
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
    memory: &'a mut [Row],
    regions: usize,
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
        let regions = self.regions / 2;
        let (states, states_rest) = self.states.split_at_mut(heads * sizes.state);
        let (partials, partials_rest) = self.partials.split_at_mut(units * sizes.partial());
        let (x_cot, x_rest) = self.x_cot.split_at(heads * of.shape.head_dim);
        let (dt_cot, dt_rest) = self.dt_cot.split_at(heads);
        let (sums, sums_rest) = self.sums.split_at_mut(heads);
        let (memory, memory_rest) = self.memory.split_at_mut(regions * sizes.thread());
        let first =
            HeadBlocks { of, blocks: blocks.start..middle, states, partials, x_cot, dt_cot, sums, memory, regions };
        let second = HeadBlocks {
            of,
            blocks: middle..blocks.end,
            states: states_rest,
            partials: partials_rest,
            x_cot: x_rest,
            dt_cot: dt_rest,
            sums: sums_rest,
            memory: memory_rest,
            regions: self.regions - regions,
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
        let Self { of, blocks, states, partials, mut x_cot, mut dt_cot, sums, memory, .. } = self;
        let sizes = Sizes::new(of.shape);
        let grouping = Grouping::new(of.shape);
        let mut m = Memory::new(sizes, memory);
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

/// Brings the states of some heads from the checkpoint to the start of chunk `i`.
#[inline(always)]
fn before_chunk<S: Simd>(s: S, of: Interval<'_>, heads: Range<usize>, i: usize, m: &mut Memory<'_>) {
    let shape = of.shape;
    let size = StateSize::new(shape);
    let group = heads.start / shape.heads_per_group();
    for (head, state) in heads.clone().zip(m.states.chunks_exact_mut(size.rows())) {
        state.copy_from_slice(of.checkpoint(head));
    }
    for at in (0..i).filter_map(|i| of.chunk(i)) {
        for t in 0..at.len {
            let from = (at.step(shape, t) * shape.n_groups + group) * shape.d_state;
            pack_turned(&of.inputs.b[from..][..shape.d_state], t, size.n_rows, m.b_turned);
        }
        for (head, state) in heads.clone().zip(m.states.chunks_exact_mut(size.rows())) {
            let decay = Decay::new(s, shape, of.inputs, head, at);
            let mut left = 1.0;
            for t in (0..at.len).rev() {
                let x = row_of(of.inputs.x, shape, at, head, t);
                pack_row(s, x, at.rows, t, m.x);
                scale_row(s, size.p_blocks, left * decay.delta[t], at.rows, t, m.x, m.scaled);
                left *= decay.decay[t];
            }
            let mut update = Update {
                at,
                d_state: shape.d_state,
                whole: decay.whole(at),
                left: Blocks { data: m.b_turned, rows: size.n_rows },
                right: Blocks { data: m.scaled, rows: at.rows },
                state,
            };
            each(s, size.p_blocks, &mut update);
        }
    }
}

/// Step `t` of a head in an array like `x`.
#[inline(always)]
fn row_of(data: &[f32], shape: Shape, at: At, head: usize, t: usize) -> &[f32] {
    &data[(at.step(shape, t) * shape.n_heads + head) * shape.head_dim..][..shape.head_dim]
}

/// `b`, `c` and the scores of a chunk, all both ways.
#[inline(always)]
fn fill_group<S: Simd>(s: S, of: Interval<'_>, group: usize, at: At, m: &mut Memory<'_>) {
    let shape = of.shape;
    let (d_state, n_rows) = (shape.d_state, StateSize::new(shape).n_rows);
    for t in 0..at.len {
        let from = (at.step(shape, t) * shape.n_groups + group) * d_state;
        let (b, c) = (&of.inputs.b[from..][..d_state], &of.inputs.c[from..][..d_state]);
        pack_row(s, b, at.rows, t, m.b);
        pack_row(s, c, at.rows, t, m.c);
        pack_turned(b, t, n_rows, m.b_turned);
        pack_turned(c, t, n_rows, m.c_turned);
    }
    let (left, right) = (Blocks { data: m.c, rows: at.rows }, Blocks { data: m.b_turned, rows: n_rows });
    each(s, at.blocks(), &mut Scores { at, d_state, upper: false, left, right, out: m.scores });
    let (left, right) = (Blocks { data: m.b, rows: at.rows }, Blocks { data: m.c_turned, rows: n_rows });
    each(s, at.blocks(), &mut Scores { at, d_state, upper: true, left, right, out: m.scores_turned });
    m.scores_cot.fill([0.0; BLOCK]);
}

/// What the cotangents of the scores, summed over the heads of the block, add to those of `b`, `c`.
#[inline(always)]
fn from_scores<S: Simd>(s: S, shape: Shape, at: At, m: &mut Memory<'_>, b_cot: &mut [Row], c_cot: &mut [Row]) {
    let n_rows = StateSize::new(shape).n_rows;
    for t in 0..at.len {
        for i in 0..at.len {
            let v = m.scores_cot[i / BLOCK * at.rows + t][i % BLOCK];
            m.scores_cot_turned[t / BLOCK * at.rows + i][t % BLOCK] = v;
        }
    }
    let sums: [(&[Row], &[Row], &mut [Row]); 2] =
        [(m.c_turned, m.scores_cot, b_cot), (m.b_turned, m.scores_cot_turned, c_cot)];
    for (left, right, state) in sums {
        let (left, right) = (Blocks { data: left, rows: n_rows }, Blocks { data: right, rows: at.rows });
        each(s, at.blocks(), &mut Update { at, d_state: shape.d_state, whole: 1.0, left, right, state });
    }
}

/// Where the cotangents of a head go.
struct HeadOut<'a, 'b> {
    /// The head's place among those of `x` and `dt`.
    column: usize,
    x: &'a mut ColumnsMut<'b, f32>,
    dt: &'a mut ColumnsMut<'b, f32>,
    /// `[n][t]`
    b: &'a mut [Row],
    /// `[n][t]`
    c: &'a mut [Row],
    sums: &'a mut HeadSums,
}

/// One head over one chunk. The state before it is the checkpoint, or entry `from` of `m.states`;
/// `cot` is the cotangent of the state.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a head, a chunk, and what they share")]
fn head_chunk<S: Simd>(
    s: S,
    of: Interval<'_>,
    head: usize,
    at: At,
    from: Option<usize>,
    cot: &mut [Row],
    m: &mut Memory<'_>,
    out: &mut HeadOut<'_, '_>,
) {
    let Interval { shape, inputs, .. } = of;
    let size = StateSize::new(shape);
    let Shape { head_dim, d_state, .. } = shape;
    let decay = Decay::new(s, shape, inputs, head, at);
    let to_end = factors(s, at, &decay, m);
    for t in 0..at.len {
        let (x, y_cot) = (row_of(inputs.x, shape, at, head, t), row_of(of.y_cot, shape, at, head, t));
        pack_row(s, x, at.rows, t, m.x);
        pack_turned(x, t, head_dim, m.x_turned);
        pack_row(s, y_cot, at.rows, t, m.y_cot);
        pack_turned(y_cot, t, head_dim, m.y_cot_turned);
        scale_row(s, size.p_blocks, decay.since_start[t], at.rows, t, m.y_cot, m.scaled);
    }
    let state = match from {
        Some(i) => &m.states[i * size.rows()..][..size.rows()],
        None => of.checkpoint(head),
    };

    // Cotangents of the logarithms of what is left since the start, and to the end.
    let mut log_cot = [0.0; MAX_CHUNK];
    let mut log_end_cot = [0.0; MAX_CHUNK];
    let mut weights_cot = WeightsCot {
        at,
        head_dim,
        y_cot: Blocks { data: m.y_cot, rows: at.rows },
        x_turned: Blocks { data: m.x_turned, rows: head_dim },
        factors: m.factors,
        scores: Blocks { data: m.scores, rows: at.rows },
        scores_cot: m.scores_cot,
    };
    each(s, at.blocks(), &mut weights_cot);
    let mut through_c = ThroughState {
        at,
        shape,
        state: Blocks { data: state, rows: size.n_rows },
        turned: Blocks { data: m.y_cot_turned, rows: head_dim },
        factor: &decay.since_start,
        other: Blocks { data: m.c_turned, rows: size.n_rows },
        out: out.c,
        log_cot: &mut log_cot,
    };
    each(s, at.blocks(), &mut through_c);
    let mut through_b = ThroughState {
        at,
        shape,
        state: Blocks { data: cot, rows: size.n_rows },
        turned: Blocks { data: m.x_turned, rows: head_dim },
        factor: &to_end.1,
        other: Blocks { data: m.b_turned, rows: size.n_rows },
        out: out.b,
        log_cot: &mut log_end_cot,
    };
    each(s, at.blocks(), &mut through_b);

    m.dots[..at.len].fill([0.0; BLOCK]);
    let mut x_cot = XCot {
        at,
        shape,
        decay: &decay,
        to_end: &to_end.0,
        skip: inputs.d.map_or(0.0, |d| d[head]),
        b: Blocks { data: m.b, rows: at.rows },
        cot: Blocks { data: cot, rows: size.n_rows },
        weights: Blocks { data: m.weights_turned, rows: at.rows },
        y_cot: Blocks { data: m.y_cot, rows: at.rows },
        x: Blocks { data: m.x, rows: at.rows },
        dots: m.dots,
        skip_cot: [0.0; BLOCK],
        column: out.column * head_dim,
        out: out.x,
    };
    each(s, size.p_blocks, &mut x_cot);
    out.sums[1] += x_cot.skip_cot.iter().map(|v| f64::from(*v)).sum::<f64>();

    let whole_cot = f64::from(decay.whole(at)) * dot(s, state, cot);
    let mut update = Update {
        at,
        d_state,
        whole: decay.whole(at),
        left: Blocks { data: m.c_turned, rows: size.n_rows },
        right: Blocks { data: m.scaled, rows: at.rows },
        state: cot,
    };
    each(s, size.p_blocks, &mut update);

    let mut sigmoid = raw_steps(shape, inputs, head, at);
    for i in (0..at.blocks() * BLOCK).step_by(S::LANES) {
        let v = math::sigmoid(s, s.load(&sigmoid[i..]));
        s.store(&mut sigmoid[i..], v);
    }
    // What is carried over step t: from before the chunk, to its end, and from step i to a later one.
    let mut to_end_cot = [0.0; MAX_CHUNK];
    let mut sum = whole_cot;
    for t in 0..at.len {
        to_end_cot[t] = sum;
        sum += f64::from(log_end_cot[t]);
    }
    let mut from_start_cot = 0.0;
    let mut later = [0.0; MAX_CHUNK];
    for t in (0..at.len).rev() {
        from_start_cot += f64::from(log_cot[t]);
        let inside = carried_over(s, at, t, m.factors, &mut later);
        let log = to_end_cot[t] + from_start_cot + f64::from(inside);
        let mut dots = 0.0;
        for v in m.dots[t] {
            dots += f64::from(v);
        }
        let delta_cot = log * f64::from(inputs.a[head]) + dots;
        let dt_cot = delta_cot * f64::from(sigmoid[t]);
        out.dt.row(at.step(shape, t))[out.column] = dt_cot as f32;
        out.sums[0] += log * f64::from(decay.delta[t]);
        out.sums[2] += dt_cot;
    }
}

/// The sum of `of[k][i]` over `i < t <= k`, called for falling `t`; `later[i]` is the sum over `k`.
#[inline(always)]
fn carried_over<S: Simd>(s: S, at: At, t: usize, of: &[Row], later: &mut Steps) -> f32 {
    let mut sum = s.splat(0.0);
    for i in (0..t).step_by(S::LANES) {
        let with = s.add(s.load(&later[i..]), s.load(&of[i / BLOCK * at.rows + t][i % BLOCK..]));
        s.store(&mut later[i..], with);
        sum = s.add(sum, s.select(before(s, t, i), with, s.splat(0.0)));
    }
    s.sum(sum)
}

/// Fills `m.factors` and `m.weights_turned`. Gives what is left of each step at the end of the chunk,
/// and the same times `delta`.
#[inline(always)]
fn factors<S: Simd>(s: S, at: At, decay: &Decay, m: &mut Memory<'_>) -> (Steps, Steps) {
    let zero = s.splat(0.0);
    let mut left = decay.delta;
    for t in 0..at.len {
        for i in (0..at.len).step_by(S::LANES) {
            let factor = decay.advance(s, t, i, s.load(&left[i..]));
            s.store(&mut left[i..], factor);
            let factor = s.select(until(s, t, i), factor, zero);
            s.store(&mut m.factors[i / BLOCK * at.rows + t][i % BLOCK..], factor);
        }
    }
    let mut right = [1.0; MAX_CHUNK];
    for i in (0..at.len).rev() {
        for t in (0..at.len).step_by(S::LANES) {
            let factor = decay.retreat(s, i, t, s.load(&right[t..]));
            s.store(&mut right[t..], factor);
            let at_i = t / BLOCK * at.rows + i;
            let weight = s.mul(factor, s.load(&m.scores_turned[at_i][t % BLOCK..]));
            let weight = s.select(from_step(s, i, t), weight, zero);
            s.store(&mut m.weights_turned[at_i][t % BLOCK..], weight);
        }
    }
    let mut to_end = [0.0; MAX_CHUNK];
    let mut product = 1.0;
    for t in (0..at.len).rev() {
        to_end[t] = product;
        product *= decay.decay[t];
    }
    (to_end, left)
}

/// `Σ a b` over all of two states, whose padding is zero.
#[inline(always)]
fn dot<S: Simd>(s: S, a: &[Row], b: &[Row]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.chunks(64).zip(b.chunks(64)) {
        let mut lanes = [[s.splat(0.0); 4]; 2];
        for (r, (a, b)) in a.iter().zip(b).enumerate() {
            for v in 0..BLOCK / S::LANES {
                let sum = &mut lanes[r % 2][v];
                *sum = s.mul_add(s.load(&a[v * S::LANES..]), s.load(&b[v * S::LANES..]), *sum);
            }
        }
        for v in 0..BLOCK / S::LANES {
            sum += f64::from(s.sum(s.add(lanes[0][v], lanes[1][v])));
        }
    }
    sum
}

/// Cotangents of what steps take of each other: `y_cot[t] · x[i] * factors[t][i]` is added to the
/// scores' cotangents; that times the score, to the logarithms'.
struct WeightsCot<'a> {
    at: At,
    head_dim: usize,
    y_cot: Blocks<'a>,
    x_turned: Blocks<'a>,
    /// In: the factors; out: the cotangents of their logarithms.
    factors: &'a mut [Row],
    scores: Blocks<'a>,
    scores_cot: &'a mut [Row],
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
struct ThroughState<'a> {
    at: At,
    shape: Shape,
    state: Blocks<'a>,
    turned: Blocks<'a>,
    factor: &'a Steps,
    other: Blocks<'a>,
    out: &'a mut [Row],
    log_cot: &'a mut Steps,
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
struct XCot<'a, 'b> {
    at: At,
    shape: Shape,
    decay: &'a Decay,
    to_end: &'a Steps,
    skip: f32,
    b: Blocks<'a>,
    cot: Blocks<'a>,
    weights: Blocks<'a>,
    y_cot: Blocks<'a>,
    x: Blocks<'a>,
    dots: &'a mut [Row],
    skip_cot: Row,
    column: usize,
    out: &'a mut ColumnsMut<'b, f32>,
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
