//! Where the numbers of a structured matrix stand.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::Form;
use crate::Error;
use crate::real::Real;

/// A linear pattern: which of a matrix's elements each stored number is. Elements that no number is are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// `[n, n]`: number `i` is element `[i, i]`
    Diagonal {
        /// rows and columns
        n: usize,
    },
    /// `[blocks * rows, blocks * cols]`: blocks along the diagonal, stored one after the other, each row-major
    Block {
        /// number of blocks
        blocks: usize,
        /// rows of each
        rows: usize,
        /// columns of each
        cols: usize,
    },
    /// `[n, n]`: row `r` stores its elements in columns `r - lower ..= r + upper`; the numbers whose column does not exist
    /// are no elements
    Banded {
        /// rows and columns
        n: usize,
        /// diagonals below the main one
        lower: usize,
        /// diagonals above it
        upper: usize,
    },
    /// `[outer * repeats, inner]`: stored as `[outer, inner]`, each row standing for `repeats` equal ones. With `inner` 1
    /// it is a list whose numbers repeat, with `outer` 1 a matrix of equal rows.
    Broadcast {
        /// different rows
        outer: usize,
        /// times that each is repeated
        repeats: usize,
        /// numbers in a row
        inner: usize,
    },
}

impl Pattern {
    /// The tag of a gradient of this pattern.
    pub fn form(self) -> Form {
        match self {
            Pattern::Diagonal { .. } => Form::Diagonal,
            Pattern::Block { .. } => Form::Block,
            Pattern::Banded { .. } => Form::Banded,
            Pattern::Broadcast { .. } => Form::Broadcast,
        }
    }

    /// Rows and columns of the whole matrix.
    ///
    /// # Errors
    /// More elements, or more stored numbers, than memory could hold.
    pub fn sizes(self) -> Result<[usize; 2], Error> {
        let [rows, cols] = self.shape();
        match (rows.checked_mul(cols), self.stored()) {
            // no list is longer
            (Some(n), Some(_)) if isize::try_from(n).is_ok() => Ok([rows, cols]),
            _ => Err(Error::shape("a matrix that fits in memory", format!("{self:?}"))),
        }
    }

    /// As [`sizes`](Self::sizes); what cannot be counted is as large as it gets.
    fn shape(self) -> [usize; 2] {
        match self {
            Pattern::Diagonal { n } | Pattern::Banded { n, .. } => [n, n],
            Pattern::Block { blocks, rows, cols } => [blocks.saturating_mul(rows), blocks.saturating_mul(cols)],
            Pattern::Broadcast { outer, repeats, inner } => [outer.saturating_mul(repeats), inner],
        }
    }

    /// `f(stored, at)` for each element that a stored number is: the number's place in the data, the element's in the
    /// matrix. Elements `range` of the whole matrix alone.
    fn within(self, range: Range<usize>, mut f: impl FnMut(usize, usize)) {
        let [_, cols] = self.shape();
        // without columns there are no elements, of however many rows a message may speak
        for row in range.start.checked_div(cols).unwrap_or(0)..if cols == 0 { 0 } else { range.end.div_ceil(cols) } {
            let (stored, columns) = self.in_row(row, cols);
            for (i, at) in columns.map(|col| row * cols + col).enumerate() {
                if range.contains(&at) {
                    f(stored + i, at);
                }
            }
        }
    }

    /// As [`within`](Self::within), for all elements.
    fn each(self, f: impl FnMut(usize, usize)) {
        let [rows, cols] = self.shape();
        self.within(0..rows * cols, f);
    }

    /// Where the first stored element of a row is in the data, and the columns that are stored.
    fn in_row(self, row: usize, cols: usize) -> (usize, Range<usize>) {
        match self {
            Pattern::Diagonal { .. } => (row, row..row + 1),
            Pattern::Block { rows, cols: width, .. } => {
                let block = row / rows;
                (row * width, block * width..(block + 1) * width)
            }
            Pattern::Banded { lower, upper, .. } => {
                let (first, skipped) = (row.saturating_sub(lower), lower.saturating_sub(row));
                (row * (lower + upper + 1) + skipped, first..cols.min(row.saturating_add(upper).saturating_add(1)))
            }
            Pattern::Broadcast { repeats, inner, .. } => (row / repeats * inner, 0..inner),
        }
    }

