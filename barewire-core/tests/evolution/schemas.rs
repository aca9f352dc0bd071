//! Random schemas of writers against one reader.

use barewire_core::wire::schema::{Definition, compat};
use barewire_core::wire::{
    FileError, Index, Level, Pads, Reader, Region, Schema, TypeRef, Types, UnknownMember, Value, Wire, WriterSchema,
    to_message,
};
use barewire_derive::{BareStruct, BareUnion};

use crate::change::change;
use crate::files::file_of;
use crate::random::{self, Rng};

#[derive(BareUnion, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Kind {
    A,
    B,
    #[bare(unknown)]
    Unknown(UnknownMember),
}

#[derive(BareUnion, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Part {
    Scale(f32),
    Lists {
        codes: Vec<u16>,
        flags: Vec<bool>,
    },
    #[bare(tag = 4)]
    Kinds(Vec<Kind>),
    #[bare(unknown)]
    Unknown(UnknownMember),
}

/// All its unions keep what they do not know.
#[derive(BareStruct, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Base {
    name: String,
    parts: Vec<Part>,
    kind: Kind,
    scales: Vec<f32>,
    maybe: Option<Part>,
}

/// A change that only a writer's schema can have: a member with a pad inside, at a new tag.
fn member(rng: &mut Rng, types: &Types) -> Option<Types> {
    let mut definitions = types.schema().definitions.clone();
    let at = definitions.iter().position(|definition| definition.name == "Part")?;
    let TypeRef::Union(members) = &mut definitions[at].ty else { return None };
    let tag = members.last()?.1 + 1 + rng.next() % 300;
    members.push((TypeRef::named("More"), tag));
    let pad = if rng.chance(50) { "pad" } else { "pad128" };
    let fields = [("text", TypeRef::Str), (pad, TypeRef::Data(None)), ("values", TypeRef::list(TypeRef::F64))];
    definitions.insert(at, Definition::new("More", TypeRef::structure(fields)));
    Types::new(Schema { definitions }).ok()
}

/// The report says yes exactly where the plain one finds nothing but members and values that a union keeps; then every message and every file
/// is read, and written again as it was.
#[test]
fn opened_and_read_if_and_only_if_the_report_says_so() {
    let ours = Types::of::<Base>();
    let (mut read, mut kept, mut refused) = (0, 0, 0);
    for seed in 0..if cfg!(debug_assertions) { 300 } else { 5_000 } {
        let mut rng = Rng(seed);
        let mut writer = ours.clone();
        for _ in 0..rng.below(3) {
            writer = change(&mut rng, &writer).map_or(writer, |change| change.types);
        }
        if rng.chance(60) {
            writer = member(&mut rng, &writer).unwrap_or(writer);
        }
        let text = writer.schema().text();
        let plain = compat(&writer, &ours, Pads::Aligned);
        let expected = plain.reasons().filter(|reason| reason.breaks_new_reader).all(|reason| {
            let number = reason.new.strip_prefix("no tag ").or_else(|| reason.new.strip_prefix("no number "));
            !reason.breaks_old_reader && number.is_some_and(|number| number.parse::<u32>().is_ok())
        });
        let report = WriterSchema::report::<Base>(&text).unwrap();
        assert_eq!(report.new_reads_old(), expected, "{text}{report}");
        for _ in 0..10 {
            let value = random::value(&mut rng, writer.root(), Pads::Aligned);
            let message = value.encode(writer.root(), Pads::Aligned).unwrap();
            let file = file_of(&text, &message);
            let region = match Region::<Base>::from_bytes_compatible(&file) {
                Ok(region) => region,
                Err(FileError::Schema { .. }) => {
                    assert!(!expected);
                    refused += 1;
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            assert!(expected);
            read += 1;
            region.verify(Level::Full).unwrap();
            region.view(&Index::new()).unwrap();
            let base = region.decode().unwrap();
            same_as_value(&base, &value);
            assert_eq!(to_message(&base)[..], message[..]);
            let schema = WriterSchema::parse::<Base>(&text).unwrap();
            let alone = Base::decode(&mut Reader::new(&message).with_writer_schema(&schema)).unwrap();
            // octets, since a NaN is not equal to itself
            assert_eq!(to_message(&alone)[..], message[..]);
            // saved again, whatever schema that takes
            let saved = Region::try_encode(&base).unwrap();
            kept += usize::from(saved.writer_schema().is_some());
            saved.verify(Level::Full).unwrap();
            assert_eq!(to_message(&saved.decode().unwrap())[..], message[..]);
        }
    }
    println!("read {read}, with unknown members {kept}, refused {refused}");
    assert!(kept > 100 && refused > 100, "{read} {kept} {refused}");
}

/// Unknown members look, by the schema, as the dynamic value does.
fn same_as_value(base: &Base, value: &Value) {
    let Value::Struct(fields) = value else { panic!() };
    let Value::List(parts) = &fields[1] else { panic!() };
    assert_eq!(parts.len(), base.parts.len());
    for (part, value) in base.parts.iter().zip(parts) {
        let Value::Union(tag, content) = value else { panic!() };
        if let Part::Unknown(member) = part {
            let content = content.as_deref().unwrap_or(&Value::Void);
            assert_eq!((u64::from(member.tag()), &member.value().unwrap()), (*tag, content));
        }
    }
}
