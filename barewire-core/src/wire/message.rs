//! Whole messages, without a file around them.

use alloc::string::String;

use super::Wire;
use super::buffer::AlignedBuf;
use super::error::DecodeError;
use super::index::Index;
use super::kept::KnownSchema;
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::writer::Writer;

/// The canonical message of a value, at an address at which it can be viewed.
///
/// ```
/// # use barewire_core::wire::to_message;
/// assert_eq!(to_message(&String::from("A"))[..], [1, b'A']);
/// ```
pub fn to_message<T: Wire>(value: &T) -> AlignedBuf {
    let mut buf = AlignedBuf::new();
    to_message_into(value, &mut buf);
    buf
}

/// [`to_message`] into memory that is there already: what `buf` held is forgotten. The second message of a size costs a copy
/// of its octets, and no page fault.
///
/// ```
/// # use barewire_core::wire::{AlignedBuf, to_message_into};
/// let mut buf = AlignedBuf::new();
/// for value in [1u16, 2, 3] {
///     to_message_into(&value, &mut buf);
///     assert_eq!(buf[..], value.to_le_bytes());
/// }
/// ```
pub fn to_message_into<T: Wire>(value: &T, buf: &mut AlignedBuf) {
    let mut w = Writer::into_buf(core::mem::take(buf));
    value.encode(&mut w);
    *buf = w.finish();
}

/// The value of a message, copied. The octets may lie anywhere.
///
/// # Errors
/// The octets are not the canonical message of a `T`; octets that follow are an error too.
pub fn from_message<T: Wire>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode(Reader::new(bytes))
}

/// As [`from_message`], for a message of another BARE writer, which may have left pads of any length and content.
///
/// # Errors
/// As [`from_message`], but for pads.
pub fn from_foreign_message<T: Wire>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode(Reader::new(bytes).with_any_pads())
}

fn decode<T: Wire>(mut r: Reader<'_>) -> Result<T, DecodeError> {
    let value = T::decode(&mut r)?;
    r.finish()?;
    Ok(value)
}

/// A view of a message where it lies. Lists of unions, structs and strings are indexed in `index`.
///
/// # Errors
/// As [`from_message`]; or `bytes` does not start at a multiple of `T::ALIGN`.
pub fn view_message<'w, T: Wire>(bytes: &'w [u8], index: &'w Index) -> Result<T::View<'w, f32>, DecodeError> {
    let mut r = Reader::new(bytes);
    let view = T::read(&mut r, index)?;
    r.finish()?;
    Ok(view)
}

/// A view of a message through which numbers may be changed where they lie.
///
/// ```
/// # use barewire_core::wire::{to_message, from_message, view_message_mut};
/// let mut message = to_message(&vec![1.0f32, 2.0]);
/// view_message_mut::<Vec<f32>>(&mut message).unwrap()[1] = 5.0;
/// assert_eq!(from_message::<Vec<f32>>(&message).unwrap(), [1.0, 5.0]);
/// ```
///
/// # Errors
/// As [`view_message`].
pub fn view_message_mut<T: Wire>(bytes: &mut [u8]) -> Result<T::ViewMut<'_>, DecodeError> {
    let mut r = ReaderMut::new(bytes);
    let view = T::read_mut(&mut r)?;
    r.finish()?;
    Ok(view)
}

/// The BARE schema of a type, as text in the syntax of draft 14; the last definition is the type itself.
///
/// ```
/// # use barewire_core::wire::schema_text;
/// assert_eq!(schema_text::<Vec<bool>>(), "type Root list<bool>\n");
/// ```
pub fn schema_text<T: Wire>() -> String {
    KnownSchema::of::<T>().text.clone()
}

/// The hash of [`schema_text`], which files carry. It is made once a type and kept.
pub fn schema_hash<T: Wire>() -> [u8; 32] {
    KnownSchema::of::<T>().hash
}
