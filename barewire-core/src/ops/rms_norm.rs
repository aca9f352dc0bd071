//! Root-mean-square normalisation.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::{dot, length, numbers, slot_length, sum_over};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::shape::Sig;
use crate::workspace::Arena;

/// Root-mean-square normalisation with a weight: `y = w ⊙ x · r`, `r = 1 / sqrt(mean(x²) + eps)`, row by row.
///
/// | name   | shape     | range or unit                                   |
/// |--------|-----------|-------------------------------------------------|
/// | `x`    | `[.., d]` | any                                             |
/// | `w`    | `[d]`     | weight of each channel                          |
/// | `eps`  | `[]`      | unit of `x²`, such as 1e-6; a constant          |
/// | result | `[.., d]` | as `w`                                          |
///
/// VJP, with `g = w ⊙ ȳ`: `x̄ = r g - x r³ mean(x ⊙ g)`, `w̄ += Σ x r ⊙ ȳ`. `eps` gets no gradient.
///
/// Sums run in 16 lanes and then in a fixed order: the bits are the same on every instruction set.
///
/// Residual: borrows `x` and `w`, and keeps `r`, one number a row.
///
/// # Errors
/// `Shape` names the argument that does not fit.
///
/// Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.
#[allow(non_camel_case_types)]
pub struct rms_norm;

/// [`rms_norm`] without a weight: `y = x / sqrt(mean(x²) + eps)`, row by row.
///
/// | name   | shape     | range or unit                          |
/// |--------|-----------|----------------------------------------|
/// | `x`    | `[.., d]` | any                                    |
/// | `eps`  | `[]`      | unit of `x²`, such as 1e-6; a constant |
/// | result | `[.., d]` | mean square near 1                     |
///
/// Residual: borrows `x`, and keeps `r`, one number a row.
///
/// # Errors
/// `Shape` if lengths do not fit.
#[allow(non_camel_case_types)]
pub struct rms_normalize;

/// What [`rms_norm`] and [`rms_normalize`] keep.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    x: &'r [R],
    /// empty for [`rms_normalize`]
    w: &'r [R],
    r: &'r [R],
    eps: R,
    d: usize,
}

impl<'r, R: Real> Residual<'r, R> {
    fn forward(
        x: Arg<'r, '_, R>,
        w: &'r [R],
        used: &[R],
        eps: R,
        y: &mut [R],
        saved: &mut Arena<'r, R>,
    ) -> Result<Self, Error> {
        let d = x.dims().last();
        let data = numbers("x", x)?;
        length("w", d, used.len())?;
        length("result", data.len(), y.len())?;
        let r = saved.take(data.len().checked_div(d).unwrap_or(0));
        vectorize(Isa::best(), Forward { x: data, w: used, eps, y, r });
        Ok(Residual { x: x.keep(saved), w, r, eps, d })
    }

    fn backward(self, w: &[R], c: &[R], x_cot: Slot<'_, R>, w_cot: Option<&mut [R]>) -> Result<(), Error> {
        let Residual { x, r, eps, .. } = self;
        length("cotangent", x.len(), c.len())?;
        slot_length("x", &x_cot, x.len())?;
        vectorize(Isa::best(), Backward { x, w, r, eps, c, x_cot, w_cot });
        Ok(())
    }
}

impl Primitive for rms_norm {
    const SIG: Sig = Sig::new("(.. d), (d), () -> (.. d)");
    const KEEPS: &'static [bool] = &[true, true, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, &'r [R], R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut Gradient<R>, &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x, w, eps): (Arg<'r, '_, R>, &'r [R], R),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Residual::forward(x, w, w, eps, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (x, w, _): (Slot<'_, R>, &mut Gradient<R>, &mut R),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(residual.w, c, x, w.dense(residual.d))
    }
}

impl Primitive for rms_normalize {
    const SIG: Sig = Sig::new("(.. d), () -> (.. d)");
    const KEEPS: &'static [bool] = &[true, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x, eps): (Arg<'r, '_, R>, R),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Residual::forward(x, &[], ones(x.dims().last(), &mut scratch), eps, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (x, _): (Slot<'_, R>, &mut R),
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(ones(residual.d, &mut scratch), c, x, None)
    }
}

/// The weight of a norm without one. Multiplication by 1 is exact and costs less here than a second copy of the loops.
fn ones<'s, R: Real>(d: usize, scratch: &mut Arena<'s, R>) -> &'s [R] {
    let ones = scratch.take(d);
    ones.fill(R::ONE);
    ones
}

struct Forward<'a, R> {
    x: &'a [R],
    w: &'a [R],
    eps: R,
    y: &'a mut [R],
    r: &'a mut [R],
}

impl<R: Real> Kernel for Forward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = self.w.len().max(1);
        let per_element = R::of(1.0 / d as f64);
        for ((x, y), r_out) in self.x.chunks_exact(d).zip(self.y.chunks_exact_mut(d)).zip(self.r) {
            let r = R::ONE / (dot(x, x) * per_element + self.eps).sqrt();
            *r_out = r;
            for ((y, &x), &w) in y.iter_mut().zip(x).zip(self.w) {
                *y = x * r * w;
            }
        }
    }
}

struct Backward<'a, R> {
    x: &'a [R],
    w: &'a [R],
    r: &'a [R],
    eps: R,
    c: &'a [R],
    x_cot: Slot<'a, R>,
    w_cot: Option<&'a mut [R]>,
}

impl<R: Real> Kernel for Backward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(mut self) {
        let d = self.w.len().max(1);
        let per_element = R::of(1.0 / d as f64);
        for (row, ((x, c), &r)) in self.x.chunks_exact(d).zip(self.c.chunks_exact(d)).zip(self.r).enumerate() {
            let sum = sum_over([x, self.w, c], |[x, w, c]| x * (w * c));
            let cube = r * r * r;
            // with one channel the two terms cancel but for eps: rounding would be all that is left of them
            let (gain, k) = if d == 1 { (cube * self.eps, R::ZERO) } else { (r, cube * (sum * per_element)) };
            let element = |x: R, w: R, c: R| gain * (w * c) - x * k;
            let at = row * d;
            match &mut self.x_cot {
                Slot::Skip => {}
                Slot::Write(g) => {
                    for (((g, &x), &w), &c) in g[at..at + d].iter_mut().zip(x).zip(self.w).zip(c) {
                        *g = element(x, w, c);
                    }
                }
                Slot::Add(g) => {
                    for (((g, &x), &w), &c) in g[at..at + d].iter_mut().zip(x).zip(self.w).zip(c) {
                        *g += element(x, w, c);
                    }
                }
            }
            if let Some(w_cot) = &mut self.w_cot {
                for ((g, &x), &c) in w_cot.iter_mut().zip(x).zip(c) {
                    *g += x * r * c;
                }
            }
        }
    }
}
