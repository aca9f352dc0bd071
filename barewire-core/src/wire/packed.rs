//! Matrices of digits and of bits, packed in `u64` words.
//!
//! Here are lengths, payload checks and simple packing for construction; products are in `barewire-kernels`, over the same
//! words.

use alloc::format;
use alloc::vec::Vec;

use super::buffer::AlignedVec;
use super::error::{DecodeError, ValueError};
use super::index::Index;
use super::list::{Element, Walked};
use super::matrix::{check_len, dims, read_dims};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;
use super::{ALIGN, Wire};

/// 32 codes of two bits, all 1: digits 0.
const ZERO_DIGITS: u64 = 0x5555_5555_5555_5555;

fn ternary_words(rows: u32, cols: u32) -> u128 {
    u128::from(rows).next_multiple_of(8) * u128::from(cols).div_ceil(32)
}

pub(super) fn row_words(rows: u32, cols: u32, bits: u8) -> u128 {
    u128::from(rows) * (u128::from(cols) * u128::from(bits)).div_ceil(64)
}

/// The word of a ternary matrix that holds `[row, col]`, and the position of its two bits.
fn tile8(cols: u32, row: usize, col: usize) -> (usize, u32) {
    let words_a_row = (cols as usize).div_ceil(32);
    ((row / 8 * words_a_row + col / 32) * 8 + row % 8, (2 * (col % 32)) as u32)
}

/// A word and a shift for every code of a row-major matrix; codes may straddle two words.
pub(super) fn row_major(cols: u32, bits: u8, row: usize, col: usize) -> (usize, u32) {
    let bit = col * usize::from(bits);
    (row * (cols as usize * usize::from(bits)).div_ceil(64) + bit / 64, (bit % 64) as u32)
}

/// Words of a matrix in memory, or the reason why not.
pub(super) fn room(what: &'static str, rows: usize, cols: usize, words: u128) -> Result<usize, ValueError> {
    match usize::try_from(words) {
        Ok(n) if n <= isize::MAX as usize / 8 => Ok(n),
        _ => Err(ValueError::new(what, rows, cols, "a matrix that fits in memory", "a larger one")),
    }
}

/// Checks that `given` is what the sizes ask for.
pub(super) fn given(
    what: &'static str,
    unit: &str,
    rows: usize,
    cols: usize,
    expected: u128,
    found: usize,
) -> Result<(), ValueError> {
    if expected == found as u128 {
        return Ok(());
    }
    Err(ValueError::new(what, rows, cols, format!("{expected} {unit}"), format!("{found}")))
}

/// First problem in the payload of a ternary matrix: a code 3, or padding that is not digit 0.
fn ternary_problem(rows: usize, cols: usize, words: &[u64]) -> Option<(usize, &'static str)> {
    let words_a_row = cols.div_ceil(32);
    words.iter().enumerate().find_map(|(at, &word)| {
        // both bits of a code set
        if word & (word >> 1) & ZERO_DIGITS != 0 {
            return Some((at, "digit codes 0, 1 and 2"));
        }
        let (row, first_col) = (at / (8 * words_a_row) * 8 + at % 8, at / 8 % words_a_row * 32);
        let used = if row < rows { cols.saturating_sub(first_col).min(32) } else { 0 };
        let padding = if used == 32 { 0 } else { u64::MAX << (2 * used) };
        ((word ^ ZERO_DIGITS) & padding != 0).then_some((at, "padding of digits 0"))
    })
}

/// First word of a row-major matrix whose bits after the last column are not zero.
pub(super) fn row_problem(cols: usize, bits: usize, words: &[u64]) -> Option<(usize, &'static str)> {
    let words_a_row = (cols * bits).div_ceil(64);
    let used = cols * bits % 64;
    if used == 0 {
        return None;
    }
    let last = words.iter().enumerate().skip(words_a_row - 1).step_by(words_a_row);
    last.filter(|(_, word)| **word >> used != 0).map(|(at, _)| (at, "padding of zero bits")).next()
}

