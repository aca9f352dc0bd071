//! What generated code of the layout half names: bodies that are compiled once, here, and not in every expansion.
#![allow(missing_docs)]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub use core::clone::Clone;
pub use core::fmt::{self, Debug};
pub use core::marker::Copy;
pub use core::option::Option::{self, None, Some};
pub use core::primitive::{f32, str, u8, u32, usize};
pub use core::result::Result::{self, Err, Ok};

pub use super::fields::{Fields, More, VariantEntry, align, field, min_len, structure, variant};
pub use super::fixed;
use super::schema::names::{camel, constant};
pub use super::{DecodeError, Element, Index, Reader, ReaderMut, SchemaBuilder, TypeRef, Union, Walked, Wire, Writer};
use super::{FieldNames, UnknownMember, UnknownView, evolution};

/// The body of a variant or struct in a schema.
fn body(entry: &VariantEntry, types: &mut SchemaBuilder) -> TypeRef {
    let mut all = Vec::new();
    (entry.schema)(entry, types, &mut all);
    match &all[..] {
        [] => TypeRef::Void,
        [_] if entry.tuple => all.swap_remove(0),
        _ => {
            let names = entry.fields.iter().map(|field| match field.rename {
                Some(name) => name.into(),
                None => field_name(types, field.name, false),
            });
            TypeRef::Struct(names.zip(all).collect())
        }
    }
}

/// Defines a struct, by its one entry.
pub fn struct_schema(types: &mut SchemaBuilder, name: &str, entries: &[VariantEntry]) -> TypeRef {
    let body = body(&entries[0], types);
    types.define(name, body)
}

/// Defines a union and a type for each of its variants; an enum if no variant has a field.
pub fn union_schema(types: &mut SchemaBuilder, name: &str, variants: &[VariantEntry]) -> TypeRef {
    let tag = |variant: &VariantEntry| variant.tag.unwrap_or_default().into();
    let union = if variants.iter().all(|variant| variant.fields.is_empty()) {
        let value = |v: &VariantEntry| if v.exact { v.wire_name.into() } else { constant(v.wire_name) };
        TypeRef::Enum(variants.iter().map(|v| (value(v), tag(v))).collect())
    } else {
        let mut members: Vec<(TypeRef, u64)> = Vec::new();
        for variant in variants {
            let body = body(variant, types);
            members.push((types.define(variant.wire_name, body), tag(variant)));
        }
        TypeRef::Union(members)
    };
    types.define(name, union)
}

/// Defines a union that keeps members that it does not know.
pub fn open_union_schema<T: Union>(types: &mut SchemaBuilder, name: &str, variants: &[VariantEntry]) -> TypeRef {
    let union = union_schema(types, name, variants);
    types.open_union::<T>(&union);
    union
}

/// The tag and the octets of a member that the type does not know.
pub fn encode_unknown(member: &UnknownMember, w: &mut Writer) {
    evolution::encode_unknown(member, w);
}

/// A member that the type does not know, decoded.
pub fn decode_unknown<T: Union>(
    r: &mut Reader<'_>,
    tag: u32,
    name: &'static str,
) -> Result<UnknownMember, DecodeError> {
    evolution::decode_unknown::<T>(r, tag, name)
}

/// A member that the type does not know, viewed.
pub fn read_unknown<'w, T: Union>(
    r: &mut Reader<'w>,
    tag: u32,
    name: &'static str,
) -> Result<UnknownView<'w>, DecodeError> {
    evolution::read_unknown::<T>(r, tag, name)
}

/// A member that the type does not know, among what is lent out.
pub fn read_unknown_mut<'w, T: Union>(
    r: &mut ReaderMut<'w>,
    tag: u32,
    name: &'static str,
) -> Result<UnknownView<'w>, DecodeError> {
    evolution::read_unknown_mut::<T>(r, tag, name)
}

/// A field's name in the schema's style, or as it is.
pub(crate) fn field_name(types: &SchemaBuilder, name: &str, exact: bool) -> String {
    match types.names() {
        FieldNames::Camel if !exact => camel(name),
        _ => name.into(),
    }
}

/// The tag is none of the union's.
#[cold]
pub fn unknown_tag<T: Union>(r: &Reader<'_>, tag: u32) -> DecodeError {
    let offset = r.offset() - super::varint_len(tag.into());
    no_such_tag(offset, T::NAME, T::VARIANTS.iter().copied(), T::RETIRED, tag)
}

