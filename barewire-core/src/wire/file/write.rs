//! Writing a file: header, root, index, and last the hashes.

use alloc::vec::Vec;
use core::sync::atomic::{Ordering, compiler_fence};

use xxhash_rust::xxh3::{Xxh3, Xxh3Builder};

use super::{CONTENT_HASH, ENTRY, HEADER, Header, MAGIC, SCHEMA_HASH, VERSION, extent_range, hash};
use crate::wire::buffer::AlignedBuf;
use crate::wire::evolution::{KeepError, WriterSchema};
use crate::wire::pad::ALIGN;
use crate::wire::reader::Extent;
use crate::wire::writer::Writer;
use crate::wire::{Wire, schema_text};

/// A hash like [`hash`] of octets that stand in several places.
pub(super) struct Hasher([Xxh3; 2]);

impl Hasher {
    pub(super) fn new() -> Self {
        Self([0, 1].map(|seed| Xxh3Builder::new().with_seed(seed).build()))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.iter_mut().for_each(|hasher| hasher.update(bytes));
    }

    pub(super) fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        for (half, hasher) in hash.chunks_exact_mut(16).zip(&self.0) {
            half.copy_from_slice(&hasher.digest128().to_be_bytes());
        }
        hash
    }
}

/// The hash of all octets outside components and outside the hash itself.
pub(super) fn content_hash(bytes: &[u8], components: impl Iterator<Item = Extent>) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(&bytes[..CONTENT_HASH]);
    let mut from = HEADER;
    for extent in components {
        let range = extent_range(extent);
        hasher.update(&bytes[from..range.start]);
        from = range.end;
    }
    hasher.update(&bytes[from..]);
    hasher.finish()
}

/// The file of a value: [`Region::encode`](crate::wire::Region::encode) without the region, for `no_std`.
///
/// # Panics
/// The value has unknown members that no file can hold together with the rest of it: see [`try_to_file`].
pub fn to_file<T: Wire>(value: &T) -> AlignedBuf {
    let mut buf = AlignedBuf::new();
    to_file_into(value, &mut buf);
    buf
}

/// [`to_file`] into memory that is there already: what `buf` held is forgotten.
///
/// # Panics
/// As [`to_file`].
pub fn to_file_into<T: Wire>(value: &T, buf: &mut AlignedBuf) {
    if let Err(error) = try_to_file_into(value, buf) {
        panic!("{error}");
    }
}

/// As [`to_file`], for values with unknown members ([`UnknownMember`](crate::wire::UnknownMember)). The file then has the schema that they
/// came with, which knows them, in place of `T`'s.
///
/// # Errors
/// Not everything in the value is of one such schema.
pub fn try_to_file<T: Wire>(value: &T) -> Result<AlignedBuf, KeepError> {
    let mut buf = AlignedBuf::new();
    try_to_file_into(value, &mut buf)?;
    Ok(buf)
}

/// Gives the file's schema, where it is not `T`'s.
pub(crate) fn try_to_file_into<T: Wire>(value: &T, buf: &mut AlignedBuf) -> Result<Option<WriterSchema>, KeepError> {
    let align = T::ALIGN.max(ALIGN);
    let schemas = write(value, buf, align, &schema_text::<T>());
    let writer = match &schemas[..] {
        [] => return Ok(None),
        // it may have come with a file of another root
        [one] => WriterSchema::parse::<T>(one.text()).map_err(KeepError::OtherType)?,
        several => return Err(KeepError::Several(several.len())),
    };
    write(value, buf, align.max(writer.align()), writer.text());
    // `T` may have more variants than the file's schema
    Header::read(buf).and_then(|header| header.check_root(buf, &writer)).map_err(KeepError::Rest)?;
    Ok(Some(writer))
}

/// Writes a file with this schema. Gives the schemas of unknown members, which the caller compares with that.
fn write<T: Wire>(value: &T, buf: &mut AlignedBuf, align: usize, text: &str) -> Vec<WriterSchema> {
    let mut w = Writer::into_buf(core::mem::take(buf));
    write_head(&mut w, align, text);
    w.record_extents();
    value.encode(&mut w);
    let extents = w.take_extents();
    let schemas = w.take_schemas();
    let root_end = w.offset();
    w.pad_list(extents.len() as u64);
    for extent in &extents {
        write_entry(&mut w, *extent, &[0; 32]);
    }
    *buf = w.finish();
    let length = buf.len() as u64;
    place_end(buf, root_end, length);
    seal(buf, &extents, 0..extents.len());
    schemas
}

/// What stands before the root. `length`, `indexOffset` and `contentHash` are zeros.
pub(super) fn write_head(w: &mut Writer, align: usize, text: &str) {
    w.raw(&MAGIC);
    VERSION.encode(w);
    align.ilog2().encode(w);
    w.raw(&[0; HEADER - 16]);
    w.data(text.as_bytes());
    w.pad_to(align);
    let root = w.offset();
    let head = w.octets_mut();
    head[SCHEMA_HASH..56].copy_from_slice(&hash(text.as_bytes()));
    head[56..64].copy_from_slice(&root.to_le_bytes());
}

/// An entry of the index.
pub(super) fn write_entry(w: &mut Writer, extent: Extent, hash: &[u8; 32]) {
    extent.start.encode(w);
    extent.end.encode(w);
    w.raw(hash);
}

/// Writes into the header where the root ends and how long the file is.
pub(super) fn place_end(header: &mut [u8], root_end: u64, length: u64) {
    header[16..24].copy_from_slice(&length.to_le_bytes());
    header[64..72].copy_from_slice(&root_end.to_le_bytes());
}

/// Marks a file as one that is being changed. The mark is in memory before anything that follows, so that a process that is
/// killed in the middle of a change has left it.
#[cfg(feature = "std")]
pub(crate) fn unseal(bytes: &mut [u8]) {
    bytes[CONTENT_HASH..HEADER].copy_from_slice(&super::UNSEALED);
    // no later store goes before this one
    compiler_fence(Ordering::SeqCst);
}

/// Copies a file over another one of the same size. The copy is marked as being changed, before and after.
#[cfg(feature = "std")]
pub(crate) fn copy_unsealed(from: &[u8], to: &mut [u8]) {
    unseal(to);
    to[..CONTENT_HASH].copy_from_slice(&from[..CONTENT_HASH]);
    to[HEADER..].copy_from_slice(&from[HEADER..]);
}

/// Fills in hashes: of the components that `which` numbers into the index at the end; then of the rest, which takes the mark
/// of [`unseal`] away.
pub(crate) fn seal(bytes: &mut [u8], extents: &[Extent], which: impl IntoIterator<Item = usize>) {
    let index = bytes.len() - extents.len() * ENTRY;
    for i in which {
        let hash = hash(&bytes[extent_range(extents[i])]);
        bytes[index + i * ENTRY + 16..][..32].copy_from_slice(&hash);
    }
    let content = content_hash(bytes, extents.iter().copied());
    // as in `unseal`: whoever finds this hash finds everything before it
    compiler_fence(Ordering::SeqCst);
    bytes[CONTENT_HASH..HEADER].copy_from_slice(&content);
}
