//! The file around a message: what it is, which schema it has, where its components stand, and hashes of everything.
//!
//! ```text
//! type File struct {
//!   magic: data[8]            #   0  "BAREWIRE"
//!   version: u32              #   8  1
//!   alignLog2: u32            #  12  the root starts at a multiple of 2^alignLog2, and so does the file in memory
//!   length: u64               #  16  of the whole file
//!   schemaHash: data[32]      #  24  of the schema's text
//!   rootOffset: u64           #  56
//!   indexOffset: u64          #  64  of indexPad, which is where the root ends
//!   contentHash: data[32]     #  72  of all octets outside components, but for itself
//!   schema: str               # 104
//!   rootPad: data             #      so that the root starts at a multiple
//!   root: T
//!   indexPad: data
//!   index: list<struct { start: u64 end: u64 hash: data[32] }>
//! }
//! ```
//!
//! The root's octets are exactly those of its plain message, since it starts at a multiple of every alignment in it. The index
//! stands behind the root, so one pass forward writes all, and only fields of fixed place are filled in afterwards.

use alloc::format;
use alloc::string::String;

use super::error::DecodeError;
use super::evolution::WriterSchema;
use super::index::Index;
use super::kept::KnownSchema;
use super::pad::{ALIGN, MAX_ALIGN, Pads, first_nonzero, pad_before};
use super::reader::{Extent, Reader};
use super::walk::skip;
use super::{Wire, schema};

#[cfg(feature = "std")]
mod edit;
#[cfg(feature = "std")]
mod stream;
mod write;

#[cfg(feature = "std")]
pub use edit::ComponentList;
#[cfg(feature = "std")]
pub(super) use edit::Edit;
#[cfg(feature = "std")]
pub(super) use stream::ListWriter;
use write::content_hash;
#[cfg(feature = "std")]
pub(super) use write::{copy_unsealed, seal, try_to_file_into, unseal};
pub use write::{to_file, to_file_into, try_to_file};

/// The first octets of every file.
pub const MAGIC: [u8; 8] = *b"BAREWIRE";

/// The version of the file format that this crate reads and writes.
pub const VERSION: u32 = 1;

const SCHEMA_HASH: usize = 24;
const CONTENT_HASH: usize = 72;
const HEADER: usize = 104;
/// octets of an entry of the index
const ENTRY: usize = 48;
/// the content hash of a file that is being changed
const UNSEALED: [u8; 32] = [0; 32];

const _: () = assert!(HEADER == CONTENT_HASH + 32 && ENTRY == 16 + 32);

/// How thoroughly [`Region::verify`](super::Region::verify) looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// magic, version, alignment, lengths, the schema and its hash
    Header,
    /// also every tag, count, pad and flag, and that the index says what the walk finds; no payload is read
    #[default]
    Structure,
    /// also every hash, and the inside of packed matrices
    Full,
}

/// A component: an outermost union of the root, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// from its tag to the octet after it, in octets from the start of the file
    pub extent: Extent,
    /// of its octets, as the index has it
    pub hash: [u8; 32],
}

impl Component {
    #[inline]
    fn read(entry: &[u8; ENTRY]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(&entry[16..]);
        Self { extent: Extent { start: u64_at(entry, 0), end: u64_at(entry, 8) }, hash }
    }

    /// Compares the hash with the octets of the file.
    pub(crate) fn check_hash(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        let found = hash(&bytes[extent_range(self.extent)]);
        if found == self.hash {
            return Ok(());
        }
        let expected = format!("a component with the hash {}", Hex(&self.hash));
        Err(DecodeError::new(self.extent.start, expected, format!("{}", Hex(&found))))
    }
}

/// What a file says about itself, checked against its length and its schema's text, but not against a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'w> {
    /// of the format
    pub version: u32,
    /// where the root may start: a power of two from 64 to 4096
    pub align: usize,
    /// hash of [`schema`](Self::schema)
    pub schema_hash: [u8; 32],
    /// the schema of the root; its last definition is the root's type
    pub schema: &'w str,
    /// the octets of the root
    pub root: Extent,
    /// hash of everything outside components
    pub content_hash: [u8; 32],
    index: &'w [u8],
}

