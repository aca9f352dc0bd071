//! Values and walks without Rust types: every golden message, random schemas and values, hostile octets, and derived types' messages
//! both ways.

#[path = "common/random.rs"]
mod random;

use barewire_core::wire::schema::{Kind, Number, Ty};
use barewire_core::wire::value::{Array, MAX_MEMORY};
use barewire_core::wire::walk::{Array as Numbers, Inside, Place, Visitor, skip, walk_message};
use barewire_core::wire::{
    DecodeError, Extent, FieldNames, Int, List, Map, Matrix, Pads, QuantizedMatrix, Reader, Schema, TernaryMatrix,
    Types, Uint, Value, Wire, from_message, schema_text, to_message,
};
use barewire_derive::{BareStruct, BareUnion};
use proptest::prelude::*;
use random::Rng;
use serde_json::Value as Json;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// A walk by a visitor that does nothing, and a skip; both read all.
fn walked(ty: Ty<'_>, bytes: &[u8], pads: Pads) -> Result<(), DecodeError> {
    struct All;
    impl Visitor<'_, '_> for All {}
    let walked = walk_message(ty, bytes, pads, &mut All);
    let mut r = Reader::new(bytes);
    let skipped = skip(ty, &mut r, pads).and_then(|()| r.finish());
    assert_eq!(walked.is_ok(), skipped.is_ok(), "{walked:?} {skipped:?}");
    walked
}

/// A value in the notation of the vectors.
fn notation(ty: Ty<'_>, json: &Json) -> Value {
    let integer = || json.as_i64().map(i128::from).or_else(|| json.as_str()?.parse().ok()).unwrap();
    let bits = || json.as_str().map(|text| u64::from_str_radix(text.strip_prefix("bits:0x").unwrap(), 16).unwrap());
    match ty.kind() {
        Kind::Uint => Value::Uint(integer() as u64),
        Kind::Int => Value::Int(integer() as i64),
        Kind::Number(number) => match number {
            Number::U8 => Value::U8(integer() as u8),
            Number::U16 => Value::U16(integer() as u16),
            Number::U32 => Value::U32(integer() as u32),
            Number::U64 => Value::U64(integer() as u64),
            Number::I8 => Value::I8(integer() as i8),
            Number::I16 => Value::I16(integer() as i16),
            Number::I32 => Value::I32(integer() as i32),
            Number::I64 => Value::I64(integer() as i64),
            Number::F32 => {
                Value::F32(bits().map_or_else(|| json.as_f64().unwrap() as f32, |b| f32::from_bits(b as u32)))
            }
            Number::F64 => Value::F64(bits().map_or_else(|| json.as_f64().unwrap(), f64::from_bits)),
        },
        Kind::Bool => Value::Bool(json.as_bool().unwrap()),
        Kind::Str => json.as_str().unwrap().into(),
        Kind::Void => Value::Void,
        Kind::Data(_) => Value::Data(unhex(json.as_str().unwrap())),
        Kind::List(item, _) => Value::List(json.as_array().unwrap().iter().map(|json| notation(item, json)).collect()),
        Kind::Optional(item) => json.get("some").map(|json| notation(item, json)).into(),
        Kind::Map(key, of) => {
            let pairs = json.as_array().unwrap().iter();
            Value::Map(pairs.map(|pair| (notation(key, &pair[0]), notation(of, &pair[1]))).collect())
        }
        Kind::Struct(fields) => {
            assert_eq!(json.as_object().unwrap().len(), fields.len());
            Value::Struct(fields.iter().map(|field| notation(field.ty, &json[field.name])).collect())
        }
        Kind::Enum(values) => Value::Enum(values.number(json.as_str().unwrap()).unwrap()),
        Kind::Union(members) => {
            let member = members.get(json["tag"].as_u64().unwrap()).unwrap();
            assert_eq!(json["type"].as_str().unwrap().replace(' ', ""), member.name.replace(' ', ""));
            Value::union(member.tag, notation(member.ty, &json["value"]))
        }
    }
}

