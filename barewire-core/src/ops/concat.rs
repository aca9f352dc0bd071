//! Two values side by side.

use super::support::{length, numbers, slot_length};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::{Dims, Sig};
use crate::workspace::Arena;

/// Two values side by side in the last axis.
///
/// | name   | shape         | range or unit |
/// |--------|---------------|---------------|
/// | `x`    | `[.., a]`     | any           |
/// | `y`    | `[.., b]`     | as `x`        |
/// | result | `[.., a + b]` | as `x`        |
///
/// Residual: the sizes.
///
/// # Errors
/// `Shape` if the leading axes differ.
#[allow(non_camel_case_types)]
pub struct concat;

/// Rows, and the last axis of both arguments.
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    rows: usize,
    a: usize,
    b: usize,
}

impl Residual {
    fn new(x: Dims, y: Dims) -> Result<Self, Error> {
        if x.rank() == 0 || x.rank() != y.rank() || x.leading() != y.leading() {
            return Err(Error::shape(format!("`y` with the leading axes of `x`, {x}"), format!("{y}")));
        }
        Ok(Residual { rows: x.rows(), a: x.last(), b: y.last() })
    }
}

impl Primitive for concat {
    const SIG: Sig = Sig::new("(.. a), (.. b) -> (.. c)");
    const KEEPS: &'static [bool] = &[false, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual;
    type State<R: Real> = ();

    fn dims(args: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        let ([x, y], [out]) = (args, outs) else {
            return Err(Error::input("2 arguments and 1 result", "others"));
        };
        let Residual { a, b, .. } = Residual::new(*x, *y)?;
        *out = x.with_last(a.saturating_add(b));
        Ok(())
    }

    fn forward_saving<'r, R: Real>(
        (x, y): (Arg<'r, '_, R>, Arg<'r, '_, R>),
        [out]: [&mut [R]; 1],
        _: &mut (),
        _: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual, Error> {
        let sizes = Residual::new(x.dims(), y.dims())?;
        let (x, y) = (numbers("x", x)?, numbers("y", y)?);
        length("result", x.len() + y.len(), out.len())?;
        let Residual { a, b, .. } = sizes;
        for (row, out) in out.chunks_exact_mut((a + b).max(1)).enumerate() {
            out[..a].copy_from_slice(&x[row * a..][..a]);
            out[a..].copy_from_slice(&y[row * b..][..b]);
        }
        Ok(sizes)
    }

    fn vjp<R: Real>(
        Residual { rows, a, b }: Residual,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (mut x, mut y): (Slot<'_, R>, Slot<'_, R>),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("cotangent", rows * (a + b), c.len())?;
        slot_length("x", &x, rows * a)?;
        slot_length("y", &y, rows * b)?;
        for (slot, width, start) in [(&mut x, a, 0), (&mut y, b, a)] {
            slot.each(|i| c[i / width * (a + b) + start + i % width]);
        }
        Ok(())
    }
}

impl PortableOp for concat {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((x, y): Self::Args<'r, 'r, f32>, _: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::new(x.dims(), y.dims())
    }
}
