//! musli-zerocopy: derives on enums of references, each of which is checked when it is followed.

use musli_zerocopy::{Buf, OwnedBuf, Ref, ZeroCopy};
use std::hint::black_box;

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{CHANGED, COMPONENTS, Data, NEURONS, PLACE, in_lanes};
use crate::data::{Neuron as PlainNeuron, Part as PlainPart};

const NAME: &str = "musli-zerocopy";

#[derive(ZeroCopy, Clone, Copy)]
#[repr(u8)]
enum Part {
    Dense { rows: u32, cols: u32, values: Ref<[f32]>, scale: f32 },
    Bias { values: Ref<[f32]> },
    Ternary { rows: u32, cols: u32, words: Ref<[u64]>, scale: f32 },
    Steps { values: Ref<[u64]> },
    Codes { codes: Ref<[i8]>, zero: i8 },
    Scale { value: f32 },
    Nothing,
}

#[derive(ZeroCopy, Clone, Copy)]
#[repr(u8)]
enum Neuron {
    Lif { threshold: f32, decay: f32, refractory: f32 },
    Izhikevich { a: f32, b: f32, c: f32, d: f32 },
    SpikeResponse { rise: f32, fall: f32 },
}

impl From<&PlainNeuron> for Neuron {
    fn from(neuron: &PlainNeuron) -> Self {
        match *neuron {
            PlainNeuron::Lif { threshold, decay, refractory } => Self::Lif { threshold, decay, refractory },
            PlainNeuron::Izhikevich { a, b, c, d } => Self::Izhikevich { a, b, c, d },
            PlainNeuron::SpikeResponse { rise, fall } => Self::SpikeResponse { rise, fall },
        }
    }
}