/// The same value with its lists of numbers packed, as readers give them.
fn packed(value: Value) -> Value {
    macro_rules! pack {
        ($($name:ident)*) => {
            match value {
                Value::List(items) => match items.first() {
                    $(Some(Value::$name(_)) => {
                        items.iter().map(|x| if let Value::$name(x) = x { *x } else { panic!("{x:?}") }).collect::<Vec<_>>().into()
                    })*
                    _ => Value::List(items.into_iter().map(packed).collect()),
                },
                Value::Struct(values) => Value::Struct(values.into_iter().map(packed).collect()),
                Value::Map(entries) => Value::Map(entries.into_iter().map(|(k, v)| (k, packed(v))).collect()),
                Value::Optional(value) => value.map(|value| packed(*value)).into(),
                Value::Union(tag, content) => Value::union(tag, content.map_or(Value::Void, |value| packed(*value))),
                other => other,
            }
        };
    }
    pack!(U8 U16 U32 U64 I8 I16 I32 I64 F32 F64 Bool)
}

/// Packed lists are equal to unpacked ones, for empty lists too.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(array), Value::List(list)) | (Value::List(list), Value::Array(array)) => {
            array.is_empty() && list.is_empty()
        }
        (Value::List(a), Value::List(b)) | (Value::Struct(a), Value::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.0, &b.0) && same(&a.1, &b.1))
        }
        (Value::Optional(Some(a)), Value::Optional(Some(b))) => same(a, b),
        (Value::Union(t, Some(a)), Value::Union(u, Some(b))) => t == u && same(a, b),
        (a, b) => a == b,
    }
}

#[test]
fn golden_valid_messages() {
    let file: Json = serde_json::from_str(include_str!("fixtures/bare.json")).unwrap();
    let cases = file["valid"].as_array().unwrap();
    for case in cases {
        let [id, schema, root, hex] = ["id", "schema", "root", "hex"].map(|key| case[key].as_str().unwrap());
        let (types, bytes) = (Types::parse(schema).unwrap(), unhex(hex));
        let ty = types.get(root).unwrap();
        let value = notation(ty, &case["value"]);
        assert_eq!(value.encode(ty, Pads::Data).unwrap()[..], bytes, "{id}");
        let decoded = Value::decode(ty, &bytes, Pads::Data).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(same(&decoded, &packed(value)), "{id}: {decoded:?}");
        assert_eq!(decoded.encode(ty, Pads::Data).unwrap()[..], bytes, "{id}");
        walked(ty, &bytes, Pads::Data).unwrap_or_else(|error| panic!("{id}: {error}"));
        for cut in 0..bytes.len() {
            assert!(Value::decode(ty, &bytes[..cut], Pads::Data).is_err(), "{id} cut to {cut}");
            assert!(walked(ty, &bytes[..cut], Pads::Data).is_err(), "{id} cut to {cut}");
        }
    }
    assert_eq!(cases.len(), 188);
}

#[test]
fn golden_invalid_messages() {
    let file: Json = serde_json::from_str(include_str!("fixtures/bare.json")).unwrap();
    let cases = file["invalid"].as_array().unwrap();
    for case in cases {
        let [id, schema, root, hex, reason] =
            ["id", "schema", "root", "hex", "reason"].map(|key| case[key].as_str().unwrap());
        let (types, bytes) = (Types::parse(schema).unwrap(), unhex(hex));
        let ty = types.get(root).unwrap();
        let decoded = Value::decode(ty, &bytes, Pads::Data).map(drop).expect_err(id);
        let walked = walked(ty, &bytes, Pads::Data).expect_err(id);
        for error in [decoded, walked] {
            assert!(error.offset() <= bytes.len() as u64, "{id}: {error}");
            let text = error.to_string();
            let words: &[&str] = match reason {
                "varint-not-minimal" => &["fewest octets"],
                "varint-overflow" => &["at most 64 bits", "fewest octets"],
                "truncated" | "length-past-end" => &["left", "the end after", "a count of at most"],
                "bool" => &["0 or 1 as a bool"],
                "optional" => &["0 or 1 before an optional"],
                "enum" | "tag" => &["a tag of the schema"],
                "utf8" => &["UTF-8"],
                "duplicate-key" => &["each key once"],
                "trailing" => &["the end of the message"],
                other => panic!("{other}"),
            };
            assert!(words.iter().any(|word| text.contains(word)), "{id} ({reason}): {text}");
        }
    }
    assert_eq!(cases.len(), 71);
}

