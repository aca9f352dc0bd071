//! Writing a file: header, root, index, and last the hashes.

use core::sync::atomic::{Ordering, compiler_fence};

use xxhash_rust::xxh3::{Xxh3, Xxh3Builder};

use super::{CONTENT_HASH, ENTRY, HEADER, MAGIC, SCHEMA_HASH, VERSION, extent_range, hash};
use crate::wire::buffer::AlignedBuf;
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
pub fn to_file<T: Wire>(value: &T) -> AlignedBuf {
    let mut buf = AlignedBuf::new();
    to_file_into(value, &mut buf);
    buf
}

/// [`to_file`] into memory that is there already: what `buf` held is forgotten.
pub fn to_file_into<T: Wire>(value: &T, buf: &mut AlignedBuf) {
    let align = T::ALIGN.max(ALIGN);
    let text = schema_text::<T>();
    let mut w = Writer::into_buf(core::mem::take(buf));
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
        write_entry(&mut w, *extent, &[0; 32]);
    }
    *buf = w.finish();
    buf[SCHEMA_HASH..56].copy_from_slice(&hash(text.as_bytes()));
    buf[56..64].copy_from_slice(&root.to_le_bytes());
    let length = buf.len() as u64;
    place_end(buf, root_end, length);
    seal(buf, &extents, 0..extents.len());
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
