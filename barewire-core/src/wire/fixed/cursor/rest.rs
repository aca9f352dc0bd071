//! Columns lent out for change: each at most once.

use alloc::vec::Vec;

use super::super::Fixed;
use super::super::shape::{KINDS, Kind};
use super::{Cursor, Lender, behind, cell_mut};

/// The columns of each kind that are not lent out yet.
pub(crate) struct Rest<'a, B> {
    columns: [&'a mut [B]; KINDS],
    /// how many of each kind came before the next one
    next: [usize; KINDS],
    /// how many of each kind were cut off `columns`
    cut: [usize; KINDS],
}

impl<'a, B> Rest<'a, B> {
    #[cfg(target_endian = "little")]
    #[inline(always)]
    pub(crate) fn of<T: Fixed>(columns: &'a mut [B]) -> Self {
        Self::with::<T>(columns, |_, _| ())
    }

    /// The same, after a look at each column.
    #[inline(always)]
    fn with<T: Fixed>(columns: &'a mut [B], mut look: impl FnMut(Kind, &mut B)) -> Self {
        // one check, after which all lengths are constants
        let mut rest = &mut columns[..const { T::CELLS.total() }];
        let mut of = |kind: Kind| {
            let (these, others) = core::mem::take(&mut rest).split_at_mut(T::CELLS.count(kind));
            rest = others;
            these.iter_mut().for_each(|column| look(kind, column));
            these
        };
        // written out, so that what a type does not have costs nothing; in the order of `Kind::ALL`
        let columns = [
            of(Kind::Tag),
            of(Kind::Bool),
            of(Kind::U8),
            of(Kind::I8),
            of(Kind::U16),
            of(Kind::I16),
            of(Kind::U32),
            of(Kind::I32),
            of(Kind::F32),
            of(Kind::U64),
            of(Kind::I64),
            of(Kind::F64),
        ];
        Self { columns, next: [0; KINDS], cut: [0; KINDS] }
    }

    #[inline(always)]
    fn next(&mut self, kind: Kind) -> &'a mut B {
        let k = kind as usize;
        let skipped = self.next[k] - self.cut[k];
        let (_, rest) = core::mem::take(&mut self.columns[k]).split_at_mut(skipped);
        let (column, rest) = rest.split_first_mut().expect("a type has as many columns as its shape says");
        self.columns[k] = rest;
        self.next[k] += 1;
        self.cut[k] = self.next[k];
        column
    }
}

impl<B> Cursor for Rest<'_, B> {
    type Mark = [usize; KINDS];
    #[inline(always)]
    fn enter<T: Fixed>(&mut self) -> Self::Mark {
        self.next
    }
    #[inline(always)]
    fn leave<T: Fixed>(&mut self, mark: Self::Mark) {
        self.next = behind::<T>(mark, 1);
    }
}

/// Lends out a row of columns.
pub(crate) struct RowLender<'a, B> {
    rest: Rest<'a, B>,
    row: usize,
}

impl<'a, B: AsMut<[u8]>> RowLender<'a, B> {
    /// Row `row` of the columns of a `T`, which all have it.
    ///
    /// That they do is compared here, before a tag is read, with the comparison that [`cell`](Lender::cell) makes: so it is made once, and
    /// variants whose first fields share columns become the same code, without a jump by the tag.
    #[inline(always)]
    pub(crate) fn new<T: Fixed>(columns: &'a mut [B], row: usize) -> Self {
        let rest = Rest::with::<T>(columns, |kind, column| {
            cell_mut(column.as_mut(), kind, row);
        });
        Self { rest, row }
    }
}

/// Zeros in all cells of a row of a `T`'s columns.
#[inline(always)]
pub(crate) fn clear_row<T: Fixed, B: AsMut<[u8]>>(columns: &mut [B], row: usize) {
    Rest::with::<T>(columns, |kind, column| cell_mut(column.as_mut(), kind, row).fill(0));
}

impl<B> Cursor for RowLender<'_, B> {
    type Mark = [usize; KINDS];
    #[inline(always)]
    fn enter<T: Fixed>(&mut self) -> Self::Mark {
        self.rest.enter::<T>()
    }
    #[inline(always)]
    fn leave<T: Fixed>(&mut self, mark: Self::Mark) {
        self.rest.leave::<T>(mark);
    }
}

impl<'a, B: AsMut<[u8]>> Lender<'a> for RowLender<'a, B> {
    #[inline(always)]
    fn cell(&mut self, kind: Kind) -> &'a mut [u8] {
        cell_mut(self.rest.next(kind).as_mut(), kind, self.row)
    }
}

/// Lends out the columns of a value, cut to some rows.
pub struct RunLender<'a, 'w>(pub(crate) Rest<'a, &'w mut [u8]>);

impl<'w> RunLender<'_, 'w> {
    /// The octets of the next column.
    pub fn cells(&mut self, kind: Kind) -> &'w mut [u8] {
        core::mem::take(self.0.next(kind))
    }

    /// The columns of a `T`, in their order.
    pub(crate) fn columns<T: Fixed>(&mut self) -> Vec<&'w mut [u8]> {
        T::CELLS.kinds().map(|kind| self.cells(kind)).collect()
    }
}