#[test]
fn errors_have_a_path_of_run_time_names() {
    let types = Types::parse("type Norm struct { on: bool } type Layer union { u8 | Norm } type Root struct { layers: list<Layer> m: map<u8><str> }").unwrap();
    let error = |bytes: &[u8]| {
        let decoded = Value::decode(types.root(), bytes, Pads::Data).unwrap_err();
        assert_eq!(decoded, walked(types.root(), bytes, Pads::Data).unwrap_err());
        decoded.to_string()
    };
    assert_eq!(error(&[2, 0, 5, 1, 2, 0]), "at `layers[1].Norm.on`, octet 4: expected 0 or 1 as a bool, found 2");
    assert_eq!(error(&[1, 3, 0]), "at `layers[0]`, octet 1: expected a tag of the schema, found 3");
    assert_eq!(
        error(&[0, 2, 7, 0, 7, 0]),
        "at `m[1]`, octet 4: expected each key once, found the key of entry 1 again"
    );
    assert_eq!(error(&[0, 1, 7, 1, 0xff]), "at `m[0]`, octet 4: expected UTF-8, found octet 0xff");

    let layer = |content: Value| Value::Struct(vec![Value::List(vec![Value::union(1, content)]), Value::Map(vec![])]);
    let error = |value: Value| value.encode(types.root(), Pads::Data).unwrap_err().to_string();
    assert_eq!(
        error(layer(Value::Struct(vec![1u8.into()]))),
        "at `layers[0].Norm.on`: expected a value of type `bool`, found a u8"
    );
    assert_eq!(
        error(layer(Value::Void)),
        "at `layers[0].Norm`: expected a struct with 1 fields, as `Norm` has, found void"
    );
    let twice = Value::Map(vec![(7u8.into(), "a".into()), (7u8.into(), "b".into())]);
    assert_eq!(
        error(Value::Struct(vec![Value::List(vec![]), twice])),
        "at `m[1]`: expected each key once, found a key again"
    );
    assert_eq!(
        error(Value::Struct(vec![vec![1u8].into(), Value::Map(vec![])])),
        "at `layers`: expected a value of type `list<Layer>`, found a list of u8"
    );
}

/// Octets that a value has on the heap, at least.
fn memory(value: &Value) -> u64 {
    let slot = size_of::<Value>() as u64;
    let inside = |values: &[Value]| values.iter().map(|value| slot + memory(value)).sum::<u64>();
    match value {
        Value::Str(text) => text.len() as u64,
        Value::Data(octets) => octets.len() as u64,
        Value::Array(Array::Bool(flags)) => flags.len() as u64,
        Value::Array(array) => (array.len() * array.number().unwrap().size()) as u64,
        Value::List(values) | Value::Struct(values) => inside(values),
        Value::Map(entries) => entries.iter().map(|(k, v)| 2 * slot + memory(k) + memory(v)).sum(),
        Value::Optional(Some(value)) | Value::Union(_, Some(value)) => slot + memory(value),
        _ => 0,
    }
}

