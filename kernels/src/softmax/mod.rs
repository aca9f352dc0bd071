//! Softmax of rows and its logarithm, forward and backward.
//!
//! | function      | `y` of a row                          | `x_cot` of a row                     |
//! |---------------|---------------------------------------|--------------------------------------|
//! | [`forward`]   | `exp(x - max x) / Σ exp(x - max x)`   | `y ⊙ (y_cot - ⟨y_cot, y⟩)`           |
//! | [`log_forward`] | `(x - max x) - ln Σ exp(x - max x)` | `y_cot - exp(y) Σ y_cot`             |
//!
//! All arrays are `[rows, d]`. Nothing overflows: no exponent is above 0.
//!
//! # Errors of rounding
//!
//! With `u = 2^-24`, an exponential (2 `u`, and the rounding of `x - max`, which is `|x - max| u`) and a sum in 32
//! partial sums (`(d / 32 + 5) u`, as in [`crate::rms_norm`]): the relative error of an element of the softmax is at
//! most `(d / 32 + 12 + 2 range) u`, where `range` is the largest `max - x` that is not negligible, at most 88 for
//! normal results; smaller results count in units of 2^-149. The logarithm is off by at most
//! `(d / 32 + 12 + 2 range + |y|) u`. The backward adds `(d / 32 + 8) u` of `y (|y_cot| + Σ|y_cot y|)`, or of
//! `|y_cot| + exp(y) Σ|y_cot|`.
//!
//! # Special values
//!
//! Minus infinity is a mask: its probability is 0. A row with a NaN, with plus infinity, or with nothing but minus
//! infinity, is NaN as a whole.

mod backward;
pub mod reference;

pub use backward::{backward, backward_with, log_backward, log_backward_with};

use crate::error::{check_len, product};
use crate::exec::Job;
use crate::rows::{self, MOST, SUMS};
use crate::simd::{Simd, SimdKernel, dispatch, math};
use crate::{Exec, Isa, KernelError};

/// Elements that a thread should have at least.
const GRAIN: usize = 1 << 14;

/// Softmax of rows; see the [module](self).
///
/// ```
/// let mut y = [0.0; 4];
/// barewire_kernels::softmax::forward(&[1000.0, 1000.0, 0.0, f32::NEG_INFINITY], 2, 2, &mut y)?;
/// assert_eq!(y, [0.5, 0.5, 1.0, 0.0]);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] for `x` or `y`; [`KernelError::Overflow`].
pub fn forward(x: &[f32], rows: usize, d: usize, y: &mut [f32]) -> Result<(), KernelError> {
    forward_with(Exec::best(), x, rows, d, y)
}

/// [`forward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
pub fn forward_with(exec: impl Into<Exec>, x: &[f32], rows: usize, d: usize, y: &mut [f32]) -> Result<(), KernelError> {
    run(exec.into(), false, x, rows, d, y)
}

/// Logarithm of the softmax of rows; see the [module](self).
///
/// # Errors
/// As [`forward`].
pub fn log_forward(x: &[f32], rows: usize, d: usize, y: &mut [f32]) -> Result<(), KernelError> {
    log_forward_with(Exec::best(), x, rows, d, y)
}

/// [`log_forward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
pub fn log_forward_with(
    exec: impl Into<Exec>,
    x: &[f32],
    rows: usize,
    d: usize,
    y: &mut [f32],
) -> Result<(), KernelError> {
    run(exec.into(), true, x, rows, d, y)
}

fn run(exec: Exec, log: bool, x: &[f32], rows: usize, d: usize, y: &mut [f32]) -> Result<(), KernelError> {
    let len = product("x", &[rows, d])?;
    check_len("x", x, len)?;
    check_len("y", y, len)?;
    if len > 0 {
        exec.run(Forward { isa: exec.isa(), log, x, d, y }, GRAIN.div_ceil(d));
    }
    Ok(())
}

/// Writes `exp(x - max x)` to `e`, which is as long; gives `(max x, Σ e)`.
#[inline(always)]
pub(crate) fn exponentials<S: Simd>(s: S, x: &[f32], e: &mut [f32]) -> (f32, f32) {
    let max = rows::maximum(s, x);
    let shift = s.splat(max);
    let mut sums = [s.splat(0.0); MOST];
    let ((x, x_tail), (e, e_tail)) = (x.as_chunks(), e.as_chunks_mut());
    for (x, e) in x.iter().zip(e) {
        sums = block(s, x, shift, e, sums);
    }
    if !x_tail.is_empty() {
        let mut part = [0.0; SUMS];
        // Past the end as if masked.
        sums = block(s, &rows::tail(x_tail, f32::NEG_INFINITY), shift, &mut part, sums);
        e_tail.copy_from_slice(&part[..x_tail.len()]);
    }
    (max, rows::total(s, sums))
}

/// The exponentials of a block, which are added to the sums while they are in registers.
#[inline(always)]
fn block<S: Simd>(s: S, x: &[f32; SUMS], shift: S::F, e: &mut [f32; SUMS], mut sums: [S::F; MOST]) -> [S::F; MOST] {
    let mut i = 0;
    while i < SUMS / S::LANES {
        let power = math::exp(s, s.sub(s.load(&x[i * S::LANES..]), shift));
        s.store(&mut e[i * S::LANES..], power);
        sums[i] = s.add(sums[i], power);
        i += 1;
    }
    sums
}

/// As [`exponentials`] without keeping them: the same bits.
#[inline(always)]
pub(crate) fn sum_of_exponentials<S: Simd>(s: S, x: &[f32]) -> (f32, f32) {
    let max = rows::maximum(s, x);
    let shift = s.splat(max);
    // Past the end as if masked.
    let masked = f32::NEG_INFINITY;
    let sums =
        rows::fold!(s, 0.0, masked, sum, [x = x], s.add(sum, math::exp(s, s.sub(x, shift))), (a, b) => s.add(a, b));
    (max, s.sum(sums))
}

struct Forward<'a> {
    isa: Isa,
    log: bool,
    x: &'a [f32],
    d: usize,
    y: &'a mut [f32],
}

impl Job for Forward<'_> {
    fn units(&self) -> usize {
        self.y.len() / self.d
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (x, y) = (self.x.split_at(units * self.d), self.y.split_at_mut(units * self.d));
        (Self { x: x.0, y: y.0, ..self }, Self { x: x.1, y: y.1, ..self })
    }

    fn run(self) {
        match self.isa {
            Isa::Reference => reference::forward(self.log, self.x, self.d, self.y),
            isa => dispatch(isa, self),
        }
    }
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { log, x, d, y, .. } = self;
        for (x, y) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)) {
            if log {
                let (max, sum) = sum_of_exponentials(s, x);
                let (max, log) = (s.splat(max), s.splat(f64::from(sum).ln() as f32));
                rows::map!(s, y, [x = x], s.sub(s.sub(x, max), log));
            } else {
                let inverse = s.splat(1.0 / exponentials(s, x, y).1);
                rows::update!(s, y = y, [], s.mul(y, inverse));
            }
        }
    }
}
