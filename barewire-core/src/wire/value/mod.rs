//! Values without Rust types: any message of any schema.
//!
//! ```
//! use barewire_core::wire::value::Value;
//! use barewire_core::wire::{Pads, Types};
//!
//! let types = Types::parse("type Layer struct { name: str scales: list<f32> }").unwrap();
//! let layer = Value::Struct(vec!["norm".into(), vec![0.5f32, 2.0].into()]);
//!
//! let message = layer.encode(types.root(), Pads::Data).unwrap();
//! assert_eq!(message[..8], [4, b'n', b'o', b'r', b'm', 2, 0, 0]);
//! assert_eq!(Value::decode(types.root(), &message, Pads::Data).unwrap(), layer);
//!
//! let error = Value::from("norm").encode(types.root(), Pads::Data).unwrap_err();
//! assert_eq!(error.to_string(), "expected a struct with 2 fields, as `Layer` has, found a str");
//! ```

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::error::Path;
use super::schema::Ty;

mod array;
#[cfg(feature = "json")]
mod json;
mod read;
mod write;

pub use array::Array;
#[cfg(feature = "json")]
pub use json::{from_json, to_json};
pub use read::MAX_MEMORY;

/// A value of some BARE type. Names are not in it: they are the schema's.
///
/// Two values are equal if their octets are: floats are compared by their bits, and entries of maps in their order.
#[derive(Clone, Debug)]
pub enum Value {
    /// `uint`
    Uint(u64),
    /// `int`
    Int(i64),
    /// `u8`
    U8(u8),
    /// `u16`
    U16(u16),
    /// `u32`
    U32(u32),
    /// `u64`
    U64(u64),
    /// `i8`
    I8(i8),
    /// `i16`
    I16(i16),
    /// `i32`
    I32(i32),
    /// `i64`
    I64(i64),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `bool`
    Bool(bool),
    /// `str`
    Str(String),
    /// `void`
    Void,
    /// `data`, `data[N]`
    Data(Vec<u8>),
    /// `optional<T>`
    Optional(Option<Box<Value>>),
    /// A list of numbers or bools. Readers give this; writers take [`List`](Value::List) as well.
    Array(Array),
    /// any other list
    List(Vec<Value>),
    /// `map<K><V>`, in the order of the octets
    Map(Vec<(Value, Value)>),
    /// `struct`: its fields in order
    Struct(Vec<Value>),
    /// `enum`: the number
    Enum(u64),
    /// `union`: the tag and the content, which is `None` for a member that is `void`
    Union(u64, Option<Box<Value>>),
}

impl Value {
    /// A member of a union.
    pub fn union(tag: u64, content: Self) -> Self {
        Self::Union(tag, if matches!(content, Self::Void) { None } else { Some(Box::new(content)) })
    }

    /// A value that is there.
    pub fn some(value: Self) -> Self {
        Self::Optional(Some(Box::new(value)))
    }

    /// An optional value that is not there.
    pub const NONE: Self = Self::Optional(None);

    /// What it is, in an error.
    fn what(&self) -> &'static str {
        match self {
            Self::Uint(_) => "a uint",
            Self::Int(_) => "an int",
            Self::U8(_) => "a u8",
            Self::U16(_) => "a u16",
            Self::U32(_) => "a u32",
            Self::U64(_) => "a u64",
            Self::I8(_) => "an i8",
            Self::I16(_) => "an i16",
            Self::I32(_) => "an i32",
            Self::I64(_) => "an i64",
            Self::F32(_) => "an f32",
            Self::F64(_) => "an f64",
            Self::Bool(_) => "a bool",
            Self::Str(_) => "a str",
            Self::Void => "void",
            Self::Data(_) => "data",
            Self::Optional(_) => "an optional",
            Self::Array(array) => array.what(),
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Struct(_) => "a struct",
            Self::Enum(_) => "an enum's number",
            Self::Union(..) => "a union",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Uint(a), Self::Uint(b)) | (Self::U64(a), Self::U64(b)) | (Self::Enum(a), Self::Enum(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::I64(a), Self::I64(b)) => a == b,
            (Self::U8(a), Self::U8(b)) => a == b,
            (Self::U16(a), Self::U16(b)) => a == b,
            (Self::U32(a), Self::U32(b)) => a == b,
            (Self::I8(a), Self::I8(b)) => a == b,
            (Self::I16(a), Self::I16(b)) => a == b,
            (Self::I32(a), Self::I32(b)) => a == b,
            (Self::F32(a), Self::F32(b)) => a.to_bits() == b.to_bits(),
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Void, Self::Void) => true,
            (Self::Data(a), Self::Data(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Struct(a), Self::Struct(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Union(a, x), Self::Union(b, y)) => a == b && x == y,
            _ => false,
        }
    }
}

impl Eq for Value {}

macro_rules! from {
    ($($t:ty, |$x:ident| $value:expr;)*) => { $( impl From<$t> for Value {
        fn from($x: $t) -> Self {
            $value
        }
    } )* };
}

from! {
    u8, |x| Self::U8(x);
    u16, |x| Self::U16(x);
    u32, |x| Self::U32(x);
    u64, |x| Self::U64(x);
    i8, |x| Self::I8(x);
    i16, |x| Self::I16(x);
    i32, |x| Self::I32(x);
    i64, |x| Self::I64(x);
    f32, |x| Self::F32(x);
    f64, |x| Self::F64(x);
    bool, |x| Self::Bool(x);
    &str, |x| Self::Str(x.into());
    String, |x| Self::Str(x);
    Vec<Value>, |x| Self::List(x);
    Option<Value>, |x| Self::Optional(x.map(Box::new));
}

impl<T> From<Vec<T>> for Value
where
    Array: From<Vec<T>>,
{
    fn from(numbers: Vec<T>) -> Self {
        Self::Array(numbers.into())
    }
}

/// A value that is none of its type: which part, what was expected, what was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    path: Path,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
}

impl Mismatch {
    #[cold]
    fn new(expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { path: Path::default(), expected: expected.into(), found: found.into() }))
    }

    /// A value of `ty`, and what it was.
    #[cold]
    fn of(ty: Ty<'_>, found: impl Into<Cow<'static, str>>) -> Self {
        use super::schema::Kind;
        let expected = match (ty.kind(), ty.name()) {
            (Kind::Struct(fields), Some(name)) => format!("a struct with {} fields, as `{name}` has", fields.len()),
            (Kind::Struct(fields), None) => format!("a struct with {} fields", fields.len()),
            (Kind::Enum(_), Some(name)) => format!("a value of the enum `{name}`"),
            (Kind::Union(_), Some(name)) => format!("a member of the union `{name}`"),
            (_, Some(name)) => format!("a value of type `{name}`, which is `{}`", ty.expression()),
            (_, None) => format!("a value of type `{ty}`"),
        };
        Self::new(expected, found)
    }

    #[cold]
    fn within(mut self, name: &str) -> Self {
        self.0.path.within(name.to_string());
        self
    }

    #[cold]
    fn at_index(mut self, index: usize) -> Self {
        self.0.path.at_index(index as u64);
        self
    }

    /// Which part: such as `layers[3].Mixer.norm`. Empty for the value itself.
    pub fn path(&self) -> String {
        self.0.path.to_string()
    }

    /// What would have been right.
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// What is there.
    pub fn found(&self) -> &str {
        &self.0.found
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { path, expected, found } = &*self.0;
        if !path.is_empty() {
            write!(f, "at `{path}`: ")?;
        }
        write!(f, "expected {expected}, found {found}")
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mismatch({self})")
    }
}

impl core::error::Error for Mismatch {}
