//! The same functions on memory that is kept.

use alloc::vec::Vec;

use super::passes::{Duals, gradient, one_result, pullback};
use super::{Function, Jacobian};
use crate::Error;
use crate::real::{Dual, Real};

/// A function with the memory of its derivatives: what the free functions compute, again and again.
///
/// Results are lent until the next call. Nothing is allocated from the third call of a kind on, for [`Model`](super::Model)s,
/// formulas that allocate nothing themselves, and [`Then`](super::Then) and [`Grad`](super::Grad) of these; an
/// [`Op`](super::Op) allocates. Size checks and errors are those of the free functions.
///
/// ```
/// use barewire_core::autodiff::Derivatives;
/// use barewire_core::formula;
///
/// let bowl = formula!(for<R> |[x, y]| [x * x + y * y * y * y]);
/// let (mut of, mut at) = (Derivatives::new(&bowl), [3.0_f64, 1.0]);
/// for _ in 0..100 {
///     let (_, g) = of.value_and_grad(&at)?;
///     at = [at[0] - 0.1 * g[0], at[1] - 0.1 * g[1]];
/// }
/// assert!(of.value_and_grad(&at)?.0 < 1e-2);
/// # Ok::<(), barewire_core::Error>(())
/// ```
pub struct Derivatives<'f, F: Function<R> + Function<Dual<R>>, R: Real> {
    f: &'f F,
    memory: <F as Function<R>>::Memory,
    dual_memory: <F as Function<Dual<R>>>::Memory,
    duals: Duals<R>,
    y: Vec<R>,
    g: Vec<R>,
}

impl<'f, F: Function<R> + Function<Dual<R>>, R: Real> Derivatives<'f, F, R> {
    /// Memory comes with the first call.
    pub fn new(f: &'f F) -> Self {
        Derivatives {
            f,
            memory: Default::default(),
            dual_memory: Default::default(),
            duals: Duals::default(),
            y: Vec::new(),
            g: Vec::new(),
        }
    }

    /// As [`value`](super::value()).
    ///
    /// # Errors
    /// As there.
    pub fn value(&mut self, x: &[R]) -> Result<&[R], Error> {
        self.f.run(x, &mut self.y, &mut self.memory)?;
        Ok(&self.y)
    }

    /// As [`value_and_grad`](super::value_and_grad).
    ///
    /// # Errors
    /// As there.
    pub fn value_and_grad(&mut self, x: &[R]) -> Result<(R, &[R]), Error> {
        let value = gradient(self.f, x, &mut self.g, &mut self.memory)?;
        Ok((value, &self.g))
    }

    /// As [`value_and_vjp`](super::value_and_vjp).
    ///
    /// # Errors
    /// As there.
    pub fn value_and_vjp(&mut self, x: &[R], w: &[R]) -> Result<(&[R], &[R]), Error> {
        pullback(self.f, x, w, &mut self.y, &mut self.g, &mut self.memory)?;
        Ok((&self.y, &self.g))
    }

    /// As [`value_and_jvp`](super::value_and_jvp).
    ///
    /// # Errors
    /// As there.
    pub fn value_and_jvp(&mut self, x: &[R], v: &[R]) -> Result<(&[R], &[R]), Error> {
        self.duals.along(x, v)?;
        self.duals.push_forward(self.f, &mut self.dual_memory)?;
        Ok(self.parted())
    }

    /// As [`value_and_hvp`](super::value_and_hvp), with the gradient, which costs nothing more: `(f, ∇f, H v)`.
    ///
    /// # Errors
    /// As there.
    pub fn value_grad_and_hvp(&mut self, x: &[R], v: &[R]) -> Result<(R, &[R], &[R]), Error> {
        self.duals.along(x, v)?;
        let value = self.duals.forward_over_reverse(self.f, &mut self.dual_memory)?;
        let (g, product) = self.parted();
        Ok((value, g, product))
    }

    /// As [`value_and_jacobian`](super::value_and_jacobian), into a matrix that is resized.
    ///
    /// # Errors
    /// As there.
    pub fn value_and_jacobian(&mut self, x: &[R], jacobian: &mut Jacobian<R>) -> Result<&[R], Error> {
        self.f.run(x, &mut self.y, &mut self.memory)?;
        jacobian.resize(self.y.len(), x.len());
        if x.len() <= self.y.len() {
            for i in 0..x.len() {
                self.duals.along_axis(x, i);
                self.duals.push_forward(self.f, &mut self.dual_memory)?;
                jacobian.set_column(i, self.duals.y.iter().map(|y| y.tangent));
            }
        } else {
            for i in 0..self.y.len() {
                let axis = &mut |_: &[R], w: &mut [R]| {
                    w.iter_mut().skip(i).take(1).for_each(|w| *w = R::ONE);
                    Ok(())
                };
                self.f.pull(x, axis, &mut self.g, &mut self.memory)?;
                jacobian.set_row(i, &self.g);
            }
        }
        Ok(&self.y)
    }

    /// As [`value_and_hessian`](super::value_and_hessian), into a matrix that is resized.
    ///
    /// # Errors
    /// As there.
    pub fn value_and_hessian(&mut self, x: &[R], hessian: &mut Jacobian<R>) -> Result<R, Error> {
        hessian.resize(x.len(), x.len());
        let mut value = None;
        for i in 0..x.len() {
            self.duals.along_axis(x, i);
            value = Some(self.duals.forward_over_reverse(self.f, &mut self.dual_memory)?);
            hessian.set_column(i, self.duals.y.iter().map(|g| g.tangent));
        }
        match value {
            Some(value) => Ok(value),
            // no argument, no pass
            None => self.value(x).and_then(one_result),
        }
    }

    /// Values and tangents of the dual results, apart.
    fn parted(&mut self) -> (&[R], &[R]) {
        self.y.clear();
        self.g.clear();
        self.y.extend(self.duals.y.iter().map(|y| y.value));
        self.g.extend(self.duals.y.iter().map(|y| y.tangent));
        (&self.y, &self.g)
    }
}
