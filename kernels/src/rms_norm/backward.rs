//! Cotangents of the normalisation.

use super::{BLOCK, GRAIN, reference};
use crate::error::{check_len, product};
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, Scratch, rows};

/// Cotangents of [`forward`](super::forward)'s `x` and, if asked for, `w`.
///
/// With `g = w ⊙ y_cot`: `x_cot = r g - x r³ mean(x ⊙ g)`, `w_cot = Σ x r ⊙ y_cot` over the rows.
/// With one channel the two terms of `x_cot` cancel but for `eps`, and `x_cot = eps r³ g` is written.
///
/// `w_cot` may be asked for where `w` is `None`. `scratch` holds `d` floats for each [`BLOCK`] rows.
///
/// # Errors
/// [`KernelError::Length`] for `x`, `w`, `r`, `y_cot`, `x_cot` or `w_cot`; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward(
    x: &[f32],
    w: Option<&[f32]>,
    r: &[f32],
    y_cot: &[f32],
    rows: usize,
    d: usize,
    eps: f32,
    x_cot: &mut [f32],
    w_cot: Option<&mut [f32]>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    backward_with(Exec::best(), x, w, r, y_cot, rows, d, eps, x_cot, w_cot, scratch)
}

/// [`backward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`backward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward_with(
    exec: impl Into<Exec>,
    x: &[f32],
    w: Option<&[f32]>,
    r: &[f32],
    y_cot: &[f32],
    rows: usize,
    d: usize,
    eps: f32,
    x_cot: &mut [f32],
    w_cot: Option<&mut [f32]>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let exec = exec.into();
    let len = product("x", &[rows, d])?;
    check_len("x", x, len)?;
    check_len("w", w.unwrap_or(&[]), w.map_or(0, |_| d))?;
    check_len("r", r, rows)?;
    check_len("y_cot", y_cot, len)?;
    check_len("x_cot", x_cot, len)?;
    check_len("w_cot", w_cot.as_deref().unwrap_or(&[]), w_cot.as_ref().map_or(0, |_| d))?;
    if exec.isa() == Isa::Reference {
        reference::backward(x, w, r, y_cot, d, eps, x_cot, w_cot);
        return Ok(());
    }
    let blocks = if w_cot.is_some() { rows.div_ceil(BLOCK) } else { 0 };
    let partial = scratch.floats(product("x", &[blocks, d])?, 0).0;
    let width = if w_cot.is_some() { d } else { 0 };
    let job = Backward { isa: exec.isa(), x, w, r, y_cot, d, eps, x_cot, partial: &mut *partial, width };
    exec.run(job, GRAIN.div_ceil(d.max(1)).div_ceil(BLOCK));
    if let Some(w_cot) = w_cot {
        for (i, w_cot) in w_cot.iter_mut().enumerate() {
            *w_cot = partial.iter().skip(i).step_by(d).map(|v| f64::from(*v)).sum::<f64>() as f32;
        }
    }
    Ok(())
}

/// Whole blocks of rows, but for the last.
struct Backward<'a> {
    isa: Isa,
    x: &'a [f32],
    w: Option<&'a [f32]>,
    r: &'a [f32],
    y_cot: &'a [f32],
    d: usize,
    eps: f32,
    x_cot: &'a mut [f32],
    /// the terms of `w_cot`, `width` a block
    partial: &'a mut [f32],
    /// `d`, or 0 where `w_cot` is not wanted
    width: usize,
}

impl Job for Backward<'_> {
    fn units(&self) -> usize {
        self.r.len().div_ceil(BLOCK)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let rows = units * BLOCK;
        let at = rows * self.d;
        let (x, y_cot, r) = (self.x.split_at(at), self.y_cot.split_at(at), self.r.split_at(rows));
        let (x_cot, partial) = (self.x_cot.split_at_mut(at), self.partial.split_at_mut(units * self.width));
        (
            Self { x: x.0, y_cot: y_cot.0, r: r.0, x_cot: x_cot.0, partial: partial.0, ..self },
            Self { x: x.1, y_cot: y_cot.1, r: r.1, x_cot: x_cot.1, partial: partial.1, ..self },
        )
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { x, w, r, y_cot, d, eps, x_cot, partial, width, .. } = self;
        let per_element = 1.0 / d.max(1) as f32;
        for (row, &r) in r.iter().enumerate() {
            let at = row * d;
            let (x, c, x_cot) = (&x[at..][..d], &y_cot[at..][..d], &mut x_cot[at..][..d]);
            let sum = match w {
                Some(w) => rows::sum!(s, sum, [x = x, w = w, c = c], s.mul_add(x, s.mul(w, c), sum)),
                None => rows::sum!(s, sum, [x = x, c = c], s.mul_add(x, c, sum)),
            };
            // `r^3` by itself underflows where `x` is above 1e13; the sum is as large as `r` is small
            let (gain, k) = if d == 1 { (r * r * r * eps, 0.0) } else { (r, r * (r * (r * (sum * per_element)))) };
            let (gain, k, r) = (s.splat(gain), s.splat(k), s.splat(r));
            match w {
                Some(w) => {
                    rows::map!(s, x_cot, [x = x, w = w, c = c], s.neg_mul_add(x, k, s.mul(gain, s.mul(w, c))))
                }
                None => rows::map!(s, x_cot, [x = x, c = c], s.neg_mul_add(x, k, s.mul(gain, c))),
            }
            if width > 0 {
                let partial = &mut partial[row / BLOCK * width..][..width];
                if row % BLOCK == 0 {
                    partial.fill(0.0);
                }
                rows::update!(s, sum = partial, [x = x, c = c], s.mul_add(s.mul(x, r), c, sum));
            }
        }
    }
}
