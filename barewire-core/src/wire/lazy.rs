//! Components one at a time, without a walk over the others.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;
use core::any::TypeId;
use core::marker::PhantomData;

use super::error::DecodeError;
use super::evolution::WriterSchema;
use super::file::{Component, Header};
use super::index::Index;
use super::kept::Kept;
use super::reader::{Extent, Reader};
use super::schema::{FieldNames, SchemaBuilder, TypeRef};
use super::{Union, Wire};

/// The components of a file that are `U`s, each read when it is asked for.
///
/// Opening costs the header and the order of the index, whatever the components hold, and touches none of their pages. Each
/// access reads one component: exactly the octets that the index gives it, strictly, up to the last.
///
/// If all components of the root are `U`s, that is all. If the root also has others (a head, an embedding), what stands
/// between components is passed over once, so that each is known by the place where it stands.
///
/// # What a hostile file can do
/// A lazy reader trusts the index for where components stand. A file whose index and root disagree can show it other
/// components than a reader that walks ([`Region::view`](super::Region::view)) sees: each is a valid `U`, none overlaps
/// another, and nothing is read outside the root, but the octets may be, say, the inside of a matrix. Where files come from
/// strangers, [`verify`](super::Region::verify) once, or walk.
///
/// ```
/// use barewire_core::wire::{Index, Region, Union, Wire};
/// # use barewire_derive::BareUnion;
///
/// #[derive(BareUnion)]
/// # #[bare(crate = barewire_core)]
/// enum Part {
///     Bias(Vec<f32>),
///     Scale(f32),
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let region = Region::encode(&vec![Part::Bias(vec![1.0; 1000]), Part::Scale(0.5)]);
/// let parts = region.lazy::<Part>()?;
/// let index = Index::new();
/// assert_eq!(parts.len(), 2);
/// assert!(matches!(parts.view(1, &index)?, PartView::Scale(0.5)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lazy<'w, U> {
    bytes: &'w [u8],
    header: Header<'w>,
    /// which components are `U`s, if not all are
    numbers: Option<Box<[usize]>>,
    /// the file's schema, if it is not the root's
    writer: Option<&'w WriterSchema>,
    of: PhantomData<fn() -> U>,
}

impl<'w, U: Union> Lazy<'w, U> {
    /// The `U`s in the file of a `T`, whose header was checked.
    pub(super) fn new<T: Wire>(
        bytes: &'w [u8],
        header: Header<'w>,
        writer: Option<&'w WriterSchema>,
    ) -> Result<Self, DecodeError> {
        let numbers = match Share::of::<T, U>() {
            Share::All => None,
            Share::Some => Some(Pass::numbers::<T, U>(bytes, &header)?),
            Share::None => {
                let expected = format!("a root with components of the union `{}`", U::NAME);
                return Err(DecodeError::new(header.root.start, expected, core::any::type_name::<T>()));
            }
        };
        Ok(Self { bytes, header, numbers, writer, of: PhantomData })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.as_ref().map_or(self.header.components().len(), |numbers| numbers.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where number `k` stands, and its hash; `None` if there are not so many.
    #[inline]
    pub fn component(&self, k: usize) -> Option<Component> {
        let number = match &self.numbers {
            None => k,
            Some(numbers) => *numbers.get(k)?,
        };
        self.header.component(number)
    }

    /// Number `k`, borrowed. Its lists of parts, if it has such, are indexed in `index`.
    ///
    /// # Errors
    /// There are not so many; or the octets that the index gives to it are not exactly one canonical `U`.
    #[inline]
    pub fn view(&self, k: usize, index: &'w Index) -> Result<U::View<'w, f32>, DecodeError> {
        self.read(k, Reader::new, |r| U::read(r, index))
    }

    /// Number `k`, copied.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn decode(&self, k: usize) -> Result<U, DecodeError> {
        self.read(k, Reader::new, |r| U::decode(r))
    }

    /// Checks number `k` fully: structure, payloads, hash.
    ///
    /// # Errors
    /// As [`view`](Self::view); or a payload that no writer leaves, or another hash than the index has.
    pub fn verify(&self, k: usize) -> Result<(), DecodeError> {
        let index = Index::new();
        self.read(k, |bytes| Reader::new(bytes).with_payload_checks(), |r| U::read(r, &index).map(drop))?;
        match self.component(k) {
            Some(component) => component.check_hash(self.bytes).map_err(|error| place(error, k)),
            None => Ok(()),
        }
    }

    #[inline]
    fn read<'b, T>(
        &self,
        k: usize,
        reader: impl FnOnce(&'b [u8]) -> Reader<'b>,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError>
    where
        'w: 'b,
    {
        let Some(Component { extent, .. }) = self.component(k) else { return Err(self.none_such(k)) };
        // the header's check saw that components lie in the root, in order; a map that changed since may say otherwise
        let Some(octets) = self.bytes.get(extent.start as usize..extent.end as usize) else {
            return Err(place(DecodeError::new(extent.start, "a component inside the file", "another one"), k));
        };
        let mut r = reader(octets).with_base(extent.start).with_writer(self.writer);
        let value = read(&mut r).map_err(|error| place(error, k))?;
        r.finish().map_err(|error| place(error, k))?;
        Ok(value)
    }
}

impl<U: Union> Lazy<'_, U> {
    #[cold]
    fn none_such(&self, k: usize) -> DecodeError {
        let expected = format!("a component below {}", self.len());
        place(DecodeError::new(self.header.root.end, expected, format!("{k}")), k)
    }
}

#[cold]
fn place(error: DecodeError, k: usize) -> DecodeError {
    error.at_index(k).within("components")
}

/// Which of a root's components are of a union.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    All,
    Some,
    None,
}

impl Share {
    fn of<T: Wire, U: Union>() -> Self {
        static SHARES: Kept<(TypeId, TypeId), Share> = Kept::new();
        *SHARES.get((TypeId::of::<T>(), TypeId::of::<U>()), Self::work_out::<T, U>)
    }

