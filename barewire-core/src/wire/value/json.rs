//! Values from and to JSON, by their schema.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::{Array, Mismatch, Value};
use crate::wire::pad::Pads;
use crate::wire::schema::{Fields, Kind, Number, Ty};

type Result_<T> = Result<T, Mismatch>;

/// The JSON of a value.
///
/// | BARE                            | JSON                                                                                |
/// |---------------------------------|-------------------------------------------------------------------------------------|
/// | `uint`, `int`, `u8` .. `i64`    | number, all digits: readers that keep `f64` lose those beyond 2^53; strings of digits are read too |
/// | `f32`, `f64`                    | number, exact; `"NaN"`, `"Infinity"`, `"-Infinity"`; another NaN with its bits, `"NaN:0x7fc00001"` |
/// | `bool`, `str`, `void`           | `true` or `false`, string, `null`                                                     |
/// | `data`, `data[N]`               | string, two lower-case hexadecimal digits an octet                                    |
/// | `enum`                          | string, the name of the value                                                         |
/// | `optional<T>`                   | `null` or the value; `{"some": value}` if `T` is optional itself                      |
/// | `list<T>`, `list<T>[N]`         | array                                                                                 |
/// | `map<K><V>`                     | array of `[key, value]`, in order; if keys are `str`, an object is read too           |
/// | `struct`                        | object with every field; a pad of barewire's may be missing                           |
/// | `union`                         | object with one entry: the member's name, as the schema has it, and the content       |
///
/// ```
/// use barewire_core::wire::Types;
/// use barewire_core::wire::value::{Value, from_json, to_json};
/// use serde_json::json;
///
/// let types = Types::parse("type A struct { on: optional<bool> octets: data } type Root union { A | void = 7 }").unwrap();
/// let value = Value::union(0, Value::Struct(vec![Value::NONE, Value::Data(vec![1, 0xab])]));
/// let json = json!({ "A": { "on": null, "octets": "01ab" } });
/// assert_eq!(to_json(types.root(), &value).unwrap(), json);
/// assert_eq!(from_json(types.root(), &json).unwrap(), value);
///
/// let error = from_json(types.root(), &json!({ "A": { "on": 1, "octets": "01ab" } })).unwrap_err();
/// assert_eq!(error.to_string(), "at `A.on`: expected a value of type `bool`, found 1");
/// ```
///
/// # Errors
/// The value is none of `ty`.
pub fn to_json(ty: Ty<'_>, value: &Value) -> Result_<Json> {
    Ok(match (ty.kind(), value) {
        (Kind::Uint, Value::Uint(x)) => Json::from(*x),
        (Kind::Int, Value::Int(x)) => Json::from(*x),
        (Kind::Number(number), value) => number_to_json(number, value).ok_or_else(|| Mismatch::of(ty, value.what()))?,
        (Kind::Bool, Value::Bool(x)) => Json::Bool(*x),
        (Kind::Str, Value::Str(text)) => Json::String(text.clone()),
        (Kind::Void, Value::Void) => Json::Null,
        (Kind::Data(n), Value::Data(octets)) if n.is_none_or(|n| n == octets.len() as u64) => Json::String(hex(octets)),
        (Kind::List(item, n), Value::Array(array)) if n.is_none_or(|n| n == array.len() as u64) => {
            let items = array.iter().enumerate();
            Json::Array(items.map(|(i, x)| to_json(item, &x).map_err(|e| e.at_index(i))).collect::<Result_<_>>()?)
        }
        (Kind::List(item, n), Value::List(items)) if n.is_none_or(|n| n == items.len() as u64) => {
            let items = items.iter().enumerate();
            Json::Array(items.map(|(i, x)| to_json(item, x).map_err(|e| e.at_index(i))).collect::<Result_<_>>()?)
        }
        (Kind::Optional(_), Value::Optional(None)) => Json::Null,
        (Kind::Optional(item), Value::Optional(Some(value))) => {
            let json = to_json(item, value)?;
            if is_optional(item) { object("some", json) } else { json }
        }
        (Kind::Map(key, of), Value::Map(entries)) => {
            let entry = |(i, (k, v)): (usize, &(Value, Value))| {
                let pair = to_json(key, k).and_then(|k| Ok([k, to_json(of, v)?]));
                pair.map(|pair| Json::Array(pair.into())).map_err(|error| error.at_index(i))
            };
            Json::Array(entries.iter().enumerate().map(entry).collect::<Result_<_>>()?)
        }
        (Kind::Struct(fields), Value::Struct(values)) if fields.len() == values.len() => {
            let field = |(field, value): (crate::wire::schema::Field<'_>, &Value)| {
                let json = to_json(field.ty, value).map_err(|error| error.within(field.name))?;
                Ok((field.name.to_string(), json))
            };
            Json::Object(fields.iter().zip(values).map(field).collect::<Result_<_>>()?)
        }
        (Kind::Enum(values), Value::Enum(number)) => match values.name(*number) {
            Some(name) => Json::String(name.into()),
            None => return Err(Mismatch::of(ty, format!("the number {number}"))),
        },
        (Kind::Union(members), Value::Union(tag, content)) => {
            let member = members.get(*tag).ok_or_else(|| Mismatch::of(ty, format!("the tag {tag}")))?;
            let content = to_json(member.ty, content.as_deref().unwrap_or(&Value::Void));
            object(member.name, content.map_err(|error| error.within(member.name))?)
        }
        (_, other) => return Err(Mismatch::of(ty, other.what())),
    })
}

