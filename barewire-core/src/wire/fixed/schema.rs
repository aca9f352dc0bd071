//! What fixed-size types look like in a schema.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::shape::{FieldShape, Kind, Place, Shape, UnionShape};
use super::{Fixed, FixedType, is_union, type_name};
use crate::wire::private::field_name;
use crate::wire::schema::names::constant;
use crate::wire::{SchemaBuilder, TypeRef};

/// The type of a list of slots, and of its pad.
pub(crate) fn slots<T: FixedType>(types: &mut SchemaBuilder) -> TypeRef {
    let slot = slot(&T::SHAPE, types);
    let fields = [("pad".to_owned(), TypeRef::Data(None)), ("slots".to_owned(), TypeRef::list(slot))];
    types.define(&format!("{}Slots", type_name::<T>()), TypeRef::Struct(fields.into()))
}

/// The type of a value in a slot.
fn slot(shape: &Shape, types: &mut SchemaBuilder) -> TypeRef {
    match shape {
        Shape::Cell(kind) => cell(*kind),
        Shape::Array(item, n) => array(slot(item, types), *n),
        Shape::Struct(of) => {
            let body = with_gaps(of.fields, 0, Place::of(shape).size, types);
            types.define(&format!("{}Slot", of.name), body)
        }
        Shape::Union(of) if of.is_enum() => values(of, of.name, types),
        Shape::Union(of) => {
            let mut members = Vec::new();
            for variant in of.variants {
                let body = with_gaps(variant.fields, 1, Place::of(shape).size, types);
                members.push((types.define(&format!("{}Slot", variant.wire_name), body), variant.tag.into()));
            }
            types.define(&format!("{}Slot", of.name), TypeRef::Union(members))
        }
    }
}

/// Fields from octet `at` to octet `end`, with what lies between them.
fn with_gaps(fields: &[FieldShape], mut at: usize, end: usize, types: &mut SchemaBuilder) -> TypeRef {
    let mut names: Vec<String> = fields.iter().map(|f| name_of(types, f)).collect();
    let mut body = Vec::new();
    let mut gap = |from: usize, to: usize, body: &mut Vec<(String, TypeRef)>| {
        if from < to {
            // the first of `gap`, `gap2` .. that no field has
            let numbered = (1..).map(|n| if n == 1 { "gap".into() } else { format!("gap{n}") });
            let name: String = numbered.into_iter().find(|name| !names.contains(name)).unwrap_or_default();
            names.push(name.clone());
            body.push((name, TypeRef::Data(Some((to - from) as u64))));
        }
    };
    for field in fields {
        let place = Place::of(&field.shape);
        let start = at.next_multiple_of(place.align);
        gap(at, start, &mut body);
        body.push((name_of(types, field), slot(&field.shape, types)));
        at = start + place.size;
    }
    gap(at, end, &mut body);
    TypeRef::Struct(body)
}

fn name_of(types: &SchemaBuilder, field: &FieldShape) -> String {
    field_name(types, field.rename.unwrap_or(field.rust_name), field.rename.is_some())
}

fn cell(kind: Kind) -> TypeRef {
    match kind {
        Kind::Tag | Kind::U8 => TypeRef::U8,
        Kind::Bool => TypeRef::Bool,
        Kind::I8 => TypeRef::I8,
        Kind::U16 => TypeRef::U16,
        Kind::I16 => TypeRef::I16,
        Kind::U32 => TypeRef::U32,
        Kind::I32 => TypeRef::I32,
        Kind::F32 => TypeRef::F32,
        Kind::U64 => TypeRef::U64,
        Kind::I64 => TypeRef::I64,
        Kind::F64 => TypeRef::F64,
    }
}

/// The type of a value by itself, as the derive writes it for types that are not fixed in size.
pub fn plain<T: Fixed>(types: &mut SchemaBuilder) -> TypeRef {
    plain_of(&T::SHAPE, types)
}

