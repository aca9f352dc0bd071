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

use xxhash_rust::xxh3::Xxh3Builder;

use super::buffer::AlignedBuf;
use super::error::DecodeError;
use super::index::Index;
use super::pad::{ALIGN, MAX_ALIGN, pad_before};
use super::reader::{Extent, Reader};
use super::writer::Writer;
use super::{Wire, schema, schema_text};

/// The first octets of every file.
pub const MAGIC: [u8; 8] = *b"BAREWIRE";

/// The version of the file format that this crate reads and writes.
pub const VERSION: u32 = 1;

const SCHEMA_HASH: usize = 24;
const CONTENT_HASH: usize = 72;
const HEADER: usize = 104;
/// octets of an entry of the index
const ENTRY: usize = 48;

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
        let schema = r.str().map_err(|error| error.within("schema"))?;
        if hash(schema.as_bytes()) != schema_hash {
            let found = format!("{}", Hex(&schema_hash));
            let error = DecodeError::new(SCHEMA_HASH as u64, "the hash of the schema in the file", found);
            return Err(error.within("schemaHash"));
        }
        check_pad(&mut r, align as u64, 0).map_err(|error| error.within("rootPad"))?;
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
        let expected = super::pad_len(pad_at, count as u64, ALIGN as u64);
        if pad.len() as u64 != expected || pad.iter().any(|&octet| octet != 0) {
            let error = DecodeError::new(pad_at, format!("a pad of {expected} zeros"), "another one");
            return Err(error.within("indexPad"));
        }
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

    /// Components stand in the root, in ascending order, and do not overlap.
    fn check_order(&self) -> Result<(), DecodeError> {
        let mut from = self.root.start;
        for (i, component) in self.components().enumerate() {
            let Extent { start, end } = component.extent;
            if start < from || end <= start || end > self.root.end {
                let at = self.index_offset() + (i * ENTRY) as u64;
                let expected = format!("a component between {from} and {}", self.root.end);
                return Err(DecodeError::new(at, expected, format!("{start} to {end}")).at_index(i).within("index"));
            }
            from = end;
        }
        Ok(())
    }

    /// Offset of the first entry of the index.
    fn index_offset(&self) -> u64 {
        let count = self.index.len() / ENTRY;
        let pad = super::pad_len(self.root.end, count as u64, ALIGN as u64);
        self.root.end + super::varint_len(pad) + pad + super::varint_len(count as u64)
    }

    /// The components, in the order of the file.
    pub fn components(&self) -> impl ExactSizeIterator<Item = Component> + use<'w> {
        self.index.chunks_exact(ENTRY).map(|entry| {
            let mut hash = [0; 32];
            hash.copy_from_slice(&entry[16..]);
            Component { extent: Extent { start: u64_at(entry, 0), end: u64_at(entry, 8) }, hash }
        })
    }

    /// Compares every hash with the octets.
    ///
    /// # Errors
    /// Names the first component that differs, or the file around them.
    pub fn check_hashes(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        for (i, component) in self.components().enumerate() {
            let found = hash(&bytes[extent_range(component.extent)]);
            if found != component.hash {
                let expected = format!("a component with the hash {}", Hex(&component.hash));
                let error = DecodeError::new(component.extent.start, expected, format!("{}", Hex(&found)));
                return Err(error.at_index(i).within("components"));
            }
        }
        let found = content_hash(bytes, self.components().map(|component| component.extent));
        if found != self.content_hash {
            let expected = format!("octets outside components with the hash {}", Hex(&self.content_hash));
            let error = DecodeError::new(CONTENT_HASH as u64, expected, format!("{}", Hex(&found)));
            return Err(error.within("contentHash"));
        }
        Ok(())
    }

    /// A reader over the root, whose errors count from the start of the file.
    pub(crate) fn root_reader(&self, bytes: &'w [u8]) -> Reader<'w> {
        Reader::new(&bytes[extent_range(self.root)]).with_base(self.root.start).with_extents()
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
                let at = self.index_offset() + (i * ENTRY) as u64;
                let expected = format!("{} to {}", walked.start, walked.end);
                let found = format!("{} to {}", component.extent.start, component.extent.end);
                return Err(DecodeError::new(at, expected, found).at_index(i).within("index"));
            }
        }
        Ok(())
    }

    /// A view of the root.
    pub(crate) fn view<T: Wire>(&self, bytes: &'w [u8], index: &'w Index) -> Result<T::View<'w, f32>, DecodeError> {
        let mut r = self.root_reader(bytes);
        let view = T::read(&mut r, index)?;
        r.finish()?;
        self.check_walk(&r.take_extents())?;
        Ok(view)
    }

    /// A copy of the root.
    #[cfg(feature = "std")]
    pub(crate) fn decode<T: Wire>(&self, bytes: &'w [u8]) -> Result<T, DecodeError> {
        let mut r = self.root_reader(bytes);
        let value = T::decode(&mut r)?;
        r.finish()?;
        self.check_walk(&r.take_extents())?;
        Ok(value)
    }

    /// Walks the root as a `T`.
    #[cfg(feature = "std")]
    pub(crate) fn check_structure<T: Wire>(&self, bytes: &'w [u8], payloads: bool) -> Result<(), DecodeError> {
        let mut r = self.root_reader(bytes);
        if payloads {
            r = r.with_payload_checks();
        }
        let index = Index::new();
        T::read(&mut r, &index)?;
        r.finish()?;
        self.check_walk(&r.take_extents())
    }
}