#[test]
fn memory_is_bounded_by_the_input() {
    assert_eq!(size_of::<Value>(), 32);
    let n = 100_000usize;
    let mut message = to_message(&Uint(n as u64)).to_vec();
    message.resize(message.len() + n, 0);
    let limit = MAX_MEMORY * message.len() as u64;
    for (schema, most) in [
        ("type Root list<bool>", 1),
        ("type Root list<u8>", 1),
        ("type Root list<uint>", 32),
        ("type Root list<optional<u64>>", 32),
        ("type Root list<union { void | u8 }>", 32),
        ("type Root list<enum { A }>", 32),
        ("type Root list<struct { x: u8 }>", 64),
        ("type Root list<list<list<u8>>>", 32),
    ] {
        let types = Types::parse(schema).unwrap();
        let value = Value::decode(types.root(), &message, Pads::Data).unwrap();
        assert!(memory(&value) <= most * n as u64 && memory(&value) < limit, "{schema}: {}", memory(&value));
    }
    // a hostile schema: 150 structs an octet
    let mut message = to_message(&Uint(2_000)).to_vec();
    message.resize(message.len() + 2_000, 0);
    let nested = format!("type Root list<{}u8{}>", "struct { x: ".repeat(150), " }".repeat(150));
    let types = Types::parse(&nested).unwrap();
    let error = Value::decode(types.root(), &message, Pads::Data).unwrap_err();
    assert!(error.expected().contains("octets in memory"), "{error}");
    assert!(Value::decode_within(types.root(), &message, Pads::Data, u64::MAX).is_ok());
    // the walk needs no memory for it
    walked(types.root(), &message, Pads::Data).unwrap();
    // counts that promise more than there is
    let mut bomb = to_message(&Uint(1 << 40)).to_vec();
    bomb.extend([0; 64]);
    for schema in
        ["type Root list<optional<u8>>", "type Root map<u8><u8>", "type Root list<u8>[1099511627776]", "type Root data"]
    {
        let types = Types::parse(schema).unwrap();
        assert!(Value::decode(types.root(), &bomb, Pads::Data).is_err());
        assert!(walked(types.root(), &bomb, Pads::Data).is_err());
    }
}

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Layer {
    Ternary {
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(tag = 200)]
    Dense {
        #[bare(align = 256)]
        weights: Matrix<f32>,
        bias: Option<Vec<f64>>,
    },
    Quantized(QuantizedMatrix),
    Nothing,
    Pair(u8, Vec<i16>),
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Mode {
    TrainOnly,
    #[bare(tag = 300)]
    Run,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    name: String,
    mode: Mode,
    seen: u64,
    ids: [u32; 2],
    key: [u8; 3],
    steps: Uint,
    shift: Int,
    flags: Vec<bool>,
    codes: List<u16>,
    facts: Map<String, Vec<u32>>,
    layers: Vec<Layer>,
    head: Option<Layer>,
}

fn model() -> Model {
    Model {
        name: "tiny é".into(),
        mode: Mode::Run,
        seen: u64::MAX,
        ids: [1, 2],
        key: [7, 8, 9],
        steps: Uint(300),
        shift: Int(-300),
        flags: vec![true, false],
        codes: List(vec![1, 2, 3]),
        facts: Map::from_entries(vec![("b".into(), vec![1, 2]), ("a".into(), vec![])]).unwrap(),
        layers: vec![
            Layer::Ternary { digits: TernaryMatrix::from_digits(2, 3, &[1, 0, -1, -1, 0, 1]).unwrap(), scale: 0.5 },
            Layer::Dense {
                weights: Matrix::from_vec(2, 2, vec![1.0, f32::NEG_INFINITY, -0.0, 4.0]).unwrap(),
                bias: Some(vec![1.5]),
            },
            Layer::Quantized(QuantizedMatrix::from_codes(1, 3, 4, 0.1, 8.0, &[1, 15, 0]).unwrap()),
            Layer::Nothing,
            Layer::Pair(9, vec![-1, 2]),
            Layer::Dense { weights: Matrix::from_vec(1, 1, vec![3.0]).unwrap(), bias: None },
        ],
        head: Some(Layer::Pair(0, vec![])),
    }
}

/// A derived type's message, read and written by its schema's text alone, in both ways of taking pads.
fn both_ways<T: Wire + PartialEq + std::fmt::Debug>(value: &T) {
    let types = Types::parse(&schema_text::<T>()).unwrap();
    let message = to_message(value);
    for pads in [Pads::Data, Pads::Aligned] {
        let dynamic = Value::decode(types.root(), &message, pads).unwrap();
        assert_eq!(dynamic.encode(types.root(), pads).unwrap()[..], message[..]);
        walked(types.root(), &message, pads).unwrap();
    }
    // the value as such, with pads wherever it is written
    let dynamic = Value::decode(types.root(), &message, Pads::Aligned).unwrap();
    assert_eq!(&from_message::<T>(&dynamic.encode(types.root(), Pads::Aligned).unwrap()).unwrap(), value);
    // what one refuses, the other refuses
    for at in 0..message.len() {
        let mut damaged = message.to_vec();
        damaged[at] ^= 1 << (at % 8);
        let (typed, dynamic) =
            (from_message::<T>(&damaged).is_ok(), Value::decode(types.root(), &damaged, Pads::Aligned).is_ok());
        // the typed reader knows more: dims and data of a matrix fit
        assert!(dynamic || !typed, "octet {at}");
    }
}

#[test]
fn derived_types_both_ways() {
    both_ways(&model());
    both_ways(&model().layers);
    both_ways(&Mode::TrainOnly);
    both_ways(&vec![Some(vec![1.0f32, 2.0]), None]);
    both_ways(&Map::from_entries(vec![(1u8, vec![0u64; 3]), (0, vec![])]).unwrap());
    both_ways(&vec![vec![1u8], vec![]]);
    both_ways(&[[1i8, 2], [3, 4]]);
}

/// A derived value put together without its type.
#[test]
fn a_message_from_nothing_but_the_schema() {
    let types = Types::parse(&schema_text::<Layer>()).unwrap();
    let Kind::Union(members) = types.root().kind() else { panic!() };
    let pad = || Value::Data(vec![]);
    let weights = Value::Struct(vec![1u32.into(), 2u32.into(), pad(), vec![5.0f32, 6.0].into()]);
    let bias = Value::some(Value::Struct(vec![pad(), vec![0.25f64].into()]));
    let layer = Value::union(members.named("LayerDense").unwrap().tag, Value::Struct(vec![weights, bias]));
    let message = layer.encode(types.root(), Pads::Aligned).unwrap();
    let typed = Layer::Dense { weights: Matrix::from_vec(1, 2, vec![5.0, 6.0]).unwrap(), bias: Some(vec![0.25]) };
    assert_eq!(from_message::<Layer>(&message).unwrap(), typed);
    assert_eq!(message[..], to_message(&typed)[..]);
}

/// Octets that were written once, and the schema that was printed then: this must read them for ever. They are those of
/// `docs/wire-format.md`.
#[test]
fn golden_octets_of_a_derived_type() {
    let schema = "type TernaryMatrix struct { rows: u32 cols: u32 pad: data words: list<u64> }\n\
                  type WeightTernary struct { digits: TernaryMatrix scale: f32 }\n\
                  type F32Array struct { pad: data values: list<f32> }\n\
                  type WeightDense struct { bias: F32Array }\n\
                  type Weight union { WeightTernary | WeightDense = 3 }\n\
                  type Root list<Weight>\n";
    let mut octets = unhex("02000200000003000000");
    octets.push(52);
    octets.resize(0x3f, 0);
    octets.push(8);
    octets.extend(0x5555_5555_5555_5546u64.to_le_bytes());
    octets.extend(0x5555_5555_5555_5564u64.to_le_bytes());
    octets.resize(0x80, 0x55);
    octets.extend(unhex("0000003f0339"));
    octets.resize(0xbf, 0);
    octets.extend(unhex("020000803f000000c0"));
    let types = Types::parse(schema).unwrap();
    let digits: Vec<u64> =
        [0x5555_5555_5555_5546, 0x5555_5555_5555_5564].into_iter().chain([0x5555_5555_5555_5555; 6]).collect();
    let empty = || Value::Data(vec![]);
    let ternary = Value::Struct(vec![2u32.into(), 3u32.into(), empty(), digits.into()]);
    let dense = Value::Struct(vec![Value::Struct(vec![empty(), vec![1.0f32, -2.0].into()])]);
    let expected =
        Value::List(vec![Value::union(0, Value::Struct(vec![ternary, 0.5f32.into()])), Value::union(3, dense)]);
    assert_eq!(Value::decode(types.root(), &octets, Pads::Aligned).unwrap(), expected);
    assert_eq!(expected.encode(types.root(), Pads::Aligned).unwrap()[..], octets);

    #[derive(BareUnion, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    enum Weight {
        Ternary {
            digits: TernaryMatrix,
            scale: f32,
        },
        #[bare(tag = 3)]
        Dense {
            bias: Vec<f32>,
        },
    }
    assert_eq!(schema_text::<Vec<Weight>>(), schema);
    assert_eq!(to_message(&from_message::<Vec<Weight>>(&octets).unwrap())[..], octets);
}

