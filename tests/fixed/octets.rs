//! The octets, and what someone reads who has nothing but the schema.

use std::collections::BTreeMap;

use barewire::wire::{Columns, FieldNames, Pads, Schema, Slots, TypeRef, Types, Value, Wire, schema_text, to_message};

use crate::types::*;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The example of `docs/wire-format.md`.
fn example() -> Vec<Neuron> {
    vec![Neuron::Lif { threshold: 1.0, decay: 0.5, refractory: 2.0 }, Neuron::Silent]
}

#[test]
fn slots() {
    let slots = Slots::from_vec(example());
    assert_eq!(
        schema_text::<Slots<Neuron>>(),
        "type NeuronLifSlot struct { gap: data[3] threshold: f32 decay: f32 refractory: f32 gap2: data[4] }\n\
         type NeuronIzhikevichSlot struct { gap: data[3] a: f32 b: f32 c: f32 d: f32 }\n\
         type NeuronSilentSlot struct { gap: data[19] }\n\
         type NeuronSlot union { NeuronLifSlot | NeuronIzhikevichSlot | NeuronSilentSlot = 7 }\n\
         type NeuronSlots struct { pad: data slots: list<NeuronSlot> }\n"
    );
    let expected = format!(
        "3e{}02\
         00000000 0000803f 0000003f 00000040 00000000\
         07000000 00000000 00000000 00000000 00000000",
        "00".repeat(62)
    );
    assert_eq!(hex(&to_message(&slots)), expected.replace(' ', ""));
}

#[test]
fn columns() {
    let columns = Columns::from_vec(example());
    assert_eq!(
        schema_text::<Columns<Neuron>>(),
        "type NeuronLif struct { threshold: f32 decay: f32 refractory: f32 }\n\
         type NeuronIzhikevich struct { a: f32 b: f32 c: f32 d: f32 }\n\
         type NeuronSilent void\n\
         type Neuron union { NeuronLif | NeuronIzhikevich | NeuronSilent = 7 }\n\
         type NeuronTag enum { LIF IZHIKEVICH SILENT = 7 }\n\
         type F32Array struct { pad: data values: list<f32> }\n\
         type NeuronColumns struct { pad: data tags: list<NeuronTag> f32Columns: list<F32Array>[4] }\n"
    );
    let expected = format!(
        "3e{}02 0007\
         3c{}02 0000803f 00000000\
         36{}02 0000003f 00000000\
         36{}02 00000040 00000000\
         36{}02 00000000 00000000",
        "00".repeat(62),
        "00".repeat(60),
        "00".repeat(54),
        "00".repeat(54),
        "00".repeat(54)
    );
    assert_eq!(hex(&to_message(&columns)), expected.replace(' ', ""));
}

#[test]
fn other_schemas() {
    assert_eq!(
        schema_text::<Slots<Kernel>>(),
        "type Kernel enum { EXP = 2 ALPHA }\ntype KernelSlots struct { pad: data slots: list<Kernel> }\n"
    );
    assert_eq!(
        schema_text::<Columns<Kernel>>(),
        "type Kernel enum { EXP = 2 ALPHA }\ntype KernelColumns struct { pad: data tags: list<Kernel> }\n"
    );
    assert_eq!(
        schema_text::<Slots<Point>>(),
        "type PointSlot struct { x: f64 Y: u16 gap: data[6] }\n\
         type PointSlots struct { pad: data slots: list<PointSlot> }\n"
    );
    assert_eq!(
        schema_text::<Columns<Point>>(),
        "type Point struct { x: f64 Y: u16 }\n\
         type U16Array struct { pad: data values: list<u16> }\n\
         type F64Array struct { pad: data values: list<f64> }\n\
         type PointColumns struct { u16Columns: list<U16Array>[1] f64Columns: list<F64Array>[1] }\n"
    );
    assert_eq!(to_message(&Slots::from_vec(vec![Kernel::Exp, Kernel::Alpha]))[64..], [2, 3]);
    let snake = Schema::of::<Columns<Point>>(FieldNames::Snake).text();
    assert!(
        snake.ends_with("type PointColumns struct { u16_columns: list<U16Array>[1] f64_columns: list<F64Array>[1] }\n")
    );
}

/// A value as any BARE reader has it.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Number(u64),
    Name(String),
    List(Vec<Tree>),
    Struct(Vec<(String, Tree)>),
    Member(u64, Box<Tree>),
}

/// A reader of plain BARE that knows a schema and nothing else of this project.
struct Foreign<'a> {
    types: BTreeMap<&'a str, &'a TypeRef>,
    octets: &'a [u8],
}

