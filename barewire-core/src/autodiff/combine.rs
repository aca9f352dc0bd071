//! Functions made of functions.

use alloc::vec::Vec;

use super::passes::{Duals, gradient};
use super::{Cotangents, Function};
use crate::Error;
use crate::real::{Dual, Real};

/// `x -> second(first(x))`, such as a model and the loss of its results.
///
/// ```
/// use barewire_core::autodiff::{Then, grad};
/// use barewire_core::formula;
/// use barewire_core::real::Real;
///
/// let polar = formula!(for<R> |[r, angle]| [r * angle.cos(), r * angle.sin()]);
/// let height = formula!(for<R> |[_x, y]| [y * y]);
/// assert_eq!(grad(&Then(&polar, &height), &[3.0_f64, 0.0])?, [0.0, 0.0]);
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Then<'f, A, B>(
    /// the first one
    pub &'f A,
    /// the one that takes its results
    pub &'f B,
);

/// Memory of [`Then`].
pub struct ThenMemory<A, B, R> {
    first: A,
    second: B,
    u: Vec<R>,
    u_cot: Vec<R>,
}

impl<A: Default, B: Default, R> Default for ThenMemory<A, B, R> {
    fn default() -> Self {
        ThenMemory { first: A::default(), second: B::default(), u: Vec::new(), u_cot: Vec::new() }
    }
}

impl<R: Real, A: Function<R>, B: Function<R>> Function<R> for Then<'_, A, B> {
    type Memory = ThenMemory<A::Memory, B::Memory, R>;

    fn run(&self, x: &[R], y: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error> {
        self.0.run(x, &mut memory.u, &mut memory.first)?;
        self.1.run(&memory.u, y, &mut memory.second)
    }

    fn pull(&self, x: &[R], cot: Cotangents<'_, R>, g: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error> {
        let ThenMemory { first, second, u_cot, .. } = memory;
        let between = &mut |u: &[R], to: &mut [R]| {
            self.1.pull(u, &mut *cot, u_cot, second)?;
            super::passes::same_size("cotangent", to.len(), u_cot.len())?;
            to.copy_from_slice(u_cot);
            Ok(())
        };
        self.0.pull(x, between, g, first)
    }
}

/// The gradient of a function with one result, as a function: `jacobian(&Grad(&f), x)` is the Hessian, `Grad(&Grad(..))` goes
/// on, and an inner gradient step of meta-learning is made of it.
///
/// Backward it is a Hessian-vector product, forward over reverse, which is right where second derivatives are symmetric:
/// everywhere but with straight-through and surrogate rules.
#[derive(Debug)]
pub struct Grad<'f, F>(
    /// the function
    pub &'f F,
);

/// Memory of [`Grad`].
pub struct GradMemory<A, B, R> {
    plain: A,
    dual: B,
    duals: Duals<R>,
    y: Vec<R>,
    w: Vec<R>,
}

impl<A: Default, B: Default, R> Default for GradMemory<A, B, R> {
    fn default() -> Self {
        GradMemory { plain: A::default(), dual: B::default(), duals: Duals::default(), y: Vec::new(), w: Vec::new() }
    }
}

impl<R: Real, F: Function<R> + Function<Dual<R>>> Function<R> for Grad<'_, F> {
    type Memory = GradMemory<<F as Function<R>>::Memory, <F as Function<Dual<R>>>::Memory, R>;

    fn run(&self, x: &[R], y: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error> {
        gradient(self.0, x, y, &mut memory.plain).map(drop)
    }

    fn pull(&self, x: &[R], cot: Cotangents<'_, R>, g: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error> {
        let GradMemory { plain, dual, duals, y, w } = memory;
        gradient(self.0, x, y, plain)?;
        w.clear();
        w.resize(y.len(), R::ZERO);
        cot(y, w)?;
        duals.along(x, w)?;
        duals.forward_over_reverse(self.0, dual)?;
        g.clear();
        g.extend(duals.y.iter().map(|g| g.tangent));
        Ok(())
    }
}
