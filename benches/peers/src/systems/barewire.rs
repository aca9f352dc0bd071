//! barewire: the model as a message and as a file, neurons in columns and in slots.

use barewire::prelude::*;
use barewire::wire::{
    AlignedBuf, Writer, lazy_file, to_file_into, to_message_into, view_file, view_message, view_message_mut,
};
use std::hint::black_box;

use super::System;
use crate::clock::{Clock, Measure, Payload};
use crate::data::{
    CHANGED, Data, NEURONS, Neuron, NeuronView, NeuronViewMut, PLACE, Part, PartView, PartViewMut, in_lanes,
};
use crate::limits::sum;

/// Names in tables.
pub const MESSAGE: &str = "barewire, message";
/// See [`MESSAGE`].
pub const FILE: &str = "barewire, file";
/// See [`MESSAGE`].
pub const COLUMNS: &str = "barewire, columns";
/// See [`MESSAGE`].
pub const SLOTS: &str = "barewire, slots";

#[derive(Default)]
pub struct Barewire {
    message: AlignedBuf,
    file: AlignedBuf,
    columns: AlignedBuf,
    slots: AlignedBuf,
    index: Index,
}

fn touch(part: &PartView<'_>) -> f32 {
    match *part {
        PartView::Dense { values, scale, .. } => values[PLACE] + scale,
        PartView::Bias { values } => values[PLACE],
        PartView::Ternary { words, scale, .. } => words[PLACE] as f32 + scale,
        PartView::Steps { values } => values[PLACE] as f32,
        PartView::Codes { codes, zero } => f32::from(codes[PLACE] - zero),
        PartView::Scale { value } => value,
        PartView::Nothing => 0.0,
    }
}

fn change(part: &mut PartViewMut<'_>) {
    match part {
        PartViewMut::Dense { values, .. } | PartViewMut::Bias { values } => values[PLACE] = CHANGED.into(),
        PartViewMut::Ternary { words: values, .. } | PartViewMut::Steps { values } => values[PLACE] = CHANGED.into(),
        PartViewMut::Codes { codes, .. } => codes[PLACE] = CHANGED as i8,
        PartViewMut::Scale { value } => value.set(CHANGED.into()),
        PartViewMut::Nothing => {}
    }
}

fn first(neuron: Option<NeuronView<'_>>) -> f32 {
    match neuron {
        Some(
            NeuronView::Lif { threshold: x, .. }
            | NeuronView::Izhikevich { a: x, .. }
            | NeuronView::SpikeResponse { rise: x, .. },
        ) => x,
        None => f32::NAN,
    }
}

fn change_first(neuron: Option<NeuronViewMut<'_>>) {
    match neuron {
        Some(
            NeuronViewMut::Lif { threshold: x, .. }
            | NeuronViewMut::Izhikevich { a: x, .. }
            | NeuronViewMut::SpikeResponse { rise: x, .. },
        ) => x.set(CHANGED.into()),
        None => unreachable!("the element is there"),
    }
}

