//! A union's member that its reader does not know.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt;

use super::WriterSchema;
use crate::wire::error::DecodeError;
use crate::wire::index::Index;
use crate::wire::pad::Pads;
use crate::wire::private::no_such_tag;
use crate::wire::reader::Reader;
use crate::wire::reader_mut::ReaderMut;
use crate::wire::schema::{SchemaBuilder, Ty, TypeRef};
use crate::wire::value::{MAX_MEMORY, Value};
use crate::wire::walk::{Array, Inside, Place, Visitor, skip, walk};
use crate::wire::writer::Writer;
use crate::wire::{Union, Wire, varint_len};

/// A union's member that its type does not list, kept as its writer wrote it. The one field of a variant marked `#[bare(unknown)]`.
///
/// It knows the schema that it came with, so it can be looked into ([`value`](Self::value)) and written again at another place, where
/// its pads are others. Nobody else can make one: what is kept was read and checked.
///
/// ```
/// use barewire_core::wire::{Matrix, Region, UnknownMember};
/// # use barewire_derive::BareUnion;
/// # mod newer {
/// # use barewire_core::wire::Matrix;
/// # #[derive(barewire_derive::BareUnion)]
/// # #[bare(crate = barewire_core)]
/// # pub enum Layer { Scale(f32), Dense { weights: Matrix<f32> } }
/// # }
///
/// /// `newer::Layer` has `Dense { weights: Matrix<f32> }` too.
/// #[derive(BareUnion, Clone, Debug, PartialEq)]
/// # #[bare(crate = barewire_core)]
/// enum Layer {
///     Scale(f32),
///     #[bare(unknown)]
///     Unknown(UnknownMember),
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let weights = Matrix::from_vec(1, 2, vec![1.0f32, 2.0])?;
/// let file = Region::encode(&vec![newer::Layer::Dense { weights }, newer::Layer::Scale(1.0)]);
///
/// // an old tool changes what it knows, and keeps the rest
/// let mut layers = Region::<Vec<Layer>>::from_bytes_compatible(file.bytes())?.decode()?;
/// layers.insert(0, Layer::Scale(0.5));
/// let saved = Region::encode(&layers);
///
/// // the file is one of the newer type
/// let layers = Region::<Vec<newer::Layer>>::from_bytes(saved.bytes())?.decode()?;
/// assert!(matches!(&layers[1], newer::Layer::Dense { weights } if weights.values() == [1.0, 2.0]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct UnknownMember {
    tag: u32,
    /// the union in `schema`
    union: u32,
    schema: WriterSchema,
    /// of the first octet in the message or file, which pads depend on
    offset: u64,
    octets: Vec<u8>,
    pads: Box<[PadPlace]>,
}

/// A pad and a count in a member's octets.
#[derive(Clone, Copy)]
struct PadPlace {
    /// where the pad's length stands
    at: usize,
    /// where the numbers start
    numbers: usize,
    count: u64,
    align: u64,
}

/// A borrowed [`UnknownMember`].
#[derive(Clone, Copy)]
pub struct UnknownView<'w> {
    tag: u32,
    union: u32,
    schema: &'w WriterSchema,
    offset: u64,
    octets: &'w [u8],
}

impl UnknownMember {
    /// The tag on the wire.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// The member's name in the schema of its writer.
    pub fn name(&self) -> &str {
        self.borrow().name()
    }

    /// The octets behind the tag, as they were found. Pads in them fit the place where they stood.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The schema of its writer.
    pub fn schema(&self) -> &WriterSchema {
        &self.schema
    }

    /// What it holds, by the schema of its writer; void for a value of an enum.
    ///
    /// # Errors
    /// It takes more memory than [`MAX_MEMORY`] allows for its octets.
    pub fn value(&self) -> Result<Value, DecodeError> {
        self.borrow().value()
    }

    fn borrow(&self) -> UnknownView<'_> {
        let Self { tag, union, ref schema, offset, ref octets, .. } = *self;
        UnknownView { tag, union, schema, offset, octets }
    }

    /// The octets around the pads.
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.pads.iter().map(|pad| pad.numbers));
        let ends = self.pads.iter().map(|pad| pad.at).chain(core::iter::once(self.octets.len()));
        starts.zip(ends).map(|(start, end)| &self.octets[start..end])
    }
}

