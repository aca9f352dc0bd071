//! The strict reader: every octet is accounted for, and nothing is reserved on an announced length.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use super::error::DecodeError;
use super::evolution::WriterSchema;
use super::head::quick_head;
use super::pad::{ALIGN, first_nonzero, pad_len};
use super::scalar::Scalar;

/// A position in octets that are being read.
///
/// Offsets, in errors and for padding, count from the start of the message, which is where the first octet given to
/// [`Reader::new`] stands.
///
/// ```
/// use barewire_core::wire::{Reader, Uint, Wire};
///
/// let mut r = Reader::new(&[0x85, 0x00]);
/// let error = Uint::decode(&mut r).unwrap_err();
/// assert_eq!(error.to_string(), "at octet 0: expected a uint in the fewest octets, found one octet more");
/// ```
#[derive(Debug)]
pub struct Reader<'w> {
    bytes: &'w [u8],
    pos: usize,
    /// offset of `bytes[0]` in the message or file
    base: u64,
    /// alignment that the arrays of the current field ask for
    align: usize,
    any_pads: bool,
    payloads: bool,
    depth: usize,
    extents: Option<Vec<Extent>>,
    writer: Option<&'w WriterSchema>,
}

/// Where a component stands: from its tag to the octet after it, counted from the start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// offset of the tag
    pub start: u64,
    /// offset after the last octet
    pub end: u64,
}

impl<'w> Reader<'w> {
    /// Reads a message strictly: every pad has the smallest length and only zeros.
    pub fn new(bytes: &'w [u8]) -> Self {
        Self {
            bytes,
            pos: 0,
            base: 0,
            align: ALIGN,
            any_pads: false,
            payloads: false,
            depth: 0,
            extents: None,
            writer: None,
        }
    }

    /// Accepts pads of any length and content, as another BARE writer may leave them. Only for
    /// [`Wire::decode`](super::Wire::decode), which copies; views are refused where an array is out of place.
    #[must_use]
    pub fn with_any_pads(mut self) -> Self {
        self.any_pads = true;
        self
    }

    /// Also checks what is inside packed matrices: unused codes and padding. Costs a pass over the payloads.
    #[must_use]
    pub fn with_payload_checks(mut self) -> Self {
        self.payloads = true;
        self
    }

    /// Reads a message that was written under another schema: members that a union keeps ([`UnknownMember`](super::UnknownMember))
    /// end where that schema says.
    #[must_use]
    pub fn with_writer_schema(self, schema: &'w WriterSchema) -> Self {
        self.with_writer(Some(schema))
    }

    pub(crate) fn with_writer(mut self, writer: Option<&'w WriterSchema>) -> Self {
        self.writer = writer;
        self
    }

