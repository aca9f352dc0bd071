//! Regions: components one at a time, growing and shrinking, changes in place that are interrupted.

use barewire_core::wire::{
    AlignedBuf, BinaryMatrix, FileError, Header, Index, Level, List, Mapped, MappedMut, Matrix, Region, TernaryMatrix,
    Wire, lazy_file, to_file, view_file,
};
use barewire_derive::{BareStruct, BareUnion};
use proptest::prelude::*;

mod changes;
mod generations;
mod lazy;
mod memory;
mod splicing;

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Part {
    Dense(Vec<f32>),
    Ternary { digits: TernaryMatrix, scale: f32 },
    Wide(#[bare(align = 256)] Vec<f32>),
    Scale(f32),
    Nothing,
}

/// The same without arrays: nothing has to be aligned.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Small {
    Scale(f32),
    Name(String),
}

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Head {
    Scale(f32),
    Full(Matrix<f32>),
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Kind {
    Plain,
    Gated,
}

/// Components of three unions, with all kinds of things between them.
#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    name: String,
    kind: Kind,
    first: Option<Head>,
    counts: Vec<u64>,
    flags: Vec<bool>,
    parts: Vec<Part>,
    facts: barewire_core::wire::Map<u16, Option<Vec<u8>>>,
    shape: [[u16; 3]; 2],
    head: Head,
    words: Vec<String>,
    pair: [Part; 2],
}

fn ternary() -> Part {
    let digits: Vec<i8> = (0..9 * 33).map(|i| (i * 7 % 3) as i8 - 1).collect();
    Part::Ternary { digits: TernaryMatrix::from_digits(9, 33, &digits).unwrap(), scale: 0.5 }
}

fn parts() -> Vec<Part> {
    vec![Part::Scale(1.0), Part::Dense(vec![1.0, 2.0]), ternary(), Part::Nothing, Part::Wide(vec![3.0; 70])]
}

fn model() -> Model {
    Model {
        name: "größe".into(),
        kind: Kind::Gated,
        first: Some(Head::Scale(0.25)),
        counts: vec![1, 2, 3],
        flags: vec![true, false],
        parts: parts(),
        facts: barewire_core::wire::Map::from_entries(vec![(1, None), (2, Some(vec![1, 2, 3]))]).unwrap(),
        shape: [[1, 2, 3], [4, 5, 6]],
        head: Head::Full(Matrix::from_vec(1, 2, vec![7.0f32, 8.0]).unwrap()),
        words: vec!["a".into(), String::new()],
        pair: [Part::Nothing, Part::Dense(vec![9.0])],
    }
}

/// The index's entry `i` in a file of `count` components, and its two offsets.
fn entry(bytes: &mut [u8], count: usize, i: usize) -> &mut [u8] {
    let at = bytes.len() - 48 * (count - i);
    &mut bytes[at..at + 48]
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Nothing),
        Just(ternary()),
        (-1e9f32..1e9).prop_map(Part::Scale),
        proptest::collection::vec(-1e9f32..1e9, 0..40).prop_map(Part::Dense),
        proptest::collection::vec(-1e9f32..1e9, 0..40).prop_map(Part::Wide),
    ]
}

fn any_small() -> impl Strategy<Value = Small> {
    prop_oneof![(-1e9f32..1e9).prop_map(Small::Scale), any::<String>().prop_map(Small::Name)]
}
