//! Schemas as data, and their text in the syntax of BARE draft 14.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::scalar::Scalar;
use super::{ALIGN, Wire};

/// A BARE type expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypeRef {
    /// `uint`
    Uint,
    /// `int`
    Int,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `bool`
    Bool,
    /// `str`
    Str,
    /// `void`
    Void,
    /// `data`, `data[N]`
    Data(Option<u64>),
    /// a name that the schema defines
    Named(String),
    /// `list<T>`, `list<T>[N]`
    List(Box<TypeRef>, Option<u64>),
    /// `optional<T>`
    Optional(Box<TypeRef>),
    /// `map<K><V>`
    Map(Box<TypeRef>, Box<TypeRef>),
    /// `struct { name: T .. }`
    Struct(Vec<(String, TypeRef)>),
    /// `enum { NAME = tag .. }`
    Enum(Vec<(String, u64)>),
    /// `union { T = tag | .. }`
    Union(Vec<(TypeRef, u64)>),
}

impl TypeRef {
    /// `list<item>`
    pub fn list(item: Self) -> Self {
        Self::List(Box::new(item), None)
    }

    /// `list<item>[n]`
    pub fn array(item: Self, n: u64) -> Self {
        Self::List(Box::new(item), Some(n))
    }

    /// `optional<item>`
    pub fn optional(item: Self) -> Self {
        Self::Optional(Box::new(item))
    }

    /// `map<key><value>`
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }
}

/// ` = tag`, where it is not the one that follows from the member before.
struct Tag {
    tag: u64,
    expected: u64,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tag == self.expected { Ok(()) } else { write!(f, " = {}", self.tag) }
    }
}

/// Pairs every tag with the one that BARE would give it.
fn tags<T>(members: &[(T, u64)]) -> impl Iterator<Item = (&T, Tag)> {
    members.iter().scan(0u64, |next, (member, tag)| {
        let expected = core::mem::replace(next, tag.wrapping_add(1));
        Some((member, Tag { tag: *tag, expected }))
    })
}

impl fmt::Display for TypeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uint => f.write_str("uint"),
            Self::Int => f.write_str("int"),
            Self::U8 => f.write_str("u8"),
            Self::U16 => f.write_str("u16"),
            Self::U32 => f.write_str("u32"),
            Self::U64 => f.write_str("u64"),
            Self::I8 => f.write_str("i8"),
            Self::I16 => f.write_str("i16"),
            Self::I32 => f.write_str("i32"),
            Self::I64 => f.write_str("i64"),
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::Bool => f.write_str("bool"),
            Self::Str => f.write_str("str"),
            Self::Void => f.write_str("void"),
            Self::Data(None) => f.write_str("data"),
            Self::Data(Some(n)) => write!(f, "data[{n}]"),
            Self::Named(name) => f.write_str(name),
            Self::List(item, None) => write!(f, "list<{item}>"),
            Self::List(item, Some(n)) => write!(f, "list<{item}>[{n}]"),
            Self::Optional(item) => write!(f, "optional<{item}>"),
            Self::Map(key, value) => write!(f, "map<{key}><{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct {")?;
                fields.iter().try_for_each(|(name, ty)| write!(f, " {name}: {ty}"))?;
                f.write_str(" }")
            }
            Self::Enum(values) => {
                f.write_str("enum {")?;
                tags(values).try_for_each(|(name, tag)| write!(f, " {name}{tag}"))?;
                f.write_str(" }")
            }
            Self::Union(members) => {
                f.write_str("union {")?;
                for (i, (ty, tag)) in tags(members).enumerate() {
                    f.write_str(if i == 0 { " " } else { " | " })?;
                    write!(f, "{ty}{tag}")?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// How Rust's `d_model` is written in a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldNames {
    /// `dModel`: what every schema compiler takes, and what hashes are taken of
    #[default]
    Camel,
    /// `d_model`: allowed from draft 14 on
    Snake,
}

/// A whole schema: named types in order of definition; the last is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// names and what they stand for
    pub definitions: Vec<(String, TypeRef)>,
}

