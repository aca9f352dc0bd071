//! Arrays of channels by states in blocks of 16 channels, `[d / 16][n][d % 16]`, so that a lane is a
//! channel and outputs need no sums across lanes.

use super::Shape;

/// Channels of a block.
pub(super) const BLOCK: usize = 16;

/// Blocks that are worked on side by side: rows of 256 contiguous bytes are read and written.
pub(super) const BLOCKS: usize = 4;

/// Channels of those blocks.
pub(super) const CHANNELS: usize = BLOCK * BLOCKS;

/// Steps of a tile, and between two checkpoints.
pub(super) const TILE: usize = 32;

/// One state of the channels of a block.
pub(super) type Row = [f32; BLOCK];

/// `[channels, d_state]` into `[blocks][d_state]` rows; channels past the end are zero.
pub(super) fn pack(from: &[f32], d_state: usize, to: &mut [Row]) {
    for (block, to) in to.chunks_exact_mut(d_state).enumerate() {
        to.fill([0.0; BLOCK]);
        for (lane, from) in from.chunks_exact(d_state).skip(block * BLOCK).take(BLOCK).enumerate() {
            for (row, v) in to.iter_mut().zip(from) {
                row[lane] = *v;
            }
        }
    }
}

/// The inverse of [`pack`].
pub(super) fn unpack(from: &[Row], d_state: usize, to: &mut [f32]) {
    for (channel, to) in to.chunks_exact_mut(d_state).enumerate() {
        for (v, row) in to.iter_mut().zip(&from[channel / BLOCK * d_state..]) {
            *v = row[channel % BLOCK];
        }
    }
}

/// Step `t` of some channels into row `t` of each block of `TILE` rows; channels past the end are zero.
#[inline(always)]
pub(super) fn pack_step(from: &[f32], t: usize, to: &mut [Row]) {
    for (block, to) in to.chunks_exact_mut(TILE).enumerate() {
        let from = from.get(block * BLOCK..).unwrap_or_default();
        if let Some(whole) = from.first_chunk() {
            to[t] = *whole;
        } else {
            to[t] = [0.0; BLOCK];
            to[t][..from.len()].copy_from_slice(from);
        }
    }
}

/// The inverse of [`pack_step`].
#[inline(always)]
pub(super) fn unpack_step(from: &[Row], t: usize, to: &mut [f32]) {
    for (to, from) in to.chunks_mut(BLOCK).zip(from.chunks_exact(TILE)) {
        if let Some(whole) = to.first_chunk_mut() {
            *whole = from[t];
        } else {
            to.copy_from_slice(&from[t][..to.len()]);
        }
    }
}

/// The initial state, from the checkpoints: `[superblock][batch][tile]`.
pub(super) fn initial(shape: Shape, checkpoints: &[Row]) -> Vec<f32> {
    let Shape { batch, seq_len, d_inner, d_state } = shape;
    let mut h = vec![0.0; batch * d_inner * d_state];
    if h.is_empty() {
        return h;
    }
    for (entry, h) in h.chunks_exact_mut(d_inner * d_state).enumerate() {
        for (block, h) in h.chunks_mut(CHANNELS * d_state).enumerate() {
            let slot = (block * batch + entry) * seq_len.div_ceil(TILE);
            unpack(&checkpoints[slot * BLOCKS * d_state..], d_state, h);
        }
    }
    h
}
