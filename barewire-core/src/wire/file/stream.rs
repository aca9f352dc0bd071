//! A file written component by component, for models that do not fit in memory twice.

use alloc::vec::Vec;
use core::marker::PhantomData;
use std::io::{self, Seek, SeekFrom, Write};

use super::edit::ComponentList;
use super::write::{Hasher, place_end, write_entry, write_head};
use super::{CONTENT_HASH, Component, HEADER, hash};
use crate::wire::buffer::AlignedBuf;
use crate::wire::pad::ALIGN;
use crate::wire::reader::Extent;
use crate::wire::writer::Writer;
use crate::wire::{Wire, schema_text};

/// The file of a `T`, a list of a known number of components, of which one at a time is in memory. Its octets are those of
/// [`to_file`](super::to_file).
pub(crate) struct ListWriter<T, O> {
    out: O,
    /// the header, the schema, the count
    head: AlignedBuf,
    at: u64,
    /// memory for the next component
    buf: AlignedBuf,
    components: Vec<Component>,
    of: PhantomData<fn() -> T>,
}

impl<T: ComponentList, O: Write + Seek> ListWriter<T, O> {
    pub(crate) fn new(mut out: O, count: usize) -> io::Result<Self> {
        let mut w = Writer::new();
        write_head(&mut w, T::ALIGN.max(ALIGN), &schema_text::<T>());
        w.uint(count as u64);
        let (at, head) = (w.offset(), w.finish());
        out.write_all(&head)?;
        Ok(Self { out, head, at, buf: AlignedBuf::new(), components: Vec::new(), of: PhantomData })
    }

    /// The next component. One with unknown members is refused: the schema of this file does not have them.
    pub(crate) fn push(&mut self, value: &T::Item) -> io::Result<()> {
        let mut w = Writer::into_buf(core::mem::take(&mut self.buf)).with_base(self.at);
        value.encode(&mut w);
        if !w.take_schemas().is_empty() {
            let message = "an unknown member cannot be kept in a file of another type; drop it, or make it a variant";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let extent = Extent { start: self.at, end: w.offset() };
        self.at = extent.end;
        self.buf = w.finish();
        self.components.push(Component { extent, hash: hash(&self.buf) });
        self.out.write_all(&self.buf)
    }

    /// The index behind the components, and a header that fits.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let mut w = Writer::into_buf(self.buf).with_base(self.at);
        w.pad_list(self.components.len() as u64);
        for component in &self.components {
            write_entry(&mut w, component.extent, &component.hash);
        }
        place_end(&mut self.head, self.at, w.offset());
        let index = w.finish();
        self.out.write_all(&index)?;
        // nothing stands between the elements of a list
        let mut content = Hasher::new();
        content.update(&self.head[..CONTENT_HASH]);
        content.update(&self.head[HEADER..]);
        content.update(&index);
        self.head[CONTENT_HASH..HEADER].copy_from_slice(&content.finish());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&self.head[..HEADER])?;
        self.out.flush()
    }
}
