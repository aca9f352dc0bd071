//! What another BARE implementation made of our octets under our emitted schema, replayed.
//!
//! `fixtures/foreign/` has, of one value with every shape of type in it, the schema and the message that we write, and what bare-ts (tools
//! 0.16.0, lib 0.4.1: it compiles the schema to JavaScript, and knows nothing of barewire) read from them and wrote again.
//! `bare_ts.mjs` there made those two and says how.

use std::path::PathBuf;

use barewire_core::wire::schema::{Kind, Ty};
use barewire_core::wire::{
    BinaryMatrix, Columns, Int, List, Map, Matrix, Pads, QuantizedMatrix, Slots, TernaryMatrix, Types, Uint, Value,
    from_foreign_message, from_message, schema_text, to_message,
};
use barewire_derive::{BareStruct, BareUnion};

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Weight {
    Ternary {
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(tag = 5)]
    Binary {
        bits: BinaryMatrix,
        scale: f32,
    },
    Quantized(QuantizedMatrix),
    #[bare(tag = 1)]
    Empty,
    #[bare(tag = 200)]
    Dense(Matrix<f32>, Vec<f32>),
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Kernel {
    EluPlusOne,
    #[bare(tag = 200)]
    Exp,
}

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core, fixed_size)]
enum Neuron {
    Lif {
        threshold: f32,
        decay: f32,
        on: bool,
    },
    Table([i16; 3], u64),
    #[bare(tag = 7)]
    Silent,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Everything {
    name: String,
    kernel: Kernel,
    layers: Vec<Weight>,
    #[bare(align = 256)]
    embedding: Matrix<f32>,
    head: Option<Weight>,
    tail: Option<Weight>,
    counts: Vec<u64>,
    flags: Vec<bool>,
    raw: Vec<u8>,
    key: [u8; 4],
    d_model: [u32; 3],
    steps: Uint,
    shift: Int,
    words: Vec<String>,
    nested: Vec<Vec<f32>>,
    plain: List<u16>,
    tiny: i8,
    big: i64,
    wide: f64,
    yes: bool,
    facts: Map<String, u32>,
    alone: Neuron,
    slots: Slots<Neuron>,
    columns: Columns<Neuron>,
}

fn neurons() -> Vec<Neuron> {
    vec![
        Neuron::Lif { threshold: 1.0, decay: 0.5, on: true },
        Neuron::Silent,
        Neuron::Table([1, -2, 300], 1 << 60),
        Neuron::Lif { threshold: -2.5, decay: 0.25, on: false },
    ]
}

fn everything() -> Everything {
    let digits: Vec<i8> = (0..105).map(|i| (i % 3) as i8 - 1).collect();
    let bits: Vec<bool> = (0..70).map(|i| i % 5 == 0).collect();
    let codes: Vec<u8> = (0..50).map(|i| i % 8).collect();
    Everything {
        name: "größe".into(),
        kernel: Kernel::Exp,
        layers: vec![
            Weight::Ternary { digits: TernaryMatrix::from_digits(3, 35, &digits).unwrap(), scale: 0.5 },
            Weight::Empty,
            Weight::Binary { bits: BinaryMatrix::from_bits(1, 70, &bits).unwrap(), scale: -1.0 },
            Weight::Quantized(QuantizedMatrix::from_codes(2, 25, 3, 0.25, 4.0, &codes).unwrap()),
            Weight::Dense(Matrix::from_vec(1, 2, vec![1.0f32, 2.0]).unwrap(), vec![3.0]),
        ],
        embedding: Matrix::from_vec(3, 2, vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.5]).unwrap(),
        head: Some(Weight::Empty),
        tail: None,
        counts: vec![1, u64::MAX],
        flags: vec![true, false],
        raw: vec![9, 8],
        key: [1, 2, 3, 255],
        d_model: [1, 2, 1 << 31],
        steps: Uint(300),
        shift: Int(-300),
        words: vec!["a".into(), String::new()],
        nested: vec![vec![1.0], vec![], vec![2.0, 3.0]],
        plain: List(vec![1, 2]),
        tiny: -1,
        big: i64::MIN,
        wide: 0.1,
        yes: true,
        facts: Map::from_entries(vec![("x".into(), 1), ("w".into(), 2)]).unwrap(),
        alone: Neuron::Table([-1, 0, 1], 7),
        slots: Slots::from_vec(neurons()),
        columns: Columns::from_vec(neurons()),
    }
}

