//! What the derive knows about an equation, as constants: its text, its two programs, and what the backward pass keeps.
//!
//! `barewire explain` prints it. Nothing here runs, and what a program does not name costs it nothing.
//!
//! ```
//! use barewire_core::explain::{Equation, Explained, Kept};
//! use barewire_core::shape::Shape;
//!
//! // what the derive writes for `#[bare(forward = |x: [batch, d]| square(x))]`
//! struct Square;
//! impl Explained for Square {
//!     const NAME: &'static str = "Square";
//!     const EQUATIONS: &'static [(&'static str, u32, Equation)] = &[("Square", 0, Equation {
//!         text: "|x: [batch, d]| square(x)",
//!         forward: &[("y = x * x", Shape::new(&["batch", "d"]))],
//!         backward: &["x' += (x + x) * y'"],
//!         kept: &[Kept { what: "x", axes: Shape::new(&["batch", "d"]), arrays: 1, borrowed: true }],
//!     })];
//! }
//!
//! let (_, _, equation) = &Square::EQUATIONS[0];
//! assert_eq!(equation.forward[0].1.axis_names(), ["batch", "d"]);
//! ```

use crate::shape::Shape;

/// A part whose equations can be shown. The derive implements it for every type with equations.
pub trait Explained {
    /// The type's name.
    const NAME: &'static str;
    /// The variants that have an equation, with their tags; of a struct, the one with its own name and tag 0.
    const EQUATIONS: &'static [(&'static str, u32, Equation)];
}

/// An equation, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Equation {
    /// as it was written, but for white space and comments
    pub text: &'static str,
    /// The forward program: a step for each call and each run of arithmetic, with the axes of its (first) result. A run of arithmetic
    /// has a line for each assignment.
    pub forward: &'static [(&'static str, Shape)],
    /// The backward program, step by step in its order. `x'` is the cotangent of `x`.
    pub backward: &'static [&'static str],
    /// What the forward pass keeps, beside what ops keep for themselves.
    pub kept: &'static [Kept],
}

/// A value that is kept for the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// which
    pub what: &'static str,
    /// its axes
    pub axes: Shape,
    /// how many arrays of that shape are kept; 0 if it turned out that nobody needs it
    pub arrays: usize,
    /// whether they are an input's, which the caller holds anyway
    pub borrowed: bool,
}
