//! safetensors: arrays by name; variants and numbers as JSON in the header, neurons as columns by hand.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use std::collections::HashMap;
use std::hint::black_box;

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{COMPONENTS, Data, NEURONS, Neuron, PLACE, Part, in_lanes};
use crate::limits::{largest, sum};

const NAME: &str = "safetensors";
const READ_ONLY: &str = "reads only";

/// A part without its array, as JSON in the header.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy)]
enum Kind {
    Dense { scale: f32 },
    Bias,
    Ternary { scale: f32 },
    Steps,
    Codes { zero: i8 },
    Scale { value: f32 },
    Nothing,
}

impl Kind {
    fn of(part: &Part) -> Self {
        match *part {
            Part::Dense { scale, .. } => Self::Dense { scale },
            Part::Bias { .. } => Self::Bias,
            Part::Ternary { scale, .. } => Self::Ternary { scale },
            Part::Steps { .. } => Self::Steps,
            Part::Codes { zero, .. } => Self::Codes { zero },
            Part::Scale { value } => Self::Scale { value },
            Part::Nothing => Self::Nothing,
        }
    }

    /// Arrays start at multiples of 8 at best, so numbers are read octet by octet.
    fn touch(self, array: &[u8]) -> f32 {
        match self {
            Self::Dense { scale } => number(array, f32::from_le_bytes) + scale,
            Self::Bias => number(array, f32::from_le_bytes),
            Self::Ternary { scale } => number(array, u64::from_le_bytes) as f32 + scale,
            Self::Steps => number(array, u64::from_le_bytes) as f32,
            Self::Codes { zero } => f32::from(number(array, i8::from_le_bytes) - zero),
            Self::Scale { value } => value,
            Self::Nothing => 0.0,
        }
    }
}

fn number<const N: usize, T>(array: &[u8], from: impl Fn([u8; N]) -> T) -> T {
    from(array.as_chunks::<N>().0[PLACE])
}

fn tensor<'a>(part: &'a Part, array: &'a [u8]) -> TensorView<'a> {
    let (dtype, shape) = match part {
        Part::Dense { rows, cols, .. } => (Dtype::F32, vec![*rows as usize, *cols as usize]),
        Part::Bias { values } => (Dtype::F32, vec![values.len()]),
        Part::Ternary { words: values, .. } | Part::Steps { values } => (Dtype::U64, vec![values.len()]),
        Part::Codes { .. } | Part::Scale { .. } | Part::Nothing => (Dtype::I8, vec![array.len()]),
    };
    TensorView::new(dtype, shape, array).expect("its shape")
}

#[derive(Default)]
pub struct Safetensors {
    /// a tag and four numbers, reused
    tags: Vec<u8>,
    columns: [Vec<f32>; 4],
}

/// What a part is, and its array.
type Parts<'a> = Vec<(Kind, &'a [u8])>;

