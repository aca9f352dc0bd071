//! Where the next cell is: in a slot, in the rows of columns. The order of cells is that of the fields, so a value is
//! written and read by naming its fields one after another; all positions are constants once this is inlined.

mod rest;

use super::super::AlignedVec;
use super::Fixed;
use super::shape::{KINDS, Kind};

#[cfg(target_endian = "little")]
pub(crate) use rest::Rest;
pub use rest::RunLender;
pub(crate) use rest::{RowLender, clear_row};

/// A position that goes from cell to cell.
pub trait Cursor {
    /// Where a value began.
    type Mark;
    /// Goes to where a `T` begins.
    fn enter<T: Fixed>(&mut self) -> Self::Mark;
    /// Goes to where the `T` ends that began at the mark, whatever its variant.
    fn leave<T: Fixed>(&mut self, mark: Self::Mark);
}

/// Cells that are read.
pub trait Source: Cursor {
    /// The octets of the next cell.
    fn cell(&mut self, kind: Kind) -> &[u8];
    /// The next tag.
    #[inline(always)]
    fn tag(&mut self) -> u8 {
        self.cell(Kind::Tag)[0]
    }
}

/// Cells that are written.
pub trait Sink: Cursor {
    /// Writes the next cell.
    fn write(&mut self, kind: Kind, octets: &[u8]);
    /// Writes the next tag.
    #[inline(always)]
    fn tag(&mut self, tag: u8) {
        self.write(Kind::Tag, &[tag]);
    }
}

/// Cells that are lent out for change.
pub trait Lender<'w>: Cursor {
    /// The octets of the next cell.
    fn cell(&mut self, kind: Kind) -> &'w mut [u8];
    /// The next tag, which nobody changes through a loan.
    #[inline(always)]
    fn tag(&mut self) -> u8 {
        self.cell(Kind::Tag)[0]
    }
}

/// A position in a slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InSlot(usize);

impl InSlot {
    /// From where to where the next cell goes.
    #[inline(always)]
    fn next(&mut self, kind: Kind) -> (usize, usize) {
        let start = self.0.next_multiple_of(kind.size());
        self.0 = start + kind.size();
        (start, self.0)
    }

    #[inline(always)]
    fn enter<T: Fixed>(&mut self) -> usize {
        self.0 = self.0.next_multiple_of(T::PLACE.align);
        self.0
    }

    #[inline(always)]
    fn leave<T: Fixed>(&mut self, mark: usize) {
        self.0 = mark + T::PLACE.size;
    }
}

/// A position in a row: the number of the next column of each kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InRow([usize; KINDS]);

impl InRow {
    #[inline(always)]
    pub(crate) fn of<T: Fixed>() -> Self {
        Self(const { T::CELLS.firsts() })
    }

    /// The number of the next column of each kind.
    #[cfg(target_endian = "little")]
    pub(crate) fn columns(self) -> [usize; KINDS] {
        self.0
    }

    #[inline(always)]
    pub(crate) fn next(&mut self, kind: Kind) -> usize {
        let column = self.0[kind as usize];
        self.0[kind as usize] += 1;
        column
    }

    #[inline(always)]
    pub(crate) fn leave<T: Fixed>(&mut self, mark: Self) {
        self.0 = behind::<T>(mark.0, 1);
    }
}

/// The next column of each kind behind a `T`, whose columns are `step` apart for each octet of a cell; 1 counts columns.
///
/// A plain loop over constants, so that it is folded into them: iterators over arrays were not.
#[inline(always)]
fn behind<T: Fixed>(mut mark: [usize; KINDS], step: usize) -> [usize; KINDS] {
    let counts = const { T::CELLS.counts() };
    let mut k = 0;
    while k < KINDS {
        mark[k] += counts[k] * if step == 1 { 1 } else { step * Kind::ALL[k].size() };
        k += 1;
    }
    mark
}

/// Implements [`Cursor`] through the position in a field of the given name.
macro_rules! cursor {
    (slot: $($t:ty)*) => { $(
        impl Cursor for $t {
            type Mark = usize;
            #[inline(always)]
            fn enter<T: Fixed>(&mut self) -> usize {
                self.at.enter::<T>()
            }
            #[inline(always)]
            fn leave<T: Fixed>(&mut self, mark: usize) {
                self.at.leave::<T>(mark);
            }
        }
    )* };
    (row: $([$($bounds:tt)*] $t:ty)*) => { $(
        impl<$($bounds)*> Cursor for $t {
            type Mark = InRow;
            #[inline(always)]
            fn enter<T: Fixed>(&mut self) -> InRow {
                self.at
            }
            #[inline(always)]
            fn leave<T: Fixed>(&mut self, mark: InRow) {
                self.at.leave::<T>(mark);
            }
        }
    )* };
}

cursor!(slot: SlotSource<'_> SlotSink<'_> SlotLender<'_>);
cursor!(row: [] RowSource<'_> [B] RowSink<'_, B>);

/// Reads a slot.
pub(crate) struct SlotSource<'a> {
    pub(crate) slot: &'a [u8],
    pub(crate) at: InSlot,
}

impl Source for SlotSource<'_> {
    #[inline(always)]
    fn cell(&mut self, kind: Kind) -> &[u8] {
        let (start, end) = self.at.next(kind);
        &self.slot[start..end]
    }
}

/// Writes a slot.
pub(crate) struct SlotSink<'a> {
    pub(crate) slot: &'a mut [u8],
    pub(crate) at: InSlot,
}

impl Sink for SlotSink<'_> {
    #[inline(always)]
    fn write(&mut self, kind: Kind, octets: &[u8]) {
        let (start, end) = self.at.next(kind);
        self.slot[start..end].copy_from_slice(octets);
    }
}

