//! The training run: windows, shards, optimiser, schedule.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use barewire::prelude::*;
use barewire::train::{AdamW, Random, Shard, Shards};
use barewire::wire::Access;
use barewire_models::hgrn::{HgrnLm, HgrnObjective, HgrnObjectiveView};

use crate::checkpoint::{Check, Checkpoint, Run};
use crate::evaluate;
use crate::optimizer::{self, Optimizer};
use crate::settings::{MOST, Settings};
use crate::text::Text;
use crate::training::{Files, Progress, Training};

/// Parts of a batch, whatever the number of threads: this is what makes the bits independent of it.
const SHARDS: usize = 4;
/// First random stream of windows; those of start weights are small numbers.
const WINDOWS: u64 = 1 << 32;

/// A model in training.
pub(crate) struct Trainer<'t> {
    train: &'t [u32],
    run: Run,
    /// steps that were asked for
    asked: u64,
    region: Region<HgrnLm>,
    optimizer: Optimizer,
    /// steps after which the state of a run without latent weights is safe from a kill
    commit_every: u64,
    shards: Shards<HgrnObjective>,
    tokens: Vec<u32>,
    targets: Vec<u32>,
    /// steps taken
    pub(crate) step: u64,
    /// how often digits moved, without latent weights
    moves: u64,
    /// mean loss of every step
    pub(crate) losses: Vec<f32>,
    /// validation during the run
    pub(crate) checks: Vec<Check>,
    /// time that the steps took, in this process and before
    pub(crate) spent: Duration,
}

impl<'t> Trainer<'t> {
    /// A fresh model over the characters of a text.
    pub(crate) fn new(text: &'t Text, run: Run, settings: &Settings) -> Result<Self> {
        let (mut region, latents) = optimizer::start(text.vocab.len(), &run)?;
        let files = settings.beside("training");
        let optimizer = Optimizer::new(&mut region, latents, &run, &files, &text.sha256)?;
        Ok(Self::with(text, run, region, optimizer, settings.commit))
    }

    /// Goes on where a run without latent weights was committed last.
    pub(crate) fn resume_files(text: &'t Text, files: &Path, settings: &Settings) -> Result<Self> {
        let (files, training) = Files::open(files, &text.sha256)?;
        let checks = training.checks();
        let Training { run, step, seconds, moves, mut losses, optimizer, .. } = training;
        check_run(&run, step, optimizer.steps)?;
        // the model is built before it is compared, so its size must not be a mere promise
        let digits = 4 * u128::from(run.layers) * u128::from(run.d_model).pow(2);
        ensure!(optimizer.digits() as u128 >= digits, "the training state is not that of its settings: {run:?}");
        text.check(run.seq_len as usize)?;
        let (mut region, _) = optimizer::start(text.vocab.len(), &run)?;
        optimizer.load_into::<HgrnLm>(region.view_mut()?)?;
        losses.truncate(step as usize);
        let mut trainer = Self::with(text, run, region, Optimizer::Accumulate(files), settings.commit);
        (trainer.step, trainer.moves, trainer.losses, trainer.checks) = (step, moves, losses, checks);
        trainer.spent = Duration::try_from_secs_f64(seconds).context("the training state's seconds")?;
        Ok(trainer)
    }

    /// Goes on where a checkpoint stopped.
    pub(crate) fn resume(text: &'t Text, mut checkpoint: Checkpoint) -> Result<Self> {
        let state = checkpoint.take_optimizer();
        let run = checkpoint.run;
        check_run(&run, checkpoint.step, state.steps)?;
        text.check(run.seq_len as usize)?;
        ensure!(
            checkpoint.model.embeddings.rows() == text.vocab.len(),
            "the checkpoint's model has another vocabulary"
        );
        let mut region = Region::encode(&checkpoint.model);
        let optimizer =
            Optimizer::Latent(AdamW::restore::<HgrnLm>(region.view_mut()?, optimizer::floats(&run), state)?);
        let mut trainer = Self::with(text, run, region, optimizer, u64::MAX);
        trainer.step = checkpoint.step;
        trainer.losses = checkpoint.losses;
        trainer.checks = checkpoint.checks;
        trainer.spent = Duration::try_from_secs_f64(checkpoint.seconds).context("the checkpoint's seconds")?;
        Ok(trainer)
    }

    fn with(text: &'t Text, run: Run, region: Region<HgrnLm>, optimizer: Optimizer, commit_every: u64) -> Self {
        let shards = Shards::new(SHARDS.min(run.batch as usize));
        Trainer {
            train: text.split().0,
            asked: run.steps,
            run,
            region,
            optimizer,
            commit_every,
            shards,
            tokens: Vec::new(),
            targets: Vec::new(),
            step: 0,
            moves: 0,
            losses: Vec::new(),
            checks: Vec::new(),
            spent: Duration::ZERO,
        }
    }

    /// The settings that the bits depend on.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// The model as a file in memory; sealed only by [`save`](Trainer::save).
    pub(crate) fn region(&self) -> &Region<HgrnLm> {
        &self.region
    }

    /// Writes the model.
    pub(crate) fn save(&mut self, path: &Path) -> Result<()> {
        self.region.seal()?;
        self.region.save(path).context("cannot save the model")
    }

    /// How often digits moved, without latent weights.
    pub(crate) fn moves(&self) -> Option<u64> {
        self.run.accumulate.map(|_| self.moves)
    }

