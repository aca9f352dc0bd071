//! A run without latent weights, in files that survive a kill: they are the training state, and change in place.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use barewire::prelude::*;
use barewire::train::{Accumulate, AccumulateState};
use barewire::wire::Generations;
use barewire_models::hgrn::{HgrnLm, HgrnLmCotangent};

use crate::checkpoint::{Check, Run};
use crate::optimizer::{self, Rates};

/// A run, as it stands. Windows are a function of seed and step, so no generator state is needed.
#[derive(BareStruct)]
pub(crate) struct Training {
    /// SHA-256 of the text
    pub(crate) text: String,
    /// settings that the bits depend on
    pub(crate) run: Run,
    /// steps taken
    pub(crate) step: u64,
    /// seconds that they took
    pub(crate) seconds: f64,
    /// how often digits moved
    pub(crate) moves: u64,
    /// mean loss of every step; zeros for those to come
    pub(crate) losses: Vec<f32>,
    /// validation loss after every step, nats a character in blocks; zeros where it was not measured
    pub(crate) checks: Vec<f64>,
    /// all that learns, and what is kept of it
    pub(crate) optimizer: AccumulateState,
}

/// The files of a run, and what works on them.
pub(crate) struct Files {
    files: Generations<Training>,
    optimizer: Accumulate,
}

/// What a run has told so far.
pub(crate) struct Progress<'a> {
    pub(crate) run: &'a Run,
    pub(crate) step: u64,
    pub(crate) seconds: f64,
    pub(crate) moves: u64,
    pub(crate) losses: &'a [f32],
    pub(crate) checks: &'a [Check],
}

impl Files {
    /// Whether there are files of this name.
    pub(crate) fn exist(path: &Path) -> bool {
        Generations::<Training>::paths(path).iter().any(|path| path.exists())
    }

    /// Where the files are.
    pub(crate) fn paths(path: &Path) -> [PathBuf; 2] {
        Generations::<Training>::paths(path)
    }

    /// New files for a model that has learned nothing.
    pub(crate) fn create(path: &Path, text: &str, run: &Run, model: &mut Region<HgrnLm>) -> Result<Self> {
        let accumulate = run.accumulate.context("a run with accumulators")?;
        let steps = usize::try_from(run.steps)?;
        let optimizer = if accumulate.counters {
            AccumulateState::with_counters::<HgrnLm>(model.view_mut()?, run.seed)?
        } else {
            AccumulateState::new::<HgrnLm>(model.view_mut()?, accumulate.bits.into())?
        };
        let training = Training {
            text: text.into(),
            run: run.clone(),
            step: 0,
            seconds: 0.0,
            moves: 0,
            losses: vec![0.0; steps],
            checks: vec![0.0; steps],
            optimizer,
        };
        // SAFETY: files of a run are its own; that no other process touches them is what the user has to see to.
        #[allow(unsafe_code)]
        let files = unsafe { Generations::create(path, &training) }.context("cannot write the training state")?;
        Ok(Files { files, optimizer: Accumulate::new(optimizer::accumulate(run)) })
    }

    /// Files of a run that ended at any moment, and what they say.
    pub(crate) fn open(path: &Path, text: &str) -> Result<(Self, Training)> {
        // SAFETY: as in `create`.
        #[allow(unsafe_code)]
        let files = unsafe { Generations::<Training>::open(path) }.context("cannot read the training state")?;
        let training = files.whole().decode()?;
        ensure!(
            training.text == text,
            "the training state {} was made from another text (SHA-256 {}, here {text})",
            path.display(),
            training.text,
        );
        let room = training.losses.len().min(training.checks.len()) as u64;
        ensure!(room >= training.run.steps, "the training state has room for {room} of {} steps", training.run.steps);
        let optimizer = Accumulate::new(optimizer::accumulate(&training.run));
        Ok((Files { files, optimizer }, training))
    }

    /// One step, where the state lies; gives the number of digits that moved.
    pub(crate) fn step(
        &mut self,
        model: &mut Region<HgrnLm>,
        grad: &mut HgrnLmCotangent<f32>,
        rates: Rates,
    ) -> Result<u64> {
        let norm = self.optimizer.norm::<HgrnLm>(model.view_mut()?, grad)?;
        let state = self.files.working().view_mut()?.optimizer;
        let Rates { lr, gain } = rates;
        let stepped = self.optimizer.update::<HgrnLm>(model.view_mut()?, state, grad, norm, lr, gain)?;
        Ok(stepped.counts.moved())
    }

    /// From now on the run goes on from here, whatever happens.
    pub(crate) fn commit(&mut self, progress: &Progress<'_>) -> Result<()> {
        let TrainingViewMut { run, step, seconds, moves, losses, checks, .. } = self.files.working().view_mut()?;
        run.steps.set(progress.run.steps);
        step.set(progress.step);
        seconds.set(progress.seconds);
        moves.set(progress.moves);
        losses[..progress.losses.len()].copy_from_slice(progress.losses);
        for check in progress.checks {
            checks[check.step as usize - 1] = check.nats;
        }
        self.files.commit().context("cannot write the training state")
    }

    /// Bits of the state that a ternary digit takes, as stored in each of the two files.
    pub(crate) fn bits_per_digit(&self) -> Result<Option<f64>> {
        Ok(self.files.whole().decode()?.optimizer.bits_per_digit())
    }

    /// The run is over.
    pub(crate) fn remove(self) -> Result<()> {
        self.files.remove().context("cannot delete the training state")
    }
}

impl Training {
    /// What was measured.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let all = (1..).zip(&self.checks).filter(|(_, nats)| **nats > 0.0);
        all.map(|(step, &nats)| Check { step, nats }).collect()
    }
}
