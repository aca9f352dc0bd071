//! Maps, for schemas that others wrote.

use alloc::format;
use alloc::vec::Vec;

use super::error::DecodeError;
use super::index::Index;
use super::list::{Element, Walked};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;
use super::{Int, Uint, Wire};

/// What may be a key: `u8` to `u64`, `i8` to `i64`, `uint`, `int`, `bool`, `str`, `data`.
pub trait Key: Wire + Ord {
    /// The same view: a key has no float parameters, so its view does not depend on their scalar.
    fn same_view<'o, 'w: 'o, P: Copy + 'static, Q: Copy + 'static>(view: Self::View<'w, P>) -> Self::View<'o, Q>;
}

macro_rules! keys {
    ($($t:ty)*) => { $(
        impl Key for $t {
            fn same_view<'o, 'w: 'o, P: Copy + 'static, Q: Copy + 'static>(view: Self::View<'w, P>) -> Self::View<'o, Q> {
                view
            }
        }
    )* };
}

keys!(u8 u16 u32 u64 i8 i16 i32 i64 bool Uint Int alloc::string::String Vec<u8>);

/// A BARE `map<K><V>`: entries in the order in which they were written, no key twice.
///
/// ```
/// # use barewire_core::wire::{Map, to_message};
/// let map = Map::from_entries(vec![(1u8, true), (0, false)]).unwrap();
/// assert_eq!(to_message(&map)[..], [2, 1, 1, 0, 0]);
/// assert!(Map::from_entries(vec![(1u8, true), (1, false)]).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<K, V>(Vec<(K, V)>);

// a derive would ask it of keys and values too
impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The entry whose key stands before it already.
fn repeated<K: Ord, V>(entries: &[(K, V)]) -> Option<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| entries[a].0.cmp(&entries[b].0).then(a.cmp(&b)));
    order.windows(2).filter(|pair| entries[pair[0]].0 == entries[pair[1]].0).map(|pair| pair[1]).min()
}

impl<K: Ord, V> Map<K, V> {
    /// A map of these entries; `None` if a key stands twice.
    pub fn from_entries(entries: Vec<(K, V)>) -> Option<Self> {
        repeated(&entries).is_none().then_some(Self(entries))
    }

    /// The entries, in their order.
    pub fn entries(&self) -> &[(K, V)] {
        &self.0
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

fn pairs<K: Key, V: Wire>(r: &mut Reader<'_>) -> Result<Vec<(K, V)>, DecodeError> {
    let at = r.offset();
    let count = r.count(K::MIN_LEN + V::MIN_LEN)?;
    let mut entries = Vec::new();
    for i in 0..count {
        let key = K::decode(r).map_err(|error| error.at_index(i))?;
        entries.push((key, V::decode(r).map_err(|error| error.at_index(i))?));
    }
    match repeated(&entries) {
        None => Ok(entries),
        Some(i) => Err(DecodeError::new(at, "each key once", format!("a key again in entry {i}")).at_index(i)),
    }
}

impl<K: Key, V: Wire> Wire for Map<K, V> {
    type View<'w, P: Copy + 'static> = &'w [(K::View<'w, P>, V::View<'w, P>)];
    /// The values, in their order; keys do not change.
    type ViewMut<'w> = Vec<V::ViewMut<'w>>;
    const MIN_LEN: usize = {
        assert!(K::MIN_LEN + V::MIN_LEN > 0);
        1
    };
    const ALIGN: usize = V::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        TypeRef::map(K::schema(types), V::schema(types))
    }
    fn encode(&self, w: &mut Writer) {
        w.uint(self.0.len() as u64);
        for (key, value) in &self.0 {
            key.encode(w);
            value.encode(w);
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        pairs(r).map(Self)
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        index.alloc_with(self.0.len(), |i| (self.0[i].0.view(index), self.0[i].1.view(index)))
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        let at = r.offset();
        let count = r.count(K::MIN_LEN + V::MIN_LEN)?;
        let (mut keys, mut views) = (Vec::new(), Vec::new());
        for i in 0..count {
            // the key twice: once to compare, once to keep
            let key_at = r.here();
            keys.push((K::decode(r).map_err(|error| error.at_index(i))?, ()));
            r.back(key_at);
            let key = K::read(r, index).map_err(|error| error.at_index(i))?;
            views.push((key, V::read(r, index).map_err(|error| error.at_index(i))?));
        }
        match repeated(&keys) {
            None => Ok(index.alloc_slice(&views)),
            Some(i) => Err(DecodeError::new(at, "each key once", format!("a key again in entry {i}")).at_index(i)),
        }
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        let at = r.offset();
        let count = r.scan(|r| r.count(K::MIN_LEN + V::MIN_LEN))?;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for i in 0..count {
            keys.push((r.scan(K::decode).map_err(|error| error.at_index(i))?, ()));
            values.push(V::read_mut(r).map_err(|error| error.at_index(i))?);
        }
        match repeated(&keys) {
            None => Ok(values),
            Some(i) => Err(DecodeError::new(at, "each key once", format!("a key again in entry {i}")).at_index(i)),
        }
    }
}

impl<K: Key, V: Wire> Element for Map<K, V> {
    type Kind = Walked;
}
