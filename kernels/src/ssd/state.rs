//! States in blocks: `[p / 16][n][p % 16]`, so that lanes are channels of a head.

use super::panels::{BLOCK, Row, tile_rows};
use super::{CHECKPOINT, Shape};

/// The size of one head's state in blocks.
#[derive(Clone, Copy)]
pub(super) struct StateSize {
    pub(super) head_dim: usize,
    pub(super) d_state: usize,
    pub(super) p_blocks: usize,
    /// Rows of a block: `d_state` in whole tiles.
    pub(super) n_rows: usize,
}

impl StateSize {
    pub(super) fn new(shape: Shape) -> Self {
        let Shape { head_dim, d_state, .. } = shape;
        Self { head_dim, d_state, p_blocks: head_dim.div_ceil(BLOCK), n_rows: tile_rows(d_state) }
    }

    /// Rows of 16 floats that a state takes.
    pub(super) fn rows(self) -> usize {
        self.p_blocks * self.n_rows
    }

    /// `[head_dim, d_state]` into blocks; what pads them becomes zero.
    pub(super) fn load(self, from: &[f32], to: &mut [Row]) {
        for (i, block) in to.chunks_exact_mut(self.n_rows).enumerate() {
            let channels = BLOCK.min(self.head_dim - i * BLOCK);
            let from = &from[i * BLOCK * self.d_state..][..channels * self.d_state];
            for (n, row) in block.iter_mut().enumerate() {
                *row = [0.0; BLOCK];
                if n < self.d_state {
                    for (p, v) in row[..channels].iter_mut().enumerate() {
                        *v = from[p * self.d_state + n];
                    }
                }
            }
        }
    }

    /// Blocks into `[head_dim, d_state]`.
    pub(super) fn store(self, from: &[Row], to: &mut [f32]) {
        for (i, block) in from.chunks_exact(self.n_rows).enumerate() {
            let channels = BLOCK.min(self.head_dim - i * BLOCK);
            let to = &mut to[i * BLOCK * self.d_state..][..channels * self.d_state];
            for (p, to) in to.chunks_exact_mut(self.d_state).enumerate() {
                for (v, row) in to.iter_mut().zip(block) {
                    *v = row[p];
                }
            }
        }
    }
}

/// The initial state, from the checkpoints.
pub(super) fn initial(shape: Shape, checkpoints: &[Row]) -> Vec<f32> {
    let size = StateSize::new(shape);
    let mut h = vec![0.0; shape.batch * shape.n_heads * shape.head_dim * shape.d_state];
    if h.is_empty() {
        return h;
    }
    let intervals = shape.seq_len.div_ceil(CHECKPOINT);
    for (i, h) in h.chunks_exact_mut(shape.head_dim * shape.d_state).enumerate() {
        let (batch, head) = (i / shape.n_heads, i % shape.n_heads);
        size.store(&checkpoints[(head * shape.batch + batch) * intervals * size.rows()..][..size.rows()], h);
    }
    h
}
