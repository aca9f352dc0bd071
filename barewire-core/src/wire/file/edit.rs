//! Other components in place of some, and an index that says so.
//!
//! A component's octets depend on where it stands, since its pads do. So what stands before the first change stays as it is;
//! what stands behind it is copied where it moves by a multiple of its alignment, and decoded and encoded anew elsewhere.
//! Appending moves nothing, unless the list's count takes an octet more (at 128, 16,384, ..): then everything moves.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::write::{Hasher, place_end, write_entry};
use super::{CONTENT_HASH, Component, HEADER, Header, extent_range, hash};
use crate::wire::buffer::AlignedBuf;
use crate::wire::error::DecodeError;
use crate::wire::evolution::WriterSchema;
use crate::wire::list::{Element, List, Walked};
use crate::wire::pad::Pads;
use crate::wire::reader::{Extent, Reader};
use crate::wire::schema::Kind;
use crate::wire::walk::skip;
use crate::wire::writer::Writer;
use crate::wire::{Union, Wire, varint_len};

mod sealed {
    pub trait Sealed {}
}

/// A root that is a list of unions, and so of components: `Vec<U>` or [`List<U>`](List). Sealed.
#[diagnostic::on_unimplemented(
    message = "a file of `{Self}` is no list of components",
    label = "neither `Vec<U>` nor `List<U>` with a union `U`",
    note = "decode another root, change the value, and encode it again"
)]
pub trait ComponentList: Wire + sealed::Sealed {
    /// the union
    type Item: Union;
}

impl<U: Union + Element<Kind = Walked>> sealed::Sealed for Vec<U> {}
impl<U: Union + Element<Kind = Walked>> ComponentList for Vec<U> {
    type Item = U;
}
impl<U: Union> sealed::Sealed for List<U> {}
impl<U: Union> ComponentList for List<U> {
    type Item = U;
}

/// What is written anew in a file; between `head` and `tail` stand the old octets up to `keep`.
pub(crate) struct Edit {
    /// the header, the schema, the count
    head: AlignedBuf,
    keep: usize,
    /// components from the first that changed or moved, and the index
    tail: AlignedBuf,
}

impl Edit {
    /// `values` in place of the components in `range`. Nothing is changed here, so an error leaves all as it was.
    pub(crate) fn splice<T: ComponentList>(
        header: &Header<'_>,
        bytes: &[u8],
        range: Range<usize>,
        values: &[T::Item],
        writer: Option<&WriterSchema>,
    ) -> Result<Self, DecodeError> {
        header.check_sealed()?;
        header.check_structure::<T>(bytes, false, writer)?;
        let old: Vec<Component> = header.components().collect();
        if range.start > range.end || range.end > old.len() {
            let expected = format!("a range of the {} components", old.len());
            return Err(DecodeError::new(header.index_offset(), expected, format!("{range:?}")).within("index"));
        }
        let count = (old.len() - range.len() + values.len()) as u64;
        let count_moves = varint_len(count) != varint_len(old.len() as u64);
        let kept = if count_moves { 0 } else { range.start };
        let keep = match old[..kept].last() {
            Some(last) => last.extent.end,
            None => header.root.start + varint_len(count),
        };
        let mut tail = Tail { w: Writer::at(keep), components: old[..kept].to_vec(), writer };
        let mut stay = old.iter().copied().enumerate();
        for (number, component) in stay.by_ref().take(range.start).skip(kept) {
            tail.carry::<T::Item>(bytes, number, component)?;
        }
        for (i, value) in values.iter().enumerate() {
            tail.add(value).map_err(|error| error.at_index(i).within("values"))?;
        }
        for (number, component) in stay.skip(range.len()) {
            tail.carry::<T::Item>(bytes, number, component)?;
        }
        Ok(tail.finish(header, bytes, keep))
    }

    /// The new file, in three pieces.
    pub(crate) fn pieces<'a>(&'a self, old: &'a [u8]) -> [&'a [u8]; 3] {
        // where no old component is kept, `keep` is where the head ends
        [&self.head, old.get(self.head.len()..self.keep).unwrap_or_default(), &self.tail]
    }

    /// Makes the old file the new one.
    pub(crate) fn apply(&self, buf: &mut AlignedBuf) {
        buf.resize(self.keep);
        buf[..self.head.len()].copy_from_slice(&self.head);
        buf.extend_from_slice(&self.tail);
    }
}

/// The end of a file, while it is written.
struct Tail<'a> {
    w: Writer,
    /// all components from the first of the file on
    components: Vec<Component>,
    /// the file's schema, if it is not the type's
    writer: Option<&'a WriterSchema>,
}

impl Tail<'_> {
    /// A new component, which has to be one of the file's schema.
    fn add<U: Union>(&mut self, value: &U) -> Result<(), DecodeError> {
        let start = self.w.offset();
        self.push(value);
        if self.w.take_schemas().iter().any(|schema| Some(schema) != self.writer) {
            let expected = "unknown members that the schema of this file has";
            return Err(DecodeError::new(start, expected, "one that came with another schema"));
        }
        let Some(writer) = self.writer else { return Ok(()) };
        // the type may have variants that the file's schema does not have
        match writer.types().root().kind() {
            Kind::List(item, None) => {
                let mut r = Reader::new(self.w.written_from(start)).with_base(start);
                skip(item, &mut r, Pads::Aligned).map(drop)
            }
            _ => Err(DecodeError::new(start, "a file whose root is a list", "another schema")),
        }
    }

    fn push<U: Union>(&mut self, value: &U) {
        let start = self.w.offset();
        value.encode(&mut self.w);
        let extent = Extent { start, end: self.w.offset() };
        self.components.push(Component { extent, hash: hash(self.w.written_from(start)) });
    }

    /// A component that stays, at another place perhaps.
    fn carry<U: Union>(&mut self, bytes: &[u8], number: usize, old: Component) -> Result<(), DecodeError> {
        let (start, octets) = (self.w.offset(), &bytes[extent_range(old.extent)]);
        // unknown members may have lists of larger alignments than those that are listed
        let align = U::ALIGN.max(self.writer.map_or(1, WriterSchema::align)) as u64;
        if start % align == old.extent.start % align {
            self.w.raw(octets);
            let extent = Extent { start, end: self.w.offset() };
            self.components.push(Component { extent, ..old });
            return Ok(());
        }
        // its hash will be of other octets: those of a damaged component must not become right that way
        let within = |error: DecodeError| error.at_index(number).within("components");
        old.check_hash(bytes).map_err(within)?;
        let mut r = Reader::new(octets).with_base(old.extent.start).with_writer(self.writer);
        self.push(&U::decode(&mut r).map_err(within)?);
        Ok(())
    }

    /// The index behind the components, and a header that fits.
    fn finish(mut self, header: &Header<'_>, bytes: &[u8], keep: u64) -> Edit {
        let root_end = self.w.offset();
        self.w.pad_list(self.components.len() as u64);
        for component in &self.components {
            write_entry(&mut self.w, component.extent, &component.hash);
        }
        let mut head = Writer::new();
        head.raw(&bytes[..header.root.start as usize]);
        head.uint(self.components.len() as u64);
        let mut head = head.finish();
        place_end(&mut head, root_end, self.w.offset());
        // nothing stands between the elements of a list
        let mut content = Hasher::new();
        content.update(&head[..CONTENT_HASH]);
        content.update(&head[HEADER..]);
        content.update(self.w.written_from(root_end));
        head[CONTENT_HASH..HEADER].copy_from_slice(&content.finish());
        Edit { head, keep: keep as usize, tail: self.w.finish() }
    }
}
