//! The two halves of the last axis.

use super::support::{length, numbers, slot_length};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::{Dims, Sig};
use crate::workspace::Arena;

/// The two halves of the last axis: `let (a, b) = split(x)`.
///
/// | name    | shape          | range or unit |
/// |---------|----------------|---------------|
/// | `x`     | `[.., d]`      | any           |
/// | results | `[.., d / 2]`  | as `x`        |
///
/// Residual: the sizes.
///
/// # Errors
/// `Shape` if `d` is odd.
#[allow(non_camel_case_types)]
pub struct split;

/// Half of the last axis, and the number of elements.
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    half: usize,
    len: usize,
}

impl Primitive for split {
    const SIG: Sig = Sig::new("(.. d) -> (.. a), (.. b)");
    const KEEPS: &'static [bool] = &[false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
    type Cots<'a, R: Real> = (Slot<'a, R>,);
    type Out<T> = [T; 2];
    type Residual<'r, R: Real> = Residual;
    type State<R: Real> = ();

    fn dims(args: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        let ([x], [a, b]) = (args, outs) else {
            return Err(Error::input("1 argument and 2 results", "others"));
        };
        *a = x.with_last(half(*x)?);
        *b = *a;
        Ok(())
    }

    fn forward_saving<'r, R: Real>(
        (x,): (Arg<'r, '_, R>,),
        [a, b]: [&mut [R]; 2],
        _: &mut (),
        _: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual, Error> {
        let half = half(x.dims())?;
        let x = numbers("x", x)?;
        length("first half", x.len() / 2, a.len())?;
        length("second half", x.len() / 2, b.len())?;
        let d = half.max(1);
        for ((x, a), b) in x.chunks_exact(2 * d).zip(a.chunks_exact_mut(d)).zip(b.chunks_exact_mut(d)) {
            a.copy_from_slice(&x[..d]);
            b.copy_from_slice(&x[d..]);
        }
        Ok(Residual { half, len: x.len() })
    }

    fn vjp<R: Real>(
        Residual { half, len }: Residual,
        _: [&[R]; 2],
        [a, b]: [&[R]; 2],
        (mut x,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("first cotangent", len / 2, a.len())?;
        length("second cotangent", len / 2, b.len())?;
        slot_length("x", &x, len)?;
        let d = half.max(1);
        let put = |x: &mut [R], f: fn(R, R) -> R| {
            for ((x, a), b) in x.chunks_exact_mut(2 * d).zip(a.chunks_exact(d)).zip(b.chunks_exact(d)) {
                for (x, &c) in x.iter_mut().zip(a.iter().chain(b)) {
                    *x = f(*x, c);
                }
            }
        };
        match &mut x {
            Slot::Skip => {}
            Slot::Write(x) => put(x, |_, c| c),
            Slot::Add(x) => put(x, |x, c| x + c),
        }
        Ok(())
    }
}

impl PortableOp for split {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((x,): Self::Args<'r, 'r, f32>, _: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Ok(Residual { half: half(x.dims())?, len: x.dims().len() })
    }
}

fn half(x: Dims) -> Result<usize, Error> {
    if x.rank() > 0 && x.last().is_multiple_of(2) {
        Ok(x.last() / 2)
    } else {
        Err(Error::shape("an even last axis to split", format!("{x}")))
    }
}
