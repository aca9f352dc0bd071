//! What the functions take, and the checks of its lengths.

use crate::error::{KernelError, check_len, check_optional};
use crate::scan_shape::Shape;

/// What [`forward`](super::forward) reads; shapes in the [module's table](super).
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a, T = f32> {
    /// `[batch, seq_len, d_inner]`
    pub x: &'a [T],
    /// `[d_inner, d_state]`
    pub a: &'a [T],
    /// `[d_inner, d_state]`
    pub b: &'a [T],
    /// `[d_inner, d_state]`
    pub c: &'a [T],
    /// `[d_inner]`
    pub d: Option<&'a [T]>,
}

/// Where [`backward`](super::backward) puts the cotangents of [`Inputs`], of the same shapes. `d` may be `None` if it is
/// not wanted; if the inputs lack it, it is that of a zero.
#[derive(Debug)]
pub struct Cotangents<'a, T = f32> {
    /// Written.
    pub x: &'a mut [T],
    /// Added to.
    pub a: &'a mut [T],
    /// Added to.
    pub b: &'a mut [T],
    /// Added to.
    pub c: &'a mut [T],
    /// Added to.
    pub d: Option<&'a mut [T]>,
}

impl<T> Inputs<'_, T> {
    pub(super) fn check(&self, shape: Shape) -> Result<(), KernelError> {
        check_len("x", self.x, shape.activations()?)?;
        let len = shape.coefficients()?;
        check_len("a", self.a, len)?;
        check_len("b", self.b, len)?;
        check_len("c", self.c, len)?;
        check_optional("d", self.d, shape.d_inner)
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
    pub(super) fn check(&self, shape: Shape, inputs: &Inputs<'_, T>) -> Result<(), KernelError> {
        check_len("x_cot", self.x, inputs.x.len())?;
        check_len("a_cot", self.a, inputs.a.len())?;
        check_len("b_cot", self.b, inputs.b.len())?;
        check_len("c_cot", self.c, inputs.c.len())?;
        check_optional("d_cot", self.d.as_deref(), shape.d_inner)
    }
}
