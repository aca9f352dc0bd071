use core::fmt;

/// Why a kernel refused its arguments. Nothing was written when one is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KernelError {
    /// A slice has the wrong length.
    Length {
        /// The parameter's name in the function's signature.
        argument: &'static str,
        /// The length that the shapes ask for, in elements.
        expected: usize,
        /// The length of the slice that was passed.
        found: usize,
    },
    /// A dimension is larger than the kernels' integer sums allow ([`crate::ternary::MAX_DIM`]).
    TooLarge {
        /// The parameter's name in the function's signature.
        argument: &'static str,
        /// The largest value allowed.
        limit: usize,
        /// The value that was passed.
        found: usize,
    },
    /// A product of dimensions does not fit in `usize`.
    Overflow {
        /// The buffer whose length overflows.
        argument: &'static str,
    },
    /// An index lies outside the matrix.
    Index {
        /// The parameter's name in the function's signature.
        argument: &'static str,
        /// The first index past the end.
        end: usize,
        /// The index that was passed.
        found: usize,
    },
    /// A value to be packed does not fit the format.
    Value {
        /// Where it stands in the argument.
        index: usize,
        /// The smallest value of the format.
        min: i32,
        /// The largest value of the format.
        max: i32,
        /// The value found.
        found: i32,
    },
    /// A stored code means nothing (the ternary code 3).
    Code {
        /// Row of the code.
        row: usize,
        /// Column of the code.
        col: usize,
        /// The code found.
        found: u8,
    },
    /// A word's padding is not the padding pattern of the format.
    Padding {
        /// Index of the word.
        word: usize,
        /// The padding bits expected, in place, all other bits zero.
        expected: u64,
        /// The padding bits found, in place, all other bits zero.
        found: u64,
    },
    /// A dimension does not fit a storage form.
    Multiple {
        /// The dimension's name.
        argument: &'static str,
        /// What it must be a multiple of.
        of: usize,
        /// The value that was passed.
        found: usize,
    },
    /// A number that half precision does not hold exactly.
    NotHalf {
        /// The parameter's name in the function's signature.
        argument: &'static str,
        /// The bits of the `f32` that was passed.
        bits: u32,
    },
    /// The scale of a block differs from that of the blocks before it, or is not finite.
    BlockScale {
        /// Index of the block.
        index: usize,
        /// The bits of the other blocks' `f32` scale.
        expected: u32,
        /// The bits of this block's.
        found: u32,
    },
    /// A code width outside 2 to 8 bits.
    Bits {
        /// The width that was passed.
        found: u32,
    },
    /// A width of accumulators outside 4 to 8 bits.
    AccumulatorBits {
        /// The width that was passed.
        found: u32,
    },
    /// An accumulator that should have fired, or one of the padding that is not 0.
    Accumulator {
        /// Row of the accumulator.
        row: usize,
        /// Column of the accumulator.
        col: usize,
        /// The largest value allowed there, and its negative the smallest.
        max: i8,
        /// The value found.
        found: i8,
    },
    /// A byte that is no state of a digit with its accumulator.
    State {
        /// Row of the byte.
        row: usize,
        /// Column of the byte.
        col: usize,
        /// The number of states: the first byte that is none.
        states: u8,
        /// The byte found.
        found: u8,
    },
    /// What this machine cannot compute.
    Unavailable {
        /// The arithmetic.
        what: &'static str,
        /// What it needs.
        needs: &'static str,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Length { argument, expected, found } => {
                write!(f, "`{argument}` has length {found}, expected {expected}")
            }
            Self::TooLarge { argument, limit, found } => {
                write!(f, "`{argument}` is {found}, the largest allowed is {limit}")
            }
            Self::Overflow { argument } => {
                write!(f, "the length of `{argument}` does not fit in a usize")
            }
            Self::Index { argument, end, found } => {
                write!(f, "index `{argument}` is {found}, expected less than {end}")
            }
            Self::Value { index, min, max, found } => {
                write!(f, "value {found} at index {index} is outside {min}..={max}")
            }
            Self::Code { row, col, found } => {
                write!(f, "code {found} at row {row}, column {col} is not a digit")
            }
            Self::Padding { word, expected, found } => {
                write!(f, "padding of word {word} is {found:#018x}, expected {expected:#018x}")
            }
            Self::Multiple { argument, of, found } => {
                write!(f, "`{argument}` is {found}, which this form needs to be a multiple of {of}")
            }
            Self::NotHalf { argument, bits } => {
                let value = f32::from_bits(bits);
                let nearest = half::f16::from_f32(value);
                write!(f, "`{argument}` is {value}, which half precision cannot hold; the nearest is {nearest}")
            }
            Self::BlockScale { index, expected, found } => {
                let (expected, found) = (f32::from_bits(expected), f32::from_bits(found));
                write!(f, "the scale of block {index} is {found}, expected {expected} as in the others")
            }
            Self::Bits { found } => write!(f, "`bits` is {found}, expected 2 to 8"),
            Self::AccumulatorBits { found } => write!(f, "`bits` is {found}, expected 4 to 8"),
            Self::Accumulator { row, col, max, found } => {
                write!(f, "accumulator {found} at row {row}, column {col} is outside -{max}..={max}")
            }
            Self::State { row, col, states, found } => {
                write!(f, "byte {found} at row {row}, column {col} is no state, expected less than {states}")
            }
            Self::Unavailable { what, needs } => write!(f, "{what} needs {needs}, which is not there"),
        }
    }
}

impl core::error::Error for KernelError {}

/// Refuses a slice whose length is not `expected`.
pub(crate) fn check_len<T>(argument: &'static str, slice: &[T], expected: usize) -> Result<(), KernelError> {
    if slice.len() == expected {
        return Ok(());
    }
    Err(KernelError::Length { argument, expected, found: slice.len() })
}

/// As [`check_len`] for a slice that may be left out.
pub(crate) fn check_optional<T>(
    argument: &'static str,
    slice: Option<&[T]>,
    expected: usize,
) -> Result<(), KernelError> {
    slice.map_or(Ok(()), |slice| check_len(argument, slice, expected))
}

/// Product of dimensions, or an error that names the buffer it would size.
pub(crate) fn product(argument: &'static str, dims: &[usize]) -> Result<usize, KernelError> {
    dims.iter().try_fold(1usize, |a, &d| a.checked_mul(d)).ok_or(KernelError::Overflow { argument })
}
