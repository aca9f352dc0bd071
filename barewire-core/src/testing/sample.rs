//! Random arguments.

use alloc::vec::Vec;

use barewire_kernels::{binary as bits, quantized as codes, ternary as digits};

use super::Rng;
use crate::Error;
use crate::layer::Input;
use crate::primitive::{Arg, Ids};
use crate::real::Real;
use crate::shape::Dims;

/// What one argument of an op under test looks like.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    dims: Dims,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Numbers { low: f64, high: f64 },
    Constant(f64),
    Ids { below: u32 },
    Given(&'static [u32]),
    Setting(u32),
    Ternary,
    Binary,
    Quantized { bits: u8 },
}

/// Numbers in (-1, 1) of these sizes: for an `Arg`, `&[R]`, `MatrixView` or, without sizes, a scalar `R`.
pub fn numbers(sizes: &[usize]) -> Sample {
    Sample { dims: Dims::new(sizes), kind: Kind::Numbers { low: -1.0, high: 1.0 } }
}

/// A scalar without a gradient, such as an `eps`.
pub fn constant(value: f64) -> Sample {
    Sample { dims: Dims::SCALAR, kind: Kind::Constant(value) }
}

/// Ids below a number.
pub fn ids(sizes: &[usize], below: u32) -> Sample {
    Sample { dims: Dims::new(sizes), kind: Kind::Ids { below } }
}

/// These ids, such as the starts of a sparse matrix's rows.
pub fn given_ids(ids: &'static [u32]) -> Sample {
    Sample { dims: Dims::new(&[ids.len()]), kind: Kind::Given(ids) }
}

/// A `u32` without a gradient, such as a window or a number of heads.
pub fn setting(value: u32) -> Sample {
    Sample { dims: Dims::SCALAR, kind: Kind::Setting(value) }
}

/// A matrix of digits in {-1, 0, 1}.
pub fn ternary(rows: usize, cols: usize) -> Sample {
    Sample { dims: Dims::new(&[rows, cols]), kind: Kind::Ternary }
}

/// A matrix of bits.
pub fn binary(rows: usize, cols: usize) -> Sample {
    Sample { dims: Dims::new(&[rows, cols]), kind: Kind::Binary }
}

/// A matrix of codes with a scale and a zero point.
pub fn quantized(rows: usize, cols: usize, bits: u8) -> Sample {
    Sample { dims: Dims::new(&[rows, cols]), kind: Kind::Quantized { bits } }
}

impl Sample {
    /// The same with numbers between two others.
    #[must_use]
    pub fn between(mut self, low: f64, high: f64) -> Self {
        self.kind = Kind::Numbers { low, high };
        self
    }

    /// Random numbers.
    pub(super) fn draw(&self, rng: &mut Rng) -> Value<f64> {
        let mut value = Value {
            dims: self.dims,
            numbers: Vec::new(),
            ids: Vec::new(),
            words: Vec::new(),
            bits: 0,
            free: true,
            kept: true,
        };
        let (rows, cols) = (self.dims.rows(), self.dims.last());
        match self.kind {
            Kind::Numbers { low, high } => value.numbers = fill(self.dims.len(), || rng.between(low, high)),
            Kind::Constant(number) => {
                value.numbers = [number].into();
                value.free = false;
            }
            Kind::Ids { below } => value.ids = fill(self.dims.len(), || rng.below(below)),
            Kind::Given(ids) => value.ids = ids.to_vec(),
            Kind::Setting(setting) => value.ids = [setting].into(),
            Kind::Ternary => {
                let trits: Vec<i8> = fill(self.dims.len(), || rng.below(3) as i8 - 1);
                value.words = packed(digits::words_len(rows, cols), |words| digits::pack_i8(rows, cols, &trits, words));
            }
            Kind::Binary => {
                let set: Vec<u8> = fill(self.dims.len(), || rng.below(2) as u8);
                value.words = packed(bits::words_len(rows, cols), |words| bits::pack_u8(rows, cols, &set, words));
            }
            Kind::Quantized { bits } => {
                let width = bits.into();
                let set: Vec<u8> = fill(self.dims.len(), || rng.below(1_u32 << width) as u8);
                let pack = |words: &mut [u64]| codes::pack_u8(rows, cols, width, &set, words);
                value.words = packed(codes::words_len(rows, cols, width), pack);
                value.bits = bits;
                value.numbers = [rng.between(0.1, 1.0), rng.between(0.0, f64::from((1_u32 << width) - 1))].into();
            }
        }
        value
    }
}