/// The value of a JSON text, by the table at [`to_json`].
///
/// # Errors
/// The JSON is no value of `ty`: the error names the part, what was expected and what was found.
pub fn from_json(ty: Ty<'_>, json: &Json) -> Result_<Value> {
    let wrong = || Mismatch::of(ty, excerpt(json));
    Ok(match (ty.kind(), json) {
        (Kind::Uint, json) => Value::Uint(unsigned(json).ok_or_else(wrong)?),
        (Kind::Int, json) => Value::Int(signed(json).ok_or_else(wrong)?),
        (Kind::Number(number), json) => number_from_json(number, json).ok_or_else(wrong)?,
        (Kind::Bool, Json::Bool(x)) => Value::Bool(*x),
        (Kind::Str, Json::String(text)) => Value::Str(text.clone()),
        (Kind::Void, Json::Null) => Value::Void,
        (Kind::Data(n), Json::String(text)) => {
            let octets = unhex(text).ok_or_else(wrong)?;
            if n.is_some_and(|n| n != octets.len() as u64) {
                return Err(Mismatch::of(ty, format!("{} octets", octets.len())));
            }
            Value::Data(octets)
        }
        (Kind::List(item, n), Json::Array(items)) => {
            if n.is_some_and(|n| n != items.len() as u64) {
                return Err(Mismatch::of(ty, format!("{} elements", items.len())));
            }
            list(item, items)?
        }
        (Kind::Optional(_), Json::Null) => Value::NONE,
        (Kind::Optional(item), json) if is_optional(item) => match single(json) {
            Some(("some", json)) => Value::some(from_json(item, json)?),
            _ => return Err(Mismatch::new("null or {\"some\": ..}", excerpt(json))),
        },
        (Kind::Optional(item), json) => Value::some(from_json(item, json)?),
        (Kind::Map(key, of), json) => map(ty, key, of, json)?,
        (Kind::Struct(fields), Json::Object(object)) => structure(fields, object)?,
        (Kind::Enum(values), Json::String(name)) => Value::Enum(values.number(name).ok_or_else(wrong)?),
        (Kind::Union(members), json) => {
            let (name, content) = single(json).ok_or_else(wrong)?;
            let member = members.named(name).ok_or_else(wrong)?;
            Value::union(member.tag, from_json(member.ty, content).map_err(|error| error.within(name))?)
        }
        _ => return Err(wrong()),
    })
}

fn is_optional(ty: Ty<'_>) -> bool {
    matches!(ty.kind(), Kind::Optional(_))
}

