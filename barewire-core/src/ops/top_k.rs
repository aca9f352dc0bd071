//! The largest elements of a row.

use super::support::{length, numbers, slot_length};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::workspace::Arena;

/// The `k` largest elements of each row where they stand, and 0 for the others: `y = x ⊙ mask`.
///
/// | name   | shape     | range or unit                        |
/// |--------|-----------|--------------------------------------|
/// | `x`    | `[.., d]` | any; of equal elements the first wins, a NaN never |
/// | `k`    | `u32`     | any; all of a row if it is shorter   |
/// | result | `[.., d]` | as `x`                               |
///
/// With `k` 1 it is the argmax. A weighted sum of the chosen rows of a table is a [`linear`](super::linear) of the result,
/// with the table's rows as columns.
///
/// VJP: `x̄ = ȳ ⊙ mask`. Which elements are chosen carries no gradient (`stop`).
///
/// Residual: the mask, one byte an element.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct top_k;

impl Primitive for top_k {
    const SIG: Sig = Sig::new("(.. d), () -> (.. d)");
    const KEEPS: &'static [bool] = &[false, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, u32);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut ());
    type Out<T> = [T; 1];
    /// 1 where an element was chosen
    type Residual<'r, R: Real> = &'r [i8];
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x, k): (Arg<'r, '_, R>, u32),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<&'r [i8], Error> {
        let d = x.dims().last().max(1);
        let x = numbers("x", x)?;
        length("result", x.len(), y.len())?;
        let mask = saved.take_codes(x.len());
        mask.fill(0);
        for (x, mask) in x.chunks_exact(d).zip(mask.chunks_exact_mut(d)) {
            for _ in 0..(k as usize).min(d) {
                let left = (0..d).filter(|&i| mask[i] == 0 && !x[i].value().is_nan());
                let Some(best) = left.reduce(|best, i| if x[i] > x[best] { i } else { best }) else { break };
                mask[best] = 1;
            }
        }
        for ((y, &x), &mask) in y.iter_mut().zip(x).zip(&*mask) {
            *y = if mask == 1 { x } else { R::ZERO };
        }
        Ok(mask)
    }

    fn vjp<R: Real>(
        mask: &[i8],
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (mut slot, _): (Slot<'_, R>, &mut ()),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("cotangent", mask.len(), c.len())?;
        slot_length("x", &slot, mask.len())?;
        slot.each(|i| if mask[i] == 1 { c[i] } else { R::ZERO });
        Ok(())
    }
}

impl PortableOp for top_k {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("mask", Elements::Codes)];

    fn write(mask: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.codes(mask);
    }
    fn read<'r>((x, _): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        from.codes(x.dims().len())
    }
}
