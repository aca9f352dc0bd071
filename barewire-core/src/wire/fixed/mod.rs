//! Values that all take the same place: [`Slots`] keeps them row by row, [`Columns`] field by field.
//!
//! A union of scalars, such as a neuron, has no arrays to be put at aligned offsets; a million of them has. Both forms are
//! plain BARE of the schema that they print, both are read and changed where they lie, and both have the same methods.
//!
//! |                              | `Slots<T>`                            | `Columns<T>`                                     |
//! |------------------------------|---------------------------------------|--------------------------------------------------|
//! | on the wire                  | a list of unions of one length        | a list of tags, and a list for each field position |
//! | opening reads                | a tag in each slot                    | the list of tags alone                           |
//! | one element                  | one cache line                        | one for each of its fields                       |
//! | one field of all elements    | every slot                            | one list: 4 octets an element for an `f32`       |
//! | runs of one variant          | slices of slots                       | typed slices of columns, `&[f32]`                |
//!
//! A type is fixed in size by `#[bare(fixed_size)]` on its derive. Its fields are numbers, bools, arrays of fixed-size types, and
//! other types with `#[bare(fixed_size)]`.

mod check;
mod columns;
mod cursor;
mod fields;
mod leaf;
pub mod plain;
mod runs;
mod schema;
mod shape;
mod shared;
mod slots;

#[cfg(all(feature = "std", target_endian = "little"))]
pub(crate) use columns::f32_column;
pub use columns::{Columns, ColumnsView, ColumnsViewMut};
#[cfg(target_endian = "little")]
pub use columns::{Runs, RunsMut};
pub use cursor::{Cursor, Lender, RunLender, RunSource, Sink, Source};
pub use fields::FixedFields;
pub use runs::Run;
pub use schema::plain as schema;
pub use shape::{
    Cells, FieldShape, Kind, Place, Shape, StructShape, UnionShape, VariantShape, field, renamed, variant,
};
pub use slots::{Slots, SlotsView, SlotsViewMut};

use super::reader::check_place;
use super::{DecodeError, Wire};

/// A type whose values all take the same place: what [`Slots`] and [`Columns`] hold.
///
/// Written by the derives for types with `#[bare(fixed_size)]`, and here for numbers, `bool` and arrays. The methods name the
/// cells of a value one after another; where a cell is, the cursor knows.
///
/// # Laws
/// `take` and `look` give what `put` was given; all methods name the same cells, in the order of [`SHAPE`](Self::SHAPE).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no fixed size",
    label = "not a fixed-size type",
    note = "fixed-size types are numbers, bool, arrays of them, and types with `#[bare(fixed_size)]`"
)]
pub trait Fixed: Wire {
    /// What it is made of.
    const SHAPE: Shape;
    /// Its octets in a slot.
    const PLACE: Place = Place::of(&Self::SHAPE);
    /// Its columns.
    const CELLS: Cells = Cells::of(&Self::SHAPE);
    /// One field of many values: `&[f32]`, arrays of slices, a struct of slices; of unions, a [`ColumnsView`].
    type Column<'w>: Copy;
    /// The same for change.
    type ColumnMut<'w>;
    /// Writes the value.
    fn put(&self, to: &mut impl Sink);
    /// Reads the value; its tags are known to be good.
    fn take(from: &mut impl Source) -> Self;
    /// Reads a view of the value; its tags are known to be good.
    fn look<'w>(from: &mut impl Source) -> Self::View<'w, f32>;
    /// Lends out the value; its tags are known to be good.
    fn lend<'w>(from: &mut impl Lender<'w>) -> Self::ViewMut<'w>;
    /// Borrows the columns of many values.
    fn column<'w>(from: &mut RunSource<'w>) -> Self::Column<'w>;
    /// Lends out the columns of many values.
    fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> Self::ColumnMut<'w>;
}

/// A derived fixed-size type: what may stand in [`Slots`] and [`Columns`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an element of `Slots` or `Columns`",
    label = "not a derived type of fixed size",
    note = "elements are types with `#[derive(BareUnion)]` or `#[derive(BareStruct)]` and `#[bare(fixed_size)]`"
)]
pub trait FixedType: Fixed {
    /// The columns of elements of one variant.
    type Run<'w>: Copy;
    /// The same for change.
    type RunMut<'w>;
    /// Borrows the columns of elements that all have this tag, which is known to be good; `from` stands behind the tags.
    fn run<'w>(tag: u8, from: &mut RunSource<'w>) -> Self::Run<'w>;
    /// Lends out the columns of elements that all have this tag, which is known to be good; `from` stands behind the tags.
    fn run_mut<'w>(tag: u8, from: &mut RunLender<'_, 'w>) -> Self::RunMut<'w>;
}

/// Why an element was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// There is no such element.
    #[error("expected an element below {len}, found {index}")]
    Index {
        /// what was asked for
        index: usize,
        /// how many there are
        len: usize,
    },
    /// The value is of another variant than the element.
    #[error("element {index}: expected a `{expected}`, found a `{found}`; `set_variant` changes the variant too")]
    Variant {
        /// which element
        index: usize,
        /// the variant of the element
        expected: &'static str,
        /// the variant of the value
        found: &'static str,
    },
}

/// The name of a value's variant, or of its struct.
fn variant_name<T: Fixed>(tag: u8) -> &'static str {
    match T::SHAPE {
        Shape::Union(shape) => shape.variant(tag).map_or(shape.name, |variant| variant.name),
        _ => type_name::<T>(),
    }
}

/// Requires that octets lie in memory where views need them.
fn in_place(octets: &[u8], offset: u64) -> Result<(), DecodeError> {
    check_place(octets, super::ALIGN).map_err(|(expected, found)| DecodeError::new(offset, expected, found))
}

/// The name of the type in a schema.
fn type_name<T: Fixed>() -> &'static str {
    match T::SHAPE {
        Shape::Union(shape) => shape.name,
        Shape::Struct(shape) => shape.name,
        _ => "value",
    }
}

/// Whether values of the type begin with a tag.
const fn is_union<T: Fixed>() -> bool {
    matches!(T::SHAPE, Shape::Union(_))
}

/// The tag of a value: its first cell, if it is a union's.
fn tag_of<T: Fixed>(value: &T) -> u8 {
    struct First(Option<u8>);
    impl Cursor for First {
        type Mark = ();
        fn enter<T: Fixed>(&mut self) {}
        fn leave<T: Fixed>(&mut self, (): ()) {}
    }
    impl Sink for First {
        #[inline(always)]
        fn write(&mut self, _: Kind, octets: &[u8]) {
            self.0 = self.0.or(octets.first().copied());
        }
    }
    let mut first = First(None);
    if is_union::<T>() {
        value.put(&mut first);
    }
    first.0.unwrap_or(0)
}