    fn work_out<T: Wire, U: Union>() -> Self {
        let (types, root, wanted) = schemas::<T, U>();
        let mut unions = BTreeSet::new();
        outermost(&types, &root, &mut unions);
        match unions.contains(wanted.as_str()) {
            false => Self::None,
            true if unions.len() == 1 => Self::All,
            true => Self::Some,
        }
    }
}

/// The schema of a root, and the name that a union has in it. One that only looks like a union of the root has another name.
fn schemas<T: Wire, U: Union>() -> (SchemaBuilder, TypeRef, alloc::string::String) {
    let mut types = SchemaBuilder::new(FieldNames::Camel);
    let root = T::schema(&mut types);
    let TypeRef::Named(wanted) = U::schema(&mut types) else {
        // a union that someone wrote by hand, without a name: it is no component
        return (types, root, alloc::string::String::new());
    };
    (types, root, wanted)
}

/// The names of unions that do not stand in unions.
fn outermost<'t>(types: &'t SchemaBuilder, ty: &'t TypeRef, unions: &mut BTreeSet<&'t str>) {
    match ty {
        TypeRef::Named(name) => match types.definition(name) {
            Some(TypeRef::Union(_) | TypeRef::Enum(_)) => {
                unions.insert(name);
            }
            Some(definition) => outermost(types, definition, unions),
            None => {}
        },
        TypeRef::List(item, _) | TypeRef::Optional(item) => outermost(types, item, unions),
        TypeRef::Map(key, value) => [key, value].into_iter().for_each(|ty| outermost(types, ty, unions)),
        TypeRef::Struct(fields) => fields.iter().for_each(|(_, ty)| outermost(types, ty, unions)),
        _ => {}
    }
}

/// A pass over a root that jumps over components by the index, to learn of what union each is.
struct Pass<'t, 'w> {
    types: &'t SchemaBuilder,
    wanted: &'t str,
    r: Reader<'w>,
    header: &'t Header<'w>,
    /// components so far
    seen: usize,
    numbers: Vec<usize>,
}

impl<'t, 'w> Pass<'t, 'w> {
    fn numbers<T: Wire, U: Union>(bytes: &'w [u8], header: &'t Header<'w>) -> Result<Box<[usize]>, DecodeError> {
        let (types, root, wanted) = schemas::<T, U>();
        let r = header.root_reader(bytes);
        let mut pass = Pass { types: &types, wanted: &wanted, r, header, seen: 0, numbers: Vec::new() };
        pass.over(&root)?;
        pass.r.finish()?;
        match header.component(pass.seen) {
            None => Ok(pass.numbers.into()),
            Some(more) => Err(pass.misplaced(pass.seen, "no more components", more.extent)),
        }
    }