fn object(name: &str, json: Json) -> Json {
    Json::Object(Map::from_iter([(name.to_string(), json)]))
}

/// The entry of an object that has one.
fn single(json: &Json) -> Option<(&str, &Json)> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    object.iter().next().map(|(name, json)| (&**name, json))
}

fn list(item: Ty<'_>, items: &[Json]) -> Result_<Value> {
    macro_rules! numbers {
        ($($name:ident)*) => {
            match item.kind() {
                $(Kind::Number(Number::$name) => {
                    let number = |(i, json)| match from_json(item, json) {
                        Ok(Value::$name(x)) => Ok(x),
                        Ok(other) => Err(Mismatch::of(item, other.what()).at_index(i)),
                        Err(error) => Err(error.at_index(i)),
                    };
                    let numbers: Vec<_> = items.iter().enumerate().map(number).collect::<Result_<_>>()?;
                    Value::Array(Array::$name(numbers))
                })*
                Kind::Bool => {
                    let flag = |(i, json): (usize, &Json)| {
                        json.as_bool().ok_or_else(|| Mismatch::of(item, excerpt(json)).at_index(i))
                    };
                    Value::Array(Array::Bool(items.iter().enumerate().map(flag).collect::<Result_<_>>()?))
                }
                _ => {
                    let items = items.iter().enumerate();
                    let value = |(i, json)| from_json(item, json).map_err(|error: Mismatch| error.at_index(i));
                    Value::List(items.map(value).collect::<Result_<_>>()?)
                }
            }
        };
    }
    Ok(numbers!(U8 U16 U32 U64 I8 I16 I32 I64 F32 F64))
}

fn map(ty: Ty<'_>, key: Ty<'_>, of: Ty<'_>, json: &Json) -> Result_<Value> {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    match json {
        Json::Array(pairs) => {
            for (i, pair) in pairs.iter().enumerate() {
                let Some([k, v]) = pair.as_array().map(Vec::as_slice) else {
                    return Err(Mismatch::new("a key and a value, [key, value]", excerpt(pair)).at_index(i));
                };
                let entry = from_json(key, k).and_then(|k| Ok((k, from_json(of, v)?)));
                entries.push(entry.map_err(|error| error.at_index(i))?);
            }
        }
        Json::Object(object) if matches!(key.kind(), Kind::Str) => {
            for (i, (k, v)) in object.iter().enumerate() {
                entries.push((Value::Str(k.clone()), from_json(of, v).map_err(|error| error.at_index(i))?));
            }
        }
        other => return Err(Mismatch::of(ty, excerpt(other))),
    }
    let map = Value::Map(entries);
    // finds a repeated key
    map.encode(ty, Pads::Data)?;
    Ok(map)
}

fn structure(fields: Fields<'_>, object: &Map<String, Json>) -> Result_<Value> {
    let mut values = Vec::with_capacity(fields.len());
    for field in fields.iter() {
        values.push(match object.get(field.name) {
            Some(json) => from_json(field.ty, json).map_err(|error| error.within(field.name))?,
            None if field.pads.is_some() => Value::Data(Vec::new()),
            None => return Err(Mismatch::new(format!("the field `{}`", field.name), "none")),
        });
    }
    match object.keys().find(|name| fields.position(name).is_none()) {
        Some(name) => Err(Mismatch::new("no other field", format!("`{}`", name.escape_debug()))),
        None => Ok(Value::Struct(values)),
    }
}

fn unsigned(json: &Json) -> Option<u64> {
    json.as_u64().or_else(|| digits(json)?.parse().ok())
}

fn signed(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| digits(json)?.parse().ok())
}

/// A string of digits, with `-` or not.
fn digits(json: &Json) -> Option<&str> {
    json.as_str().filter(|text| !text.starts_with('+'))
}

