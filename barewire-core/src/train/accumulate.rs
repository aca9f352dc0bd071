//! Accumulate and fire: ternary digits trained without latent weights.

use std::string::String;
use std::vec::Vec;

use barewire_kernels::ternary::accumulate::{
    self, Counts, Rounding, accumulators_len, check_accumulators, check_states, random_digits, state_words,
};
use barewire_kernels::{Exec, Isa};

use super::moments::{Block, Moments, Rates};
use super::{AdamWOptions, Random};
use crate::Error;
use crate::error::Inside;
use crate::gradient::Signal;
use crate::part::{LeafMut, Part};
use crate::wire::{AccessMut, Region};

/// What an [`Accumulate`] is told once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccumulateOptions {
    /// width of an accumulator: 4 to 8
    pub bits: u32,
    /// the seed of stochastic rounding; without one, increments are rounded to the nearest integer
    pub stochastic: Option<u64>,
    /// of the floats; its `frozen_digits` also leaves digits and their scales as they are
    pub floats: AdamWOptions,
}

impl Default for AccumulateOptions {
    /// 6 bits, rounded to the nearest integer
    fn default() -> Self {
        AccumulateOptions { bits: 6, stochastic: None, floats: AdamWOptions::default() }
    }
}

/// The gain of increments that suits a width of accumulators: its peak, and what is left of it at the end of a run.
///
/// Anneal it by a [`Schedule`](super::Schedule) without warm-up.
///
/// | bits | peak | floor |
/// |------|------|-------|
/// | 4    | 0.4  | 0.35  |
/// | 5    | 1.1  | 0.25  |
/// | 6    | 2.5  | 0.2   |
/// | 7    | 5    | 0.2   |
/// | 8    | 10   | 0.2   |
pub fn default_gain(bits: u32) -> (f64, f64) {
    match bits {
        ..=4 => (0.4, 0.35),
        5 => (1.1, 0.25),
        6 => (2.5, 0.2),
        7 => (5.0, 0.2),
        _ => (10.0, 0.2),
    }
}

/// Floats by AdamW, packed ternary digits by accumulate and fire: no latent weights.
///
/// With the signal `g` of the digits of a matrix (see [`Signal`]), every step and row by row:
///
/// ```text
/// q = round(-gain * g / rms(g))          rms over the row; to the nearest, or stochastically
/// a = accumulator + q
/// |a| < 2^(bits - 1) - 1:  accumulator = a
/// else:                    digit = clamp(digit + sign(a), -1, 1), accumulator = 0
/// ```
///
/// A digit moves at most one level a step. Since rows are divided by their rms, neither the size of the loss nor that of
/// the scale matters, and clipping is for the floats only. A scale that is tied to digits (`scaled_by`) is learned: Adam on
/// its logarithm, so it keeps its sign. Bits and quantised codes are left alone.
///
/// # State
/// Two floats a float parameter; a byte a digit, or half a byte with 4 bits. With 6 bits this byte has the digit in it, and
/// the packed words of the model are its copy in the form that products need: 8 bits of training state a ternary weight,
/// where latent weights with Adam and a gradient take 128.
///
/// # NaN
/// A signal that is not finite counts as 0 and is counted in [`Counts::skipped`]; a gradient of floats that is not finite
/// is an error, and nothing is changed then.
///
/// The bits do not depend on the number of threads.
///
/// Source: the rule of Bop (Helwegen et al., "Latent weights do not exist", 2019) carried to ternary digits and integer
/// accumulators; see [`barewire_kernels::ternary::accumulate`].
#[derive(Clone, Debug)]
pub struct Accumulate {
    options: AccumulateOptions,
    state: AccumulateState,
    factors: Vec<f32>,
}

/// What is kept of one parameter. Empty arrays where nothing is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccumulateLeaf {
    /// where the parameter is, such as `layers.0.token_mixer.i_proj.digits`
    pub path: String,
    /// mean gradient of floats
    pub first: Vec<f32>,
    /// mean squared gradient of floats
    pub second: Vec<f32>,
    /// with 6 bits, digits and accumulators, a byte each; else the accumulators, as
    /// [`accumulators_len`](barewire_kernels::ternary::accumulate::accumulators_len) has them
    pub digits: Vec<u8>,
}