impl<'w> UnknownView<'w> {
    /// The tag on the wire.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// The member's name in the schema of its writer.
    pub fn name(&self) -> &'w str {
        self.schema.member(self.union, self.tag).map_or("", |(name, _)| name)
    }

    /// The octets behind the tag, where they lie.
    pub const fn octets(&self) -> &'w [u8] {
        self.octets
    }

    /// The type of what it holds, in the schema of its writer; `None` for a value of an enum.
    pub fn ty(&self) -> Option<Ty<'w>> {
        self.schema.member(self.union, self.tag)?.1
    }

    /// What it holds, by the schema of its writer; void for a value of an enum.
    ///
    /// # Errors
    /// It takes more memory than [`MAX_MEMORY`] allows for its octets.
    pub fn value(&self) -> Result<Value, DecodeError> {
        let Some(ty) = self.ty() else { return Ok(Value::Void) };
        let memory = MAX_MEMORY.saturating_mul(self.octets.len() as u64).saturating_add(1 << 16);
        Value::read(ty, &mut self.reader(), Pads::Aligned, memory)
    }

    /// A copy that can be written elsewhere.
    ///
    /// # Errors
    /// The octets are not what they were when the view was made: a map that changed in spite of its contract.
    pub fn to_member(&self) -> Result<UnknownMember, DecodeError> {
        let mut finder = PadFinder { base: self.offset, at: self.offset, pads: Vec::new() };
        if let Some(ty) = self.ty() {
            walk(ty, &mut self.reader(), Pads::Aligned, &mut finder)?;
        }
        let Self { tag, union, schema, offset, octets } = *self;
        Ok(UnknownMember {
            tag,
            union,
            schema: schema.clone(),
            offset,
            octets: octets.into(),
            pads: finder.pads.into(),
        })
    }

    fn reader(&self) -> Reader<'w> {
        Reader::new(self.octets).with_base(self.offset)
    }
}

/// Notes every pad.
struct PadFinder {
    base: u64,
    /// where the value that was entered last starts
    at: u64,
    pads: Vec<PadPlace>,
}

impl<'t, 'w> Visitor<'t, 'w> for PadFinder {
    fn enter(&mut self, _: &Place<'t>, ty: Ty<'t>, offset: u64) -> Result<Inside, DecodeError> {
        self.at = offset;
        // nothing of fixed length has a pad inside
        Ok(if ty.plain_len().is_some() { Inside::Skip } else { Inside::Visit })
    }

    fn array(&mut self, _: &Place<'t>, array: &Array<'w>) -> Result<(), DecodeError> {
        if let Some(align) = array.align {
            self.pads.push(PadPlace {
                at: (self.at - self.base) as usize,
                numbers: (array.extent.start - self.base) as usize,
                count: array.count as u64,
                align,
            });
        }
        Ok(())
    }
}

/// A member whose tag is none of `T`'s. `name` is the variant that keeps it.
#[cold]
pub(in crate::wire) fn read_unknown<'w, T: Union>(
    r: &mut Reader<'w>,
    tag: u32,
    name: &'static str,
) -> Result<UnknownView<'w>, DecodeError> {
    let (schema, union) = writer_of::<T>(r.writer(), r.offset(), tag)?;
    let (offset, here) = (r.offset(), r.here());
    over(schema, union, tag, r).map_err(|error| error.within(name))?;
    Ok(UnknownView { tag, union, schema, offset, octets: r.since(here) })
}

/// As [`read_unknown`], copied.
#[cold]
pub(in crate::wire) fn decode_unknown<T: Union>(
    r: &mut Reader<'_>,
    tag: u32,
    name: &'static str,
) -> Result<UnknownMember, DecodeError> {
    read_unknown::<T>(r, tag, name)?.to_member()
}

