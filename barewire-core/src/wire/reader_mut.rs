//! The same walk over octets that may be changed: every slice is handed out once.

use super::error::DecodeError;
use super::evolution::WriterSchema;
use super::reader::{Reader, check_place};
use super::scalar::Scalar;

/// A position in octets that are being lent out for change.
///
/// What is handed out was split off, so two views never overlap; the borrow checker sees to it, not a check.
#[derive(Debug)]
pub struct ReaderMut<'w> {
    rest: &'w mut [u8],
    offset: u64,
    align: usize,
    writer: Option<&'w WriterSchema>,
}

impl<'w> ReaderMut<'w> {
    /// Lends out a message, strictly: as [`Reader::new`].
    pub fn new(bytes: &'w mut [u8]) -> Self {
        Self { rest: bytes, offset: 0, align: super::pad::ALIGN, writer: None }
    }

    /// Counts offsets from `base`, for a message inside a file.
    #[cfg(feature = "std")]
    pub(crate) fn with_base(mut self, base: u64) -> Self {
        self.offset = base;
        self
    }

    #[cfg(feature = "std")]
    pub(crate) fn with_writer(mut self, writer: Option<&'w WriterSchema>) -> Self {
        self.writer = writer;
        self
    }

    /// The schema of the writer, if it is another one than the reader's.
    pub(crate) fn writer(&self) -> Option<&'w WriterSchema> {
        self.writer
    }

    /// How many octets `f` goes over.
    pub(crate) fn measure(
        &self,
        f: impl FnOnce(&mut Reader<'_>) -> Result<(), DecodeError>,
    ) -> Result<usize, DecodeError> {
        let mut reader = Reader::new(self.rest).with_base(self.offset);
        f(&mut reader)?;
        Ok(reader.consumed())
    }

    /// Octets from the start of the message.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Runs `f` with the alignment that a field's attribute asks for.
    pub fn with_align<T>(&mut self, align: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = core::mem::replace(&mut self.align, align);
        let result = f(self);
        self.align = outer;
        result
    }

    /// Reads what is not lent out: tags, counts, flags.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn scan<T>(&mut self, f: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        let mut reader = Reader::new(self.rest).with_base(self.offset);
        let value = reader.with_align(self.align, f)?;
        let consumed = reader.consumed();
        self.split(consumed);
        Ok(value)
    }

    fn split(&mut self, n: usize) -> &'w mut [u8] {
        let (taken, rest) = core::mem::take(&mut self.rest).split_at_mut(n);
        self.rest = rest;
        self.offset += n as u64;
        taken
    }

    /// Lends out exactly `n` octets.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn take(&mut self, n: usize) -> Result<&'w mut [u8], DecodeError> {
        // the reader's own message when there are fewer
        Reader::new(self.rest).with_base(self.offset).take(n)?;
        Ok(self.split(n))
    }

    /// Lends out octets after their length.
    ///
    /// # Errors
    /// Truncated.
    pub fn data(&mut self) -> Result<&'w mut [u8], DecodeError> {
        let n = self.scan(|r| r.count(1))?;
        self.take(n)
    }

    /// Lends out a padded list of numbers where it lies.
    ///
    /// # Errors
    /// As [`Reader::padded`].
    pub fn padded<S: Scalar>(&mut self) -> Result<&'w mut [S], DecodeError> {
        let count = self.scan(|r| r.padded_head::<S>())?;
        let (at, align) = (self.offset, self.align);
        let bytes = self.take(count * size_of::<S>())?;
        check_place(bytes, align).map_err(|(expected, found)| DecodeError::new(at, expected, found))?;
        bytemuck::try_cast_slice_mut(bytes)
            .map_err(|error| DecodeError::new(at, "numbers in place", alloc::format!("{error}")))
    }

    /// Requires that nothing is left.
    ///
    /// # Errors
    /// Octets follow.
    pub fn finish(&self) -> Result<(), DecodeError> {
        Reader::new(self.rest).with_base(self.offset).finish()
    }
}
