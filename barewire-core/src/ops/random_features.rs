//! Positive random features of softmax attention.

use super::support::{add_outer, length, matrix, numbers, slot_length, times_into, times_transposed};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::{Dims, Sig};
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// Positive random features: `f(x) = exp(W x - x·x / 2) / sqrt(m)`, whose products estimate `exp(x·x')`.
///
/// | name   | shape             | range or unit                                                                |
/// |--------|-------------------|------------------------------------------------------------------------------|
/// | `w`    | `[m, d]`          | directions, drawn from a standard normal or orthogonal; mark the field `fixed` |
/// | `x`    | `[.., heads * d]` | heads side by side, each of `d`; scaled by `d^-1/4` for softmax attention    |
/// | result | `[.., heads * m]` | above 0                                                                      |
///
/// VJP, with `g = ȳ ⊙ f`: `x̄ = Wᵀ g - x Σ g`, `W̄ += g xᵀ`.
///
/// Residual: borrows `w` and `x`, reads the result.
///
/// # Errors
/// `Shape` names the argument that does not fit.
///
/// Source: Choromanski et al., "Rethinking Attention with Performers" (2020), lemma 1.
#[allow(non_camel_case_types)]
pub struct random_features;

/// What [`random_features`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    w: MatrixView<'r, R>,
    x: &'r [R],
}

impl Primitive for random_features {
    const SIG: Sig = Sig::new("(m d), (.. e) -> (.. f)");
    const KEEPS: &'static [bool] = &[true, true];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn dims(args: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        let ([w, x], [out]) = (args, outs) else {
            return Err(Error::input("2 arguments and 1 result", "others"));
        };
        *out = x.with_last(heads(*x, w.last())? * w.rows());
        Ok(())
    }

    fn forward_saving<'r, R: Real>(
        (w, x): (MatrixView<'r, R>, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let (m, d) = (w.rows, w.cols);
        let n = heads(x.dims(), d)? * x.dims().rows();
        let data = numbers("x", x)?;
        times_transposed([n, m, d], data, matrix("w", w)?, false, y)?;
        let scale = R::of(1.0 / (m.max(1) as f64).sqrt());
        for (x, y) in data.chunks_exact(d.max(1)).zip(y.chunks_exact_mut(m.max(1))) {
            let half = x.iter().fold(R::ZERO, |sum, &x| sum + x * x) * R::of(0.5);
            y.iter_mut().for_each(|y| *y = (*y - half).exp() * scale);
        }
        Ok(Residual { w, x: x.keep(saved) })
    }

    fn vjp<R: Real>(
        Residual { w, x }: Residual<'_, R>,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (w_grad, mut slot): (&mut Gradient<R>, Slot<'_, R>),
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let (m, d) = (w.rows, w.cols);
        let n = x.len().checked_div(d).unwrap_or(0);
        length("result", n * m, y.len())?;
        length("cotangent", n * m, c.len())?;
        slot_length("x", &slot, x.len())?;
        let g = scratch.take(c.len());
        for (g, (&c, &y)) in g.iter_mut().zip(c.iter().zip(y)) {
            *g = c * y;
        }
        times_into([n, m, d], g, w.values, &mut slot)?;
        let rows = x.chunks_exact(d.max(1)).zip(g.chunks_exact(m.max(1)));
        if let Slot::Write(to) | Slot::Add(to) = slot {
            for (to, (x, g)) in to.chunks_exact_mut(d.max(1)).zip(rows) {
                let sum = g.iter().fold(R::ZERO, |sum, &g| sum + g);
                for (to, &x) in to.iter_mut().zip(x) {
                    *to -= x * sum;
                }
            }
        }
        match w_grad.dense(w.values.len())? {
            Some(w_grad) => add_outer([n, m, d], R::ONE, g, x, w_grad),
            None => Ok(()),
        }
    }
}

impl PortableOp for random_features {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((w, x): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        heads(x.dims(), w.cols)?;
        Ok(Residual { w, x: from.kept(x)? })
    }
}

/// How many heads of `d` the last axis of `x` has.
fn heads(x: Dims, d: usize) -> Result<usize, Error> {
    if x.rank() > 0 && d > 0 && x.last().is_multiple_of(d) {
        Ok(x.last() / d)
    } else {
        Err(Error::shape(format!("`x` with a multiple of {d} in its last axis"), format!("{x}")))
    }
}
