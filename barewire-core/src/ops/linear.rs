//! Dense linear layers.

use super::support::{add_into, length, matrix, numbers, rows, slot_length, times_into, times_transposed};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// Dense linear layer: `y = W x`.
///
/// | name   | shape     | range or unit  |
/// |--------|-----------|----------------|
/// | `w`    | `[o, i]`  | weights        |
/// | `x`    | `[.., i]` | any            |
/// | result | `[.., o]` | that of `w x`  |
///
/// VJP: `x̄ = Wᵀ ȳ`, `W̄ += ȳ xᵀ`.
///
/// A row of the result is summed in an order that depends on `i` alone (with `f32`, that of
/// [`gemm`](barewire_kernels::gemm), the same on every instruction set): a step, a chunk and a whole sequence give the
/// same bits.
///
/// Residual: borrows `w` and `x`.
///
/// # Errors
/// `Shape` names the argument that does not fit.
#[allow(non_camel_case_types)]
pub struct linear;

/// Dense linear layer with bias: `y = W x + b`.
///
/// | name   | shape     | range or unit  |
/// |--------|-----------|----------------|
/// | `w`    | `[o, i]`  | weights        |
/// | `b`    | `[o]`     | as the result  |
/// | `x`    | `[.., i]` | any            |
/// | result | `[.., o]` | that of `w x`  |
///
/// VJP: as [`linear`], and `b̄ += Σ ȳ` over rows.
///
/// Residual: borrows `w` and `x`.
///
/// # Errors
/// `Shape` names the argument that does not fit.
#[allow(non_camel_case_types)]
pub struct linear_bias;

/// What [`linear`] and [`linear_bias`] keep.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    w: MatrixView<'r, R>,
    x: &'r [R],
    n: usize,
}

impl<'r> Residual<'r, f32> {
    fn read(w: MatrixView<'r, f32>, x: Arg<'r, 'r, f32>, from: &Arrays<'_, 'r>) -> Result<Self, Error> {
        matrix("w", w)?;
        Ok(Residual { w, n: rows("x", x.dims(), w.cols)?, x: from.kept(x)? })
    }
}

impl<'r, R: Real> Residual<'r, R> {
    fn forward(
        w: MatrixView<'r, R>,
        x: Arg<'r, '_, R>,
        accumulate: bool,
        y: &mut [R],
        saved: &mut Arena<'r, R>,
    ) -> Result<Self, Error> {
        let n = rows("x", x.dims(), w.cols)?;
        times_transposed([n, w.rows, w.cols], numbers("x", x)?, matrix("w", w)?, accumulate, y)?;
        Ok(Residual { w, x: x.keep(saved), n })
    }

    fn backward(self, c: &[R], grad: &mut Gradient<R>, mut slot: Slot<'_, R>) -> Result<(), Error> {
        let sizes = [self.n, self.w.rows, self.w.cols];
        length("cotangent", self.n.saturating_mul(self.w.rows), c.len())?;
        slot_length("x", &slot, self.x.len())?;
        times_into(sizes, c, self.w.values, &mut slot)?;
        grad.add_outer(sizes, R::ONE, c, self.x)
    }
}

impl Primitive for linear {
    const SIG: Sig = Sig::new("(o i), (.. i) -> (.. o)");
    const KEEPS: &'static [bool] = &[true, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (w, x): (MatrixView<'r, R>, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Residual::forward(w, x, false, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (w, x): (&mut Gradient<R>, Slot<'_, R>),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, w, x)
    }
}

impl Primitive for linear_bias {
    const SIG: Sig = Sig::new("(o i), (o), (.. i) -> (.. o)");
    const KEEPS: &'static [bool] = &[true, false, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, &'r [R], Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, &'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (w, b, x): (MatrixView<'r, R>, &'r [R], Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        length("b", w.rows, b.len())?;
        length("result", rows("x", x.dims(), w.cols)?.saturating_mul(w.rows), y.len())?;
        for y in y.chunks_mut(w.rows.max(1)) {
            y.copy_from_slice(&b[..y.len()]);
        }
        Residual::forward(w, x, true, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (w, b, x): (&mut Gradient<R>, &mut Gradient<R>, Slot<'_, R>),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        let o = residual.w.rows;
        residual.backward(c, w, x)?;
        if let Some(b) = b.dense(o)? {
            for c in c.chunks_exact(o.max(1)) {
                add_into(b, c);
            }
        }
        Ok(())
    }
}

impl PortableOp for linear {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((w, x): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read(w, x, from)
    }
}

impl PortableOp for linear_bias {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>(
        (w, _, x): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read(w, x, from)
    }
}