/// As `bare_ts.mjs` writes what it reads: values in the order of the octets, with the names that the schema gives them.
fn plain(ty: Ty<'_>, value: &Value) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    match (ty.kind(), value) {
        (Kind::Struct(fields), Value::Struct(values)) => {
            let fields =
                fields.iter().zip(values).map(|(field, value)| format!("{}: {}", field.name, plain(field.ty, value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        (Kind::Union(members), Value::Union(tag, content)) => {
            let member = members.get(*tag).unwrap();
            let content = content.as_ref().map_or("none".into(), |content| plain(member.ty, content));
            format!("{{tag: {:?}, val: {content}}}", member.name)
        }
        (Kind::Enum(values), Value::Enum(number)) => format!("{:?}", pascal(values.name(*number).unwrap())),
        (Kind::Optional(ty), Value::Optional(content)) => {
            content.as_ref().map_or("none".into(), |content| plain(ty, content))
        }
        (Kind::List(ty, _), Value::Array(numbers)) => list(numbers.iter().map(|number| plain(ty, &number)).collect()),
        (Kind::List(ty, _), Value::List(items)) => list(items.iter().map(|item| plain(ty, item)).collect()),
        (Kind::Map(key, value), Value::Map(entries)) => {
            list(entries.iter().map(|(k, v)| format!("{}: {}", plain(key, k), plain(value, v))).collect())
        }
        (_, Value::Data(octets)) => list(octets.iter().map(u8::to_string).collect()),
        (_, Value::Str(text)) => format!("{text:?}"),
        (_, Value::Bool(is)) => is.to_string(),
        (_, Value::Uint(n) | Value::U64(n)) => n.to_string(),
        (_, Value::Int(n) | Value::I64(n)) => n.to_string(),
        (_, Value::U8(n)) => n.to_string(),
        (_, Value::U16(n)) => n.to_string(),
        (_, Value::U32(n)) => n.to_string(),
        (_, Value::I8(n)) => n.to_string(),
        (_, Value::I16(n)) => n.to_string(),
        (_, Value::I32(n)) => n.to_string(),
        (_, Value::F32(x)) => f64::from(*x).to_string(),
        (_, Value::F64(x)) => x.to_string(),
        (kind, value) => panic!("{kind:?} is not {value:?}"),
    }
}

/// `ELU_PLUS_ONE` as bare-ts calls it: `EluPlusOne`.
fn pascal(name: &str) -> String {
    name.split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase())).collect()
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign")
}

/// What bare-ts read is what we wrote, and it read exactly these octets.
#[test]
fn our_schema_and_octets_are_those_that_it_read() {
    let (schema, message) = (schema_text::<Everything>(), to_message(&everything()));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(folder().join("everything.bare"), &schema).unwrap();
        std::fs::write(folder().join("message.bin"), &message[..]).unwrap();
    }
    assert_eq!(schema.as_bytes(), file("everything.bare"));
    assert_eq!(message[..], file("message.bin")[..]);
    let types = Types::parse(&schema).unwrap();
    let value = Value::decode(types.root(), &message, Pads::Data).unwrap();
    assert_eq!(plain(types.root(), &value), String::from_utf8(file("read.txt")).unwrap().trim_end());
}

/// It wrote the same value without any pad: not canonical for us, valid BARE, read by copying.
#[test]
fn what_it_writes_is_read_by_copying() {
    let foreign = file("written.bin");
    assert_ne!(foreign, file("message.bin"));
    assert!(from_message::<Everything>(&foreign).is_err());
    assert_eq!(from_foreign_message::<Everything>(&foreign).unwrap(), everything());
}
