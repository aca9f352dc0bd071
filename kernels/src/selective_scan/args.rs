//! What the functions take, and the checks of its lengths.

use super::pack::packed_len;
use super::{K, LANES};
use crate::error::{KernelError, check_len, check_optional, product};
pub use crate::scan_shape::Shape;

/// What the scan reads; shapes are in the table of [`super`].
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a, T = f32> {
    /// `x[batch, seq_len, d_inner]`
    pub x: &'a [T],
    /// `dt[batch, seq_len, d_inner]`, before the bias and softplus.
    pub dt: &'a [T],
    /// Gate `z[batch, seq_len, d_inner]`; `None` leaves out the factor `silu(z)`.
    pub z: Option<&'a [T]>,
    /// `a[d_inner, d_state]`, for a decay negative: `-exp(a_log)` in Mamba.
    pub a: &'a [T],
    /// `b[batch, seq_len, d_state]`
    pub b: &'a [T],
    /// `c[batch, seq_len, d_state]`
    pub c: &'a [T],
    /// Skip `d[d_inner]`; `None` stands for zeros.
    pub d: Option<&'a [T]>,
    /// `dt_bias[d_inner]`; `None` stands for zeros.
    pub dt_bias: Option<&'a [T]>,
    /// Whether the time step is `softplus(dt + dt_bias)` or the sum itself.
    pub softplus: bool,
}

/// What a single step reads; shapes as in [`Inputs`] without `seq_len`.
#[derive(Debug, Clone, Copy)]
pub struct StepInputs<'a> {
    /// `x[batch, d_inner]`
    pub x: &'a [f32],
    /// `dt[batch, d_inner]`, before the bias and softplus.
    pub dt: &'a [f32],
    /// Gate `z[batch, d_inner]`; `None` leaves out the factor `silu(z)`.
    pub z: Option<&'a [f32]>,
    /// What [`super::pack_a`] made of `a`.
    pub a_packed: &'a [f32],
    /// `b[batch, d_state]`
    pub b: &'a [f32],
    /// `c[batch, d_state]`
    pub c: &'a [f32],
    /// Skip `d[d_inner]`; `None` stands for zeros.
    pub d: Option<&'a [f32]>,
    /// `dt_bias[d_inner]`; `None` stands for zeros.
    pub dt_bias: Option<&'a [f32]>,
    /// Whether the time step is `softplus(dt + dt_bias)` or the sum itself.
    pub softplus: bool,
}

/// Where the backward writes, shapes as in [`Inputs`]; `Some` exactly where the input is `Some`.
///
/// Cotangents of activations are written. Those of parameters (`a`, `d`, `dt_bias`) are **added** to
/// what is there, as several calls or micro-batches share the parameters.
#[derive(Debug)]
pub struct Cotangents<'a, T = f32> {
    /// Of `x`, written.
    pub x: &'a mut [T],
    /// Of `dt`, written.
    pub dt: &'a mut [T],
    /// Of `z`, written.
    pub z: Option<&'a mut [T]>,
    /// Of `a`, added to.
    pub a: &'a mut [T],
    /// Of `b`, written.
    pub b: &'a mut [T],
    /// Of `c`, written.
    pub c: &'a mut [T],
    /// Of `d`, added to.
    pub d: Option<&'a mut [T]>,
    /// Of `dt_bias`, added to.
    pub dt_bias: Option<&'a mut [T]>,
}

impl Shape {
    /// Tiles of the time axis.
    pub(super) fn tiles(self) -> usize {
        self.seq_len.div_ceil(K)
    }

    /// Floats of the checkpoints.
    pub(super) fn checkpoints(self) -> Result<usize, KernelError> {
        let packed = packed_len(self.d_inner, self.d_state)?;
        product("checkpoints", &[self.tiles(), self.batch, packed])
    }

    /// Blocks of [`LANES`] channels.
    pub(super) fn blocks(self) -> usize {
        self.d_inner.div_ceil(LANES)
    }
}

impl<T> Inputs<'_, T> {
    pub(super) fn check(&self, shape: Shape) -> Result<(), KernelError> {
        let len = shape.activations()?;
        check_len("x", self.x, len)?;
        check_len("dt", self.dt, len)?;
        check_optional("z", self.z, len)?;
        check_len("a", self.a, shape.coefficients()?)?;
        let len = product("b", &[shape.batch, shape.seq_len, shape.d_state])?;
        check_len("b", self.b, len)?;
        check_len("c", self.c, len)?;
        check_optional("d", self.d, shape.d_inner)?;
        check_optional("dt_bias", self.dt_bias, shape.d_inner)
    }
}

impl<T> Cotangents<'_, T> {
    pub(super) fn check(&self, inputs: &Inputs<'_, T>) -> Result<(), KernelError> {
        check_len("x_cot", self.x, inputs.x.len())?;
        check_len("dt_cot", self.dt, inputs.dt.len())?;
        check_same("z_cot", self.z.as_deref(), inputs.z)?;
        check_len("a_cot", self.a, inputs.a.len())?;
        check_len("b_cot", self.b, inputs.b.len())?;
        check_len("c_cot", self.c, inputs.c.len())?;
        check_same("d_cot", self.d.as_deref(), inputs.d)?;
        check_same("dt_bias_cot", self.dt_bias.as_deref(), inputs.dt_bias)
    }
}

impl StepInputs<'_> {
    pub(super) fn check(&self, shape: Shape) -> Result<(), KernelError> {
        let Shape { batch, d_inner, d_state, .. } = shape;
        let len = product("x", &[batch, d_inner])?;
        check_len("x", self.x, len)?;
        check_len("dt", self.dt, len)?;
        check_optional("z", self.z, len)?;
        check_len("a_packed", self.a_packed, packed_len(d_inner, d_state)?)?;
        let len = product("b", &[batch, d_state])?;
        check_len("b", self.b, len)?;
        check_len("c", self.c, len)?;
        check_optional("d", self.d, d_inner)?;
        check_optional("dt_bias", self.dt_bias, d_inner)
    }
}

/// Refuses a cotangent whose length is not that of its input, where `None` has length 0.
fn check_same<T>(argument: &'static str, cot: Option<&[T]>, input: Option<&[T]>) -> Result<(), KernelError> {
    check_len(argument, cot.unwrap_or_default(), input.unwrap_or_default().len())
}