/// A pad of zeros, of the length that puts what follows it, `between` octets later, at a multiple of `align`.
fn check_pad(r: &mut Reader<'_>, align: u64, between: u64) -> Result<(), DecodeError> {
    let at = r.offset();
    let expected = pad_before(at, between, align);
    let pad = r.data()?;
    if pad.len() as u64 != expected {
        return Err(DecodeError::new(at, format!("a pad of {expected} octets"), format!("{}", pad.len())));
    }
    if let Some(i) = pad.iter().position(|&octet| octet != 0) {
        let at = r.offset() - (pad.len() - i) as u64;
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

/// The hash of all octets outside components and outside the hash itself.
fn content_hash(bytes: &[u8], components: impl Iterator<Item = Extent>) -> [u8; 32] {
    let mut hashers = [Xxh3Builder::new().with_seed(0).build(), Xxh3Builder::new().with_seed(1).build()];
    let mut update = |bytes: &[u8]| hashers.iter_mut().for_each(|hasher| hasher.update(bytes));
    update(&bytes[..CONTENT_HASH]);
    let mut from = CONTENT_HASH + 32;
    for extent in components {
        let range = extent_range(extent);
        update(&bytes[from..range.start]);
        from = range.end;
    }
    update(&bytes[from..]);
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&hashers[0].digest128().to_be_bytes());
    hash[16..].copy_from_slice(&hashers[1].digest128().to_be_bytes());
    hash
}

/// The file of a value: [`Region::encode`](super::Region::encode) without the region, for `no_std`.
pub fn to_file<T: Wire>(value: &T) -> AlignedBuf {
    let align = T::ALIGN.max(ALIGN);
    let text = schema_text::<T>();
    let mut w = Writer::new();
    w.raw(&MAGIC);
    VERSION.encode(&mut w);
    align.ilog2().encode(&mut w);
    // length, schema hash, offsets, content hash: filled in below
    w.raw(&[0; HEADER - 16]);
    w.data(text.as_bytes());
    w.pad_to(align);
    let root = w.offset();
    w.record_extents();
    value.encode(&mut w);
    let extents = w.take_extents();
    let root_end = w.offset();
    w.pad_list(extents.len() as u64);
    for extent in &extents {
        extent.start.encode(&mut w);
        extent.end.encode(&mut w);
        w.raw(&[0; 32]);
    }
    let mut bytes = w.finish();
    let length = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    bytes[SCHEMA_HASH..56].copy_from_slice(&hash(text.as_bytes()));
    bytes[56..64].copy_from_slice(&root.to_le_bytes());
    bytes[64..72].copy_from_slice(&root_end.to_le_bytes());
    seal(&mut bytes, &extents);
    bytes
}

/// Fills in the hashes: of each component into the index at the end, then of the rest.
pub(crate) fn seal(bytes: &mut [u8], extents: &[Extent]) {
    let index = bytes.len() - extents.len() * ENTRY;
    for (i, extent) in extents.iter().enumerate() {
        let hash = hash(&bytes[extent_range(*extent)]);
        bytes[index + i * ENTRY + 16..][..32].copy_from_slice(&hash);
    }
    let content = content_hash(bytes, extents.iter().copied());
    bytes[CONTENT_HASH..][..32].copy_from_slice(&content);
}

/// A view of a file's root where it lies, after one walk that checks the structure and the index:
/// [`Region::view`](super::Region::view) without the region, for `no_std`.
///
/// # Errors
/// The octets are no file, hold another schema than `T`'s, are not a canonical `T`, or do not start at a multiple of the
/// file's alignment.
pub fn view_file<'w, T: Wire>(bytes: &'w [u8], index: &'w Index) -> Result<T::View<'w, f32>, DecodeError> {
    let header = Header::read(bytes)?;
    let expected = hash(schema_text::<T>().as_bytes());
    if header.schema_hash != expected {
        let (expected, found) = (format!("{}", Hex(&expected)), format!("{}", Hex(&header.schema_hash)));
        return Err(DecodeError::new(SCHEMA_HASH as u64, expected, found).within("schemaHash"));
    }
    header.view::<T>(bytes, index)
}

const _: () = assert!(HEADER == CONTENT_HASH + 32 && ENTRY == 16 + 32);
