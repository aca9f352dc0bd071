//! Values of any schema as JSON, and back.

#[path = "../barewire-core/tests/common/random.rs"]
mod random;

use barewire::wire::value::{Value, from_json, to_json};
use barewire::wire::{Pads, Types};
use random::Rng;
use serde_json::{Value as Json, json};

fn types(schema: &str) -> Types {
    Types::parse(schema).unwrap()
}

/// Both ways, through text too.
fn is(schema: &str, value: Value, json: Json) {
    let types = types(schema);
    assert_eq!(to_json(types.root(), &value).unwrap(), json, "{schema}");
    assert_eq!(from_json(types.root(), &json).unwrap(), value, "{schema}");
    let text: Json = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(from_json(types.root(), &text).unwrap(), value, "{schema}");
}

#[test]
fn every_type() {
    is("type R uint", Value::Uint(u64::MAX), json!(18446744073709551615u64));
    is("type R int", Value::Int(i64::MIN), json!(-9223372036854775808i64));
    is("type R u64", Value::U64(9007199254740993), json!(9007199254740993u64));
    is("type R i8", Value::I8(-128), json!(-128));
    is("type R f32", Value::F32(0.1), json!(0.1f32));
    is("type R f32", Value::F32(f32::from_bits(1)), json!(f32::from_bits(1)));
    is("type R f64", Value::F64(-0.0), json!(-0.0));
    is("type R f64", Value::F64(f64::MIN_POSITIVE / 2.0), json!(f64::MIN_POSITIVE / 2.0));
    is("type R f64", Value::F64(f64::NAN), json!("NaN"));
    is("type R f32", Value::F32(f32::NEG_INFINITY), json!("-Infinity"));
    is("type R f64", Value::F64(f64::INFINITY), json!("Infinity"));
    is("type R f32", Value::F32(f32::from_bits(0xffc0_0001)), json!("NaN:0xffc00001"));
    is("type R bool", Value::Bool(true), json!(true));
    is("type R str", "a\"\u{0}é".into(), json!("a\"\u{0}é"));
    is("type R void", Value::Void, json!(null));
    is("type R data", Value::Data(vec![0, 0xab]), json!("00ab"));
    is("type R data[1]", Value::Data(vec![9]), json!("09"));
    is("type R enum { A B = 7 }", Value::Enum(7), json!("B"));
    is("type R optional<u8>", Value::NONE, json!(null));
    is("type R optional<u8>", Value::some(1u8.into()), json!(1));
    is("type R optional<optional<u8>>", Value::some(Value::NONE), json!({ "some": null }));
    is("type O optional<u8> type R optional<O>", Value::some(Value::some(1u8.into())), json!({ "some": 1 }));
    is("type R list<u16>", vec![1u16, 2].into(), json!([1, 2]));
    is("type R list<bool>[2]", vec![true, false].into(), json!([true, false]));
    is("type R list<str>", Value::List(vec!["a".into()]), json!(["a"]));
    is(
        "type R map<str><u8>",
        Value::Map(vec![("b".into(), 1u8.into()), ("a".into(), 2u8.into())]),
        json!([["b", 1], ["a", 2]]),
    );
    is("type R struct { y: u8 x: str }", Value::Struct(vec![1u8.into(), "a".into()]), json!({ "x": "a", "y": 1 }));
    is("type A u8 type R union { A | void = 4 | list<u8> }", Value::union(0, 3u8.into()), json!({ "A": 3 }));
    is("type A u8 type R union { A | void = 4 | list<u8> }", Value::union(4, Value::Void), json!({ "void": null }));
    is(
        "type A u8 type R union { A | void = 4 | list<u8> }",
        Value::union(5, vec![1u8].into()),
        json!({ "list<u8>": [1] }),
    );
}

#[test]
fn what_is_read_too() {
    let reads = |schema: &str, json: Json, value: Value| {
        assert_eq!(from_json(types(schema).root(), &json).unwrap(), value, "{schema}");
    };
    reads("type R u64", json!("18446744073709551615"), Value::U64(u64::MAX));
    reads("type R int", json!("-5"), Value::Int(-5));
    reads("type R f32", json!(3), Value::F32(3.0));
    reads("type R data", json!("AB"), Value::Data(vec![0xab]));
    reads("type R map<str><u8>", json!({ "a": 1 }), Value::Map(vec![("a".into(), 1u8.into())]));
    let padded = Value::Struct(vec![Value::Data(vec![]), vec![1.5f32].into()]);
    reads("type R struct { pad: data values: list<f32> }", json!({ "values": [1.5] }), padded);
}

