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
    shards: Shards<HgrnObjective>,
    tokens: Vec<u32>,
    targets: Vec<u32>,
    /// steps taken
    pub(crate) step: u64,
    /// mean loss of every step
    pub(crate) losses: Vec<f32>,
    /// validation during the run
    pub(crate) checks: Vec<Check>,
    /// time that the steps took, in this process and before
    pub(crate) spent: Duration,
}

impl<'t> Trainer<'t> {
    /// A fresh model over `vocab` characters.
    pub(crate) fn new(train: &'t [u32], vocab: usize, run: Run) -> Result<Self> {
        let (region, optimizer) = Optimizer::start(vocab, &run)?;
        Ok(Self::with(train, run, region, optimizer))
    }

    /// Goes on where a checkpoint stopped.
    pub(crate) fn resume(train: &'t [u32], vocab: usize, mut checkpoint: Checkpoint) -> Result<Self> {
        let state = checkpoint.take_optimizer();
        let run = checkpoint.run;
        let sizes = [run.batch, run.seq_len, run.d_model, run.layers, run.steps];
        ensure!(
            !sizes.contains(&0) && checkpoint.step <= run.steps,
            "the checkpoint's settings make no sense: {run:?}"
        );
        ensure!(
            checkpoint.step == state.steps,
            "the checkpoint's steps disagree: {} and {}",
            checkpoint.step,
            state.steps
        );
        ensure!(checkpoint.model.embeddings.rows() == vocab, "the checkpoint's model has another vocabulary");
        let mut region = Region::encode(&checkpoint.model);
        let optimizer = Optimizer::Latent(AdamW::restore::<HgrnLm>(region.view_mut()?, optimizer::floats(&run), state)?);
        let mut trainer = Self::with(train, run, region, optimizer);
        trainer.step = checkpoint.step;
        trainer.losses = checkpoint.losses;
        trainer.checks = checkpoint.checks;
        trainer.spent = Duration::try_from_secs_f64(checkpoint.seconds).context("the checkpoint's seconds")?;
        Ok(trainer)
    }

    fn with(train: &'t [u32], run: Run, region: Region<HgrnLm>, optimizer: Optimizer) -> Self {
        let shards = Shards::new(SHARDS.min(run.batch as usize));
        Trainer {
            train,
            asked: run.steps,
            run,
            region,
            optimizer,
            shards,
            tokens: Vec::new(),
            targets: Vec::new(),
            step: 0,
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
        match self.optimizer {
            Optimizer::Latent(_) => None,
            Optimizer::Accumulate(_, moves) => Some(moves),
        }
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
            self.optimizer.step(&mut self.region, &mut grad.model, &self.run, self.step)?;
            loss as f32
        };
        self.step += 1;
        self.losses.push(loss);
        self.spent += start.elapsed();
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

    /// All that going on takes.
    pub(crate) fn checkpoint(&mut self, text_sha256: &str) -> Result<Checkpoint> {
        let (optimizer_steps, leaves) = match &self.optimizer {
            Optimizer::Latent(optimizer) => Checkpoint::optimizer(optimizer.state()),
            Optimizer::Accumulate(..) => anyhow::bail!("not yet"),
        };
        Ok(Checkpoint {
            text: text_sha256.into(),
            run: self.run.clone(),
            step: self.step,
            seconds: self.spent.as_secs_f64(),
            losses: self.losses.clone(),
            checks: self.checks.clone(),
            model: self.region.decode()?,
            optimizer_steps,
            leaves,
        })
    }
}

/// The training objective of a model where it lies.
pub(crate) fn objective<'w, A: Access>(
    region: &'w Region<HgrnLm, A>,
    index: &'w Index,
) -> Result<Checked<'w, HgrnObjective>> {
    Ok(Checked::new(HgrnObjectiveView { model: region.view(index)? })?)
}