/// 32 octets: two XXH3-128 with different seeds.
fn hash(bytes: &[u8]) -> [u8; 32] {
    schema::hash(bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut octets = [0; 8];
    octets.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(octets)
}

fn extent_range(extent: Extent) -> core::ops::Range<usize> {
    // extents are compared with the file's length before they are used
    extent.start as usize..extent.end as usize
}

impl<'w> Header<'w> {
    /// Reads and checks the header of a file, and the places of its index. No type is needed.
    ///
    /// ```
    /// use barewire_core::wire::{Header, Region};
    ///
    /// let region = Region::encode(&vec![1.0f32, 2.0]);
    /// let header = Header::read(region.bytes()).unwrap();
    /// assert_eq!(header.schema, "type F32Array struct { pad: data values: list<f32> }\n");
    /// ```
    ///
    /// # Errors
    /// Anything that [`Level::Header`] looks at.
    pub fn read(bytes: &'w [u8]) -> Result<Self, DecodeError> {
        Self::read_with(bytes, None)
    }

    /// The same; a schema that is `known` needs no hash.
    fn read_with(bytes: &'w [u8], known: Option<&'static KnownSchema>) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let bad = |at: u64, expected: &'static str, found: String| Err(DecodeError::new(at, expected, found));
        let magic: [u8; 8] = r.take_array().map_err(|error| error.within("magic"))?;
        if magic != MAGIC {
            return bad(0, "the magic \"BAREWIRE\"", format!("{}", magic.escape_ascii()))
                .map_err(|e| e.within("magic"));
        }
        let version = u32::decode(&mut r).map_err(|error| error.within("version"))?;
        if version != VERSION {
            return bad(8, "version 1", format!("{version}")).map_err(|error| error.within("version"));
        }
        let align_log2 = u32::decode(&mut r).map_err(|error| error.within("alignLog2"))?;
        if !(ALIGN.ilog2()..=MAX_ALIGN.ilog2()).contains(&align_log2) {
            return bad(12, "an alignment from 2^6 to 2^12", format!("2^{align_log2}"))
                .map_err(|e| e.within("alignLog2"));
        }
        let align = 1usize << align_log2;
        let length = u64::decode(&mut r).map_err(|error| error.within("length"))?;
        if length != bytes.len() as u64 {
            let error = DecodeError::new(16, format!("the length of the file, {}", bytes.len()), format!("{length}"));
            return Err(error.within("length"));
        }
        let schema_hash = r.take_array().map_err(|error| error.within("schemaHash"))?;
        let root_start = u64::decode(&mut r).map_err(|error| error.within("rootOffset"))?;
        let root_end = u64::decode(&mut r).map_err(|error| error.within("indexOffset"))?;
        let content_hash = r.take_array().map_err(|error| error.within("contentHash"))?;
        let schema = read_schema(&mut r, &schema_hash, known)?;
        let pad_at = r.offset();
        let pad = r.data().map_err(|error| error.within("rootPad"))?;
        check_pad(pad, pad_at, align as u64, 0).map_err(|error| error.within("rootPad"))?;
        if root_start != r.offset() {
            let error = DecodeError::new(56, format!("{}, where the root starts", r.offset()), format!("{root_start}"));
            return Err(error.within("rootOffset"));
        }
        if !(root_start..=length).contains(&root_end) {
            let expected = format!("an offset from {root_start} to {length}");
            return Err(DecodeError::new(64, expected, format!("{root_end}")).within("indexOffset"));
        }
        r.skip_to(root_end);
        let pad_at = r.offset();
        let pad = r.data().map_err(|error| error.within("indexPad"))?;
        let count = r.count(ENTRY).map_err(|error| error.within("index"))?;
        let between = super::varint_len(count as u64);
        check_pad(pad, pad_at, ALIGN as u64, between).map_err(|error| error.within("indexPad"))?;
        let index = r.take(count * ENTRY).map_err(|error| error.within("index"))?;
        r.finish()?;
        let header = Self {
            version,
            align,
            schema_hash,
            schema,
            root: Extent { start: root_start, end: root_end },
            content_hash,
            index,
        };
        header.check_order()?;
        Ok(header)
    }

    /// As [`read`](Self::read), of a file that is expected to hold a `T`, and may not.
    #[cfg(feature = "std")]
    pub(crate) fn read_as<T: Wire>(bytes: &'w [u8]) -> Result<Self, DecodeError> {
        Self::read_with(bytes, Some(KnownSchema::of::<T>()))
    }

    /// The header of a file that holds a `T`, with hashes that are said to fit.
    pub(crate) fn of<T: Wire>(bytes: &'w [u8]) -> Result<Self, DecodeError> {
        let known = KnownSchema::of::<T>();
        let header = Self::read_with(bytes, Some(known))?;
        if header.schema_hash != known.hash {
            let (expected, found) = (format!("{}", Hex(&known.hash)), format!("{}", Hex(&header.schema_hash)));
            return Err(DecodeError::new(SCHEMA_HASH as u64, expected, found).within("schemaHash"));
        }
        header.check_align(T::ALIGN)?;
        header.check_sealed()?;
        Ok(header)
    }

    /// The header of a file of a schema that a `T` can read, with hashes that are said to fit.
    pub(crate) fn written_by<T: Wire>(bytes: &'w [u8], writer: &WriterSchema) -> Result<Self, DecodeError> {
        let header = Self::read(bytes)?;
        if header.schema != writer.text() {
            let (expected, found) = ("the schema that was compared with the type", "another one");
            return Err(DecodeError::new(SCHEMA_HASH as u64, expected, found).within("schemaHash"));
        }
        header.check_align(T::ALIGN.max(writer.align()))?;
        header.check_sealed()?;
        Ok(header)
    }

    /// The root starts at a multiple of the largest alignment in it.
    pub(crate) fn check_align(&self, least: usize) -> Result<(), DecodeError> {
        if self.align >= least {
            return Ok(());
        }
        let expected = format!("an alignment of at least {least}");
        Err(DecodeError::new(12, expected, format!("{}", self.align)).within("alignLog2"))
    }

    /// Components stand in the root, in ascending order, and do not overlap.
    fn check_order(&self) -> Result<(), DecodeError> {
        let mut from = self.root.start;
        for (i, component) in self.components().enumerate() {
            let Extent { start, end } = component.extent;
            if start < from || end <= start || end > self.root.end {
                let expected = format!("a component between {from} and {}", self.root.end);
                return Err(DecodeError::new(self.entry_offset(i), expected, format!("{start} to {end}"))
                    .at_index(i)
                    .within("index"));
            }
            from = end;
        }
        Ok(())
    }

    /// Offset of an entry of the index.
    pub(crate) fn entry_offset(&self, number: usize) -> u64 {
        self.index_offset() + (number * ENTRY) as u64
    }

    /// Offset of the first entry of the index.
    fn index_offset(&self) -> u64 {
        let count = self.index.len() / ENTRY;
        let pad = super::pad_len(self.root.end, count as u64, ALIGN as u64);
        self.root.end + super::varint_len(pad) + pad + super::varint_len(count as u64)
    }

    /// Whether the hashes are said to fit: a file between a change in place and its [`seal`](super::Region::seal) has a
    /// content hash of zeros.
    pub fn is_sealed(&self) -> bool {
        self.content_hash != UNSEALED
    }

    /// Requires that the file was sealed after its last change in place.
    ///
    /// # Errors
    /// It was not, so its parts may be of different times.
    pub fn check_sealed(&self) -> Result<(), DecodeError> {
        if self.is_sealed() {
            return Ok(());
        }
        let found = "zeros: it was changed in place and not sealed, so its parts may be of different times";
        Err(DecodeError::new(CONTENT_HASH as u64, "the hash of a finished file", found).within("contentHash"))
    }

    /// The components, in the order of the file.
    pub fn components(&self) -> impl ExactSizeIterator<Item = Component> + use<'w> {
        self.index.as_chunks::<ENTRY>().0.iter().map(Component::read)
    }

    /// Component `number`, in the order of the file.
    #[inline]
    pub fn component(&self, number: usize) -> Option<Component> {
        self.index.as_chunks::<ENTRY>().0.get(number).map(Component::read)
    }

    /// Compares every hash with the octets.
    ///
    /// # Errors
    /// Names the first component that differs, or the file around them.
    pub fn check_hashes(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.check_sealed()?;
        for (i, component) in self.components().enumerate() {
            component.check_hash(bytes).map_err(|error| error.at_index(i).within("components"))?;
        }
        let found = content_hash(bytes, self.components().map(|component| component.extent));
        if found != self.content_hash {
            let expected = format!("octets outside components with the hash {}", Hex(&self.content_hash));
            let error = DecodeError::new(CONTENT_HASH as u64, expected, format!("{}", Hex(&found)));
            return Err(error.within("contentHash"));
        }
        Ok(())
    }

    /// A reader over the root, whose errors count from the start of the file, and which records components.
    fn walking_reader(&self, bytes: &'w [u8], writer: Option<&'w WriterSchema>) -> Reader<'w> {
        // entries are octets of the file, so their number is no promise
        self.root_reader(bytes).with_extents(self.components().len()).with_writer(writer)
    }

    /// A reader over the root, whose errors count from the start of the file.
    pub(crate) fn root_reader(&self, bytes: &'w [u8]) -> Reader<'w> {
        Reader::new(&bytes[extent_range(self.root)]).with_base(self.root.start)
    }

    /// Requires that the walk found what the index says.
    pub(crate) fn check_walk(&self, walked: &[Extent]) -> Result<(), DecodeError> {
        let index = self.components();
        if index.len() != walked.len() {
            let expected = format!("{} components, as in the root", walked.len());
            return Err(DecodeError::new(self.root.end, expected, format!("{}", index.len())).within("index"));
        }
        for (i, (component, walked)) in index.zip(walked).enumerate() {
            if component.extent != *walked {
                let at = self.entry_offset(i);
                let expected = format!("{} to {}", walked.start, walked.end);
                let found = format!("{} to {}", component.extent.start, component.extent.end);
                return Err(DecodeError::new(at, expected, found).at_index(i).within("index"));
            }
        }
        Ok(())
    }

    /// A view of the root. With `writer`, the file's schema is that one, and not `T`'s.
    pub(crate) fn view<T: Wire>(
        &self,
        bytes: &'w [u8],
        index: &'w Index,
        writer: Option<&'w WriterSchema>,
    ) -> Result<T::View<'w, f32>, DecodeError> {
        let mut r = self.walking_reader(bytes, writer);
        let view = T::read(&mut r, index)?;
        r.finish()?;
        self.check_walk(&r.take_extents())?;
        Ok(view)
    }

    /// A copy of the root.
    #[cfg(feature = "std")]
    pub(crate) fn decode<T: Wire>(&self, bytes: &'w [u8], writer: Option<&'w WriterSchema>) -> Result<T, DecodeError> {
        let mut r = self.walking_reader(bytes, writer);
        let value = T::decode(&mut r)?;
        r.finish()?;
        self.check_walk(&r.take_extents())?;
        Ok(value)
    }

    /// Walks the root as a `T`, and, where the file's schema is another one, as what that says: it may list less than a `T`.
    #[cfg(feature = "std")]
    pub(crate) fn check_structure<T: Wire>(
        &self,
        bytes: &'w [u8],
        payloads: bool,
        writer: Option<&'w WriterSchema>,
    ) -> Result<(), DecodeError> {
        let mut r = self.walking_reader(bytes, writer);
        if payloads {
            r = r.with_payload_checks();
        }
        let index = Index::new();
        T::read(&mut r, &index)?;
        r.finish()?;
        self.check_walk(&r.take_extents())?;
        writer.map_or(Ok(()), |writer| self.check_root(bytes, writer))
    }

    /// Walks the root by the file's schema.
    pub(crate) fn check_root(&self, bytes: &[u8], writer: &WriterSchema) -> Result<(), DecodeError> {
        let mut r = Reader::new(&bytes[extent_range(self.root)]).with_base(self.root.start);
        skip(writer.types().root(), &mut r, Pads::Aligned)?;
        r.finish()
    }
}