/// All that an [`Accumulate`] keeps beside the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccumulateState {
    /// steps taken
    pub steps: u64,
    /// one a parameter, in the order of the walk
    pub leaves: Vec<AccumulateLeaf>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stepped {
    /// norm of the gradients of floats before clipping
    pub norm: f64,
    /// what the accumulators did
    pub counts: Counts,
}

/// Random digits to start from: not 0 with probability `density` (0.67 is a good one), and a scale of
/// `1 / sqrt(columns)` where one is tied to them. The digits are a function of the seed.
///
/// # Errors
/// Those of the walk.
pub fn randomize_digits<T: Part>(view: T::ViewMut<'_>, density: f32, seed: u64) -> Result<(), Error> {
    let mut stream = 0;
    let mut failed = None;
    T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |leaf| {
        if let LeafMut::Ternary { path, rows, cols, words, scale, .. } = leaf {
            stream += 1;
            if let Err(error) = random_digits(words, rows, cols, density, matrix_seed(seed, stream)) {
                failed.get_or_insert(Error::from(error).inside(path));
            }
            if let Some(scale) = scale {
                scale.set(1.0 / (cols.max(1) as f32).sqrt());
            }
        }
    })?;
    failed.map_or(Ok(()), Err)
}

/// Another seed for each matrix.
fn matrix_seed(seed: u64, number: u64) -> u64 {
    Random::new(seed, number).next_u64()
}

impl Accumulate {
    /// An optimiser for this model, with empty accumulators.
    ///
    /// # Errors
    /// A width that is not 4 to 8 bits.
    pub fn new<T: Part>(view: T::ViewMut<'_>, options: AccumulateOptions) -> Result<Self, Error> {
        accumulators_len(0, 0, options.bits)?;
        let mut leaves = Vec::new();
        let mut failed = None;
        T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |leaf| {
            let made = AccumulateLeaf::new(&leaf, options.bits);
            leaves.push(made.unwrap_or_else(|error| {
                failed.get_or_insert(error.inside(leaf.path()));
                AccumulateLeaf::default()
            }));
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(Accumulate { options, state: AccumulateState { steps: 0, leaves }, factors: Vec::new() }),
        }
    }

