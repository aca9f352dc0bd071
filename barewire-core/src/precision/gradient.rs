//! A gradient that is added up element by element, in a declared arithmetic.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use barewire_kernels::extended::{self, F80};
use barewire_kernels::{Isa, Kernel, vectorize};

use super::Arithmetic;
use super::arithmetic::{add_to_pair, two_sum};
use crate::Error;
use crate::gradient::{Deferred, FlowRef, GradientFlow};

/// A dense gradient that takes contributions of `f32` in an arithmetic of its own. It is linear, so the derivative by each
/// contribution is the identity.
///
/// ```
/// use barewire_core::precision::{Arithmetic, PrecisionGradient};
///
/// let mut sum = PrecisionGradient::zeros(Arithmetic::Planes, 2)?;
/// sum.add(&[1.0, 1.0])?;
/// sum.add(&[1e-9, 0.0])?;
/// // the first plane is the gradient as `f32`, where it lies
/// assert_eq!(sum.plane(), Some(&[1.0, 1.0][..]));
/// sum.add(&[-1.0, -1.0])?;
/// assert_eq!(sum.rounded()?, [1e-9, 0.0]);
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum PrecisionGradient {
    /// `f32`
    Single(Vec<f32>),
    /// the gradient as `f32`, and what its rounding left, as many numbers
    Planes(Vec<f32>, Vec<f32>),
    /// `f64`
    Double(Vec<f64>),
    /// pairs of `f64`: all sums, then what their rounding left
    DoubleDouble(Vec<f64>, Vec<f64>),
    /// 80 bits: declared, and never chosen by a rule
    Extended(Vec<F80>),
    /// the contributions themselves, which are summed when somebody asks; and how many elements they have
    LazyAccumulated(usize, Deferred<f32>),
}

impl PrecisionGradient {
    /// `n` zeros.
    ///
    /// # Errors
    /// `Extended` elsewhere than on x86-64; `Pairwise`, which needs all terms at once.
    pub fn zeros(arithmetic: Arithmetic, n: usize) -> Result<Self, Error> {
        Ok(match arithmetic {
            Arithmetic::Single => Self::Single(vec![0.0; n]),
            Arithmetic::Planes => Self::Planes(vec![0.0; n], vec![0.0; n]),
            Arithmetic::Double => Self::Double(vec![0.0; n]),
            Arithmetic::DoubleDouble => Self::DoubleDouble(vec![0.0; n], vec![0.0; n]),
            Arithmetic::Extended => {
                // asked here, so that nobody finds out in the middle of a run
                extended::sum(&[])?;
                Self::Extended(vec![F80::default(); n])
            }
            Arithmetic::Pairwise => {
                return Err(Error::input("an arithmetic of sums that grow", "`Pairwise`, which sums a list"));
            }
        })
    }

    /// `n` zeros, to which contributions are only put down.
    pub fn lazy(n: usize) -> Self {
        Self::LazyAccumulated(n, Deferred::new())
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        match self {
            Self::Single(all) | Self::Planes(all, _) => all.len(),
            Self::Double(all) | Self::DoubleDouble(all, _) => all.len(),
            Self::Extended(all) => all.len(),
            Self::LazyAccumulated(n, _) => *n,
        }
    }

    /// Adds a contribution to every element.
    ///
    /// # Errors
    /// It is of another size.
    pub fn add(&mut self, values: &[f32]) -> Result<(), Error> {
        self.add_flow(FlowRef::Dense(values))
    }

