//! Sums of gradients in more than `f32`: the arithmetics, what they cost, and a rule that chooses.
//!
//! # Arithmetics
//!
//! | [`Arithmetic`] | significant bits | octets an element, held |
//! |----------------|------------------|-------------------------|
//! | `Single`       | 24               | 4                       |
//! | `Pairwise`     | 24, errors grow with the logarithm of the length | 4 |
//! | `Planes`       | 48: two `f32`, exact sums of which the rest is kept | 8 |
//! | `Double`       | 53               | 8                       |
//! | `DoubleDouble` | 106: two `f64`   | 16                      |
//! | `Extended`     | 64, the 80-bit format of x86-64 | 16       |
//!
//! [`sum`] adds up a list, [`PrecisionGradient`] a gradient element by element over many contributions.
//!
//! # The rule
//!
//! [`Adaptive`] and [`AdaptiveGradient`] go up from [`Level::Stable`] where numbers say so, and never by the size of a gradient
//! or its variance alone, which do not see cancellation:
//!
//! 1. *Expected error.* A sum of `n` terms in `L` lanes with unit roundoff `u` is expected to be off by
//!    `u rms(g) n / (2.4 sqrt(L) |S|)` of itself, since partial sums of terms of both signs wander. The safe bound is
//!    `u (n / L + log2 L) sum|g| / |S|`, a thousand times more on such sums; `certify` uses it all the same.
//! 2. *Swamping.* An accumulator stands still where `0 < |g| < u |acc|`; more than 1 % of such contributions, and it goes up.
//!
//! A level is left downwards only when the numbers are 8 times better than they need be.
//!
//! Source: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), chapter 4; the exact sum of two numbers is
//! Knuth's.

mod adaptive;
mod arithmetic;
mod gradient;
mod look;
mod rule;

pub use adaptive::{Adaptive, AdaptiveGradient, Sum};
pub use arithmetic::{Arithmetic, sum};
pub use gradient::PrecisionGradient;
pub use rule::{Level, Rule};
