//! Text: the one that is hashed, and one to read.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::error::SchemaError;
use super::{FieldNames, Schema, TypeRef, names};

/// A definition that fits in so many columns is printed on one line.
const WIDTH: usize = 100;

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

/// The lines of a type's members, and the word before them; none for types without.
fn members(ty: &TypeRef) -> Option<(&'static str, Vec<String>)> {
    Some(match ty {
        TypeRef::Struct(fields) => ("struct", fields.iter().map(|(name, ty)| format!("{name}: {ty}")).collect()),
        TypeRef::Enum(values) => ("enum", tags(values).map(|(name, tag)| format!("{name}{tag}")).collect()),
        TypeRef::Union(members) => ("union", tags(members).map(|(ty, tag)| format!("| {ty}{tag}")).collect()),
        _ => return None,
    })
}

fn comment(text: &mut String, indent: &str, comment: &str) {
    for line in comment.split('\n') {
        let line = line.trim();
        // writing to a `String` does not fail
        let _ = if line.is_empty() { writeln!(text, "{indent}#") } else { writeln!(text, "{indent}# {line}") };
    }
}

impl Schema {
    /// The canonical text: one line for each definition, one space between tokens, no comments, and a tag only where it is not
    /// the one that follows. This is what is hashed.
    ///
    /// ```
    /// use barewire_core::wire::{FieldNames, Matrix, Schema};
    ///
    /// let schema = Schema::of::<Matrix<f32>>(FieldNames::Camel);
    /// assert_eq!(schema.text(), "type F32Matrix struct { rows: u32 cols: u32 pad: data values: list<f32> }\n");
    /// ```
    pub fn text(&self) -> String {
        let mut text = String::new();
        for definition in &self.definitions {
            // writing to a `String` does not fail
            let _ = writeln!(text, "type {} {}", definition.name, definition.ty);
        }
        text
    }

    /// The text to read: comments, and a line for each field or member where a definition has a comment inside or is long.
    ///
    /// ```
    /// use barewire_core::wire::Schema;
    ///
    /// let schema = Schema::parse("type Layer union { u8 # a byte\n | str = 3 } # what there is").unwrap();
    /// assert_eq!(schema.pretty(), "# what there is\ntype Layer union {\n  # a byte\n  | u8\n  | str = 3\n}\n");
    /// assert_eq!(Schema::parse(&schema.pretty()).unwrap(), schema);
    /// ```
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        for definition in &self.definitions {
            let comments = &definition.comments;
            comments.above.iter().for_each(|line| comment(&mut text, "", line));
            let one_line = format!("type {} {}", definition.name, definition.ty);
            let members = members(&definition.ty);
            let Some((word, lines)) = members.filter(|_| one_line.len() > WIDTH || !comments.inside.is_empty()) else {
                text += &one_line;
                text.push('\n');
                continue;
            };
            let _ = writeln!(text, "type {} {word} {{", definition.name);
            let mut inside = comments.inside.iter().peekable();
            for (i, line) in lines.iter().enumerate() {
                while let Some((_, line)) = inside.next_if(|(at, _)| *at <= i) {
                    comment(&mut text, "  ", line);
                }
                let _ = writeln!(text, "  {line}");
            }
            text += "}\n";
        }
        text
    }

    /// The same schema with its fields' names in the other style. Octets stay the same; the hash does not.
    ///
    /// ```
    /// use barewire_core::wire::{FieldNames, Schema};
    ///
    /// let schema = Schema::parse("type Config struct { dModel: u32 }").unwrap();
    /// assert_eq!(schema.with_field_names(FieldNames::Snake).unwrap().text(), "type Config struct { d_model: u32 }\n");
    /// ```
    ///
    /// # Errors
    /// Two fields would get one name.
    pub fn with_field_names(mut self, style: FieldNames) -> Result<Self, SchemaError> {
        let rename = match style {
            FieldNames::Camel => names::camel,
            FieldNames::Snake => names::snake,
        };
        self.definitions.iter_mut().for_each(|definition| rename_fields(&mut definition.ty, rename));
        self.check()?;
        Ok(self)
    }
}

fn rename_fields(ty: &mut TypeRef, rename: fn(&str) -> String) {
    match ty {
        TypeRef::List(item, _) | TypeRef::Optional(item) => rename_fields(item, rename),
        TypeRef::Map(_, value) => rename_fields(value, rename),
        TypeRef::Struct(fields) => fields.iter_mut().for_each(|(name, ty)| {
            *name = rename(name);
            rename_fields(ty, rename);
        }),
        TypeRef::Union(members) => members.iter_mut().for_each(|(ty, _)| rename_fields(ty, rename)),
        _ => {}
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
