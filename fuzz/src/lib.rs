//! What must hold for any octets, one function a reader. A target of `fuzz_targets` calls its function on what the fuzzer
//! makes up; the test `seeds` calls it on the committed seeds.
//!
//! ```sh
//! cargo +nightly fuzz run message fuzz/corpus/message fuzz/seeds/message
//! cargo test --manifest-path fuzz/Cargo.toml --no-default-features    # the seeds, on any toolchain
//! ```
//!
//! A function panics when a law is broken; that is what the fuzzer looks for, with overflows, addresses and memory.

mod types;

use barewire::wire::value::{from_json, to_json};
use barewire::wire::walk::{Visitor, walk_message};
use barewire::wire::{
    AlignedBuf, Columns, Header, Index, Lazy, Pads, Reader, Slots, Types, Union, Value, Wire, WriterSchema,
    from_foreign_message, from_message, lazy_file, to_message, try_to_file, view_file, view_message, view_message_mut,
};

pub use types::{Inner, Kept, KeptKind, Kind, Model, Pair, Part, Unit, example};

/// A typed message: the first octet chooses the type.
pub fn message(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    match choice % 6 {
        0 => typed::<Vec<Part>>(octets),
        1 => typed::<Model>(octets),
        2 => typed::<Pair>(octets),
        3 => typed::<Part>(octets),
        4 => typed::<Slots<Unit>>(octets),
        _ => typed::<Columns<Unit>>(octets),
    }
}

/// Decoding, viewing and viewing for change accept the same octets, which are those that encoding gives back.
fn typed<T: Wire>(octets: &[u8]) {
    let mut message = AlignedBuf::copy_from(octets);
    let index = Index::new();
    let value = from_message::<T>(&message);
    let foreign = from_foreign_message::<T>(&message);
    let viewed = view_message::<T>(&message, &index).map(drop);
    assert_eq!(value.as_ref().err(), viewed.as_ref().err(), "decoding and viewing differ");
    let lent = view_message_mut::<T>(&mut message).map(drop);
    assert_eq!(lent.err(), viewed.err(), "viewing and viewing for change differ");
    assert!(message[..] == *octets, "reading changed something");
    match (value, foreign) {
        (Ok(value), Ok(foreign)) => {
            assert!(to_message(&value)[..] == *octets, "accepted octets are not the canonical ones");
            assert!(to_message(&foreign)[..] == *octets, "the foreign reader reads something else");
        }
        (Ok(_), Err(error)) => panic!("canonical octets are refused as foreign: {error}"),
        // what a foreign writer left becomes canonical by encoding
        (Err(_), Ok(foreign)) => {
            let canonical = to_message(&foreign);
            let again = from_message::<T>(&canonical).expect("encoding gives canonical octets");
            assert!(to_message(&again) == canonical);
        }
        (Err(_), Err(_)) => {}
    }
}

/// A whole file, typed, lazily, and by the schema inside it.
pub fn file(input: &[u8]) {
    let file = AlignedBuf::copy_from(input);
    let Ok(header) = Header::read(&file) else { return };
    let whole = (header.check_hashes(&file).is_ok(), untyped(&file, &header));
    typed_file::<Vec<Part>, Part>(&file, &header);
    typed_file::<Model, Part>(&file, &header);
    if let (true, false) = whole {
        // hashes are no signature: a file whose hashes fit may still be nonsense, but then its views are refused too
        assert!(view_file::<Model>(&file, &Index::new()).is_err());
    }
}

/// Whether the root is a value of the schema that the file brings along.
fn untyped(file: &[u8], header: &Header<'_>) -> bool {
    let Ok(types) = Types::parse(header.schema) else { return false };
    let root = &file[header.root.start as usize..header.root.end as usize];
    Value::decode(types.root(), root, Pads::Aligned).is_ok()
}

fn typed_file<T: Wire, U: Union + Wire>(file: &[u8], header: &Header<'_>) {
    let index = Index::new();
    let viewed = view_file::<T>(file, &index).is_ok();
    if viewed {
        let root = &file[header.root.start as usize..header.root.end as usize];
        let value = from_message::<T>(root).expect("a view is a value");
        assert!(to_message(&value)[..] == *root, "accepted octets are not the canonical ones");
    }
    let Ok(lazy) = lazy_file::<T, U>(file) else { return };
    let components: usize = (0..lazy.len()).map(|k| usize::from(component(&lazy, k))).sum();
    if viewed {
        assert_eq!(components, lazy.len(), "a component of a good file is refused");
    }
}

fn component<U: Union + Wire>(lazy: &Lazy<'_, U>, k: usize) -> bool {
    let index = Index::new();
    let viewed = lazy.view(k, &index).map(drop);
    assert_eq!(viewed.as_ref().err(), lazy.decode(k).map(drop).as_ref().err(), "viewing and decoding differ");
    viewed.is_ok()
}

