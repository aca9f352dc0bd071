//! Lists. How a list is stored and viewed is a property of its element: one implementation an element type.

use alloc::vec::Vec;

use super::Wire;
use super::error::DecodeError;
use super::index::Index;
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;

/// What may stand in a `Vec`.
///
/// The associated `Kind` chooses the form of the list; a derived type has `Walked`.
///
/// | kind       | elements                        | on the wire                    | view                       |
/// |------------|---------------------------------|--------------------------------|----------------------------|
/// | [`Padded`] | numbers but `u8`                | padded list                    | `&[T]`, in place           |
/// | [`Octets`] | `u8`                            | `data`                         | `&[u8]`, in place          |
/// | [`Flags`]  | `bool`                          | `list<bool>`                   | `&[bool]`, in place        |
/// | [`Walked`] | all else                        | `list<T>`                      | `&[T::View]` in the index  |
#[diagnostic::on_unimplemented(
    message = "a `Vec<{Self}>` cannot stand on the wire",
    label = "not an element type of barewire",
    note = "elements are numbers, bool, String, matrices, and types with `#[derive(BareUnion)]` or `#[derive(BareStruct)]`"
)]
pub trait Element: Wire {
    /// How lists of it are stored and viewed.
    type Kind: ListOf<Self>;
}

/// A form of list. See [`Element`].
pub trait ListOf<T: Wire> {
    /// The borrowed form that may be changed.
    type ListMut<'w>;
    /// Least octets of a list: that of no elements.
    const MIN_LEN: usize;
    /// Largest alignment inside.
    const ALIGN: usize;
    /// The type expression of the list.
    fn schema(types: &mut SchemaBuilder) -> TypeRef;
    /// Writes the list.
    fn encode(list: &[T], w: &mut Writer);
    /// Copies the list.
    ///
    /// # Errors
    /// The octets are not such a list.
    fn decode(r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError>;
    /// Borrows from the owned list.
    fn view<'w>(list: &'w [T], index: &'w Index) -> &'w [T::View<'w, f32>];
    /// Borrows from octets.
    ///
    /// # Errors
    /// The octets are not such a list.
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<&'w [T::View<'w, f32>], DecodeError>;
    /// Borrows from octets for change.
    ///
    /// # Errors
    /// The octets are not such a list.
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ListMut<'w>, DecodeError>;
}

impl<T: Element> Wire for Vec<T> {
    type View<'w, P: Copy + 'static> = &'w [T::View<'w, P>];
    type ViewMut<'w> = <T::Kind as ListOf<T>>::ListMut<'w>;
    const MIN_LEN: usize = <T::Kind as ListOf<T>>::MIN_LEN;
    const ALIGN: usize = <T::Kind as ListOf<T>>::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        <T::Kind as ListOf<T>>::schema(types)
    }
    fn encode(&self, w: &mut Writer) {
        <T::Kind as ListOf<T>>::encode(self, w);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        <T::Kind as ListOf<T>>::decode(r)
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        <T::Kind as ListOf<T>>::view(self, index)
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        <T::Kind as ListOf<T>>::read(r, index)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        <T::Kind as ListOf<T>>::read_mut(r)
    }
}

impl<T: Element> Element for Vec<T> {
    type Kind = Walked;
}

/// Lists of numbers that are seen in place, at a multiple of the alignment.
#[derive(Debug)]
pub enum Padded {}

macro_rules! padded {
    ($($t:ty)*) => { $(
        impl ListOf<$t> for Padded {
            type ListMut<'w> = &'w mut [$t];
            // the pad's length and the count
            const MIN_LEN: usize = 2;
            const ALIGN: usize = super::ALIGN;
            fn schema(types: &mut SchemaBuilder) -> TypeRef {
                types.padded_list::<$t>()
            }
            fn encode(list: &[$t], w: &mut Writer) {
                w.padded(list);
            }
            fn decode(r: &mut Reader<'_>) -> Result<Vec<$t>, DecodeError> {
                r.padded_copy()
            }
            fn view<'w>(list: &'w [$t], _: &'w Index) -> &'w [$t] {
                list
            }
            fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<&'w [$t], DecodeError> {
                r.padded()
            }
            fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<&'w mut [$t], DecodeError> {
                r.padded()
            }
        }
    )* };
}

padded!(u16 u32 u64 i8 i16 i32 i64 f32 f64);

/// `Vec<u8>`: BARE `data`, without a pad.
#[derive(Debug)]
pub enum Octets {}

impl ListOf<u8> for Octets {
    type ListMut<'w> = &'w mut [u8];
    const MIN_LEN: usize = 1;
    const ALIGN: usize = 1;
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Data(None)
    }
    fn encode(list: &[u8], w: &mut Writer) {
        w.data(list);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        r.data().map(Into::into)
    }
    fn view<'w>(list: &'w [u8], _: &'w Index) -> &'w [u8] {
        list
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<&'w [u8], DecodeError> {
        r.data()
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<&'w mut [u8], DecodeError> {
        r.data()
    }
}

/// `Vec<bool>`: `list<bool>`, without a pad; each octet is checked, none is copied.
#[derive(Debug)]
pub enum Flags {}

