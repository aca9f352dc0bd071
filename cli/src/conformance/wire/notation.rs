//! Values as the vectors write them in JSON.

use barewire::wire::Value;
use barewire::wire::schema::{Kind, Number, Ty};
use serde_json::Value as Json;

/// Octets from two digits each.
pub(super) fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |octet: u8| char::from(octet).to_digit(16).ok_or_else(|| format!("`{text}` is not hexadecimal"));
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("`{text}` has an odd number of digits"));
    }
    pairs.iter().map(|[high, low]| Ok((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

/// The value of a type that JSON stands for.
pub(super) fn value(ty: Ty<'_>, json: &Json) -> Result<Value, String> {
    let wrong = || format!("in the case: {json} is no value of `{ty}`");
    let list = || json.as_array().ok_or_else(wrong);
    let text = || json.as_str().ok_or_else(wrong);
    Ok(match ty.kind() {
        Kind::Uint => Value::Uint(integer(json).ok_or_else(wrong)?),
        Kind::Int => Value::Int(integer(json).ok_or_else(wrong)?),
        Kind::Number(kind) => number(kind, json).ok_or_else(wrong)?,
        Kind::Bool => Value::Bool(json.as_bool().ok_or_else(wrong)?),
        Kind::Str => text()?.into(),
        Kind::Void if json.is_null() => Value::Void,
        Kind::Void => return Err(wrong()),
        Kind::Data(_) => Value::Data(unhex(text()?)?),
        Kind::List(item, _) => Value::List(list()?.iter().map(|json| value(item, json)).collect::<Result<_, _>>()?),
        Kind::Optional(_) if json.is_null() => Value::NONE,
        Kind::Optional(item) => Value::some(value(item, json.get("some").ok_or_else(wrong)?)?),
        Kind::Map(key, of) => {
            let entry = |pair: &Json| Ok::<_, String>((value(key, &pair[0])?, value(of, &pair[1])?));
            Value::Map(list()?.iter().map(entry).collect::<Result<_, _>>()?)
        }
        Kind::Struct(fields) => {
            let object = json.as_object().filter(|object| object.len() == fields.len()).ok_or_else(wrong)?;
            let field = |name| object.get(name).ok_or_else(wrong);
            Value::Struct(fields.iter().map(|f| value(f.ty, field(f.name)?)).collect::<Result<_, _>>()?)
        }
        Kind::Enum(values) => Value::Enum(values.number(text()?).ok_or_else(wrong)?),
        Kind::Union(members) => {
            let member = json["tag"].as_u64().and_then(|tag| members.get(tag)).ok_or_else(wrong)?;
            let bare = |text: &str| text.replace(char::is_whitespace, "");
            if json["type"].as_str().map(bare) != Some(bare(member.name)) {
                return Err(wrong());
            }
            Value::union(member.tag, value(member.ty, &json["value"])?)
        }
    })
}

/// A number, or a string of digits where JSON's numbers would not do.
fn integer<T: TryFrom<i128>>(json: &Json) -> Option<T> {
    let wide = json.as_i64().map(i128::from).or_else(|| json.as_str()?.parse().ok())?;
    T::try_from(wide).ok()
}

/// A float's bits, where JSON has no number for it.
fn bits(json: &Json) -> Option<u64> {
    u64::from_str_radix(json.as_str()?.strip_prefix("bits:0x")?, 16).ok()
}

fn number(kind: Number, json: &Json) -> Option<Value> {
    Some(match kind {
        Number::U8 => Value::U8(integer(json)?),
        Number::U16 => Value::U16(integer(json)?),
        Number::U32 => Value::U32(integer(json)?),
        Number::U64 => Value::U64(integer(json)?),
        Number::I8 => Value::I8(integer(json)?),
        Number::I16 => Value::I16(integer(json)?),
        Number::I32 => Value::I32(integer(json)?),
        Number::I64 => Value::I64(integer(json)?),
        Number::F32 => match bits(json) {
            Some(bits) => Value::F32(f32::from_bits(bits.try_into().ok()?)),
            // the file promises numbers that are exact in their type
            None => Value::F32(json.as_f64()? as f32),
        },
        Number::F64 => Value::F64(bits(json).map(f64::from_bits).or_else(|| json.as_f64())?),
    })
}

/// Whether two values are the same, where lists of numbers may be packed in one and not in the other.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    let all = |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    match (a, b) {
        (Value::Array(array), Value::List(list)) | (Value::List(list), Value::Array(array)) => {
            array.len() == list.len() && array.iter().zip(list).all(|(a, b)| a == *b)
        }
        (Value::List(a), Value::List(b)) | (Value::Struct(a), Value::Struct(b)) => all(a, b),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.0, &b.0) && same(&a.1, &b.1))
        }
        (Value::Optional(Some(a)), Value::Optional(Some(b))) => same(a, b),
        (Value::Union(t, Some(a)), Value::Union(u, Some(b))) => t == u && same(a, b),
        (a, b) => a == b,
    }
}
