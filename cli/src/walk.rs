//! One walk over the root of a file, by the schema inside it: what lies where, and whether it is canonical.

use std::collections::HashSet;
use std::fmt;

use barewire::wire::{
    BinaryMatrix, DecodeError, Extent, Header, Index, MAX_ALIGN, Matrix, QuantizedMatrix, Reader, TernaryMatrix,
    TypeRef, Wire, pad_len, varint_len,
};

use crate::parse::Types;

/// What lies where.
pub(crate) struct Walk {
    /// the root's type
    pub(crate) root: String,
    /// outermost unions, in the order of the file
    pub(crate) components: Vec<Component>,
    /// padded lists of numbers, in the order of the file
    pub(crate) arrays: Vec<Array>,
}

/// An outermost union.
pub(crate) struct Component {
    /// such as `layers[3].mixer`; empty for the root
    pub(crate) path: String,
    pub(crate) ty: String,
    pub(crate) tag: u64,
    /// the member's name in the schema
    pub(crate) variant: String,
    pub(crate) extent: Extent,
}

/// A padded list of numbers.
pub(crate) struct Array {
    pub(crate) path: String,
    pub(crate) ty: String,
    /// rows and columns of a matrix, else the count
    pub(crate) sizes: Vec<u64>,
    /// of the numbers themselves
    pub(crate) extent: Extent,
    /// their alignment
    pub(crate) align: u64,
}

/// Octets that are no value of the schema, or not in canonical form.
pub(crate) struct WalkError {
    path: String,
    source: DecodeError,
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, source } = self;
        if path.is_empty() {
            return write!(f, "{source}");
        }
        write!(f, "at `{path}`, octet {}: expected {}, found {}", source.offset(), source.expected(), source.found())
    }
}

/// Walks the root. With `payloads`, looks into packed matrices too.
pub(crate) fn walk(bytes: &[u8], header: &Header<'_>, types: &Types, payloads: bool) -> Result<Walk, WalkError> {
    let (name, ty) = types.root();
    let root = header.root;
    let mut walker = Walker {
        types,
        payloads,
        bytes: &bytes[..root.end as usize],
        r: Reader::new(&bytes[..root.end as usize]),
        path: String::new(),
        align: header.align as u64,
        depth: 0,
        walk: Walk { root: name.to_owned(), components: Vec::new(), arrays: Vec::new() },
    };
    // the header's check has found the root inside the file
    let walked = walker.r.take(root.start as usize).map(drop);
    match walked.and_then(|()| walker.value(ty, name)).and_then(|()| walker.r.finish()) {
        Ok(()) => Ok(walker.walk),
        Err(source) => Err(WalkError { path: walker.path, source }),
    }
}

struct Walker<'a> {
    types: &'a Types,
    payloads: bool,
    /// the file up to the end of the root
    bytes: &'a [u8],
    r: Reader<'a>,
    /// of the value that is being read; after an error, of the value that is wrong
    path: String,
    /// of the file
    align: u64,
    /// number of unions around
    depth: usize,
    walk: Walk,
}

type Result<T, E = DecodeError> = std::result::Result<T, E>;

impl<'a> Walker<'a> {
    /// Reads a part of the value, one level further in. An error leaves the path where it happened.
    fn within(&mut self, segment: fmt::Arguments<'_>, ty: &'a TypeRef) -> Result<()> {
        let end = self.path.len();
        fmt::Write::write_fmt(&mut self.path, segment).ok();
        self.value(ty, "")?;
        self.path.truncate(end);
        Ok(())
    }

    fn field(&mut self, name: &str, ty: &'a TypeRef) -> Result<()> {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.within(format_args!("{dot}{name}"), ty)
    }

