//! Which representations the gradient of a field may have: what `#[bare(gradient = ..)]` chooses from.

use super::Part;
use crate::gradient::{Gradient, QuantizedGrad, Representation, Signal};
use crate::real::Real;
use crate::wire::{BinaryMatrix, Matrix, QuantizedMatrix, TernaryMatrix};

/// A [`Part`] whose gradient can be held in the representation `As`, one of the names in [`held`].
///
/// | part                                     | `dense` | `sparse` | `low_rank` | `diagonal` | `ternary` |
/// |------------------------------------------|---------|----------|------------|------------|-----------|
/// | `Vec<f32>`                               | yes     | yes      |            |            |           |
/// | [`Matrix<f32>`](Matrix)                  | yes     | yes      | yes        | if square  |           |
/// | [`TernaryMatrix`]: its signal            | yes     |          | yes        |            | yes       |
/// | [`BinaryMatrix`], [`QuantizedMatrix`]: their signal | yes |   | yes        |            |           |
#[diagnostic::on_unimplemented(
    message = "the gradient of a `{Self}` cannot be held as `{As}`",
    label = "not a representation of this field's gradient",
    note = "lists of f32 have `dense` and `sparse`; `Matrix<f32>` also `low_rank` and `diagonal`; packed matrices `dense` and `low_rank`, `TernaryMatrix` also `ternary`"
)]
pub trait HeldAs<As>: Part {
    /// No contribution yet, to be held in this way.
    fn held<R: Real>() -> Self::Grad<R>;
}

/// The representations, by the names that the attribute has.
#[allow(non_camel_case_types)]
pub mod held {
    /// See [`Representation::Dense`](super::Representation::Dense).
    #[derive(Clone, Copy, Debug)]
    pub enum dense {}
    /// See [`Representation::Sparse`](super::Representation::Sparse).
    #[derive(Clone, Copy, Debug)]
    pub enum sparse {}
    /// See [`Representation::LowRank`](super::Representation::LowRank).
    #[derive(Clone, Copy, Debug)]
    pub enum low_rank {}
    /// See [`Representation::Diagonal`](super::Representation::Diagonal).
    #[derive(Clone, Copy, Debug)]
    pub enum diagonal {}
    /// See [`Representation::Ternary`](super::Representation::Ternary).
    #[derive(Clone, Copy, Debug)]
    pub enum ternary {}
}

macro_rules! held {
    ($($part:ty: $grad:ident $($name:ident $representation:ident),*;)*) => { $( $(
        impl HeldAs<held::$name> for $part {
            fn held<R: Real>() -> $grad<R> {
                $grad::held_as(Representation::$representation)
            }
        }
    )* )* };
}

held! {
    alloc::vec::Vec<f32>: Gradient dense Dense, sparse Sparse;
    Matrix<f32>: Gradient dense Dense, sparse Sparse, low_rank LowRank, diagonal Diagonal;
    TernaryMatrix: Signal dense Dense, low_rank LowRank, ternary Ternary;
    BinaryMatrix: Signal dense Dense, low_rank LowRank;
    QuantizedMatrix: QuantizedGrad dense Dense, low_rank LowRank;
}