/// The header, its JSON, and for each part its array.
fn open<'a>(bytes: &'a [u8], names: &[String]) -> anyhow::Result<(SafeTensors<'a>, Parts<'a>)> {
    let tensors = SafeTensors::deserialize(bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let json = header.metadata().as_ref().and_then(|all| all.get("parts"));
    let kinds: Vec<Kind> = serde_json::from_str(json.ok_or_else(|| anyhow::anyhow!("expected `parts`"))?)?;
    let mut parts = Vec::with_capacity(kinds.len());
    for (kind, name) in kinds.into_iter().zip(names) {
        let array = match kind {
            Kind::Scale { .. } | Kind::Nothing => &[][..],
            _ => tensors.tensor(name)?.data(),
        };
        parts.push((kind, array));
    }
    Ok((tensors, parts))
}

struct Columns<'a> {
    tags: &'a [u8],
    numbers: [&'a [f32]; 4],
}

impl<'a> Columns<'a> {
    fn open(bytes: &'a [u8]) -> anyhow::Result<Self> {
        let tensors = SafeTensors::deserialize(bytes)?;
        let tags = tensors.tensor("tags")?.data();
        anyhow::ensure!(largest(tags) <= 2, "expected tags below 3");
        let mut numbers = [&[][..]; 4];
        for (column, name) in numbers.iter_mut().zip(NAMES) {
            let octets = tensors.tensor(name)?.data();
            *column = bytemuck::try_cast_slice(octets).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        }
        Ok(Self { tags, numbers })
    }

    /// All variants have a number in the first column.
    fn first(&self, k: usize) -> f32 {
        match self.tags[k] {
            0..=2 => self.numbers[0][k],
            _ => f32::NAN,
        }
    }
}

const NAMES: [&str; 4] = ["0", "1", "2", "3"];

impl System for Safetensors {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, NAME);
        let names: Vec<String> = (0..COMPONENTS).map(|k| k.to_string()).collect();
        let mut bytes = Vec::new();
        clock.encode(1, || {
            let kinds: Vec<Kind> = data.model.iter().map(Kind::of).collect();
            let json = serde_json::to_string(&kinds).expect("finite numbers");
            let tensors =
                names.iter().zip(&data.model).filter_map(|(name, part)| Some((name, tensor(part, part.array()?))));
            // it always takes fresh memory
            bytes = serialize(tensors, Some(HashMap::from([("parts".to_owned(), json)]))).expect("room");
            bytes.len()
        });
        clock.answer(Measure::Open, 20, COMPONENTS, || open(black_box(&bytes), &names).expect("whole").1.len());
        let (tensors, parts) = open(&bytes, &names).expect("whole");
        let expected = |k: usize| data.model[k].touch();
        clock.each(Measure::View, 20, &data.parts, expected, |k| parts[k].0.touch(parts[k].1));
        clock.answer(Measure::Sum, 100, data.model_sum, || parts.iter().map(|part| part.0.touch(part.1)).sum());
        clock.each(Measure::Bytes, 20, &data.parts, expected, |k| {
            // what has no array stands in the JSON alone
            parts[k].0.touch(tensors.tensor(&names[k]).map_or(&[], |tensor| tensor.data()))
        });
        clock.cannot(Measure::Change, READ_ONLY);
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Small, NAME);
        let mut bytes = Vec::new();
        clock.encode(1, || {
            self.tags.resize(NEURONS, 0);
            self.columns.iter_mut().for_each(|column| column.resize(NEURONS, 0.0));
            for (k, (tag, numbers)) in data.neurons.iter().map(Neuron::numbers).enumerate() {
                self.tags[k] = tag;
                self.columns.iter_mut().zip(numbers).for_each(|(column, number)| column[k] = number);
            }
            let column = |column| TensorView::new(Dtype::F32, vec![NEURONS], bytemuck::cast_slice(column));
            let tags = [("tags", TensorView::new(Dtype::U8, vec![NEURONS], &self.tags).expect("its shape"))];
            let columns = NAMES.into_iter().zip(&self.columns).map(|(name, of)| (name, column(of).expect("its shape")));
            bytes = serialize(tags.into_iter().chain(columns), None).expect("room");
            bytes.len()
        });
        clock.answer(Measure::Open, 20, NEURONS, || Columns::open(black_box(&bytes)).expect("whole").tags.len());
        let columns = Columns::open(&bytes).expect("whole");
        let expected = |k: usize| data.neurons[k].first();
        clock.each(Measure::View, 5, &data.some, expected, |k| columns.first(k));
        clock.cannot(Measure::Bytes, super::WHOLE);
        clock.answer(Measure::Sum, 5, data.neuron_sum, || columns.numbers[0].iter().sum());
        clock.answer(Measure::Lanes, 50, data.neuron_sum, || sum(black_box(columns.numbers[0])));
        clock.cannot(Measure::Change, READ_ONLY);
        // by rows, as the others are looped over
        assert_eq!(in_lanes(NEURONS, |k| columns.first(k)), data.neuron_sum);
    }
}
