//! The formulas in plain loops: the oracle of every other path. Never optimised.

pub use super::forward::reference::forward;
pub use super::transposed::reference::transposed;