impl Schema {
    /// The schema of a type. A type without a name of its own is called `Root`.
    pub fn of<T: Wire>(names: FieldNames) -> Self {
        let mut types = SchemaBuilder::new(names);
        let root = T::schema(&mut types);
        let defined_last =
            matches!((&root, types.definitions.last()), (TypeRef::Named(name), Some((last, _))) if name == last);
        if !defined_last {
            types.define("Root", root);
        }
        Self { definitions: types.definitions }
    }

    /// One line for each definition, with a line for each field or member where there are many.
    ///
    /// ```
    /// use barewire_core::wire::{FieldNames, Matrix, Schema};
    ///
    /// let schema = Schema::of::<Matrix<f32>>(FieldNames::Camel);
    /// assert_eq!(schema.text(), "type F32Matrix struct { rows: u32 cols: u32 pad: data values: list<f32> }\n");
    /// ```
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, ty) in &self.definitions {
            // writing to a `String` does not fail
            let _ = writeln!(text, "type {name} {ty}");
        }
        text
    }
}

/// Collects named types, each once, in the order in which BARE wants them: before they are used.
#[derive(Debug)]
pub struct SchemaBuilder {
    definitions: Vec<(String, TypeRef)>,
    names: FieldNames,
    align: usize,
}

impl SchemaBuilder {
    /// No definitions yet.
    pub fn new(names: FieldNames) -> Self {
        Self { definitions: Vec::new(), names, align: ALIGN }
    }

    /// How field names are written.
    pub fn names(&self) -> FieldNames {
        self.names
    }

    /// Defines `name`, unless it stands for the same already. A name that stands for something else gets a number behind it:
    /// two Rust modules may both have a `Layer`.
    pub fn define(&mut self, name: &str, ty: TypeRef) -> TypeRef {
        let mut free = name.to_owned();
        for n in 2u64.. {
            match self.definitions.iter().find(|(defined, _)| *defined == free) {
                None => {
                    self.definitions.push((free.clone(), ty));
                    break;
                }
                Some((_, same)) if *same == ty => break,
                Some(_) => free = format!("{name}{n}"),
            }
        }
        TypeRef::Named(free)
    }

    /// What a name stands for.
    pub(crate) fn definition(&self, name: &str) -> Option<&TypeRef> {
        self.definitions.iter().find(|(defined, _)| defined == name).map(|(_, ty)| ty)
    }

    /// Runs `f` with the alignment that a field's attribute asks for.
    pub fn with_align<T>(&mut self, align: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = core::mem::replace(&mut self.align, align);
        let result = f(self);
        self.align = outer;
        result
    }

    /// A struct with `fields`, then a pad, then a list that starts at a multiple of the alignment.
    ///
    /// An alignment other than 64 is part of the names (`F32Array256`, `pad256`), and so of the schema's hash.
    pub fn padded_struct<S: Scalar>(&mut self, name: &str, fields: &[(&str, TypeRef)], list: &str) -> TypeRef {
        let suffix = if self.align == ALIGN { String::new() } else { self.align.to_string() };
        let mut all: Vec<_> = fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        all.push((format!("pad{suffix}"), TypeRef::Data(None)));
        all.push((list.to_owned(), TypeRef::list(S::TYPE)));
        self.define(&format!("{name}{suffix}"), TypeRef::Struct(all))
    }

    /// A list of numbers behind a pad.
    pub fn padded_list<S: Scalar>(&mut self) -> TypeRef {
        self.padded_struct::<S>(S::LIST, &[], "values")
    }
}

/// The hash of a schema's text: two XXH3-128 with different seeds.
///
/// It tells schemas apart; it is no defence against someone who wants two texts to look alike. The text itself is in the file.
pub(crate) fn hash(text: &[u8]) -> [u8; 32] {
    use xxhash_rust::xxh3::xxh3_128_with_seed;
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&xxh3_128_with_seed(text, 0).to_be_bytes());
    hash[16..].copy_from_slice(&xxh3_128_with_seed(text, 1).to_be_bytes());
    hash
}
