//! Neighbours of one variant.

use core::ops::Range;

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

/// Runs that threads share out are cut at multiples of this many elements, so that one long run is shared out too; where they
/// are cut does not depend on the number of threads.
#[cfg(feature = "std")]
pub(super) const SHARE: usize = 16_384;

/// The rows of runs that are cut at multiples of [`SHARE`] too.
#[cfg(feature = "std")]
pub(super) fn shares(len: usize, run_end: impl Fn(usize) -> usize) -> alloc::vec::Vec<Range<usize>> {
    let (mut shares, mut at) = (alloc::vec::Vec::new(), 0);
    while at < len {
        let end = run_end(at).min((at / SHARE + 1) * SHARE);
        shares.push(at..end);
        at = end;
    }
    shares
}

#[cfg(feature = "std")]
mod parallel {
    use alloc::vec::Vec;

    use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

    use super::super::FixedType;
    use super::*;
    use crate::wire::{SlotsView, SlotsViewMut};

    impl<'w, T: FixedType> SlotsView<'w, T> {
        /// The runs, cut at multiples of 16,384 elements, shared out among the threads of `rayon`; results that are collected have the
        /// order of the list.
        pub fn par_runs(&self) -> impl IndexedParallelIterator<Item = Run<SlotsView<'w, T>>> {
            let all = *self;
            shares(all.len(), |start| all.run_end(start)).into_par_iter().map(move |rows| all.run(rows))
        }
    }

    impl<T: FixedType> SlotsViewMut<'_, T> {
        /// As [`par_runs`](SlotsView::par_runs), for change.
        pub fn par_runs_mut(&mut self) -> impl IndexedParallelIterator<Item = Run<SlotsViewMut<'_, T>>> {
            self.runs_of_at_most(SHARE).collect::<Vec<_>>().into_par_iter()
        }
    }
}