    /// Reads a value; `name` is that of its type, if it has one.
    fn value(&mut self, ty: &'a TypeRef, name: &str) -> Result<()> {
        match ty {
            TypeRef::Uint | TypeRef::Int => self.r.uint().map(drop),
            TypeRef::U8 | TypeRef::I8 => self.r.take(1).map(drop),
            TypeRef::U16 | TypeRef::I16 => self.r.take(2).map(drop),
            TypeRef::U32 | TypeRef::I32 | TypeRef::F32 => self.r.take(4).map(drop),
            TypeRef::U64 | TypeRef::I64 | TypeRef::F64 => self.r.take(8).map(drop),
            TypeRef::Bool => self.r.flag("for a bool").map(drop),
            TypeRef::Str => self.r.str().map(drop),
            TypeRef::Void => Ok(()),
            TypeRef::Data(None) => self.r.data().map(drop),
            TypeRef::Data(Some(n)) => match usize::try_from(*n) {
                Ok(n) => self.r.take(n).map(drop),
                Err(_) => Err(self.r.error(format!("{n} octets"), format!("{} left", self.r.remaining()))),
            },
            TypeRef::Named(name) => self.value(self.types.get(name), name),
            TypeRef::List(item, fixed) => {
                // every element takes at least one octet, so what is announced ends with the octets
                let count = match fixed {
                    Some(n) => *n,
                    None => self.r.count(1)? as u64,
                };
                (0..count).try_for_each(|i| self.within(format_args!("[{i}]"), item))
            }
            TypeRef::Optional(item) => {
                if self.r.flag("before an optional value")? {
                    self.value(item, "")
                } else {
                    Ok(())
                }
            }
            TypeRef::Map(key, value) => {
                let (count, mut keys) = (self.r.count(2)?, HashSet::new());
                for i in 0..count {
                    let start = self.r.offset();
                    self.within(format_args!("[{i}]"), key)?;
                    let end = self.r.offset();
                    if !keys.insert(&self.bytes[start as usize..end as usize]) {
                        return Err(DecodeError::new(start, "each key once", format!("the key of entry {i} again")));
                    }
                    self.within(format_args!("[{i}]"), value)?;
                }
                Ok(())
            }
            TypeRef::Enum(values) => {
                let known = values.iter().map(|(name, tag)| (&**name, *tag));
                let (at, tag, value) = self.tag(known)?;
                let variant = value.to_owned();
                self.component(at, name, tag, variant, |_| Ok(()))
            }
            TypeRef::Union(members) => {
                let known = members.iter().map(|member| (member, member.1));
                let (at, tag, (member, _)) = self.tag(known)?;
                let variant = match member {
                    TypeRef::Named(name) => name.clone(),
                    other => other.to_string(),
                };
                self.component(at, name, tag, variant, |walker| walker.value(member, ""))
            }
            TypeRef::Struct(fields) => self.structure(fields, name),
        }
    }

    /// A tag, and what it stands for.
    fn tag<T>(&mut self, mut known: impl Iterator<Item = (T, u64)>) -> Result<(u64, u64, T)> {
        let at = self.r.offset();
        let tag = self.r.uint()?;
        match known.find(|(_, k)| *k == tag) {
            Some((found, _)) => Ok((at, tag, found)),
            None => Err(DecodeError::new(at, "a tag of the schema", format!("{tag}"))),
        }
    }

    /// Reads what follows a tag, and notes a component if no union is around.
    fn component(
        &mut self,
        start: u64,
        ty: &str,
        tag: u64,
        variant: String,
        rest: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let at = self.walk.components.len();
        if self.depth == 0 {
            let (path, extent) = (self.path.clone(), Extent { start, end: start });
            self.walk.components.push(Component { path, ty: ty.to_owned(), tag, variant, extent });
        }
        self.depth += 1;
        rest(self)?;
        self.depth -= 1;
        if self.depth == 0 {
            self.walk.components[at].extent.end = self.r.offset();
        }
        Ok(())
    }

