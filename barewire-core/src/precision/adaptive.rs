//! Sums whose arithmetic follows from the numbers.

use alloc::vec;
use alloc::vec::Vec;

use barewire_kernels::{Isa, Kernel, vectorize};

use super::arithmetic::{Arithmetic, LANES, sum};
use super::gradient::PrecisionGradient;
use super::look::{Seen, look};
use super::rule::{HYSTERESIS, Level, Moments, Rule, SWAMPED, beyond};
use crate::Error;
use crate::gradient::Squares;
use crate::real::fold_lanes;

/// Sums of lists, each in the least precise arithmetic that is good enough.
///
/// The list is there to be summed again, so nothing is lost when `f32` turns out not to be enough. The level is kept from list
/// to list: gradients of one parameter are alike from step to step.
///
/// ```
/// use barewire_core::precision::{Adaptive, Level, Rule};
///
/// let mut adaptive = Adaptive::new(Rule::default());
/// assert_eq!(adaptive.sum(&[0.25; 1000]).level, Level::Stable);
/// // ten million times more than its sum in both directions
/// let mut values = vec![1e4, -1e4, 0.001];
/// values.resize(1000, 0.0);
/// let sum = adaptive.sum(&values);
/// assert_eq!((sum.level, sum.value as f32), (Level::Standard, 0.001));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Adaptive {
    rule: Rule,
    level: Level,
}

/// What [`Adaptive::sum`] gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    /// the sum
    pub value: f64,
    /// what it was computed in: `f32`, `f64`, or pairs of `f64`
    pub level: Level,
    /// the relative error that the rule sees in it
    pub error: f64,
}

impl Adaptive {
    /// Starts with `f32`.
    pub fn new(rule: Rule) -> Self {
        Adaptive { rule, level: Level::Stable }
    }

    /// The level that the next sum starts with.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The sum of all numbers. NaN if one is NaN.
    pub fn sum(&mut self, values: &[f32]) -> Sum {
        let measured = vectorize(Isa::best(), Measure(values));
        let n = values.len().max(1) as f64;
        let mut mean_square = f64::from(measured.squares) / n;
        if !SQUARES.contains(&mean_square) {
            let mut squares = Squares::default();
            squares.add(values);
            mean_square = squares.total() / n;
        }
        let moments = |sum: f64| Moments {
            terms: values.len() as f64,
            sum: sum.abs(),
            magnitudes: measured.magnitudes.into(),
            rms: mean_square.sqrt(),
        };
        let error = |level: Level, sum: f64| {
            let arithmetic = of_lists(level);
            moments(sum).error(self.rule, arithmetic, arithmetic.lanes())
        };
        let mut level = self.level;
        let value = loop {
            let value = match level {
                Level::Stable => measured.sum.into(),
                // only 80 bits can be missing
                _ => sum(values, of_lists(level)).unwrap_or(f64::NAN),
            };
            match level.above() {
                Some(above) if beyond(error(level, value), self.rule.tolerance) => level = above,
                _ => break value,
            }
        };
        let result = Sum { value, level, error: error(level, value) };
        let relaxed = |below: &Level| HYSTERESIS * error(*below, value) <= self.rule.tolerance;
        self.level = level.below().filter(relaxed).unwrap_or(level);
        result
    }
}

/// The list is read once for each arithmetic, so `f64` costs no more than two planes.
fn of_lists(level: Level) -> Arithmetic {
    match level {
        Level::Stable => Arithmetic::Single,
        Level::Standard => Arithmetic::Double,
        Level::Critical => Arithmetic::DoubleDouble,
    }
}

/// The planes leave the gradient where it is.
pub(super) fn of_gradients(level: Level) -> Arithmetic {
    match level {
        Level::Stable => Arithmetic::Single,
        Level::Standard => Arithmetic::Planes,
        Level::Critical => Arithmetic::DoubleDouble,
    }
}

struct Measured {
    sum: f32,
    magnitudes: f32,
    squares: f32,
}

/// The sum in `f32`, of which [`sum`] has the same bits, and what it is judged by.
struct Measure<'a>(&'a [f32]);

impl Kernel for Measure<'_> {
    type Output = Measured;
    #[inline(always)]
    fn run(self) -> Measured {
        let [mut sums, mut magnitudes, mut squares] = [[0.0_f32; LANES]; 3];
        let (rows, rest) = self.0.as_chunks::<LANES>();
        for row in rows {
            for l in 0..LANES {
                sums[l] += row[l];
                magnitudes[l] += row[l].abs();
                squares[l] += row[l] * row[l];
            }
        }
        for (l, x) in rest.iter().enumerate() {
            sums[l] += x;
            magnitudes[l] += x.abs();
            squares[l] += x * x;
        }
        let [sum, magnitudes, squares] = [sums, magnitudes, squares].map(|lanes| fold_lanes(lanes, |a, b| a + b));
        Measured { sum, magnitudes, squares }
    }
}

