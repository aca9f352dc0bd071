//! Text: `str`.

use alloc::format;
use alloc::string::String;

use super::error::DecodeError;
use super::index::Index;
use super::list::{Element, Walked};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;
use super::Wire;

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
        core::str::from_utf8_mut(bytes)
            .map_err(|error| DecodeError::new(at + error.valid_up_to() as u64, "UTF-8", format!("{error}")))
    }
}

impl Element for String {
    type Kind = Walked;
}
