//! How the parameters learn: one of two optimisers, with its schedules.

use std::path::Path;

use anyhow::Result;
use barewire::prelude::*;
use barewire::train::{AccumulateOptions, AdamW, AdamWOptions, Schedule, randomize_digits};
use barewire_models::hgrn::{HgrnConfig, HgrnLm, HgrnLmCotangent, Latents};

use crate::checkpoint::Run;
use crate::training::Files;

/// Steps until the learning rate has its peak.
const WARMUP: u64 = 100;
/// What is left of the learning rate at the end.
const FLOOR: f64 = 0.1;
/// Share of digits that are not 0 at first, without latent weights.
const DENSITY: f32 = 0.67;

/// An optimiser of either kind.
pub(crate) enum Optimizer {
    /// digits by latent weights, in memory
    Latent(AdamW),
    /// digits by accumulators, in files
    Accumulate(Files),
}

/// What is scheduled.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    /// learning rate
    pub(crate) lr: f32,
    /// gain of increments
    pub(crate) gain: f32,
}

impl Rates {
    /// Those of step `step`, counted from 0.
    fn at(run: &Run, step: u64) -> Self {
        let (peak, floor) = run.accumulate.map_or((0.0, 0.0), |a| (a.gain, a.floor));
        // counters go far at once where there is no second moment yet
        let warmup = if run.accumulate.is_some_and(|a| a.counters) { WARMUP } else { 0 };
        Rates {
            lr: Schedule { peak: run.lr, warmup: WARMUP, steps: run.steps, floor: FLOOR }.at(step),
            gain: Schedule { peak, warmup, steps: run.steps, floor }.at(step),
        }
    }
}

/// The model that a run begins with, and its latent weights.
pub(crate) fn start(vocab: usize, run: &Run) -> Result<(Region<HgrnLm>, Latents)> {
    let (d_model, layers) = (run.d_model as usize, run.layers as usize);
    let config = HgrnConfig { ternary: !run.float, ..HgrnConfig::new(vocab, d_model, layers) };
    let (model, latents) = HgrnLm::random(&config, run.seed)?;
    let mut region = Region::encode(&model);
    // counters begin where latent weights do: with their digits and with their scale, the mean magnitude
    if run.accumulate.is_some_and(|a| !a.counters) {
        randomize_digits::<HgrnLm>(region.view_mut()?, DENSITY, run.seed)?;
    }
    Ok((region, latents))
}

impl Optimizer {
    /// What trains a model that has learned nothing. `files` is where the state of a run without latent weights goes.
    pub(crate) fn new(
        model: &mut Region<HgrnLm>,
        mut latents: Latents,
        run: &Run,
        files: &Path,
        text: &str,
    ) -> Result<Self> {
        if run.accumulate.is_some() {
            return Ok(Self::Accumulate(Files::create(files, text, run, model)?));
        }
        let optimizer = AdamW::new::<HgrnLm>(model.view_mut()?, floats(run), &mut |path| latents.remove(path))?;
        Ok(Self::Latent(optimizer))
    }

    /// One step, of which `step` were taken before; gives the number of digits that moved, if it is known.
    pub(crate) fn step(
        &mut self,
        model: &mut Region<HgrnLm>,
        grad: &mut HgrnLmCotangent<f32>,
        run: &Run,
        step: u64,
    ) -> Result<u64> {
        let rates = Rates::at(run, step);
        match self {
            Self::Latent(optimizer) => optimizer.step(model, grad, rates.lr).map(|_| 0).map_err(Into::into),
            Self::Accumulate(files) => files.step(model, grad, rates),
        }
    }

    /// Bits of state that a ternary digit takes between two steps.
    pub(crate) fn bits_per_digit(&self) -> Result<Option<f64>> {
        match self {
            Self::Latent(optimizer) => Ok(optimizer.bits_per_digit()),
            Self::Accumulate(files) => files.bits_per_digit(),
        }
    }
}

pub(crate) fn floats(run: &Run) -> AdamWOptions {
    AdamWOptions { frozen_digits: run.frozen_digits, ..AdamWOptions::default() }
}

/// The options of accumulate and fire.
pub(crate) fn accumulate(run: &Run) -> AccumulateOptions {
    let stochastic = run.accumulate.is_some_and(|accumulate| accumulate.stochastic);
    AccumulateOptions { stochastic: stochastic.then_some(run.seed), floats: floats(run) }
}