/// The schema's text, which fits its hash. One that is known is compared with, and neither hashed nor looked at for UTF-8.
fn read_schema<'w>(
    r: &mut Reader<'w>,
    schema_hash: &[u8; 32],
    known: Option<&'static KnownSchema>,
) -> Result<&'w str, DecodeError> {
    let here = r.here();
    let octets = r.data().map_err(|error| error.within("schema"))?;
    if let Some(known) = known
        && (*schema_hash, octets) == (known.hash, known.text.as_bytes())
    {
        return Ok(&known.text);
    }
    r.back(here);
    let schema = r.str().map_err(|error| error.within("schema"))?;
    if hash(schema.as_bytes()) != *schema_hash {
        let found = format!("{}", Hex(schema_hash));
        let error = DecodeError::new(SCHEMA_HASH as u64, "the hash of the schema in the file", found);
        return Err(error.within("schemaHash"));
    }
    Ok(schema)
}

/// Zeros, as many as put what stands `between` octets behind them at a multiple of `align`; `at` is the offset of their length.
fn check_pad(pad: &[u8], at: u64, align: u64, between: u64) -> Result<(), DecodeError> {
    let expected = pad_before(at, between, align);
    if pad.len() as u64 != expected {
        return Err(DecodeError::new(at, format!("a pad of {expected} octets"), format!("{}", pad.len())));
    }
    if let Some(i) = first_nonzero(pad) {
        let at = at + super::varint_len(expected) + i as u64;
        return Err(DecodeError::new(at, "a zero in a pad", format!("{:#04x}", pad[i])));
    }
    Ok(())
}