impl Neuron {
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

#[derive(Default)]
pub struct Musli {
    model: OwnedBuf,
    small: OwnedBuf,
    /// reused
    parts: Vec<Part>,
    neurons: Vec<Neuron>,
}

type Result<T> = std::result::Result<T, musli_zerocopy::Error>;

fn store(part: &PlainPart, buf: &mut OwnedBuf) -> Result<Part> {
    Ok(match part {
        PlainPart::Dense { rows, cols, values, scale } => {
            Part::Dense { rows: *rows, cols: *cols, values: buf.store_slice(values)?, scale: *scale }
        }
        PlainPart::Bias { values } => Part::Bias { values: buf.store_slice(values)? },
        PlainPart::Ternary { rows, cols, words, scale } => {
            Part::Ternary { rows: *rows, cols: *cols, words: buf.store_slice(words)?, scale: *scale }
        }
        PlainPart::Steps { values } => Part::Steps { values: buf.store_slice(values)? },
        PlainPart::Codes { codes, zero } => Part::Codes { codes: buf.store_slice(codes)?, zero: *zero },
        PlainPart::Scale { value } => Part::Scale { value: *value },
        PlainPart::Nothing => Part::Nothing,
    })
}

fn touch(part: &Part, buf: &OwnedBuf) -> Result<f32> {
    Ok(match *part {
        Part::Dense { values, scale, .. } => buf.load(values)?[PLACE] + scale,
        Part::Bias { values } => buf.load(values)?[PLACE],
        Part::Ternary { words, scale, .. } => buf.load(words)?[PLACE] as f32 + scale,
        Part::Steps { values } => buf.load(values)?[PLACE] as f32,
        Part::Codes { codes, zero } => f32::from(buf.load(codes)?[PLACE] - zero),
        Part::Scale { value } => value,
        Part::Nothing => 0.0,
    })
}

/// For change, where musli-zerocopy's safe interface ends.
fn changeable(buf: &mut OwnedBuf) -> &mut Buf {
    // SAFETY: through the result only single numbers are assigned, which have no padding, so all octets stay initialised.
    unsafe { buf.as_mut_buf() }
}

fn change(parts: Ref<[Part]>, k: usize, buf: &mut Buf) -> Result<()> {
    let part = parts.get_unchecked(k);
    match *buf.load(part)? {
        Part::Dense { values, .. } | Part::Bias { values } => buf.load_mut(values)?[PLACE] = CHANGED.into(),
        Part::Ternary { words: values, .. } | Part::Steps { values } => buf.load_mut(values)?[PLACE] = CHANGED.into(),
        Part::Codes { codes, .. } => buf.load_mut(codes)?[PLACE] = CHANGED as i8,
        Part::Scale { .. } => {
            if let Part::Scale { value } = buf.load_mut(part)? {
                *value = CHANGED.into();
            }
        }
        Part::Nothing => {}
    }
    Ok(())
}

impl System for Musli {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, NAME);
        let (buf, parts) = (&mut self.model, &mut self.parts);
        let mut encode = || {
            buf.clear();
            parts.clear();
            for part in &data.model {
                parts.push(store(part, buf)?);
            }
            buf.store_slice(parts)
        };
        let root = encode().expect("room");
        clock.encode(1, || encode().map_or(0, |root| root.offset() + COMPONENTS * size_of::<Part>()));
        buf.align_in_place().expect("room");
        clock.answer(Measure::Open, 100, COMPONENTS, || {
            let parts = black_box(&*buf).load(root).expect("whole");
            // arrays are checked when they are followed; here too, as in the other systems
            let whole = |part: &&Part| match **part {
                Part::Dense { values, .. } | Part::Bias { values } => buf.load(values).is_ok(),
                Part::Ternary { words: values, .. } | Part::Steps { values } => buf.load(values).is_ok(),
                Part::Codes { codes, .. } => buf.load(codes).is_ok(),
                Part::Scale { .. } | Part::Nothing => true,
            };
            parts.iter().filter(whole).count()
        });
        let parts = buf.load(root).expect("whole");
        let expected = |k: usize| data.model[k].touch();
        clock.each(Measure::View, 20, &data.parts, expected, |k| touch(&parts[k], buf).unwrap_or(f32::NAN));
        let all = || parts.iter().map(|part| touch(part, buf).unwrap_or(f32::NAN)).sum();
        clock.answer(Measure::Sum, 100, data.model_sum, all);
        let lazily = |k| touch(buf.load(root.get_unchecked(k))?, buf);
        clock.each(Measure::Bytes, 20, &data.parts, expected, |k| lazily(k).unwrap_or(f32::NAN));
        let octets = changeable(buf);
        clock.change(20, &data.parts, |k| change(root, k, octets).expect("whole"));
        let parts = buf.load(root).expect("whole");
        let changed = |k: usize| data.model[k].touch_changed();
        clock.check(&data.parts, changed, |k| touch(&parts[k], buf).unwrap_or(f32::NAN));
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Small, NAME);
        let (buf, neurons) = (&mut self.small, &mut self.neurons);
        let mut encode = || {
            buf.clear();
            neurons.clear();
            neurons.extend(data.neurons.iter().map(Neuron::from));
            buf.store_slice(neurons)
        };
        let root = encode().expect("room");
        clock.encode(3, || encode().map_or(0, |root| root.offset() + NEURONS * size_of::<Neuron>()));
        buf.align_in_place().expect("room");
        clock.answer(Measure::Open, 10, NEURONS, || black_box(&*buf).load(root).expect("whole").len());
        let neurons = buf.load(root).expect("whole");
        let expected = |k: usize| data.neurons[k].first();
        clock.each(Measure::View, 5, &data.some, expected, |k| neurons[k].first());
        clock.each(Measure::Bytes, 5, &data.some, expected, |k| {
            buf.load(root.get_unchecked(k)).map_or(f32::NAN, Neuron::first)
        });
        clock.answer(Measure::Sum, 5, data.neuron_sum, || neurons.iter().map(Neuron::first).sum());
        clock.answer(Measure::Lanes, 5, data.neuron_sum, || in_lanes(NEURONS, |k| neurons[k].first()));
        // once for all, which checks every tag again
        let neurons = changeable(buf).load_mut(root).expect("whole");
        clock.change(5, &data.some, |k| *neurons[k].first_mut() = CHANGED.into());
        clock.check(&data.some, |_| CHANGED.into(), |k| neurons[k].first());
    }
}
