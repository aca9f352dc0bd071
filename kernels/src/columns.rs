//! Blocks of columns of a row-major matrix, for threads that share its rows.

use core::marker::PhantomData;
use core::ops::Range;

/// Some columns of a row-major matrix.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a, T> {
    data: &'a [T],
    stride: usize,
    first: usize,
    len: usize,
}

impl<'a, T> Columns<'a, T> {
    /// All columns of a matrix with rows of `stride` elements.
    pub(crate) fn new(data: &'a [T], stride: usize) -> Self {
        debug_assert!(data.is_empty() || data.len().is_multiple_of(stride), "whole rows");
        Self { data, stride, first: 0, len: stride }
    }

    /// The columns `range` of these.
    pub(crate) fn range(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len, "columns {range:?} of {}", self.len);
        Self { first: self.first + range.start, len: range.end - range.start, ..self }
    }

    /// The rows `range` of these.
    pub(crate) fn rows(self, range: Range<usize>) -> Self {
        Self { data: &self.data[range.start * self.stride..range.end * self.stride], ..self }
    }

    /// Row `r`, these columns of it.
    #[inline(always)]
    pub(crate) fn row(self, r: usize) -> &'a [T] {
        &self.data[r * self.stride + self.first..][..self.len]
    }
}

/// Some rows and columns of a row-major matrix, to be written. Values that share a matrix have no
/// element in common, so threads can hold one each.
pub(crate) struct ColumnsMut<'a, T> {
    /// First element of the first of these rows.
    data: *mut T,
    rows: usize,
    stride: usize,
    first: usize,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: the value stands for exclusive borrows of the elements in its rows and columns, as `&mut [T]` would
// of contiguous ones, and nothing else touches those.
unsafe impl<T: Send> Send for ColumnsMut<'_, T> {}

impl<'a, T> ColumnsMut<'a, T> {
    /// All columns of a matrix with rows of `stride` elements.
    pub(crate) fn new(data: &'a mut [T], stride: usize) -> Self {
        debug_assert!(data.is_empty() || data.len().is_multiple_of(stride), "whole rows");
        let rows = data.len().checked_div(stride).unwrap_or(0);
        Self { data: data.as_mut_ptr(), rows, stride, first: 0, len: stride, borrow: PhantomData }
    }

    /// Number of columns.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The columns before `at`, and the others.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        assert!(at <= self.len, "column {at} of {}", self.len);
        let second = Self { first: self.first + at, len: self.len - at, ..self };
        (Self { len: at, ..self }, second)
    }

    /// The rows before `at`, and the others.
    pub(crate) fn split_rows_at(self, at: usize) -> (Self, Self) {
        assert!(at <= self.rows, "row {at} of {}", self.rows);
        // SAFETY: `at <= rows`, so the result points into the matrix or just past it.
        let data = unsafe { self.data.add(at * self.stride) };
        let second = Self { data, rows: self.rows - at, ..self };
        (Self { rows: at, ..self }, second)
    }

    /// Row `r`, these columns of it.
    #[inline(always)]
    pub(crate) fn row(&mut self, r: usize) -> &mut [T] {
        let [row] = self.rows(r);
        row
    }

    /// The `N` rows from `r` on, these columns of them.
    #[inline(always)]
    pub(crate) fn rows<const N: usize>(&mut self, r: usize) -> [&mut [T]; N] {
        assert!(r <= self.rows && N <= self.rows - r, "rows {r} to {r} + {N} of {}", self.rows);
        core::array::from_fn(|i| {
            let at = (r + i) * self.stride + self.first;
            // SAFETY: `at <= rows * stride`, the length of the matrix: `r + i < rows`, and
            // `first + len <= stride` holds in `new` and is kept by splitting.
            let start = unsafe { self.data.add(at) };
            // SAFETY: `start` and the `len` elements from there lie in the matrix by the same bounds and
            // are initialised; no other value has these rows and columns (splitting consumes), no two rows
            // share an element (`first + len <= stride`), and the result borrows this one mutably.
            unsafe { core::slice::from_raw_parts_mut(start, self.len) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_matrix_once() {
        let mut x = [0; 15];
        let (mut a, rest) = ColumnsMut::new(&mut x, 5).split_at(2);
        let (mut b, mut c) = rest.split_at(3);
        assert_eq!((a.len(), b.len(), c.len()), (2, 3, 0));
        for r in 0..3 {
            a.row(r).fill(r + 1);
            b.row(r).fill(r + 10);
            assert!(c.row(r).is_empty());
        }
        assert_eq!(x, [1, 1, 10, 10, 10, 2, 2, 11, 11, 11, 3, 3, 12, 12, 12]);
        let columns = Columns::new(&x, 5);
        assert_eq!(columns.range(1..3).row(1), [2, 11]);
        assert_eq!(columns.range(1..4).range(1..2).row(2), [12]);
        assert_eq!(columns.rows(1..3).row(0), [2, 2, 11, 11, 11]);
    }

    #[test]
    fn rows_and_columns_are_cut_independently() {
        let mut x = [0; 12];
        let (left, right) = ColumnsMut::new(&mut x, 4).split_at(1);
        let (mut a, mut b) = left.split_rows_at(1);
        let (mut c, mut d) = right.split_rows_at(2);
        a.row(0).fill(1);
        b.row(1).fill(2);
        c.row(1).fill(3);
        d.row(0).fill(4);
        assert_eq!(x, [1, 0, 0, 0, 0, 3, 3, 3, 2, 4, 4, 4]);
    }

    #[test]
    fn several_rows_at_once() {
        let mut x = [0; 12];
        let (_, mut right) = ColumnsMut::new(&mut x, 4).split_at(1);
        let [a, b] = right.rows(1);
        a.fill(1);
        b.fill(2);
        assert!(right.rows::<0>(3).is_empty());
        assert_eq!(x, [0, 0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2]);
    }

    #[test]
    fn empty_matrices() {
        assert_eq!(ColumnsMut::<u8>::new(&mut [], 0).len(), 0);
        assert_eq!(ColumnsMut::<u8>::new(&mut [], 4).split_at(1).1.len(), 3);
    }
}
