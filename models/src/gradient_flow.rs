//! [`GradientFlow`]: a gradient on the wire, in whatever form it is held.

use barewire::Error;
use barewire::gradient::{self, FlowRef, PairsRef, RowsRef, StructuredRef, TernaryGradient};
use barewire::prelude::*;

/// A gradient as a message: what one process hands over to another, or puts aside.
///
/// The algebra is that of [`barewire::gradient::GradientFlow`]. A message joins it without a copy: [`GradientFlowView::as_flow`]
/// borrows its numbers where they lie.
///
/// | variant      | meaning                                                                                  |
/// |--------------|------------------------------------------------------------------------------------------|
/// | `Zero`       | nothing, of any size                                                                     |
/// | `Dense`      | every element                                                                            |
/// | `Sparse`     | some rows of `[count, width]`; single elements are rows of width 1                       |
/// | `Ternary`    | accumulators of digits: state that gradients act on, and no term of a sum               |
/// | `Structured` | numbers in a pattern; of pairs first all left, then all right vectors                    |
///
/// ```
/// use barewire::gradient::GradientFlow as Flow;
/// use barewire::prelude::*;
/// use barewire_models::gradient_flow::GradientFlow;
///
/// let element = Flow::sparse(6, 1, &[4], &[2.5])?;
/// let message = Region::encode(&GradientFlow::from(element.as_ref()));
///
/// let index = Index::new();
/// let mut sum = Flow::Dense(vec![1.0; 6]);
/// sum.add(message.view(&index)?.as_flow()?)?;
/// assert_eq!(sum, Flow::Dense(vec![1.0, 1.0, 1.0, 1.0, 3.5, 1.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum GradientFlow {
    /// nothing
    #[bare(tag = 0)]
    Zero,
    /// every element
    #[bare(tag = 1)]
    Dense {
        /// row-major
        values: Vec<f32>,
    },
    /// some rows of a matrix
    #[bare(tag = 2)]
    Sparse {
        /// rows of the whole matrix
        count: u64,
        /// values in a row
        width: u64,
        /// row numbers, ascending
        numbers: Vec<u32>,
        /// `width` values for each number
        values: Vec<f32>,
    },
    /// accumulators of ternary digits `[rows, cols]`
    #[bare(tag = 3)]
    Ternary {
        /// rows of digits
        rows: u64,
        /// columns of digits
        cols: u64,
        /// the magnitude at which one fires: 7, 15, 31, 63 or 127
        threshold: u8,
        /// packed as the kernels have them beside the words
        accumulated: Vec<u8>,
    },
    /// numbers in a pattern
    #[bare(tag = 4)]
    Structured {
        /// where they stand
        pattern: Pattern,
        /// as many as the pattern stores
        data: Vec<f32>,
    },
}

/// The pattern of [`GradientFlow::Structured`]: [`barewire::gradient::Pattern`], and pairs.
#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(rename = "GradientPattern")]
pub enum Pattern {
    /// the diagonal of `[n, n]`
    #[bare(tag = 0)]
    Diagonal {
        /// rows and columns
        n: u64,
    },
    /// blocks along the diagonal
    #[bare(tag = 1)]
    Block {
        /// number of blocks
        blocks: u64,
        /// rows of each
        rows: u64,
        /// columns of each
        cols: u64,
    },
    /// a diagonal and some beside it
    #[bare(tag = 2)]
    Banded {
        /// rows and columns
        n: u64,
        /// diagonals below the main one
        lower: u64,
        /// diagonals above it
        upper: u64,
    },
    /// rows that repeat
    #[bare(tag = 3)]
    Broadcast {
        /// different rows
        outer: u64,
        /// times that each is repeated
        repeats: u64,
        /// numbers in a row
        inner: u64,
    },
    /// `alpha * sum of y x'`
    #[bare(tag = 4)]
    LowRank {
        /// pairs
        rank: u64,
        /// length of a left vector
        rows: u64,
        /// length of a right vector
        cols: u64,
        /// what the sum is multiplied by
        alpha: f32,
    },
}

impl From<FlowRef<'_, f32>> for GradientFlow {
    fn from(flow: FlowRef<'_, f32>) -> Self {
        match flow {
            FlowRef::Zero => GradientFlow::Zero,
            FlowRef::Dense(values) => GradientFlow::Dense { values: values.to_vec() },
            FlowRef::Sparse(rows) => GradientFlow::Sparse {
                count: rows.count() as u64,
                width: rows.width() as u64,
                numbers: rows.numbers().to_vec(),
                values: rows.values().to_vec(),
            },
            FlowRef::Structured(s) => GradientFlow::Structured { pattern: s.pattern().into(), data: s.data().to_vec() },
            FlowRef::LowRank(pairs) => {
                let [rank, rows, cols] = pairs.sizes().map(|size| size as u64);
                let pattern = Pattern::LowRank { rank, rows, cols, alpha: pairs.alpha() };
                GradientFlow::Structured { pattern, data: [pairs.y(), pairs.x()].concat() }
            }
        }
    }
}