/// A payload problem as an error; `end` is the offset after the words.
pub(super) fn payload(end: u64, words: &[u64], problem: Option<(usize, &'static str)>) -> Result<(), DecodeError> {
    match problem {
        None => Ok(()),
        Some((at, expected)) => {
            let offset = end - 8 * (words.len() - at) as u64;
            Err(DecodeError::new(offset, expected, format!("word {at} = {:#018x}", words[at])))
        }
    }
}

/// Digits -1, 0, +1, two bits each.
///
/// Code `digit + 1`; word `(row / 8 * W + col / 32) * 8 + row % 8` with `W = ceil(cols / 32)` holds 32 columns of a row, the
/// first in its lowest bits (`Tile8`: 8 rows of a word make a cache line). Rows are padded to 8 and columns to 32 with digits 0.
/// The scale is a field of its own beside it.
///
/// On the wire `struct { rows: u32 cols: u32 pad: data words: list<u64> }`.
///
/// ```
/// # use barewire_core::wire::TernaryMatrix;
/// let m = TernaryMatrix::from_digits(2, 3, &[1, 0, -1, 0, 0, 1]).unwrap();
/// assert_eq!(m.digit(0, 2), -1);
/// assert_eq!(m.words().len(), 8); // one tile
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TernaryMatrix {
    rows: u32,
    cols: u32,
    words: AlignedVec<u64>,
}

impl TernaryMatrix {
    /// A matrix of digits -1, 0 or 1, row by row.
    ///
    /// # Errors
    /// Another number of digits, another digit, or sizes above 32 bits.
    pub fn from_digits(rows: usize, cols: usize, digits: &[i8]) -> Result<Self, ValueError> {
        let mut packed = Self::zeros(rows, cols)?;
        given("digits", "digits", rows, cols, rows as u128 * cols as u128, digits.len())?;
        for (at, &digit) in digits.iter().enumerate() {
            if !(-1..=1).contains(&digit) {
                return Err(ValueError::new("digits", rows, cols, "digits -1, 0 and 1", format!("{digit} at {at}")));
            }
            let (word, shift) = tile8(packed.cols, at / cols, at % cols);
            // the place holds code 1
            packed.words[word] ^= u64::from((digit + 1) as u8 ^ 1) << shift;
        }
        Ok(packed)
    }

    /// A matrix of packed words in `Tile8` order.
    ///
    /// # Errors
    /// Another number of words, a code 3, padding that is not digit 0, or sizes above 32 bits.
    pub fn from_words(rows: usize, cols: usize, words: impl Into<AlignedVec<u64>>) -> Result<Self, ValueError> {
        let words = words.into();
        let (r, c) = dims("words", rows, cols)?;
        given("words", "words", rows, cols, ternary_words(r, c), words.len())?;
        if let Some((at, expected)) = ternary_problem(rows, cols, &words) {
            return Err(ValueError::new("words", rows, cols, expected, format!("word {at} = {:#018x}", words[at])));
        }
        Ok(Self { rows: r, cols: c, words })
    }

    /// All digits 0.
    ///
    /// # Errors
    /// Sizes above 32 bits, or more words than memory can address.
    pub fn zeros(rows: usize, cols: usize) -> Result<Self, ValueError> {
        let (r, c) = dims("words", rows, cols)?;
        let mut words = AlignedVec::zeroed(room("words", rows, cols, ternary_words(r, c))?);
        words.fill(ZERO_DIGITS);
        Ok(Self { rows: r, cols: c, words })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols as usize
    }

    /// The packed words, in `Tile8` order.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// One digit.
    ///
    /// # Panics
    /// If there is no such row or column, as indexing does.
    pub fn digit(&self, row: usize, col: usize) -> i8 {
        assert!(row < self.rows() && col < self.cols(), "no digit at row {row}, column {col}");
        let (word, shift) = tile8(self.cols, row, col);
        (self.words[word] >> shift & 3) as i8 - 1
    }

    /// All digits, row by row.
    pub fn to_digits(&self) -> Vec<i8> {
        let (rows, cols) = (self.rows(), self.cols());
        (0..rows).flat_map(|row| (0..cols).map(move |col| self.digit(row, col))).collect()
    }
}

/// Bits, one each: `col` at bit `col % 64` of word `row * ceil(cols / 64) + col / 64`; bits after the last column are 0.
///
/// On the wire `struct { rows: u32 cols: u32 pad: data words: list<u64> }`.
///
/// ```
/// # use barewire_core::wire::BinaryMatrix;
/// let m = BinaryMatrix::from_bits(1, 3, &[true, false, true]).unwrap();
/// assert_eq!(m.words(), [0b101]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryMatrix {
    rows: u32,
    cols: u32,
    words: AlignedVec<u64>,
}

impl BinaryMatrix {
    /// A matrix of bits, row by row.
    ///
    /// # Errors
    /// Another number of bits, or sizes above 32 bits.
    pub fn from_bits(rows: usize, cols: usize, bits: &[bool]) -> Result<Self, ValueError> {
        let (r, c) = dims("bits", rows, cols)?;
        given("bits", "bits", rows, cols, rows as u128 * cols as u128, bits.len())?;
        let mut words = AlignedVec::<u64>::zeroed(room("bits", rows, cols, row_words(r, c, 1))?);
        for (at, &bit) in bits.iter().enumerate() {
            let (word, shift) = row_major(c, 1, at / cols, at % cols);
            words[word] |= u64::from(bit) << shift;
        }
        Ok(Self { rows: r, cols: c, words })
    }

