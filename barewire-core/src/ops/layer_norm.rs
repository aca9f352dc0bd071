//! Layer normalisation.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::{Overwritten, add_to_gradient, length, numbers, sum_over};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::workspace::Arena;

/// Layer normalisation: `y = w ⊙ (x - m) r + b`, `m = mean(x)`, `r = 1 / sqrt(mean((x - m)²) + eps)`, row by row.
///
/// | name   | shape     | range or unit                          |
/// |--------|-----------|----------------------------------------|
/// | `x`    | `[.., d]` | any                                    |
/// | `w`    | `[d]`     | weight of each channel                 |
/// | `b`    | `[d]`     | bias of each channel                   |
/// | `eps`  | `[]`      | unit of `x²`, such as 1e-5; a constant |
/// | result | `[.., d]` | as `w`                                 |
///
/// VJP, with `u = (x - m) r` and `g = w ⊙ ȳ`: `x̄ = r (g - mean(g) - u mean(g ⊙ u))`, `w̄ += Σ ȳ ⊙ u`, `b̄ += Σ ȳ`.
///
/// Sums run in 16 lanes and then in a fixed order: the bits are the same on every instruction set.
///
/// Residual: borrows `x` and `w`, and keeps `m` and `r`, two numbers a row.
///
/// # Errors
/// `Shape` names the argument that does not fit.
///
/// Source: Ba, Kiros & Hinton, "Layer Normalization" (2016), equation 3.
#[allow(non_camel_case_types)]
pub struct layer_norm;

/// What [`layer_norm`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    x: &'r [R],
    w: &'r [R],
    /// `m` and `r` of each row
    rows: &'r [R],
}

impl Primitive for layer_norm {
    const SIG: Sig = Sig::new("(.. d), (d), (d), () -> (.. d)");
    const KEEPS: &'static [bool] = &[true, true, false, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, &'r [R], &'r [R], R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut Gradient<R>, &'a mut Gradient<R>, &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x, w, b, eps): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let d = x.dims().last();
        let data = numbers("x", x)?;
        length("w", d, w.len())?;
        length("b", d, b.len())?;
        length("result", data.len(), y.len())?;
        let rows = saved.take(2 * data.len().checked_div(d).unwrap_or(0));
        vectorize(Isa::best(), Forward { x: data, w, b, eps, y, rows: &mut *rows });
        Ok(Residual { x: x.keep(saved), w, rows })
    }

    fn vjp<R: Real>(
        Residual { x, w, rows }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (slot, w_grad, b_grad, _): Self::Cots<'_, R>,
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent", x.len(), c.len())?;
        let x_cot = Overwritten::new("x", slot, x.len(), &mut scratch)?;
        let [w_cot, b_cot] = [(); 2].map(|()| scratch.take_zeros(w.len()));
        let (to, sums) = (&mut *x_cot.values, [&mut *w_cot, &mut *b_cot]);
        vectorize(Isa::best(), Backward { x, w, rows, c, x_cot: to, sums });
        x_cot.finish();
        add_to_gradient(w_grad, w_cot)?;
        add_to_gradient(b_grad, b_cot)?;
        Ok(())
    }
}

impl PortableOp for layer_norm {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("rows", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.rows);
    }
    fn read<'r>(
        (x, w, ..): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let d = x.dims().last();
        length("w", d, w.len())?;
        let x = from.kept(x)?;
        Ok(Residual { x, w, rows: from.floats(2 * x.len().checked_div(d).unwrap_or(0))? })
    }
}

struct Forward<'a, R> {
    x: &'a [R],
    w: &'a [R],
    b: &'a [R],
    eps: R,
    y: &'a mut [R],
    rows: &'a mut [R],
}

impl<R: Real> Kernel for Forward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = self.w.len().max(1);
        let share = R::of(1.0 / d as f64);
        let rows = self.rows.as_chunks_mut::<2>().0;
        for ((x, y), row) in self.x.chunks_exact(d).zip(self.y.chunks_exact_mut(d)).zip(rows) {
            let mean = sum_over([x], |[x]| x) * share;
            let variance = sum_over([x], |[x]| (x - mean) * (x - mean)) * share;
            let r = R::ONE / (variance + self.eps).sqrt();
            *row = [mean, r];
            for (((y, &x), &w), &b) in y.iter_mut().zip(x).zip(self.w).zip(self.b) {
                *y = (x - mean) * r * w + b;
            }
        }
    }
}

struct Backward<'a, R> {
    x: &'a [R],
    w: &'a [R],
    rows: &'a [R],
    c: &'a [R],
    x_cot: &'a mut [R],
    /// of `w` and `b`
    sums: [&'a mut [R]; 2],
}

impl<R: Real> Kernel for Backward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = self.w.len().max(1);
        let share = R::of(1.0 / d as f64);
        let [w_cot, b_cot] = self.sums;
        let arrays = self.x.chunks_exact(d).zip(self.c.chunks_exact(d)).zip(self.x_cot.chunks_exact_mut(d));
        for (((x, c), x_cot), &[mean, r]) in arrays.zip(self.rows.as_chunks::<2>().0) {
            let g = sum_over([self.w, c], |[w, c]| w * c) * share;
            let gu = sum_over([self.w, c, x], |[w, c, x]| w * c * ((x - mean) * r)) * share;
            for (((x_cot, &x), &w), &c) in x_cot.iter_mut().zip(x).zip(self.w).zip(c) {
                *x_cot = r * ((w * c - g) - (x - mean) * r * gu);
            }
            for (((w_cot, b_cot), &x), &c) in w_cot.iter_mut().zip(&mut *b_cot).zip(x).zip(c) {
                *w_cot += c * ((x - mean) * r);
                *b_cot += c;
            }
        }
    }
}