impl From<gradient::Pattern> for Pattern {
    fn from(pattern: gradient::Pattern) -> Self {
        let wide = |size: usize| size as u64;
        match pattern {
            gradient::Pattern::Diagonal { n } => Pattern::Diagonal { n: wide(n) },
            gradient::Pattern::Block { blocks, rows, cols } => {
                Pattern::Block { blocks: wide(blocks), rows: wide(rows), cols: wide(cols) }
            }
            gradient::Pattern::Banded { n, lower, upper } => {
                Pattern::Banded { n: wide(n), lower: wide(lower), upper: wide(upper) }
            }
            gradient::Pattern::Broadcast { outer, repeats, inner } => {
                Pattern::Broadcast { outer: wide(outer), repeats: wide(repeats), inner: wide(inner) }
            }
        }
    }
}

impl TryFrom<&mut TernaryGradient> for GradientFlow {
    type Error = Error;

    /// The accumulators. What has come since the last step is a gradient by itself.
    fn try_from(gradient: &mut TernaryGradient) -> Result<Self, Error> {
        if gradient.signal() != FlowRef::Zero {
            return Err(Error::input("accumulators after a step", "a signal that has not been stepped on"));
        }
        let [rows, cols] = gradient.sizes().map(|size| size as u64);
        let (threshold, accumulated) = (gradient.threshold(), gradient.accumulated().to_vec());
        Ok(GradientFlow::Ternary { rows, cols, threshold, accumulated })
    }
}

impl<'w> GradientFlowView<'w> {
    /// The gradient, to add to others: its numbers stay in the message.
    ///
    /// # Errors
    /// Numbers that contradict each other, such as row numbers that fall; accumulators, which are no term of a sum.
    pub fn as_flow(self) -> Result<FlowRef<'w, f32>, Error> {
        Ok(match self {
            Self::Zero => FlowRef::Zero,
            Self::Dense { values } => FlowRef::Dense(values),
            Self::Sparse { count, width, numbers, values } => {
                FlowRef::Sparse(RowsRef::new(narrow("count", count)?, narrow("width", width)?, numbers, values)?)
            }
            Self::Structured { pattern, data } => structured(pattern, data)?,
            Self::Ternary { .. } => return Err(Error::tag("a gradient", "Ternary, on which gradients act")),
        })
    }

    /// The accumulators, to let gradients act on: a copy, since a step changes them.
    ///
    /// # Errors
    /// Another variant, a threshold that no width has, or accumulators that would have fired.
    pub fn as_accumulators(self) -> Result<TernaryGradient, Error> {
        let Self::Ternary { rows, cols, threshold, accumulated } = self else {
            return Err(Error::tag("Ternary", "a gradient"));
        };
        let bits = threshold.trailing_ones() + 1;
        if u32::from(threshold) + 1 != 1 << (bits - 1) {
            return Err(Error::input("a threshold of 7, 15, 31, 63 or 127", format!("{threshold}")));
        }
        TernaryGradient::from_accumulated(narrow("rows", rows)?, narrow("cols", cols)?, bits, accumulated.to_vec())
    }
}

fn structured<'w>(pattern: PatternView<'w>, data: &'w [f32]) -> Result<FlowRef<'w, f32>, Error> {
    let pattern = match pattern {
        PatternView::Diagonal { n } => gradient::Pattern::Diagonal { n: narrow("n", n)? },
        PatternView::Block { blocks, rows, cols } => gradient::Pattern::Block {
            blocks: narrow("blocks", blocks)?,
            rows: narrow("rows", rows)?,
            cols: narrow("cols", cols)?,
        },
        PatternView::Banded { n, lower, upper } => gradient::Pattern::Banded {
            n: narrow("n", n)?,
            lower: narrow("lower", lower)?,
            upper: narrow("upper", upper)?,
        },
        PatternView::Broadcast { outer, repeats, inner } => gradient::Pattern::Broadcast {
            outer: narrow("outer", outer)?,
            repeats: narrow("repeats", repeats)?,
            inner: narrow("inner", inner)?,
        },
        PatternView::LowRank { rank, rows, cols, alpha } => {
            let sizes = [narrow("rank", rank)?, narrow("rows", rows)?, narrow("cols", cols)?];
            let left = sizes[0].saturating_mul(sizes[1]);
            let (y, x) = data.split_at_checked(left).ok_or_else(|| Error::length("data", left, data.len()))?;
            return Ok(FlowRef::LowRank(PairsRef::new(sizes, alpha, y, x)?));
        }
    };
    Ok(FlowRef::Structured(StructuredRef::new(pattern, data)?))
}

fn narrow(name: &str, size: u64) -> Result<usize, Error> {
    usize::try_from(size)
        .map_err(|_| Error::shape(format!("a `{name}` that this machine can count"), format!("{size}")))
}