    /// A matrix of packed words.
    ///
    /// # Errors
    /// Another number of words, padding that is not zero, or sizes above 32 bits.
    pub fn from_words(rows: usize, cols: usize, words: impl Into<AlignedVec<u64>>) -> Result<Self, ValueError> {
        let words = words.into();
        let (r, c) = dims("words", rows, cols)?;
        given("words", "words", rows, cols, row_words(r, c, 1), words.len())?;
        if let Some((at, expected)) = row_problem(cols, 1, &words) {
            return Err(ValueError::new("words", rows, cols, expected, format!("word {at} = {:#018x}", words[at])));
        }
        Ok(Self { rows: r, cols: c, words })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols as usize
    }

    /// The packed words, row by row.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// One bit.
    ///
    /// # Panics
    /// If there is no such row or column, as indexing does.
    pub fn bit(&self, row: usize, col: usize) -> bool {
        assert!(row < self.rows() && col < self.cols(), "no bit at row {row}, column {col}");
        let (word, shift) = row_major(self.cols, 1, row, col);
        self.words[word] >> shift & 1 == 1
    }
}

/// A borrowed [`TernaryMatrix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TernaryView<'w> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// `Tile8` words. A view of octets that only had the structural check may hold code 3, which kernels take as +2.
    pub words: &'w [u64],
}

/// A borrowed [`TernaryMatrix`] whose words may be changed.
#[derive(Debug, PartialEq, Eq)]
pub struct TernaryViewMut<'w> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// `Tile8` words
    pub words: &'w mut [u64],
}

/// A borrowed [`BinaryMatrix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryView<'w> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// words, row by row
    pub words: &'w [u64],
}

/// A borrowed [`BinaryMatrix`] whose words may be changed.
#[derive(Debug, PartialEq, Eq)]
pub struct BinaryViewMut<'w> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// words, row by row
    pub words: &'w mut [u64],
}

/// `Wire` for the two matrices that are rows, columns and words.
macro_rules! words_wire {
    ($t:ident, $view:ident, $view_mut:ident, $len:expr, $problem:expr) => {
        impl Wire for $t {
            type View<'w, P: Copy + 'static> = $view<'w>;
            type ViewMut<'w> = $view_mut<'w>;
            const MIN_LEN: usize = 4 + 4 + 2;
            const ALIGN: usize = ALIGN;
            fn schema(types: &mut SchemaBuilder) -> TypeRef {
                let dims = [("rows", TypeRef::U32), ("cols", TypeRef::U32)];
                types.padded_struct::<u64>(stringify!($t), &dims, "words")
            }
            fn encode(&self, w: &mut Writer) {
                self.rows.encode(w);
                self.cols.encode(w);
                w.padded(&self.words[..]);
            }
            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let at = r.offset();
                let (rows, cols) = read_dims(r)?;
                let words: Vec<u64> = r.padded_copy()?;
                check_len(at, "words", rows, cols, $len(rows, cols), words.len())?;
                if r.checks_payloads() {
                    payload(r.offset(), &words, $problem(rows as usize, cols as usize, &words))?;
                }
                Ok(Self { rows, cols, words: words.into() })
            }
            fn view<'w>(&'w self, _: &'w Index) -> $view<'w> {
                $view { rows: self.rows(), cols: self.cols(), words: &self.words }
            }
            fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<$view<'w>, DecodeError> {
                let at = r.offset();
                let (rows, cols) = read_dims(r)?;
                let words = r.padded()?;
                check_len(at, "words", rows, cols, $len(rows, cols), words.len())?;
                if r.checks_payloads() {
                    payload(r.offset(), words, $problem(rows as usize, cols as usize, words))?;
                }
                Ok($view { rows: rows as usize, cols: cols as usize, words })
            }
            fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<$view_mut<'w>, DecodeError> {
                let at = r.offset();
                let (rows, cols) = r.scan(read_dims)?;
                let words = r.padded::<u64>()?;
                check_len(at, "words", rows, cols, $len(rows, cols), words.len())?;
                Ok($view_mut { rows: rows as usize, cols: cols as usize, words })
            }
        }
        impl Element for $t {
            type Kind = Walked;
        }
    };
}

words_wire!(TernaryMatrix, TernaryView, TernaryViewMut, ternary_words, ternary_problem);
words_wire!(
    BinaryMatrix,
    BinaryView,
    BinaryViewMut,
    |rows, cols| row_words(rows, cols, 1),
    |_, cols, words: &[u64]| { row_problem(cols, 1, words) }
);