/// A gradient that is added up over many contributions, each element in an arithmetic that all of them need.
///
/// It begins as `f32`; goes on with a second plane beside the first, which stays the gradient as `f32`
/// ([`plane`](AdaptiveGradient::plane)); and ends with pairs of `f64`. Both triggers of the [module](super) are asked before a
/// contribution is added, so that none is lost to the arithmetic that it shows to be too narrow.
#[derive(Clone, Debug)]
pub struct AdaptiveGradient {
    rule: Rule,
    level: Level,
    sums: PrecisionGradient,
    /// contributions so far
    terms: u32,
    /// of all elements of all contributions: squares, or magnitudes where the rule certifies
    spread: f64,
    /// the largest share of a contribution that the level below would have lost
    lost_below: f64,
}

impl AdaptiveGradient {
    /// `n` zeros.
    pub fn zeros(n: usize, rule: Rule) -> Self {
        let (level, sums) = (Level::Stable, zeros(Level::Stable, n));
        AdaptiveGradient { rule, level, sums, terms: 0, spread: 0.0, lost_below: 0.0 }
    }

    /// The arithmetic now.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The sums.
    pub fn sums(&self) -> &PrecisionGradient {
        &self.sums
    }

    /// The gradient as `f32`, where it lies; `None` at the level `Critical`.
    pub fn plane(&self) -> Option<&[f32]> {
        self.sums.plane()
    }

    /// Adds a contribution to every element.
    ///
    /// # Errors
    /// It is of another size.
    pub fn add(&mut self, values: &[f32]) -> Result<(), Error> {
        if values.len() != self.sums.size() {
            return Err(Error::length("gradient", self.sums.size(), values.len()));
        }
        let n = values.len().max(1) as f64;
        loop {
            let seen = self.look(values);
            let lost = seen.swamped as f64 / n;
            let needs_more = lost > SWAMPED || beyond(self.error(self.level, seen.sums / n), self.rule.tolerance);
            match self.level.above().filter(|_| needs_more) {
                Some(above) => self.rise(above)?,
                None => {
                    self.spread += seen.spread;
                    self.lost_below = self.lost_below.max(seen.swamped_below as f64 / n);
                    break;
                }
            }
        }
        self.terms += 1;
        self.sums.add(values)
    }

    /// Zeros again, for the next sum; at the level below, if this sum would have been 8 times better there than it need be.
    pub fn clear(&mut self) {
        let n = self.sums.size();
        let mut squares = Squares::default();
        match &self.sums {
            PrecisionGradient::DoubleDouble(hi, _) => squares.add(hi),
            sums => squares.add(sums.plane().unwrap_or(&[])),
        }
        let mean_square = squares.total() / n.max(1) as f64;
        let relaxed = |below: &Level| {
            HYSTERESIS * self.error(*below, mean_square) <= self.rule.tolerance
                && HYSTERESIS * self.lost_below <= SWAMPED
        };
        let level = self.level.below().filter(relaxed).unwrap_or(self.level);
        *self = AdaptiveGradient { level, sums: zeros(level, n), ..Self::zeros(n, self.rule) };
    }

    /// What the rule sees in the sums, whose squares are this on average.
    fn error(&self, level: Level, mean_square: f64) -> f64 {
        let n = self.sums.size().max(1) as f64;
        let terms = f64::from(self.terms);
        let moments = Moments {
            terms,
            sum: mean_square.sqrt(),
            // the rule reads one of them
            magnitudes: self.spread / n,
            rms: (self.spread / (n * terms.max(1.0))).sqrt(),
        };
        moments.error(self.rule, of_gradients(level), 1)
    }

    fn rise(&mut self, level: Level) -> Result<(), Error> {
        let sums = core::mem::replace(&mut self.sums, PrecisionGradient::Single(Vec::new()));
        self.sums = sums.promote(of_gradients(level))?;
        self.level = level;
        self.lost_below = 1.0;
        Ok(())
    }

    /// A look at the sums and at a contribution.
    fn look(&self, values: &[f32]) -> Seen {
        let (rule, level) = (self.rule, self.level);
        match &self.sums {
            PrecisionGradient::DoubleDouble(hi, _) => look::<f64, f64>(rule, level, hi, values),
            sums => {
                let sums = sums.plane().unwrap_or(&[]);
                let seen = look::<f32, f32>(rule, level, sums, values);
                let fits = |total: f64| SQUARES.contains(&(total / values.len().max(1) as f64));
                // before the first contribution all sums are 0
                if fits(seen.spread) && (fits(seen.sums) || self.terms == 0) {
                    seen
                } else {
                    look::<f32, f64>(rule, level, sums, values)
                }
            }
        }
    }
}

/// Mean squares that are right in `f32`: far from where the squares of single elements end.
const SQUARES: core::ops::Range<f64> = 1e-30..1e30;

/// `n` zeros in the arithmetic of [`of_gradients`].
fn zeros(level: Level, n: usize) -> PrecisionGradient {
    match level {
        Level::Stable => PrecisionGradient::Single(vec![0.0; n]),
        Level::Standard => PrecisionGradient::Planes(vec![0.0; n], vec![0.0; n]),
        Level::Critical => PrecisionGradient::DoubleDouble(vec![0.0; n], vec![0.0; n]),
    }
}
