//! Text: `str`.

use alloc::format;
use alloc::string::String;

use super::Wire;
use super::error::DecodeError;
use super::index::Index;
use super::list::{Element, Walked};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;

impl Wire for String {
    type View<'w, P: Copy + 'static> = &'w str;
    /// May change within its length in octets.
    type ViewMut<'w> = &'w mut str;
    const MIN_LEN: usize = 1;
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Str
    }
    fn encode(&self, w: &mut Writer) {
        w.data(self.as_bytes());
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.str().map(Into::into)
    }
    fn view<'w>(&'w self, _: &'w Index) -> &'w str {
        self
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<&'w str, DecodeError> {
        r.str()
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<&'w mut str, DecodeError> {
        let bytes = r.data()?;
        let at = r.offset() - bytes.len() as u64;
        // looked at first: a failed conversion would keep the octets borrowed
        not_utf8(at, bytes).map_or(Ok(()), Err)?;
        core::str::from_utf8_mut(bytes).map_err(|error| DecodeError::new(at, "UTF-8", format!("{error}")))
    }
}

/// The first octet that is not UTF-8, as an error; `at` is where `bytes` stand.
pub(super) fn not_utf8(at: u64, bytes: &[u8]) -> Option<DecodeError> {
    let valid = core::str::from_utf8(bytes).err()?.valid_up_to();
    Some(DecodeError::new(at + valid as u64, "UTF-8", format!("octet {:#04x}", bytes[valid])))
}

impl Element for String {
    type Kind = Walked;
}