impl Barewire {
    fn message(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, MESSAGE);
        clock.encode(1, || {
            to_message_into(&data.model, &mut self.message);
            self.message.len()
        });
        clock.answer(Measure::Open, 100, data.model.len(), || {
            self.index.reset();
            view_message::<Vec<Part>>(black_box(&self.message), &self.index).expect("whole").len()
        });
        {
            let index = Index::new();
            let views = view_message::<Vec<Part>>(&self.message, &index).expect("whole");
            clock.each(Measure::View, 20, &data.parts, |k| data.model[k].touch(), |k| touch(&views[k]));
            clock.answer(Measure::Sum, 100, data.model_sum, || views.iter().map(touch).sum());
        }
        clock.cannot(Measure::Bytes, "a message has no index; a file has");
        let mut views = view_message_mut::<Vec<Part>>(&mut self.message).expect("whole");
        clock.change(20, &data.parts, |k| change(&mut views[k]));
        let index = Index::new();
        let views = view_message::<Vec<Part>>(&self.message, &index).expect("whole");
        clock.check(&data.parts, |k| data.model[k].touch_changed(), |k| touch(&views[k]));
    }

    fn file(&mut self, data: &Data, clock: &mut Clock) {
        clock.system(Payload::Model, FILE);
        clock.encode(1, || {
            to_file_into(&data.model, &mut self.file);
            self.file.len()
        });
        clock.answer(Measure::Open, 100, data.model.len(), || {
            self.index.reset();
            view_file::<Vec<Part>>(black_box(&self.file), &self.index).expect("whole").len()
        });
        let index = Index::new();
        let views = view_file::<Vec<Part>>(&self.file, &index).expect("whole");
        clock.each(Measure::View, 20, &data.parts, |k| data.model[k].touch(), |k| touch(&views[k]));
        clock.answer(Measure::Sum, 100, data.model_sum, || views.iter().map(touch).sum());
        let lazy = lazy_file::<Vec<Part>, Part>(&self.file).expect("a header");
        let expected = |k: usize| data.model[k].touch();
        clock.each(Measure::Bytes, 20, &data.parts, expected, |k| {
            lazy.view(k, &index).map_or(f32::NAN, |part| touch(&part))
        });
        clock.cannot(Measure::Change, "as in the message");
    }
}

/// What columns and slots have under one name.
macro_rules! small {
    ($self:ident.$buf:ident: $list:ident, $data:ident, $clock:ident) => {{
        let (neurons, some) = (&$data.neurons, &$data.some);
        $clock.encode(3, || {
            let mut w = Writer::into_buf(std::mem::take(&mut $self.$buf));
            $list::encode_slice(black_box(neurons), &mut w);
            $self.$buf = w.finish();
            $self.$buf.len()
        });
        $clock.answer(Measure::Open, 20, NEURONS, || {
            $self.index.reset();
            view_message::<$list<Neuron>>(black_box(&$self.$buf), &$self.index).expect("whole").len()
        });
        let mut list = view_message_mut::<$list<Neuron>>(&mut $self.$buf).expect("whole");
        $clock.each(Measure::View, 5, some, |k| neurons[k].first(), |k| first(list.as_view().get(k)));
        $clock.change(5, some, |k| change_first(list.get_mut(k)));
        $clock.check(some, |_| CHANGED.into(), |k| first(list.as_view().get(k)));
        for k in 0..4096 {
            list.set(k, &neurons[k]).expect("the variant it has");
        }
        $clock.cannot(Measure::Bytes, super::WHOLE);
    }};
}

impl System for Barewire {
    fn model(&mut self, data: &Data, clock: &mut Clock) {
        self.message(data, clock);
        self.file(data, clock);
    }

    fn small(&mut self, data: &Data, clock: &mut Clock) {
        let index = Index::new();
        clock.system(Payload::Small, COLUMNS);
        small!(self.columns: Columns, data, clock);
        let columns = view_message::<Columns<Neuron>>(&self.columns, &index).expect("whole");
        // the first numbers of all variants share a column
        let column = || columns.column::<f32>("Lif.threshold").expect("a column of numbers");
        clock.answer(Measure::Sum, 5, data.neuron_sum, || column().iter().sum());
        clock.answer(Measure::Lanes, 50, data.neuron_sum, || sum(column()));

        clock.system(Payload::Small, SLOTS);
        small!(self.slots: Slots, data, clock);
        let slots = view_message::<Slots<Neuron>>(&self.slots, &index).expect("whole");
        clock.answer(Measure::Sum, 5, data.neuron_sum, || slots.iter().map(|neuron| first(Some(neuron))).sum());
        clock.answer(Measure::Lanes, 5, data.neuron_sum, || in_lanes(NEURONS, |k| first(slots.get(k))));
    }
}
