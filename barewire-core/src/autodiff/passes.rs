//! The passes that every function here is made of, on memory of the caller.

use alloc::format;
use alloc::vec::Vec;

use super::Function;
use crate::Error;
use crate::real::{Dual, Real};

/// The one number of a function that has a gradient.
pub(super) fn one_result<R: Copy>(y: &[R]) -> Result<R, Error> {
    match y {
        [y] => Ok(*y),
        _ => Err(Error::shape("a function with one result", format!("one with {}", y.len()))),
    }
}

pub(super) fn same_size(name: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::length(name, expected, found)) }
}

/// The value, and the gradient in `g`.
pub(super) fn gradient<R: Real, F: Function<R>>(
    f: &F,
    x: &[R],
    g: &mut Vec<R>,
    memory: &mut F::Memory,
) -> Result<R, Error> {
    let mut value = R::ZERO;
    let ones = &mut |y: &[R], w: &mut [R]| {
        value = one_result(y)?;
        w.fill(R::ONE);
        Ok(())
    };
    f.pull(x, ones, g, memory)?;
    Ok(value)
}

/// `Jᵀ w` in `g`, the results in `y`.
pub(super) fn pullback<R: Real, F: Function<R>>(
    f: &F,
    x: &[R],
    w: &[R],
    y: &mut Vec<R>,
    g: &mut Vec<R>,
    memory: &mut F::Memory,
) -> Result<(), Error> {
    let given = &mut |results: &[R], cot: &mut [R]| {
        same_size("cotangent", results.len(), w.len())?;
        y.clear();
        y.extend_from_slice(results);
        cot.copy_from_slice(w);
        Ok(())
    };
    f.pull(x, given, g, memory)
}

/// Lists of dual numbers: arguments and results.
pub(super) struct Duals<R> {
    x: Vec<Dual<R>>,
    pub(super) y: Vec<Dual<R>>,
}

impl<R> Default for Duals<R> {
    fn default() -> Self {
        Duals { x: Vec::new(), y: Vec::new() }
    }
}

impl<R: Real> Duals<R> {
    /// `x` with the tangents `v`.
    pub(super) fn along(&mut self, x: &[R], v: &[R]) -> Result<(), Error> {
        same_size("tangent", x.len(), v.len())?;
        self.x.clear();
        self.x.extend(x.iter().zip(v).map(|(&value, &tangent)| Dual { value, tangent }));
        Ok(())
    }

    /// `x` with the tangent 1 in element `i`.
    pub(super) fn along_axis(&mut self, x: &[R], i: usize) {
        self.x.clear();
        let unit = |k| if k == i { R::ONE } else { R::ZERO };
        self.x.extend(x.iter().enumerate().map(|(k, &value)| Dual { value, tangent: unit(k) }));
    }

    /// Results with tangents in `y`.
    pub(super) fn push_forward<F: Function<Dual<R>>>(&mut self, f: &F, memory: &mut F::Memory) -> Result<(), Error> {
        f.run(&self.x, &mut self.y, memory)
    }

    /// The gradient with its tangents, `H v`, in `y`; gives the value.
    pub(super) fn forward_over_reverse<F: Function<Dual<R>>>(
        &mut self,
        f: &F,
        memory: &mut F::Memory,
    ) -> Result<R, Error> {
        gradient(f, &self.x, &mut self.y, memory).map(|value| value.value)
    }
}
