//! Causal depthwise convolution along time, forward and backward, with its state.
//!
//! `y[t] = b + Σ_j w[:, j] ⊙ x[t - (k-1) + j]`, where `x` before the first step is the state.
//!
//! | name    | shape              | meaning                                             |
//! |---------|--------------------|-----------------------------------------------------|
//! | `w`     | `[d, k]`           | taps, at least one; the last is of the current step |
//! | `b`     | `[d]`              | bias                                                |
//! | `x`     | `[batch, time, d]` | input                                               |
//! | `state` | `[batch, k-1, d]`  | the last inputs, oldest first; zeros at the start   |
//! | `y`     | `[batch, time, d]` | output                                              |
//!
//! # Order and bits
//!
//! An output starts with `b`, and the terms are added from the oldest input to the newest, by fused multiply-adds where
//! the instruction set has them. So the bits do not depend on how time is cut into calls; a step is a call with
//! `time = 1`. Those of the cotangents of `x` and of the state do not either, if the calls go backwards in time and hand
//! `state_cot` on. Cotangents of `w` and `b` are sums over the time of one call.
//!
//! With `u = 2^-24`: `|y error| <= (k + 1) u (|b| + Σ|w x|)`, and likewise `x_cot`. `w_cot` and `b_cot` are summed in
//! f32 over [`BLOCK`] steps and then in f64: `(BLOCK + 2) u Σ|x y_cot|`.
//!
//! A NaN or an infinity reaches the `k` outputs that its input is a term of, in its own channel.
//!
//! Source: Gu & Dao, "Mamba" (2023), section 3.4, the convolution of the block.

mod backward;
mod forward;
pub mod reference;

pub use backward::{backward, backward_with};
pub use forward::{forward, forward_with, step, step_with};

use crate::KernelError;
use crate::columns::Columns;
use crate::error::{check_len, product};
use crate::simd::Simd;

/// Time steps whose terms of `w_cot` are summed in f32; the blocks are summed in f64.
pub const BLOCK: usize = 64;

/// Time steps that share the loads of taps and inputs.
const GROUP: usize = 4;

/// Most taps of the loops that are unrolled.
const UNROLLED: usize = 4;

/// Channels that are taken together, and between which threads may cut. The loops read and write whole cache lines:
/// the next vector of a row may find the line evicted by the other rows.
const CHANNELS: usize = 16;

/// Elements that a thread should have at least.
const GRAIN: usize = 1 << 16;

/// Extents; `d` and `k` are not 0.
#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    time: usize,
    d: usize,
    k: usize,
}

impl Shape {
    /// Checks `w` and what every function shares; gives the lengths of sequences and of states.
    fn check(self, w: &[f32], state: (&'static str, &[f32])) -> Result<(usize, usize), KernelError> {
        let Self { batch, time, d, k } = self;
        let before = k.checked_sub(1).ok_or(KernelError::Length { argument: "w", expected: d, found: 0 })?;
        check_len("w", w, product("w", &[d, k])?)?;
        let states = product("state", &[batch, before, d])?;
        check_len(state.0, state.1, states)?;
        Ok((product("x", &[batch, time, d])?, states))
    }

    /// Fewest [`CHANNELS`] of a thread.
    fn grain(self) -> usize {
        GRAIN.div_ceil(self.batch * self.time * CHANNELS)
    }
}

/// The state before the first step, then the input.
#[derive(Clone, Copy)]
struct Padded<'a> {
    before: Columns<'a, f32>,
    x: Columns<'a, f32>,
    shape: Shape,
}

impl<'a> Padded<'a> {
    /// Row `q` of batch entry `e`: of the state below `k - 1`, then of time `q - (k - 1)`.
    #[inline(always)]
    fn row(self, e: usize, q: usize) -> &'a [f32] {
        let before = self.shape.k - 1;
        if q < before { self.before.row(e * before + q) } else { self.x.row(e * self.shape.time + q - before) }
    }

    fn split_at(self, at: usize, len: usize) -> (Self, Self) {
        let part = |range: core::ops::Range<usize>| Self {
            before: self.before.range(range.clone()),
            x: self.x.range(range),
            ..self
        };
        (part(0..at), part(at..len))
    }
}

/// One number for each channel of a block of [`CHANNELS`], a cache line.
type Line = [f32; CHANNELS];

/// The taps of each block of channels, then its bias: `k + 1` lines. Rows of `x` and `y` that are a power of two
/// apart share the sets of the first cache level, and taps in rows of `d` would be among them.
fn pack(w: &[f32], b: Option<&[f32]>, k: usize, taps: &mut [Line]) {
    let channels = w.chunks(CHANNELS * k).zip(taps.chunks_exact_mut(k + 1));
    for (block, (w, lines)) in channels.enumerate() {
        lines.as_flattened_mut().fill(0.0);
        for (i, channel) in w.chunks_exact(k).enumerate() {
            for (line, &tap) in lines.iter_mut().zip(channel) {
                line[i] = tap;
            }
            lines[k][i] = b.map_or(0.0, |b| b[block * CHANNELS + i]);
        }
    }
}

/// The vectors of the block of `x` that starts at `at`, or what is left of `x` there.
#[inline(always)]
fn load<S: Simd, const V: usize, const PART: bool>(s: S, x: &[f32], at: usize) -> [S::F; V] {
    let mut out = [s.splat(0.0); V];
    for (v, out) in out.iter_mut().enumerate() {
        let at = at + v * S::LANES;
        *out = if PART { s.load_part(&x[at.min(x.len())..]) } else { s.load(&x[at..][..S::LANES]) };
    }
    out
}

/// Writes what [`load`] would read.
#[inline(always)]
fn store<S: Simd, const V: usize, const PART: bool>(s: S, x: &mut [f32], at: usize, value: [S::F; V]) {
    for (v, value) in value.into_iter().enumerate() {
        let at = at + v * S::LANES;
        if PART {
            let at = at.min(x.len());
            s.store_part(&mut x[at..], value);
        } else {
            s.store(&mut x[at..][..S::LANES], value);
        }
    }
}
