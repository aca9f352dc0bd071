//! Columns as typed slices, and neighbours of one variant as typed slices of columns: what equations process without a branch.
//!
//! Only where numbers lie as the host has them.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use super::super::cursor::{InRow, Rest, RunLender, RunSource};
use super::super::leaf::numbers;
use super::super::runs::Run;
use super::super::{Fixed, FixedType, Kind, is_union};
use super::find::{column_of, kind_of};
use super::{ColumnsView, ColumnsViewMut};
use crate::wire::Scalar;

impl<'w, T: FixedType> ColumnsView<'w, T> {
    /// The column that a field of a variant is in, such as `Lif.threshold`, `Lif.weights[2]`, or `x` in a struct; `None` if there is
    /// no such field, or it holds no `S`.
    ///
    /// Elements of other variants have there what they keep in that column, or zero. [`runs`](Self::runs) has the elements of
    /// one variant.
    pub fn column<S: Scalar + Fixed>(&self, field: &str) -> Option<&'w [S]> {
        let (kind, column) = column_of(&T::SHAPE, self.at.columns(), field)?;
        if kind_of::<S>() != Some(kind) {
            return None;
        }
        Some(&numbers(self.columns.column(column))[self.rows.0..][..self.rows.1])
    }

    /// Neighbours of one variant together, in the order of the list, as typed slices of columns.
    pub fn runs(&self) -> Runs<'w, T> {
        Runs::new(*self)
    }

    /// The columns of elements `rows`, which all have one tag.
    fn run(self, rows: Range<usize>) -> Run<T::Run<'w>> {
        let tag = self.tag_at(rows.start);
        let row = self.rows.0 + rows.start;
        let mut from = RunSource { columns: self.columns, at: self.at, row, rows: rows.len() };
        if is_union::<T>() {
            from.cells(Kind::Tag);
        }
        Run { tag: tag.into(), cells: T::run(tag, &mut from), rows }
    }

    /// The end of the run that starts at an element.
    fn run_end(&self, start: usize) -> usize {
        if is_union::<T>() { run_end(self.tags(), start) } else { self.count() }
    }
}

impl<T: FixedType> ColumnsViewMut<'_, T> {
    /// The column that a field of a variant is in, as [`ColumnsView::column`], for change.
    pub fn column_mut<S: Scalar + Fixed>(&mut self, field: &str) -> Option<&mut [S]> {
        let (kind, column) = column_of(&T::SHAPE, InRow::of::<T>().columns(), field)?;
        if kind_of::<S>() != Some(kind) {
            return None;
        }
        Some(bytemuck::cast_slice_mut(self.columns[column]))
    }

    /// Neighbours of one variant together, in the order of the list, as typed slices of columns that may be changed.
    pub fn runs_mut(&mut self) -> RunsMut<'_, T> {
        RunsMut::new(self.columns.iter_mut().map(|column| &mut column[..]).collect(), self.len)
    }
}

/// The end of the run of equal tags that starts at `start`.
fn run_end(tags: &[u8], start: usize) -> usize {
    let Some((&tag, rest)) = tags.get(start..).and_then(|rest| rest.split_first()) else { return start };
    let (chunks, tail) = rest.as_chunks::<32>();
    let whole = chunks.iter().take_while(|&&chunk| chunk == [tag; 32]).count();
    let rest = chunks.get(whole).map_or(tail, |chunk| &chunk[..]);
    start + 1 + 32 * whole + rest.iter().take_while(|&&t| t == tag).count()
}

/// The iterator of [`ColumnsView::runs`].
#[derive(Clone, Copy)]
pub struct Runs<'w, T> {
    all: ColumnsView<'w, T>,
    at: usize,
}

impl<'w, T: FixedType> Runs<'w, T> {
    fn new(all: ColumnsView<'w, T>) -> Self {
        Self { all, at: 0 }
    }
}

impl<'w, T: FixedType> Iterator for Runs<'w, T> {
    type Item = Run<T::Run<'w>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.all.count() {
            return None;
        }
        let start = self.at;
        self.at = self.all.run_end(start);
        Some(self.all.run(start..self.at))
    }
}

/// The iterator of [`ColumnsViewMut::runs_mut`].
pub struct RunsMut<'w, T> {
    /// what follows the runs that were handed out
    columns: Vec<&'w mut [u8]>,
    /// the columns of one run
    cut: Vec<&'w mut [u8]>,
    at: usize,
    left: usize,
    /// runs end at its multiples too
    most: usize,
    of: PhantomData<fn() -> T>,
}

impl<'w, T: FixedType> RunsMut<'w, T> {
    fn new(columns: Vec<&'w mut [u8]>, len: usize) -> Self {
        Self { columns, cut: Vec::new(), at: 0, left: len, most: usize::MAX, of: PhantomData }
    }
}

impl<'w, T: FixedType> Iterator for RunsMut<'w, T> {
    type Item = Run<T::RunMut<'w>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let (tag, end) = match self.columns.first() {
            Some(tags) if is_union::<T>() => (tags[0], run_end(tags, 0)),
            _ => (0, self.left),
        };
        let n = end.min(self.most - self.at % self.most);
        self.cut.clear();
        for (kind, column) in T::CELLS.kinds().zip(&mut self.columns) {
            let (these, after) = core::mem::take(column).split_at_mut(n * kind.size());
            self.cut.push(these);
            *column = after;
        }
        let rows = self.at..self.at + n;
        self.at += n;
        self.left -= n;
        let mut from = RunLender(Rest::of::<T>(&mut self.cut));
        if is_union::<T>() {
            from.cells(Kind::Tag);
        }
        let cells = T::run_mut(tag, &mut from);
        Some(Run { tag: tag.into(), rows, cells })
    }
}

#[cfg(feature = "std")]
mod parallel {
    use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

    use super::super::super::runs::{SHARE, shares};
    use super::*;

    impl<'w, T: FixedType> ColumnsView<'w, T> {
        /// The runs, cut at multiples of 16,384 elements, shared out among the threads of `rayon`; results that are collected have the
        /// order of the list.
        pub fn par_runs(&self) -> impl IndexedParallelIterator<Item = Run<T::Run<'w>>>
        where
            T::Run<'w>: Send,
        {
            let all = *self;
            shares(all.count(), |start| all.run_end(start)).into_par_iter().map(move |rows| all.run(rows))
        }
    }

    impl<T: FixedType> ColumnsViewMut<'_, T> {
        /// As [`par_runs`](ColumnsView::par_runs), for change.
        pub fn par_runs_mut(&mut self) -> impl IndexedParallelIterator<Item = Run<T::RunMut<'_>>>
        where
            for<'x> T::RunMut<'x>: Send,
        {
            let runs = RunsMut { most: SHARE, ..self.runs_mut() };
            runs.collect::<Vec<_>>().into_par_iter()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_the_tag_changes() {
        for len in 1..100 {
            for end in 1..=len {
                let mut tags = alloc::vec![3; len];
                tags[end..].fill(4);
                assert_eq!(run_end(&tags, 0), end);
                assert_eq!(run_end(&tags, end - 1), end);
            }
        }
        assert_eq!(run_end(&[1, 1, 2, 2, 1], 2), 4);
        assert_eq!(run_end(&[], 0), 0);
    }
}
