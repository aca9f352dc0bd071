//! ssd
mod chunk;
mod forward;
mod panels;
pub mod reference;
mod state;

use crate::error::{KernelError, check_len, product};
use crate::{Exec, Isa, Scratch};

/// Steps between two checkpoints, a multiple of the chunks of both passes.
const CHECKPOINT: usize = 96;

/// Extents of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Independent sequences.
    pub batch: usize,
    /// Steps of each.
    pub seq_len: usize,
    /// Heads, each with its own decay.
    pub n_heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// Groups of heads that share `b` and `c`; divides `n_heads`.
    pub n_groups: usize,
    /// State of a channel.
    pub d_state: usize,
}

impl Shape {
    fn heads_per_group(self) -> usize {
        self.n_heads / self.n_groups
    }
}

/// What [`forward`] reads.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a, T = f32> {
    /// `[batch, seq_len, n_heads, head_dim]`
    pub x: &'a [T],
    /// `[batch, seq_len, n_heads]`
    pub dt: &'a [T],
    /// `[n_heads]`
    pub a: &'a [T],
    /// `[batch, seq_len, n_groups, d_state]`
    pub b: &'a [T],
    /// `[batch, seq_len, n_groups, d_state]`
    pub c: &'a [T],
    /// `[n_heads]`
    pub d: Option<&'a [T]>,
    /// `[n_heads]`
    pub dt_bias: Option<&'a [T]>,
}

/// Where [`backward`] puts the cotangents of [`Inputs`].
#[derive(Debug)]
pub struct Cotangents<'a, T = f32> {
    /// Written.
    pub x: &'a mut [T],
    /// Written.
    pub dt: &'a mut [T],
    /// Added to.
    pub a: &'a mut [T],
    /// Written.
    pub b: &'a mut [T],
    /// Written.
    pub c: &'a mut [T],
    /// Added to.
    pub d: Option<&'a mut [T]>,
    /// Added to.
    pub dt_bias: Option<&'a mut [T]>,
}

/// Forward.
pub fn forward(shape: Shape, inputs: Inputs<'_>, h: &mut [f32], y: &mut [f32], scratch: &mut Scratch) -> Result<(), KernelError> {
    forward_with(Exec::best(), shape, inputs, h, y, scratch)
}

/// With.
pub fn forward_with(exec: impl Into<Exec>, shape: Shape, inputs: Inputs<'_>, h: &mut [f32], y: &mut [f32], scratch: &mut Scratch) -> Result<(), KernelError> {
    let exec = exec.into();
    let parts = exec.parts(shape.n_heads, forward::grain(shape));
    let rows = scratch.aligned(16 * forward::scratch_rows(shape, parts)).as_chunks_mut().0;
    forward::run(exec, shape, &inputs, h, y, &mut [], rows);
    Ok(())
}