#[test]
fn a_field_called_pad_in_a_schema_from_elsewhere() {
    let types = Types::parse("type Root struct { pad: data values: list<f32> }").unwrap();
    let foreign = [2, 9, 9, 1, 0, 0, 128, 63];
    let value = Value::decode(types.root(), &foreign, Pads::Data).unwrap();
    assert_eq!(value, Value::Struct(vec![Value::Data(vec![9, 9]), vec![1.0f32].into()]));
    assert_eq!(value.encode(types.root(), Pads::Data).unwrap()[..], foreign);
    let error = Value::decode(types.root(), &foreign, Pads::Aligned).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at `values`, octet 0: expected a pad of 62 octets before 1 numbers aligned to 64, found 2"
    );
    let mut aligned = value.encode(types.root(), Pads::Aligned).unwrap();
    assert_eq!(aligned.len(), 64 + 4);
    aligned[9] = 1;
    let error = Value::decode(types.root(), &aligned, Pads::Aligned).unwrap_err().to_string();
    assert_eq!(error, "at `values`, octet 9: expected a zero in a pad, found 0x01");
    // not a pad: no list of numbers behind it, or no alignment in its name
    for text in [
        "type Root struct { pad: data values: list<u8> }",
        "type Root struct { pad: data[4] values: list<f32> }",
        "type Root struct { pad: data values: list<f32>[1] }",
        "type Root struct { pad64: data values: list<f32> }",
        "type Root struct { pad0256: data values: list<f32> }",
        "type Root struct { pad8192: data values: list<f32> }",
        "type Root struct { pad: data }",
    ] {
        let types = Types::parse(text).unwrap();
        let Kind::Struct(fields) = types.root().kind() else { panic!() };
        assert!(fields.iter().all(|field| field.pads.is_none()), "{text}");
    }
}

