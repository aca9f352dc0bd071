//! What a `no_std` user does with the wire, checked against octets that a host with `std` wrote.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use barewire::prelude::*;
use barewire::wire::{
    AlignedBuf, FieldNames, Header, Schema, WriterSchema, from_foreign_message, from_message, lazy_file,
    lazy_file_compatible, to_file, to_message, to_message_into, view_file, view_file_compatible, view_message,
    view_message_mut,
};

/// The type of `barewire-core/tests/fixtures/weight.bare`, with an equation, which is nothing without std.
#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum Weight {
    #[bare(forward = |x: [batch, d_in]| scale * ternary_linear(digits, x))]
    Ternary {
        #[bare(dims = [d_out, d_in])]
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(tag = 3, forward = |x: [batch, d_out]| x + bias)]
    Dense {
        #[bare(dims = [d_out])]
        bias: Vec<f32>,
    },
}

/// A struct with all kinds of fields.
#[derive(BareStruct, Clone, Debug, PartialEq)]
pub struct Model {
    name: String,
    steps: Uint,
    flag: bool,
    gain: f64,
    shape: [u16; 3],
    parts: Vec<Weight>,
    codes: Vec<i64>,
}

/// What reads files of [`Weight`], too: names may differ, and it may have more members.
#[derive(BareUnion, Debug)]
pub enum Newer {
    Packed {
        codes: TernaryMatrix,
        scale: f32,
    },
    Gate(f32),
    #[bare(tag = 3)]
    Dense {
        bias: Vec<f32>,
    },
}

const GOLDEN: &[u8] = include_bytes!("../../../barewire-core/tests/fixtures/weight.bare");

fn weights() -> Result<Vec<Weight>, String> {
    let digits = TernaryMatrix::from_digits(2, 3, &[1, 0, -1, -1, 0, 1]).map_err(|error| error.to_string())?;
    Ok(vec![Weight::Ternary { digits, scale: 0.5 }, Weight::Dense { bias: vec![1.0, -2.0] }])
}

fn same<T: PartialEq + core::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}")) }
}

/// Everything; the error says what failed.
pub fn check() -> Result<(), String> {
    let (parts, text) = (weights()?, |error: barewire::wire::DecodeError| error.to_string());
    // writing gives the same octets whatever the host's order of octets, and reading by copying the same value
    same("file", &to_file(&parts)[..], GOLDEN)?;
    let root = Header::read(GOLDEN).map_err(text)?.root;
    let golden = AlignedBuf::copy_from(&GOLDEN[root.start as usize..root.end as usize]);
    same("message", to_message(&parts), golden.clone())?;
    same("decoded", from_message::<Vec<Weight>>(&golden).map_err(text)?, parts.clone())?;
    same("schema", Schema::of::<f64>(FieldNames::Camel).text().as_str(), "type Root f64\n")?;

    let model = Model {
        name: "größe".into(),
        steps: Uint(300),
        flag: true,
        gain: -1.5,
        shape: [1, 258, 3],
        parts,
        codes: vec![-2, 1 << 40],
    };
    let mut message = AlignedBuf::new();
    to_message_into(&model, &mut message);
    same("gain", &message[11..19], &(-1.5f64).to_le_bytes()[..])?;
    same("model", from_message::<Model>(&message).map_err(text)?, model.clone())?;
    let mut foreign = vec![0, 1];
    foreign.extend(1.5f32.to_le_bytes());
    same("foreign", from_foreign_message::<Vec<f32>>(&foreign).map_err(text)?, vec![1.5])?;

    let index = Index::new();
    if cfg!(target_endian = "big") {
        // numbers do not lie as the host wants them: refused, not misread
        for error in [
            view_message::<Model>(&message, &index).err(),
            view_message_mut::<Model>(&mut message.clone()).err(),
            lazy_file::<Vec<Weight>, Weight>(&to_file(&model.parts)).map_err(text)?.view(1, &Index::new()).err(),
        ] {
            let expected = error.map(|error| error.expected().to_string());
            same("view", expected.is_some_and(|text| text.starts_with("a little-endian host")), true)?;
        }
        let file = to_file(&model.parts);
        let lazy = lazy_file::<Vec<Weight>, Weight>(&file).map_err(text)?;
        return same("lazy", &lazy.decode(1).map_err(text)?, &model.parts[1]);
    }
    let view = view_message::<Model>(&message, &index).map_err(text)?;
    same("codes", view.codes, &model.codes[..])?;
    same("view", format!("{view:?}"), format!("{:?}", model.view(&index)))?;
    let file = to_file(&model.parts);
    same("file view", view_file::<Vec<Weight>>(&file, &index).map_err(text)?.len(), 2)?;
    let lazy = lazy_file::<Vec<Weight>, Weight>(&file).map_err(text)?;
    let WeightView::Dense { bias } = lazy.view(1, &index).map_err(text)? else { return Err("lazy".into()) };
    same("bias", bias, &[1.0, -2.0][..])?;
    let writer = WriterSchema::parse::<Vec<Newer>>(Header::read(&file).map_err(text)?.schema);
    let writer = writer.map_err(|error| error.to_string())?;
    let newer = view_file_compatible::<Vec<Newer>>(&file, &writer, &index).map_err(text)?;
    let [NewerView::Packed { scale, .. }, NewerView::Dense { .. }] = newer else { return Err(format!("{newer:?}")) };
    same("compatible", *scale, 0.5f32)?;
    let lazy = lazy_file_compatible::<Vec<Newer>, Newer>(&file, &writer).map_err(text)?;
    same("compatible, lazily", lazy.view(1, &index).map_err(text)?.tag(), 3)?;
    same("of another type", view_file_compatible::<Vec<Newer>>(&to_file(&1u8), &writer, &index).is_err(), true)?;
    let mut changed = message.clone();
    let view = view_message_mut::<Model>(&mut changed).map_err(text)?;
    view.codes[0] = 7;
    same("changed", from_message::<Model>(&changed).map_err(text)?.codes[0], 7)
}
