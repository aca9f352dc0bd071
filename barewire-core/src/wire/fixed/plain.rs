//! A value of fixed size that stands neither in slots nor in columns: its cells one after another, which is what any other type of
//! these fields would be written as.

use alloc::vec::Vec;
use core::fmt::{self, Debug};

use super::cursor::{Cursor, InSlot, Lender, Sink, SlotSink, SlotSource, Source};
use super::shape::{FieldShape, Kind, Shape};
use super::{Fixed, is_union};
use crate::wire::private::{debug_fields, no_such_tag};
use crate::wire::{DecodeError, Reader, ReaderMut, Writer};

/// The least octets of a value.
pub const fn min_len(shape: &Shape) -> usize {
    match shape {
        Shape::Cell(kind) => kind.size(),
        Shape::Array(item, n) => min_len(item) * *n,
        Shape::Struct(shape) => all_of(shape.fields),
        Shape::Union(shape) => {
            let (mut least, mut i) = (usize::MAX, 0);
            while i < shape.variants.len() {
                let len = 1 + all_of(shape.variants[i].fields);
                least = if len < least { len } else { least };
                i += 1;
            }
            least
        }
    }
}

const fn all_of(fields: &[FieldShape]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < fields.len() {
        sum += min_len(&fields[i].shape);
        i += 1;
    }
    sum
}

/// Appends a value.
#[inline]
pub fn encode<T: Fixed>(value: &T, w: &mut Writer) {
    value.put(&mut Out(w));
}

/// Reads a value.
///
/// # Errors
/// Truncated, or a tag or bool that is none.
#[inline]
pub fn decode<T: Fixed>(r: &mut Reader<'_>) -> Result<T, DecodeError> {
    strictly::<T, _>(r, |from| T::take(from))
}

/// Reads a view, which borrows nothing.
///
/// # Errors
/// As [`decode`].
#[inline]
pub fn read<'w, T: Fixed>(r: &mut Reader<'_>) -> Result<T::View<'w, f32>, DecodeError> {
    strictly::<T, _>(r, |from| T::look(from))
}

/// Lends out a value.
///
/// # Errors
/// As [`decode`].
pub fn read_mut<'w, T: Fixed>(r: &mut ReaderMut<'w>) -> Result<T::ViewMut<'w>, DecodeError> {
    let octets = r.measure(|r| check(&T::SHAPE, r))?;
    Ok(T::lend(&mut Rest(r.take(octets)?)))
}

/// A view of a value: through a slot, so that it needs no code of the type's own.
#[inline]
pub fn view<'w, T: Fixed>(value: &T) -> T::View<'w, f32> {
    const NEAR: usize = 128;
    let (mut near, mut far) = ([0; NEAR], Vec::new());
    let slot = if T::PLACE.size <= NEAR {
        &mut near[..T::PLACE.size]
    } else {
        far.resize(T::PLACE.size, 0);
        &mut far[..]
    };
    value.put(&mut SlotSink { slot, at: InSlot::default() });
    T::look(&mut SlotSource { slot, at: InSlot::default() })
}

/// `Name { field: value }`, for a view or a run of the variant with this number.
pub fn debug<T: Fixed>(f: &mut fmt::Formatter<'_>, variant: usize, values: &[&dyn Debug]) -> fmt::Result {
    let (name, tuple, fields) = match T::SHAPE {
        Shape::Union(of) => {
            let variant = &of.variants[variant];
            (variant.name, variant.tuple, variant.fields)
        }
        Shape::Struct(of) => (of.rust_name, of.tuple, of.fields),
        Shape::Cell(_) | Shape::Array(..) => ("value", true, [].as_slice()),
    };
    debug_fields(f, name, tuple, fields.iter().map(|field| field.rust_name), values)
}

/// Writes cells one after another.
struct Out<'a>(&'a mut Writer);

impl Cursor for Out<'_> {
    type Mark = ();
    #[inline(always)]
    fn enter<T: Fixed>(&mut self) {}
    #[inline(always)]
    fn leave<T: Fixed>(&mut self, (): ()) {
        if is_union::<T>() {
            self.0.close_union();
        }
    }
}

impl Sink for Out<'_> {
    #[inline(always)]
    fn write(&mut self, _: Kind, octets: &[u8]) {
        self.0.raw(octets);
    }
    #[inline(always)]
    fn tag(&mut self, tag: u8) {
        self.0.open_union(tag.into());
    }
}