    /// Adds a contribution in any form. Rows are added where they are; pairs and patterns are multiplied out first.
    ///
    /// # Errors
    /// It is of another size, or planes of different lengths were put together by hand. Nothing is changed then.
    pub fn add_flow(&mut self, flow: FlowRef<'_, f32>) -> Result<(), Error> {
        self.check()?;
        let n = self.size();
        if let Some(size) = flow.size().filter(|size| *size != n) {
            return Err(Error::length("gradient", n, size));
        }
        if let Self::LazyAccumulated(_, terms) = self {
            let mut term = GradientFlow::Zero;
            term.add(flow)?;
            terms.push(term);
            return Ok(());
        }
        match flow {
            FlowRef::Zero => Ok(()),
            FlowRef::Dense(values) => self.add_at(0, values),
            FlowRef::Sparse(rows) => {
                let places = rows.numbers().iter().map(|number| *number as usize * rows.width());
                places.zip(rows.values().chunks(rows.width().max(1))).try_for_each(|(at, row)| self.add_at(at, row))
            }
            FlowRef::Structured(_) | FlowRef::LowRank(_) => {
                let mut all = vec![0.0; n];
                flow.add_to(&mut all)?;
                self.add_at(0, &all)
            }
        }
    }

    /// Refuses planes of different lengths, as one can put them together by hand.
    fn check(&self) -> Result<(), Error> {
        let [hi, lo] = match self {
            Self::Planes(hi, lo) => [hi.len(), lo.len()],
            Self::DoubleDouble(hi, lo) => [hi.len(), lo.len()],
            _ => return Ok(()),
        };
        if hi == lo { Ok(()) } else { Err(Error::length("lo", hi, lo)) }
    }

    fn add_at(&mut self, at: usize, values: &[f32]) -> Result<(), Error> {
        let place = at..at + values.len();
        let isa = Isa::best();
        match self {
            Self::Single(all) => vectorize(isa, AddSingle(&mut all[place], values)),
            Self::Planes(hi, lo) => vectorize(isa, AddPlanes(&mut hi[place.clone()], &mut lo[place], values)),
            Self::Double(all) => vectorize(isa, AddDouble(&mut all[place], values)),
            Self::DoubleDouble(hi, lo) => {
                vectorize(isa, AddDoubleDouble(&mut hi[place.clone()], &mut lo[place], values));
            }
            Self::Extended(all) => extended::accumulate(&mut all[place], values)?,
            Self::LazyAccumulated(..) => {}
        }
        Ok(())
    }

    /// The gradient as `f32`, where it lies; `None` where no such list is held.
    pub fn plane(&self) -> Option<&[f32]> {
        match self {
            Self::Single(all) | Self::Planes(all, _) => Some(all),
            _ => None,
        }
    }

    /// All elements, each rounded once to `f32`.
    ///
    /// # Errors
    /// Planes of different lengths, or contributions of different sizes, in one that was put together by hand.
    pub fn rounded(&self) -> Result<Vec<f32>, Error> {
        self.check()?;
        Ok(match self {
            Self::Single(all) | Self::Planes(all, _) => all.clone(),
            Self::Double(all) => all.iter().map(|x| *x as f32).collect(),
            Self::DoubleDouble(hi, lo) => hi.iter().zip(lo).map(|(hi, lo)| round_pair(*hi, *lo)).collect(),
            Self::Extended(all) => all.iter().map(|x| x.to_f32()).collect(),
            Self::LazyAccumulated(n, terms) => {
                let mut sum = Self::zeros(Arithmetic::DoubleDouble, *n)?;
                terms.terms().iter().try_for_each(|term| sum.add_flow(term.as_ref()))?;
                return sum.rounded();
            }
        })
    }

    /// All elements as `f64`: exact but for pairs of `f64`, 80 bits and what is lazy, which are rounded.
    ///
    /// # Errors
    /// As [`rounded`](Self::rounded).
    pub fn widened(&self) -> Result<Vec<f64>, Error> {
        self.check()?;
        Ok(match self {
            Self::Single(all) => all.iter().map(|x| f64::from(*x)).collect(),
            Self::Planes(hi, lo) => hi.iter().zip(lo).map(|(hi, lo)| f64::from(*hi) + f64::from(*lo)).collect(),
            Self::Double(all) => all.clone(),
            Self::DoubleDouble(hi, lo) => hi.iter().zip(lo).map(|(hi, lo)| hi + lo).collect(),
            Self::Extended(all) => all.iter().map(|x| x.to_f64()).collect(),
            Self::LazyAccumulated(n, terms) => {
                let mut sum = Self::zeros(Arithmetic::DoubleDouble, *n)?;
                terms.terms().iter().try_for_each(|term| sum.add_flow(term.as_ref()))?;
                return sum.widened();
            }
        })
    }

