//! Some rows of a matrix, by ascending row number.

use alloc::vec::Vec;
use core::ops::Range;

use super::add_all;
use crate::Error;
use crate::real::Real;

/// Some rows of a matrix: ascending row numbers, each with `width` values. Single elements are rows of width 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows<R> {
    pub(super) count: usize,
    pub(super) width: usize,
    pub(super) numbers: Vec<u32>,
    pub(super) values: Vec<R>,
}

/// [`Rows`] that are borrowed, such as from a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowsRef<'a, R> {
    count: usize,
    width: usize,
    numbers: &'a [u32],
    values: &'a [R],
}

impl<'a, R: Real> RowsRef<'a, R> {
    /// Rows `numbers` of a matrix of `count` rows and `width` columns.
    ///
    /// # Errors
    /// Numbers that do not rise or are beyond the matrix; another number of values than `width` for each.
    pub fn new(count: usize, width: usize, numbers: &'a [u32], values: &'a [R]) -> Result<Self, Error> {
        if let Some(at) = numbers.windows(2).position(|pair| pair[0] >= pair[1]) {
            let found = alloc::format!("{} before {}", numbers[at], numbers[at + 1]);
            return Err(Error::input("row numbers that rise", found));
        }
        check([count, width], numbers, values)?;
        Ok(RowsRef { count, width, numbers, values })
    }

    /// Rows of the whole matrix.
    pub fn count(self) -> usize {
        self.count
    }

    /// Values in a row.
    pub fn width(self) -> usize {
        self.width
    }

    /// The row numbers, ascending.
    pub fn numbers(self) -> &'a [u32] {
        self.numbers
    }

    /// The values, row after row.
    pub fn values(self) -> &'a [R] {
        self.values
    }

    pub(super) fn len(self) -> usize {
        self.count.saturating_mul(self.width)
    }

    /// Each row: where it starts in the whole matrix, and its values.
    pub(super) fn each(self) -> impl Iterator<Item = (usize, &'a [R])> {
        let starts = self.numbers.iter().map(move |number| *number as usize * self.width);
        starts.zip(self.values.chunks(self.width.max(1)))
    }

    /// `f(at, values)` for what is held of the elements `range` of the whole matrix, row by row; a row that begins before it or
    /// ends beyond it is cut.
    pub(super) fn within(self, range: Range<usize>, mut f: impl FnMut(usize, &'a [R])) {
        let width = self.width.max(1);
        let place = |row: usize| self.numbers.partition_point(|number| (*number as usize) < row);
        let (from, to) = (place(range.start / width), place(range.end.div_ceil(width)));
        for (number, row) in self.numbers[from..to].iter().zip(self.values[from * self.width..].chunks(width)) {
            let start = *number as usize * width;
            let (cut, end) = (range.start.saturating_sub(start), row.len().min(range.end - start));
            f(start + cut, &row[cut..end]);
        }
    }
}

/// Room that a merge needs besides the two lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Merge<R> {
    merged: Rows<R>,
    order: Vec<u32>,
}

impl<R: Real> Rows<R> {
    pub(super) fn as_ref(&self) -> RowsRef<'_, R> {
        RowsRef { count: self.count, width: self.width, numbers: &self.numbers, values: &self.values }
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.values.clear();
    }

    /// Adds rows of the numbers `ids`, in any order; repeated ones add up in the order in which they came.
    pub(super) fn merge(&mut self, ids: &[u32], values: &[R], room: &mut Merge<R>) {
        let (count, width) = (self.count, self.width);
        let Merge { merged, order } = room;
        order.clear();
        order.extend(0..ids.len() as u32);
        // the index breaks ties, so equal ids add up in the order in which they came
        order.sort_unstable_by_key(|&i| (ids[i as usize], i));
        merged.clear();
        (merged.count, merged.width) = (count, width);
        let mut kept = self.numbers.iter().zip(self.values.chunks(width.max(1))).peekable();
        for &i in &*order {
            let id = ids[i as usize];
            while let Some((number, row)) = kept.next_if(|(number, _)| **number <= id) {
                merged.push(*number, row);
            }
            let start = i as usize * width;
            merged.add(id, &values[start..start + width]);
        }
        for (number, row) in kept {
            merged.push(*number, row);
        }
        core::mem::swap(self, merged);
    }

    /// Whether all elements take no more room: 4 octets a value, and 4 for each row's number.
    pub(super) fn are_larger_than_dense(&self) -> bool {
        let stored = self.numbers.len() as u128 * (self.width as u128 + 1);
        stored >= self.count as u128 * self.width as u128
    }

    fn push(&mut self, number: u32, row: &[R]) {
        self.numbers.push(number);
        self.values.extend_from_slice(row);
    }

    /// Adds to the last row if it has this number, else appends.
    fn add(&mut self, number: u32, row: &[R]) {
        if self.numbers.last() == Some(&number) {
            let start = self.values.len() - self.width;
            add_all(&mut self.values[start..], row);
        } else {
            self.push(number, row);
        }
    }
}

/// Refuses rows that a matrix of `[count, width]` does not have, and another number of values than they take.
pub(super) fn check<R>([count, width]: [usize; 2], ids: &[u32], values: &[R]) -> Result<(), Error> {
    if let Some(id) = ids.iter().find(|id| **id as usize >= count) {
        return Err(Error::input(alloc::format!("row numbers below {count}"), alloc::format!("{id}")));
    }
    let expected = ids.len().saturating_mul(width);
    if expected == values.len() { Ok(()) } else { Err(Error::length("values", expected, values.len())) }
}
