//! The functions that JAX and PyTorch users know.

use alloc::vec::Vec;

use super::passes::{gradient, pullback};
use super::{Derivatives, Function, Jacobian};
use crate::Error;
use crate::real::{Dual, Real};

/// `f(x)`.
///
/// # Errors
/// `x` of another size than `f` takes, or what `f` itself refuses.
pub fn value<R: Real, F: Function<R>>(f: &F, x: &[R]) -> Result<Vec<R>, Error> {
    let mut y = Vec::new();
    f.run(x, &mut y, &mut F::Memory::default())?;
    Ok(y)
}

/// The gradient of a function with one result: one pass forward and one backward, whatever the number of arguments.
///
/// # Errors
/// `Shape` if `f` has more results than one or none; as [`value`].
pub fn grad<R: Real, F: Function<R>>(f: &F, x: &[R]) -> Result<Vec<R>, Error> {
    value_and_grad(f, x).map(|(_, g)| g)
}

/// `f(x)` and its gradient, from the same passes.
///
/// # Errors
/// As [`grad`].
pub fn value_and_grad<R: Real, F: Function<R>>(f: &F, x: &[R]) -> Result<(R, Vec<R>), Error> {
    let mut g = Vec::new();
    let value = gradient(f, x, &mut g, &mut F::Memory::default())?;
    Ok((value, g))
}

/// `J(x) v`, the derivative of every result along `v`: one pass forward over dual numbers.
///
/// # Errors
/// `Shape` if `v` is not as long as `x`; as [`value`].
pub fn jvp<R: Real, F: Function<Dual<R>>>(f: &F, x: &[R], v: &[R]) -> Result<Vec<R>, Error> {
    value_and_jvp(f, x, v).map(|(_, tangents)| tangents)
}

/// `f(x)` and `J(x) v`.
///
/// # Errors
/// As [`jvp`].
pub fn value_and_jvp<R: Real, F: Function<Dual<R>>>(f: &F, x: &[R], v: &[R]) -> Result<(Vec<R>, Vec<R>), Error> {
    let mut duals = super::passes::Duals::default();
    duals.along(x, v)?;
    duals.push_forward(f, &mut F::Memory::default())?;
    Ok(duals.y.iter().map(|y| (y.value, y.tangent)).unzip())
}

/// `J(x)ᵀ w`, the gradient of `⟨f(x), w⟩`: one pass forward and one backward. Weights that depend on the results go through
/// [`Function::pull`].
///
/// # Errors
/// `Shape` if there are not as many `w` as results; as [`value`].
pub fn vjp<R: Real, F: Function<R>>(f: &F, x: &[R], w: &[R]) -> Result<Vec<R>, Error> {
    value_and_vjp(f, x, w).map(|(_, g)| g)
}

/// `f(x)` and `J(x)ᵀ w`.
///
/// # Errors
/// As [`vjp`].
pub fn value_and_vjp<R: Real, F: Function<R>>(f: &F, x: &[R], w: &[R]) -> Result<(Vec<R>, Vec<R>), Error> {
    let (mut y, mut g) = (Vec::new(), Vec::new());
    pullback(f, x, w, &mut y, &mut g, &mut F::Memory::default())?;
    Ok((y, g))
}

/// `H(x) v`, the second derivatives of one result along `v`: forward over reverse, so the cost is that of a gradient over
/// dual numbers and no matrix is made.
///
/// # Errors
/// As [`grad`] and [`jvp`].
pub fn hvp<R: Real, F: Function<Dual<R>>>(f: &F, x: &[R], v: &[R]) -> Result<Vec<R>, Error> {
    value_and_hvp(f, x, v).map(|(_, product)| product)
}

/// `f(x)` and `H(x) v`. [`Derivatives::value_grad_and_hvp`] gives the gradient, too.
///
/// # Errors
/// As [`hvp`].
pub fn value_and_hvp<R: Real, F: Function<Dual<R>>>(f: &F, x: &[R], v: &[R]) -> Result<(R, Vec<R>), Error> {
    let mut duals = super::passes::Duals::default();
    duals.along(x, v)?;
    let value = duals.forward_over_reverse(f, &mut F::Memory::default())?;
    Ok((value, duals.y.iter().map(|g| g.tangent).collect()))
}

/// All first derivatives, a row a result. With at most as many arguments as results each column is a [`jvp`] (forward
/// mode), else each row is a [`vjp`] (reverse mode).
///
/// # Errors
/// As [`value`].
pub fn jacobian<R: Real, F: Function<R> + Function<Dual<R>>>(f: &F, x: &[R]) -> Result<Jacobian<R>, Error> {
    value_and_jacobian(f, x).map(|(_, jacobian)| jacobian)
}

/// `f(x)` and all first derivatives.
///
/// # Errors
/// As [`jacobian`].
pub fn value_and_jacobian<R: Real, F: Function<R> + Function<Dual<R>>>(
    f: &F,
    x: &[R],
) -> Result<(Vec<R>, Jacobian<R>), Error> {
    let mut jacobian = Jacobian::default();
    let y = Derivatives::new(f).value_and_jacobian(x, &mut jacobian)?.to_vec();
    Ok((y, jacobian))
}

/// All second derivatives of one result: an [`hvp`] a column. Symmetric up to rounding where the function has second
/// derivatives.
///
/// # Errors
/// As [`hvp`].
pub fn hessian<R: Real, F: Function<R> + Function<Dual<R>>>(f: &F, x: &[R]) -> Result<Jacobian<R>, Error> {
    value_and_hessian(f, x).map(|(_, hessian)| hessian)
}

/// `f(x)` and all second derivatives.
///
/// # Errors
/// As [`hessian`].
pub fn value_and_hessian<R: Real, F: Function<R> + Function<Dual<R>>>(
    f: &F,
    x: &[R],
) -> Result<(R, Jacobian<R>), Error> {
    let mut hessian = Jacobian::default();
    let value = Derivatives::new(f).value_and_hessian(x, &mut hessian)?;
    Ok((value, hessian))
}