/// Reads cells one after another, and remembers whether all of them were values.
struct Strict<'a, 'w> {
    r: &'a mut Reader<'w>,
    /// of the union that was entered last
    tags: u128,
    sound: bool,
}

impl Cursor for Strict<'_, '_> {
    type Mark = ();
    #[inline(always)]
    fn enter<T: Fixed>(&mut self) {
        self.tags = const {
            match T::SHAPE {
                Shape::Union(of) => of.tags(),
                _ => 0,
            }
        };
    }
    #[inline(always)]
    fn leave<T: Fixed>(&mut self, (): ()) {
        // after a mistake there may have been no tag
        if is_union::<T>() && self.sound {
            self.r.close_union();
        }
    }
}

impl Source for Strict<'_, '_> {
    #[inline(always)]
    fn cell(&mut self, kind: Kind) -> &[u8] {
        // only the reader's place counts after a mistake, and it is gone back from
        let octets = self.r.take(kind.size()).unwrap_or_else(|_| {
            self.sound = false;
            &[0; 8][..kind.size()]
        });
        if kind == Kind::Bool {
            self.sound &= octets[0] <= 1;
        }
        octets
    }
    #[inline(always)]
    fn tag(&mut self) -> u8 {
        match self.r.open_union() {
            Ok(tag) if tag < 128 && self.tags >> tag & 1 == 1 => tag as u8,
            _ => {
                self.sound = false;
                0
            }
        }
    }
}

#[inline(always)]
fn strictly<'w, T: Fixed, V>(
    r: &mut Reader<'w>,
    value: impl FnOnce(&mut Strict<'_, 'w>) -> V,
) -> Result<V, DecodeError> {
    let start = r.here();
    let mut from = Strict { r, tags: 0, sound: true };
    let value = value(&mut from);
    if from.sound { Ok(value) } else { Err(refused(&T::SHAPE, start, r)) }
}

/// What is wrong with the octets from `start` on.
#[cold]
fn refused(shape: &Shape, start: usize, r: &mut Reader<'_>) -> DecodeError {
    r.back(start);
    match check(shape, r) {
        Err(error) => error,
        Ok(()) => r.error("octets that nobody changes while they are read", "others"),
    }
}

/// Goes over a value.
fn check(shape: &Shape, r: &mut Reader<'_>) -> Result<(), DecodeError> {
    match shape {
        Shape::Cell(Kind::Bool) => r.flag("as a bool").map(drop),
        Shape::Cell(kind) => r.take(kind.size()).map(drop),
        Shape::Array(item, n) => (0..*n).try_for_each(|i| check(item, r).map_err(|error| error.at_index(i))),
        Shape::Struct(of) => check_fields(of.fields, r),
        Shape::Union(of) => {
            let offset = r.offset();
            let tag = r.open_union()?;
            let variant = of.variants.iter().find(|variant| variant.tag == tag).ok_or_else(|| {
                let known = of.variants.iter().map(|variant| (variant.tag, variant.name));
                no_such_tag(offset, of.name, known, of.retired, tag)
            })?;
            match variant.fields {
                // the only field of a tuple variant has no name worth telling
                [only] if variant.tuple => check(&only.shape, r),
                fields => check_fields(fields, r),
            }
            .map_err(|error| error.within(variant.name))?;
            r.close_union();
            Ok(())
        }
    }
}

fn check_fields(fields: &[FieldShape], r: &mut Reader<'_>) -> Result<(), DecodeError> {
    fields.iter().try_for_each(|field| check(&field.shape, r).map_err(|error| error.within(field.rust_name)))
}

/// Lends out cells one after another; their octets were checked.
struct Rest<'w>(&'w mut [u8]);

impl Cursor for Rest<'_> {
    type Mark = ();
    #[inline(always)]
    fn enter<T: Fixed>(&mut self) {}
    #[inline(always)]
    fn leave<T: Fixed>(&mut self, (): ()) {}
}

impl<'w> Lender<'w> for Rest<'w> {
    #[inline(always)]
    fn cell(&mut self, kind: Kind) -> &'w mut [u8] {
        let (cell, rest) = core::mem::take(&mut self.0).split_at_mut(kind.size());
        self.0 = rest;
        cell
    }
}
