//! Softmax and its logarithm over the last axis.

use barewire_kernels::softmax as kernel;

use super::support::{Overwritten, f32s, f32s_mut, length, numbers};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::workspace::Arena;

/// Softmax over the last axis: `y = exp(x - max x) / Σ exp(x - max x)`.
///
/// | name   | shape     | range or unit         |
/// |--------|-----------|-----------------------|
/// | `x`    | `[.., d]` | any                   |
/// | result | `[.., d]` | in [0, 1], rows sum 1 |
///
/// VJP: `x̄ = y ⊙ (ȳ - ⟨ȳ, y⟩)`.
///
/// Residual: the sizes; reads the result.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct softmax;

/// Logarithm of [`softmax`] over the last axis: `y = x - log Σ exp x`.
///
/// | name   | shape     | range or unit |
/// |--------|-----------|---------------|
/// | `x`    | `[.., d]` | any           |
/// | result | `[.., d]` | nats, below 0 |
///
/// VJP: `x̄ = ȳ - exp(y) Σ ȳ`.
///
/// Residual: the sizes; reads the result.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct log_softmax;

/// Writes `exp(x - max x)` to `e` and gives `(max x, Σ e)`. The maximum counts as a constant: its derivative cancels.
pub(super) fn exponentials<R: Real>(x: &[R], e: &mut [R]) -> (R, R) {
    let max = R::of(x.iter().fold(f64::NEG_INFINITY, |max, x| max.max(x.value())));
    let mut sum = R::ZERO;
    for (e, &x) in e.iter_mut().zip(x) {
        *e = (x - max).exp();
        sum += *e;
    }
    (max, sum)
}

impl Primitive for softmax {
    const SIG: Sig = Sig::new("(.. d) -> (.. d)");
    const KEEPS: &'static [bool] = &[false];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
    type Cots<'a, R: Real> = (Slot<'a, R>,);
    type Out<T> = [T; 1];
    /// the size of a row
    type Residual<'r, R: Real> = usize;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x,): (Arg<'r, '_, R>,),
        [y]: [&mut [R]; 1],
        _: &mut (),
        _: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<usize, Error> {
        forward(x, y, false)
    }

    fn vjp<R: Real>(
        d: usize,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (x,): (Slot<'_, R>,),
        _: &mut (),
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        backward(d, y, c, x, false, scratch)
    }
}

impl Primitive for log_softmax {
    const SIG: Sig = Sig::new("(.. d) -> (.. d)");
    const KEEPS: &'static [bool] = &[false];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
    type Cots<'a, R: Real> = (Slot<'a, R>,);
    type Out<T> = [T; 1];
    /// the size of a row
    type Residual<'r, R: Real> = usize;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x,): (Arg<'r, '_, R>,),
        [y]: [&mut [R]; 1],
        _: &mut (),
        _: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<usize, Error> {
        forward(x, y, true)
    }

    fn vjp<R: Real>(
        d: usize,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (x,): (Slot<'_, R>,),
        _: &mut (),
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        backward(d, y, c, x, true, scratch)
    }
}

impl PortableOp for softmax {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((x,): Self::Args<'r, 'r, f32>, _: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Ok(x.dims().last())
    }
}

impl PortableOp for log_softmax {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((x,): Self::Args<'r, 'r, f32>, _: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Ok(x.dims().last())
    }
}

/// The softmax of the last axis, or with `log` its logarithm; gives the size of a row.
fn forward<R: Real>(x: Arg<'_, '_, R>, y: &mut [R], log: bool) -> Result<usize, Error> {
    let d = x.dims().last();
    softmax_rows(numbers("x", x)?, d, log, y).map(|()| d)
}

fn backward<R: Real>(
    d: usize,
    y: &[R],
    c: &[R],
    slot: Slot<'_, R>,
    log: bool,
    mut scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let mut scratch = scratch.lend();
    let x_cot = Overwritten::new("x", slot, y.len(), &mut scratch)?;
    softmax_rows_cotangent(y, c, d, log, x_cot.values)?;
    x_cot.finish();
    Ok(())
}

/// The softmax of each row of `d` numbers, or with `log` its logarithm.
pub(super) fn softmax_rows<R: Real>(x: &[R], d: usize, log: bool, y: &mut [R]) -> Result<(), Error> {
    length("result", x.len(), y.len())?;
    if let (Some([x]), Some([y])) = (f32s([x]), f32s_mut([&mut *y])) {
        let run = if log { kernel::log_forward } else { kernel::forward };
        return Ok(run(x, x.len().checked_div(d).unwrap_or(0), d, y)?);
    }
    for (x, y) in x.chunks_exact(d.max(1)).zip(y.chunks_exact_mut(d.max(1))) {
        let (max, sum) = exponentials(x, y);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = if log { (x - max) - sum.ln() } else { *y / sum };
        }
    }
    Ok(())
}

/// Writes the cotangent of `x` from the results `y` of [`softmax_rows`] and their cotangent `c`.
pub(super) fn softmax_rows_cotangent<R: Real>(
    y: &[R],
    c: &[R],
    d: usize,
    log: bool,
    x_cot: &mut [R],
) -> Result<(), Error> {
    length("cotangent", y.len(), c.len())?;
    if let (Some([y, c]), Some([x_cot])) = (f32s([y, c]), f32s_mut([&mut *x_cot])) {
        let run = if log { kernel::log_backward } else { kernel::backward };
        return Ok(run(y, c, y.len().checked_div(d).unwrap_or(0), d, x_cot)?);
    }
    for ((y, c), x_cot) in y.chunks_exact(d.max(1)).zip(c.chunks_exact(d.max(1))).zip(x_cot.chunks_exact_mut(d.max(1)))
    {
        let terms = y.iter().zip(c).map(|(&y, &c)| if log { c } else { c * y });
        let sum = terms.fold(R::ZERO, |sum, term| sum + term);
        for (x_cot, (&y, &c)) in x_cot.iter_mut().zip(y.iter().zip(c)) {
            *x_cot = if log { c - y.exp() * sum } else { y * (c - sum) };
        }
    }
    Ok(())
}
