//! Cross-entropy of rows of logits against class numbers, with its gradient in the same pass.
//!
//! `loss = ln Σ exp(logits) - logits[target]` in nats, one number a row;
//! `logits_cot = scale (softmax(logits) - onehot(target))`.
//!
//! | name         | shape             | range or unit                                          |
//! |--------------|-------------------|--------------------------------------------------------|
//! | `logits`     | `[rows, classes]` | any                                                    |
//! | `targets`    | `[rows]`          | below `classes`, or [`IGNORED`]                        |
//! | `loss`       | `[rows]`          | nats, 0 or above; 0 where the target is ignored        |
//! | `scale`      | number            | cotangent of each loss, such as 1 / rows that count    |
//! | `logits_cot` | `[rows, classes]` | written; zeros where the target is ignored             |
//!
//! # Errors of rounding
//!
//! As in [`crate::softmax`]; the loss is put together in f64 and rounded once: it is off by at most
//! `(classes / 32 + 10 + 2 range) u + u loss`, with `u = 2^-24`. An element of the gradient is off by at most
//! `(classes / 32 + 14 + 2 range) u |scale| softmax`, and the target's by `u |scale|` more.
//!
//! # Special values
//!
//! Minus infinity is a mask; the loss is infinite if the target is masked. A row with a NaN, with plus infinity, or with
//! nothing but minus infinity, gets NaN for its loss and gradient. Other rows are not touched by it.

pub mod reference;

use crate::error::{check_len, product};
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::softmax::{exponentials, sum_of_exponentials};
use crate::{Exec, Isa, KernelError, rows};

/// A target that does not count, such as padding.
pub const IGNORED: u32 = u32::MAX;

/// Elements that a thread should have at least.
const GRAIN: usize = 1 << 14;

/// The loss of each row; see the [module](self).
///
/// ```
/// use barewire_kernels::cross_entropy;
///
/// let (logits, mut loss) = ([0.0, 0.0, 3.0, 1.0], [9.0; 2]);
/// cross_entropy::forward(&logits, &[1, cross_entropy::IGNORED], 2, 2, &mut loss)?;
/// assert_eq!(loss, [core::f32::consts::LN_2, 0.0]);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] for `logits`, `targets` or `loss`; [`KernelError::Index`] for the first target that is not a
/// class; [`KernelError::Overflow`].
pub fn forward(
    logits: &[f32],
    targets: &[u32],
    rows: usize,
    classes: usize,
    loss: &mut [f32],
) -> Result<(), KernelError> {
    forward_with(Exec::best(), logits, targets, rows, classes, loss)
}

/// [`forward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
pub fn forward_with(
    exec: impl Into<Exec>,
    logits: &[f32],
    targets: &[u32],
    rows: usize,
    classes: usize,
    loss: &mut [f32],
) -> Result<(), KernelError> {
    run(exec.into(), logits, targets, rows, classes, 0.0, loss, None)
}

/// The loss of each row, the same bits as [`forward`], and the cotangent of the logits; see the [module](self).
///
/// # Errors
/// As [`forward`]; [`KernelError::Length`] for `logits_cot`.
pub fn forward_backward(
    logits: &[f32],
    targets: &[u32],
    rows: usize,
    classes: usize,
    scale: f32,
    loss: &mut [f32],
    logits_cot: &mut [f32],
) -> Result<(), KernelError> {
    forward_backward_with(Exec::best(), logits, targets, rows, classes, scale, loss, logits_cot)
}

/// [`forward_backward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward_backward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_backward_with(
    exec: impl Into<Exec>,
    logits: &[f32],
    targets: &[u32],
    rows: usize,
    classes: usize,
    scale: f32,
    loss: &mut [f32],
    logits_cot: &mut [f32],
) -> Result<(), KernelError> {
    run(exec.into(), logits, targets, rows, classes, scale, loss, Some(logits_cot))
}

#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
fn run(
    exec: Exec,
    logits: &[f32],
    targets: &[u32],
    rows: usize,
    classes: usize,
    scale: f32,
    loss: &mut [f32],
    cot: Option<&mut [f32]>,
) -> Result<(), KernelError> {
    let len = product("logits", &[rows, classes])?;
    check_len("logits", logits, len)?;
    check_len("targets", targets, rows)?;
    check_len("loss", loss, rows)?;
    check_len("logits_cot", cot.as_deref().unwrap_or(logits), len)?;
    if let Some(&found) = targets.iter().find(|t| **t != IGNORED && **t as usize >= classes) {
        return Err(KernelError::Index { argument: "targets", end: classes, found: found as usize });
    }
    let job = Losses { isa: exec.isa(), logits, targets, classes, scale, loss, cot };
    exec.run(job, GRAIN.div_ceil(classes.max(1)));
    Ok(())
}

struct Losses<'a> {
    isa: Isa,
    logits: &'a [f32],
    targets: &'a [u32],
    classes: usize,
    scale: f32,
    loss: &'a mut [f32],
    cot: Option<&'a mut [f32]>,
}

impl Job for Losses<'_> {
    fn units(&self) -> usize {
        self.loss.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let at = units * self.classes;
        let (logits, targets) = (self.logits.split_at(at), self.targets.split_at(units));
        let loss = self.loss.split_at_mut(units);
        let cot = self.cot.map(|cot| cot.split_at_mut(at)).map_or((None, None), |(a, b)| (Some(a), Some(b)));
        (
            Self { logits: logits.0, targets: targets.0, loss: loss.0, cot: cot.0, ..self },
            Self { logits: logits.1, targets: targets.1, loss: loss.1, cot: cot.1, ..self },
        )
    }

    fn run(self) {
        match self.isa {
            Isa::Reference => {
                reference::run(self.logits, self.targets, self.classes, self.scale, self.loss, self.cot);
            }
            isa => dispatch(isa, self),
        }
    }
}

impl SimdKernel for Losses<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { logits, targets, classes, scale, loss, mut cot, .. } = self;
        for (row, (loss, &target)) in loss.iter_mut().zip(targets).enumerate() {
            let at = row * classes;
            let cot = cot.as_deref_mut().map(|cot| &mut cot[at..][..classes]);
            if target == IGNORED {
                *loss = 0.0;
                if let Some(cot) = cot {
                    cot.fill(0.0);
                }
                continue;
            }
            let (x, target) = (&logits[at..][..classes], target as usize);
            let (max, sum) = match cot {
                None => sum_of_exponentials(s, x),
                Some(cot) => {
                    let (max, sum) = exponentials(s, x, cot);
                    let share = s.splat(scale / sum);
                    rows::update!(s, e = &mut *cot, [], s.mul(e, share));
                    cot[target] -= scale;
                    (max, sum)
                }
            };
            *loss = (f64::from(sum).ln() + (f64::from(max) - f64::from(x[target]))) as f32;
        }
    }
}
