//! Discretisation of a continuous diagonal system.

use super::support::{Overwritten, batch_time_d, length, shaped};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::workspace::Arena;

/// The steps of a continuous diagonal system, as in Mamba: `a_bar = exp(delta a)` (zero-order hold) and
/// `bx = delta b x` (Euler), for a recurrence `h[t] = a_bar[t] ⊙ h[t-1] + bx[t]`.
///
/// | name     | shape                 | range or unit                        |
/// |----------|-----------------------|--------------------------------------|
/// | `delta`  | `[batch, time, d]`    | time step, above 0                   |
/// | `a`      | `[d, n]`              | log of the decay in unit time        |
/// | `b`      | `[batch, time, n]`    | input weight                         |
/// | `x`      | `[batch, time, d]`    | any                                  |
/// | results  | `[batch, time, d, n]` | `a_bar`, in (0, 1] if `a` is below 0; `bx` |
///
/// [`selective_scan`](super::selective_scan) does this and the recurrence without forming arrays of this size.
///
/// VJP, with `g` and `h` the cotangents of the results: `d̄elta = Σ_n g a_bar a + h b x`, `ā += g a_bar delta`,
/// `b̄ = Σ_d h delta x`, `x̄ = Σ_n h delta b`.
///
/// Residual: borrows the arguments, reads the results.
///
/// # Errors
/// `Shape` names the argument that does not fit.
///
/// Source: Gu & Dao, "Mamba" (2023), section 2, equation 4, and the published code for `bx`.
#[allow(non_camel_case_types)]
pub struct discretise;

/// What [`discretise`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    delta: &'r [R],
    a: &'r [R],
    b: &'r [R],
    x: &'r [R],
    d: usize,
    n: usize,
}

impl Primitive for discretise {
    const SIG: Sig =
        Sig::new("(batch time d), (d n), (batch time n), (batch time d) -> (batch time d n), (batch time d n)");
    const KEEPS: &'static [bool] = &[true; 4];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, Slot<'a, R>);
    type Out<T> = [T; 2];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (delta, a, b, x): Self::Args<'r, '_, R>,
        [a_bar, bx]: [&mut [R]; 2],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let [batch, time, d] = batch_time_d("delta", delta.dims())?;
        let n = a.dims().last();
        shaped("delta", delta, &[batch, time, d])?;
        shaped("a", a, &[d, n])?;
        shaped("b", b, &[batch, time, n])?;
        shaped("x", x, &[batch, time, d])?;
        length("a_bar", batch * time * d * n, a_bar.len())?;
        length("bx", a_bar.len(), bx.len())?;
        let [delta, a, b, x] = [delta, a, b, x].map(|arg| arg.keep(saved));
        let residual = Residual { delta, a, b, x, d, n };
        residual.each(|at, [i, k, j]| {
            a_bar[i] = (delta[at] * a[k]).exp();
            bx[i] = delta[at] * b[j] * x[at];
        });
        Ok(residual)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        [a_bar, _]: [&[R]; 2],
        [g, h]: [&[R]; 2],
        (delta, a, b, x): Self::Cots<'_, R>,
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let len = residual.delta.len() * residual.n;
        length("a_bar", len, a_bar.len())?;
        length("cotangent of a_bar", len, g.len())?;
        length("cotangent of bx", len, h.len())?;
        let delta = Overwritten::new("delta", delta, residual.delta.len(), &mut scratch)?;
        let a = Overwritten::new("a", a, residual.a.len(), &mut scratch)?;
        let b = Overwritten::new("b", b, residual.b.len(), &mut scratch)?;
        let x = Overwritten::new("x", x, residual.x.len(), &mut scratch)?;
        for cot in [&mut *delta.values, &mut *a.values, &mut *b.values, &mut *x.values] {
            cot.fill(R::ZERO);
        }
        let r = residual;
        r.each(|at, [i, k, j]| {
            let decayed = g[i] * a_bar[i];
            delta.values[at] += decayed * r.a[k] + h[i] * r.b[j] * r.x[at];
            a.values[k] += decayed * r.delta[at];
            b.values[j] += h[i] * r.delta[at] * r.x[at];
            x.values[at] += h[i] * r.delta[at] * r.b[j];
        });
        [delta, a, b, x].into_iter().for_each(Overwritten::finish);
        Ok(())
    }
}

impl PortableOp for discretise {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>(
        (delta, a, b, x): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let (d, n) = (delta.dims().last(), a.dims().last());
        let [delta, a, b, x] = [from.kept(delta)?, from.kept(a)?, from.kept(b)?, from.kept(x)?];
        Ok(Residual { delta, a, b, x, d, n })
    }
}

impl<R> Residual<'_, R> {
    /// `f(at, [i, k, j])` for every element `i` of the results: `at` in `delta` and `x`, `k` in `a`, `j` in `b`.
    fn each(&self, mut f: impl FnMut(usize, [usize; 3])) {
        let (d, n) = (self.d, self.n);
        for at in 0..self.delta.len() {
            for state in 0..n {
                f(at, [at * n + state, at % d * n + state, at / d * n + state]);
            }
        }
    }
}
