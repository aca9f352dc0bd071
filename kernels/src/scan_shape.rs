//! What scans over channels with states of their own share: the selective and the diagonal one.

use crate::error::{KernelError, product};

/// Extents of a scan over channels that have `d_state` states each. All of them may be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Independent sequences.
    pub batch: usize,
    /// Time steps.
    pub seq_len: usize,
    /// Channels.
    pub d_inner: usize,
    /// States of a channel.
    pub d_state: usize,
}

impl Shape {
    /// Elements of a `[batch, seq_len, d_inner]` array.
    pub(crate) fn activations(self) -> Result<usize, KernelError> {
        product("x", &[self.batch, self.seq_len, self.d_inner])
    }

    /// Elements of a `[batch, d_inner, d_state]` array.
    pub(crate) fn states(self) -> Result<usize, KernelError> {
        product("h", &[self.batch, self.d_inner, self.d_state])
    }

    /// Elements of a `[d_inner, d_state]` array.
    pub(crate) fn coefficients(self) -> Result<usize, KernelError> {
        product("a", &[self.d_inner, self.d_state])
    }
}
