//! The least that the machine allows, measured in turns with the systems.

use barewire::wire::{AlignedBuf, schema_hash};
use std::hint::black_box;

use crate::clock::{Clock, Payload};
use crate::data::{Data, NEURONS, Part};

/// Names of the limits, as the targets refer to them.
pub const COPY_MODEL: &str = "copy of the model's octets";
/// See [`COPY_MODEL`].
pub const COPY_SLOTS: &str = "copy of the slots";
/// See [`COPY_MODEL`].
pub const COPY_COLUMNS: &str = "copy of the columns";
/// See [`COPY_MODEL`].
pub const TAG_COLUMN: &str = "largest tag of a column";
/// See [`COPY_MODEL`].
pub const TAG_SLOTS: &str = "largest tag of slots";
/// See [`COPY_MODEL`].
pub const SUM_COLUMN: &str = "sum of a column in 32 lanes";
/// See [`COPY_MODEL`].
pub const TAG_RANDOM: &str = "a tag and its bound, at random";
/// See [`COPY_MODEL`]. With `std` it is taken once and kept; without, whenever a file is opened.
pub const SCHEMA: &str = "hash of the schema";
/// See [`COPY_MODEL`].
pub const VALUE: &str = "one component of a `Vec` in memory";

/// Octets of a slot of a neuron: a tag, three of gap, four numbers.
pub const SLOT: usize = 20;

/// The largest of some octets: a loop that the compiler makes vectors of.
pub fn largest(octets: &[u8]) -> u8 {
    octets.iter().fold(0, |largest, &octet| largest.max(octet))
}

/// A sum of neighbours in 32 lanes, likewise.
pub fn sum(numbers: &[f32]) -> f32 {
    let (chunks, tail) = numbers.as_chunks::<32>();
    let mut lanes = [0.0f32; 32];
    for chunk in chunks {
        for i in 0..32 {
            lanes[i] += chunk[i];
        }
    }
    lanes.iter().sum::<f32>() + tail.iter().sum::<f32>()
}

/// Memory for the limits.
pub struct Limits {
    model: (AlignedBuf, AlignedBuf),
    slots: (Vec<u8>, Vec<u8>),
    tags: Vec<u8>,
    numbers: Vec<f32>,
}

impl Limits {
    /// `model` are the octets of the model.
    pub fn new(data: &Data, model: AlignedBuf) -> Self {
        let (tags, numbers): (Vec<u8>, Vec<[f32; 4]>) = data.neurons.iter().map(|neuron| neuron.numbers()).unzip();
        let mut slots = vec![0; SLOT * NEURONS];
        for (slot, (tag, numbers)) in slots.chunks_exact_mut(SLOT).zip(tags.iter().zip(&numbers)) {
            slot[0] = *tag;
            slot[4..].copy_from_slice(bytemuck::cast_slice(numbers));
        }
        let numbers = numbers.iter().map(|numbers| numbers[0]).collect();
        Self { model: (model.clone(), model), slots: (slots.clone(), slots), tags, numbers }
    }

    /// One round.
    pub fn round(&mut self, data: &Data, clock: &mut Clock) {
        let (from, to) = &mut self.model;
        let octets = from.len();
        clock.limit(Payload::Model, COPY_MODEL, (1, 1), octets, || copy(from, to));
        let components = data.parts.len();
        let expected: f32 = data.parts.iter().map(|&k| data.model[k].touch()).sum();
        clock.limit(Payload::Model, VALUE, (20, components), expected, || {
            data.parts.iter().map(|&k| black_box(data.model[k].touch())).sum()
        });
        let hash = schema_hash::<Vec<Part>>();
        clock.limit(Payload::Model, SCHEMA, (200, 1), hash, schema_hash::<Vec<Part>>);

        let (from, to) = &mut self.slots;
        clock.limit(Payload::Small, COPY_SLOTS, (3, 1), SLOT * NEURONS, || copy(from, to));
        let (from, to) = (&from[..17 * NEURONS], &mut to[..17 * NEURONS]);
        clock.limit(Payload::Small, COPY_COLUMNS, (3, 1), 17 * NEURONS, || copy(from, to));
        clock.limit(Payload::Small, TAG_COLUMN, (50, 1), 2, || largest(black_box(&self.tags)));
        let slots = &self.slots.0;
        clock.limit(Payload::Small, TAG_SLOTS, (10, 1), 2, || {
            black_box(slots).chunks_exact(SLOT).fold(0, |largest, slot| largest.max(slot[0]))
        });
        clock.limit(Payload::Small, SUM_COLUMN, (50, 1), data.neuron_sum, || sum(black_box(&self.numbers)));
        clock.limit(Payload::Small, TAG_RANDOM, (20, data.some.len()), true, || {
            data.some.iter().all(|&k| black_box(self.tags[k] <= 2))
        });
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    black_box(&mut *to).copy_from_slice(black_box(from));
    to.len()
}
