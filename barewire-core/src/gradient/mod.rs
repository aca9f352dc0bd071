//! Gradients of parameters: small unions that join as contributions arrive, and the one algebra behind them.
//!
//! - [`Gradient`] is the cotangent of one float parameter during training, [`Signal`] what packed digits get. They keep
//!   their memory from step to step, and a field says how they are held ([`Representation`]).
//! - [`GradientFlow`] is the union itself, for gradients that are sent, put aside or computed with.

mod blocks;
mod deferred;
mod flow;
mod form;
mod held;
mod pairs;
mod pattern;
mod rows;
mod signal;
mod squares;
mod sum;
mod ternary;

pub use deferred::Deferred;
pub use flow::{FlowRef, GradientFlow};
pub use form::{Form, Representation};
pub use held::Gradient;
pub use pairs::{Pairs, PairsRef};
pub use pattern::{Pattern, Structured, StructuredRef};
pub use rows::{Rows, RowsRef};
pub use signal::{QuantizedGrad, Signal};
pub(crate) use squares::Squares;
pub(crate) use ternary::Firing;
pub use ternary::TernaryGradient;

use crate::real::Real;

/// The cotangent of what is discrete: token ids, digits, flags, settings. Its tangent space has no dimension, so there is
/// nothing to hold, and no zero either: it never occurs in a [`GradientFlow`].
pub type NoTangent = ();

fn add_all<R: Real>(to: &mut [R], from: &[R]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}
