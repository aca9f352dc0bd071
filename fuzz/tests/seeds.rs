//! The committed seeds, through the laws, on any toolchain. `BLESS=1` writes them again.

use std::path::{Path, PathBuf};

use barewire::wire::{
    Columns, FieldNames, List, Map, Pads, Reader, Schema, Slots, Types, Uint, Value, Wire, WriterSchema, to_file,
    to_message,
};
use barewire_fuzz::{Inner, Kept, Model, Pair, Part, Unit, example};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 6] = [
    ("message", barewire_fuzz::message),
    ("file", barewire_fuzz::file),
    ("schema", barewire_fuzz::schema),
    ("value", barewire_fuzz::value),
    ("json", barewire_fuzz::json),
    ("evolution", barewire_fuzz::evolution),
];

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

fn read(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder(target)).expect("seeds of the target");
    files
        .map(|file| file.expect("a seed").path())
        .map(|path| (path.clone(), std::fs::read(path).expect("a seed")))
        .collect()
}

#[test]
fn seeds() {
    if std::env::var_os("BLESS").is_some() {
        write();
    }
    for (target, law) in TARGETS {
        let seeds = read(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for (path, seed) in seeds {
            println!("{}", path.display());
            law(&seed);
            // some of what a fuzzer would try first
            for cut in 0..seed.len().min(512) {
                law(&seed[..cut]);
            }
            for at in 0..seed.len().min(512) {
                for change in [1, 0x80, 0xff] {
                    let mut other = seed.clone();
                    other[at] ^= change;
                    law(&other);
                }
            }
        }
    }
}

/// Seeds have to reach what is behind the first check; one that is refused at once is no use.
#[test]
fn seeds_are_accepted() {
    for (path, seed) in read("value") {
        let at = seed.iter().position(|octet| *octet == 0).expect("a zero octet");
        let types = Types::parse(std::str::from_utf8(&seed[..at]).expect("text")).expect("a schema");
        let octets = &seed[at + 1..];
        let fits = [Pads::Data, Pads::Aligned].map(|pads| Value::decode(types.root(), octets, pads).is_ok());
        assert!(fits.contains(&true), "{}", path.display());
    }
}

/// And one for the reader of other versions has to be opened, with something in it that is not known.
#[test]
fn evolution_seeds_are_accepted() {
    let kept = read("evolution").into_iter().filter(|(_, seed)| {
        let at = seed.iter().position(|octet| *octet == 0).expect("a zero octet");
        let text = std::str::from_utf8(&seed[..at]).expect("text");
        let writer = WriterSchema::parse::<Vec<Kept>>(text).expect("a schema that can be read");
        let parts = Vec::<Kept>::decode(&mut Reader::new(&seed[at + 1..]).with_writer_schema(&writer));
        parts.is_ok_and(|parts| matches!(parts.last(), Some(Kept::Unknown(_))))
    });
    assert!(kept.count() > 0);
}

fn write() {
    let model = example();
    let pair = Pair(
        -2,
        List(vec![Map::from_entries(vec![("a".into(), [true, false])]).expect("one key")]),
        Uint(300),
        vec![1, 2],
    );
    let mut seeds: Vec<(&str, String, Vec<u8>)> = Vec::new();
    let mut add = |target, name: &str, octets: &[u8]| seeds.push((target, name.into(), octets.to_vec()));
    let tagged = |tag: u8, octets: &[u8]| [&[tag], octets].concat();
    add("message", "parts", &tagged(0, &to_message(&model.parts)));
    add("message", "model", &tagged(1, &to_message(&model)));
    add("message", "pair", &tagged(2, &to_message(&pair)));
    for (i, part) in model.parts.iter().enumerate() {
        add("message", &format!("part{i}"), &tagged(3, &to_message(part)));
    }
    let units = vec![
        Unit::Lif { threshold: 1.0, kernel: [0.5, 0.25] },
        Unit::Mixed(7, -0.5, true, -3),
        Unit::Inner(Inner::On(5)),
        Unit::Inner(Inner::Off),
    ];
    add("message", "slots", &tagged(4, &to_message(&Slots::from_vec(units.clone()))));
    add("message", "columns", &tagged(5, &to_message(&Columns::from_vec(units))));
    add("file", "model", &to_file(&model));
    add("file", "parts", &to_file(&model.parts));
    add("file", "none", &to_file(&Vec::<Part>::new()));

    let text = Schema::of::<Model>(FieldNames::Camel).text();
    let longer = "type Kind enum { PLAIN GATED = 4 OTHER }\ntype Root struct { kind: optional<Kind> name: str sizes: list<u64>[3] }";
    let shorter = "# of old\ntype Kind enum { PLAIN GATED = 4 }\ntype Root struct { kind: optional<Kind> name: str sizes: list<u64>[3] }";
    add("schema", "model", text.as_bytes());
    add("schema", "two", format!("{shorter}\0{longer}").as_bytes());
    add(
        "schema",
        "map",
        b"type Key data[2]\ntype T union { void | Key = 7 | map<str><list<int>> }\0type T map<u8><f32>",
    );

    let with = |text: &str, rest: &[u8]| [text.as_bytes(), b"\0", rest].concat();
    add("value", "model", &with(&text, &to_message(&model)));
    add("value", "pair", &with(&Schema::of::<Pair>(FieldNames::Snake).text(), &to_message(&pair)));
    let types = Types::parse(longer).expect("a schema");
    add(
        "value",
        "longer",
        &with(longer, &[1, 5, 1, b'A', 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
    );
    add("json", "longer", &with(longer, br#"{"kind": "OTHER", "name": "A", "sizes": [1, 2, 18446744073709551615]}"#));
    let value = Value::decode(
        types.root(),
        &[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0],
        Pads::Data,
    );
    let json = barewire::wire::value::to_json(types.root(), &value.expect("a message")).expect("JSON");
    add("json", "written", &with(longer, json.to_string().as_bytes()));
    let types = Types::parse(&text).expect("a schema");
    let value = Value::decode(types.root(), &to_message(&model), Pads::Aligned).expect("a message");
    let json = barewire::wire::value::to_json(types.root(), &value).expect("JSON");
    add("json", "model", &with(&text, json.to_string().as_bytes()));

    let newer = "type KeptScale f32 type U16Array struct { pad: data values: list<u16> } type KeptLists struct { codes: U16Array flags: list<bool> } type KeptKind enum { PLAIN NEW } type KeptKinds list<KeptKind> type More struct { name: str codes: U16Array } type Kept union { KeptScale | KeptLists | KeptKinds | More = 300 } type Root list<Kept>";
    let types = Types::parse(newer).expect("a schema");
    let codes = || Value::Struct(vec![Value::Data(vec![]), vec![1u16, 2].into()]);
    let parts = Value::List(vec![
        Value::union(0, 1.5f32.into()),
        Value::union(1, Value::Struct(vec![codes(), vec![true, false].into()])),
        Value::union(2, Value::List(vec![Value::Enum(0), Value::Enum(1)])),
        Value::union(300, Value::Struct(vec!["a".into(), codes()])),
    ]);
    let message = parts.encode(types.root(), Pads::Aligned).expect("a message");
    add("evolution", "newer", &with(newer, &message));
    add("evolution", "own", &with(&Schema::of::<Vec<Kept>>(FieldNames::Camel).text(), &message[..6]));

    for (target, name, octets) in seeds {
        std::fs::create_dir_all(folder(target)).expect("a folder");
        std::fs::write(folder(target).join(name), octets).expect("a seed");
    }
}
