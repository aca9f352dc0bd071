//! zerocopy: a table of entries and offsets by hand for the model, since its enums hold no arrays; a padded enum for neurons.

use rkyv::util::AlignedVec;
use std::hint::black_box;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{ARRAY, CHANGED, COMPONENTS, Data, NEURONS, Neuron, PLACE, Part, in_lanes};

const NAME: &str = "zerocopy, by hand";

#[derive(Default)]
pub struct ByHand {
    model: AlignedVec<64>,
    small: AlignedVec<64>,
}

#[derive(TryFromBytes, IntoBytes, KnownLayout, Immutable, Clone, Copy, PartialEq)]
#[repr(u32)]
enum Kind {
    Dense,
    Bias,
    Ternary,
    Steps,
    Codes,
    Scale,
    Nothing,
}

/// One component: its numbers, and where its array lies.
#[derive(TryFromBytes, IntoBytes, KnownLayout, Immutable, Clone, Copy)]
#[repr(C)]
struct Entry {
    kind: Kind,
    /// of the array, in octets; no array has 4 GiB
    len: u32,
    offset: u64,
    /// rows and columns, or the zero point
    sizes: [u32; 2],
    scale: f32,
    unused: u32,
}

const TABLE: usize = COMPONENTS * size_of::<Entry>();

impl Entry {
    fn of(part: &Part, offset: usize) -> Self {
        let (kind, sizes, scale) = match part {
            Part::Dense { rows, cols, scale, .. } => (Kind::Dense, [*rows, *cols], *scale),
            Part::Bias { .. } => (Kind::Bias, [0; 2], 0.0),
            Part::Ternary { rows, cols, scale, .. } => (Kind::Ternary, [*rows, *cols], *scale),
            Part::Steps { .. } => (Kind::Steps, [0; 2], 0.0),
            Part::Codes { zero, .. } => (Kind::Codes, [*zero as u8 as u32, 0], 0.0),
            Part::Scale { value } => (Kind::Scale, [0; 2], *value),
            Part::Nothing => (Kind::Nothing, [0; 2], 0.0),
        };
        let len = part.array().map_or(0, |array| array.len() as u32);
        Self { kind, len, offset: offset as u64, sizes, scale, unused: 0 }
    }

    /// Octets of a number of the array.
    fn item(&self) -> u64 {
        match self.kind {
            Kind::Dense | Kind::Bias => 4,
            Kind::Ternary | Kind::Steps => 8,
            Kind::Codes | Kind::Scale | Kind::Nothing => 1,
        }
    }

    fn array<'a, T: FromBytes + Immutable>(&self, bytes: &'a [u8]) -> &'a [T]
    where
        [T]: KnownLayout + FromBytes,
    {
        let start = self.offset as usize;
        <[T]>::ref_from_bytes(&bytes[start..start + self.len as usize]).expect("`open` checked it")
    }

    fn touch(&self, bytes: &[u8]) -> f32 {
        match self.kind {
            Kind::Dense => self.array::<f32>(bytes)[PLACE] + self.scale,
            Kind::Bias => self.array::<f32>(bytes)[PLACE],
            Kind::Ternary => self.array::<u64>(bytes)[PLACE] as f32 + self.scale,
            Kind::Steps => self.array::<u64>(bytes)[PLACE] as f32,
            Kind::Codes => f32::from(self.array::<i8>(bytes)[PLACE] - self.sizes[0] as i8),
            Kind::Scale => self.scale,
            Kind::Nothing => 0.0,
        }
    }
}

/// The table, with every tag, bound and alignment checked, and that no arrays overlap.
fn open(bytes: &[u8]) -> Option<&[Entry]> {
    let table = <[Entry]>::try_ref_from_bytes(bytes.get(..TABLE)?).ok()?;
    let mut end = TABLE as u64;
    for entry in table {
        let aligned = entry.offset.is_multiple_of(64) && u64::from(entry.len).is_multiple_of(entry.item());
        if entry.offset < end || !aligned {
            return None;
        }
        end = entry.offset.checked_add(entry.len.into())?;
    }
    (end <= bytes.len() as u64).then_some(table)
}

fn change(entry: &mut Entry, octets: &mut [u8]) {
    let array = &mut octets[entry.offset as usize - TABLE..][..entry.len as usize];
    match entry.kind {
        Kind::Dense | Kind::Bias => <[f32]>::mut_from_bytes(array).expect("checked")[PLACE] = CHANGED.into(),
        Kind::Ternary | Kind::Steps => <[u64]>::mut_from_bytes(array).expect("checked")[PLACE] = CHANGED.into(),
        Kind::Codes => array[PLACE] = CHANGED,
        Kind::Scale => entry.scale = CHANGED.into(),
        Kind::Nothing => {}
    }
}

