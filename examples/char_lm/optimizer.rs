//! How the parameters learn: one of two optimisers, with its schedules.

use anyhow::Result;
use barewire::prelude::*;
use barewire::train::{Accumulate, AccumulateOptions, AdamW, AdamWOptions, Schedule, randomize_digits};
use barewire_models::hgrn::{HgrnConfig, HgrnLm, HgrnLmCotangent};

use crate::checkpoint::Run;

/// Steps until the learning rate has its peak.
const WARMUP: u64 = 100;
/// What is left of the learning rate at the end.
const FLOOR: f64 = 0.1;
/// Share of digits that are not 0 at first, without latent weights.
const DENSITY: f32 = 0.67;

/// An optimiser of either kind.
pub(crate) enum Optimizer {
    /// digits by latent weights
    Latent(AdamW),
    /// digits by accumulators, and how often one has moved since the start of this process
    Accumulate(Accumulate, u64),
}

impl Optimizer {
    /// A fresh model over `vocab` characters, and what trains it.
    pub(crate) fn start(vocab: usize, run: &Run) -> Result<(Region<HgrnLm>, Self)> {
        let (d_model, layers) = (run.d_model as usize, run.layers as usize);
        let config = HgrnConfig { ternary: !run.float, ..HgrnConfig::new(vocab, d_model, layers) };
        let (model, mut latents) = HgrnLm::random(&config, run.seed)?;
        let mut region = Region::encode(&model);
        let optimizer = match accumulators(run) {
            None => Self::Latent(AdamW::new::<HgrnLm>(region.view_mut()?, floats(run), &mut |path| {
                latents.remove(path)
            })?),
            Some(options) => {
                randomize_digits::<HgrnLm>(region.view_mut()?, DENSITY, run.seed)?;
                Self::Accumulate(Accumulate::new::<HgrnLm>(region.view_mut()?, options)?, 0)
            }
        };
        Ok((region, optimizer))
    }

    /// One step: `step` were taken before.
    pub(crate) fn step(
        &mut self,
        region: &mut Region<HgrnLm>,
        grad: &mut HgrnLmCotangent<f32>,
        run: &Run,
        step: u64,
    ) -> Result<()> {
        let lr = Schedule { peak: run.lr, warmup: WARMUP, steps: run.steps, floor: FLOOR }.at(step);
        match self {
            Self::Latent(optimizer) => drop(optimizer.step(region, grad, lr)?),
            Self::Accumulate(optimizer, moves) => {
                let (peak, floor) = run.accumulate.map_or((0.0, 0.0), |a| (a.gain, a.floor));
                let gain = Schedule { peak, warmup: 0, steps: run.steps, floor }.at(step);
                *moves += optimizer.step(region, grad, lr, gain)?.counts.moved();
            }
        }
        Ok(())
    }
}

pub(crate) fn floats(run: &Run) -> AdamWOptions {
    AdamWOptions { frozen_digits: run.frozen_digits, ..AdamWOptions::default() }
}

/// The options of accumulate and fire, if that is how digits learn.
pub(crate) fn accumulators(run: &Run) -> Option<AccumulateOptions> {
    run.accumulate.map(|accumulate| AccumulateOptions {
        bits: accumulate.bits.into(),
        stochastic: accumulate.stochastic.then_some(run.seed),
        floats: floats(run),
    })
}
