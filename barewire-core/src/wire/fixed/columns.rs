//! Columns: a list of tags, and a list for each field position.

mod codec;
#[cfg(target_endian = "little")]
mod find;
#[cfg(target_endian = "little")]
mod slices;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

#[cfg(all(feature = "std", target_endian = "little"))]
pub(crate) use find::f32_column;
#[cfg(target_endian = "little")]
pub use slices::{Runs, RunsMut};

use super::check::not_zero;
use super::cursor::{BLOCK, BlockSink, InRow, List, RowLender, RowSink, RowSource, RunLender, RunSource, clear_row};
use super::shape::Kind;
use super::shared::{reading, standard, writing};
use super::{Fixed, FixedType, SetError, Slots, is_union, tag_of, variant_name};
use crate::wire::list::{Element, Walked};
use crate::wire::{AlignedVec, DecodeError, Writer};

/// Fixed-size values field by field: a list of tags, and typed lists of numbers.
///
/// Each field takes the next column of its type, and variants share columns: a neuron of four `f32` takes 17 octets, whatever its
/// variant. A cell that the element's variant does not use is zero. Every column starts at a multiple of 64.
///
/// ```
/// use barewire_core::wire::{Columns, Index, to_message, view_message};
/// # use barewire_derive::BareUnion;
///
/// #[derive(BareUnion, Debug, PartialEq)]
/// #[bare(fixed_size)]
/// # #[bare(crate = barewire_core)]
/// enum Neuron {
///     Lif { threshold: f32, decay: f32 },
///     Silent,
/// }
///
/// # fn main() {
/// let neurons = vec![
///     Neuron::Lif { threshold: 1.0, decay: 0.5 },
///     Neuron::Lif { threshold: 2.0, decay: 0.25 },
///     Neuron::Silent,
/// ];
/// let (message, index) = (to_message(&Columns::from_vec(neurons)), Index::new());
/// let columns = view_message::<Columns<Neuron>>(&message, &index).unwrap();
///
/// let mut sum = 0.0;
/// for run in columns.runs() {
///     // neighbours of one variant: slices, and no test of a tag inside
///     if let NeuronRun::Lif { threshold, .. } = run.cells {
///         sum += threshold.iter().sum::<f32>();
///     }
/// }
/// assert_eq!(sum, 3.0);
/// assert_eq!(columns.column::<f32>("Lif.decay").unwrap(), [0.5, 0.25, 0.0]);
/// # }
/// ```
pub struct Columns<T> {
    columns: Vec<AlignedVec<u8>>,
    len: usize,
    of: PhantomData<fn() -> T>,
}

/// Borrowed [`Columns`], or some of their elements, or a field of them that is a union itself.
pub struct ColumnsView<'w, T> {
    pub(super) columns: List<'w>,
    pub(super) at: InRow,
    pub(super) rows: (usize, usize),
    pub(super) of: PhantomData<fn() -> T>,
}

/// Borrowed [`Columns`] whose elements may be changed where they lie.
pub struct ColumnsViewMut<'w, T> {
    pub(super) columns: Vec<&'w mut [u8]>,
    pub(super) len: usize,
    pub(super) of: PhantomData<fn() -> T>,
}

impl<T> Copy for ColumnsView<'_, T> {}

impl<T> Clone for ColumnsView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'w, T: Fixed> ColumnsView<'w, T> {
    /// The next columns of a run, for a field that is a union.
    pub fn of_field(from: &mut RunSource<'w>) -> Self {
        let view = Self { columns: from.columns, at: from.at, rows: (from.row, from.rows), of: PhantomData };
        from.skip::<T>();
        view
    }
}

impl<'w, T: Fixed> ColumnsViewMut<'w, T> {
    /// The next columns of a run, for a field that is a union.
    pub fn of_field(from: &mut RunLender<'_, 'w>) -> Self {
        let columns = from.columns::<T>();
        // a union's first column is that of its tags, one octet each
        let len = columns.first().map_or(0, |tags| tags.len());
        Self { columns, len, of: PhantomData }
    }
}