/// Lends out a slot.
pub(crate) struct SlotLender<'w> {
    rest: &'w mut [u8],
    /// where `rest` starts
    start: usize,
    at: InSlot,
}

impl<'w> SlotLender<'w> {
    #[inline(always)]
    pub(crate) fn new(slot: &'w mut [u8]) -> Self {
        Self { rest: slot, start: 0, at: InSlot(0) }
    }
}

impl<'w> Lender<'w> for SlotLender<'w> {
    #[inline(always)]
    fn cell(&mut self, kind: Kind) -> &'w mut [u8] {
        let (start, end) = self.at.next(kind);
        let (_, rest) = core::mem::take(&mut self.rest).split_at_mut(start - self.start);
        let (cell, rest) = rest.split_at_mut(end - start);
        (self.rest, self.start) = (rest, end);
        cell
    }
}

/// Columns, whoever owns them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List<'w> {
    Owned(&'w [AlignedVec<u8>]),
    Viewed(&'w [&'w [u8]]),
    Lent(&'w [&'w mut [u8]]),
}

impl<'w> List<'w> {
    #[inline(always)]
    pub(crate) fn column(self, j: usize) -> &'w [u8] {
        match self {
            Self::Owned(columns) => &columns[j],
            Self::Viewed(columns) => columns[j],
            Self::Lent(columns) => &*columns[j],
        }
    }
}

/// A cell of a column.
#[inline(always)]
fn cell_mut(column: &mut [u8], kind: Kind, row: usize) -> &mut [u8] {
    // one comparison, where two cuts of the slice are two
    match kind.size() {
        1 => &mut column.as_chunks_mut::<1>().0[row],
        2 => &mut column.as_chunks_mut::<2>().0[row],
        4 => &mut column.as_chunks_mut::<4>().0[row],
        _ => &mut column.as_chunks_mut::<8>().0[row],
    }
}

/// As [`cell_mut`].
#[inline(always)]
fn cell(column: &[u8], kind: Kind, row: usize) -> &[u8] {
    match kind.size() {
        1 => &column.as_chunks::<1>().0[row],
        2 => &column.as_chunks::<2>().0[row],
        4 => &column.as_chunks::<4>().0[row],
        _ => &column.as_chunks::<8>().0[row],
    }
}

/// Reads a row of columns.
pub(crate) struct RowSource<'w> {
    pub(crate) columns: List<'w>,
    pub(crate) at: InRow,
    pub(crate) row: usize,
}

impl Source for RowSource<'_> {
    #[inline(always)]
    fn cell(&mut self, kind: Kind) -> &[u8] {
        cell(self.columns.column(self.at.next(kind)), kind, self.row)
    }
}

/// Reads the columns of a value for some rows.
#[derive(Debug)]
pub struct RunSource<'w> {
    pub(crate) columns: List<'w>,
    pub(crate) at: InRow,
    pub(crate) row: usize,
    pub(crate) rows: usize,
}

impl<'w> RunSource<'w> {
    /// The octets of the next column, those of these rows.
    pub fn cells(&mut self, kind: Kind) -> &'w [u8] {
        &self.columns.column(self.at.next(kind))[self.row * kind.size()..][..self.rows * kind.size()]
    }

    /// Goes past the columns of a `T`.
    pub fn skip<T: Fixed>(&mut self) {
        self.at.leave::<T>(self.at);
    }
}

/// Writes a row of columns.
pub(crate) struct RowSink<'a, B> {
    pub(crate) columns: &'a mut [B],
    pub(crate) at: InRow,
    pub(crate) row: usize,
}

impl<B: AsMut<[u8]>> Sink for RowSink<'_, B> {
    #[inline(always)]
    fn write(&mut self, kind: Kind, octets: &[u8]) {
        cell_mut(self.columns[self.at.next(kind)].as_mut(), kind, self.row).copy_from_slice(octets);
    }
}

/// Rows that are gathered in the first cache level before they go to their columns: a cache line of tags. Four times as many took a sixth
/// longer, since what is copied to a column at once has to be there all at once.
pub(crate) const BLOCK: usize = 64;

/// Writes a row of a block: columns of [`BLOCK`] cells, one behind the other.
pub(crate) struct BlockSink<'a> {
    block: &'a mut [u8],
    /// where in the block the next column of each kind starts
    starts: [usize; KINDS],
    row: usize,
}

impl<'a> BlockSink<'a> {
    #[inline(always)]
    pub(crate) fn new<T: Fixed>(block: &'a mut [u8], row: usize) -> Self {
        Self { block, starts: const { starts(&T::CELLS) }, row }
    }
}

/// Octets of a block before the first column of each kind.
const fn starts(cells: &super::Cells) -> [usize; KINDS] {
    let (mut starts, mut next, mut k) = ([0; KINDS], 0, 0);
    while k < KINDS {
        starts[k] = next;
        next += cells.count(Kind::ALL[k]) * Kind::ALL[k].size() * BLOCK;
        k += 1;
    }
    starts
}

impl Cursor for BlockSink<'_> {
    type Mark = [usize; KINDS];
    #[inline(always)]
    fn enter<T: Fixed>(&mut self) -> Self::Mark {
        self.starts
    }
    #[inline(always)]
    fn leave<T: Fixed>(&mut self, mark: Self::Mark) {
        self.starts = behind::<T>(mark, BLOCK);
    }
}

impl Sink for BlockSink<'_> {
    #[inline(always)]
    fn write(&mut self, kind: Kind, octets: &[u8]) {
        let start = self.starts[kind as usize];
        self.starts[kind as usize] += BLOCK * kind.size();
        self.block[start + self.row * kind.size()..][..kind.size()].copy_from_slice(octets);
    }
}
