//! The forward pass: tiles of 32 steps of 64 channels.
//!
//! Up to four states of a block stay in registers for a tile, with their coefficients; the sum over
//! states passes through the tile's outputs in the first cache level, always in the order of the
//! states.

use core::ops::Range;

use super::packed::{BLOCK, BLOCKS, CHANNELS, Row, TILE, pack, pack_step, unpack, unpack_step};
use super::{Inputs, Shape};
use crate::columns::ColumnsMut;
use crate::exec::{Job, Shares};
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa};

/// Rows of 16 floats of one thread: `a`, `b`, `c` and the state; `x` and `y` of a tile.
fn thread_rows(shape: Shape) -> usize {
    4 * BLOCKS * shape.d_state + 2 * BLOCKS * TILE
}

/// Superblocks that are worth a thread.
pub(super) fn grain(shape: Shape) -> usize {
    (1 << 19) / (shape.batch * shape.seq_len * CHANNELS * (shape.d_state + 1)).max(1) + 1
}

fn parts(exec: Exec, shape: Shape) -> usize {
    exec.parts(shape.d_inner.div_ceil(CHANNELS), grain(shape))
}

/// Rows of 16 floats that [`run`] needs.
pub(super) fn scratch_rows(exec: Exec, shape: Shape) -> usize {
    parts(exec, shape) * thread_rows(shape)
}

/// Lengths checked, nothing empty but `d_state`. `checkpoints` is empty or holds the states at every
/// 32nd step: `[superblock][batch][tile]`.
pub(super) fn run(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: &mut [Row],
    scratch: &mut [Row],
) {
    let job = Superblocks {
        isa: exec.isa(),
        shape,
        inputs,
        blocks: 0..shape.d_inner.div_ceil(CHANNELS),
        h: ColumnsMut::new(h, shape.d_inner * shape.d_state),
        y: ColumnsMut::new(y, shape.d_inner),
        checkpoints,
        scratch: Shares::new(scratch, parts(exec, shape)),
    };
    exec.run(job, grain(shape));
}

/// Some superblocks of 64 channels, all of the batch.
struct Superblocks<'a> {
    isa: Isa,
    shape: Shape,
    inputs: &'a Inputs<'a>,
    blocks: Range<usize>,
    h: ColumnsMut<'a, f32>,
    y: ColumnsMut<'a, f32>,
    checkpoints: &'a mut [Row],
    scratch: Shares<'a, Row>,
}