    #[cold]
    fn misplaced(&self, number: usize, expected: &'static str, found: Extent) -> DecodeError {
        let found = format!("{} to {}", found.start, found.end);
        DecodeError::new(self.header.entry_offset(number), expected, found).at_index(number).within("index")
    }

    fn over(&mut self, ty: &TypeRef) -> Result<(), DecodeError> {
        if let Some(len) = fixed(ty) {
            return self.r.take(len).map(drop);
        }
        match ty {
            TypeRef::Uint | TypeRef::Int => self.r.uint().map(drop),
            TypeRef::Bool => self.r.flag("as a bool").map(drop),
            TypeRef::Str | TypeRef::Data(None) => self.r.data().map(drop),
            TypeRef::Optional(item) => {
                if self.r.flag("before an optional value")? {
                    self.over(item)
                } else {
                    Ok(())
                }
            }
            TypeRef::List(item, None) => {
                let least = fixed(item).unwrap_or(1);
                let count = self.r.count(least)?;
                self.many(item, count)
            }
            // fits, since the array is a Rust type
            TypeRef::List(item, Some(n)) => self.many(item, *n as usize),
            TypeRef::Map(key, value) => {
                let count = self.r.count(2)?;
                (0..count).try_for_each(|_| self.over(key).and_then(|()| self.over(value)))
            }
            TypeRef::Struct(fields) => fields.iter().try_for_each(|(_, ty)| self.over(ty)),
            TypeRef::Named(name) => match self.types.definition(name) {
                Some(TypeRef::Union(_) | TypeRef::Enum(_)) => self.component(name),
                Some(definition) => self.over(definition),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn many(&mut self, item: &TypeRef, count: usize) -> Result<(), DecodeError> {
        match fixed(item).and_then(|len| len.checked_mul(count)) {
            Some(len) => self.r.take(len).map(drop),
            None => (0..count).try_for_each(|_| self.over(item)),
        }
    }

    fn component(&mut self, union: &str) -> Result<(), DecodeError> {
        let Some(Component { extent, .. }) = self.header.component(self.seen) else {
            return Err(self
                .r
                .error("as many entries in the index as the root has components", "fewer")
                .within("index"));
        };
        if extent.start != self.r.offset() {
            return Err(self.misplaced(self.seen, "a component where the root has one", extent));
        }
        if union == self.wanted {
            self.numbers.push(self.seen);
        }
        self.seen += 1;
        // it lies in the root, as the header's check saw
        self.r.skip_to(extent.end);
        Ok(())
    }
}

/// Octets of a type whose values all have the same number of them, and any octets are a value.
fn fixed(ty: &TypeRef) -> Option<usize> {
    Some(match ty {
        TypeRef::U8 | TypeRef::I8 => 1,
        TypeRef::U16 | TypeRef::I16 => 2,
        TypeRef::U32 | TypeRef::I32 | TypeRef::F32 => 4,
        TypeRef::U64 | TypeRef::I64 | TypeRef::F64 => 8,
        TypeRef::Data(Some(n)) => usize::try_from(*n).ok()?,
        _ => return None,
    })
}

/// [`Region::lazy`](super::Region::lazy) without the region, for `no_std`.
///
/// # Errors
/// The octets are no file, hold another schema than `T`'s, or were changed and not sealed; or `T` has no components of the
/// union `U`.
pub fn lazy_file<T: Wire, U: Union>(bytes: &[u8]) -> Result<Lazy<'_, U>, DecodeError> {
    Lazy::new::<T>(bytes, Header::of::<T>(bytes)?, None)
}

/// As [`lazy_file`], of a file whose schema is not `T`'s own but one that a `T` can read; see
/// [`view_file_compatible`](super::view_file_compatible).
///
/// # Errors
/// As [`lazy_file`], but that the schema is `writer`'s.
pub fn lazy_file_compatible<'w, T: Wire, U: Union>(
    bytes: &'w [u8],
    writer: &'w WriterSchema,
) -> Result<Lazy<'w, U>, DecodeError> {
    Lazy::new::<T>(bytes, Header::written_by::<T>(bytes, writer)?, Some(writer))
}