/// As [`read_unknown`], among what is lent out. Its octets are not: nothing says which of them are numbers.
#[cold]
pub(in crate::wire) fn read_unknown_mut<'w, T: Union>(
    r: &mut ReaderMut<'w>,
    tag: u32,
    name: &'static str,
) -> Result<UnknownView<'w>, DecodeError> {
    let (schema, union) = writer_of::<T>(r.writer(), r.offset(), tag)?;
    let offset = r.offset();
    let n = r.measure(|r| over(schema, union, tag, r)).map_err(|error| error.within(name))?;
    Ok(UnknownView { tag, union, schema, offset, octets: r.take(n)? })
}

/// Writes the tag and the octets, with the pads that this place asks for. `close_union` follows.
pub(in crate::wire) fn encode_unknown(member: &UnknownMember, w: &mut Writer) {
    w.open_union(member.tag);
    w.note_schema(&member.schema);
    let mut pads = member.pads.iter();
    for piece in member.pieces() {
        w.raw(piece);
        // a piece more than pads
        if let Some(pad) = pads.next() {
            w.padded_count(pad.count, pad.align);
        }
    }
}

/// Goes behind a member.
fn over(schema: &WriterSchema, union: u32, tag: u32, r: &mut Reader<'_>) -> Result<(), DecodeError> {
    match schema.member(union, tag) {
        Some((_, Some(ty))) => skip(ty, r, Pads::Aligned),
        _ => Ok(()),
    }
}

/// The schema that knows the member, and the union in it.
fn writer_of<T: Union>(
    writer: Option<&WriterSchema>,
    behind_tag: u64,
    tag: u32,
) -> Result<(&WriterSchema, u32), DecodeError> {
    let offset = behind_tag - varint_len(tag.into());
    let refused = || no_such_tag(offset, T::NAME, T::VARIANTS.iter().copied(), T::RETIRED, tag);
    if T::RETIRED.contains(&tag) {
        return Err(refused());
    }
    let Some(writer) = writer else {
        let found = format!(
            "{tag}, whose octets have no end without the writer's schema; `Region::open_compatible` reads with it"
        );
        return Err(DecodeError::new(offset, String::from(refused().expected()), found));
    };
    match writer.union(TypeId::of::<T>()) {
        Some(union) if writer.member(union, tag).is_some() => Ok((writer, union)),
        _ => Err(refused()),
    }
}

/// The same tag and content, of the same schema. Where they stood, and so pads, do not matter.
impl PartialEq for UnknownMember {
    fn eq(&self, other: &Self) -> bool {
        let counts = |member: &Self| member.pads.iter().map(|pad| pad.count).collect::<Vec<_>>();
        (self.tag, self.union) == (other.tag, other.union)
            && self.schema == other.schema
            && counts(self) == counts(other)
            && self.pieces().eq(other.pieces())
    }
}
impl Eq for UnknownMember {}

impl fmt::Debug for UnknownView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({} octets)", self.name(), self.tag, self.octets.len())
    }
}

impl fmt::Debug for UnknownMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

/// So that it can be a field of a variant marked `#[bare(unknown)]`, whose code reads and writes it. It is no value by itself: without
/// the union around it nothing says what it is.
impl Wire for UnknownMember {
    type View<'w, P: Copy + 'static> = UnknownView<'w>;
    type ViewMut<'w> = UnknownView<'w>;
    const MIN_LEN: usize = panic!("an `UnknownMember` stands only in a variant marked `#[bare(unknown)]`");
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Void
    }
    fn encode(&self, w: &mut Writer) {
        encode_unknown(self, w);
        w.close_union();
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Err(alone(r.offset()))
    }
    fn view<'w>(&'w self, _: &'w Index) -> UnknownView<'w> {
        self.borrow()
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<UnknownView<'w>, DecodeError> {
        Err(alone(r.offset()))
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<UnknownView<'w>, DecodeError> {
        Err(alone(r.offset()))
    }
}

#[cold]
fn alone(offset: u64) -> DecodeError {
    DecodeError::new(offset, "a union with a variant marked `#[bare(unknown)]`", "an `UnknownMember` by itself")
}
