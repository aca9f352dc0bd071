//! vbare: the same format without alignment, checked once and then read in place; types come from `schemas/peers.bare`.

use std::hint::black_box;
use vbare::{Bytes, View, Wire};

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{COMPONENTS, Data, NEURONS, PLACE};
use crate::data::{Neuron as PlainNeuron, Part as PlainPart};
use generated::peers::{
    Bias, Codes, Dense, Izhikevich, Lif, Model, ModelWire, Neuron, NeuronRef, Neurons, NeuronsWire, Part, PartRef,
    Scale, SpikeResponse, Steps, Ternary,
};

/// What the build script made of the schema.
#[allow(clippy::all, dead_code, rust_2018_idioms, unreachable_pub)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/combined_imports.rs"));
}

const NAME: &str = "vbare";

/// vbare encodes types of its own, so the values are here once more.
pub struct Vbare {
    model: Model,
    neurons: Neurons,
    model_bytes: Vec<u8>,
    small_bytes: Vec<u8>,
}

impl From<&PlainPart> for Part {
    fn from(part: &PlainPart) -> Self {
        match part {
            PlainPart::Dense { rows, cols, values, scale } => {
                Self::Dense(Dense { rows: *rows, cols: *cols, values: values.clone(), scale: *scale })
            }
            PlainPart::Bias { values } => Self::Bias(Bias { values: values.clone() }),
            PlainPart::Ternary { rows, cols, words, scale } => {
                Self::Ternary(Ternary { rows: *rows, cols: *cols, words: words.clone(), scale: *scale })
            }
            PlainPart::Steps { values } => Self::Steps(Steps { values: values.clone() }),
            PlainPart::Codes { codes, zero } => Self::Codes(Codes { codes: codes.clone(), zero: *zero }),
            PlainPart::Scale { value } => Self::Scale(Scale { value: *value }),
            PlainPart::Nothing => Self::Nothing,
        }
    }
}

impl From<&PlainNeuron> for Neuron {
    fn from(neuron: &PlainNeuron) -> Self {
        match *neuron {
            PlainNeuron::Lif { threshold, decay, refractory } => Self::Lif(Lif { threshold, decay, refractory }),
            PlainNeuron::Izhikevich { a, b, c, d } => Self::Izhikevich(Izhikevich { a, b, c, d }),
            PlainNeuron::SpikeResponse { rise, fall } => Self::SpikeResponse(SpikeResponse { rise, fall }),
        }
    }
}

impl Vbare {
    pub fn new(data: &Data) -> Self {
        Self {
            model: data.model.iter().map(Part::from).collect(),
            neurons: data.neurons.iter().map(Neuron::from).collect(),
            model_bytes: Vec::new(),
            small_bytes: Vec::new(),
        }
    }
}

fn touch(part: &PartRef<'_>) -> Option<f32> {
    Some(match part {
        PartRef::Dense(part) => part.values().get(PLACE)? + part.scale(),
        PartRef::Bias(part) => part.values().get(PLACE)?,
        PartRef::Ternary(part) => part.words().get(PLACE)? as f32 + part.scale(),
        PartRef::Steps(part) => part.values().get(PLACE)? as f32,
        PartRef::Codes(part) => f32::from(part.codes().get(PLACE)? - part.zero()),
        PartRef::Scale(part) => part.value(),
        PartRef::Nothing => 0.0,
    })
}

fn first(neuron: NeuronRef<'_>) -> f32 {
    match neuron {
        NeuronRef::Lif(lif) => lif.threshold(),
        NeuronRef::Izhikevich(izhikevich) => izhikevich.a(),
        NeuronRef::SpikeResponse(response) => response.rise(),
    }
}

impl System for Vbare {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, NAME);
        let (model, bytes) = (&self.model, &mut self.model_bytes);
        clock.encode(1, || {
            bytes.clear();
            ModelWire::encode(black_box(model), bytes);
            bytes.len()
        });
        // views count references to their octets, and take them over
        let bytes = Bytes::copy_from_slice(bytes);
        let open = || View::<ModelWire>::new(black_box(&bytes).clone()).expect("whole");
        clock.answer(Measure::Open, 1, COMPONENTS, || open().get().len());
        let view = open();
        let parts: Vec<PartRef<'_>> = view.get().iter().collect();
        let expected = |k: usize| data.model[k].touch();
        clock.each(Measure::View, 20, &data.parts, expected, |k| touch(&parts[k]).unwrap_or(f32::NAN));
        clock.answer(Measure::Sum, 100, data.model_sum, || parts.iter().filter_map(touch).sum());
        clock.cannot(Measure::Bytes, super::WHOLE);
        clock.cannot(Measure::Change, super::DECODED);
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Small, NAME);
        let (neurons, bytes) = (&self.neurons, &mut self.small_bytes);
        clock.encode(3, || {
            bytes.clear();
            NeuronsWire::encode(black_box(neurons), bytes);
            bytes.len()
        });
        let bytes = Bytes::copy_from_slice(bytes);
        let open = || View::<NeuronsWire>::new(black_box(&bytes).clone()).expect("whole");
        clock.answer(Measure::Open, 1, NEURONS, || open().get().len());
        let view = open();
        let list = view.get();
        // elements differ in length, so it walks over those before; fewer of them will do
        let expected = |k: usize| data.neurons[k].first();
        clock.each(Measure::View, 1, &data.some[..64], expected, |k| list.get(k).map_or(f32::NAN, first));
        clock.cannot(Measure::Bytes, super::WHOLE);
        clock.answer(Measure::Sum, 1, data.neuron_sum, || list.iter().map(first).sum());
        clock.cannot(Measure::Lanes, "an element is found by walking");
        clock.cannot(Measure::Change, super::DECODED);
    }
}
