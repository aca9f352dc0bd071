//! A run on disk: all that going on to the same bits takes.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use barewire::prelude::*;
use barewire::train::{LeafState, OptimizerState};
use barewire::wire::Level;
use barewire_models::hgrn::HgrnLm;

/// A run that was stopped. Windows are a function of seed and step, so no generator state is needed.
#[derive(BareStruct)]
pub(crate) struct Checkpoint {
    /// SHA-256 of the text
    pub(crate) text: String,
    /// settings that the bits depend on
    pub(crate) run: Run,
    /// steps taken
    pub(crate) step: u64,
    /// seconds that they took
    pub(crate) seconds: f64,
    /// mean loss of every step
    pub(crate) losses: Vec<f32>,
    /// validation loss, with the steps at which it was measured
    pub(crate) checks: Vec<Check>,
    /// the model as it stands
    pub(crate) model: HgrnLm,
    /// steps of the optimiser
    pub(crate) optimizer_steps: u64,
    /// what the optimiser keeps, a parameter each
    pub(crate) leaves: Vec<Leaf>,
}

/// Settings that the bits of a run depend on.
#[derive(BareStruct, Clone, Debug)]
pub(crate) struct Run {
    /// steps of the whole schedule
    pub(crate) steps: u64,
    /// windows a step
    pub(crate) batch: u64,
    /// characters a window
    pub(crate) seq_len: u64,
    /// width
    pub(crate) d_model: u64,
    /// layers
    pub(crate) layers: u64,
    /// largest learning rate
    pub(crate) lr: f64,
    /// seed
    pub(crate) seed: u64,
    /// f32 projections
    pub(crate) float: bool,
    /// digits do not learn
    pub(crate) frozen_digits: bool,
    /// how digits learn without latent weights, if they do
    pub(crate) accumulate: Option<Accumulators>,
}

/// Settings of accumulate and fire.
#[derive(BareStruct, Clone, Copy, Debug)]
pub(crate) struct Accumulators {
    /// width
    pub(crate) bits: u8,
    /// largest gain
    pub(crate) gain: f64,
    /// what is left of it at the end, as a fraction
    pub(crate) floor: f64,
    /// increments are rounded at random
    pub(crate) stochastic: bool,
    /// saturating counters that digits are read off, in place of accumulators that fire
    pub(crate) counters: bool,
}

/// One measurement of the validation loss.
#[derive(BareStruct, Clone, Copy, Debug)]
pub(crate) struct Check {
    /// after this many steps
    pub(crate) step: u64,
    /// nats a character, in blocks
    pub(crate) nats: f64,
}

/// What the optimiser keeps of one parameter.
#[derive(BareStruct)]
pub(crate) struct Leaf {
    /// where the parameter is
    pub(crate) path: String,
    /// mean gradient
    pub(crate) first: Vec<f32>,
    /// mean squared gradient
    pub(crate) second: Vec<f32>,
    /// latent weights of digits
    pub(crate) latent: Vec<f32>,
}

impl Checkpoint {
    /// The optimiser's part.
    pub(crate) fn optimizer(state: OptimizerState) -> (u64, Vec<Leaf>) {
        let leaf = |LeafState { path, first, second, latent }| Leaf { path, first, second, latent };
        (state.steps, state.leaves.into_iter().map(leaf).collect())
    }

    /// The optimiser's part, for the optimiser.
    pub(crate) fn take_optimizer(&mut self) -> OptimizerState {
        let leaf = |Leaf { path, first, second, latent }| LeafState { path, first, second, latent };
        let leaves = std::mem::take(&mut self.leaves);
        OptimizerState { steps: self.optimizer_steps, leaves: leaves.into_iter().map(leaf).collect() }
    }

    /// Writes the checkpoint: the whole of it or nothing.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        Region::encode(self).save(path).context("cannot save the checkpoint")
    }

    /// Reads a checkpoint and checks every hash in it.
    pub(crate) fn load(path: &Path, text_sha256: &str) -> Result<Self> {
        let region = Region::<Checkpoint>::open(path).context("cannot read the checkpoint")?;
        let broken = || format!("the checkpoint {} is damaged", path.display());
        region.verify(Level::Full).with_context(broken)?;
        let checkpoint = region.decode().with_context(broken)?;
        ensure!(
            checkpoint.text == text_sha256,
            "the checkpoint {} was made from another text (SHA-256 {}, here {text_sha256})",
            path.display(),
            checkpoint.text,
        );
        Ok(checkpoint)
    }
}
