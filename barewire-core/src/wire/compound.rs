//! `Option` and arrays.

use super::Wire;
use super::error::DecodeError;
use super::index::Index;
use super::list::{Element, Walked};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;

const FLAG: &str = "before an optional value";

impl<T: Wire> Wire for Option<T> {
    type View<'w, P: Copy + 'static> = Option<T::View<'w, P>>;
    type ViewMut<'w> = Option<T::ViewMut<'w>>;
    const MIN_LEN: usize = {
        // as in `Walked`: a type inside itself is a cycle
        assert!(T::MIN_LEN > 0);
        1
    };
    const ALIGN: usize = T::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        TypeRef::optional(T::schema(types))
    }
    fn encode(&self, w: &mut Writer) {
        w.flag(self.is_some());
        if let Some(value) = self {
            value.encode(w);
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if r.flag(FLAG)? { Some(T::decode(r)?) } else { None })
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        self.as_ref().map(|value| value.view(index))
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        Ok(if r.flag(FLAG)? { Some(T::read(r, index)?) } else { None })
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        Ok(if r.scan(|r| r.flag(FLAG))? { Some(T::read_mut(r)?) } else { None })
    }
}

impl<T: Wire> Element for Option<T> {
    type Kind = Walked;
}

/// `N` items, or the first error.
fn items<T, const N: usize>(mut next: impl FnMut() -> Result<T, DecodeError>) -> Result<[T; N], DecodeError> {
    let mut failed = None;
    let items: [Option<T>; N] = core::array::from_fn(|i| {
        if failed.is_some() {
            return None;
        }
        next().map_err(|error| failed = Some(error.at_index(i))).ok()
    });
    match failed {
        Some(error) => Err(error),
        // no item failed, so every item is there
        None => Ok(items.map(|item| item.expect("every item was read"))),
    }
}

/// `[T; N]`: `list<T>[N]`, or `data[N]` for octets; no pad, and no count on the wire.
impl<T: Wire, const N: usize> Wire for [T; N] {
    type View<'w, P: Copy + 'static> = [T::View<'w, P>; N];
    type ViewMut<'w> = [T::ViewMut<'w>; N];
    const MIN_LEN: usize = {
        assert!(N > 0, "an array on the wire has at least one element");
        T::MIN_LEN * N
    };
    const ALIGN: usize = T::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        match T::schema(types) {
            TypeRef::U8 => TypeRef::Data(Some(N as u64)),
            item => TypeRef::array(item, N as u64),
        }
    }
    fn encode(&self, w: &mut Writer) {
        self.iter().for_each(|item| item.encode(w));
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        items(|| T::decode(r))
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        self.each_ref().map(|item| item.view(index))
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        items(|| T::read(r, index))
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        items(|| T::read_mut(r))
    }
}

impl<T: Wire, const N: usize> Element for [T; N] {
    type Kind = Walked;
}
