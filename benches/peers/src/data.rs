//! The two payloads, as plain Rust values, and what every system must find in them.

use barewire::BareUnion;

/// Components of the model.
pub const COMPONENTS: usize = 64;
/// Octets of each of its 55 arrays.
pub const ARRAY: usize = 1_220_160;
/// Small unions.
pub const NEURONS: usize = 1_000_000;

/// A part of a model: seven variants, five of them with an array.
#[derive(BareUnion, rkyv::Archive, rkyv::Serialize, serde::Serialize, serde::Deserialize)]
pub enum Part {
    Dense { rows: u32, cols: u32, values: Vec<f32>, scale: f32 },
    Bias { values: Vec<f32> },
    Ternary { rows: u32, cols: u32, words: Vec<u64>, scale: f32 },
    Steps { values: Vec<u64> },
    Codes { codes: Vec<i8>, zero: i8 },
    Scale { value: f32 },
    Nothing,
}

/// A neuron: at most 16 octets of numbers.
#[derive(BareUnion, rkyv::Archive, rkyv::Serialize, serde::Serialize, serde::Deserialize, Clone, Copy)]
#[bare(fixed_size)]
pub enum Neuron {
    Lif { threshold: f32, decay: f32, refractory: f32 },
    Izhikevich { a: f32, b: f32, c: f32, d: f32 },
    SpikeResponse { rise: f32, fall: f32 },
}

/// Which number of an array is read and changed.
pub const PLACE: usize = 7;
/// What a number is changed to.
pub const CHANGED: u8 = 3;

/// Numbers that are the same on every machine.
pub fn mixed(i: usize) -> u32 {
    (i as u32).wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b)
}

fn part(i: usize) -> Part {
    let small = i as i8;
    match i % 7 {
        // nine components without an array
        5 if i == 61 => Part::Nothing,
        5 => Part::Scale { value: i as f32 },
        0 | 6 => Part::Bias { values: vec![i as f32; ARRAY / 4] },
        1 => Part::Steps { values: vec![i as u64; ARRAY / 8] },
        2 => Part::Codes { codes: vec![small; ARRAY], zero: 1 },
        3 => Part::Ternary { rows: 8, cols: (ARRAY / 2) as u32, words: vec![i as u64; ARRAY / 8], scale: 0.5 },
        _ => Part::Dense { rows: 4, cols: (ARRAY / 16) as u32, values: vec![i as f32; ARRAY / 4], scale: 2.0 },
    }
}

impl Part {
    /// One number of the array, with the numbers beside it: what every system reads of a component.
    pub fn touch(&self) -> f32 {
        match self {
            Self::Dense { values, scale, .. } => values[PLACE] + scale,
            Self::Bias { values } => values[PLACE],
            Self::Ternary { words, scale, .. } => words[PLACE] as f32 + scale,
            Self::Steps { values } => values[PLACE] as f32,
            Self::Codes { codes, zero } => f32::from(codes[PLACE] - zero),
            Self::Scale { value } => *value,
            Self::Nothing => 0.0,
        }
    }

    /// What [`touch`](Self::touch) gives once the number was changed.
    pub fn touch_changed(&self) -> f32 {
        let changed = f32::from(CHANGED);
        match self {
            Self::Dense { scale, .. } | Self::Ternary { scale, .. } => changed + scale,
            Self::Codes { zero, .. } => changed - f32::from(*zero),
            Self::Nothing => 0.0,
            Self::Bias { .. } | Self::Steps { .. } | Self::Scale { .. } => changed,
        }
    }

    /// The octets of the array.
    pub fn array(&self) -> Option<&[u8]> {
        match self {
            Self::Dense { values, .. } | Self::Bias { values } => Some(bytemuck::cast_slice(values)),
            Self::Ternary { words: values, .. } | Self::Steps { values } => Some(bytemuck::cast_slice(values)),
            Self::Codes { codes, .. } => Some(bytemuck::cast_slice(codes)),
            Self::Scale { .. } | Self::Nothing => None,
        }
    }
}

fn neuron(i: usize) -> Neuron {
    // small integers: every order of summation gives the same `f32`, below 2^24
    let x = (mixed(i) >> 8 & 15) as f32;
    match mixed(i) % 3 {
        0 => Neuron::Lif { threshold: x, decay: 0.5, refractory: 1.0 },
        1 => Neuron::Izhikevich { a: x, b: 0.25, c: -65.0, d: 8.0 },
        _ => Neuron::SpikeResponse { rise: x, fall: 2.0 },
    }
}

impl Neuron {
    /// The field that is summed, read and changed.
    pub fn first(&self) -> f32 {
        match *self {
            Self::Lif { threshold: x, .. } | Self::Izhikevich { a: x, .. } | Self::SpikeResponse { rise: x, .. } => x,
        }
    }

    /// All numbers and the tag: what a layout by hand writes.
    pub fn numbers(&self) -> (u8, [f32; 4]) {
        match *self {
            Self::Lif { threshold, decay, refractory } => (0, [threshold, decay, refractory, 0.0]),
            Self::Izhikevich { a, b, c, d } => (1, [a, b, c, d]),
            Self::SpikeResponse { rise, fall } => (2, [rise, fall, 0.0, 0.0]),
        }
    }
}

/// Everything that is encoded, and the order in which components are reached.
pub struct Data {
    /// payload A
    pub model: Vec<Part>,
    /// payload B
    pub neurons: Vec<Neuron>,
    /// components of the model, in an order that no prefetcher knows
    pub parts: Vec<usize>,
    /// some thousand neurons, likewise; they lie in the second cache level
    pub some: Vec<usize>,
    /// one number of each component
    pub model_sum: f32,
    /// the first number of each neuron
    pub neuron_sum: f32,
}

impl Data {
    /// Always the same.
    pub fn new() -> Self {
        let model: Vec<Part> = (0..COMPONENTS).map(part).collect();
        let neurons: Vec<Neuron> = (0..NEURONS).map(neuron).collect();
        assert_eq!(model.iter().filter(|part| part.array().is_some()).count(), 55);
        let (model_sum, neuron_sum) = (model.iter().map(Part::touch).sum(), neurons.iter().map(Neuron::first).sum());
        Self {
            model,
            neurons,
            parts: (0..1024).map(|i| mixed(i) as usize % COMPONENTS).collect(),
            some: (0..4096).map(|i| mixed(i) as usize % 4096).collect(),
            model_sum,
            neuron_sum,
        }
    }
}

/// A sum in 32 lanes of numbers that come one by one.
#[inline(always)]
pub fn in_lanes(len: usize, number: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0f32; 32];
    for start in (0..len / 32).map(|chunk| chunk * 32) {
        for (j, lane) in lanes.iter_mut().enumerate() {
            *lane += number(start + j);
        }
    }
    (len / 32 * 32..len).map(number).sum::<f32>() + lanes.iter().sum::<f32>()
}
