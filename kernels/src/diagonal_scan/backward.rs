//! The backward pass: tiles of 32 steps from last to first, each from its checkpoint.
//!
//! For some states of a block at a time: forwards, the states are recomputed into the first cache
//! level; backwards, the cotangent of the state is carried in registers. Sums over steps are f32 within
//! a tile and f64 between tiles.

use core::ops::Range;

use super::forward::{grain, load, skip};
use super::packed::{BLOCK, BLOCKS, CHANNELS, Row, TILE, pack, pack_step, unpack, unpack_step};
use super::{Cotangents, Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::{Job, Shares};
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa};

/// States worked on together at most.
const TOGETHER: usize = 4;

/// Rows of 16 floats of one thread: `a`, `b`, `c` and the cotangent of the state; `x`, `y_cot` and
/// `x_cot` of a tile; the states of a tile.
fn thread_rows(shape: Shape) -> usize {
    4 * BLOCKS * shape.d_state + 3 * BLOCKS * TILE + TOGETHER * TILE
}

/// Doubles of one thread: sums of `a`, `b`, `c` and `d`.
fn thread_sums(shape: Shape) -> usize {
    CHANNELS * (3 * shape.d_state + 1)
}

fn parts(exec: Exec, shape: Shape) -> usize {
    exec.parts(shape.d_inner.div_ceil(CHANNELS), grain(shape))
}

/// Rows of 16 floats, and doubles, that [`run`] needs.
pub(super) fn scratch(exec: Exec, shape: Shape) -> (usize, usize) {
    let parts = parts(exec, shape);
    (parts * thread_rows(shape), parts * thread_sums(shape))
}

/// Lengths checked, nothing empty.
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function and its memory")]
pub(super) fn run(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    checkpoints: &[Row],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cot: Cotangents<'_>,
    scratch: &mut [Row],
    sums: &mut [f64],
) {
    let job = Superblocks {
        isa: exec.isa(),
        shape,
        inputs,
        checkpoints,
        y_cot,
        blocks: 0..shape.d_inner.div_ceil(CHANNELS),
        state_cot: ColumnsMut::new(state_cot, shape.d_inner * shape.d_state),
        x_cot: ColumnsMut::new(cot.x, shape.d_inner),
        a_cot: cot.a,
        b_cot: cot.b,
        c_cot: cot.c,
        d_cot: cot.d,
        scratch: Shares::new(scratch, parts(exec, shape)),
        sums: Shares::new(sums, parts(exec, shape)),
    };
    exec.run(job, grain(shape));
}

/// Some superblocks of 64 channels, all of the batch.
struct Superblocks<'a> {
    isa: Isa,
    shape: Shape,
    inputs: &'a Inputs<'a>,
    checkpoints: &'a [Row],
    y_cot: &'a [f32],
    blocks: Range<usize>,
    state_cot: ColumnsMut<'a, f32>,
    x_cot: ColumnsMut<'a, f32>,
    a_cot: &'a mut [f32],
    b_cot: &'a mut [f32],
    c_cot: &'a mut [f32],
    d_cot: Option<&'a mut [f32]>,
    scratch: Shares<'a, Row>,
    sums: Shares<'a, f64>,
}

