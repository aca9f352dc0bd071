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
    /// A code width outside 2 to 8 bits.
    Bits {
        /// The width that was passed.
        found: u32,
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
            Self::Bits { found } => write!(f, "`bits` is {found}, expected 2 to 8"),
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

/// Product of dimensions, or an error that names the buffer it would size.
pub(crate) fn product(argument: &'static str, dims: &[usize]) -> Result<usize, KernelError> {
    dims.iter().try_fold(1usize, |a, &d| a.checked_mul(d)).ok_or(KernelError::Overflow { argument })
}
