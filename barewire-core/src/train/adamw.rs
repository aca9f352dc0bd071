//! AdamW over float parameters and over the latent weights of ternary digits.

use std::string::String;
use std::vec::Vec;

use barewire_kernels::adam::{self, Coefficients};
use barewire_kernels::{Exec, Scratch, ternary};

use super::moments::{Moments, Rates};
use crate::Error;
use crate::error::Inside;
use crate::gradient::Form;
use crate::part::{LeafMut, Part};
use crate::wire::{AccessMut, Region};
use core::ops::Range;

/// What an [`AdamW`] is told once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWOptions {
    /// decay of the mean gradient, in [0, 1)
    pub beta1: f32,
    /// decay of the mean squared gradient, in [0, 1)
    pub beta2: f32,
    /// added to the root of the mean square
    pub eps: f32,
    /// decoupled weight decay, times the learning rate: of matrices and of the latent weights of digits, but not of
    /// lists and single numbers (gains of norms, biases, scales)
    pub weight_decay: f32,
    /// largest norm of all gradients together; above it they are scaled down
    pub clip: f32,
    /// leave digits and the scales tied to them as they are: the control experiment that shows what digits learn
    pub frozen_digits: bool,
}

impl Default for AdamWOptions {
    /// `beta1` 0.9, `beta2` 0.99, `eps` 1e-8, `weight_decay` 0.01, `clip` 1.0
    fn default() -> Self {
        AdamWOptions { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.01, clip: 1.0, frozen_digits: false }
    }
}

/// AdamW with decoupled decay and clipping by the global norm; ternary digits have latent f32 weights here.
///
/// For effective weights `W = s T` the straight-through gradient of the latent weights is the signal of the digits over
/// `s`. After each step the digits and their scale are the absmean quantisation of the latent weights:
/// `s = mean |W|`, `T = clamp(round(W / s), -1, 1)`. A scale that is tied to digits in this way (`scaled_by`) has no
/// update of its own; its gradient is ignored.
///
/// Gradients that are held as rows, pairs or a diagonal, and signals of digits, are read some rows at a time and never as a
/// whole; the bits are those of a dense one.
///
/// Parameters are updated in place, in the order of [`Part::walk_mut`]. Digits without a `scaled_by`, and other packed
/// codes, are left alone.
///
/// `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`,
/// `w = (1 - lr decay) w - lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)`
///
/// Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, with eps as in PyTorch; the
/// latent weights as in the published MatMul-free LM code.
#[derive(Clone, Debug)]
pub struct AdamW {
    options: AdamWOptions,
    steps: u64,
    leaves: Vec<LeafState>,
    scratch: Scratch,
    /// some rows of a gradient that is not held dense
    block: Vec<f32>,
}

/// What the optimiser keeps of one parameter. Empty arrays where nothing is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeafState {
    /// where the parameter is, such as `layers.0.token_mixer.i_proj.digits`
    pub path: String,
    /// mean gradient
    pub first: Vec<f32>,
    /// mean squared gradient
    pub second: Vec<f32>,
    /// latent weights of digits, row-major
    pub latent: Vec<f32>,
}

/// All that an [`AdamW`] has learned: save it, and [`AdamW::restore`] goes on to the same bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// steps taken
    pub steps: u64,
    /// one a parameter, in the order of the walk
    pub leaves: Vec<LeafState>,
}

impl AdamW {
    /// An optimiser for this model. `latent` gives the latent weights of digits by their path, row-major; where it has
    /// none, they start at `scale * digits`.
    ///
    /// # Errors
    /// Latent weights of the wrong number.
    pub fn new<T: Part>(
        view: T::ViewMut<'_>,
        options: AdamWOptions,
        latent: &mut dyn FnMut(&str) -> Option<Vec<f32>>,
    ) -> Result<Self, Error> {
        let mut leaves = Vec::new();
        let mut failed = None;
        T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |leaf| {
            let state = match leaf {
                // the scale of digits is handled with them
                LeafMut::Number { path, scales_digits, .. } => LeafState::floats(path, usize::from(!scales_digits)),
                LeafMut::Float { path, values, .. } => LeafState::floats(path, values.len()),
                LeafMut::Ternary { path, rows, cols, words, scale: Some(scale), .. } => {
                    match start_latent(latent(path), rows, cols, words, scale.get()) {
                        Ok(values) => LeafState { latent: values, ..LeafState::floats(path, rows * cols) },
                        Err(error) => {
                            failed.get_or_insert_with(|| error.inside(path));
                            LeafState::default()
                        }
                    }
                }
                other => LeafState::floats(other.path(), 0),
            };
            leaves.push(state);
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(AdamW { options, steps: 0, leaves, scratch: Scratch::new(), block: Vec::new() }),
        }
    }