    fn structure(&mut self, fields: &'a [(String, TypeRef)], name: &str) -> Result<()> {
        let start = self.r.offset();
        let mut sizes = Vec::new();
        let mut rest = fields.iter();
        while let Some((field, ty)) = rest.next() {
            let padded = match rest.as_slice().first() {
                Some((_, TypeRef::List(item, None))) if *ty == TypeRef::Data(None) => {
                    pad_align(field).zip(number_size(item))
                }
                _ => None,
            };
            if let Some((align, size)) = padded {
                rest.next();
                let extent = self.padded(align, size)?;
                if sizes.len() < 2 {
                    sizes = vec![(extent.end - extent.start) / size];
                }
                let array = Array { path: self.path.clone(), ty: name.to_owned(), sizes: sizes.clone(), extent, align };
                self.walk.arrays.push(array);
                self.known_matrix(name, fields, start, align)?;
            } else {
                let at = self.r.offset();
                self.field(field, ty)?;
                if *ty == TypeRef::U32 && (field == "rows" || field == "cols") {
                    let octets = &self.bytes[at as usize..][..4];
                    sizes.push(octets.iter().rev().fold(0, |size, &octet| size << 8 | u64::from(octet)));
                }
            }
        }
        Ok(())
    }

    /// A pad, a count and the numbers.
    fn padded(&mut self, align: u64, size: u64) -> Result<Extent> {
        if align > self.align {
            let expected = format!("an alignment of at least {align}, as the schema has");
            return Err(DecodeError::new(12, expected, format!("{}", self.align)));
        }
        let at = self.r.offset();
        let pad = self.r.data()?;
        let count = self.r.count(size as usize)? as u64;
        // the root starts at a multiple of every alignment in it, so offsets in the file do for offsets in the message
        let expected = pad_len(at, count, align);
        if pad.len() as u64 != expected {
            let expected = format!("a pad of {expected} octets before {count} numbers aligned to {align}");
            return Err(DecodeError::new(at, expected, format!("{}", pad.len())));
        }
        if let Some(i) = pad.iter().position(|&octet| octet != 0) {
            let place = at + varint_len(expected) + i as u64;
            return Err(DecodeError::new(place, "a zero in a pad", format!("{:#04x}", pad[i])));
        }
        let start = self.r.offset();
        // `count` was compared with what is left, so the product fits
        self.r.take((count * size) as usize)?;
        Ok(Extent { start, end: self.r.offset() })
    }

    /// What the library knows about its own matrices: that dims and data fit, and with `payloads` what is inside.
    fn known_matrix(&mut self, name: &str, fields: &[(String, TypeRef)], start: u64, align: u64) -> Result<()> {
        // behind the name there may be an alignment, or a number that tells two types apart
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let has = |names: &[&str]| fields.iter().filter(|(f, _)| !f.starts_with("pad")).map(|(f, _)| f).eq(names);
        if !(has(&["rows", "cols", "values"])
            || has(&["rows", "cols", "words"])
            || has(&["rows", "cols", "bits", "scale", "zero", "words"]))
        {
            return Ok(());
        }
        let mut r = Reader::new(self.bytes);
        if self.payloads {
            r = r.with_payload_checks();
        }
        r.take(start as usize)?;
        let index = Index::new();
        r.with_align(align as usize, |r| match name {
            "F32Matrix" => Matrix::<f32>::read(r, &index).map(drop),
            "TernaryMatrix" => TernaryMatrix::read(r, &index).map(drop),
            "BinaryMatrix" => BinaryMatrix::read(r, &index).map(drop),
            "QuantizedMatrix" => QuantizedMatrix::read(r, &index).map(drop),
            _ => Ok(()),
        })
    }
}

/// The alignment that the name of a pad says: `pad` is 64, `pad256` is 256.
fn pad_align(name: &str) -> Option<u64> {
    match name.strip_prefix("pad")? {
        "" => Some(64),
        digits => digits.parse().ok().filter(|align: &u64| align.is_power_of_two() && *align <= MAX_ALIGN as u64),
    }
}

/// Octets of a number that lists hold in place.
fn number_size(ty: &TypeRef) -> Option<u64> {
    match ty {
        TypeRef::I8 => Some(1),
        TypeRef::U16 | TypeRef::I16 => Some(2),
        TypeRef::U32 | TypeRef::I32 | TypeRef::F32 => Some(4),
        TypeRef::U64 | TypeRef::I64 | TypeRef::F64 => Some(8),
        _ => None,
    }
}