    /// Bits of state that a ternary digit takes from step to step.
    pub(crate) fn state_bits_per_digit(&self) -> Result<Option<f64>> {
        self.optimizer.bits_per_digit()
    }

    /// Characters that the steps so far have read.
    pub(crate) fn chars(&self) -> u64 {
        self.step * self.run.batch * self.run.seq_len
    }

    /// Ends the schedule after `steps`, at most those that were asked for, because the machine is too slow for the time
    /// given.
    pub(crate) fn end_after(&mut self, steps: u64) {
        self.run.steps = steps.clamp(self.step, self.asked.max(self.step));
    }

    /// One step; gives the mean loss of its windows.
    pub(crate) fn step(&mut self) -> Result<f32> {
        let start = Instant::now();
        self.draw();
        let (batch, seq_len) = (self.run.batch as usize, self.run.seq_len as usize);
        let loss = {
            let index = Index::new();
            let model = objective(&self.region, &index)?;
            let rows: Vec<_> = (0..SHARDS.min(batch)).map(|shard| self.shards.rows(shard, batch)).collect();
            let (tokens, targets) = (&self.tokens, &self.targets);
            self.shards.run(|i, shard| {
                let rows = rows[i].clone();
                let sizes = [rows.len(), seq_len];
                let range = rows.start * seq_len..rows.end * seq_len;
                let inputs = [ids(&tokens[range.clone()], &sizes), ids(&targets[range], &sizes)];
                // each shard's loss is a mean over its rows; the batch's is the mean over all
                let share = rows.len() as f32 / batch as f32;
                let Shard { workspace, state, state_cot, grad, loss } = shard;
                evaluate::reset(state);
                evaluate::reset(state_cot);
                let mut pass = model.forward_saving(&inputs, state, workspace)?;
                *loss = f64::from(pass.result(0)[0]) * f64::from(share);
                pass.vjp(&[&[share]], &mut [Slot::Skip, Slot::Skip], grad, state_cot)
            })?;
            let (loss, grad) = self.shards.reduce()?;
            self.moves += self.optimizer.step(&mut self.region, &mut grad.model, &self.run, self.step)?;
            loss as f32
        };
        self.step += 1;
        self.losses.push(loss);
        self.spent += start.elapsed();
        if self.step.is_multiple_of(self.commit_every) {
            self.commit()?;
        }
        Ok(loss)
    }

    /// The windows of this step: a function of seed and step.
    fn draw(&mut self) {
        let seq_len = self.run.seq_len as usize;
        let mut random = Random::new(self.run.seed, WINDOWS + self.step);
        self.tokens.clear();
        self.targets.clear();
        for _ in 0..self.run.batch {
            let at = random.below((self.train.len() - seq_len) as u64) as usize;
            self.tokens.extend(&self.train[at..at + seq_len]);
            self.targets.extend(&self.train[at + 1..at + seq_len + 1]);
        }
    }

    /// Whatever happens, a run without latent weights can go on from here.
    fn commit(&mut self) -> Result<()> {
        let Trainer { run, step, moves, losses, checks, spent, .. } = self;
        let (step, moves, seconds) = (*step, *moves, spent.as_secs_f64());
        let progress = Progress { run, step, seconds, moves, losses, checks };
        match &mut self.optimizer {
            Optimizer::Latent(_) => Ok(()),
            Optimizer::Accumulate(files) => files.commit(&progress),
        }
    }

    /// Keeps what going on takes: in a checkpoint at `path`, or in the files that are the state anyway.
    pub(crate) fn stop(&mut self, text_sha256: &str, path: &Path) -> Result<()> {
        self.commit()?;
        let Optimizer::Latent(optimizer) = &self.optimizer else { return Ok(()) };
        let (optimizer_steps, leaves) = Checkpoint::optimizer(optimizer.state());
        let checkpoint = Checkpoint {
            text: text_sha256.into(),
            run: self.run.clone(),
            step: self.step,
            seconds: self.spent.as_secs_f64(),
            losses: self.losses.clone(),
            checks: self.checks.clone(),
            model: self.region.decode()?,
            optimizer_steps,
            leaves,
        };
        checkpoint.save(path)
    }

    /// The run is over: what going on would take is not needed any more.
    pub(crate) fn end(self) -> Result<()> {
        match self.optimizer {
            Optimizer::Latent(_) => Ok(()),
            Optimizer::Accumulate(files) => files.remove(),
        }
    }
}

/// Whether what a file says about a run can be true.
fn check_run(run: &Run, step: u64, optimizer_steps: u64) -> Result<()> {
    let sizes = [run.batch, run.seq_len, run.d_model, run.layers];
    let sense = sizes.iter().all(|size| (1..=MOST).contains(size)) && step <= run.steps && run.steps > 0;
    ensure!(sense, "the settings of the run to go on with make no sense: {run:?}");
    ensure!(step == optimizer_steps, "the steps of the run to go on with disagree: {step} and {optimizer_steps}");
    Ok(())
}

/// The training objective of a model where it lies.
pub(crate) fn objective<'w, A: Access>(
    region: &'w Region<HgrnLm, A>,
    index: &'w Index,
) -> Result<Checked<'w, HgrnObjective>> {
    Ok(Checked::new(HgrnObjectiveView { model: region.view(index)? })?)
}
