//! rkyv: derives on the plain types, access with validation.

use rkyv::api::high::to_bytes_in;
use rkyv::rancor::Error;
use rkyv::seal::Seal;
use rkyv::util::AlignedVec;
use rkyv::vec::ArchivedVec;
use rkyv::{access, access_mut};
use std::hint::black_box;

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{ArchivedNeuron, ArchivedPart, CHANGED, COMPONENTS, Data, NEURONS, PLACE, in_lanes};

const NAME: &str = "rkyv";

#[derive(Default)]
pub struct Rkyv {
    model: AlignedVec,
    small: AlignedVec,
}

type Parts = ArchivedVec<ArchivedPart>;
type Neurons = ArchivedVec<ArchivedNeuron>;

fn touch(part: &ArchivedPart) -> f32 {
    match part {
        ArchivedPart::Dense { values, scale, .. } => values[PLACE].to_native() + scale.to_native(),
        ArchivedPart::Bias { values } => values[PLACE].to_native(),
        ArchivedPart::Ternary { words, scale, .. } => words[PLACE].to_native() as f32 + scale.to_native(),
        ArchivedPart::Steps { values } => values[PLACE].to_native() as f32,
        ArchivedPart::Codes { codes, zero } => f32::from(codes[PLACE] - zero),
        ArchivedPart::Scale { value } => value.to_native(),
        ArchivedPart::Nothing => 0.0,
    }
}

/// The item of an array inside a part.
fn place<T: rkyv::traits::NoUndef + Unpin>(array: &mut ArchivedVec<T>) -> &mut T {
    ArchivedVec::as_slice_seal(Seal::new(array)).index(PLACE).unseal()
}

fn change(part: &mut ArchivedPart) {
    match part {
        ArchivedPart::Dense { values, .. } | ArchivedPart::Bias { values } => {
            *place(values) = f32::from(CHANGED).into()
        }
        ArchivedPart::Ternary { words: values, .. } | ArchivedPart::Steps { values } => {
            *place(values) = u64::from(CHANGED).into();
        }
        ArchivedPart::Codes { codes, .. } => *place(codes) = CHANGED as i8,
        ArchivedPart::Scale { value } => *value = f32::from(CHANGED).into(),
        ArchivedPart::Nothing => {}
    }
}

fn first(neuron: &ArchivedNeuron) -> f32 {
    match neuron {
        ArchivedNeuron::Lif { threshold: x, .. }
        | ArchivedNeuron::Izhikevich { a: x, .. }
        | ArchivedNeuron::SpikeResponse { rise: x, .. } => x.to_native(),
    }
}

fn change_first(neuron: &mut ArchivedNeuron) {
    match neuron {
        ArchivedNeuron::Lif { threshold: x, .. }
        | ArchivedNeuron::Izhikevich { a: x, .. }
        | ArchivedNeuron::SpikeResponse { rise: x, .. } => *x = f32::from(CHANGED).into(),
    }
}

/// The elements of a list for change. An enum has padding, so rkyv's safe interface stops here.
fn elements<T>(list: Seal<'_, ArchivedVec<T>>) -> &mut [T] {
    // SAFETY: nothing is moved out of the slice, and `change` and `change_first` assign numbers alone, which have no
    // uninitialised octets.
    unsafe { ArchivedVec::as_slice_seal(list).unseal_unchecked() }
}

impl System for Rkyv {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, NAME);
        let bytes = &mut self.model;
        clock.encode(1, || {
            bytes.clear();
            *bytes = to_bytes_in::<_, Error>(&data.model, std::mem::take(bytes)).expect("room");
            bytes.len()
        });
        clock.answer(Measure::Open, 100, COMPONENTS, || access::<Parts, Error>(black_box(bytes)).expect("whole").len());
        let parts = access::<Parts, Error>(bytes).expect("whole");
        clock.each(Measure::View, 20, &data.parts, |k| data.model[k].touch(), |k| touch(&parts[k]));
        clock.answer(Measure::Sum, 100, data.model_sum, || parts.iter().map(touch).sum());
        clock.cannot(Measure::Bytes, super::WHOLE);
        let parts = elements(access_mut::<Parts, Error>(bytes).expect("whole"));
        clock.change(20, &data.parts, |k| change(&mut parts[k]));
        let parts = access::<Parts, Error>(bytes).expect("whole");
        clock.check(&data.parts, |k| data.model[k].touch_changed(), |k| touch(&parts[k]));
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Small, NAME);
        let bytes = &mut self.small;
        clock.encode(3, || {
            bytes.clear();
            *bytes = to_bytes_in::<_, Error>(&data.neurons, std::mem::take(bytes)).expect("room");
            bytes.len()
        });
        clock.answer(Measure::Open, 10, NEURONS, || access::<Neurons, Error>(black_box(bytes)).expect("whole").len());
        let neurons = access::<Neurons, Error>(bytes).expect("whole");
        clock.each(Measure::View, 5, &data.some, |k| data.neurons[k].first(), |k| first(&neurons[k]));
        clock.cannot(Measure::Bytes, super::WHOLE);
        clock.answer(Measure::Sum, 5, data.neuron_sum, || neurons.iter().map(first).sum());
        clock.answer(Measure::Lanes, 5, data.neuron_sum, || in_lanes(NEURONS, |k| first(&neurons[k])));
        let neurons = elements(access_mut::<Neurons, Error>(bytes).expect("whole"));
        clock.change(5, &data.some, |k| change_first(&mut neurons[k]));
        clock.check(&data.some, |_| CHANGED.into(), |k| first(&neurons[k]));
    }
}