/// The first octet that is no bool, as an error.
fn no_flag(at: u64, bytes: &[u8]) -> DecodeError {
    let i = bytes.iter().position(|&octet| octet > 1).unwrap_or(0);
    let found = bytes.get(i).map_or(0, |&octet| octet);
    DecodeError::new(at + i as u64, "0 or 1 as a bool", alloc::format!("{found}")).at_index(i)
}

fn read_flags<'w>(r: &mut Reader<'w>) -> Result<&'w [bool], DecodeError> {
    let bytes = r.data()?;
    let at = r.offset() - bytes.len() as u64;
    <[bool] as zerocopy::TryFromBytes>::try_ref_from_bytes(bytes).map_err(|_| no_flag(at, bytes))
}

impl ListOf<bool> for Flags {
    type ListMut<'w> = &'w mut [bool];
    const MIN_LEN: usize = 1;
    const ALIGN: usize = 1;
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::list(TypeRef::Bool)
    }
    fn encode(list: &[bool], w: &mut Writer) {
        w.data(zerocopy::IntoBytes::as_bytes(list));
    }
    fn decode(r: &mut Reader<'_>) -> Result<Vec<bool>, DecodeError> {
        read_flags(r).map(Into::into)
    }
    fn view<'w>(list: &'w [bool], _: &'w Index) -> &'w [bool] {
        list
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<&'w [bool], DecodeError> {
        read_flags(r)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<&'w mut [bool], DecodeError> {
        let bytes = r.data()?;
        let at = r.offset() - bytes.len() as u64;
        // the error is made first: a failed cast would keep the octets borrowed
        if bytes.iter().any(|&octet| octet > 1) {
            return Err(no_flag(at, bytes));
        }
        <[bool] as zerocopy::TryFromBytes>::try_mut_from_bytes(bytes)
            .map_err(|_| DecodeError::new(at, "0 or 1 as bools", "other octets"))
    }
}

/// Lists whose elements have unequal lengths: walked once, the views kept in the [`Index`].
#[derive(Debug)]
pub enum Walked {}

/// Octets of elements for which room is made before they are read.
const FIRST: usize = 4096;

/// Reads `count` elements that are not known to be there: memory grows with what was read, never with what was announced.
fn walk<T>(count: usize, mut next: impl FnMut() -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
    let mut items = Vec::with_capacity(count.min(FIRST / size_of::<T>().max(1) + 1));
    for i in 0..count {
        items.push(next().map_err(|error| error.at_index(i))?);
    }
    Ok(items)
}

impl<T: Wire> ListOf<T> for Walked {
    type ListMut<'w> = Vec<T::ViewMut<'w>>;
    const MIN_LEN: usize = {
        // A type that holds itself through another type would have no end in a BARE schema. Asking for the element's length
        // here makes it a cycle that rustc reports; self-reference in one type the derive reports.
        assert!(T::MIN_LEN > 0, "every element takes at least one octet");
        1
    };
    const ALIGN: usize = T::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        TypeRef::list(T::schema(types))
    }
    fn encode(list: &[T], w: &mut Writer) {
        w.uint(list.len() as u64);
        list.iter().for_each(|item| item.encode(w));
    }
    fn decode(r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
        let count = r.count(T::MIN_LEN)?;
        walk(count, || T::decode(r))
    }
    fn view<'w>(list: &'w [T], index: &'w Index) -> &'w [T::View<'w, f32>] {
        index.alloc_with(list.len(), |i| list[i].view(index))
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<&'w [T::View<'w, f32>], DecodeError> {
        let count = r.count(T::MIN_LEN)?;
        if count <= FIRST / size_of::<T::View<'w, f32>>().max(1) {
            // nothing has to grow, so the views are made where they stay
            return index.try_alloc_with(count, |i| T::read(r, index).map_err(|error| error.at_index(i)));
        }
        let views = walk(count, || T::read(r, index))?;
        Ok(index.alloc_slice(&views))
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Vec<T::ViewMut<'w>>, DecodeError> {
        let count = r.scan(|r| r.count(T::MIN_LEN))?;
        walk(count, || T::read_mut(r))
    }
}

/// A BARE `list<T>` without a pad, whatever its element: for schemas that others wrote.
///
/// Numbers in it are not aligned, so they are copied into the [`Index`] when viewed. Where the schema is yours, use `Vec`.
///
/// ```
/// use barewire_core::wire::{List, to_message};
///
/// assert_eq!(to_message(&List(vec![258u16]))[..], [1, 2, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

// a derive would ask it of the elements too
impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Wire> Wire for List<T> {
    type View<'w, P: Copy + 'static> = &'w [T::View<'w, P>];
    type ViewMut<'w> = Vec<T::ViewMut<'w>>;
    const MIN_LEN: usize = <Walked as ListOf<T>>::MIN_LEN;
    const ALIGN: usize = T::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        <Walked as ListOf<T>>::schema(types)
    }
    fn encode(&self, w: &mut Writer) {
        <Walked as ListOf<T>>::encode(&self.0, w);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        <Walked as ListOf<T>>::decode(r).map(Self)
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        <Walked as ListOf<T>>::view(&self.0, index)
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        <Walked as ListOf<T>>::read(r, index)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        <Walked as ListOf<T>>::read_mut(r)
    }
}

impl<T: Wire> Element for List<T> {
    type Kind = Walked;
}
