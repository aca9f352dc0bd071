//! Reading what another version wrote.
//!
//! BARE has no lengths of members on the wire, so a reader goes behind a member that it does not know only with the schema of the
//! writer, which every file brings along. [`WriterSchema`] is such a schema, compared with a Rust type once; a [`Reader`](super::Reader)
//! takes it along, and a union with a variant marked `#[bare(unknown)]` keeps what it finds as an [`UnknownMember`].

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::TypeId;
use core::fmt;

use super::pad::Pads;
use super::schema::{Compat, Kind, SchemaError, Ty, Types, compat_open};
use super::{DecodeError, Wire};

mod member;

pub use member::{UnknownMember, UnknownView};
pub(super) use member::{decode_unknown, encode_unknown, read_unknown, read_unknown_mut};

/// The schema under which something was written, which a certain Rust type can read.
///
/// [`Region::open_compatible`](super::Region::open_compatible) makes it from the file; for plain messages it is made by hand and given to
/// [`Reader::with_writer_schema`](super::Reader::with_writer_schema). A copy is cheap.
///
/// ```
/// use barewire_core::wire::{Reader, UnknownMember, Wire, WriterSchema};
/// # use barewire_derive::BareUnion;
///
/// #[derive(BareUnion, Debug)]
/// # #[bare(crate = barewire_core)]
/// enum Shape {
///     Circle(f32),
///     #[bare(unknown)]
///     Unknown(UnknownMember),
/// }
///
/// // of a program that knows squares, too
/// let newer = "type ShapeCircle f32 type ShapeSquare f64 type Shape union { ShapeCircle | ShapeSquare }";
/// let message = [1, 0, 0, 0, 0, 0, 0, 0, 0x40];
///
/// let error = Shape::decode(&mut Reader::new(&message)).unwrap_err();
/// assert!(error.found().starts_with("1, whose octets have no end without the writer's schema"));
///
/// let writer = WriterSchema::parse::<Shape>(newer).unwrap();
/// let Shape::Unknown(square) = Shape::decode(&mut Reader::new(&message).with_writer_schema(&writer)).unwrap() else { panic!() };
/// assert_eq!((square.tag(), square.name()), (1, "ShapeSquare"));
/// assert_eq!(square.value().unwrap(), 2.0f64.into());
/// ```
#[derive(Clone)]
pub struct WriterSchema(Arc<Inner>);

struct Inner {
    /// as the writer wrote it, since its hash is of that
    text: String,
    types: Types,
    /// the unions of the Rust type that keep unknown members, and which union of the schema each is
    unions: BTreeMap<TypeId, u32>,
}

/// Why a Rust type cannot read what was written under a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// the text is none
    #[error("the writer's schema is none: {0}")]
    NoSchema(SchemaError),
    /// the report, in which the writer's schema is the old one
    #[error("{}", Short(.0))]
    Incompatible(Compat),
}

/// The first reason of a report, and how many there are.
pub(super) struct Short<'a>(pub(super) &'a Compat);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = self.0.reasons().filter(|difference| difference.breaks_new_reader);
        match (reasons.next(), reasons.count()) {
            (None, _) => f.write_str("this type reads all of it"),
            (Some(first), 0) => write!(f, "this type cannot read it: {first}"),
            (Some(first), more) => write!(f, "this type cannot read it: {first}; and {more} more"),
        }
    }
}

impl WriterSchema {
    /// Compares a schema's text with a type that is to read what was written under it.
    ///
    /// # Errors
    /// The text is no schema; or a `T` cannot read every message of it.
    pub fn parse<T: Wire>(text: &str) -> Result<Self, Unreadable> {
        let types = Types::parse(text).map_err(Unreadable::NoSchema)?;
        let (report, unions) = compare::<T>(&types);
        if !report.new_reads_old() {
            return Err(Unreadable::Incompatible(report));
        }
        Ok(Self(Arc::new(Inner { text: text.into(), types, unions })))
    }

    /// What a `T` can read of messages of a schema, and what it cannot. In the report the schema is the old one and `T`'s the new one.
    ///
    /// It differs from [`compat`](super::schema::compat()) where `T` has variants marked `#[bare(unknown)]`: members that those keep
    /// are notes.
    ///
    /// # Errors
    /// The text is no schema.
    pub fn report<T: Wire>(text: &str) -> Result<Compat, SchemaError> {
        Types::parse(text).map(|types| compare::<T>(&types).0)
    }

    /// The schema's text, as its writer wrote it.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The types of the schema; the root is the last.
    pub fn types(&self) -> &Types {
        &self.0.types
    }

    /// What a tag means in the union that the Rust type stands for.
    fn member(&self, union: u32, tag: u32) -> Option<(&str, Option<Ty<'_>>)> {
        match self.0.types.ty(union).kind() {
            Kind::Union(members) => members.get(tag.into()).map(|member| (member.name, Some(member.ty))),
            Kind::Enum(values) => values.name(tag.into()).map(|name| (name, None)),
            _ => None,
        }
    }

    /// The union that a Rust type stands for.
    fn union(&self, rust: TypeId) -> Option<u32> {
        self.0.unions.get(&rust).copied()
    }

    /// The largest alignment in it.
    pub(super) fn align(&self) -> usize {
        self.0.types.largest_align()
    }
}

/// Reads a `T`, whose schema is the new one.
fn compare<T: Wire>(types: &Types) -> (Compat, BTreeMap<TypeId, u32>) {
    let (ours, open) = Types::of_open::<T>();
    let node = |name: &str| ours.get(name).map(Ty::id);
    let refused = open.iter().filter_map(|open| Some((node(&open.name)?, open.retired))).collect();
    let (report, unions) = compat_open(types, &ours, Pads::Aligned, &refused);
    let of = |id| unions.get(&id).copied();
    let unions = open.iter().filter_map(|open| Some((open.rust, of(node(&open.name)?)?))).collect();
    (report, unions)
}

/// Schemas with the same text.
impl PartialEq for WriterSchema {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}
impl Eq for WriterSchema {}

impl fmt::Debug for WriterSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriterSchema({:?})", self.0.text)
    }
}

/// Why no file can hold a value with unknown members.
///
/// A file has one schema. Members that a type does not know are known only to the schema they came with, so a file that keeps them has
/// that schema: then everything else in it has to be a value of that schema too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeepError {
    /// they came from files of several schemas
    #[error("the value has unknown members of {0} schemas, and a file has one; keep those of one file, or drop them")]
    Several(usize),
    /// the type cannot read what is written under their schema
    #[error("the value has unknown members, and their schema is none of this type: {0}")]
    OtherType(Unreadable),
    /// something in the value is not of their schema, such as a variant that only this type has
    #[error("the value has unknown members, and their schema does not have the rest: {0}")]
    Rest(DecodeError),
}
