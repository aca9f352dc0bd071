//! Accumulate and fire: ternary digits trained without latent weights.

mod state;

use std::string::String;

use barewire_kernels::ternary::accumulate::{self, Counts, Rounding, random_digits};
use barewire_kernels::{Exec, KernelError};

pub use state::{
    AccumulateLeaf, AccumulateLeafView, AccumulateLeafViewMut, AccumulateState, AccumulateStateView,
    AccumulateStateViewMut,
};
use state::{another_kind, another_model, check_counters, check_shape};

use super::moments::{Moments, Rates};
use super::{AdamWOptions, Random};
use crate::Error;
use crate::error::Inside;
use crate::gradient::{Firing, Signal};
use crate::part::{LeafMut, Part};
use crate::wire::{AccessMut, Region};

/// What an [`Accumulate`] is told once. The width of accumulators is a property of the [`AccumulateState`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AccumulateOptions {
    /// the seed of stochastic rounding; without one, increments are rounded to the nearest integer
    pub stochastic: Option<u64>,
    /// of the floats; its `frozen_digits` also leaves digits and their scales as they are
    pub floats: AdamWOptions,
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

/// The gain of increments that suits counters: its peak, and what is left of it at the end of a run.
///
/// Anneal it by a [`Schedule`](super::Schedule) with a warm-up.
pub fn counter_gain() -> (f64, f64) {
    (2.8, 0.1)
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
/// What is kept lies in an [`AccumulateState`], which a region holds, in memory or in a file. With accumulators of 6 bits a
/// byte has the digit in it, and the packed words of the model are its copy in the form that products need: 8 bits of
/// training state a ternary weight, where latent weights with Adam and a gradient take 128.
///
/// ```
/// use barewire_core::train::{Accumulate, AccumulateOptions, AccumulateState, default_gain, randomize_digits};
/// use barewire_core::wire::{Region, TernaryMatrix};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // any model; this one is a matrix
/// let mut model = Region::encode(&TernaryMatrix::from_digits(8, 32, &[0; 8 * 32])?);
/// randomize_digits::<TernaryMatrix>(model.view_mut()?, 0.67, 1)?;
/// let mut state = Region::encode(&AccumulateState::new::<TernaryMatrix>(model.view_mut()?, 6)?);
/// let mut optimizer = Accumulate::new(AccumulateOptions::default());
/// let (gain, _) = default_gain(6);
///
/// // what a backward pass leaves: the loss falls with the first digit of the first row
/// let mut signal = barewire_core::gradient::Signal::default();
/// signal.dense(8, 32)?.ok_or("ignored")?[0] = -1.0;
/// for _ in 0..3 {
///     optimizer.step(&mut model, &mut state, &mut signal, 4e-3, gain as f32)?;
/// }
/// assert_eq!(model.decode()?.to_digits()[0], 1);
/// assert_eq!(state.decode()?.bits_per_digit(), Some(8.0));
/// # Ok(())
/// # }
/// ```
///
/// # Counters
/// A state made by [`AccumulateState::with_counters`] has another rule for its digits, which neither fires nor restarts:
///
/// ```text
/// rms^2 = beta2 rms^2 + (1 - beta2) mean(g^2)           over the row
/// q = round(-gain * g / rms * sqrt(1 - beta2^t))        stochastically: late increments are below one half
/// counter = clamp(counter + q, -128, 127)
/// digit = +1 if counter > threshold, -1 if counter < -threshold, else 0
/// ```
///
/// So a counter is a latent weight of 8 bits; a digit that was pushed far out takes as long to come back, and a step
/// whose gradient is small counts for less than one with a large one. [`counter_gain`] has the gain that suits it, with a
/// warm-up, and [`Stepped::counts`] the digits that changed.
///
/// # NaN
/// A signal that is not finite counts as 0 and is counted in [`Counts::skipped`]; a gradient of floats that is not finite
/// is an error, and nothing is changed then.
///
/// The bits do not depend on the number of threads, nor on how the signal is held. One that is held as pairs
/// (`#[bare(gradient = low_rank)]`) is formed some rows at a time: the gradient matrix never exists as a whole.
///
/// Source: the rule of Bop (Helwegen et al., "Latent weights do not exist", 2019) carried to ternary digits and integer
/// accumulators; counters after Zhao et al., "Direct Quantized Training of Language Models with Stochastic Rounding" (2024),
/// their rms after Shazeer & Stern, "Adafactor" (2018). See [`barewire_kernels::ternary::accumulate`].
#[derive(Clone, Debug, Default)]
pub struct Accumulate {
    options: AccumulateOptions,
    firing: Firing,
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
    /// An optimiser. It keeps nothing but room to work in.
    pub fn new(options: AccumulateOptions) -> Self {
        Accumulate { options, ..Accumulate::default() }
    }

    /// One step on model and state where they lie. `lr` is of the floats and the logarithms of scales, `gain` of the digits.
    ///
    /// # Errors
    /// Gradients of floats that are not finite: nothing is changed then. The state of another model.
    pub fn step<T: Part, A: AccessMut, B: AccessMut>(
        &mut self,
        model: &mut Region<T, A>,
        state: &mut Region<AccumulateState, B>,
        grad: &mut T::Grad<f32>,
        lr: f32,
        gain: f32,
    ) -> Result<Stepped, Error> {
        let norm = self.norm::<T>(model.view_mut()?, grad)?;
        self.update::<T>(model.view_mut()?, state.view_mut()?, grad, norm, lr, gain)
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

    /// The second half of a [`step`](Accumulate::step), for a model or a state inside other things: clips the gradients of
    /// floats, whose [`norm`](Accumulate::norm) the caller has measured, and updates all parameters in place.
    ///
    /// # Errors
    /// A norm that is not finite: nothing is changed then. The state of another model: some parameters may have changed.
    pub fn update<T: Part>(
        &mut self,
        model: T::ViewMut<'_>,
        state: AccumulateStateViewMut<'_>,
        grad: &mut T::Grad<f32>,
        norm: f64,
        lr: f32,
        gain: f32,
    ) -> Result<Stepped, Error> {
        let AccumulateStateViewMut { steps, leaves } = state;
        let number = steps.get();
        let rates = Rates::new(&self.options.floats, number.saturating_add(1), norm, lr)?;
        let Accumulate { options, firing } = self;
        let mut step = Step { options, rates, gain, number, matrix: 0, firing, counts: Counts::default() };
        let mut leaves = leaves.into_iter();
        let mut failed = None;
        T::walk_mut(model, grad, &mut String::new(), &mut |leaf| {
            let path = leaf.path();
            let result = match leaves.next() {
                Some(kept) => step.leaf(leaf, kept).inside(path),
                None => Err(another_model(&format!("`{path}`"), "nothing")),
            };
            if let Err(error) = result {
                failed.get_or_insert(error);
            }
        })?;
        if leaves.next().is_some() {
            failed.get_or_insert_with(|| another_model("this model", "one with more parameters"));
        }
        steps.set(number.saturating_add(1));
        failed.map_or(Ok(Stepped { norm, counts: step.counts }), Err)
    }
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
    firing: &'a mut Firing,
    counts: Counts,
}

impl Step<'_> {
    fn leaf(&mut self, leaf: LeafMut<'_>, kept: AccumulateLeafViewMut<'_>) -> Result<(), Error> {
        use AccumulateLeafViewMut::{Counters, Fixed, Floats, Joined, Separate};
        let frozen = self.options.floats.frozen_digits;
        let rates = &self.rates;
        if kept_path(&kept) != leaf.path() {
            return Err(another_model("this parameter", &format!("`{}`", kept_path(&kept))));
        }
        match (leaf, kept) {
            (LeafMut::Number { scales_digits: true, .. }, Floats { .. }) if frozen => {}
            (LeafMut::Number { value, grad, scales_digits, .. }, Floats { values, first, second, .. }) => {
                let mut moments = Moments { first, second };
                moments.check(values.len())?;
                if scales_digits {
                    // with l = ln s: dL/dl = s dL/ds, and s' = s exp(l' - l)
                    let scale = value.get();
                    let change = moments.number(rates.plain, 0.0, scale * grad)?;
                    value.set(scale * change.exp());
                } else {
                    value.set(moments.number(rates.plain, value.get(), grad)?);
                }
                values.fill(value.get());
            }
            (LeafMut::Float { dims, values: live, grad, .. }, Floats { values, first, second, .. }) => {
                let mut moments = Moments { first, second };
                moments.check(values.len())?;
                moments.float(Exec::best().parallel(), rates, &dims, live, grad, &mut self.firing.block)?;
                values.copy_from_slice(live);
            }
            (LeafMut::Ternary { rows, cols, words, signal, .. }, Joined { rows: r, cols: c, states, .. }) => {
                check_shape([rows, cols], [r.get(), c.get()])?;
                self.fire([rows, cols], signal, |exec, first, signal, factors, rounding| {
                    let words = Some(&mut *words);
                    accumulate::fire_states_with(exec, states, words, rows, cols, first, signal, factors, rounding)
                })?;
            }
            (LeafMut::Ternary { rows, cols, words, signal, .. }, Separate { digits, bits, accumulators, .. }) => {
                check_shape([rows, cols], [digits.rows as u64, digits.cols as u64])?;
                let bits = u32::from(*bits);
                self.fire([rows, cols], signal, |exec, first, signal, factors, rounding| {
                    let (words, to) = (&mut *words, &mut *accumulators);
                    accumulate::fire_rows_with(exec, words, to, rows, cols, bits, first, signal, factors, rounding)
                })?;
                digits.words.copy_from_slice(words);
            }
            (
                LeafMut::Ternary { rows, cols, words, signal, .. },
                Counters { rows: r, cols: c, threshold, counters, rms, .. },
            ) => {
                check_shape([rows, cols], [r.get(), c.get()])?;
                check_counters(rows, *threshold, rms)?;
                self.count([rows, cols], signal, rms, |exec, first, signal, factors, rounding| {
                    let words = Some(&mut *words);
                    let of = accumulate::count_rows_with;
                    of(exec, counters, words, rows, cols, *threshold, first, signal, factors, rounding)
                })?;
            }
            (LeafMut::Binary { .. }, Fixed { .. }) => {}
            (leaf, _) => return Err(another_kind(&leaf)),
        }
        Ok(())
    }

    /// Adds the increments of a matrix to its accumulators and moves its digits, by a kernel of either form.
    fn fire(
        &mut self,
        sizes: [usize; 2],
        signal: &mut Signal<f32>,
        mut kernel: impl FnMut(Exec, usize, &[f32], &[f32], Rounding) -> Result<Counts, KernelError>,
    ) -> Result<(), Error> {
        let (exec, Some(rounding)) = self.next_matrix() else { return Ok(()) };
        self.counts +=
            self.firing.fire(exec, sizes, self.gain, signal.gradient_mut(), |exec, first, signal, factors| {
                kernel(exec, first, signal, factors, rounding)
            })?;
        Ok(())
    }

    /// The same with counters, whose steps have the rms of all steps so far for a measure.
    fn count(
        &mut self,
        sizes: [usize; 2],
        signal: &mut Signal<f32>,
        rms: &mut [f32],
        mut kernel: impl FnMut(Exec, usize, &[f32], &[f32], Rounding) -> Result<Counts, KernelError>,
    ) -> Result<(), Error> {
        let (exec, Some(rounding)) = self.next_matrix() else { return Ok(()) };
        let decay = self.options.floats.beta2;
        // an rms that begins at 0 is too small by this
        let missing = (1.0 - f64::from(decay).powf(self.number as f64 + 1.0)).sqrt();
        let gain = (f64::from(self.gain) * missing) as f32;
        self.counts += self.firing.fire_by(exec, sizes, signal.gradient_mut(), |rows, signal, factors| {
            let rms = &mut rms[rows.clone()];
            accumulate::running_row_factors_with(exec.isa(), signal, sizes[1], gain, decay, rms, factors)?;
            kernel(exec, rows.start, signal, factors, rounding)
        })?;
        Ok(())
    }

    /// How to work on the next matrix, on the threads of the current rayon pool (the bits do not depend on their number), and
    /// how to round, unless digits are frozen.
    fn next_matrix(&mut self) -> (Exec, Option<Rounding>) {
        self.matrix += 1;
        let rounding = match self.options.stochastic {
            None => Rounding::Nearest,
            Some(seed) => Rounding::Stochastic { seed: matrix_seed(seed, self.matrix), step: self.number },
        };
        (Exec::best().parallel(), (!self.options.floats.frozen_digits).then_some(rounding))
    }
}

fn kept_path<'a>(kept: &'a AccumulateLeafViewMut<'_>) -> &'a str {
    match kept {
        AccumulateLeafViewMut::Floats { path, .. }
        | AccumulateLeafViewMut::Joined { path, .. }
        | AccumulateLeafViewMut::Separate { path, .. }
        | AccumulateLeafViewMut::Counters { path, .. }
        | AccumulateLeafViewMut::Fixed { path } => path,
    }
}
