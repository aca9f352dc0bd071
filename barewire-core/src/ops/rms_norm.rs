//! Root-mean-square normalisation.

use barewire_kernels::rms_norm as kernel;

use super::support::{Overwritten, add_to_gradient, f32s, f32s_mut, length, numbers, with_kernel_scratch};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
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
/// With `f32` a row's sum keeps 32 partial sums in a fixed order ([the kernel](barewire_kernels::rms_norm) has the bounds): a step,
/// a chunk and a whole sequence give the same bits.
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
    /// none of [`rms_normalize`]
    w: Option<&'r [R]>,
    r: &'r [R],
    eps: R,
}

impl<'r> Residual<'r, f32> {
    fn read(x: Arg<'r, 'r, f32>, w: Option<&'r [f32]>, eps: f32, from: &mut Arrays<'_, 'r>) -> Result<Self, Error> {
        let d = x.dims().last();
        length("w", d, w.map_or(d, <[f32]>::len))?;
        let x = from.kept(x)?;
        Ok(Residual { x, w, r: from.floats(x.len().checked_div(d).unwrap_or(0))?, eps })
    }
}

impl<'r, R: Real> Residual<'r, R> {
    fn forward(
        x: Arg<'r, '_, R>,
        w: Option<&'r [R]>,
        eps: R,
        y: &mut [R],
        saved: &mut Arena<'r, R>,
    ) -> Result<Self, Error> {
        let d = x.dims().last();
        let data = numbers("x", x)?;
        length("w", d, w.map_or(d, <[R]>::len))?;
        length("result", data.len(), y.len())?;
        let r = saved.take(data.len().checked_div(d).unwrap_or(0));
        forward(data, w, eps, y, r)?;
        Ok(Residual { x: x.keep(saved), w, r, eps })
    }

    fn backward(
        self,
        c: &[R],
        slot: Slot<'_, R>,
        w_grad: Option<&mut Gradient<R>>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent", self.x.len(), c.len())?;
        let x_cot = Overwritten::new("x", slot, self.x.len(), &mut scratch)?;
        let w_cot = scratch.take_zeros(w_grad.as_ref().and(self.w).map_or(0, <[R]>::len));
        self.cotangents(c, x_cot.values, w_cot)?;
        x_cot.finish();
        if let Some(gradient) = w_grad {
            add_to_gradient(gradient, w_cot)?;
        }
        Ok(())
    }

    /// Writes the cotangents of `x` and, if it is not empty, of `w`, which holds zeros.
    fn cotangents(self, c: &[R], x_cot: &mut [R], w_cot: &mut [R]) -> Result<(), Error> {
        let Residual { x, w, r, eps } = self;
        if let (Some([x, r, c, weight]), Some([x_cot, w_cot])) =
            (f32s([x, r, c, w.unwrap_or_default()]), f32s_mut([&mut *x_cot, &mut *w_cot]))
        {
            let (rows, d) = (r.len(), x.len().checked_div(r.len()).unwrap_or(weight.len()));
            let w_cot = (!w_cot.is_empty()).then_some(w_cot);
            let (w, eps) = (w.map(|_| weight), eps.value() as f32);
            return Ok(with_kernel_scratch(|s| kernel::backward(x, w, r, c, rows, d, eps, x_cot, w_cot, s))?);
        }
        let d = x.len().checked_div(r.len()).unwrap_or(1).max(1);
        let weight = |k: usize| w.map_or(R::ONE, |w| w[k]);
        for (row, &r) in r.iter().enumerate() {
            let (x, c) = (&x[row * d..][..d], &c[row * d..][..d]);
            let mean = (0..d).fold(R::ZERO, |sum, k| sum + x[k] * weight(k) * c[k]) * R::of(1.0 / d as f64);
            let cube = r * r * r;
            // with one channel the two terms cancel but for eps: rounding would be all that is left of them
            let (gain, pull) = if d == 1 { (cube * eps, R::ZERO) } else { (r, cube * mean) };
            for k in 0..d {
                x_cot[row * d + k] = gain * weight(k) * c[k] - x[k] * pull;
                if let Some(w_cot) = w_cot.get_mut(k) {
                    *w_cot += x[k] * r * c[k];
                }
            }
        }
        Ok(())
    }
}

/// `y = w ⊙ x r`, and `r` of each row.
fn forward<R: Real>(x: &[R], w: Option<&[R]>, eps: R, y: &mut [R], r: &mut [R]) -> Result<(), Error> {
    let rows = r.len();
    let d = x.len().checked_div(rows).unwrap_or(w.map_or(0, <[R]>::len));
    if let (Some([x, weight]), Some([y, r])) = (f32s([x, w.unwrap_or_default()]), f32s_mut([&mut *y, &mut *r])) {
        return Ok(kernel::forward(x, w.map(|_| weight), rows, d, eps.value() as f32, y, r)?);
    }
    for ((x, y), r) in x.chunks_exact(d.max(1)).zip(y.chunks_exact_mut(d.max(1))).zip(r) {
        let squares = x.iter().fold(R::ZERO, |sum, &x| sum + x * x);
        *r = R::ONE / (squares * R::of(1.0 / d as f64) + eps).sqrt();
        for (k, (y, &x)) in y.iter_mut().zip(x).enumerate() {
            *y = x * *r * w.map_or(R::ONE, |w| w[k]);
        }
    }
    Ok(())
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
        Residual::forward(x, Some(w), eps, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (x, w, _): (Slot<'_, R>, &mut Gradient<R>, &mut R),
        _: &mut (),
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, x, Some(w), scratch)
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
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Residual::forward(x, None, eps, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (x, _): (Slot<'_, R>, &mut R),
        _: &mut (),
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, x, None, scratch)
    }
}

impl PortableOp for rms_norm {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("factors", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.r);
    }
    fn read<'r>(
        (x, w, eps): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read(x, Some(w), eps, from)
    }
}

impl PortableOp for rms_normalize {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("factors", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.r);
    }
    fn read<'r>(
        (x, eps): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read(x, None, eps, from)
    }
}