fn number_from_json(number: Number, json: &Json) -> Option<Value> {
    Some(match number {
        Number::U8 => Value::U8(unsigned(json)?.try_into().ok()?),
        Number::U16 => Value::U16(unsigned(json)?.try_into().ok()?),
        Number::U32 => Value::U32(unsigned(json)?.try_into().ok()?),
        Number::U64 => Value::U64(unsigned(json)?),
        Number::I8 => Value::I8(signed(json)?.try_into().ok()?),
        Number::I16 => Value::I16(signed(json)?.try_into().ok()?),
        Number::I32 => Value::I32(signed(json)?.try_into().ok()?),
        Number::I64 => Value::I64(signed(json)?),
        Number::F32 => Value::F32(match json {
            Json::String(text) => match special(text)? {
                Special::Infinity(sign) => f32::INFINITY.copysign(sign as f32),
                Special::Nan(None) => f32::from_bits(NAN_32),
                Special::Nan(Some(bits)) => Some(f32::from_bits(bits.try_into().ok()?)).filter(|x| x.is_nan())?,
            },
            json => Some(json.as_f64()? as f32).filter(|x| x.is_finite())?,
        }),
        Number::F64 => Value::F64(match json {
            Json::String(text) => match special(text)? {
                Special::Infinity(sign) => f64::INFINITY.copysign(sign),
                Special::Nan(None) => f64::from_bits(NAN_64),
                Special::Nan(Some(bits)) => Some(f64::from_bits(bits)).filter(|x| x.is_nan())?,
            },
            json => json.as_f64()?,
        }),
    })
}

/// The NaNs that need no bits.
const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;

enum Special {
    /// 1 or -1
    Infinity(f64),
    /// its bits, if they are not the usual ones
    Nan(Option<u64>),
}

fn special(text: &str) -> Option<Special> {
    Some(match text {
        "Infinity" => Special::Infinity(1.0),
        "-Infinity" => Special::Infinity(-1.0),
        "NaN" => Special::Nan(None),
        other => Special::Nan(Some(u64::from_str_radix(other.strip_prefix("NaN:0x")?, 16).ok()?)),
    })
}

fn number_to_json(number: Number, value: &Value) -> Option<Json> {
    Some(match (number, value) {
        (Number::U8, Value::U8(x)) => Json::from(*x),
        (Number::U16, Value::U16(x)) => Json::from(*x),
        (Number::U32, Value::U32(x)) => Json::from(*x),
        (Number::U64, Value::U64(x)) => Json::from(*x),
        (Number::I8, Value::I8(x)) => Json::from(*x),
        (Number::I16, Value::I16(x)) => Json::from(*x),
        (Number::I32, Value::I32(x)) => Json::from(*x),
        (Number::I64, Value::I64(x)) => Json::from(*x),
        (Number::F32, Value::F32(x)) if x.is_nan() && x.to_bits() != NAN_32 => nan(x.to_bits().into()),
        (Number::F64, Value::F64(x)) if x.is_nan() && x.to_bits() != NAN_64 => nan(x.to_bits()),
        (Number::F32, Value::F32(x)) => float(f64::from(*x)),
        (Number::F64, Value::F64(x)) => float(*x),
        _ => return None,
    })
}

fn nan(bits: u64) -> Json {
    Json::String(format!("NaN:{bits:#x}"))
}

fn float(x: f64) -> Json {
    match serde_json::Number::from_f64(x) {
        Some(number) => Json::Number(number),
        None => Json::from(if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        // writing to a `String` does not fail
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| (octet as char).to_digit(16).map(|digit| digit as u8);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The start of a JSON text, for an error.
fn excerpt(json: &Json) -> String {
    match json {
        Json::Array(items) => format!("an array of {}", items.len()),
        Json::Object(object) => match object.keys().next() {
            Some(name) if object.len() == 1 => format!("{{\"{}\": ..}}", name.escape_debug()),
            _ => format!("an object with {} entries", object.len()),
        },
        Json::String(text) if text.chars().count() > 40 => {
            let start: String = text.chars().take(40).collect();
            format!("\"{}..\"", start.escape_debug())
        }
        other => other.to_string(),
    }
}
