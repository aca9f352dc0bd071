//! A checked schema with its names looked up: what readers and writers without Rust types go by.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::build::OpenUnion;
use super::ty::{Number, Ty};
use super::{Schema, SchemaBuilder, SchemaError, TypeRef};
use crate::wire::{ALIGN, MAX_ALIGN};

/// A node, by number.
pub(super) type Id = u32;

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
    pub(super) schema: Schema,
    pub(super) nodes: Vec<Node>,
    /// the node of each definition
    definitions: Vec<Id>,
    index: BTreeMap<String, Id>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// the definition that gives it a name, by number
    pub(super) definition: Option<u32>,
    pub(super) min_len: u64,
    /// octets, if any octets of this number are a value
    pub(super) plain: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
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
pub(super) struct FieldNode {
    pub(super) name: String,
    pub(super) ty: Id,
    pub(super) pads: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct MemberNode {
    pub(super) label: String,
    pub(super) ty: Id,
    pub(super) tag: u64,
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

    /// The schema of a Rust type, and which unions in it keep members that they do not know.
    pub(crate) fn of_open<T: crate::wire::Wire>() -> (Self, Vec<OpenUnion>) {
        let mut builder = SchemaBuilder::new(super::FieldNames::Camel);
        let root = T::schema(&mut builder);
        let open = builder.take_open();
        (Self::of_checked(builder.finish(root)), open)
    }

    /// The largest alignment that a pad puts a list at; 1 if there is no pad.
    pub(crate) fn largest_align(&self) -> usize {
        let pads = |node: &Node| match &node.shape {
            Shape::Struct(fields) => fields.iter().filter_map(|field| field.pads).max(),
            _ => None,
        };
        // at most `MAX_ALIGN`
        self.nodes.iter().filter_map(pads).max().unwrap_or(1) as usize
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
    pub(super) fn target(&self, id: Id) -> Id {
        match self.nodes[id as usize].shape {
            Shape::Alias(target) => target,
            _ => id,
        }
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn ty(&self, id: Id) -> Ty<'_> {
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
