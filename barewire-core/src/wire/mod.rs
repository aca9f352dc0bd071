//! The wire: aligned BARE.
//!
//! Every message is a canonical [BARE](https://baremessages.org) message of the schema that its type prints, so any BARE
//! implementation decodes it; and every list of numbers in it starts at a multiple of its alignment (64 unless a field
//! asks for more), so barewire reads it where it lies. `docs/wire-format.md` in the repository has the bytes.
//!
//! ```
//! use barewire_core::wire::{Index, Matrix, from_message, to_message, view_message};
//!
//! let weights = Matrix::from_vec(2, 3, vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
//! let message = to_message(&weights);
//!
//! let index = Index::new();
//! let view = view_message::<Matrix<f32>>(&message, &index).unwrap();
//! assert_eq!(view.values[..3], [1.0, 2.0, 3.0]);
//! assert_eq!(view.values.as_ptr().addr() % 64, 0); // in the message itself
//!
//! assert_eq!(from_message::<Matrix<f32>>(&message).unwrap(), weights); // or a copy
//! ```
//!
//! | you have                    | you want            | use                                                     |
//! |-----------------------------|---------------------|---------------------------------------------------------|
//! | a value                     | octets              | [`to_message`], [`to_message_into`]                     |
//! | octets                      | a value             | [`from_message`]                                        |
//! | octets                      | a view, no copy     | [`view_message`], [`view_message_mut`]                  |
//! | octets of another writer    | a value             | [`from_foreign_message`]                                |
//! | a file                      | views               | `Region::open`, `Region::map`, `Region::map_mut`        |
//! | a value in change           | it, after a kill    | `Generations`                                           |
//! | a file of many parts        | one of them         | `Region::lazy`                                          |
//! | a file of many parts        | more, fewer, others | `Region::append`, `Region::splice`, `Region::replace`   |
//! | a file of another version   | what can be read    | `Region::open_compatible`, [`UnknownMember`]            |
//! | a file of an old type       | one of the new type | `migrate`, `migrate_each`, `try_migrate`                |
//! | a type                      | its schema          | [`schema_text`], [`schema_hash`]                        |
//! | a schema's text             | values, or a walk   | [`Types::parse`], [`Value`], [`walk`]                   |
//! | many small unions           | rows, or columns    | [`Slots`], [`Columns`]: see [`fixed`]                   |

mod buffer;
mod compound;
mod error;
mod evolution;
pub(crate) mod fields;
mod file;
pub mod fixed;
mod head;
mod index;
mod kept;
mod lazy;
mod list;
mod map;
mod matrix;
mod message;
mod packed;
mod pad;
#[cfg(feature = "std")]
mod parts;
#[doc(hidden)]
pub mod private;
mod quantized;
mod reader;
mod reader_mut;
#[cfg(feature = "std")]
mod region;
mod scalar;
pub mod schema;
mod text;
pub mod value;
pub mod walk;
mod writer;

pub use buffer::{AlignedBuf, AlignedVec};
pub use error::{DecodeError, ValueError};
pub use evolution::{KeepError, UnknownMember, UnknownView, Unreadable, WriterSchema};
#[cfg(feature = "std")]
pub use file::ComponentList;
pub use file::{
    Component, Header, Level, MAGIC, VERSION, to_file, to_file_into, try_to_file, view_file, view_file_compatible,
};
pub use fixed::{
    Columns, ColumnsView, ColumnsViewMut, Fixed, FixedType, Run, SetError, Slots, SlotsView, SlotsViewMut,
};
pub use index::Index;
#[cfg(feature = "std")]
pub(crate) use kept::Kept;
pub use lazy::{Lazy, lazy_file, lazy_file_compatible};
pub use list::{Element, Flags, List, ListOf, Octets, Padded, Walked};
pub use map::{Key, Map};
pub use matrix::{Matrix, MatrixView, MatrixViewMut};
pub use message::{
    from_foreign_message, from_message, schema_hash, schema_text, to_message, to_message_into, view_message,
    view_message_mut,
};
pub use packed::{BinaryMatrix, BinaryView, BinaryViewMut, TernaryMatrix, TernaryView, TernaryViewMut};
pub use pad::{ALIGN, MAX_ALIGN, Pads, pad_len, varint_len};
pub use quantized::{QuantizedMatrix, QuantizedView, QuantizedViewMut};
pub use reader::{Extent, Reader};
pub use reader_mut::ReaderMut;
#[cfg(feature = "std")]
pub use region::{
    Access, AccessMut, FileError, Generations, Mapped, MappedMut, Owned, Region, SchemaMismatch, migrate, migrate_each,
    try_migrate, try_migrate_each,
};
pub use scalar::{Int, Scalar, Uint};
pub use schema::{FieldNames, Schema, SchemaBuilder, TypeRef, Types};
pub use value::Value;
pub use writer::Writer;

/// Whatever may be a field: its octets, its borrowed views, its schema.
///
/// `#[derive(BareUnion)]` and `#[derive(BareStruct)]` write it for your types; this module has it for numbers, `bool`,
/// `String`, `Option`, arrays, `Vec`, [`List`], [`Map`] and the matrices.
///
/// # Laws
/// - `decode(encode(v)) == v`, and `encode` gives the only octets that `decode` accepts (but for maps' order and NaNs, which
///   are kept as they are).
/// - `read` and `read_mut` accept exactly what `decode` accepts, when the octets lie at a multiple of
///   [`ALIGN`](Wire::ALIGN) in memory.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field on the wire",
    label = "not a wire type",
    note = "fields are numbers of a fixed size, bool, String, Option, arrays, Vec, Map (for HashMap and BTreeMap), matrices, Slots, Columns, and types with `#[derive(BareUnion)]` or `#[derive(BareStruct)]`"
)]
pub trait Wire: Sized + 'static {
    /// The borrowed form. `P` is the scalar of stored float parameters: views of octets have `P = f32`; points of parameter
    /// space lay `f64` or dual numbers over the same type.
    type View<'w, P: Copy + 'static>: Copy;
    /// The borrowed form that may be changed in place: `&mut [f32]` for lists, `&mut F32<LE>` for inline numbers.
    type ViewMut<'w>;
    /// The least octets of any value; compared with announced counts.
    const MIN_LEN: usize;
    /// The largest alignment that a list inside asks for. A message starts at a multiple of it.
    const ALIGN: usize = 1;
    /// Registers the named types it needs; gives its own type expression.
    fn schema(types: &mut SchemaBuilder) -> TypeRef;
    /// Appends the value.
    fn encode(&self, w: &mut Writer);
    /// Reads an owned copy.
    ///
    /// # Errors
    /// The octets are not a value of this type; the error says where, what was expected and what was found.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// Borrows from the owned value.
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32>;
    /// Borrows from octets.
    ///
    /// # Errors
    /// As [`decode`](Wire::decode); or a list is not at a multiple of its alignment in memory.
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError>;
    /// Borrows from octets for change.
    ///
    /// # Errors
    /// As [`read`](Wire::read).
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError>;
}

/// A derived sum type.
pub trait Union: Wire {
    /// Its name in the schema.
    const NAME: &'static str;
    /// Its variants' tags and Rust names, by ascending tag.
    const VARIANTS: &'static [(u32, &'static str)];
    /// Tags that old messages may carry and that are refused.
    const RETIRED: &'static [u32] = &[];
    /// The tag of this value's variant.
    fn tag(&self) -> u32;
}
