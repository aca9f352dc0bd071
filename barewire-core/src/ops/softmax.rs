//! Softmax and its logarithm over the last axis.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::{dot, length, numbers, slot_length, sum_over};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
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
#[inline(always)]
pub(super) fn exponentials<R: Real>(x: &[R], e: &mut [R]) -> (R, R) {
    let max = R::of(maximum(x).value());
    for (e, &x) in e.iter_mut().zip(x) {
        *e = (x - max).exp();
    }
    (max, sum_over([e], |[e]| e))
}

/// As [`exponentials`] without keeping them: the same bits.
#[inline(always)]
pub(super) fn sum_of_exponentials<R: Real>(x: &[R]) -> (R, R) {
    let max = R::of(maximum(x).value());
    (max, sum_over([x], |[x]| (x - max).exp()))
}

/// The largest element; a NaN is passed over here and shows in the exponentials.
#[inline(always)]
fn maximum<R: Real>(x: &[R]) -> R {
    let lowest = R::of(f64::NEG_INFINITY);
    let larger = |a: R, b: R| if b > a { b } else { a };
    let (chunks, rest) = x.as_chunks::<16>();
    let mut lanes = [lowest; 16];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    lanes.iter().chain(rest).fold(lowest, |max, &x| larger(max, x))
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
        forward(x, y, |x, y| {
            let inverse = R::ONE / exponentials(x, y).1;
            y.iter_mut().for_each(|y| *y *= inverse);
        })
    }

    fn vjp<R: Real>(
        d: usize,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (x,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        backward(d, y, c, x, |y, c| dot(c, y), |sum, y, c| y * (c - sum))
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
        forward(x, y, |x, y| {
            let (max, sum) = sum_of_exponentials(x);
            let log = sum.ln();
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - max) - log;
            }
        })
    }

    fn vjp<R: Real>(
        d: usize,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (x,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        backward(d, y, c, x, |_, c| sum_over([c], |[c]| c), |sum, y, c| c - y.exp() * sum)
    }
}

fn forward<R: Real>(x: Arg<'_, '_, R>, y: &mut [R], row: impl Fn(&[R], &mut [R])) -> Result<usize, Error> {
    let d = x.dims().last();
    let x = numbers("x", x)?;
    length("result", x.len(), y.len())?;
    vectorize(Isa::best(), Forward { x, y, d: d.max(1), row });
    Ok(d)
}

fn backward<R: Real>(
    d: usize,
    y: &[R],
    c: &[R],
    x_cot: Slot<'_, R>,
    sum: impl Fn(&[R], &[R]) -> R,
    element: impl Fn(R, R, R) -> R,
) -> Result<(), Error> {
    length("cotangent", y.len(), c.len())?;
    slot_length("x", &x_cot, y.len())?;
    vectorize(Isa::best(), Backward { y, c, x_cot, d: d.max(1), sum, element });
    Ok(())
}

struct Forward<'a, R, F> {
    x: &'a [R],
    y: &'a mut [R],
    d: usize,
    row: F,
}

impl<R: Real, F: Fn(&[R], &mut [R])> Kernel for Forward<'_, R, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (x, y) in self.x.chunks_exact(self.d).zip(self.y.chunks_exact_mut(self.d)) {
            (self.row)(x, y);
        }
    }
}

struct Backward<'a, R, S, E> {
    y: &'a [R],
    c: &'a [R],
    x_cot: Slot<'a, R>,
    d: usize,
    sum: S,
    element: E,
}

impl<R: Real, S: Fn(&[R], &[R]) -> R, E: Fn(R, R, R) -> R> Kernel for Backward<'_, R, S, E> {
    type Output = ();
    #[inline(always)]
    fn run(mut self) {
        let first = matches!(self.x_cot, Slot::Write(_));
        let (Slot::Write(g) | Slot::Add(g)) = &mut self.x_cot else { return };
        let rows = self.y.chunks_exact(self.d).zip(self.c.chunks_exact(self.d));
        for ((y, c), g) in rows.zip(g.chunks_exact_mut(self.d)) {
            let sum = (self.sum)(y, c);
            for ((g, &y), &c) in g.iter_mut().zip(y).zip(c) {
                let term = (self.element)(sum, y, c);
                *g = if first { term } else { *g + term };
            }
        }
    }
}