impl<'w, T: FixedType> ColumnsView<'w, T> {
    fn whole(columns: List<'w>, len: usize) -> Self {
        Self { columns, at: InRow::of::<T>(), rows: (0, len), of: PhantomData }
    }

    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.rows.1
    }

    #[inline(always)]
    fn source(self, i: usize) -> RowSource<'w> {
        RowSource { columns: self.columns, at: self.at, row: self.rows.0 + i }
    }

    #[inline(always)]
    fn tag_at(self, i: usize) -> u8 {
        if is_union::<T>() { self.tags()[i] } else { 0 }
    }

    #[inline(always)]
    fn look_at(self, i: usize) -> T::View<'w, f32> {
        T::look(&mut self.source(i))
    }

    #[inline(always)]
    fn take_at(self, i: usize) -> T {
        T::take(&mut self.source(i))
    }

    fn as_view(&self) -> Self {
        *self
    }

    reading!(ColumnsView);

    /// The tags of all elements; empty if the type is a struct.
    #[inline(always)]
    pub fn tags(&self) -> &'w [u8] {
        if !is_union::<T>() {
            return &[];
        }
        let mut at = self.at;
        &self.columns.column(at.next(Kind::Tag))[self.rows.0..][..self.rows.1]
    }

    /// Elements `rows`.
    ///
    /// # Panics
    /// If they are not all there, as a slice does.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows.1, "{rows:?} of {} elements", self.rows.1);
        Self { rows: (self.rows.0 + rows.start, rows.end - rows.start), ..*self }
    }

    /// Requires zeros in cells that the element's variant does not use.
    fn check_unused(self, offsets: &[u64]) -> Result<(), DecodeError> {
        let mut block = Block::<T>::new();
        for start in (0..self.count()).step_by(BLOCK) {
            let rows = start..self.count().min(start + BLOCK);
            block.clear();
            rows.clone().for_each(|i| block.put(i - start, &self.take_at(i)));
            for (j, (kind, zeros)) in block.columns().enumerate() {
                let found = &self.columns.column(j)[rows.start * kind.size()..rows.end * kind.size()];
                let zeros = &zeros[..found.len()];
                if let Some(k) = zeros.iter().zip(found).position(|(zero, found)| zero != found) {
                    let at = rows.start * kind.size() + k;
                    return Err(not_zero(offsets[j] + at as u64, found[k]).at_index(at / kind.size()));
                }
            }
        }
        Ok(())
    }
}

/// Some rows in the first cache level, column by column.
struct Block<T> {
    octets: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

impl<T: Fixed> Block<T> {
    fn new() -> Self {
        Self { octets: vec![0; BLOCK * T::CELLS.octets()], of: PhantomData }
    }

    fn clear(&mut self) {
        self.octets.fill(0);
    }

    #[inline(always)]
    fn put(&mut self, row: usize, value: &T) {
        let block = &mut self.octets[..BLOCK * const { T::CELLS.octets() }];
        value.put(&mut BlockSink::new::<T>(block, row));
    }

    /// Copies rows to where they belong, and leaves zeros.
    fn flush<B: AsMut<[u8]>>(&mut self, start: usize, rows: usize, columns: &mut [B]) {
        for ((kind, from), to) in self.columns().zip(columns) {
            let octets = rows * kind.size();
            to.as_mut()[start * kind.size()..][..octets].copy_from_slice(&from[..octets]);
        }
        // without a tag, every row writes every cell
        if T::CELLS.count(Kind::Tag) > 0 {
            self.clear();
        }
    }

    fn columns(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        let mut rest = &self.octets[..];
        T::CELLS.kinds().map(move |kind| {
            let (column, after) = rest.split_at(BLOCK * kind.size());
            rest = after;
            (kind, column)
        })
    }
}

/// Writes values to columns of that length, over octets of any content.
fn fill<T: Fixed, B: AsMut<[u8]>>(values: &[T], columns: &mut [B]) {
    let mut block = Block::<T>::new();
    // whole blocks by themselves: with a constant number of rows no cell needs a check
    let (blocks, tail) = values.as_chunks::<BLOCK>();
    for (b, values) in blocks.iter().enumerate() {
        values.iter().enumerate().for_each(|(row, value)| block.put(row, value));
        block.flush(b * BLOCK, BLOCK, columns);
    }
    tail.iter().enumerate().for_each(|(row, value)| block.put(row, value));
    block.flush(blocks.len() * BLOCK, tail.len(), columns);
}

impl<T: FixedType> Columns<T> {
    /// No elements.
    pub fn new() -> Self {
        Self::from_slice(&[])
    }

    /// The elements of a slice.
    pub fn from_slice(values: &[T]) -> Self {
        let mut columns: Vec<_> = T::CELLS.kinds().map(|kind| AlignedVec::zeroed(values.len() * kind.size())).collect();
        fill(values, &mut columns);
        Self { columns, len: values.len(), of: PhantomData }
    }

