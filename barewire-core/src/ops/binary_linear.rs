//! Linear layer with bits and float activations.

use super::packed;
use crate::Error;
use crate::gradient::Signal;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::BinaryView;
use crate::workspace::Arena;

/// Linear layer with bits: `y = B x`. Multiply by a scale afterwards: `scale * binary_linear(bits, x)`.
///
/// | name   | shape     | range or unit            |
/// |--------|-----------|--------------------------|
/// | `bits` | `[o, i]`  | packed, in {0, 1}        |
/// | `x`    | `[.., i]` | any; f32-grade, not int8 |
/// | result | `[.., o]` | as `x`                   |
///
/// VJP: `x̄ = Bᵀ ȳ`; the signal of the bits is `ȳ xᵀ`, as if they were continuous.
///
/// Rounding with `f32` is that of [`ternary_linear`](super::ternary_linear).
///
/// Residual: borrows `bits` and `x`.
///
/// # Errors
/// `Shape` names the argument that does not fit.
#[allow(non_camel_case_types)]
pub struct binary_linear;

impl Primitive for binary_linear {
    const SIG: Sig = Sig::new("(o i), (.. i) -> (.. o)");
    const KEEPS: &'static [bool] = &[true, true];
    type Args<'r, 'a, R: Real> = (BinaryView<'r>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Signal<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = packed::Residual<'r, BinaryView<'r>, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (bits, x): (BinaryView<'r>, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self::Residual<'r, R>, Error> {
        packed::Residual::forward(bits, x, y, saved, scratch)
    }

    fn vjp<R: Real>(
        residual: Self::Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (signal, x): (&mut Signal<R>, Slot<'_, R>),
        _: &mut (),
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, signal, x, scratch)
    }
}

impl PortableOp for binary_linear {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>(
        (bits, x): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        packed::Residual::read(bits, x, from)
    }
}