    /// An optimiser that goes on where another stopped.
    ///
    /// # Errors
    /// Another model: a parameter with another path or number of elements.
    pub fn restore<T: Part>(view: T::ViewMut<'_>, options: AdamWOptions, state: OptimizerState) -> Result<Self, Error> {
        let fresh = Self::new::<T>(view, options, &mut |_| None)?;
        if fresh.leaves.len() != state.leaves.len() {
            let (want, found) = (fresh.leaves.len(), state.leaves.len());
            return Err(Error::input(format!("an optimiser state of {want} parameters"), format!("{found}")));
        }
        for (want, found) in fresh.leaves.iter().zip(&state.leaves) {
            if want.shape() != found.shape() {
                return Err(Error::input(
                    format!("{:?} in an optimiser state", want.shape()),
                    format!("{:?}", found.shape()),
                ));
            }
        }
        Ok(AdamW { steps: state.steps, leaves: state.leaves, ..fresh })
    }

    /// All that a later [`restore`](AdamW::restore) needs.
    pub fn state(&self) -> OptimizerState {
        OptimizerState { steps: self.steps, leaves: self.leaves.clone() }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The latent weights of the digits at `path`.
    pub fn latent(&self, path: &str) -> Option<&[f32]> {
        self.leaves.iter().find(|leaf| leaf.path == path).map(|leaf| &leaf.latent[..]).filter(|w| !w.is_empty())
    }

    /// Bits that a ternary digit takes here: its latent weight and its moments. `None` without digits.
    pub fn bits_per_digit(&self) -> Option<f64> {
        let of_digits = self.leaves.iter().filter(|leaf| !leaf.latent.is_empty());
        let (digits, floats) = of_digits.fold((0, 0), |(digits, floats), leaf| {
            let LeafState { first, second, latent, .. } = leaf;
            (digits + latent.len(), floats + first.len() + second.len() + latent.len())
        });
        (digits > 0).then(|| 32.0 * floats as f64 / digits as f64)
    }

    /// One step on a model where it lies: clips the gradients and updates all parameters in place; gives the norm before
    /// clipping.
    ///
    /// # Errors
    /// Gradients that are not finite, or a model that this optimiser was not made for. Nothing is changed then.
    pub fn step<T: Part, A: AccessMut>(
        &mut self,
        region: &mut Region<T, A>,
        grad: &mut T::Grad<f32>,
        lr: f32,
    ) -> Result<f64, Error> {
        let norm = self.norm::<T>(region.view_mut()?, grad)?;
        self.update::<T>(region.view_mut()?, grad, norm, lr)?;
        Ok(norm)
    }

    /// Norm of all gradients that [`update`](AdamW::update) would use, in f64 and in a fixed order.
    ///
    /// # Errors
    /// A gradient of another variant than the model.
    pub fn norm<T: Part>(&self, view: T::ViewMut<'_>, grad: &mut T::Grad<f32>) -> Result<f64, Error> {
        let mut sum = 0.0;
        let mut leaves = self.leaves.iter();
        T::walk_mut(view, grad, &mut String::new(), &mut |leaf| {
            let used = leaves.next().is_some_and(|leaf| !leaf.first.is_empty());
            sum += match leaf {
                LeafMut::Number { grad, .. } if used => f64::from(grad) * f64::from(grad),
                LeafMut::Float { grad, .. } => grad.norm_squared(),
                LeafMut::Ternary { signal, scale: Some(scale), .. } if !self.options.frozen_digits => {
                    let scale = f64::from(scale.get());
                    signal.norm_squared() / (scale * scale)
                }
                _ => 0.0,
            };
        })?;
        Ok(sum.sqrt())
    }

    /// The second half of a [`step`](AdamW::step), for a model that is in no region: clips the gradients, whose
    /// [`norm`](AdamW::norm) the caller has measured, and updates all parameters in place.
    ///
    /// # Errors
    /// A norm that is not finite (nothing is changed then); a model of other sizes than this optimiser's.
    pub fn update<T: Part>(
        &mut self,
        view: T::ViewMut<'_>,
        grad: &mut T::Grad<f32>,
        norm: f64,
        lr: f32,
    ) -> Result<(), Error> {
        let rates = Rates::new(&self.options, self.steps + 1, norm, lr)?;
        self.steps += 1;
        let frozen = self.options.frozen_digits;
        let AdamW { leaves, scratch, block, .. } = self;
        let mut leaves = leaves.iter_mut();
        let mut failed = None;
        T::walk_mut(view, grad, &mut String::new(), &mut |leaf| {
            let path = leaf.path();
            let result = match leaves.next() {
                Some(state) if state.path == path => state.update(leaf, &rates, frozen, (scratch, block)),
                _ => Err(Error::input("the model that this optimiser was made for", "another parameter")),
            };
            if let Err(error) = result {
                failed.get_or_insert(error);
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

impl LeafState {
    fn floats(path: &str, n: usize) -> Self {
        LeafState { path: path.into(), first: vec![0.0; n], second: vec![0.0; n], latent: Vec::new() }
    }

    fn shape(&self) -> (&str, usize, usize, usize) {
        (&self.path, self.first.len(), self.second.len(), self.latent.len())
    }

    fn update(
        &mut self,
        leaf: LeafMut<'_>,
        rates: &Rates,
        frozen: bool,
        (scratch, block): (&mut Scratch, &mut Vec<f32>),
    ) -> Result<(), Error> {
        // on the threads of the current rayon pool; the bits do not depend on their number
        let exec = Exec::best().parallel();
        let LeafState { path, first, second, latent } = self;
        let mut moments = Moments { first, second };
        match leaf {
            LeafMut::Number { .. } if moments.first.is_empty() => {}
            LeafMut::Number { value, grad, .. } => value.set(moments.number(rates.plain, value.get(), grad)?),
            LeafMut::Float { dims, values, grad, .. } => {
                moments.float(exec, rates, &dims, values, grad, block).inside(path)?;
            }
            LeafMut::Ternary { rows, cols, words, signal, scale, .. } if !frozen && !latent.is_empty() => {
                moments.check(rows * cols).inside(path)?;
                let Some(scale) = scale.filter(|_| signal.form() != Form::Ignored) else { return Ok(()) };
                let c = Coefficients { grad: rates.decayed.grad / scale.get(), ..rates.decayed };
                let Moments { first, second } = moments;
                let sizes = [rows, cols];
                scale.set(if signal.form() == Form::Dense {
                    // the same in one pass less
                    let signal = signal.dense(rows, cols).inside(path)?.unwrap_or_default();
                    adam::update_latent_with(exec, c, latent, signal, first, second, rows, cols, words, scratch)?
                } else {
                    let update = |rows: Range<usize>, signal: &[f32]| {
                        let at = rows.start * cols..rows.end * cols;
                        let (first, second) = (&mut first[at.clone()], &mut second[at.clone()]);
                        Ok(adam::update_with(exec, c, &mut latent[at], signal, first, second)?)
                    };
                    signal.gradient_mut().each_block(exec, sizes, 1, block, update).inside(path)?;
                    ternary::quantize_absmean_with(exec, latent, rows, cols, words)?
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Latent weights as given, or from the digits.
fn start_latent(
    given: Option<Vec<f32>>,
    rows: usize,
    cols: usize,
    words: &[u64],
    scale: f32,
) -> Result<Vec<f32>, Error> {
    match given {
        Some(values) if values.len() == rows * cols => Ok(values),
        Some(values) => Err(Error::length("latent weights", rows * cols, values.len())),
        None => {
            let mut values = vec![0.0; rows * cols];
            ternary::unpack_f32(words, rows, cols, &mut values)?;
            values.iter_mut().for_each(|w| *w *= scale);
            Ok(values)
        }
    }
}