/// What a visitor hears, in words.
#[derive(Default)]
struct Script(Vec<String>, Vec<&'static str>);

impl<'t, 'w> Visitor<'t, 'w> for Script {
    fn enter(&mut self, place: &Place<'t>, ty: Ty<'t>, offset: u64) -> Result<Inside, DecodeError> {
        self.0.push(format!("{offset} {place}: {ty}"));
        Ok(if self.1.contains(&&*place.to_string()) { Inside::Skip } else { Inside::Visit })
    }
    fn tag(&mut self, _: &Place<'t>, name: &'t str, tag: u64, offset: u64) -> Result<(), DecodeError> {
        self.0.push(format!("{offset} {name} = {tag}"));
        Ok(())
    }
    fn array(&mut self, _: &Place<'t>, array: &Numbers<'w>) -> Result<(), DecodeError> {
        self.0.push(format!("{} {} {}", array.extent.start, array.count, array.number.name()));
        Ok(())
    }
    fn leave(&mut self, place: &Place<'t>, _: Ty<'t>, extent: Extent, octets: &'w [u8]) -> Result<(), DecodeError> {
        assert_eq!(octets.len() as u64, extent.end - extent.start);
        self.0.push(format!("{} end {place}", extent.end));
        Ok(())
    }
}

#[test]
fn what_a_visitor_hears() {
    let types = Types::parse(
        "type A struct { x: u8 values: list<u16> } type U union { A | void = 5 } type Root struct { all: list<U> last: optional<str> }",
    )
    .unwrap();
    let bytes = [2, 0, 9, 1, 1, 2, 5, 1, 1, b'x'];
    let mut script = Script::default();
    walk_message(types.root(), &bytes, Pads::Data, &mut script).unwrap();
    assert_eq!(
        script.0,
        [
            "0 : Root",
            "0 all: list<U>",
            "1 all[0]: U",
            "1 A = 0",
            "2 all[0].A: A",
            "2 all[0].A.x: u8",
            "3 end all[0].A.x",
            "3 all[0].A.values: list<u16>",
            "4 1 u16",
            "6 end all[0].A.values",
            "6 end all[0].A",
            "6 end all[0]",
            "6 all[1]: U",
            "6 void = 5",
            "7 all[1].void: void",
            "7 end all[1].void",
            "7 end all[1]",
            "7 end all",
            "7 last: optional<str>",
            "8 last: str",
            "10 end last",
            "10 end last",
            "10 end ",
        ]
    );
    let mut script = Script(vec![], vec!["all"]);
    walk_message(types.root(), &bytes, Pads::Data, &mut script).unwrap();
    assert_eq!(script.0[..3], ["0 : Root", "0 all: list<U>", "7 end all"]);
    // what is skipped is checked all the same
    let damaged = [2, 0, 9, 1, 1, 2, 4, 1, 1, b'x'];
    let error = walk_message(types.root(), &damaged, Pads::Data, &mut script).unwrap_err();
    assert_eq!(error.to_string(), "at `all[1]`, octet 6: expected a tag of the schema, found 4");
}

fn config(cases: u32) -> ProptestConfig {
    // a failure is shown with its seed
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(if cfg!(debug_assertions) { 300 } else { 20_000 }))]

    #[test]
    fn any_value_of_any_schema_comes_back(seed: u64, aligned: bool) {
        let pads = if aligned { Pads::Aligned } else { Pads::Data };
        let mut rng = Rng(seed);
        let types = random::schema(&mut rng);
        let ty = types.root();
        let value = random::value(&mut rng, ty, pads);
        let message = value.encode(ty, pads).unwrap();
        prop_assert_eq!(&Value::decode(ty, &message, pads).unwrap(), &value);
        prop_assert!(message.len() as u64 >= ty.min_len());
        if let Some(len) = ty.plain_len() {
            prop_assert_eq!(message.len() as u64, len);
        }
        walked(ty, &message, pads).unwrap();
        // an aligned message is plain BARE, too
        prop_assert!(Value::decode(ty, &message, Pads::Data).is_ok());
        // damaged: refused, or the only octets of another value
        for _ in 0..20 {
            let mut damaged = message.to_vec();
            match damaged.len() {
                0 => damaged.push(rng.next() as u8),
                len => damaged[rng.below(len)] = if rng.chance(50) { rng.next() as u8 } else { rng.below(3) as u8 },
            }
            match Value::decode(ty, &damaged, pads) {
                Ok(other) => {
                    prop_assert_eq!(&other.encode(ty, pads).unwrap()[..], &damaged[..]);
                    walked(ty, &damaged, pads).unwrap();
                }
                Err(error) => {
                    prop_assert!(error.offset() <= damaged.len() as u64);
                    prop_assert!(walked(ty, &damaged, pads).is_err());
                }
            }
        }
        for cut in 0..message.len() {
            prop_assert!(Value::decode(ty, &message[..cut], pads).is_err());
        }
    }

    #[test]
    fn any_octets_under_any_schema(seed: u64, bytes in proptest::collection::vec(any::<u8>(), 0..200), small: bool) {
        let mut rng = Rng(seed);
        let types = random::schema(&mut rng);
        let bytes: Vec<u8> = if small { bytes.into_iter().map(|octet| octet % 4).collect() } else { bytes };
        for pads in [Pads::Data, Pads::Aligned] {
            let decoded = Value::decode(types.root(), &bytes, pads);
            prop_assert_eq!(decoded.is_ok(), walked(types.root(), &bytes, pads).is_ok());
            if let Ok(value) = decoded {
                prop_assert!(memory(&value) <= MAX_MEMORY * bytes.len() as u64 + (1 << 16));
                prop_assert_eq!(&value.encode(types.root(), pads).unwrap()[..], &bytes[..]);
            }
        }
    }

    /// A value of one schema under another: written only where it fits.
    #[test]
    fn values_of_other_schemas_are_refused(a: u64, b: u64) {
        let (mine, other) = (random::schema(&mut Rng(a)), random::schema(&mut Rng(b)));
        let value = random::value(&mut Rng(a ^ b), other.root(), Pads::Data);
        if let Ok(message) = value.encode(mine.root(), Pads::Data) {
            prop_assert!(same(&Value::decode(mine.root(), &message, Pads::Data).unwrap(), &value));
        }
    }
}

#[test]
fn schemas_of_rust_types_are_checked_ones() {
    let of = Types::of::<Model>();
    assert_eq!(of.schema(), Types::new(Schema::of::<Model>(FieldNames::Camel)).unwrap().schema());
    assert_eq!(of.root().name(), Some("Model"));
}