    /// The schema of the writer, if it is another one than the reader's.
    pub(crate) fn writer(&self) -> Option<&'w WriterSchema> {
        self.writer
    }

    /// Counts offsets from `base`, for a message inside a file.
    pub(crate) fn with_base(mut self, base: u64) -> Self {
        self.base = base;
        self
    }

    /// Records where the outermost unions stand; there are `about` so many.
    pub(crate) fn with_extents(mut self, about: usize) -> Self {
        self.extents = Some(Vec::with_capacity(about));
        self
    }

    /// The recorded extents.
    pub(crate) fn take_extents(&mut self) -> Vec<Extent> {
        self.extents.take().unwrap_or_default()
    }

    /// Octets from the start of the message.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Octets left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.pos
    }

    /// Goes forward to an offset that lies inside.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.pos = (offset - self.base) as usize;
    }

    /// Where the reader stands, for [`back`](Self::back).
    pub(crate) fn here(&self) -> usize {
        self.pos
    }

    /// Returns to a place that was read already.
    pub(crate) fn back(&mut self, here: usize) {
        self.pos = here;
    }

    /// Octets read.
    pub(crate) fn consumed(&self) -> usize {
        self.pos
    }

    /// Whether payloads are to be checked too.
    pub fn checks_payloads(&self) -> bool {
        self.payloads
    }

    /// Runs `f` with the alignment that a field's attribute asks for.
    pub fn with_align<T>(&mut self, align: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = core::mem::replace(&mut self.align, align);
        let result = f(self);
        self.align = outer;
        result
    }

    /// An error at the octet that is read next.
    #[cold]
    pub fn error(&self, expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> DecodeError {
        DecodeError::new(self.offset(), expected, found)
    }

    /// The octets read since [`here`](Self::here).
    pub(crate) fn since(&self, here: usize) -> &'w [u8] {
        &self.bytes[here..self.pos]
    }

    /// Requires that so many octets are left.
    pub(crate) fn need(&self, octets: u64) -> Result<(), DecodeError> {
        if octets <= self.remaining() as u64 { Ok(()) } else { Err(self.truncated(octets)) }
    }

    #[cold]
    fn truncated(&self, need: u64) -> DecodeError {
        self.error(octets(need), format!("{} left", self.remaining()))
    }

    /// Exactly `n` octets.
    ///
    /// # Errors
    /// Fewer are left.
    #[inline]
    pub fn take(&mut self, n: usize) -> Result<&'w [u8], DecodeError> {
        match self.bytes[self.pos..].get(..n) {
            Some(taken) => {
                self.pos += n;
                Ok(taken)
            }
            None => Err(self.truncated(n as u64)),
        }
    }

    /// Exactly `N` octets.
    ///
    /// # Errors
    /// Fewer are left.
    #[inline]
    pub fn take_array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.bytes[self.pos..].first_chunk::<N>() {
            Some(taken) => {
                self.pos += N;
                Ok(*taken)
            }
            None => Err(self.truncated(N as u64)),
        }
    }

    /// A uint: at most ten octets, the fewest that hold the number.
    ///
    /// # Errors
    /// Truncated, longer than needed, or more than 64 bits.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        // nearly all tags, lengths and counts are one octet
        match self.bytes.get(self.pos) {
            Some(&octet) if octet < 0x80 => {
                self.pos += 1;
                Ok(u64::from(octet))
            }
            _ => self.long_uint(),
        }
    }

    fn long_uint(&mut self) -> Result<u64, DecodeError> {
        let rest = &self.bytes[self.pos..];
        let mut value = 0u64;
        for (i, &octet) in rest.iter().take(10).enumerate() {
            if i == 9 && octet > 1 {
                return Err(self.error("a uint of at most 64 bits", "a longer one"));
            }
            value |= u64::from(octet & 0x7f) << (7 * i);
            if octet < 0x80 {
                if octet == 0 && i > 0 {
                    return Err(self.error("a uint in the fewest octets", "one octet more"));
                }
                self.pos += i + 1;
                return Ok(value);
            }
        }
        Err(self.error("a uint", format!("the end after {} of its octets", rest.len())))
    }

    /// A length or count, compared with what is left before anything else: `least` is the least octets of one element.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), or the elements cannot fit in what is left.
    #[inline]
    pub fn count(&mut self, least: usize) -> Result<usize, DecodeError> {
        let at = self.offset();
        let count = self.uint()?;
        // a division would take longer than all else here
        if count.checked_mul(least.max(1) as u64).is_none_or(|octets| octets > self.remaining() as u64) {
            return Err(self.too_many(at, count, least));
        }
        // at most `remaining()`, so it fits
        Ok(count as usize)
    }

    #[cold]
    fn too_many(&self, at: u64, count: u64, least: usize) -> DecodeError {
        let room = self.remaining() / least.max(1);
        let expected = format!("a count of at most {room}, which is what {} octets can hold", self.remaining());
        DecodeError::new(at, expected, format!("{count}"))
    }

    /// An octet that is 0 or 1.
    ///
    /// # Errors
    /// Truncated, or another octet; `what` says what it stands for.
    #[inline]
    pub fn flag(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        let at = self.offset();
        match self.take_array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(DecodeError::new(at, format!("0 or 1 {what}"), format!("{other}"))),
        }
    }

    /// Octets after their length.
    ///
    /// # Errors
    /// Truncated.
    #[inline]
    pub fn data(&mut self) -> Result<&'w [u8], DecodeError> {
        let n = self.count(1)?;
        self.take(n)
    }

    /// UTF-8 after its length in octets.
    ///
    /// # Errors
    /// Truncated, or not UTF-8.
    pub fn str(&mut self) -> Result<&'w str, DecodeError> {
        let n = self.count(1)?;
        let at = self.offset();
        let bytes = self.take(n)?;
        match core::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => Err(super::text::not_utf8(at, bytes).unwrap_or_else(|| self.error("UTF-8", "other octets"))),
        }
    }

    /// What stands before the numbers of a padded list, `pad: data` and the count; gives the count, which is known to fit.
    pub(crate) fn padded_head<S: Scalar>(&mut self) -> Result<usize, DecodeError> {
        self.list_head(size_of::<S>())
    }

    /// The same for elements of `size` octets.
    pub(crate) fn list_head(&mut self, size: usize) -> Result<usize, DecodeError> {
        let align = (!self.any_pads).then_some(self.align as u64);
        self.padded_count(size, align)
    }

    /// A pad and the count of a list of numbers of `size` octets, which are known to fit. With an alignment, the pad must be
    /// the smallest, of zeros.
    pub(crate) fn padded_count(&mut self, size: usize, align: Option<u64>) -> Result<usize, DecodeError> {
        if let Some(align) = align
            && let Some((octets, count)) = quick_head(&self.bytes[self.pos..], self.offset(), align)
            && let Some(numbers) = count.checked_mul(size.max(1) as u64)
            && numbers <= (self.remaining() - octets) as u64
        {
            self.pos += octets;
            // at most what is left, so it fits
            return Ok(count as usize);
        }
        self.any_head(size, align)
    }

    /// The same, of any head; says what is wrong with one.
    pub(super) fn any_head(&mut self, size: usize, align: Option<u64>) -> Result<usize, DecodeError> {
        let pad_at = self.offset();
        let pad = self.data()?;
        let count = self.count(size)?;
        if let Some(align) = align {
            let expected = pad_len(pad_at, count as u64, align);
            if pad.len() as u64 != expected {
                let expected = format!("a pad of {expected} octets before {count} numbers aligned to {align}");
                return Err(DecodeError::new(pad_at, expected, format!("{}", pad.len())));
            }
            if let Some(at) = first_nonzero(pad) {
                // the pad's octets end where the count starts
                let start = self.offset() - super::pad::varint_len(count as u64) - pad.len() as u64;
                let found = format!("{:#04x}", pad[at]);
                return Err(DecodeError::new(start + at as u64, "a zero in a pad", found));
            }
        }
        Ok(count)
    }

    fn padded_bytes<S: Scalar>(&mut self) -> Result<&'w [u8], DecodeError> {
        let count = self.padded_head::<S>()?;
        // `count` was compared with `remaining() / size_of::<S>()`, so the product fits
        self.take(count * size_of::<S>())
    }

    /// A padded list of numbers where it lies.
    ///
    /// # Errors
    /// As the format; or the octets are not at a multiple of the alignment in memory; or the host is big-endian.
    pub fn padded<S: Scalar>(&mut self) -> Result<&'w [S], DecodeError> {
        let bytes = self.padded_bytes::<S>()?;
        in_place(bytes, self.align)
            .map_err(|(expected, found)| DecodeError::new(self.offset() - bytes.len() as u64, expected, found))
    }

    /// A copy of a padded list of numbers.
    ///
    /// # Errors
    /// As the format.
    pub fn padded_copy<S: Scalar>(&mut self) -> Result<Vec<S>, DecodeError> {
        let bytes = self.padded_bytes::<S>()?;
        Ok(S::copy_from_le(bytes))
    }

    /// The tag of a union. [`close_union`](Self::close_union) follows the variant's fields.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), or above 32 bits.
    #[inline]
    pub fn open_union(&mut self) -> Result<u32, DecodeError> {
        let at = self.offset();
        let tag = self.uint()?;
        let Ok(tag) = u32::try_from(tag) else {
            return Err(DecodeError::new(at, "a tag of at most 32 bits", format!("{tag}")));
        };
        if self.depth == 0
            && let Some(extents) = &mut self.extents
        {
            extents.push(Extent { start: at, end: at });
        }
        self.depth += 1;
        Ok(tag)
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

    /// Requires that nothing is left.
    ///
    /// # Errors
    /// Octets follow.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            more => Err(self.error("the end of the message", octets(more as u64))),
        }
    }
}