fn plain_of(shape: &Shape, types: &mut SchemaBuilder) -> TypeRef {
    match shape {
        Shape::Cell(kind) => cell(*kind),
        Shape::Array(item, n) => array(plain_of(item, types), *n),
        Shape::Struct(of) => {
            let body = body(of.fields, of.tuple, types);
            types.define(of.name, body)
        }
        Shape::Union(of) if of.is_enum() => values(of, of.name, types),
        Shape::Union(of) => {
            let mut members = Vec::new();
            for variant in of.variants {
                let body = body(variant.fields, variant.tuple, types);
                members.push((types.define(variant.wire_name, body), variant.tag.into()));
            }
            types.define(of.name, TypeRef::Union(members))
        }
    }
}

fn body(fields: &[FieldShape], tuple: bool, types: &mut SchemaBuilder) -> TypeRef {
    match fields {
        [] => TypeRef::Void,
        [only] if tuple => plain_of(&only.shape, types),
        all => TypeRef::Struct(all.iter().map(|f| (name_of(types, f), plain_of(&f.shape, types))).collect()),
    }
}

fn array(item: TypeRef, n: usize) -> TypeRef {
    match item {
        TypeRef::U8 => TypeRef::Data(Some(n as u64)),
        item => TypeRef::array(item, n as u64),
    }
}

/// The name of a list of columns in a schema, before its words are joined.
pub(crate) const fn columns_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Tag => "tag_columns",
        Kind::Bool => "bool_columns",
        Kind::U8 => "u8_columns",
        Kind::I8 => "i8_columns",
        Kind::U16 => "u16_columns",
        Kind::I16 => "i16_columns",
        Kind::U32 => "u32_columns",
        Kind::I32 => "i32_columns",
        Kind::F32 => "f32_columns",
        Kind::U64 => "u64_columns",
        Kind::I64 => "i64_columns",
        Kind::F64 => "f64_columns",
    }
}

/// A padded list of cells.
fn column(kind: Kind, types: &mut SchemaBuilder) -> TypeRef {
    match kind {
        Kind::Bool => {
            let fields = [("pad".to_owned(), TypeRef::Data(None)), ("values".to_owned(), TypeRef::list(TypeRef::Bool))];
            types.define("BoolArray", TypeRef::Struct(fields.into()))
        }
        Kind::Tag | Kind::U8 => types.padded_list::<u8>(),
        Kind::I8 => types.padded_list::<i8>(),
        Kind::U16 => types.padded_list::<u16>(),
        Kind::I16 => types.padded_list::<i16>(),
        Kind::U32 => types.padded_list::<u32>(),
        Kind::I32 => types.padded_list::<i32>(),
        Kind::F32 => types.padded_list::<f32>(),
        Kind::U64 => types.padded_list::<u64>(),
        Kind::I64 => types.padded_list::<i64>(),
        Kind::F64 => types.padded_list::<f64>(),
    }
}

/// The columns of many values.
///
/// The type of one value is defined too, though nothing refers to it: it says which field is in which column, and makes two
/// types that differ in that have schemas that differ.
pub(crate) fn columns<T: FixedType>(types: &mut SchemaBuilder) -> TypeRef {
    let one = T::schema(types);
    let mut fields = Vec::new();
    if let Shape::Union(of) = T::SHAPE {
        let tag = if of.is_enum() { one } else { values(of, &format!("{}Tag", of.name), types) };
        fields.push(("pad".to_owned(), TypeRef::Data(None)));
        fields.push(("tags".to_owned(), TypeRef::list(tag)));
    }
    for kind in Kind::ALL {
        let n = T::CELLS.count(kind) - usize::from(kind == Kind::Tag && is_union::<T>());
        if n > 0 {
            let list = column(kind, types);
            fields.push((field_name(types, columns_name(kind), false), TypeRef::array(list, n as u64)));
        }
    }
    types.define(&format!("{}Columns", type_name::<T>()), TypeRef::Struct(fields))
}

/// The tags of a union as an enum. Variants that differ in the case of their letters alone get their tag behind the name.
fn values(of: &UnionShape, name: &str, types: &mut SchemaBuilder) -> TypeRef {
    let mut values: Vec<(String, u64)> = Vec::new();
    for variant in of.variants {
        let exact = variant.exact && of.is_enum();
        let mut value = if exact { variant.wire_name.to_owned() } else { constant(variant.name) };
        if values.iter().any(|(taken, _)| *taken == value) {
            value = format!("{value}_{}", variant.tag);
        }
        values.push((value, variant.tag.into()));
    }
    types.define(name, TypeRef::Enum(values))
}
