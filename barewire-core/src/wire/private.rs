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

pub use super::fixed;
use super::schema::names::{camel, constant};
pub use super::{DecodeError, Element, Index, Reader, ReaderMut, SchemaBuilder, TypeRef, Union, Walked, Wire, Writer};
use super::{FieldNames, UnknownMember, UnknownView, evolution};

/// A field as a type's schema has it.
pub struct FieldEntry {
    /// the Rust name, or the name on the wire if `exact`
    pub name: &'static str,
    pub exact: bool,
    /// 64, or what `align = ..` says
    pub align: usize,
    pub ty: fn(&mut SchemaBuilder) -> TypeRef,
}

/// A variant as a union's schema has it.
pub struct VariantEntry {
    /// the name of its own type, such as `MatmulFreeWeightTernary`; in an enum the value's Rust name, or its name on the
    /// wire if `exact`
    pub name: &'static str,
    pub exact: bool,
    pub tag: u32,
    /// whether the fields have no names of their own
    pub tuple: bool,
    pub fields: &'static [FieldEntry],
}

fn body(fields: &[FieldEntry], tuple: bool, types: &mut SchemaBuilder) -> TypeRef {
    let ty = |field: &FieldEntry, types: &mut SchemaBuilder| types.with_align(field.align, field.ty);
    match fields {
        [] => TypeRef::Void,
        [only] if tuple => ty(only, types),
        _ => TypeRef::Struct(
            fields.iter().map(|field| (field_name(types, field.name, field.exact), ty(field, types))).collect(),
        ),
    }
}

/// Defines a struct.
pub fn struct_schema(types: &mut SchemaBuilder, name: &str, fields: &[FieldEntry], tuple: bool) -> TypeRef {
    let body = body(fields, tuple, types);
    types.define(name, body)
}

/// Defines a union and a type for each of its variants; an enum if no variant has a field.
pub fn union_schema(types: &mut SchemaBuilder, name: &str, variants: &[VariantEntry]) -> TypeRef {
    let union = if variants.iter().all(|variant| variant.fields.is_empty()) {
        let value = |v: &VariantEntry| if v.exact { v.name.into() } else { constant(v.name) };
        TypeRef::Enum(variants.iter().map(|v| (value(v), v.tag.into())).collect())
    } else {
        let mut members: Vec<(TypeRef, u64)> = Vec::new();
        for variant in variants {
            let body = body(variant.fields, variant.tuple, types);
            members.push((types.define(variant.name, body), variant.tag.into()));
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

/// A field, decoded; `name` goes into the error's path.
#[inline]
pub fn decode<T: Wire>(r: &mut Reader<'_>, name: &'static str) -> Result<T, DecodeError> {
    T::decode(r).map_err(|error| error.within(name))
}

/// A field, viewed.
#[inline]
pub fn read<'w, T: Wire>(
    r: &mut Reader<'w>,
    index: &'w Index,
    name: &'static str,
) -> Result<T::View<'w, f32>, DecodeError> {
    T::read(r, index).map_err(|error| error.within(name))
}

/// A field, lent out.
#[inline]
pub fn read_mut<'w, T: Wire>(r: &mut ReaderMut<'w>, name: &'static str) -> Result<T::ViewMut<'w>, DecodeError> {
    T::read_mut(r).map_err(|error| error.within(name))
}

/// A type whose list may have another alignment than 64: `#[bare(align = ..)]` stands on such fields.
#[diagnostic::on_unimplemented(
    message = "`align` is for lists and matrices of numbers, and `{Self}` is not one",
    label = "has no list of its own to align",
    note = "put `#[bare(align = ..)]` on the field that holds the list"
)]
pub trait Alignable: Wire {}

macro_rules! alignable {
    ($($t:ty)*) => { $( impl Alignable for $t {} )* };
}

alignable!(
    Vec<u16> Vec<u32> Vec<u64> Vec<i8> Vec<i16> Vec<i32> Vec<i64> Vec<f32> Vec<f64>
    super::Matrix<f32> super::TernaryMatrix super::BinaryMatrix super::QuantizedMatrix
);
impl<T: Alignable> Alignable for Option<T> {}

/// [`decode`] with another alignment.
pub fn decode_aligned<T: Alignable>(r: &mut Reader<'_>, name: &'static str, align: usize) -> Result<T, DecodeError> {
    r.with_align(align, |r| decode(r, name))
}

/// [`read`] with another alignment.
pub fn read_aligned<'w, T: Alignable>(
    r: &mut Reader<'w>,
    index: &'w Index,
    name: &'static str,
    align: usize,
) -> Result<T::View<'w, f32>, DecodeError> {
    r.with_align(align, |r| read::<T>(r, index, name))
}

/// [`read_mut`] with another alignment.
pub fn read_mut_aligned<'w, T: Alignable>(
    r: &mut ReaderMut<'w>,
    name: &'static str,
    align: usize,
) -> Result<T::ViewMut<'w>, DecodeError> {
    r.with_align(align, |r| read_mut::<T>(r, name))
}

/// [`Wire::encode`] with another alignment.
pub fn encode_aligned<T: Alignable>(value: &T, w: &mut Writer, align: usize) {
    w.with_align(align, |w| value.encode(w));
}

/// `Name { field: value }`, for views.
pub fn debug(f: &mut fmt::Formatter<'_>, name: &str, tuple: bool, fields: &[(&str, &dyn Debug)]) -> fmt::Result {
    if tuple {
        let mut out = f.debug_tuple(name);
        for (_, value) in fields {
            out.field(value);
        }
        out.finish()
    } else {
        let mut out = f.debug_struct(name);
        for (name, value) in fields {
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

/// Least octets of a union: its tag, and its shortest variant.
pub const fn union_len(variants: &[(u32, usize)]) -> usize {
    let mut least = usize::MAX;
    let mut i = 0;
    while i < variants.len() {
        let (tag, fields) = variants[i];
        let len = super::varint_len(tag as u64) as usize + fields;
        if len < least {
            least = len;
        }
        i += 1;
    }
    least
}

/// The largest of some alignments.
pub const fn largest(aligns: &[usize]) -> usize {
    let mut largest = 1;
    let mut i = 0;
    while i < aligns.len() {
        if aligns[i] > largest {
            largest = aligns[i];
        }
        i += 1;
    }
    largest
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