impl Job for Superblocks<'_> {
    fn units(&self) -> usize {
        self.blocks.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { isa, shape, inputs, checkpoints, y_cot, blocks, .. } = self;
        let middle = blocks.start + units;
        let channels = (units * CHANNELS).min(self.x_cot.len());
        let (state_cot, state_rest) = self.state_cot.split_at(channels * shape.d_state);
        let (x_cot, x_rest) = self.x_cot.split_at(channels);
        let (a_cot, a_rest) = self.a_cot.split_at_mut(channels * shape.d_state);
        let (b_cot, b_rest) = self.b_cot.split_at_mut(channels * shape.d_state);
        let (c_cot, c_rest) = self.c_cot.split_at_mut(channels * shape.d_state);
        let (d_cot, d_rest) = self.d_cot.map(|d| d.split_at_mut(channels)).unzip();
        let (scratch, scratch_rest) = self.scratch.split();
        let (sums, sums_rest) = self.sums.split();
        let first = Self {
            isa,
            shape,
            inputs,
            checkpoints,
            y_cot,
            blocks: blocks.start..middle,
            state_cot,
            x_cot,
            a_cot,
            b_cot,
            c_cot,
            d_cot,
            scratch,
            sums,
        };
        let second = Self {
            isa,
            shape,
            inputs,
            checkpoints,
            y_cot,
            blocks: middle..blocks.end,
            state_cot: state_rest,
            x_cot: x_rest,
            a_cot: a_rest,
            b_cot: b_rest,
            c_cot: c_rest,
            d_cot: d_rest,
            scratch: scratch_rest,
            sums: sums_rest,
        };
        (first, second)
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Superblocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Shape { batch, seq_len, d_inner, d_state } = self.shape;
        let size = BLOCKS * d_state;
        let (coefficients, rest) = self.scratch.own().split_at_mut(3 * size);
        let (carry, rest) = rest.split_at_mut(size);
        let (x, rest) = rest.split_at_mut(BLOCKS * TILE);
        let (y_cot, rest) = rest.split_at_mut(BLOCKS * TILE);
        let (x_cot, rest) = rest.split_at_mut(BLOCKS * TILE);
        let states = &mut rest[..TOGETHER * TILE];
        let (sums, d_sums) = self.sums.own().split_at_mut(3 * CHANNELS * d_state);
        let tiles = seq_len.div_ceil(TILE);
        for block in self.blocks.clone() {
            let channels = block * CHANNELS..d_inner.min((block + 1) * CHANNELS);
            let of_state = channels.start * d_state..channels.end * d_state;
            let (a, rest) = coefficients.split_at_mut(size);
            let (b, c) = rest.split_at_mut(size);
            for (from, to) in [(self.inputs.a, a), (self.inputs.b, b), (self.inputs.c, c)] {
                pack(&from[of_state.clone()], d_state, to);
            }
            let skip = skip(self.inputs, channels.clone());
            sums.fill(0.0);
            d_sums.fill(0.0);
            let first = (block - self.blocks.start) * CHANNELS;
            let mine = first * d_state..(first + channels.len()) * d_state;
            for entry in 0..batch {
                pack(&self.state_cot.row(entry)[mine.clone()], d_state, carry);
                for tile in (0..tiles).rev() {
                    let saved = &self.checkpoints[((block * batch + entry) * tiles + tile) * size..][..size];
                    let steps = entry * seq_len + tile * TILE..entry * seq_len + seq_len.min((tile + 1) * TILE);
                    for (t, step) in steps.clone().enumerate() {
                        pack_step(&self.inputs.x[step * d_inner..][channels.clone()], t, x);
                        pack_step(&self.y_cot[step * d_inner..][channels.clone()], t, y_cot);
                    }
                    for k in 0..channels.len().div_ceil(BLOCK) {
                        let rows = k * TILE..k * TILE + steps.len();
                        for lane in (0..BLOCK).step_by(S::LANES) {
                            let mut part = Part {
                                lane,
                                coefficients,
                                size,
                                saved,
                                carry,
                                x: &x[rows.clone()],
                                y_cot: &y_cot[rows.clone()],
                                x_cot: &mut x_cot[rows.clone()],
                                states,
                                sums,
                            };
                            part.skip(s, &skip[k * BLOCK..], &mut d_sums[k * BLOCK..]);
                            let mut n = 0;
                            while n < d_state {
                                let at = k * d_state + n;
                                // Six registers a state.
                                n += match d_state - n {
                                    4.. if S::REGISTERS >= 32 => part.run::<S, 4>(s, at),
                                    2.. => part.run::<S, 2>(s, at),
                                    _ => part.run::<S, 1>(s, at),
                                };
                            }
                        }
                    }
                    for (t, step) in steps.enumerate() {
                        unpack_step(x_cot, t, &mut self.x_cot.row(step)[first..][..channels.len()]);
                    }
                }
                unpack(carry, d_state, &mut self.state_cot.row(entry)[mine.clone()]);
            }
            for (i, to) in [&mut self.a_cot, &mut self.b_cot, &mut self.c_cot].into_iter().enumerate() {
                add_sums(&sums[i * size * BLOCK..], d_state, &mut to[mine.clone()]);
            }
            if let Some(d_cot) = &mut self.d_cot {
                for (to, sum) in d_cot[first..].iter_mut().zip(&*d_sums).take(channels.len()) {
                    *to += *sum as f32;
                }
            }
        }
    }
}

