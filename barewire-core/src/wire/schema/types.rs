//! A checked schema with its names looked up: what readers and writers without Rust types go by.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Schema, SchemaError, TypeRef};
use crate::wire::{ALIGN, MAX_ALIGN};

type Id = u32;

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

    fn of(ty: &TypeRef) -> Option<Self> {
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

/// A checked schema with its names looked up.
///
/// ```
/// use barewire_core::wire::schema::{Kind, Types};
///
/// let types = Types::parse("type Point struct { x: f32 y: f32 } type Line list<Point>[2]").unwrap();
/// let Kind::List(item, Some(2)) = types.root().kind() else { panic!() };
/// assert_eq!(item.name(), Some("Point"));
/// assert_eq!(types.root().min_len(), 16);
/// ```
#[derive(Clone, Debug)]
pub struct Types {
    schema: Schema,
    nodes: Vec<Node>,
    /// the node of each definition
    definitions: Vec<Id>,
    index: BTreeMap<String, Id>,
}

#[derive(Clone, Debug)]
struct Node {
    shape: Shape,
    /// the definition that gives it a name, by number
    definition: Option<u32>,
    min_len: u64,
    /// octets, if any octets of this number are a value
    plain: Option<u64>,
}

#[derive(Clone, Debug)]
enum Shape {
    Uint,
    Int,
    Number(Number),
    Bool,
    Str,
    Void,
    Data(Option<u64>),
    List(Id, Option<u64>),
    Optional(Id),
    Map(Id, Id),
    Struct(Box<[FieldNode]>),
    Enum(Box<[(String, u64)]>),
    Union(Box<[MemberNode]>),
    /// a second name for a type that is none itself
    Alias(Id),
}

#[derive(Clone, Debug)]
struct FieldNode {
    name: String,
    ty: Id,
    pads: Option<u64>,
}

#[derive(Clone, Debug)]
struct MemberNode {
    label: String,
    ty: Id,
    tag: u64,
}

impl Types {
    /// Reads and checks the text of a schema.
    ///
    /// # Errors
    /// As [`Schema::parse`].
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        Schema::parse(text).map(Self::of_checked)
    }

    /// Checks a schema.
    ///
    /// # Errors
    /// As [`Schema::check`].
    pub fn new(schema: Schema) -> Result<Self, SchemaError> {
        schema.check()?;
        Ok(Self::of_checked(schema))
    }

    /// The schema of a Rust type.
    pub fn of<T: crate::wire::Wire>() -> Self {
        Self::of_checked(Schema::of::<T>(super::FieldNames::Camel))
    }

    fn of_checked(schema: Schema) -> Self {
        let mut types =
            Self { schema: Schema::default(), nodes: Vec::new(), definitions: Vec::new(), index: BTreeMap::new() };
        for (at, definition) in schema.definitions.iter().enumerate() {
            let id = match &definition.ty {
                TypeRef::Named(name) => {
                    let target = types.target(types.index[name]);
                    let Node { min_len, plain, .. } = types.nodes[target as usize];
                    types.push(Shape::Alias(target), min_len, plain)
                }
                ty => types.add(ty),
            };
            types.nodes[id as usize].definition = Some(at as u32);
            types.definitions.push(id);
            types.index.insert(definition.name.clone(), id);
        }
        types.schema = schema;
        types
    }

    fn push(&mut self, shape: Shape, min_len: u64, plain: Option<u64>) -> Id {
        // a schema's text has less than 2^32 types: a position has 32 bits too
        let id = self.nodes.len() as Id;
        self.nodes.push(Node { shape, definition: None, min_len, plain });
        id
    }

    fn add(&mut self, ty: &TypeRef) -> Id {
        let node = |types: &Self, id: Id| {
            let Node { min_len, plain, .. } = types.nodes[id as usize];
            (min_len, plain)
        };
        let (shape, min_len, plain) = match ty {
            TypeRef::Uint => (Shape::Uint, 1, None),
            TypeRef::Int => (Shape::Int, 1, None),
            TypeRef::Bool => (Shape::Bool, 1, None),
            TypeRef::Str => (Shape::Str, 1, None),
            TypeRef::Void => (Shape::Void, 0, Some(0)),
            TypeRef::Data(None) => (Shape::Data(None), 1, None),
            TypeRef::Data(Some(n)) => (Shape::Data(Some(*n)), *n, Some(*n)),
            // `check` has found every name defined above
            TypeRef::Named(name) => return self.index[name],
            TypeRef::List(item, n) => {
                let item = self.add(item);
                let (min, plain) = node(self, item);
                let times = |size: u64| n.map_or(1, |n| size.saturating_mul(n));
                (Shape::List(item, *n), times(min), n.and_then(|n| plain?.checked_mul(n)))
            }
            TypeRef::Optional(item) => (Shape::Optional(self.add(item)), 1, None),
            TypeRef::Map(key, value) => {
                let key = self.add(key);
                (Shape::Map(key, self.add(value)), 1, None)
            }
            TypeRef::Struct(fields) => return self.structure(fields),
            TypeRef::Enum(values) => (Shape::Enum(values.as_slice().into()), 1, None),
            TypeRef::Union(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(ty, tag)| MemberNode { label: ty.to_string(), ty: self.add(ty), tag: *tag })
                    .collect();
                let least =
                    |member: &MemberNode| crate::wire::varint_len(member.tag).saturating_add(node(self, member.ty).0);
                let min_len = members.iter().map(least).min().unwrap_or(1);
                (Shape::Union(members.into()), min_len, None)
            }
            number => match Number::of(number) {
                Some(number) => (Shape::Number(number), number.size() as u64, Some(number.size() as u64)),
                None => unreachable!("every type but the numbers is above"),
            },
        };
        self.push(shape, min_len, plain)
    }

    fn structure(&mut self, fields: &[(String, TypeRef)]) -> Id {
        let nodes: Vec<_> = fields
            .iter()
            .enumerate()
            .map(|(i, (name, ty))| {
                let next = fields.get(i + 1).map(|(_, next)| next);
                FieldNode { name: name.clone(), ty: self.add(ty), pads: pad(name, ty, next) }
            })
            .collect();
        let parts = || nodes.iter().map(|field| &self.nodes[field.ty as usize]);
        let min_len = parts().fold(0u64, |sum, node| sum.saturating_add(node.min_len));
        let plain = parts().try_fold(0u64, |sum, node| sum.checked_add(node.plain?));
        self.push(Shape::Struct(nodes.into()), min_len, plain)
    }

    /// What a name stands for in the end.
    fn target(&self, id: Id) -> Id {
        match self.nodes[id as usize].shape {
            Shape::Alias(target) => target,
            _ => id,
        }
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    fn ty(&self, id: Id) -> Ty<'_> {
        Ty { types: self, id }
    }

    /// The last definition: the type of a file's root.
    pub fn root(&self) -> Ty<'_> {
        // `check` refuses an empty schema
        self.ty(self.definitions[self.definitions.len() - 1])
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<Ty<'_>> {
        self.index.get(name).map(|id| self.ty(*id))
    }

    /// Every definition, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Ty<'_>> {
        self.definitions.iter().map(|id| self.ty(*id))
    }
}

/// The alignment of the list of numbers behind a field that is its pad: `pad: data` is 64, `pad256: data` is 256.
fn pad(name: &str, ty: &TypeRef, next: Option<&TypeRef>) -> Option<u64> {
    let Some(TypeRef::List(item, None)) = next else { return None };
    let number = Number::of(item)?;
    if *ty != TypeRef::Data(None) || number == Number::U8 {
        return None;
    }
    match name.strip_prefix("pad")? {
        "" => Some(ALIGN as u64),
        digits if !digits.starts_with(['0', '+']) => {
            let align = digits.parse().ok()?;
            (ALIGN < align && align <= MAX_ALIGN && align.is_power_of_two()).then_some(align as u64)
        }
        _ => None,
    }
}

/// A type of a schema.
#[derive(Clone, Copy)]
pub struct Ty<'t> {
    types: &'t Types,
    id: Id,
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
    pub(super) fn id(self) -> u32 {
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