    /// Stored numbers; `None` if they could not be counted.
    fn stored(self) -> Option<usize> {
        match self {
            Pattern::Diagonal { n } => Some(n),
            Pattern::Block { blocks, rows, cols } => blocks.checked_mul(rows)?.checked_mul(cols),
            Pattern::Banded { n, lower, upper } => n.checked_mul(lower.checked_add(upper)?.checked_add(1)?),
            Pattern::Broadcast { outer, inner, .. } => outer.checked_mul(inner),
        }
    }
}

/// Numbers in a pattern, as many as it stores.
#[derive(Clone, Debug, PartialEq)]
pub struct Structured<R> {
    pattern: Pattern,
    data: Vec<R>,
}

/// [`Structured`] that is borrowed, such as from a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StructuredRef<'a, R> {
    pattern: Pattern,
    data: &'a [R],
}

impl<R: Real> Structured<R> {
    pub(super) fn new(pattern: Pattern, data: Vec<R>) -> Result<Self, Error> {
        StructuredRef::new(pattern, &data)?;
        Ok(Structured { pattern, data })
    }

    /// The numbers of a pattern that come nearest to a matrix: its orthogonal projection.
    ///
    /// # Errors
    /// `all` is not a matrix of the pattern's size.
    pub(super) fn project(pattern: Pattern, all: &[R]) -> Result<Self, Error> {
        let [rows, cols] = pattern.sizes()?;
        if all.len() != rows * cols {
            return Err(Error::length("gradient", rows * cols, all.len()));
        }
        let mut data = alloc::vec![R::ZERO; pattern.stored().unwrap_or(0)];
        pattern.each(|stored, at| data[stored] += all[at]);
        if let Pattern::Broadcast { repeats: repeats @ 2.., .. } = pattern {
            let mean = R::ONE / R::of(repeats as f64);
            data.iter_mut().for_each(|x| *x *= mean);
        }
        Ok(Structured { pattern, data })
    }

    pub(super) fn as_ref(&self) -> StructuredRef<'_, R> {
        StructuredRef { pattern: self.pattern, data: &self.data }
    }

    pub(super) fn data_mut(&mut self) -> &mut [R] {
        &mut self.data
    }

    pub(super) fn into_data(self) -> Vec<R> {
        self.data
    }
}

impl<'a, R: Real> StructuredRef<'a, R> {
    /// `data`, as many numbers as the pattern stores.
    ///
    /// # Errors
    /// Another number of them, or a pattern too large to exist.
    pub fn new(pattern: Pattern, data: &'a [R]) -> Result<Self, Error> {
        pattern.sizes()?;
        match pattern.stored() {
            Some(stored) if stored == data.len() => Ok(StructuredRef { pattern, data }),
            stored => Err(Error::length("data", stored.unwrap_or(usize::MAX), data.len())),
        }
    }

    /// The pattern.
    pub fn pattern(self) -> Pattern {
        self.pattern
    }

    /// The stored numbers.
    pub fn data(self) -> &'a [R] {
        self.data
    }

    pub(super) fn len(self) -> usize {
        let [rows, cols] = self.pattern.shape();
        rows * cols
    }

    pub(super) fn to_owned_in(self, mut data: Vec<R>) -> Structured<R> {
        data.clear();
        data.extend_from_slice(self.data);
        Structured { pattern: self.pattern, data }
    }

    /// `f(at, value)` for each element of the whole matrix that a number stands for, by ascending place.
    pub(super) fn each(self, mut f: impl FnMut(usize, R)) {
        self.pattern.each(|stored, at| f(at, self.data[stored]));
    }

    /// As [`each`](Self::each), for the elements `range` of the whole matrix.
    pub(super) fn within(self, range: Range<usize>, mut f: impl FnMut(usize, R)) {
        self.pattern.within(range, |stored, at| f(at, self.data[stored]));
    }
}
