//! Tiles of [`K`] time steps by blocks of [`LANES`] channels, and vectors for a block's line.

use core::ops::Range;

use crate::simd::Simd;

/// Time steps of a tile; a checkpoint is kept for each.
pub(super) const K: usize = 32;

/// Channels of a block, whatever the instruction set: its vectors are 1, 2 or 4 to a line.
pub(super) const LANES: usize = 16;

/// Blocks that share the pass over the rows of `x`, `dt` and `z`: four cache lines of each.
pub(super) const GROUP: usize = 4;

/// One number for each channel of a block.
pub(super) type Line = [f32; LANES];

/// One line for each time step of a tile. Aligned, so that no load crosses a cache line: that costs
/// as much as everything else in the loop together.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Rows(pub(super) [Line; K]);

impl Rows {
    pub(super) const ZERO: Self = Self([[0.0; LANES]; K]);
}

/// A line in registers.
#[inline(always)]
pub(super) fn get<S: Simd, const V: usize>(s: S, line: &Line) -> [S::F; V] {
    let mut out = [s.splat(0.0); V];
    let mut v = 0;
    while v < V {
        out[v] = s.load(&line[v * S::LANES..]);
        v += 1;
    }
    out
}

/// A line in memory.
#[inline(always)]
pub(super) fn put<S: Simd, const V: usize>(s: S, line: &mut Line, x: [S::F; V]) {
    let mut v = 0;
    while v < V {
        s.store(&mut line[v * S::LANES..], x[v]);
        v += 1;
    }
}

/// The first [`LANES`] floats of `x`, zeros where there are fewer.
#[inline(always)]
pub(super) fn get_part<S: Simd, const V: usize>(s: S, x: &[f32]) -> [S::F; V] {
    if let Some(line) = x.first_chunk() {
        return get(s, line);
    }
    let mut out = [s.splat(0.0); V];
    let mut v = 0;
    while v < V {
        out[v] = s.load_part(&x[x.len().min(v * S::LANES)..]);
        v += 1;
    }
    out
}

/// To the first [`LANES`] floats of `x`, or fewer if there are not as many.
#[inline(always)]
pub(super) fn put_part<S: Simd, const V: usize>(s: S, x: &mut [f32], y: [S::F; V]) {
    if let Some(line) = x.first_chunk_mut() {
        return put(s, line, y);
    }
    let len = x.len();
    let mut v = 0;
    while v < V {
        s.store_part(&mut x[len.min(v * S::LANES)..], y[v]);
        v += 1;
    }
}

/// Some channels of a parameter; nothing for `None`, which [`get_part`] takes for zeros.
#[inline(always)]
pub(super) fn part(x: Option<&[f32]>, channels: Range<usize>) -> &[f32] {
    match x {
        Some(x) => &x[channels],
        None => &[],
    }
}

/// Cache lines that a loop over the steps of a tile asks for while it computes, one row a step.
///
/// The rows are too far apart for the hardware to ask for them; asking for all at once stalls.
#[derive(Clone, Copy)]
pub(super) struct Ahead<'a> {
    /// Where to count from; may lie anywhere, as nothing is accessed.
    pub(super) x: &'a [f32],
    /// First float of the first row.
    pub(super) at: usize,
    /// Floats from a row to the next.
    pub(super) stride: usize,
}

impl Ahead<'_> {
    /// `blocks` lines of row `t`.
    #[inline(always)]
    pub(super) fn step<S: Simd>(&self, s: S, t: usize, blocks: usize) {
        let at = self.at.wrapping_add(t.wrapping_mul(self.stride));
        for block in 0..blocks {
            s.prefetch(self.x, at.wrapping_add(block * LANES));
        }
    }
}

/// Copies `b` or `c`, `[batch, seq_len, d_state]`, to `[batch, tiles, d_state][K]`.
///
/// The loops go over time innermost; with 128 states, 32 rows of `b` would share eight sets of the first
/// cache level. Steps past `seq_len` are left as they are.
pub(super) fn transpose(x: &[f32], seq_len: usize, d_state: usize, out: &mut [[f32; K]]) {
    if x.is_empty() {
        return;
    }
    let tiles = seq_len.div_ceil(K);
    for (x, out) in x.chunks_exact(seq_len * d_state).zip(out.chunks_exact_mut(tiles * d_state)) {
        for (x, out) in x.chunks(K * d_state).zip(out.chunks_exact_mut(d_state)) {
            for (t, x) in x.chunks_exact(d_state).enumerate() {
                for (out, x) in out.iter_mut().zip(x) {
                    out[t] = *x;
                }
            }
        }
    }
}

/// The time steps of tile `i`.
pub(super) fn steps(i: usize, seq_len: usize) -> Range<usize> {
    i * K..seq_len.min((i + 1) * K)
}
