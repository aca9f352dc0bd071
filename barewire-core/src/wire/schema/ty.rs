//! Types of a checked schema, as readers and writers see them.

use alloc::string::{String, ToString};
use core::fmt;

use super::TypeRef;
use super::types::{FieldNode, Id, MemberNode, Node, Shape, Types};

/// A number of fixed size: any octets of its size are a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Number {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Number {
    /// Octets: 1, 2, 4 or 8.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The name in a schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    pub(super) fn of(ty: &TypeRef) -> Option<Self> {
        Some(match ty {
            TypeRef::U8 => Self::U8,
            TypeRef::U16 => Self::U16,
            TypeRef::U32 => Self::U32,
            TypeRef::U64 => Self::U64,
            TypeRef::I8 => Self::I8,
            TypeRef::I16 => Self::I16,
            TypeRef::I32 => Self::I32,
            TypeRef::I64 => Self::I64,
            TypeRef::F32 => Self::F32,
            TypeRef::F64 => Self::F64,
            _ => return None,
        })
    }
}

/// A type of a schema.
#[derive(Clone, Copy)]
pub struct Ty<'t> {
    pub(super) types: &'t Types,
    pub(super) id: Id,
}

/// What a [`Ty`] is, with names looked up.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'t> {
    /// `uint`
    Uint,
    /// `int`
    Int,
    /// `u8` to `u64`, `i8` to `i64`, `f32`, `f64`
    Number(Number),
    /// `bool`
    Bool,
    /// `str`
    Str,
    /// `void`
    Void,
    /// `data`, `data[N]`
    Data(Option<u64>),
    /// `list<T>`, `list<T>[N]`
    List(Ty<'t>, Option<u64>),
    /// `optional<T>`
    Optional(Ty<'t>),
    /// `map<K><V>`
    Map(Ty<'t>, Ty<'t>),
    /// `struct { .. }`
    Struct(Fields<'t>),
    /// `enum { .. }`
    Enum(Enumeration<'t>),
    /// `union { .. }`
    Union(Variants<'t>),
}

impl<'t> Ty<'t> {
    fn node(self) -> &'t Node {
        &self.types.nodes[self.id as usize]
    }

    /// What it is.
    pub fn kind(self) -> Kind<'t> {
        let types = self.types;
        let ty = |id: &Id| Ty { types, id: *id };
        match &types.nodes[types.target(self.id) as usize].shape {
            Shape::Uint => Kind::Uint,
            Shape::Int => Kind::Int,
            Shape::Number(number) => Kind::Number(*number),
            Shape::Bool => Kind::Bool,
            Shape::Str => Kind::Str,
            // an alias has a target that is none
            Shape::Void | Shape::Alias(_) => Kind::Void,
            Shape::Data(n) => Kind::Data(*n),
            Shape::List(item, n) => Kind::List(ty(item), *n),
            Shape::Optional(item) => Kind::Optional(ty(item)),
            Shape::Map(key, value) => Kind::Map(ty(key), ty(value)),
            Shape::Struct(fields) => Kind::Struct(Fields { types, fields }),
            Shape::Enum(values) => Kind::Enum(Enumeration { values }),
            Shape::Union(members) => Kind::Union(Variants { types, members }),
        }
    }

    /// The name under which it is defined.
    pub fn name(self) -> Option<&'t str> {
        self.node().definition.map(|at| &*self.types.schema.definitions[at as usize].name)
    }

    /// The schema it is of.
    pub fn types(self) -> &'t Types {
        self.types
    }

    /// The least octets of a value.
    pub fn min_len(self) -> u64 {
        self.node().min_len
    }

    /// The octets of every value, if any octets of this number are a value: numbers, fixed data, structs and fixed lists of them.
    pub fn plain_len(self) -> Option<u64> {
        self.node().plain
    }

    /// What the type is, without its own name: `u8` for `Byte` where the schema has `type Byte u8`. The members of structs, enums
    /// and unions are left out.
    pub fn expression(self) -> String {
        Expression(self).to_string()
    }

    /// Tells types of one schema apart.
    pub(crate) fn id(self) -> u32 {
        self.types.target(self.id)
    }
}

/// The type as a schema has it: its name, or its expression.
impl fmt::Display for Ty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => Expression(*self).fmt(f),
        }
    }
}

/// A type without its own name, in a line.
struct Expression<'t>(Ty<'t>);

