//! [`PrecisionGradient`]: a gradient that is being added up, on the wire.

use barewire::Error;
use barewire::gradient::{Deferred, GradientFlow as Flow};
use barewire::kernels::extended::F80;
use barewire::precision;
use barewire::prelude::*;

use crate::gradient_flow::GradientFlow;

/// A sum of gradients in the arithmetic that it is formed in: [`barewire::precision::PrecisionGradient`] as a message.
///
/// | variant           | octets an element | significant bits |
/// |-------------------|-------------------|------------------|
/// | `Single`          | 4                 | 24               |
/// | `Planes`          | 8                 | 48               |
/// | `Standard`        | 8                 | 53               |
/// | `Critical`        | 16                | 106              |
/// | `Extended`        | 10                | 64               |
/// | `LazyAccumulated` | those of its terms | 106 when it is summed |
///
/// The first plane of `Planes` is the gradient as `f32`, and a reader that needs no more reads it in place.
#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum PrecisionGradient {
    /// `f32`
    #[bare(tag = 0)]
    Single {
        /// every element
        values: Vec<f32>,
    },
    /// two `f32`
    #[bare(tag = 1)]
    Planes {
        /// the gradient
        hi: Vec<f32>,
        /// what its rounding left
        lo: Vec<f32>,
    },
    /// `f64`
    #[bare(tag = 2)]
    Standard {
        /// every element
        values: Vec<f64>,
    },
    /// two `f64`
    #[bare(tag = 3)]
    Critical {
        /// every element
        hi: Vec<f64>,
        /// what its rounding left
        lo: Vec<f64>,
    },
    /// 80 bits
    #[bare(tag = 4)]
    Extended {
        /// bits 0 to 63 of every element
        significands: Vec<u64>,
        /// bits 64 to 79
        exponents: Vec<u16>,
    },
    /// contributions that nobody has added yet
    #[bare(tag = 5)]
    LazyAccumulated {
        /// elements
        size: u64,
        /// as they came
        terms: Vec<GradientFlow>,
    },
}

impl From<&precision::PrecisionGradient> for PrecisionGradient {
    fn from(sum: &precision::PrecisionGradient) -> Self {
        use precision::PrecisionGradient as Sum;
        match sum.clone() {
            Sum::Single(values) => Self::Single { values },
            Sum::Planes(hi, lo) => Self::Planes { hi, lo },
            Sum::Double(values) => Self::Standard { values },
            Sum::DoubleDouble(hi, lo) => Self::Critical { hi, lo },
            Sum::Extended(all) => Self::Extended {
                significands: all.iter().map(|x| x.significand()).collect(),
                exponents: all.iter().map(|x| x.sign_and_exponent()).collect(),
            },
            Sum::LazyAccumulated(size, terms) => Self::LazyAccumulated {
                size: size as u64,
                terms: terms.terms().iter().map(|term| term.as_ref().into()).collect(),
            },
        }
    }
}

impl PrecisionGradientView<'_> {
    /// The sum, to go on with: a copy.
    ///
    /// # Errors
    /// Lists of different lengths, or a term that is of another size or no gradient.
    pub fn to_sum(self) -> Result<precision::PrecisionGradient, Error> {
        use precision::PrecisionGradient as Sum;
        Ok(match self {
            Self::Single { values } => Sum::Single(values.to_vec()),
            Self::Planes { hi, lo } => {
                same("lo", hi.len(), lo.len())?;
                Sum::Planes(hi.to_vec(), lo.to_vec())
            }
            Self::Standard { values } => Sum::Double(values.to_vec()),
            Self::Critical { hi, lo } => {
                same("lo", hi.len(), lo.len())?;
                Sum::DoubleDouble(hi.to_vec(), lo.to_vec())
            }
            Self::Extended { significands, exponents } => {
                same("exponents", significands.len(), exponents.len())?;
                let parts = exponents.iter().zip(significands);
                Sum::Extended(parts.map(|(high, low)| F80::from_parts(*high, *low)).collect())
            }
            Self::LazyAccumulated { size, terms } => {
                let size = usize::try_from(size).map_err(|_| Error::shape("a size that fits", format!("{size}")))?;
                let mut sum = Deferred::new();
                for (i, term) in terms.iter().enumerate() {
                    let inside = |error: Error| error.inside(&format!("terms.{i}"));
                    let flow = term.as_flow().map_err(inside)?;
                    if let Some(found) = flow.size().filter(|found| *found != size) {
                        return Err(inside(Error::length("gradient", size, found)));
                    }
                    let mut term = Flow::Zero;
                    term.add(flow).map_err(inside)?;
                    sum.push(term);
                }
                Sum::LazyAccumulated(size, sum)
            }
        })
    }
}

fn same(name: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::length(name, expected, found)) }
}