    /// An optimiser that goes on where another stopped. With 6 bits the digits of the model become those of the state.
    ///
    /// # Errors
    /// Another model or another width: a parameter with another path or number of elements; a byte that is no state.
    pub fn restore<T: Part>(
        view: T::ViewMut<'_>,
        options: AccumulateOptions,
        state: AccumulateState,
    ) -> Result<Self, Error> {
        let mut leaves = state.leaves.iter();
        let mut failed = None;
        T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |mut leaf| {
            let result = match leaves.next() {
                Some(kept) => kept.restore(&mut leaf, options.bits).inside(leaf.path()),
                None => Err(another_model(leaf.path(), "the end of the state")),
            };
            if let Err(error) = result {
                failed.get_or_insert(error);
            }
        })?;
        if let Some(leaf) = leaves.next() {
            failed.get_or_insert_with(|| another_model("the end of the model", &leaf.path));
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Accumulate { options, state, factors: Vec::new() }),
        }
    }

    /// All that a later [`restore`](Accumulate::restore) needs, beside the model.
    pub fn state(&self) -> &AccumulateState {
        &self.state
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.state.steps
    }

    /// One step on a model where it lies. `lr` is of the floats and the logarithms of scales, `gain` of the digits.
    ///
    /// # Errors
    /// Gradients of floats that are not finite (nothing is changed then), or a model that this optimiser was not made for.
    pub fn step<T: Part, A: AccessMut>(
        &mut self,
        region: &mut Region<T, A>,
        grad: &mut T::Grad<f32>,
        lr: f32,
        gain: f32,
    ) -> Result<Stepped, Error> {
        let norm = self.norm::<T>(region.view_mut()?, grad)?;
        self.update::<T>(region.view_mut()?, grad, norm, lr, gain)
    }

    /// Norm of the gradients of floats and of the logarithms of scales, in f64 and in a fixed order.
    ///
    /// # Errors
    /// A gradient of another variant than the model.
    pub fn norm<T: Part>(&self, view: T::ViewMut<'_>, grad: &mut T::Grad<f32>) -> Result<f64, Error> {
        let mut sum = 0.0;
        T::walk_mut(view, grad, &mut String::new(), &mut |leaf| {
            sum += match leaf {
                LeafMut::Number { scales_digits: true, .. } if self.options.floats.frozen_digits => 0.0,
                LeafMut::Number { value, grad, scales_digits, .. } => {
                    let factor = if scales_digits { f64::from(value.get()) } else { 1.0 };
                    (factor * f64::from(grad)).powi(2)
                }
                LeafMut::Float { grad, .. } => grad.norm_squared(),
                LeafMut::Ternary { .. } | LeafMut::Binary { .. } => 0.0,
            };
        })?;
        Ok(sum.sqrt())
    }

    /// The second half of a [`step`](Accumulate::step), for a model that is in no region: clips the gradients of floats,
    /// whose [`norm`](Accumulate::norm) the caller has measured, and updates all parameters in place.
    ///
    /// # Errors
    /// A norm that is not finite (nothing is changed then); a model of other sizes than this optimiser's.
    pub fn update<T: Part>(
        &mut self,
        view: T::ViewMut<'_>,
        grad: &mut T::Grad<f32>,
        norm: f64,
        lr: f32,
        gain: f32,
    ) -> Result<Stepped, Error> {
        let Accumulate { options, state: AccumulateState { steps, leaves }, factors } = self;
        let rates = Rates::new(&options.floats, *steps + 1, norm, lr)?;
        let mut step = Step { options, rates, gain, number: *steps, matrix: 0, factors, counts: Counts::default() };
        let mut leaves = leaves.iter_mut();
        let mut failed = None;
        T::walk_mut(view, grad, &mut String::new(), &mut |leaf| {
            let path = leaf.path();
            let result = match leaves.next() {
                Some(kept) if kept.path == path => step.leaf(leaf, kept).inside(&kept.path),
                kept => Err(another_model(path, kept.map_or("the end of the state", |kept| &kept.path))),
            };
            if let Err(error) = result {
                failed.get_or_insert(error);
            }
        })?;
        *steps += 1;
        failed.map_or(Ok(Stepped { norm, counts: step.counts }), Err)
    }
}

fn another_model(expected: &str, found: &str) -> Error {
    Error::input(format!("the state of `{expected}`"), format!("that of `{found}`"))
}

impl AccumulateLeaf {
    /// Nothing accumulated yet.
    fn new(leaf: &LeafMut<'_>, bits: u32) -> Result<Self, Error> {
        let floats = |n| (vec![0.0; n], vec![0.0; n]);
        let ((first, second), digits) = match leaf {
            LeafMut::Number { .. } => (floats(1), Vec::new()),
            LeafMut::Float { values, .. } => (floats(values.len()), Vec::new()),
            LeafMut::Ternary { rows, cols, words, .. } => (floats(0), empty_digits(*rows, *cols, bits, words)?),
            LeafMut::Binary { .. } => (floats(0), Vec::new()),
        };
        Ok(AccumulateLeaf { path: leaf.path().into(), first, second, digits })
    }