/// Two schemas with a zero octet between them.
pub fn schema(input: &[u8]) {
    let mut texts = input.splitn(2, |octet| *octet == 0);
    let mut next = || Types::parse(core::str::from_utf8(texts.next()?).ok()?).ok();
    let Some(old) = next() else { return };
    for text in [old.schema().text(), old.schema().pretty()] {
        let again = Types::parse(&text).unwrap_or_else(|error| panic!("printed, then refused: {error}\n{text}"));
        assert_eq!(again.schema().text(), old.schema().text(), "printing and parsing lose something");
    }
    let own = barewire::wire::schema::compat(&old, &old, Pads::Aligned);
    assert!(own.new_reads_old() && own.old_reads_new(), "a schema is not compatible with itself");
    if let Some(new) = next() {
        let there = barewire::wire::schema::compat(&old, &new, Pads::Aligned);
        let back = barewire::wire::schema::compat(&new, &old, Pads::Aligned);
        assert_eq!(there.new_reads_old(), back.old_reads_new(), "who reads whom depends on who is called old");
        assert_eq!(there.old_reads_new(), back.new_reads_old(), "who reads whom depends on who is called old");
    }
}

/// A schema, a zero octet, and a message of its root.
pub fn value(input: &[u8]) {
    let Some((types, octets)) = types_and_rest(input) else { return };
    for pads in [Pads::Data, Pads::Aligned] {
        let walked = walk_message(types.root(), octets, pads, &mut Nobody);
        let value = match (Value::decode_within(types.root(), octets, pads, 1 << 26), walked) {
            (Ok(value), Ok(())) => value,
            (Err(_), Err(_)) => continue,
            // the walk needs no memory for values, so it may go where decoding runs out of it
            (Err(error), Ok(())) => {
                assert!(error.to_string().contains("memory"), "walked, but not decoded: {error}");
                continue;
            }
            (Ok(_), Err(error)) => panic!("decoded, but not walked: {error}"),
        };
        let encoded = value.encode(types.root(), pads).expect("what was decoded can be encoded");
        assert!(encoded[..] == *octets, "accepted octets are not the canonical ones");
        let json = to_json(types.root(), &value).expect("what was decoded has a JSON form");
        let text = serde_json::to_string(&json).expect("JSON has a text");
        let json = serde_json::from_str(&text).expect("JSON's text is JSON");
        assert_eq!(from_json(types.root(), &json).expect("what was written as JSON is read"), value, "through {text}");
    }
}

/// The schema of a writer, a zero octet, and a message of it, for a reader that keeps what it does not know.
pub fn evolution(input: &[u8]) {
    let Some((types, octets)) = types_and_rest(input) else { return };
    let Ok(writer) = WriterSchema::parse::<Vec<Kept>>(&types.schema().text()) else { return };
    let message = AlignedBuf::copy_from(octets);
    let reader = || Reader::new(&message).with_writer_schema(&writer);
    let (mut r, index) = (reader(), Index::new());
    let viewed = Vec::<Kept>::read(&mut r, &index).and_then(|_| r.finish());
    let mut r = reader();
    let value = Vec::<Kept>::decode(&mut r).and_then(|value| r.finish().map(|()| value));
    assert_eq!(value.as_ref().err(), viewed.as_ref().err(), "decoding and viewing differ");
    let walked = walk_message(types.root(), &message, Pads::Aligned, &mut Nobody).is_ok();
    match value {
        Ok(value) => {
            assert!(to_message(&value)[..] == *octets, "accepted octets are not the canonical ones");
            // the reader may know members that the writer does not, and then no file holds both
            assert!(try_to_file(&value).is_ok() || !walked, "a message of the writer cannot be saved");
        }
        Err(error) => assert!(!walked, "a message of the writer is refused: {error}"),
    }
}

/// A schema, a zero octet, and JSON.
pub fn json(input: &[u8]) {
    let Some((types, text)) = types_and_rest(input) else { return };
    let Ok(json) = serde_json::from_slice(text) else { return };
    let Ok(value) = from_json(types.root(), &json) else { return };
    let octets = value.encode(types.root(), Pads::Aligned).expect("what was read from JSON can be encoded");
    let again =
        Value::decode_within(types.root(), &octets, Pads::Aligned, 1 << 26).expect("what was encoded is decoded");
    assert_eq!(again, value);
}

fn types_and_rest(input: &[u8]) -> Option<(Types, &[u8])> {
    let at = input.iter().position(|octet| *octet == 0)?;
    let types = Types::parse(core::str::from_utf8(&input[..at]).ok()?).ok()?;
    Some((types, &input[at + 1..]))
}

struct Nobody;
impl Visitor<'_, '_> for Nobody {}