    /// The elements of a `Vec`.
    pub fn from_vec(values: Vec<T>) -> Self {
        Self::from_slice(&values)
    }

    /// Writes the elements of a slice as columns, without the copy that [`from_slice`](Self::from_slice) makes.
    pub fn encode_slice(values: &[T], w: &mut Writer) {
        let mut ends = Vec::with_capacity(T::CELLS.total());
        for kind in T::CELLS.kinds() {
            w.pad_list(values.len() as u64);
            let start = w.offset() as usize;
            w.grow(values.len() * kind.size());
            ends.push((start, w.offset() as usize));
        }
        let (mut rest, mut done) = (w.octets_mut(), 0);
        let columns = ends.into_iter().map(|(start, end)| {
            let (_, after) = core::mem::take(&mut rest).split_at_mut(start - done);
            let (column, after) = after.split_at_mut(end - start);
            (rest, done) = (after, end);
            column
        });
        fill(values, &mut columns.collect::<Vec<_>>());
    }

    /// Appends an element.
    pub fn push(&mut self, value: T) {
        let row = self.len;
        self.len += 1;
        for (kind, column) in T::CELLS.kinds().zip(&mut self.columns) {
            column.resize(self.len * kind.size());
        }
        value.put(&mut RowSink { columns: &mut self.columns, at: InRow::of::<T>(), row });
    }

    /// All elements, borrowed.
    #[inline(always)]
    pub fn as_view(&self) -> ColumnsView<'_, T> {
        ColumnsView::whole(List::Owned(&self.columns), self.len)
    }

    /// All elements, borrowed for change.
    pub fn as_view_mut(&mut self) -> ColumnsViewMut<'_, T> {
        let columns = self.columns.iter_mut().map(|column| &mut column[..]).collect();
        ColumnsViewMut { columns, len: self.len, of: PhantomData }
    }

    #[inline(always)]
    fn lend_at(&mut self, i: usize) -> T::ViewMut<'_> {
        T::lend(&mut RowLender::new::<T>(&mut self.columns, i))
    }

    fn put_at(&mut self, i: usize, value: &T) {
        put_at(&mut self.columns, i, value);
    }

    reading!(ColumnsView);
    writing!();
}

fn put_at<T: Fixed, B: AsMut<[u8]>>(columns: &mut [B], row: usize, value: &T) {
    // a cell that the variant does not use is zero
    clear_row::<T, B>(columns, row);
    value.put(&mut RowSink { columns, at: InRow::of::<T>(), row });
}

impl<'w, T: FixedType> ColumnsViewMut<'w, T> {
    /// All elements, borrowed.
    #[inline(always)]
    pub fn as_view(&self) -> ColumnsView<'_, T> {
        ColumnsView::whole(List::Lent(&self.columns), self.len)
    }

    #[inline(always)]
    fn lend_at(&mut self, i: usize) -> T::ViewMut<'_> {
        T::lend(&mut RowLender::new::<T>(&mut self.columns, i))
    }

    fn put_at(&mut self, i: usize, value: &T) {
        put_at(&mut self.columns, i, value);
    }

    reading!(ColumnsView);
    writing!();
}

impl<T: FixedType> Element for Columns<T> {
    type Kind = Walked;
}

impl<T: FixedType> Default for Columns<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Columns<T> {
    fn clone(&self) -> Self {
        Self { columns: self.columns.clone(), len: self.len, of: PhantomData }
    }
}

impl<T: FixedType> From<Vec<T>> for Columns<T> {
    fn from(values: Vec<T>) -> Self {
        Self::from_vec(values)
    }
}

impl<T: FixedType> Extend<T> for Columns<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl<T: FixedType> FromIterator<T> for Columns<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut columns = Self::new();
        columns.extend(values);
        columns
    }
}

impl<T: FixedType + PartialEq> PartialEq<Slots<T>> for Columns<T> {
    fn eq(&self, other: &Slots<T>) -> bool {
        self.len() == other.len() && (0..self.len()).all(|i| self.value(i) == other.value(i))
    }
}

impl<T: FixedType + PartialEq> PartialEq<Columns<T>> for Slots<T> {
    fn eq(&self, other: &Columns<T>) -> bool {
        other == self
    }
}

standard!([] Columns<T> ['w] ColumnsView<'w, T> ['w] ColumnsViewMut<'w, T>);