    /// Checks that this is the state of that parameter, and hands it its digits.
    fn restore(&self, leaf: &mut LeafMut<'_>, bits: u32) -> Result<(), Error> {
        if self.path != leaf.path() {
            return Err(another_model(leaf.path(), &self.path));
        }
        let n = match leaf {
            LeafMut::Number { .. } => 1,
            LeafMut::Float { values, .. } => values.len(),
            LeafMut::Ternary { .. } | LeafMut::Binary { .. } => 0,
        };
        if let Some(len) = [self.first.len(), self.second.len()].into_iter().find(|len| *len != n) {
            return Err(Error::length("moments", n, len));
        }
        match leaf {
            LeafMut::Ternary { rows, cols, words, .. } if bits == JOINED => {
                check_states(&self.digits, *rows, *cols)?;
                Ok(state_words(&self.digits, *rows, *cols, words)?)
            }
            LeafMut::Ternary { rows, cols, .. } => Ok(check_accumulators(&self.digits, *rows, *cols, bits)?),
            _ if self.digits.is_empty() => Ok(()),
            _ => Err(Error::length("digits", 0, self.digits.len())),
        }
    }
}

/// The width of accumulators that share a byte with their digit.
const JOINED: u32 = 6;

/// The digits of a matrix with empty accumulators, or these alone.
fn empty_digits(rows: usize, cols: usize, bits: u32, words: &[u64]) -> Result<Vec<u8>, Error> {
    let accumulators = vec![0; accumulators_len(rows, cols, bits)?];
    if bits != JOINED {
        return Ok(accumulators);
    }
    let mut states = vec![0; rows * cols];
    accumulate::pack_states(words, &accumulators, rows, cols, &mut states)?;
    Ok(states)
}

/// One step, parameter by parameter.
struct Step<'a> {
    options: &'a AccumulateOptions,
    rates: Rates,
    gain: f32,
    /// steps taken before
    number: u64,
    /// matrices of digits so far
    matrix: u64,
    factors: &'a mut Vec<f32>,
    counts: Counts,
}

impl Step<'_> {
    fn leaf(&mut self, leaf: LeafMut<'_>, kept: &mut AccumulateLeaf) -> Result<(), Error> {
        let AccumulateLeaf { first, second, digits, .. } = kept;
        let mut moments = Moments { first, second };
        let frozen = self.options.floats.frozen_digits;
        match leaf {
            LeafMut::Number { scales_digits: true, .. } if frozen => {}
            LeafMut::Number { value, grad, scales_digits: true, .. } => {
                // with l = ln s: dL/dl = s dL/ds, and s' = s exp(l' - l)
                let scale = value.get();
                let change = moments.number(self.rates.plain, 0.0, scale * grad)?;
                value.set(scale * change.exp());
            }
            LeafMut::Number { value, grad, .. } => {
                value.set(moments.number(self.rates.plain, value.get(), grad)?);
            }
            LeafMut::Float { dims, values, grad, .. } => {
                moments.float(Exec::best().parallel(), &self.rates, &dims, values, grad, &mut Block::default())?;
            }
            LeafMut::Ternary { rows, cols, words, signal, .. } => {
                self.matrix += 1;
                if !frozen {
                    self.fire(rows, cols, words, signal, digits)?;
                }
            }
            LeafMut::Binary { .. } => {}
        }
        Ok(())
    }

    /// Adds the increments of a matrix to its accumulators and moves its digits.
    fn fire(
        &mut self,
        rows: usize,
        cols: usize,
        words: &mut [u64],
        signal: &mut Signal<f32>,
        digits: &mut [u8],
    ) -> Result<(), Error> {
        let Some(signal) = signal.dense(rows, cols) else { return Ok(()) };
        let rounding = match self.options.stochastic {
            None => Rounding::Nearest,
            Some(seed) => Rounding::Stochastic { seed: matrix_seed(seed, self.matrix), step: self.number },
        };
        let exec = Exec::best().parallel();
        self.factors.resize(rows, 0.0);
        let factors = &mut self.factors[..];
        accumulate::row_factors_with(Isa::best(), signal, cols, self.gain, factors)?;
        let bits = self.options.bits;
        self.counts += if bits == JOINED {
            accumulate::fire_states_with(exec, digits, Some(words), rows, cols, 0, signal, factors, rounding)?
        } else {
            accumulate::fire_rows_with(exec, words, digits, rows, cols, bits, 0, signal, factors, rounding)?
        };
        Ok(())
    }
}