/// Adds sums in blocks to `[channels, d_state]`.
fn add_sums(from: &[f64], d_state: usize, to: &mut [f32]) {
    for (channel, to) in to.chunks_exact_mut(d_state).enumerate() {
        for (n, to) in to.iter_mut().enumerate() {
            *to += from[(channel / BLOCK * d_state + n) * BLOCK + channel % BLOCK] as f32;
        }
    }
}

/// One vector of channels of a block over a tile.
struct Part<'a> {
    lane: usize,
    coefficients: &'a [Row],
    size: usize,
    /// States before the tile.
    saved: &'a [Row],
    /// Cotangents of the states after the tile, then of those before it.
    carry: &'a mut [Row],
    x: &'a [Row],
    y_cot: &'a [Row],
    x_cot: &'a mut [Row],
    /// `[t][state]`, before each step.
    states: &'a mut [Row],
    sums: &'a mut [f64],
}

impl Part<'_> {
    /// What goes through `d`.
    #[inline(always)]
    fn skip<S: Simd>(&mut self, s: S, d: &[f32], d_sums: &mut [f64]) {
        let lane = self.lane;
        let d = s.load(&d[lane..]);
        let mut sum = s.splat(0.0);
        for ((x, y_cot), x_cot) in self.x.iter().zip(self.y_cot).zip(self.x_cot.iter_mut()) {
            let y_cot = s.load(&y_cot[lane..]);
            sum = s.mul_add(y_cot, s.load(&x[lane..]), sum);
            s.store(&mut x_cot[lane..], s.mul(d, y_cot));
        }
        add(s, sum, &mut d_sums[lane..]);
    }

    /// What goes through `G` states from `at`. Gives `G`.
    #[inline(always)]
    fn run<S: Simd, const G: usize>(&mut self, s: S, at: usize) -> usize {
        let (lane, size) = (self.lane, self.size);
        let a: [S::F; G] = load(s, self.coefficients, at, lane);
        let b: [S::F; G] = load(s, self.coefficients, size + at, lane);
        let mut h: [S::F; G] = load(s, self.saved, at, lane);
        let zero = [s.splat(0.0); G];
        let mut c_sum = zero;
        let (states, _) = self.states.as_chunks_mut::<G>();
        for ((x, y_cot), states) in self.x.iter().zip(self.y_cot).zip(states.iter_mut()) {
            let (x, y_cot) = (s.load(&x[lane..]), s.load(&y_cot[lane..]));
            for g in 0..G {
                s.store(&mut states[g][lane..], h[g]);
                h[g] = s.mul_add(a[g], h[g], s.mul(b[g], x));
                c_sum[g] = s.mul_add(y_cot, h[g], c_sum[g]);
            }
        }
        let c: [S::F; G] = load(s, self.coefficients, 2 * size + at, lane);
        let mut carry: [S::F; G] = load(s, self.carry, at, lane);
        let (mut a_sum, mut b_sum) = (zero, zero);
        let steps = self.x.iter().zip(self.y_cot).zip(self.x_cot.iter_mut()).zip(states);
        for (((x, y_cot), x_cot), states) in steps.rev() {
            let (x, y_cot) = (s.load(&x[lane..]), s.load(&y_cot[lane..]));
            let mut x_sum = s.load(&x_cot[lane..]);
            for g in 0..G {
                let cot = s.mul_add(c[g], y_cot, carry[g]);
                x_sum = s.mul_add(b[g], cot, x_sum);
                b_sum[g] = s.mul_add(cot, x, b_sum[g]);
                a_sum[g] = s.mul_add(cot, s.load(&states[g][lane..]), a_sum[g]);
                carry[g] = s.mul(a[g], cot);
            }
            s.store(&mut x_cot[lane..], x_sum);
        }
        for g in 0..G {
            s.store(&mut self.carry[at + g][lane..], carry[g]);
            for (i, sum) in [a_sum[g], b_sum[g], c_sum[g]].into_iter().enumerate() {
                add(s, sum, &mut self.sums[(i * size + at + g) * BLOCK + lane..]);
            }
        }
        G
    }
}

/// Adds the lanes of a tile's sum to sums in f64.
#[inline(always)]
fn add<S: Simd>(s: S, sum: S::F, to: &mut [f64]) {
    let mut lanes = [0.0; BLOCK];
    s.store(&mut lanes, sum);
    for (to, v) in to.iter_mut().zip(&lanes[..S::LANES]) {
        *to += f64::from(*v);
    }
}
