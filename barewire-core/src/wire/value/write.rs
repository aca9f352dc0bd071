//! From a value to octets.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::{Array, Mismatch, Value};
use crate::wire::buffer::AlignedBuf;
use crate::wire::pad::Pads;
use crate::wire::schema::{Fields, Kind, Number, Ty};
use crate::wire::writer::Writer;

type Written = Result<(), Mismatch>;

impl Value {
    /// The canonical message of the value as a `ty`.
    ///
    /// # Errors
    /// The value is none of `ty`: the error names the part.
    pub fn encode(&self, ty: Ty<'_>, pads: Pads) -> Result<AlignedBuf, Mismatch> {
        let mut w = Writer::new();
        self.write(ty, &mut w, pads)?;
        Ok(w.finish())
    }

    /// Appends the value as a `ty`.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); `w` has part of the value then.
    pub fn write(&self, ty: Ty<'_>, w: &mut Writer, pads: Pads) -> Written {
        Encoder { w, pads }.value(self, ty, None)
    }
}

struct Encoder<'a> {
    w: &'a mut Writer,
    pads: Pads,
}

impl Encoder<'_> {
    /// A value. `align` is that of a list whose pad has to be written before it.
    fn value(&mut self, value: &Value, ty: Ty<'_>, align: Option<u64>) -> Written {
        match (ty.kind(), value) {
            (Kind::Uint, Value::Uint(x)) => self.w.uint(*x),
            (Kind::Int, Value::Int(x)) => self.w.uint(((*x << 1) ^ (*x >> 63)) as u64),
            (Kind::Number(number), value) => {
                self.number(value, number).ok_or_else(|| Mismatch::of(ty, value.what()))?
            }
            (Kind::Bool, Value::Bool(x)) => self.w.flag(*x),
            (Kind::Str, Value::Str(text)) => self.w.data(text.as_bytes()),
            (Kind::Void, Value::Void) => {}
            (Kind::Data(None), Value::Data(octets)) => self.w.data(octets),
            (Kind::Data(Some(n)), Value::Data(octets)) if octets.len() as u64 == n => self.w.raw(octets),
            (Kind::Data(Some(_)), Value::Data(octets)) => {
                return Err(Mismatch::of(ty, format!("{} octets", octets.len())));
            }
            (Kind::List(item, n), Value::Array(array)) => {
                let fits = match item.kind() {
                    Kind::Number(number) => array.number() == Some(number),
                    Kind::Bool => matches!(array, Array::Bool(_)),
                    _ => false,
                };
                if !fits {
                    return Err(Mismatch::of(ty, array.what()));
                }
                self.count(array.len(), n, ty, align)?;
                array.write(self.w);
            }
            (Kind::List(item, n), Value::List(items)) => {
                self.count(items.len(), n, ty, align)?;
                for (i, value) in items.iter().enumerate() {
                    self.value(value, item, None).map_err(|error| error.at_index(i))?;
                }
            }
            (Kind::Optional(item), Value::Optional(value)) => {
                self.w.flag(value.is_some());
                if let Some(value) = value {
                    self.value(value, item, None)?;
                }
            }
            (Kind::Map(key, of), Value::Map(entries)) => self.map(entries, key, of)?,
            (Kind::Struct(fields), Value::Struct(values)) if values.len() == fields.len() => {
                self.structure(values, fields)?;
            }
            (Kind::Struct(_), Value::Struct(values)) => {
                return Err(Mismatch::of(ty, format!("one with {}", values.len())));
            }
            (Kind::Enum(values), Value::Enum(number)) => {
                values.name(*number).ok_or_else(|| Mismatch::of(ty, format!("the number {number}")))?;
                self.w.uint(*number);
            }
            (Kind::Union(members), Value::Union(tag, content)) => {
                let member = members.get(*tag).ok_or_else(|| Mismatch::of(ty, format!("the tag {tag}")))?;
                self.w.uint(*tag);
                let content = content.as_deref().unwrap_or(&Value::Void);
                self.value(content, member.ty, None).map_err(|error| error.within(member.name))?;
            }
            (_, other) => return Err(Mismatch::of(ty, other.what())),
        }
        Ok(())
    }

    fn number(&mut self, value: &Value, number: Number) -> Option<()> {
        match (number, value) {
            (Number::U8, Value::U8(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::U16, Value::U16(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::U32, Value::U32(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::U64, Value::U64(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::I8, Value::I8(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::I16, Value::I16(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::I32, Value::I32(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::I64, Value::I64(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::F32, Value::F32(x)) => self.w.raw(&x.to_le_bytes()),
            (Number::F64, Value::F64(x)) => self.w.raw(&x.to_le_bytes()),
            _ => return None,
        }
        Some(())
    }

    /// What stands before the elements of a list.
    fn count(&mut self, count: usize, fixed: Option<u64>, ty: Ty<'_>, align: Option<u64>) -> Written {
        match (fixed, align) {
            (Some(n), _) if n != count as u64 => return Err(Mismatch::of(ty, format!("{count} elements"))),
            (Some(_), _) => {}
            (None, Some(align)) => self.w.padded_count(count as u64, align),
            (None, None) => self.w.uint(count as u64),
        }
        Ok(())
    }

    fn map(&mut self, entries: &[(Value, Value)], key: Ty<'_>, of: Ty<'_>) -> Written {
        let mut keys = BTreeSet::new();
        self.w.uint(entries.len() as u64);
        for (i, (k, v)) in entries.iter().enumerate() {
            let start = self.w.offset();
            self.value(k, key, None).map_err(|error| error.at_index(i))?;
            // a key has one encoding
            if !keys.insert(Vec::from(self.w.since(start))) {
                return Err(Mismatch::new("each key once", "a key again").at_index(i));
            }
            self.value(v, of, None).map_err(|error| error.at_index(i))?;
        }
        Ok(())
    }

    fn structure(&mut self, values: &[Value], fields: Fields<'_>) -> Written {
        let mut align = None;
        for (field, value) in fields.iter().zip(values) {
            let written = match value {
                // the pad is written with its list
                Value::Data(_) if self.pads == Pads::Aligned && field.pads.is_some() => {
                    align = field.pads;
                    Ok(())
                }
                value => self.value(value, field.ty, align.take()),
            };
            written.map_err(|error| error.within(field.name))?;
        }
        Ok(())
    }
}
