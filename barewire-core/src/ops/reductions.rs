//! Sums over the last axis.

use super::softmax_op::exponentials;
use super::support::{length, numbers, slot_length, sum_over};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::workspace::Arena;

/// Sum over the last axis: `y = Σ x`.
///
/// | name   | shape     | range or unit |
/// |--------|-----------|---------------|
/// | `x`    | `[.., d]` | any           |
/// | result | `[..]`    | as `x`        |
///
/// VJP: `x̄ = ȳ` in every element. Residual: the sizes.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct sum;

/// Mean over the last axis: `y = Σ x / d`; 0 where `d` is 0.
///
/// | name   | shape     | range or unit |
/// |--------|-----------|---------------|
/// | `x`    | `[.., d]` | any           |
/// | result | `[..]`    | as `x`        |
///
/// VJP: `x̄ = ȳ / d` in every element. Residual: the sizes.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct mean;

/// Inner product over the last axis: `z = Σ x y`.
///
/// | name     | shape     | range or unit |
/// |----------|-----------|---------------|
/// | `x`, `y` | `[.., d]` | any           |
/// | result   | `[..]`    | as `x y`      |
///
/// VJP: `x̄ = z̄ y`, `ȳ = z̄ x`. Residual: borrows `x` and `y`.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct dot;

/// Logarithm of a sum of exponentials over the last axis: `y = ln Σ exp x`, without overflow.
///
/// | name   | shape     | range or unit                       |
/// |--------|-----------|-------------------------------------|
/// | `x`    | `[.., d]` | any; minus infinity is a mask       |
/// | result | `[..]`    | at least the largest of the row     |
///
/// VJP: `x̄ = ȳ exp(x - y)`, the softmax. Residual: borrows `x`, reads the result.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct logsumexp;

/// The rows of `x`, as many as there are results; `f` gives each result.
fn reduce<R: Real>(x: Arg<'_, '_, R>, y: &mut [R], mut f: impl FnMut(usize, &[R]) -> R) -> Result<[usize; 2], Error> {
    let sizes @ [rows, d] = [x.dims().rows(), x.dims().last()];
    let data = numbers("x", x)?;
    length("result", rows, y.len())?;
    for (row, y) in y.iter_mut().enumerate() {
        *y = f(row, &data[row * d..][..d]);
    }
    Ok(sizes)
}

/// Contributes `f(row, c[row], element)` to every element of a slot.
fn spread<R: Real>(
    name: &str,
    mut slot: Slot<'_, R>,
    [rows, d]: [usize; 2],
    c: &[R],
    f: impl Fn(usize, R, usize) -> R,
) -> Result<(), Error> {
    length("cotangent", rows, c.len())?;
    slot_length(name, &slot, rows * d)?;
    slot.each(|i| f(i / d, c[i / d], i));
    Ok(())
}

/// `sum` and `mean`, which differ by a factor.
macro_rules! linear_reduction {
    ($op:ident, $factor:expr) => {
        impl Primitive for $op {
            const SIG: Sig = Sig::new("(.. d) -> (..)");
            const KEEPS: &'static [bool] = &[false];
            type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
            type Cots<'a, R: Real> = (Slot<'a, R>,);
            type Out<T> = [T; 1];
            /// rows, and elements of a row
            type Residual<'r, R: Real> = [usize; 2];
            type State<R: Real> = ();

            fn forward_saving<'r, R: Real>(
                (x,): (Arg<'r, '_, R>,),
                [y]: [&mut [R]; 1],
                _: &mut (),
                _: &mut Arena<'r, R>,
                _: Arena<'_, R>,
            ) -> Result<[usize; 2], Error> {
                reduce(x, y, |_, x| sum_over([x], |[x]| x) * R::of($factor(x.len())))
            }

            fn vjp<R: Real>(
                sizes: [usize; 2],
                _: [&[R]; 1],
                [c]: [&[R]; 1],
                (x,): (Slot<'_, R>,),
                _: &mut (),
                _: Arena<'_, R>,
            ) -> Result<(), Error> {
                spread("x", x, sizes, c, |_, c, _| c * R::of($factor(sizes[1])))
            }
        }

        impl PortableOp for $op {
            const ARRAYS: &'static [(&'static str, Elements)] = &[];

            fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
            fn read<'r>(
                (x,): Self::Args<'r, 'r, f32>,
                _: &mut Arrays<'_, 'r>,
            ) -> Result<Self::Residual<'r, f32>, Error> {
                Ok([x.dims().rows(), x.dims().last()])
            }
        }
    };
}

linear_reduction!(sum, |_: usize| 1.0);
linear_reduction!(mean, |d: usize| 1.0 / d.max(1) as f64);

/// What [`dot`] keeps: its operands and their sizes.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'r, R> {
    x: &'r [R],
    y: &'r [R],
    sizes: [usize; 2],
}

impl Primitive for dot {
    const SIG: Sig = Sig::new("(.. d), (.. d) -> (..)");
    const KEEPS: &'static [bool] = &[true, true];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Operands<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x, y): (Arg<'r, '_, R>, Arg<'r, '_, R>),
        [z]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Operands<'r, R>, Error> {
        super::support::shaped("y", y, x.dims().sizes())?;
        let other = y.data();
        let sizes = reduce(x, z, |row, x| sum_over([x, &other[row * x.len()..][..x.len()]], |[x, y]| x * y))?;
        Ok(Operands { x: x.keep(saved), y: y.keep(saved), sizes })
    }

    fn vjp<R: Real>(
        Operands { x, y, sizes }: Operands<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (x_slot, y_slot): (Slot<'_, R>, Slot<'_, R>),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        spread("x", x_slot, sizes, c, |_, c, i| c * y[i])?;
        spread("y", y_slot, sizes, c, |_, c, i| c * x[i])
    }
}

impl PortableOp for dot {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((x, y): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        super::support::shaped("y", y, x.dims().sizes())?;
        let sizes = [x.dims().rows(), x.dims().last()];
        Ok(Operands { x: from.kept(x)?, y: from.kept(y)?, sizes })
    }
}

/// What [`logsumexp`] keeps: its argument and the sizes.
#[derive(Clone, Copy, Debug)]
pub struct Exponents<'r, R> {
    x: &'r [R],
    sizes: [usize; 2],
}

impl Primitive for logsumexp {
    const SIG: Sig = Sig::new("(.. d) -> (..)");
    const KEEPS: &'static [bool] = &[true];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
    type Cots<'a, R: Real> = (Slot<'a, R>,);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Exponents<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x,): (Arg<'r, '_, R>,),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Exponents<'r, R>, Error> {
        let e = scratch.take(x.dims().last());
        let sizes = reduce(x, y, |_, x| {
            let (max, total) = exponentials(x, e);
            max + total.ln()
        })?;
        Ok(Exponents { x: x.keep(saved), sizes })
    }

    fn vjp<R: Real>(
        Exponents { x, sizes }: Exponents<'_, R>,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (slot,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("result", sizes[0], y.len())?;
        spread("x", slot, sizes, c, |row, c, i| c * (x[i] - y[row]).exp())
    }
}

impl PortableOp for logsumexp {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((x,): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Ok(Exponents { x: from.kept(x)?, sizes: [x.dims().rows(), x.dims().last()] })
    }
}