/// A neuron in 20 octets; zerocopy wants padding to have a name.
#[derive(TryFromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(u32)]
#[expect(dead_code, reason = "what no one sums is written all the same")]
enum Row {
    Lif { threshold: f32, decay: f32, refractory: f32, unused: u32 },
    Izhikevich { a: f32, b: f32, c: f32, d: f32 },
    SpikeResponse { rise: f32, fall: f32, unused: [u32; 2] },
}

impl From<&Neuron> for Row {
    fn from(neuron: &Neuron) -> Self {
        match *neuron {
            Neuron::Lif { threshold, decay, refractory } => Self::Lif { threshold, decay, refractory, unused: 0 },
            Neuron::Izhikevich { a, b, c, d } => Self::Izhikevich { a, b, c, d },
            Neuron::SpikeResponse { rise, fall } => Self::SpikeResponse { rise, fall, unused: [0; 2] },
        }
    }
}

impl Row {
    fn first(&self) -> f32 {
        match *self {
            Self::Lif { threshold: x, .. } | Self::Izhikevich { a: x, .. } | Self::SpikeResponse { rise: x, .. } => x,
        }
    }

    fn first_mut(&mut self) -> &mut f32 {
        match self {
            Self::Lif { threshold: x, .. } | Self::Izhikevich { a: x, .. } | Self::SpikeResponse { rise: x, .. } => x,
        }
    }
}

impl System for ByHand {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, NAME);
        let bytes = &mut self.model;
        clock.encode(1, || {
            bytes.clear();
            let mut at = TABLE;
            for part in &data.model {
                bytes.extend_from_slice(Entry::of(part, at).as_bytes());
                at += part.array().map_or(0, |array| array.len().next_multiple_of(64));
            }
            for array in data.model.iter().filter_map(Part::array) {
                bytes.extend_from_slice(array);
                bytes.extend_from_slice(&[0; 64][..ARRAY.next_multiple_of(64) - ARRAY]);
            }
            bytes.len()
        });
        clock.answer(Measure::Open, 100, COMPONENTS, || open(black_box(bytes)).expect("whole").len());
        let table = open(bytes).expect("whole");
        clock.each(Measure::View, 20, &data.parts, |k| data.model[k].touch(), |k| table[k].touch(bytes));
        clock.answer(Measure::Sum, 100, data.model_sum, || table.iter().map(|entry| entry.touch(bytes)).sum());
        clock.each(
            Measure::Bytes,
            20,
            &data.parts,
            |k| data.model[k].touch(),
            |k| {
                let entry = &bytes[k * size_of::<Entry>()..][..size_of::<Entry>()];
                Entry::try_ref_from_bytes(entry).map_or(f32::NAN, |entry| entry.touch(bytes))
            },
        );
        let (table, arrays) = bytes.split_at_mut(TABLE);
        let table = <[Entry]>::try_mut_from_bytes(table).expect("whole");
        clock.change(20, &data.parts, |k| change(&mut table[k], arrays));
        let table = open(bytes).expect("whole");
        clock.check(&data.parts, |k| data.model[k].touch_changed(), |k| table[k].touch(bytes));
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Small, NAME);
        let bytes = &mut self.small;
        clock.encode(3, || {
            bytes.resize(NEURONS * size_of::<Row>(), 0);
            for (neuron, row) in data.neurons.iter().zip(bytes.chunks_exact_mut(size_of::<Row>())) {
                row.copy_from_slice(Row::from(neuron).as_bytes());
            }
            bytes.len()
        });
        let view = |bytes| <[Row]>::try_ref_from_bytes(bytes).expect("whole");
        clock.answer(Measure::Open, 10, NEURONS, || view(black_box(&bytes[..])).len());
        let rows = view(bytes);
        clock.each(Measure::View, 5, &data.some, |k| data.neurons[k].first(), |k| rows[k].first());
        clock.each(
            Measure::Bytes,
            5,
            &data.some,
            |k| data.neurons[k].first(),
            |k| {
                let row = &bytes[k * size_of::<Row>()..][..size_of::<Row>()];
                Row::try_ref_from_bytes(row).map_or(f32::NAN, Row::first)
            },
        );
        clock.answer(Measure::Sum, 5, data.neuron_sum, || rows.iter().map(Row::first).sum());
        clock.answer(Measure::Lanes, 5, data.neuron_sum, || in_lanes(rows.len(), |k| rows[k].first()));
        let rows = <[Row]>::try_mut_from_bytes(bytes).expect("whole");
        clock.change(5, &data.some, |k| *rows[k].first_mut() = CHANGED.into());
        clock.check(&data.some, |_| CHANGED.into(), |k| rows[k].first());
    }
}