impl Job for Superblocks<'_> {
    fn units(&self) -> usize {
        self.blocks.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { isa, shape, inputs, blocks, .. } = self;
        let middle = blocks.start + units;
        let channels = (units * CHANNELS).min(self.y.len());
        let (h, h_rest) = self.h.split_at(channels * shape.d_state);
        let (y, y_rest) = self.y.split_at(channels);
        let saved = self.checkpoints.len() / blocks.len() * units;
        let (checkpoints, checkpoints_rest) = self.checkpoints.split_at_mut(saved);
        let (scratch, scratch_rest) = self.scratch.split();
        let first = Self { isa, shape, inputs, blocks: blocks.start..middle, h, y, checkpoints, scratch };
        let second = Self {
            isa,
            shape,
            inputs,
            blocks: middle..blocks.end,
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

impl SimdKernel for Superblocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, inputs, blocks, mut h, mut y, checkpoints, mut scratch, .. } = self;
        let Shape { batch, seq_len, d_inner, d_state } = shape;
        let size = BLOCKS * d_state;
        let (coefficients, rest) = scratch.own().split_at_mut(3 * size);
        let (state, rest) = rest.split_at_mut(size);
        let (x, out) = rest[..2 * BLOCKS * TILE].split_at_mut(BLOCKS * TILE);
        let tiles = seq_len.div_ceil(TILE);
        for (i, block) in blocks.enumerate() {
            let channels = block * CHANNELS..d_inner.min((block + 1) * CHANNELS);
            let of_state = channels.start * d_state..channels.end * d_state;
            if d_state > 0 {
                let (a, rest) = coefficients.split_at_mut(size);
                let (b, c) = rest.split_at_mut(size);
                for (from, to) in [(inputs.a, a), (inputs.b, b), (inputs.c, c)] {
                    pack(&from[of_state.clone()], d_state, to);
                }
            }
            let skip = skip(inputs, channels.clone());
            let (first, mine) = (i * CHANNELS, i * CHANNELS * d_state..(i * CHANNELS + channels.len()) * d_state);
            for entry in 0..batch {
                if d_state > 0 {
                    pack(&h.row(entry)[mine.clone()], d_state, state);
                }
                for tile in 0..tiles {
                    if !checkpoints.is_empty() {
                        checkpoints[((i * batch + entry) * tiles + tile) * size..][..size].copy_from_slice(state);
                    }
                    let steps = entry * seq_len + tile * TILE..entry * seq_len + seq_len.min((tile + 1) * TILE);
                    for (t, step) in steps.clone().enumerate() {
                        pack_step(&inputs.x[step * d_inner..][channels.clone()], t, x);
                    }
                    for k in 0..channels.len().div_ceil(BLOCK) {
                        let x = &x[k * TILE..][..steps.len()];
                        let out = &mut out[k * TILE..][..steps.len()];
                        for lane in (0..BLOCK).step_by(S::LANES) {
                            let skip = s.load(&skip[k * BLOCK + lane..]);
                            for (x, out) in x.iter().zip(out.iter_mut()) {
                                // Without `d` a zero, also where `x` is infinite.
                                let y = if inputs.d.is_some() { s.mul(skip, s.load(&x[lane..])) } else { s.splat(0.0) };
                                s.store(&mut out[lane..], y);
                            }
                            let mut n = 0;
                            while n < d_state {
                                let at = k * d_state + n;
                                n += match d_state - n {
                                    4.. => states::<S, 4>(s, coefficients, size, at, state, lane, x, out),
                                    2.. => states::<S, 2>(s, coefficients, size, at, state, lane, x, out),
                                    _ => states::<S, 1>(s, coefficients, size, at, state, lane, x, out),
                                };
                            }
                        }
                    }
                    for (t, step) in steps.enumerate() {
                        unpack_step(out, t, &mut y.row(step)[first..][..channels.len()]);
                    }
                }
                if d_state > 0 {
                    unpack(state, d_state, &mut h.row(entry)[mine.clone()]);
                }
            }
        }
    }
}

/// `d` of a superblock, zeros where there is none.
pub(super) fn skip(inputs: &Inputs<'_>, channels: Range<usize>) -> [f32; CHANNELS] {
    let mut skip = [0.0; CHANNELS];
    if let Some(d) = inputs.d {
        skip[..channels.len()].copy_from_slice(&d[channels]);
    }
    skip
}

/// Vectors of `G` rows from `at`.
#[inline(always)]
pub(super) fn load<S: Simd, const G: usize>(s: S, rows: &[Row], at: usize, lane: usize) -> [S::F; G] {
    let mut out = [s.splat(0.0); G];
    for g in 0..G {
        out[g] = s.load(&rows[at + g][lane..]);
    }
    out
}

/// `G` states of some channels over the steps of a tile; adds to the outputs. Gives `G`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a tile and the places in it")]
fn states<S: Simd, const G: usize>(
    s: S,
    coefficients: &[Row],
    size: usize,
    at: usize,
    state: &mut [Row],
    lane: usize,
    x: &[Row],
    out: &mut [Row],
) -> usize {
    let a: [S::F; G] = load(s, coefficients, at, lane);
    let b: [S::F; G] = load(s, coefficients, size + at, lane);
    let c: [S::F; G] = load(s, coefficients, 2 * size + at, lane);
    let mut h: [S::F; G] = load(s, state, at, lane);
    for (x, out) in x.iter().zip(out) {
        let x = s.load(&x[lane..]);
        let mut y = s.load(&out[lane..]);
        for g in 0..G {
            h[g] = s.mul_add(a[g], h[g], s.mul(b[g], x));
            y = s.mul_add(c[g], h[g], y);
        }
        s.store(&mut out[lane..], y);
    }
    for g in 0..G {
        s.store(&mut state[at + g][lane..], h[g]);
    }
    G
}
