//! Cotangents of the softmax and of its logarithm, from their results.

use super::{GRAIN, reference};
use crate::error::{check_len, product};
use crate::exec::Job;
use crate::simd::{Several, Simd, SimdKernel, dispatch, math};
use crate::{Exec, Isa, KernelError, rows};

/// `x_cot = y ⊙ (y_cot - ⟨y_cot, y⟩)`, where `y` is what [`forward`](super::forward) wrote.
///
/// # Errors
/// [`KernelError::Length`] for `y`, `y_cot` or `x_cot`; [`KernelError::Overflow`].
pub fn backward(y: &[f32], y_cot: &[f32], rows: usize, d: usize, x_cot: &mut [f32]) -> Result<(), KernelError> {
    backward_with(Exec::best(), y, y_cot, rows, d, x_cot)
}

/// [`backward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`backward`].
pub fn backward_with(
    exec: impl Into<Exec>,
    y: &[f32],
    y_cot: &[f32],
    rows: usize,
    d: usize,
    x_cot: &mut [f32],
) -> Result<(), KernelError> {
    run(exec.into(), false, y, y_cot, rows, d, x_cot)
}

/// `x_cot = y_cot - exp(y) Σ y_cot`, where `y` is what [`log_forward`](super::log_forward) wrote.
///
/// # Errors
/// As [`backward`].
pub fn log_backward(y: &[f32], y_cot: &[f32], rows: usize, d: usize, x_cot: &mut [f32]) -> Result<(), KernelError> {
    log_backward_with(Exec::best(), y, y_cot, rows, d, x_cot)
}

/// [`log_backward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`backward`].
pub fn log_backward_with(
    exec: impl Into<Exec>,
    y: &[f32],
    y_cot: &[f32],
    rows: usize,
    d: usize,
    x_cot: &mut [f32],
) -> Result<(), KernelError> {
    run(exec.into(), true, y, y_cot, rows, d, x_cot)
}

fn run(
    exec: Exec,
    log: bool,
    y: &[f32],
    y_cot: &[f32],
    rows: usize,
    d: usize,
    x_cot: &mut [f32],
) -> Result<(), KernelError> {
    let len = product("y", &[rows, d])?;
    check_len("y", y, len)?;
    check_len("y_cot", y_cot, len)?;
    check_len("x_cot", x_cot, len)?;
    if len > 0 {
        exec.run(Backward { isa: exec.isa(), log, y, y_cot, d, x_cot }, GRAIN.div_ceil(d));
    }
    Ok(())
}

struct Backward<'a> {
    isa: Isa,
    log: bool,
    y: &'a [f32],
    y_cot: &'a [f32],
    d: usize,
    x_cot: &'a mut [f32],
}

impl Job for Backward<'_> {
    fn units(&self) -> usize {
        self.x_cot.len() / self.d
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let at = units * self.d;
        let (y, y_cot, x_cot) = (self.y.split_at(at), self.y_cot.split_at(at), self.x_cot.split_at_mut(at));
        (
            Self { y: y.0, y_cot: y_cot.0, x_cot: x_cot.0, ..self },
            Self { y: y.1, y_cot: y_cot.1, x_cot: x_cot.1, ..self },
        )
    }

    fn run(self) {
        match self.isa {
            Isa::Reference => reference::backward(self.log, self.y, self.y_cot, self.d, self.x_cot),
            isa => dispatch(isa, self),
        }
    }
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { log, y, y_cot, d, x_cot, .. } = self;
        for ((y, c), x_cot) in y.chunks_exact(d).zip(y_cot.chunks_exact(d)).zip(x_cot.chunks_exact_mut(d)) {
            if log {
                let wide = Several::<S, 4>(s);
                let sum = wide.splat(rows::sum!(s, sum, [c = c], s.add(sum, c)));
                rows::map!(wide, x_cot, [y = y, c = c], wide.neg_mul_add(math::exp(wide, y), sum, c));
            } else {
                let sum = s.splat(rows::sum!(s, sum, [y = y, c = c], s.mul_add(y, c, sum)));
                rows::map!(s, x_cot, [y = y, c = c], s.mul(y, s.sub(c, sum)));
            }
        }
    }
}
