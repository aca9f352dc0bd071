//! BARE messages and schemas that others made, in one JSON file: `valid` messages with their values, `invalid` ones with the reason,
//! and `schemas` that are right or not. Everything goes through schemas read from text and values without Rust types.

mod notation;

use std::path::Path;

use barewire::wire::schema::Ty;
use barewire::wire::walk::{Array, Place, Step, Visitor, walk_message};
use barewire::wire::{DecodeError, Pads, Schema, Types, Value};
use serde_json::Value as Json;

use super::report::Report;
use crate::Failure;
use notation::{same, unhex, value};

/// What passed, in words, or why it failed.
type Check = fn(&Json) -> Result<String, String>;

pub(super) fn run(path: &Path, report: &mut Report) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    let file: Json = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    if file["format"] != 1 {
        return Err(failed(&format!("expected `format` 1, found {}", file["format"])));
    }
    let kinds: [(&str, &str, Check); 3] =
        [("valid", "valid", valid), ("invalid", "invalid", invalid), ("schemas", "schema", schema)];
    for (key, kind, check) in kinds {
        let cases = file[key].as_array().ok_or_else(|| failed(&format!("no list `{key}`")))?;
        for case in cases {
            let id = case["id"].as_str().unwrap_or("(no id)");
            report.judged(&format!("{kind} {id}"), check(case));
            if case["group"] == "aligned" {
                report.judged(&format!("in place {id}"), in_place(case));
            }
        }
    }
    Ok(())
}

fn text<'c>(case: &'c Json, key: &str) -> Result<&'c str, String> {
    case[key].as_str().ok_or_else(|| format!("the case has no text `{key}`"))
}

/// The schema and the octets of a case.
fn message(case: &Json) -> Result<(Types, Vec<u8>), String> {
    let types = Types::parse(text(case, "schema")?).map_err(|error| format!("schema refused: {error}"))?;
    Ok((types, unhex(text(case, "hex")?)?))
}

fn root<'t>(case: &Json, types: &'t Types) -> Result<Ty<'t>, String> {
    let name = text(case, "root")?;
    types.get(name).ok_or_else(|| format!("no type `{name}` in the schema"))
}

/// The first octet that differs.
fn same_octets(found: &[u8], expected: &[u8]) -> Result<(), String> {
    let at = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
    let octet = |octets: &[u8]| octets.get(at).map_or("the end".to_owned(), |octet| format!("{octet:#04x}"));
    if found == expected {
        Ok(())
    } else {
        Err(format!("octet {at} is {}, expected {}", octet(found), octet(expected)))
    }
}

/// A walk that looks at nothing.
struct Nothing;
impl Visitor<'_, '_> for Nothing {}

/// The value gives the octets, and the octets give the value; a walk takes them, too.
fn valid(case: &Json) -> Result<String, String> {
    let (types, octets) = message(case)?;
    let ty = root(case, &types)?;
    let expected = value(ty, &case["value"])?;
    let encoded = expected.encode(ty, Pads::Data).map_err(|error| format!("not encoded: {error}"))?;
    same_octets(&encoded, &octets).map_err(|why| format!("encoded: {why}"))?;
    let decoded = Value::decode(ty, &octets, Pads::Data).map_err(|error| format!("not decoded: {error}"))?;
    if !same(&decoded, &expected) {
        return Err(format!("decoded as {decoded:?}, expected {expected:?}"));
    }
    let again = decoded.encode(ty, Pads::Data).map_err(|error| format!("not encoded again: {error}"))?;
    same_octets(&again, &octets).map_err(|why| format!("encoded again: {why}"))?;
    walk_message(ty, &octets, Pads::Data, &mut Nothing).map_err(|error| format!("a walk: {error}"))?;
    Ok("exact, both ways".to_owned())
}

/// Words of ours for a reason of the file. Reasons may be taken loosely: what ends too early may be called so or not.
const REASONS: &[(&str, &[&str])] = &[
    ("varint-not-minimal", &["fewest octets"]),
    ("varint-overflow", &["at most 64 bits", "fewest octets"]),
    ("truncated", TOO_SHORT),
    ("length-past-end", TOO_SHORT),
    ("bool", &["0 or 1 as a bool"]),
    ("optional", &["0 or 1 before an optional"]),
    ("enum", &["a tag of the schema"]),
    ("tag", &["a tag of the schema"]),
    ("utf8", &["UTF-8"]),
    ("duplicate-key", &["each key once"]),
    ("trailing", &["the end of the message"]),
];
const TOO_SHORT: &[&str] = &["left", "the end after", "a count of at most"];

