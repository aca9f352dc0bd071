//! What the functions take, and the checks of its lengths.

use crate::error::{KernelError, check_len, check_optional, product};

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
    /// Groups of heads that share `b` and `c`; `n_heads` is a multiple.
    pub n_groups: usize,
    /// State of a channel.
    pub d_state: usize,
}

impl Shape {
    /// Elements of `[batch, n_heads, head_dim, d_state]`.
    pub(super) fn states(self) -> Result<usize, KernelError> {
        product("h", &[self.batch, self.n_heads, self.head_dim, self.d_state])
    }

    pub(super) fn heads_per_group(self) -> usize {
        self.n_heads / self.n_groups
    }

    /// Whether there is no state or no channel: the formula then is a loop that the reference does.
    pub(super) fn is_degenerate(self) -> bool {
        self.d_state == 0 || self.head_dim == 0
    }
}

/// What [`forward`](super::forward) reads; shapes in the [module's table](super).
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

/// Where [`backward`](super::backward) puts the cotangents of [`Inputs`], of the same shapes. What is `None` is not
/// wanted; for what the inputs lack, it is that of a zero.
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

impl<T> Inputs<'_, T> {
    pub(super) fn check(&self, shape: Shape) -> Result<(), KernelError> {
        let Shape { batch, seq_len, n_heads, head_dim, n_groups, d_state } = shape;
        if n_heads.checked_rem(n_groups).unwrap_or(n_heads) != 0 {
            return Err(KernelError::Multiple { argument: "n_heads", of: n_groups, found: n_heads });
        }
        check_len("x", self.x, product("x", &[batch, seq_len, n_heads, head_dim])?)?;
        check_len("dt", self.dt, product("dt", &[batch, seq_len, n_heads])?)?;
        check_len("a", self.a, n_heads)?;
        let len = product("b", &[batch, seq_len, n_groups, d_state])?;
        check_len("b", self.b, len)?;
        check_len("c", self.c, len)?;
        check_optional("d", self.d, n_heads)?;
        check_optional("dt_bias", self.dt_bias, n_heads)
    }

    /// With the state and the output of a forward.
    pub(super) fn check_forward(&self, shape: Shape, h: &[T], y: &[T]) -> Result<(), KernelError> {
        self.check(shape)?;
        check_len("h", h, shape.states()?)?;
        check_len("y", y, self.x.len())
    }
}

impl<T> Cotangents<'_, T> {
    /// For checked inputs.
    pub(super) fn check(&self, inputs: &Inputs<'_, T>) -> Result<(), KernelError> {
        let n_heads = inputs.a.len();
        check_len("x_cot", self.x, inputs.x.len())?;
        check_len("dt_cot", self.dt, inputs.dt.len())?;
        check_len("a_cot", self.a, n_heads)?;
        check_len("b_cot", self.b, inputs.b.len())?;
        check_len("c_cot", self.c, inputs.c.len())?;
        check_optional("d_cot", self.d.as_deref(), n_heads)?;
        check_optional("dt_bias_cot", self.dt_bias.as_deref(), n_heads)
    }
}