    /// The same numbers in an arithmetic that has them all.
    ///
    /// # Errors
    /// One that has not, or none that holds sums.
    pub fn promote(self, to: Arithmetic) -> Result<Self, Error> {
        self.check()?;
        let from = format!("{:?}", self.arithmetic());
        Ok(match (self, to) {
            (same @ Self::Single(_), Arithmetic::Single) => same,
            (Self::Single(hi), Arithmetic::Planes) => {
                let lo = vec![0.0; hi.len()];
                Self::Planes(hi, lo)
            }
            (Self::Single(all), Arithmetic::Double) => Self::Double(all.into_iter().map(f64::from).collect()),
            (Self::Single(all), Arithmetic::DoubleDouble) => {
                let lo = vec![0.0; all.len()];
                Self::DoubleDouble(all.into_iter().map(f64::from).collect(), lo)
            }
            (Self::Planes(hi, lo), Arithmetic::DoubleDouble) => {
                let (hi, lo) = hi.iter().zip(&lo).map(|(hi, lo)| two_sum(f64::from(*hi), f64::from(*lo))).unzip();
                Self::DoubleDouble(hi, lo)
            }
            (Self::Double(hi), Arithmetic::DoubleDouble) => {
                let lo = vec![0.0; hi.len()];
                Self::DoubleDouble(hi, lo)
            }
            _ => return Err(Error::input(format!("an arithmetic that holds all of `{from}`"), format!("`{to:?}`"))),
        })
    }

    /// The arithmetic of its sums; `None` where they are put off.
    pub fn arithmetic(&self) -> Option<Arithmetic> {
        match self {
            Self::Single(_) => Some(Arithmetic::Single),
            Self::Planes(..) => Some(Arithmetic::Planes),
            Self::Double(_) => Some(Arithmetic::Double),
            Self::DoubleDouble(..) => Some(Arithmetic::DoubleDouble),
            Self::Extended(_) => Some(Arithmetic::Extended),
            Self::LazyAccumulated(..) => None,
        }
    }
}

/// `hi + lo` to the nearest `f32`. A sum in `f64` first would be rounded twice: where that lands on a tie, `lo` decides.
fn round_pair(hi: f64, lo: f64) -> f32 {
    let (sum, rest) = two_sum(hi, lo);
    let near = sum as f32;
    let off = sum - f64::from(near);
    // only a `rest` beside an exact tie can turn the rounding
    if rest == 0.0 || off == 0.0 || !near.is_finite() {
        return near;
    }
    let other = if off > 0.0 { near.next_up() } else { near.next_down() };
    let tie = (f64::from(other) - sum) == off;
    if tie && (rest > 0.0) == (off > 0.0) { other } else { near }
}

struct AddSingle<'a>(&'a mut [f32], &'a [f32]);

impl Kernel for AddSingle<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.0.iter_mut().zip(self.1).for_each(|(sum, x)| *sum += *x);
    }
}

struct AddPlanes<'a>(&'a mut [f32], &'a mut [f32], &'a [f32]);

impl Kernel for AddPlanes<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((hi, lo), x) in self.0.iter_mut().zip(self.1).zip(self.2) {
            (*hi, *lo) = add_to_pair((*hi, *lo), *x);
        }
    }
}

struct AddDouble<'a>(&'a mut [f64], &'a [f32]);

impl Kernel for AddDouble<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.0.iter_mut().zip(self.1).for_each(|(sum, x)| *sum += f64::from(*x));
    }
}

struct AddDoubleDouble<'a>(&'a mut [f64], &'a mut [f64], &'a [f32]);

impl Kernel for AddDoubleDouble<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((hi, lo), x) in self.0.iter_mut().zip(self.1).zip(self.2) {
            (*hi, *lo) = add_to_pair((*hi, *lo), f64::from(*x));
        }
    }
}
