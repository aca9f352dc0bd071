//! The files that are damaged, and where what is worth damaging stands in them.

use barewire::prelude::*;
use barewire::wire::schema::{Kind, Number, Ty};
use barewire::wire::walk::{Array, Inside, Place, Step, Visitor, walk};
use barewire::wire::{DecodeError, Extent, Header, Level, List, Pads, Reader, Types, to_file};
use barewire_models::hgrn::{HgrnConfig, HgrnLm};

/// Two variants of one shape, and a third.
#[derive(BareUnion)]
enum Gain {
    Left {
        scale: f32,
        by: Vec<f32>,
    },
    Right {
        scale: f32,
        by: Vec<f32>,
    },
    #[bare(tag = 9)]
    Both {
        left: Matrix<f32>,
        right: Matrix<f32>,
    },
}

#[derive(BareUnion, Clone)]
#[bare(fixed_size)]
enum Neuron {
    Lif {
        threshold: f32,
        decay: f32,
    },
    Izhikevich {
        a: f32,
        b: f32,
        c: f32,
        d: f32,
    },
    #[bare(tag = 7)]
    Silent,
}

#[derive(BareStruct)]
struct Net {
    name: String,
    gains: Vec<Gain>,
    rows: Slots<Neuron>,
    columns: Columns<Neuron>,
    head: Gain,
}

#[derive(BareUnion)]
#[bare(rename = "Weight")]
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

/// A file, and places in it.
pub(super) struct Original {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// checks octets in full by the Rust type
    pub(super) typed: fn(&[u8]) -> Result<(), String>,
    pub(super) components: Vec<Extent>,
    /// of a matrix: where `rows` and `cols` stand
    pub(super) dims: Vec<u64>,
    /// floats outside of lists
    pub(super) scalars: Vec<u64>,
    /// lists of floats
    pub(super) floats: Vec<Extent>,
    /// tags of unions, and how many members those have
    pub(super) tags: Vec<(u64, Vec<u64>)>,
}

fn typed<T: Wire>(bytes: &[u8]) -> Result<(), String> {
    let region = Region::<T>::from_bytes(bytes).map_err(|error| error.to_string())?;
    region.verify(Level::Full).map_err(|error| error.to_string())
}

fn original<T: Wire>(name: &'static str, value: &T) -> Original {
    read::<T>(name, to_file(value).to_vec())
}

fn read<T: Wire>(name: &'static str, bytes: Vec<u8>) -> Original {
    let mut found = Original {
        name,
        bytes,
        typed: typed::<T>,
        components: Vec::new(),
        dims: Vec::new(),
        scalars: Vec::new(),
        floats: Vec::new(),
        tags: Vec::new(),
    };
    let bytes = found.bytes.clone();
    let header = Header::read(&bytes).unwrap();
    found.components = header.components().map(|component| component.extent).collect();
    let types = Types::parse(header.schema).unwrap();
    let mut r = Reader::new(&bytes[..header.root.end as usize]);
    r.take(header.root.start as usize).unwrap();
    walk(types.root(), &mut r, Pads::Aligned, &mut found).unwrap();
    found
}

impl<'t, 'w> Visitor<'t, 'w> for Original {
    fn enter(&mut self, place: &Place<'t>, ty: Ty<'t>, offset: u64) -> Result<Inside, DecodeError> {
        match ty.kind() {
            Kind::Number(Number::U32) if place.steps().last() == Some(&Step::Field("rows")) => self.dims.push(offset),
            Kind::Number(Number::F32) => self.scalars.push(offset),
            Kind::Union(members) => self.tags.push((offset, members.iter().map(|member| member.tag).collect())),
            _ => {}
        }
        Ok(Inside::Visit)
    }

    fn array(&mut self, _: &Place<'t>, array: &Array<'w>) -> Result<(), DecodeError> {
        if array.number == Number::F32 && array.count > 0 {
            self.floats.push(array.extent);
        }
        Ok(())
    }
}

fn net() -> Net {
    let by = |n: usize, from: usize| (0..n).map(|i| ((i + from) as f32).sin()).collect::<Vec<f32>>();
    let matrix = |rows, cols, from| Matrix::from_vec(rows, cols, by(rows * cols, from)).unwrap();
    let gain = |i: usize| match i % 3 {
        0 => Gain::Left { scale: i as f32, by: by(20, i) },
        1 => Gain::Right { scale: -(i as f32), by: by(20, 7 * i) },
        _ => Gain::Both { left: matrix(3, 5, i), right: matrix(5, 3, i + 1) },
    };
    let neurons: Vec<Neuron> = (0..70)
        .map(|i| match i % 3 {
            0 => Neuron::Lif { threshold: i as f32, decay: 0.5 },
            1 => Neuron::Izhikevich { a: 0.02, b: 0.2, c: -65.0, d: i as f32 },
            _ => Neuron::Silent,
        })
        .collect();
    Net {
        name: "net".into(),
        gains: (0..12).map(gain).collect(),
        rows: neurons.iter().cloned().collect(),
        columns: neurons.into_iter().collect(),
        head: gain(4),
    }
}

/// A written language model, the octets that the core's golden file has, and a net with slots, columns and variants of one shape.
pub(super) fn originals() -> Vec<Original> {
    let hgrn = HgrnConfig { vocab: 20, d_model: 16, layers: 3, ffn: 24, ternary: true };
    let float = HgrnConfig { ternary: false, ..hgrn };
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../barewire-core/tests/fixtures/weight.bare");
    let golden = std::fs::read(fixture).unwrap();
    let mut all = vec![
        original("a ternary model", &HgrnLm::random(&hgrn, 1).unwrap().0),
        original("a float model", &HgrnLm::random(&float, 2).unwrap().0),
        original("the same with other weights", &HgrnLm::random(&float, 3).unwrap().0),
        original("a net", &net()),
        original("a list", &List(net().gains)),
    ];
    all.push(read::<Vec<Weight>>("the golden file", golden));
    all
}