/// `1 octet`, `2 octets`.
pub(crate) fn octets(n: u64) -> Cow<'static, str> {
    if n == 1 { "1 octet".into() } else { format!("{n} octets").into() }
}

type Mismatch = (Cow<'static, str>, Cow<'static, str>);

fn in_place<S: Scalar>(bytes: &[u8], align: usize) -> Result<&[S], Mismatch> {
    check_place(bytes, align)?;
    bytemuck::try_cast_slice(bytes).map_err(|error| ("numbers in place".into(), format!("{error}").into()))
}

/// What has to hold in memory, beyond the format, before octets are seen as numbers.
#[inline]
pub(crate) fn check_place(bytes: &[u8], align: usize) -> Result<(), Mismatch> {
    // a power of two
    let rest = bytes.as_ptr().addr() & (align - 1);
    // an empty list has no number that could be out of place, but its address is still checked: a message that is out of
    // place is out of place whatever it holds
    if cfg!(target_endian = "little") && rest == 0 { Ok(()) } else { Err(out_of_place(align, rest)) }
}

#[cold]
fn out_of_place(align: usize, rest: usize) -> Mismatch {
    if cfg!(target_endian = "big") {
        return ("a little-endian host for numbers in place; `decode` copies".into(), "a big-endian one".into());
    }
    let expected = format!("a message at a multiple of {align} in memory; copy it to an `AlignedBuf`, or `decode`");
    (expected.into(), format!("numbers {rest} octets past one").into())
}
