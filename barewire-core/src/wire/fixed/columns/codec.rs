//! Columns as octets: a pad, a count and the cells of each.

use alloc::format;
use alloc::vec::Vec;
use core::marker::PhantomData;

use super::super::check::check_columns;
use super::super::cursor::List;
use super::super::shape::Kind;
use super::super::{FixedType, in_place, is_union, schema};
use super::{Columns, ColumnsView, ColumnsViewMut};
use crate::wire::{AlignedVec, DecodeError, Index, Reader, ReaderMut, SchemaBuilder, TypeRef, Wire, Writer};

/// The octets of a column, and where they start.
type Placed<'w> = (&'w [u8], u64);

/// The columns of a message, each with as many cells as the first, and how many that is.
fn read<'w, T: FixedType>(r: &mut Reader<'w>) -> Result<(Vec<Placed<'w>>, usize), DecodeError> {
    let mut columns = Vec::with_capacity(T::CELLS.total());
    let mut len = None;
    for (name, n, kind) in names::<T>() {
        let place = |error: DecodeError| place(error, name, n);
        let count = r.list_head(kind.size()).map_err(place)?;
        same_count(&mut len, count, r.offset()).map_err(place)?;
        // the count was compared with what is left, so the product fits
        let octets = r.take(count * kind.size())?;
        columns.push((octets, r.offset() - octets.len() as u64));
    }
    check_columns::<T>(|j| columns[j])?;
    Ok((columns, len.unwrap_or(0)))
}

fn same_count(len: &mut Option<usize>, found: usize, offset: u64) -> Result<(), DecodeError> {
    let expected = *len.get_or_insert(found);
    if expected == found {
        return Ok(());
    }
    Err(DecodeError::new(offset, format!("a column of {expected} cells, as the first has"), format!("{found}")))
}

/// For errors: the name of each column's list, and its place in it if it is one of several.
fn names<T: FixedType>() -> impl Iterator<Item = (&'static str, Option<usize>, Kind)> {
    let mut kinds = T::CELLS.kinds();
    let tags = if is_union::<T>() { kinds.next().map(|kind| ("tags", None, kind)) } else { None };
    let (mut last, mut n) = (None, 0);
    tags.into_iter().chain(kinds.map(move |kind| {
        n = if last == Some(kind) { n + 1 } else { 0 };
        last = Some(kind);
        (schema::columns_name(kind), Some(n), kind)
    }))
}

fn place(error: DecodeError, name: &'static str, n: Option<usize>) -> DecodeError {
    match n {
        Some(n) => error.at_index(n).within(name),
        None => error.within(name),
    }
}

impl<T: FixedType> Wire for Columns<T> {
    type View<'w, P: Copy + 'static> = ColumnsView<'w, T>;
    type ViewMut<'w> = ColumnsViewMut<'w, T>;
    // the pad's length and the count of each
    const MIN_LEN: usize = 2 * T::CELLS.total();
    const ALIGN: usize = crate::wire::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        schema::columns::<T>(types)
    }
    fn encode(&self, w: &mut Writer) {
        for column in &self.columns {
            w.pad_list(self.len as u64);
            w.raw(column);
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (columns, len) = read::<T>(r)?;
        let offsets: Vec<u64> = columns.iter().map(|(_, offset)| *offset).collect();
        let columns = columns.into_iter().map(|(octets, _)| AlignedVec::copy_from(octets)).collect();
        let all = Self { columns, len, of: PhantomData };
        if r.checks_payloads() {
            all.as_view().check_unused(&offsets)?;
        }
        Ok(all)
    }
    fn view<'w>(&'w self, _: &'w Index) -> ColumnsView<'w, T> {
        self.as_view()
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<ColumnsView<'w, T>, DecodeError> {
        let (columns, len) = read::<T>(r)?;
        columns.iter().try_for_each(|(octets, offset)| in_place(octets, *offset))?;
        let view = ColumnsView::whole(List::Viewed(index.alloc_with(columns.len(), |j| columns[j].0)), len);
        if r.checks_payloads() {
            let offsets: Vec<u64> = columns.iter().map(|(_, offset)| *offset).collect();
            view.check_unused(&offsets)?;
        }
        Ok(view)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<ColumnsViewMut<'w, T>, DecodeError> {
        let (mut columns, mut len) = (Vec::with_capacity(T::CELLS.total()), None);
        let mut offsets = Vec::with_capacity(T::CELLS.total());
        for (name, n, kind) in names::<T>() {
            let place = |error: DecodeError| place(error, name, n);
            let count = r.scan(|r| r.list_head(kind.size())).map_err(place)?;
            same_count(&mut len, count, r.offset()).map_err(place)?;
            offsets.push(r.offset());
            let octets = r.take(count * kind.size())?;
            in_place(octets, r.offset() - octets.len() as u64)?;
            columns.push(octets);
        }
        check_columns::<T>(|j| (&*columns[j], offsets[j]))?;
        Ok(ColumnsViewMut { columns, len: len.unwrap_or(0), of: PhantomData })
    }
}