/// As [`unknown_tag`], of a union given by its variants.
#[cold]
pub(crate) fn no_such_tag(
    offset: u64,
    union: &str,
    known: impl Iterator<Item = (u32, &'static str)>,
    retired: &[u32],
    tag: u32,
) -> DecodeError {
    let known: Vec<String> = known.map(|(tag, name)| format!("{tag} {name}")).collect();
    let found = if retired.contains(&tag) { format!("{tag}, which is retired") } else { format!("{tag}") };
    DecodeError::new(offset, format!("a tag of `{union}` ({})", known.join(", ")), found)
}

/// As [`unknown_tag`].
#[cold]
pub fn unknown_tag_mut<T: Union>(r: &ReaderMut<'_>, tag: u32) -> DecodeError {
    unknown_tag::<T>(&Reader::new(&[]).with_base(r.offset()), tag)
}

/// A type whose list may have another alignment than 64: `#[bare(align = ..)]` stands on such fields.
#[diagnostic::on_unimplemented(
    message = "`align` is for lists and matrices of numbers, and `{Self}` is not one",
    label = "has no list of its own to align",
    note = "put `#[bare(align = ..)]` on the field that holds the list"
)]
pub trait Alignable: Wire {}

macro_rules! alignable {
    ($($t:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl Alignable for $t {}
    )* };
}

alignable!(
    Vec<u16> Vec<u32> Vec<u64> Vec<i8> Vec<i16> Vec<i32> Vec<i64> Vec<f32> Vec<f64>
    super::Matrix<f32> super::TernaryMatrix super::BinaryMatrix super::QuantizedMatrix
);
#[diagnostic::do_not_recommend]
impl<T: Alignable> Alignable for Option<T> {}

/// Requires it, at the place of the call.
pub const fn alignable<T: Alignable>() {}

/// A variant's fields, written.
#[inline(always)]
pub fn encode<F: Fields>(of: &'static VariantEntry, values: F::Refs<'_>, w: &mut Writer) {
    F::encode(of, 0, values, w);
}

/// A variant's fields, decoded.
#[inline(always)]
pub fn decode<F: Fields>(of: &'static VariantEntry, r: &mut Reader<'_>) -> Result<F, DecodeError> {
    F::decode(of, 0, r)
}

/// A variant's fields, viewed.
#[inline(always)]
pub fn read<'w, F: Fields>(
    of: &'static VariantEntry,
    r: &mut Reader<'w>,
    index: &'w Index,
) -> Result<F::View<'w, f32>, DecodeError> {
    F::read(of, 0, r, index)
}

/// A variant's fields, lent out.
#[inline(always)]
pub fn read_mut<'w, F: Fields>(
    of: &'static VariantEntry,
    r: &mut ReaderMut<'w>,
) -> Result<F::ViewMut<'w>, DecodeError> {
    F::read_mut(of, 0, r)
}

/// `Name { field: value }`, for views.
pub fn debug(f: &mut fmt::Formatter<'_>, of: &VariantEntry, values: &[&dyn Debug]) -> fmt::Result {
    debug_fields(f, of.name, of.tuple, of.fields.iter().map(|field| field.name), values)
}

/// The same of a member that the type does not list.
pub fn debug_unknown(f: &mut fmt::Formatter<'_>, name: &str, member: &dyn Debug) -> fmt::Result {
    f.debug_tuple(name).field(member).finish()
}

pub(crate) fn debug_fields(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    tuple: bool,
    names: impl Iterator<Item = &'static str>,
    values: &[&dyn Debug],
) -> fmt::Result {
    if tuple {
        let mut out = f.debug_tuple(name);
        for value in values {
            out.field(value);
        }
        out.finish()
    } else {
        let mut out = f.debug_struct(name);
        for (name, value) in names.zip(values) {
            out.field(name, value);
        }
        out.finish()
    }
}

/// The body of a function whose type did not pass the derive: never runs, since the derive's errors stop the build.
#[cold]
pub fn stub() -> ! {
    unreachable!("the derive reported errors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(["d_model", "_x", "a1_b", "W"].map(camel), ["dModel", "x", "a1B", "w"]);
        assert_eq!(
            ["EluPlusOne", "Exp", "RELUPlus", "PauliX", "A1"].map(constant),
            ["ELU_PLUS_ONE", "EXP", "RELU_PLUS", "PAULI_X", "A1"]
        );
    }
}
