//! From octets to a value.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::{Array, Value};
use crate::wire::error::DecodeError;
use crate::wire::pad::Pads;
use crate::wire::reader::Reader;
use crate::wire::schema::{Fields, Kind, Number, Ty};
use crate::wire::walk::{least, repeated_key, unknown_tag};

/// The octets of memory that a decoded value may take for each octet of the message, by default and besides 64 KiB.
///
/// Numbers take about what they take on the wire. Only small parts in great number are large in memory: an element of one octet that
/// is a struct of structs takes 32 octets for each of them. A hostile schema could nest 200 of them. What lists have reserved for
/// further elements comes on top; that is less than they hold.
pub const MAX_MEMORY: u64 = 128;

impl Value {
    /// Decodes a whole message, as strictly as the typed readers do.
    ///
    /// # Errors
    /// The octets are not the canonical message of a value of `ty`; or the value takes more memory than
    /// [`MAX_MEMORY`] allows.
    pub fn decode(ty: Ty<'_>, bytes: &[u8], pads: Pads) -> Result<Self, DecodeError> {
        Self::decode_within(ty, bytes, pads, MAX_MEMORY.saturating_mul(bytes.len() as u64).saturating_add(1 << 16))
    }

    /// As [`decode`](Self::decode), with a bound for the memory of the value, in octets.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_within(ty: Ty<'_>, bytes: &[u8], pads: Pads, memory: u64) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let value = Self::read(ty, &mut r, pads, memory)?;
        r.finish()?;
        Ok(value)
    }

    /// Reads one value where `r` stands.
    ///
    /// # Errors
    /// As [`decode_within`](Self::decode_within), but for octets that follow.
    pub fn read(ty: Ty<'_>, r: &mut Reader<'_>, pads: Pads, memory: u64) -> Result<Self, DecodeError> {
        Decoder { r, pads, memory, left: memory }.value(ty, None)
    }
}

struct Decoder<'r, 'w> {
    r: &'r mut Reader<'w>,
    pads: Pads,
    memory: u64,
    /// of the memory
    left: u64,
}

type Read<T> = Result<T, DecodeError>;

const SLOT: u64 = size_of::<Value>() as u64;

