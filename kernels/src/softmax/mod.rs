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
use crate::simd::{Several, Simd, SimdKernel, dispatch, math};
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
    debug_assert_eq!(x.len(), e.len(), "equally long");
    blocks(s, x, Some(e))
}

/// As [`exponentials`] without keeping them: the same bits.
#[inline(always)]
pub(crate) fn sum_of_exponentials<S: Simd>(s: S, x: &[f32]) -> (f32, f32) {
    blocks(s, x, None)
}

#[inline(always)]
fn blocks<S: Simd>(s: S, x: &[f32], mut e: Option<&mut [f32]>) -> (f32, f32) {
    let max = rows::maximum(s, x);
    let mut sums = [s.splat(0.0); MOST];
    let (whole, tail) = x.as_chunks();
    for (i, x) in whole.iter().enumerate() {
        let e = e.as_deref_mut().map(|e| &mut e[i * SUMS..][..SUMS]);
        sums = block(s, x, max, e, sums);
    }
    if !tail.is_empty() {
        let mut part = [0.0; SUMS];
        // Past the end as if masked.
        sums = block(s, &rows::tail(tail, f32::NEG_INFINITY), max, Some(&mut part), sums);
        if let Some(e) = e {
            e[x.len() - tail.len()..].copy_from_slice(&part[..tail.len()]);
        }
    }
    (max, rows::total(s, sums))
}

/// The exponentials of a block, which are added to the sums while they are in registers.
#[inline(always)]
fn block<S: Simd>(s: S, x: &[f32; SUMS], max: f32, e: Option<&mut [f32]>, sums: [S::F; MOST]) -> [S::F; MOST] {
    match S::LANES {
        16 => side_by_side::<S, 2>(s, x, max, e, sums),
        _ => side_by_side::<S, 4>(s, x, max, e, sums),
    }
}

/// [`block`], `M` vectors at a time.
#[inline(always)]
fn side_by_side<S: Simd, const M: usize>(
    s: S,
    x: &[f32; SUMS],
    max: f32,
    mut e: Option<&mut [f32]>,
    mut sums: [S::F; MOST],
) -> [S::F; MOST] {
    let wide = Several::<S, M>(s);
    let mut i = 0;
    while i < SUMS / S::LANES {
        let powers = math::exp_of_negative(wide, wide.sub(wide.load(&x[i * S::LANES..]), wide.splat(max)));
        if let Some(e) = &mut e {
            wide.store(&mut e[i * S::LANES..], powers);
        }
        for m in 0..M {
            sums[i + m] = s.add(sums[i + m], powers[m]);
        }
        i += M;
    }
    sums
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
