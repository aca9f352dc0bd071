//! Schemas as data: parsed from text, built by hand or by the derive, checked, printed, compared.
//!
//! ```
//! use barewire_core::wire::schema::Schema;
//!
//! let schema = Schema::parse("# a point\ntype Point struct { x: f32 y: f32 }").unwrap();
//! assert_eq!(schema.text(), "type Point struct { x: f32 y: f32 }\n");
//!
//! let error = Schema::parse("type Point struct { x: f32, y: f32 }").unwrap_err();
//! assert_eq!(error.to_string(), "line 1, column 27: expected the name of a field or `}`, found `,`");
//! ```
//!
//! | you have                 | you want                    | use                                               |
//! |--------------------------|-----------------------------|---------------------------------------------------|
//! | a Rust type              | its schema                  | [`Schema::of`]                                    |
//! | text                     | a schema, or every mistake  | [`Schema::parse`], [`Types::parse`]               |
//! | names and types          | a schema                    | [`schema()`]                                      |
//! | a schema                 | text that is hashed         | [`Schema::text`]                                  |
//! | a schema                 | text to read                | [`Schema::pretty`]                                |
//! | two schemas              | whether one reads the other | [`compat()`]                                      |
//! | a schema                 | values of it, or a walk     | [`Types`], then [`value`](super::value) and [`walk`](super::walk) |

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::Wire;

mod build;
mod check;
mod compat;
mod error;
pub(crate) mod names;
mod parse;
mod print;
mod token;
mod ty;
mod types;

pub use build::{SchemaBuilder, SchemaDraft, schema};
pub(crate) use compat::compat_open;
pub use compat::{Compat, Compatibility, Difference, compat};
pub use error::{Mistake, Position, SchemaError};
pub use ty::{Enumeration, Field, Fields, Kind, Member, Number, Ty, Variants};
pub use types::Types;

/// How deep types nest at most, through names too. BARE has no such bound; readers recurse, and a schema may come from anyone.
pub const MAX_DEPTH: usize = 200;

/// A BARE type expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A type that the schema defines under this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self::Named(name.into())
    }

    /// The names in the expression.
    pub(crate) fn collect_names<'t>(&'t self, to: &mut BTreeSet<&'t str>) {
        match self {
            Self::Named(name) => {
                to.insert(name);
            }
            Self::List(item, _) | Self::Optional(item) => item.collect_names(to),
            Self::Map(key, value) => {
                key.collect_names(to);
                value.collect_names(to);
            }
            Self::Struct(fields) => fields.iter().for_each(|(_, ty)| ty.collect_names(to)),
            Self::Union(members) => members.iter().for_each(|(ty, _)| ty.collect_names(to)),
            _ => {}
        }
    }

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

    /// `struct { name: type .. }`
    pub fn structure<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Struct(fields.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// `union { member | .. }`, with tags from 0.
    pub fn union(members: impl IntoIterator<Item = Self>) -> Self {
        Self::Union(members.into_iter().zip(0..).collect())
    }

    /// `union { member = tag | .. }`
    pub fn tagged_union(members: impl IntoIterator<Item = (Self, u64)>) -> Self {
        Self::Union(members.into_iter().collect())
    }

    /// `enum { NAME .. }`, with numbers from 0.
    pub fn enumeration<N: Into<String>>(values: impl IntoIterator<Item = N>) -> Self {
        Self::Enum(values.into_iter().map(Into::into).zip(0..).collect())
    }
}

/// How field names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldNames {
    /// `dModel`: what every schema compiler takes, and what hashes are taken of
    #[default]
    Camel,
    /// `d_model`: allowed from draft 14 on
    Snake,
}

/// A named type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// starts with an upper-case letter
    pub name: String,
    /// what the name stands for
    pub ty: TypeRef,
    /// What the comments say.
    pub comments: Comments,
}

impl Definition {
    /// A definition without comments.
    pub fn new(name: impl Into<String>, ty: TypeRef) -> Self {
        Self { name: name.into(), ty, comments: Comments::default() }
    }
}

/// The comments of a definition, a line each, without `#`. They are no part of [`Schema::text`], and so of no hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// above the definition, or behind it
    pub above: Vec<String>,
    /// at a field, value or member of the definition itself: its place, and the comment. In the order of the text.
    pub inside: Vec<(usize, String)>,
}

/// A whole schema: named types in order of definition; the last is the root.
///
/// The fields are open: what is put together by hand is checked by [`check`](Self::check) or [`Types::new`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Names and what they stand for.
    pub definitions: Vec<Definition>,
}

impl Schema {
    /// The schema of a type. A type without a name of its own is called `Root`.
    pub fn of<T: Wire>(names: FieldNames) -> Self {
        let mut types = SchemaBuilder::new(names);
        let root = T::schema(&mut types);
        types.finish(root)
    }

    /// Reads and checks the text of a schema.
    ///
    /// # Errors
    /// Every mistake with its line and column: first those of the grammar, and if there are none, those of the rules, such as a
    /// name that is not defined above.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let (schema, places) = parse::parse(text)?;
        check::check(&schema, Some(places))?;
        Ok(schema)
    }

    /// Checks every rule of BARE, for a schema that does not come from text.
    ///
    /// # Errors
    /// Every rule that is broken, with the name of the definition.
    pub fn check(&self) -> Result<(), SchemaError> {
        check::check(self, None)
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
