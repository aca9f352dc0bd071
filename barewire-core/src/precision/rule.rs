//! What numbers say about the arithmetic that a sum needs.

use super::Arithmetic;

/// How much precision is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `f32`
    #[default]
    Stable,
    /// `f64`, or two planes of `f32`
    Standard,
    /// pairs of `f64`
    Critical,
}

impl Level {
    pub(super) fn above(self) -> Option<Level> {
        match self {
            Level::Stable => Some(Level::Standard),
            Level::Standard => Some(Level::Critical),
            Level::Critical => None,
        }
    }

    pub(super) fn below(self) -> Option<Level> {
        match self {
            Level::Stable => None,
            Level::Standard => Some(Level::Stable),
            Level::Critical => Some(Level::Standard),
        }
    }
}

/// When to go up.
///
/// ```
/// use barewire_core::precision::Rule;
///
/// assert_eq!(Rule::default(), Rule { tolerance: 1e-3, certify: false });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// largest relative error of a sum that is expected, or with `certify` possible
    pub tolerance: f64,
    /// go by the bound that no sum exceeds in place of the error to expect
    pub certify: bool,
}

impl Default for Rule {
    fn default() -> Self {
        Rule { tolerance: 1e-3, certify: false }
    }
}

/// Numbers are that much better than they need be before a level is left downwards.
pub(super) const HYSTERESIS: f64 = 8.0;

/// Whether a value is beyond a limit; NaN is beyond every limit.
pub(super) fn beyond(value: f64, limit: f64) -> bool {
    value.is_nan() || value > limit
}

/// The share of contributions that may be lost.
pub(super) const SWAMPED: f64 = 0.01;

/// What a sum is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    /// terms of one sum
    pub(super) terms: f64,
    /// magnitude of a sum; of several ones together their root mean square
    pub(super) sum: f64,
    /// magnitudes of the terms of a sum, added up
    pub(super) magnitudes: f64,
    /// root mean square of the terms
    pub(super) rms: f64,
}

impl Moments {
    /// The relative error that a sum in this arithmetic is judged by; infinite where nothing is left of the terms.
    pub(super) fn error(&self, rule: Rule, arithmetic: Arithmetic, lanes: usize) -> f64 {
        let (u, lanes) = (arithmetic.roundoff(), lanes as f64);
        let absolute = if rule.certify {
            u * (self.terms / lanes + lanes.log2()) * self.magnitudes
        } else {
            u * self.rms * self.terms / (2.4 * lanes.sqrt())
        };
        // 0 of 0 is exact
        if absolute == 0.0 { 0.0 } else { absolute / self.sum }
    }
}
