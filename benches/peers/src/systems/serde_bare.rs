//! serde_bare: the same format without alignment; everything is decoded.

use std::hint::black_box;

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{COMPONENTS, Data, NEURONS, Neuron, Part, in_lanes};

/// Name in tables.
pub const NAME: &str = "serde_bare";

#[derive(Default)]
pub struct SerdeBare {
    model: Vec<u8>,
    small: Vec<u8>,
}

impl System for SerdeBare {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, NAME);
        let bytes = &mut self.model;
        clock.encode(1, || {
            bytes.clear();
            serde_bare::to_writer(&mut *bytes, &data.model).expect("room");
            bytes.len()
        });
        let mut decoded = Vec::new();
        clock.answer(Measure::Open, 1, COMPONENTS, || {
            decoded = serde_bare::from_slice::<Vec<Part>>(black_box(bytes)).expect("whole");
            decoded.len()
        });
        clock.each(Measure::View, 20, &data.parts, |k| data.model[k].touch(), |k| decoded[k].touch());
        clock.answer(Measure::Sum, 100, data.model_sum, || decoded.iter().map(Part::touch).sum());
        clock.cannot(Measure::Bytes, super::WHOLE);
        clock.cannot(Measure::Change, super::DECODED);
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Small, NAME);
        let bytes = &mut self.small;
        clock.encode(3, || {
            bytes.clear();
            serde_bare::to_writer(&mut *bytes, &data.neurons).expect("room");
            bytes.len()
        });
        let mut decoded = Vec::new();
        clock.answer(Measure::Open, 1, NEURONS, || {
            decoded = serde_bare::from_slice::<Vec<Neuron>>(black_box(bytes)).expect("whole");
            decoded.len()
        });
        clock.each(Measure::View, 5, &data.some, |k| data.neurons[k].first(), |k| decoded[k].first());
        clock.answer(Measure::Sum, 5, data.neuron_sum, || decoded.iter().map(Neuron::first).sum());
        clock.answer(Measure::Lanes, 5, data.neuron_sum, || in_lanes(NEURONS, |k| decoded[k].first()));
        clock.cannot(Measure::Bytes, super::WHOLE);
        clock.cannot(Measure::Change, super::DECODED);
    }
}