fn fill<T>(n: usize, mut f: impl FnMut() -> T) -> Vec<T> {
    (0..n).map(|_| f()).collect()
}

/// Packed words; empty if the kernels refuse the sizes, which the op then reports.
fn packed<E>(len: Result<usize, E>, pack: impl FnOnce(&mut [u64]) -> Result<(), E>) -> Vec<u64> {
    let mut words = fill(len.unwrap_or(0), || 0);
    if pack(&mut words).is_err() {
        words.clear();
    }
    words
}

/// One argument's memory.
#[derive(Clone, Debug)]
pub struct Value<R> {
    pub(super) dims: Dims,
    pub(crate) numbers: Vec<R>,
    pub(super) ids: Vec<u32>,
    pub(super) words: Vec<u64>,
    pub(super) bits: u8,
    /// whether the numbers have a gradient
    pub(crate) free: bool,
    /// whether the numbers outlive the call
    pub(super) kept: bool,
}

impl<R: Real> Value<R> {
    /// Numbers of these sizes, for a test with given numbers.
    pub fn new(sizes: &[usize], numbers: Vec<R>) -> Self {
        let (ids, words) = (Vec::new(), Vec::new());
        Value { dims: Dims::new(sizes), numbers, ids, words, bits: 0, free: true, kept: true }
    }

    /// Some steps of a value `[batch, time, ..]`, for tests that cut a sequence.
    #[must_use]
    pub fn steps(&self, steps: core::ops::Range<usize>) -> Self {
        let &[batch, time, ref rest @ ..] = self.dims.sizes() else { return self.clone() };
        let row: usize = rest.iter().product();
        let part = |entry: usize| (entry * time + steps.start) * row..(entry * time + steps.end) * row;
        let numbers = (0..batch).flat_map(|entry| self.numbers.get(part(entry)).unwrap_or_default()).copied().collect();
        let sizes = [&[batch, steps.len()][..], rest].concat();
        Value { numbers, dims: Dims::new(&sizes), ..self.clone() }
    }

    /// A number without a gradient.
    pub fn constant(number: R) -> Self {
        Value { free: false, ..Self::new(&[], [number].into()) }
    }

    /// Ids of these sizes.
    pub fn ids(sizes: &[usize], ids: Vec<u32>) -> Self {
        Value { ids, ..Self::new(sizes, Vec::new()) }
    }

    /// A `u32`, as [`setting`] makes it.
    pub fn setting(setting: u32) -> Self {
        Value { ids: [setting].into(), ..Self::new(&[], Vec::new()) }
    }

    /// As an input of a part: ids where there are any, else numbers.
    pub(super) fn input(&self) -> Input<'_, '_, R> {
        match self.ids.as_slice() {
            [] => Input::Real(Arg::kept(&self.numbers, self.dims)),
            ids => Input::Ids(Ids::new(ids, self.dims)),
        }
    }

    /// The same with other numbers.
    pub(crate) fn with<S: Real>(&self, f: impl FnOnce(&[R]) -> Vec<S>) -> Value<S> {
        let Value { dims, ref ids, ref words, bits, free, kept, .. } = *self;
        Value { dims, numbers: f(&self.numbers), ids: ids.clone(), words: words.clone(), bits, free, kept }
    }

    /// The same in another scalar.
    pub fn map<S: Real>(&self, f: impl Fn(R) -> S) -> Value<S> {
        self.with(|numbers| numbers.iter().map(|&x| f(x)).collect())
    }

    /// The same, in memory that does not outlive the call.
    pub(super) fn passing(&self) -> Self {
        Value { kept: false, ..self.clone() }
    }

    /// A random direction; zeros for a constant.
    pub(super) fn direction(&self, rng: &mut Rng) -> Vec<f64> {
        fill(self.numbers.len(), || if self.free { rng.between(-1.0, 1.0) } else { 0.0 })
    }

    /// The one number of a scalar argument.
    pub(super) fn number(&self) -> Result<R, Error> {
        self.numbers.first().copied().ok_or_else(|| Error::input("a number", "none"))
    }

    /// The one `u32` of a setting.
    pub(super) fn as_setting(&self) -> Result<u32, Error> {
        self.ids.first().copied().ok_or_else(|| Error::input("a setting", "none"))
    }

    /// The sizes of a matrix argument.
    pub(super) fn rows_cols(&self) -> Result<(usize, usize), Error> {
        match self.dims.sizes() {
            &[rows, cols] => Ok((rows, cols)),
            _ => Err(Error::shape("a sample of two axes", alloc::format!("{}", self.dims))),
        }
    }
}
