//! Neighbours of one variant, as typed slices of columns: what equations process without a branch.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use super::columns::ColumnsView;
use super::cursor::{Rest, RunLender};
use super::{FixedType, Kind, is_union};

/// Elements of one variant that stand next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<C> {
    /// their tag; 0 if the type is a struct
    pub tag: u32,
    /// which elements
    pub rows: Range<usize>,
    /// their cells: the generated `XRun` or `XRunMut` for columns, a `SlotsView` or `SlotsViewMut` for slots
    pub cells: C,
}

/// The end of the run of equal tags that starts at `start`.
pub(super) fn run_end(tags: &[u8], start: usize) -> usize {
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
    pub(super) fn new(all: ColumnsView<'w, T>) -> Self {
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

/// The iterator of [`ColumnsViewMut::runs_mut`](super::ColumnsViewMut::runs_mut).
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
    pub(super) fn new(columns: Vec<&'w mut [u8]>, len: usize) -> Self {
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

/// Runs that threads share out are cut at multiples of this many elements, so that one long run is shared out too; where they
/// are cut does not depend on the number of threads.
#[cfg(feature = "std")]
const SHARE: usize = 16_384;

#[cfg(all(feature = "std", target_endian = "little"))]
mod parallel {
    use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

    use super::*;
    use crate::wire::{ColumnsViewMut, SlotsView, SlotsViewMut};

    /// The rows of runs that are cut at multiples of [`SHARE`] too.
    fn shares(len: usize, run_end: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
        let (mut shares, mut at) = (Vec::new(), 0);
        while at < len {
            let end = run_end(at).min((at / SHARE + 1) * SHARE);
            shares.push(at..end);
            at = end;
        }
        shares
    }

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

    impl<'w, T: FixedType> SlotsView<'w, T> {
        /// As [`ColumnsView::par_runs`].
        pub fn par_runs(&self) -> impl IndexedParallelIterator<Item = Run<SlotsView<'w, T>>> {
            let all = *self;
            shares(all.len(), |start| all.run_end(start)).into_par_iter().map(move |rows| all.run(rows))
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

    impl<T: FixedType> SlotsViewMut<'_, T> {
        /// As [`par_runs`](SlotsView::par_runs), for change.
        pub fn par_runs_mut(&mut self) -> impl IndexedParallelIterator<Item = Run<SlotsViewMut<'_, T>>> {
            self.runs_of_at_most(SHARE).collect::<Vec<_>>().into_par_iter()
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
