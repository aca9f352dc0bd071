//! The writer: one pass forward, pads chosen as it gets there.

use alloc::vec::Vec;

use super::buffer::AlignedBuf;
use super::evolution::WriterSchema;
use super::pad::{ALIGN, ZEROS, pad_before, pad_len};
use super::reader::Extent;
use super::scalar::Scalar;

/// Appends canonical BARE to an [`AlignedBuf`]. Offsets, and so pads, count from the buffer's first octet.
///
/// ```
/// use barewire_core::wire::{Wire, Writer};
///
/// let mut w = Writer::new();
/// Some(7u16).encode(&mut w);
/// assert_eq!(w.finish()[..], [1, 7, 0]);
/// ```
#[derive(Debug)]
pub struct Writer {
    buf: AlignedBuf,
    /// offset of the buffer's first octet in the message or file
    base: u64,
    align: usize,
    depth: usize,
    extents: Option<Vec<Extent>>,
    /// those of the unknown members so far, each once
    schemas: Vec<WriterSchema>,
}

impl Writer {
    /// Starts an empty message.
    pub fn new() -> Self {
        Self::into_buf(AlignedBuf::new())
    }

    /// Starts a message in the memory of an old one.
    pub fn into_buf(mut buf: AlignedBuf) -> Self {
        buf.clear();
        Self { buf, base: 0, align: ALIGN, depth: 0, extents: None, schemas: Vec::new() }
    }

    /// Starts in the middle of a file, `base` octets from its start.
    #[cfg(feature = "std")]
    pub(crate) fn at(base: u64) -> Self {
        Self::new().with_base(base)
    }

    /// Counts offsets from `base`: what is written next stands there in a file.
    #[cfg(feature = "std")]
    pub(crate) fn with_base(self, base: u64) -> Self {
        Self { base, ..self }
    }

    /// Records where the outermost unions stand, from here on.
    pub(crate) fn record_extents(&mut self) {
        self.extents = Some(Vec::new());
    }

    pub(crate) fn take_extents(&mut self) -> Vec<Extent> {
        self.extents.take().unwrap_or_default()
    }

    /// Notes that a member is written that only this schema knows.
    pub(crate) fn note_schema(&mut self, schema: &WriterSchema) {
        if !self.schemas.contains(schema) {
            self.schemas.push(schema.clone());
        }
    }

    /// The schemas that know the unknown members so far.
    pub(crate) fn take_schemas(&mut self) -> Vec<WriterSchema> {
        core::mem::take(&mut self.schemas)
    }

    /// The message.
    pub fn finish(self) -> AlignedBuf {
        self.buf
    }

    /// Octets so far.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.base + self.buf.len() as u64
    }

    /// The octets from `offset` on.
    #[cfg(feature = "std")]
    pub(crate) fn written_from(&self, offset: u64) -> &[u8] {
        &self.buf[(offset - self.base) as usize..]
    }

    /// The octets from an offset on.
    pub(crate) fn since(&self, offset: u64) -> &[u8] {
        &self.buf[offset as usize..]
    }

    /// Runs `f` with the alignment that a field's attribute asks for.
    pub fn with_align(&mut self, align: usize, f: impl FnOnce(&mut Self)) {
        let outer = core::mem::replace(&mut self.align, align);
        f(self);
        self.align = outer;
    }

    /// Octets as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// A uint, in the fewest octets.
    #[inline]
    pub fn uint(&mut self, mut value: u64) {
        let mut octets = [0; 10];
        let mut n = 0;
        while value >= 0x80 {
            octets[n] = value as u8 | 0x80;
            value >>= 7;
            n += 1;
        }
        octets[n] = value as u8;
        self.raw(&octets[..=n]);
    }

    /// 0 or 1.
    pub fn flag(&mut self, value: bool) {
        self.raw(&[u8::from(value)]);
    }

    /// Octets after their length.
    pub fn data(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.raw(bytes);
    }

    fn pad(&mut self, n: u64) {
        self.uint(n);
        // `n` is at most `MAX_ALIGN + 127`
        self.raw(&ZEROS[..n as usize]);
    }

    /// A padded list: the pad, the count, the numbers at a multiple of the alignment.
    pub fn padded<S: Scalar>(&mut self, values: &[S]) {
        self.padded_count(values.len() as u64, self.align as u64);
        S::write_le(values, |bytes| self.buf.extend_from_slice(bytes));
    }

    /// A pad after which the next octet lies at a multiple of `align`.
    pub(crate) fn pad_to(&mut self, align: usize) {
        self.pad(pad_before(self.offset(), 0, align as u64));
    }

    /// A pad and a count, after which the list's first octet lies at a multiple of 64.
    pub(crate) fn pad_list(&mut self, count: u64) {
        self.padded_count(count, ALIGN as u64);
    }

    /// A pad and a count, after which the list's first octet lies at a multiple of `align`.
    pub(crate) fn padded_count(&mut self, count: u64, align: u64) {
        self.pad(pad_len(self.offset(), count, align));
        self.uint(count);
    }

    /// `n` octets of any content, for the caller to write over.
    pub(crate) fn grow(&mut self, n: usize) -> &mut [u8] {
        self.buf.grow(n)
    }

    /// All octets so far.
    pub(crate) fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.buf
    }

    /// The tag of a union. [`close_union`](Self::close_union) follows the variant's fields.
    #[inline]
    pub fn open_union(&mut self, tag: u32) {
        let start = self.offset();
        if self.depth == 0
            && let Some(extents) = &mut self.extents
        {
            extents.push(Extent { start, end: start });
        }
        self.depth += 1;
        self.uint(u64::from(tag));
    }

    /// The end of a union.
    #[inline]
    pub fn close_union(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            let end = self.offset();
            if let Some(last) = self.extents.as_mut().and_then(|extents| extents.last_mut()) {
                last.end = end;
            }
        }
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}