impl Decoder<'_, '_> {
    /// Counts memory before it is taken.
    fn charge(&mut self, octets: u64) -> Read<()> {
        match self.left.checked_sub(octets) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let expected = format!("a value that takes at most {} octets in memory", self.memory);
                Err(self.r.error(expected, "a larger one"))
            }
        }
    }

    fn boxed(&mut self, ty: Ty<'_>) -> Read<Box<Value>> {
        self.charge(SLOT)?;
        self.value(ty, None).map(Box::new)
    }

    /// A value. `align` is that of a list whose pad stands before it and is not read yet.
    fn value(&mut self, ty: Ty<'_>, align: Option<u64>) -> Read<Value> {
        Ok(match ty.kind() {
            Kind::Uint => Value::Uint(self.r.uint()?),
            Kind::Int => {
                let raw = self.r.uint()?;
                Value::Int((raw >> 1) as i64 ^ -((raw & 1) as i64))
            }
            Kind::Number(number) => self.number(number)?,
            Kind::Bool => Value::Bool(self.r.flag("as a bool")?),
            Kind::Str => {
                let text = self.r.str()?;
                self.charge(text.len() as u64)?;
                Value::Str(text.into())
            }
            Kind::Void => Value::Void,
            Kind::Data(n) => {
                let octets = match n {
                    None => self.r.data()?,
                    Some(n) => {
                        self.r.need(n)?;
                        self.r.take(n as usize)?
                    }
                };
                self.charge(octets.len() as u64)?;
                Value::Data(octets.into())
            }
            Kind::List(item, n) => self.list(ty, item, n, align)?,
            Kind::Optional(item) => {
                let some = self.r.flag("before an optional value")?;
                Value::Optional(if some { Some(self.boxed(item)?) } else { None })
            }
            Kind::Map(key, value) => self.map(key, value)?,
            Kind::Struct(fields) => self.structure(fields)?,
            Kind::Enum(values) => {
                let at = self.r.offset();
                let number = self.r.uint()?;
                values.name(number).ok_or_else(|| unknown_tag(at, number))?;
                Value::Enum(number)
            }
            Kind::Union(members) => {
                let at = self.r.offset();
                let tag = self.r.uint()?;
                let member = members.get(tag).ok_or_else(|| unknown_tag(at, tag))?;
                if matches!(member.ty.kind(), Kind::Void) {
                    return Ok(Value::Union(tag, None));
                }
                let content = self.boxed(member.ty).map_err(|error| error.within(member.name.to_string()))?;
                Value::Union(tag, Some(content))
            }
        })
    }

    fn number(&mut self, number: Number) -> Read<Value> {
        Ok(match number {
            Number::U8 => Value::U8(u8::from_le_bytes(self.r.take_array()?)),
            Number::U16 => Value::U16(u16::from_le_bytes(self.r.take_array()?)),
            Number::U32 => Value::U32(u32::from_le_bytes(self.r.take_array()?)),
            Number::U64 => Value::U64(u64::from_le_bytes(self.r.take_array()?)),
            Number::I8 => Value::I8(i8::from_le_bytes(self.r.take_array()?)),
            Number::I16 => Value::I16(i16::from_le_bytes(self.r.take_array()?)),
            Number::I32 => Value::I32(i32::from_le_bytes(self.r.take_array()?)),
            Number::I64 => Value::I64(i64::from_le_bytes(self.r.take_array()?)),
            Number::F32 => Value::F32(f32::from_le_bytes(self.r.take_array()?)),
            Number::F64 => Value::F64(f64::from_le_bytes(self.r.take_array()?)),
        })
    }

    fn list(&mut self, list: Ty<'_>, item: Ty<'_>, n: Option<u64>, align: Option<u64>) -> Read<Value> {
        let kind = item.kind();
        let count = match (n, align, kind) {
            (Some(n), ..) => {
                self.r.need(list.min_len())?;
                // an element takes an octet or more
                n as usize
            }
            (None, Some(align), Kind::Number(number)) => self.r.padded_count(number.size(), Some(align))?,
            _ => self.r.count(least(item))?,
        };
        match kind {
            Kind::Number(number) => {
                // the count was compared with what is left
                let octets = self.r.take(count * number.size())?;
                self.charge(octets.len() as u64)?;
                Ok(Value::Array(Array::from_le(number, octets)))
            }
            Kind::Bool => {
                self.charge(count as u64)?;
                let flag = |i| self.r.flag("as a bool").map_err(|error| error.at_index(i));
                Ok(Value::Array(Array::Bool((0..count).map(flag).collect::<Read<_>>()?)))
            }
            _ => {
                let mut items = Vec::new();
                for i in 0..count {
                    self.charge(SLOT)?;
                    items.push(self.value(item, None).map_err(|error| error.at_index(i))?);
                }
                Ok(Value::List(items))
            }
        }
    }

    fn map(&mut self, key: Ty<'_>, value: Ty<'_>) -> Read<Value> {
        let (count, mut keys) = (self.r.count(least(key).saturating_add(least(value)))?, BTreeSet::new());
        let mut entries = Vec::new();
        for i in 0..count {
            let (at, here) = (self.r.offset(), self.r.here());
            self.charge(2 * SLOT)?;
            let key = self.value(key, None).map_err(|error| error.at_index(i))?;
            // a key has one encoding
            if !keys.insert(self.r.since(here)) {
                return Err(repeated_key(at, i as u64));
            }
            entries.push((key, self.value(value, None).map_err(|error| error.at_index(i))?));
        }
        Ok(Value::Map(entries))
    }

    fn structure(&mut self, fields: Fields<'_>) -> Read<Value> {
        self.charge(fields.len() as u64 * SLOT)?;
        let (mut values, mut align) = (Vec::with_capacity(fields.len()), None);
        for field in fields.iter() {
            // the pad is read with its list
            if self.pads == Pads::Aligned && field.pads.is_some() {
                align = field.pads;
                values.push(Value::Data(Vec::new()));
            } else {
                let value = self.value(field.ty, align.take());
                values.push(value.map_err(|error| error.within(field.name.to_string()))?);
            }
        }
        Ok(Value::Struct(values))
    }
}