impl<'a> Foreign<'a> {
    fn read(schema: &'a Schema, octets: &'a [u8]) -> Tree {
        let types = schema.definitions.iter().map(|of| (&*of.name, &of.ty)).collect();
        let mut reader = Foreign { types, octets };
        let value = reader.value(&schema.definitions.last().unwrap().ty);
        assert!(reader.octets.is_empty());
        value
    }

    fn number(&mut self, octets: usize) -> u64 {
        let (number, rest) = self.octets.split_at(octets);
        self.octets = rest;
        number.iter().rev().fold(0, |number, &octet| number << 8 | u64::from(octet))
    }

    fn uint(&mut self) -> u64 {
        let octet = self.number(1);
        if octet < 0x80 { octet } else { (octet & 0x7f) | self.uint() << 7 }
    }

    fn value(&mut self, ty: &'a TypeRef) -> Tree {
        match ty {
            TypeRef::U8 | TypeRef::I8 | TypeRef::Bool => Tree::Number(self.number(1)),
            TypeRef::U16 | TypeRef::I16 => Tree::Number(self.number(2)),
            TypeRef::U32 | TypeRef::I32 | TypeRef::F32 => Tree::Number(self.number(4)),
            TypeRef::U64 | TypeRef::I64 | TypeRef::F64 => Tree::Number(self.number(8)),
            TypeRef::Void => Tree::Struct(Vec::new()),
            TypeRef::Data(n) => {
                let n = n.unwrap_or_else(|| self.uint());
                Tree::List((0..n).map(|_| Tree::Number(self.number(1))).collect())
            }
            TypeRef::List(item, n) => {
                let n = n.unwrap_or_else(|| self.uint());
                Tree::List((0..n).map(|_| self.value(item)).collect())
            }
            TypeRef::Named(name) => self.value(self.types[&**name]),
            TypeRef::Enum(values) => {
                let tag = self.uint();
                Tree::Name(values.iter().find(|(_, t)| *t == tag).unwrap().0.clone())
            }
            TypeRef::Union(members) => {
                let tag = self.uint();
                let (member, _) = members.iter().find(|(_, t)| *t == tag).unwrap();
                Tree::Member(tag, Box::new(self.value(member)))
            }
            TypeRef::Struct(fields) => {
                Tree::Struct(fields.iter().map(|(name, ty)| (name.clone(), self.value(ty))).collect())
            }
            other => panic!("{other}"),
        }
    }
}

/// What a value looks like in its own message, without slots and columns.
fn plain<T: Wire>(value: &T) -> Tree {
    normal(Foreign::read(&Schema::of::<T>(FieldNames::Camel), &to_message(value)))
}

/// Without gaps, and with the only field of a tuple variant in its place: the two ways in which slots differ.
fn normal(value: Tree) -> Tree {
    match value {
        Tree::List(items) => Tree::List(items.into_iter().map(normal).collect()),
        Tree::Member(tag, value) => Tree::Member(tag, Box::new(normal(*value))),
        Tree::Struct(fields) => {
            let mut fields: Vec<_> = fields
                .into_iter()
                .filter(|(name, _)| !name.starts_with("gap"))
                .map(|(name, value)| (name, normal(value)))
                .collect();
            match &fields[..] {
                [(name, _)] if name == "f0" => fields.remove(0).1,
                _ => Tree::Struct(fields),
            }
        }
        other => other,
    }
}

fn field<'a>(value: &'a Tree, name: &str) -> &'a [Tree] {
    let Tree::Struct(fields) = value else { panic!("{value:?}") };
    match fields.iter().find(|(field, _)| field == name) {
        Some((_, Tree::List(items))) => items,
        other => panic!("{other:?}"),
    }
}

#[test]
fn slots_are_read_by_their_schema_alone() {
    let values = some_rich();
    let (schema, message) =
        (Schema::of::<Slots<Rich>>(FieldNames::Camel), to_message(&Slots::from_vec(values.clone())));
    let root = Foreign::read(&schema, &message);
    let slots: Vec<Tree> = field(&root, "slots").iter().cloned().map(normal).collect();
    assert_eq!(slots, values.iter().map(plain).collect::<Vec<_>>());
}

/// Puts a row of columns together again, by the rule of `docs/wire-format.md` and the element's type in the schema.
struct Row<'a> {
    types: BTreeMap<&'a str, &'a TypeRef>,
    root: &'a Tree,
    row: usize,
    /// of each list of columns, how many are read
    next: BTreeMap<&'static str, usize>,
}

impl<'a> Row<'a> {
    fn cell(&mut self, list: &'static str) -> Tree {
        let next = self.next.entry(list).or_default();
        *next += 1;
        field(&field(self.root, list)[*next - 1], "values")[self.row].clone()
    }

    fn tag(&mut self) -> u64 {
        let Tree::Number(tag) = self.cell("tagColumns") else { panic!("tags are numbers") };
        tag
    }