/// The octets are refused, by values and by walks alike, for the reason that the case has.
fn invalid(case: &Json) -> Result<String, String> {
    let (types, octets) = message(case)?;
    let ty = root(case, &types)?;
    let Err(error) = Value::decode(ty, &octets, Pads::Data) else {
        return Err(format!("accepted; {}", case["rule"].as_str().unwrap_or("the case has no rule")));
    };
    let Err(walked) = walk_message(ty, &octets, Pads::Data, &mut Nothing) else {
        return Err("accepted by a walk".to_owned());
    };
    if walked != error {
        return Err(format!("a walk says: {walked}; a value says: {error}"));
    }
    let (reason, said) = (text(case, "reason")?, error.to_string());
    let words = REASONS.iter().find(|(known, _)| *known == reason).map(|(_, words)| *words);
    match words {
        None => Err(format!("no reason `{reason}` is known; refused {said}")),
        Some(words) if words.iter().any(|word| said.contains(word)) => Ok(format!("refused {said}")),
        Some(_) => Err(format!("refused for another reason than `{reason}`: {said}")),
    }
}

/// The text is taken or refused as the case says; what is taken is printed and read again.
fn schema(case: &Json) -> Result<String, String> {
    let allowed = case["valid"].as_bool().ok_or("the case does not say whether it is `valid`")?;
    match Schema::parse(text(case, "schema")?) {
        Err(error) if !allowed => Ok(format!("refused, {}", error.to_string().replace('\n', "; "))),
        Err(error) => Err(format!("refused, {}", error.to_string().replace('\n', "; "))),
        Ok(_) if !allowed => Err(format!("accepted; {}", case["reason"].as_str().unwrap_or("the case has no reason"))),
        Ok(schema) => match Schema::parse(&schema.text()) {
            Ok(again) if again.text() == schema.text() => Ok("accepted".to_owned()),
            Ok(_) => Err("printed, it is another schema".to_owned()),
            Err(error) => Err(format!("printed, it is refused: {error}")),
        },
    }
}

/// Where lists start, and tags stand.
#[derive(Default)]
struct Places {
    /// of lists of numbers behind a pad
    lists: Vec<(String, u64)>,
    tags: Vec<u64>,
}

impl<'t, 'w> Visitor<'t, 'w> for Places {
    fn array(&mut self, place: &Place<'t>, array: &Array<'w>) -> Result<(), DecodeError> {
        if matches!(place.steps().last(), Some(Step::Field(_))) && array.count > 0 {
            self.lists.push((place.to_string(), array.extent.start));
        }
        Ok(())
    }

    fn tag(&mut self, _: &Place<'t>, _: &'t str, _: u64, offset: u64) -> Result<(), DecodeError> {
        self.tags.push(offset);
        Ok(())
    }
}

/// The lists start at multiples of the file's alignment, and the index says where the components are. At our own alignment,
/// the pads are those that we write.
fn in_place(case: &Json) -> Result<String, String> {
    let (types, octets) = message(case)?;
    let ty = root(case, &types)?;
    let log = case["value"]["alignLog2"].as_u64().filter(|log| *log < 64).ok_or("no `alignLog2`")?;
    let mut places = Places::default();
    walk_message(ty, &octets, Pads::Data, &mut places).map_err(|error| error.to_string())?;
    for (path, start) in &places.lists {
        if !start.is_multiple_of(1 << log) {
            return Err(format!("`{path}` starts at {start}, which is no multiple of {}", 1u64 << log));
        }
    }
    let index = case["value"]["index"].as_array().ok_or("no `index`")?;
    let index: Vec<u64> = index.iter().filter_map(|entry| entry.as_str()?.parse().ok()).collect();
    places.tags.push(octets.len() as u64);
    if places.tags != index {
        return Err(format!("components at {:?}, and the index has {index:?}", places.tags));
    }
    let lists = crate::inspect::counted(places.lists.len(), "list");
    if log != 6 {
        return Ok(format!("{lists} at multiples of {}", 1u64 << log));
    }
    let ours = Value::decode(ty, &octets, Pads::Aligned).map_err(|error| format!("with pads checked: {error}"))?;
    let again = ours.encode(ty, Pads::Aligned).map_err(|error| format!("with our pads: {error}"))?;
    same_octets(&again, &octets).map_err(|why| format!("with our pads: {why}"))?;
    Ok(format!("{lists} at multiples of 64, with the pads that we write"))
}
