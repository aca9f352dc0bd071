//! Linear layer with codes of 2 to 8 bits.

use super::packed::{self, Codes};
use super::support::{dot_rows, length, numbers, put_scaled, rows, slot_length};
use crate::Error;
use crate::gradient::QuantizedGrad;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::QuantizedView;
use crate::workspace::Arena;

/// Linear layer with codes of 2 to 8 bits, a scale and a zero point: `y = scale · (Q - zero) x`.
///
/// | name     | shape     | range or unit                              |
/// |----------|-----------|--------------------------------------------|
/// | `values` | `[o, i]`  | packed codes with their `scale` and `zero` |
/// | `x`      | `[.., i]` | any; f32-grade, not int8                   |
/// | result   | `[.., o]` | `scale · x`                                |
///
/// VJP: `x̄ = scale · (Q - zero)ᵀ ȳ`; `s̄cale += Σ ⟨(Q - zero)ᵀ ȳ, x⟩`; `z̄ero -= scale · Σ (Σ ȳ)(Σ x)` over rows; the
/// signal of the codes is `scale · ȳ xᵀ`, as if they were continuous.
///
/// Residual: borrows `values` and `x`.
///
/// # Errors
/// `Shape` names the argument that does not fit.
#[allow(non_camel_case_types)]
pub struct quantized_linear;

/// What [`quantized_linear`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    values: QuantizedView<'r, R>,
    x: &'r [R],
    n: usize,
}

/// The codes less the nearest whole zero point, which the kernels take, and the rest of the zero point.
fn centred<R: Real>(values: QuantizedView<'_, R>) -> (Codes<'_>, R) {
    let QuantizedView { rows, cols, bits, zero, words, .. } = values;
    // saturates, and takes NaN to 0: the rest is then what is exact
    let whole = zero.value().round() as u8;
    (Codes { rows, cols, bits, zero: whole, words }, zero - R::of(whole.into()))
}

/// `y[t, ..] -= by · Σ x[t, ..]`
fn subtract_sums<R: Real>(x: &[R], x_size: usize, by: R, y: &mut [R], y_size: usize) {
    for (x, y) in x.chunks_exact(x_size.max(1)).zip(y.chunks_exact_mut(y_size.max(1))) {
        let less = by * sum(x);
        y.iter_mut().for_each(|y| *y -= less);
    }
}

fn sum<R: Real>(x: &[R]) -> R {
    x.iter().fold(R::ZERO, |sum, &x| sum + x)
}

impl Primitive for quantized_linear {
    const SIG: Sig = Sig::new("(o i), (.. i) -> (.. o)");
    const KEEPS: &'static [bool] = &[true, true];
    type Args<'r, 'a, R: Real> = (QuantizedView<'r, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut QuantizedGrad<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (values, x): (QuantizedView<'r, R>, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let n = rows("x", x.dims(), values.cols)?;
        let data = numbers("x", x)?;
        let (codes, rest) = centred(values);
        packed::forward(codes, data, n, y, scratch)?;
        subtract_sums(data, values.cols, rest, y, values.rows);
        y.iter_mut().for_each(|y| *y *= values.scale);
        Ok(Residual { values, x: x.keep(saved), n })
    }

    fn vjp<R: Real>(
        Residual { values, x, n }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (grad, mut x_cot): (&mut QuantizedGrad<R>, Slot<'_, R>),
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let (o, i) = (values.rows, values.cols);
        length("cotangent", n.saturating_mul(o), c.len())?;
        slot_length("x", &x_cot, x.len())?;
        let (codes, rest) = centred(values);
        let back = scratch.take(x.len());
        packed::transposed(codes, c, n, back, scratch)?;
        subtract_sums(c, o, rest, back, i);
        grad.scale += dot_rows(back, x, i);
        for (c, x) in c.chunks_exact(o.max(1)).zip(x.chunks_exact(i.max(1))) {
            grad.zero -= values.scale * sum(c) * sum(x);
        }
        put_scaled(&mut x_cot, back, values.scale);
        grad.signal.add_outer([n, o, i], values.scale, c, x)
    }
}

impl PortableOp for quantized_linear {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>(
        (values, x): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Ok(Residual { values, n: rows("x", x.dims(), values.cols)?, x: from.kept(x)? })
    }
}