    fn list_of(ty: &TypeRef) -> Option<&'static str> {
        Some(match ty {
            TypeRef::U8 => "u8Columns",
            TypeRef::I8 => "i8Columns",
            TypeRef::Bool => "boolColumns",
            TypeRef::U16 => "u16Columns",
            TypeRef::I16 => "i16Columns",
            TypeRef::U32 => "u32Columns",
            TypeRef::I32 => "i32Columns",
            TypeRef::F32 => "f32Columns",
            TypeRef::U64 => "u64Columns",
            TypeRef::I64 => "i64Columns",
            TypeRef::F64 => "f64Columns",
            _ => return None,
        })
    }

    fn value(&mut self, ty: &'a TypeRef) -> Tree {
        if let Some(list) = Self::list_of(ty) {
            return self.cell(list);
        }
        match ty {
            TypeRef::Named(name) => self.value(self.types[&**name]),
            TypeRef::Void => Tree::Struct(Vec::new()),
            TypeRef::List(item, n) => Tree::List((0..n.unwrap()).map(|_| self.value(item)).collect()),
            TypeRef::Struct(fields) => {
                Tree::Struct(fields.iter().map(|(name, ty)| (name.clone(), self.value(ty))).collect())
            }
            TypeRef::Enum(values) => {
                let tag = self.tag();
                Tree::Name(values.iter().find(|(_, t)| *t == tag).unwrap().0.clone())
            }
            TypeRef::Union(members) => {
                let tag = self.tag();
                self.member(members, tag)
            }
            other => panic!("{other}"),
        }
    }

    fn member(&mut self, members: &'a [(TypeRef, u64)], tag: u64) -> Tree {
        let before = self.next.clone();
        let (member, _) = members.iter().find(|(_, t)| *t == tag).unwrap();
        let value = self.value(member);
        // the union takes what its largest variant takes, of each type
        let mut most = self.next.clone();
        for (member, _) in members {
            let mut needs = before.clone();
            self.needs(member, &mut needs);
            for (list, n) in needs {
                let most = most.entry(list).or_default();
                *most = n.max(*most);
            }
        }
        self.next = most;
        Tree::Member(tag, Box::new(value))
    }

    fn needs(&self, ty: &TypeRef, next: &mut BTreeMap<&'static str, usize>) {
        if let Some(list) = Self::list_of(ty) {
            *next.entry(list).or_default() += 1;
            return;
        }
        match ty {
            TypeRef::Named(name) => self.needs(self.types[&**name], next),
            TypeRef::List(item, n) => (0..n.unwrap()).for_each(|_| self.needs(item, next)),
            TypeRef::Struct(fields) => fields.iter().for_each(|(_, ty)| self.needs(ty, next)),
            TypeRef::Enum(_) => *next.entry("tagColumns").or_default() += 1,
            TypeRef::Union(members) => {
                *next.entry("tagColumns").or_default() += 1;
                let (before, mut most) = (next.clone(), next.clone());
                for (member, _) in members {
                    let mut needs = before.clone();
                    self.needs(member, &mut needs);
                    for (list, n) in needs {
                        let most = most.entry(list).or_default();
                        *most = n.max(*most);
                    }
                }
                *next = most;
            }
            _ => {}
        }
    }
}

#[test]
fn columns_are_read_by_their_schema_alone() {
    let values = some_rich();
    let schema = Schema::of::<Columns<Rich>>(FieldNames::Camel);
    let message = to_message(&Columns::from_vec(values.clone()));
    let root = Foreign::read(&schema, &message);
    let types: BTreeMap<&str, &TypeRef> = schema.definitions.iter().map(|of| (&*of.name, &of.ty)).collect();
    let (TypeRef::Union(members), TypeRef::Enum(tags)) = (types["Rich"], types["RichTag"]) else { panic!() };
    for (row, value) in values.iter().enumerate() {
        let Tree::Name(name) = &field(&root, "tags")[row] else { panic!("tags have names") };
        let tag = tags.iter().find(|(value, _)| value == name).unwrap().1;
        let mut row = Row { types: types.clone(), root: &root, row, next: BTreeMap::new() };
        assert_eq!(normal(row.member(members, tag)), plain(value), "{value:?}");
    }
}

/// The reader without Rust types takes them, and writes the same octets.
#[test]
fn the_dynamic_reader_agrees() {
    fn same<T: Wire>(value: &T) {
        let (types, message) = (Types::of::<T>(), to_message(value));
        for pads in [Pads::Data, Pads::Aligned] {
            let value = Value::decode(types.root(), &message, pads).unwrap();
            assert_eq!(value.encode(types.root(), pads).unwrap()[..], message[..]);
        }
    }
    same(&Slots::from_vec(some_rich()));
    same(&Columns::from_vec(some_rich()));
    same(&Columns::from_vec(some_neurons()));
}