#[test]
fn errors_name_the_part() {
    let error = |schema: &str, json: Json| from_json(types(schema).root(), &json).unwrap_err().to_string();
    assert_eq!(error("type R u8", json!(256)), "expected a value of type `R`, which is `u8`, found 256");
    assert_eq!(error("type R list<u8>", json!([1, -1])), "at `[1]`: expected a value of type `u8`, found -1");
    assert_eq!(error("type R list<u64>", json!([1.5])), "at `[0]`: expected a value of type `u64`, found 1.5");
    assert_eq!(
        error("type R struct { x: data }", json!({ "x": "abc" })),
        "at `x`: expected a value of type `data`, found \"abc\""
    );
    assert_eq!(
        error("type R struct { x: data[2] }", json!({ "x": "ab" })),
        "at `x`: expected a value of type `data[2]`, found 1 octets"
    );
    assert_eq!(error("type R struct { x: u8 }", json!({})), "expected the field `x`, found none");
    assert_eq!(error("type R struct { x: u8 }", json!({ "x": 1, "y": 2 })), "expected no other field, found `y`");
    assert_eq!(
        error("type R struct { x: u8 }", json!([])),
        "expected a struct with 1 fields, as `R` has, found an array of 0"
    );
    assert_eq!(error("type R enum { A }", json!("B")), "expected a value of the enum `R`, found \"B\"");
    assert_eq!(
        error("type R union { u8 | str }", json!({ "u16": 1 })),
        "expected a member of the union `R`, found {\"u16\": ..}"
    );
    assert_eq!(
        error("type R union { u8 | str }", json!({ "str": 1 })),
        "at `str`: expected a value of type `str`, found 1"
    );
    assert_eq!(
        error("type R union { u8 | str }", json!({ "u8": 1, "str": "" })),
        "expected a member of the union `R`, found an object with 2 entries"
    );
    assert_eq!(
        error("type R map<u8><u8>", json!([[1, 1], [1, 2]])),
        "at `[1]`: expected each key once, found a key again"
    );
    assert_eq!(
        error("type R map<u8><u8>", json!([[1]])),
        "at `[0]`: expected a key and a value, [key, value], found an array of 1"
    );
    assert!(error("type R f32", json!(1e39)).starts_with("expected a value of type `R`, which is `f32`, found 1e"));
    assert_eq!(
        error("type R f32", json!("NaN:0x3f800000")),
        "expected a value of type `R`, which is `f32`, found \"NaN:0x3f800000\""
    );
    assert_eq!(error("type R f64", json!("nan")), "expected a value of type `R`, which is `f64`, found \"nan\"");
    assert_eq!(error("type R u64", json!("+1")), "expected a value of type `R`, which is `u64`, found \"+1\"");
    assert_eq!(error("type R optional<optional<u8>>", json!(1)), "expected null or {\"some\": ..}, found 1");
    let value = Value::List(vec![Value::Enum(3)]);
    let written = to_json(types("type R list<enum { A }>").root(), &value).unwrap_err();
    assert_eq!((written.path().as_str(), written.found()), ("[0]", "the number 3"));
}

#[test]
fn any_value_of_any_schema_comes_back() {
    for seed in 0..if cfg!(debug_assertions) { 2_000 } else { 50_000 } {
        let mut rng = Rng(seed);
        let types = random::schema(&mut rng);
        let value = random::value(&mut rng, types.root(), Pads::Data);
        let json = to_json(types.root(), &value).unwrap();
        let text = json.to_string();
        let read: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(from_json(types.root(), &read).unwrap(), value, "seed {seed}: {text}");
        // JSON of another schema is refused, or is a value
        let other = random::schema(&mut rng);
        if let Ok(value) = from_json(other.root(), &json) {
            value.encode(other.root(), Pads::Data).unwrap();
        }
    }
}
