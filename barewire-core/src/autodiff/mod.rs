//! `grad`, `jvp`, `vjp`, `hvp`, `jacobian`, `hessian`: derivatives of anything here, to any order.
//!
//! | function                   | gives                         | cost, in passes forward (F) and backward (B)           |
//! |----------------------------|-------------------------------|--------------------------------------------------------|
//! | [`value`]                  | `f(x)`                        | F                                                      |
//! | [`grad`]                   | `∇f(x)`, of one result        | F + B                                                  |
//! | [`jvp`]                    | `J(x) v`                      | F over [`Dual`]                                        |
//! | [`vjp`]                    | `J(x)ᵀ w`                     | F + B                                                  |
//! | [`hvp`]                    | `H(x) v`, of one result       | F + B over [`Dual`]                                    |
//! | [`jacobian`]               | `J(x)`                        | the less of n times `jvp` and m times `vjp`            |
//! | [`hessian`]                | `H(x)`, of one result         | n times `hvp`                                          |
//!
//! Each has a form that also gives the value: [`value_and_grad`], [`value_and_jvp`], .. A pass over `Dual` costs about
//! two to three of the same pass, and over `f32` more: fast kernels take plain `f32` alone.
//!
//! A **function** takes numbers to numbers, flat and row-major, in any scalar that it is a [`Function`] over:
//!
//! - [`Model`]: a checked model, by its parameters, its inputs, its initial state, or several of them. Gradients come flat, so
//!   that linear algebra on them is a loop; [`Model::cotangent`] gives them back in the model's own type.
//! - [`Op`]: one op or `#[differentiable]` function, by its arguments.
//! - [`Formula`]: Rust code that is generic over its scalar, in place with [`formula!`](crate::formula). Its reverse mode
//!   records the arithmetic on a tape ([`Taped`]).
//! - [`Then`]: one after the other, such as a model and its loss. [`Grad`]: the gradient, as a function again.
//!
//! **Nesting** needs nothing special. A formula may call `grad` on what it is given, and `grad` of that formula is a
//! second derivative: scalars nest, and no two levels can be mixed up, since each has its own type or tape.
//!
//! ```
//! use barewire_core::autodiff::{grad, hessian, value_and_grad};
//! use barewire_core::formula;
//! use barewire_core::real::Real;
//!
//! // R stands for every scalar: f32, f64, dual numbers, ..
//! let f = formula!(for<R> |[x, y]| [(x * y).sin() + x * x]);
//! let (value, slope) = value_and_grad(&f, &[2.0_f64, 0.0])?;
//! assert_eq!((value, slope), (4.0, vec![4.0, 2.0]));
//! assert_eq!(hessian(&f, &[2.0_f64, 0.0])?.row(0), [2.0, 1.0]);
//!
//! // a function that takes a derivative inside: d/dx (d/dx x³)
//! let slope = formula!(for<R> |x| grad(&formula!(for<S> |[x]| [x * x * x]), x)?);
//! assert_eq!(grad(&slope, &[2.0_f64])?, [12.0]);
//! # Ok::<(), barewire_core::Error>(())
//! ```
//!
//! **Straight-through and surrogate rules** (`bit_linear`, `ste(..)`, spikes) count as the derivative of what they replace, in
//! every function here. Second derivatives then belong to no function, and [`hessian`] need not be symmetric.
//!
//! **Memory.** The functions allocate what they give and what they need. [`Derivatives`] keeps all of it for the next call.

mod combine;
mod derivatives;
mod flat;
mod formula;
mod functions;
mod jacobian;
mod model;
mod op;
mod passes;
mod tape;

pub use combine::{Grad, GradMemory, Then, ThenMemory};
pub use derivatives::Derivatives;
pub use flat::{fill, flatten};
pub use formula::{Formula, FormulaMemory};
pub use functions::{
    grad, hessian, hvp, jacobian, jvp, value, value_and_grad, value_and_hessian, value_and_hvp, value_and_jacobian,
    value_and_jvp, value_and_vjp, vjp,
};
pub use jacobian::Jacobian;
pub use model::{LeafRange, Model, ModelMemory, Parts, Wrt};
pub use op::Op;
pub use tape::Taped;

use alloc::vec::Vec;

use crate::Error;
#[cfg(doc)]
use crate::real::Dual;
use crate::real::Real;

/// Where [`Function::pull`] asks for the cotangents of the results: it gets the results, and writes as many numbers (zeros
/// before).
pub type Cotangents<'c, R> = &'c mut dyn FnMut(&[R], &mut [R]) -> Result<(), Error>;

/// A function from `n` numbers to `m` that can be run forward and backward over the scalar `R`.
///
/// Code that is generic over its scalar implements [`Formula`] instead, which is one method, and gets this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that can be differentiated over `{R}`",
    label = "neither a model, an op nor a formula",
    note = "wrap a model as `autodiff::Model::new(checked, &inputs)`, an op as `autodiff::Op::<op>::new(arguments)`, and write \
            Rust code as `formula!(for<R> |x| ..)` or as an `impl autodiff::Formula`"
)]
pub trait Function<R: Real> {
    /// What it needs for a run. Kept from call to call, it makes a warm call free of allocations where the implementation
    /// says so.
    type Memory: Default;

    /// `y = f(x)`; what was in `y` is replaced.
    ///
    /// # Errors
    /// `x` of another size than the function takes, or what the function itself refuses.
    fn run(&self, x: &[R], y: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error>;

    /// Runs forward, asks `cot` once for the cotangents of the results, and gives `g = Jᵀ cot`; what was in `g` is replaced.
    ///
    /// # Errors
    /// As [`run`](Function::run), and those of `cot`.
    fn pull(&self, x: &[R], cot: Cotangents<'_, R>, g: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error>;
}