impl fmt::Display for Expression<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |f: &mut fmt::Formatter<'_>, n: Option<u64>| n.map_or(Ok(()), |n| write!(f, "[{n}]"));
        match self.0.kind() {
            Kind::Uint => f.write_str("uint"),
            Kind::Int => f.write_str("int"),
            Kind::Number(number) => f.write_str(number.name()),
            Kind::Bool => f.write_str("bool"),
            Kind::Str => f.write_str("str"),
            Kind::Void => f.write_str("void"),
            Kind::Data(n) => f.write_str("data").and_then(|()| length(f, n)),
            Kind::List(item, n) => write!(f, "list<{item}>").and_then(|()| length(f, n)),
            Kind::Optional(item) => write!(f, "optional<{item}>"),
            Kind::Map(key, value) => write!(f, "map<{key}><{value}>"),
            Kind::Struct(_) => f.write_str("struct { .. }"),
            Kind::Enum(_) => f.write_str("enum { .. }"),
            Kind::Union(_) => f.write_str("union { .. }"),
        }
    }
}

impl fmt::Debug for Ty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ty({self})")
    }
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub struct Field<'t> {
    /// its name
    pub name: &'t str,
    /// its type
    pub ty: Ty<'t>,
    /// If it is the pad of the list behind it in barewire's schemas, `pad: data` or `pad256: data` before a list of numbers: the
    /// alignment of that list. In a schema from elsewhere the same pattern may mean anything.
    pub pads: Option<u64>,
}

/// The fields of a struct, in order.
#[derive(Clone, Copy)]
pub struct Fields<'t> {
    types: &'t Types,
    fields: &'t [FieldNode],
}

impl<'t> Fields<'t> {
    /// Each field.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Field<'t>> {
        self.fields.iter().map(move |field| Field { name: &field.name, ty: self.types.ty(field.ty), pads: field.pads })
    }

    /// How many.
    #[allow(clippy::len_without_is_empty)] // a struct has a field
    pub fn len(self) -> usize {
        self.fields.len()
    }

    /// The field at a place.
    pub fn get(self, at: usize) -> Option<Field<'t>> {
        let field = self.fields.get(at)?;
        Some(Field { name: &field.name, ty: self.types.ty(field.ty), pads: field.pads })
    }

    /// The place of the field with this name.
    pub fn position(self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|field| (field.name, field.ty))).finish()
    }
}

/// The values of an enum, by ascending number.
#[derive(Clone, Copy, Debug)]
pub struct Enumeration<'t> {
    values: &'t [(String, u64)],
}

impl<'t> Enumeration<'t> {
    /// Each name and number.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'t str, u64)> {
        self.values.iter().map(|(name, number)| (&**name, *number))
    }

    /// The name of a number.
    pub fn name(self, number: u64) -> Option<&'t str> {
        let at = self.values.binary_search_by_key(&number, |(_, number)| *number).ok()?;
        Some(&self.values[at].0)
    }

    /// The number of a name.
    pub fn number(self, name: &str) -> Option<u64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, number)| number)
    }
}

/// A member of a union.
#[derive(Clone, Copy, Debug)]
pub struct Member<'t> {
    /// as the schema writes it: the name of its type, or an expression such as `list<u8>`
    pub name: &'t str,
    /// on the wire
    pub tag: u64,
    /// its type; `void` if it has no content
    pub ty: Ty<'t>,
}

/// The members of a union, by ascending tag.
#[derive(Clone, Copy)]
pub struct Variants<'t> {
    types: &'t Types,
    members: &'t [MemberNode],
}

impl<'t> Variants<'t> {
    fn member(self, member: &'t MemberNode) -> Member<'t> {
        Member { name: &member.label, tag: member.tag, ty: self.types.ty(member.ty) }
    }

    /// Each member.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Member<'t>> {
        self.members.iter().map(move |member| self.member(member))
    }

    /// The member with a tag.
    pub fn get(self, tag: u64) -> Option<Member<'t>> {
        let at = self.members.binary_search_by_key(&tag, |member| member.tag).ok()?;
        Some(self.member(&self.members[at]))
    }

    /// The member with a name.
    pub fn named(self, name: &str) -> Option<Member<'t>> {
        self.iter().find(|member| member.name == name)
    }
}

impl fmt::Debug for Variants<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|member| (member.tag, member.name))).finish()
    }
}