/// Octets as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A view of a file's root where it lies, after one walk that checks the structure and the index:
/// [`Region::view`](super::Region::view) without the region, for `no_std`.
///
/// # Errors
/// The octets are no file, hold another schema than `T`'s, were changed and not sealed, are not a canonical `T`, or do not
/// start at a multiple of the file's alignment.
pub fn view_file<'w, T: Wire>(bytes: &'w [u8], index: &'w Index) -> Result<T::View<'w, f32>, DecodeError> {
    Header::of::<T>(bytes)?.view::<T>(bytes, index, None)
}

/// As [`view_file`], of a file whose schema is not `T`'s own but one that a `T` can read: what
/// [`Region::open_compatible`](super::Region::open_compatible) does, for `no_std`. `writer` is the file's schema, compared once.
///
/// ```
/// use barewire_core::wire::{Header, Index, WriterSchema, to_file, view_file, view_file_compatible};
/// # use barewire_derive::BareUnion;
/// # mod old {
/// # #[derive(barewire_derive::BareUnion)]
/// # #[bare(crate = barewire_core)]
/// # pub enum Layer { Scale(f32) }
/// # }
///
/// /// `old::Layer` has no `Shift`.
/// #[derive(BareUnion)]
/// # #[bare(crate = barewire_core)]
/// enum Layer {
///     Scale(f32),
///     Shift(f32),
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (file, index) = (to_file(&vec![old::Layer::Scale(2.0)]), Index::new());
/// assert!(view_file::<Vec<Layer>>(&file, &index).is_err());
///
/// let writer = WriterSchema::parse::<Vec<Layer>>(Header::read(&file)?.schema)?;
/// let layers = view_file_compatible::<Vec<Layer>>(&file, &writer, &index)?;
/// assert!(matches!(layers, [LayerView::Scale(2.0)]));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`view_file`], but that the schema is `writer`'s.
pub fn view_file_compatible<'w, T: Wire>(
    bytes: &'w [u8],
    writer: &'w WriterSchema,
    index: &'w Index,
) -> Result<T::View<'w, f32>, DecodeError> {
    Header::written_by::<T>(bytes, writer)?.view::<T>(bytes, index, Some(writer))
}
