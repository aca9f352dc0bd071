//! The training loop: progress bar, time limit, Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use barewire::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};

use crate::checkpoint::Check;
use crate::evaluate::Evaluator;
use crate::trainer::{self, Trainer};

/// Steps after which the speed is known well enough to shorten the schedule, and between further looks at it.
const LOOK: u64 = 50;
/// Points of the validation curve.
const CHECKS: u64 = 10;

/// Trains until the schedule ends (true) or Ctrl-C is pressed (false).
///
/// With a `limit` in minutes the schedule is shortened as soon as the machine turns out to be too slow for it.
pub(crate) fn train(
    trainer: &mut Trainer<'_>,
    validation: &[u32],
    evaluator: &mut Evaluator,
    limit: Option<f64>,
    stop: &AtomicBool,
) -> Result<bool> {
    let bar = ProgressBar::new(trainer.run().steps).with_position(trainer.step);
    let style = ProgressStyle::with_template("{wide_bar} step {pos}/{len}  {msg}  {eta} left")?;
    bar.set_style(style);
    let (first, start) = (trainer.step, trainer.spent);
    let mut smooth = None;
    while trainer.step < trainer.run().steps {
        if stop.load(Ordering::Relaxed) {
            bar.abandon();
            return Ok(false);
        }
        let loss = trainer.step()?;
        let mean = smooth.map_or(loss, |mean: f32| mean + (loss - mean) / 50.0);
        smooth = Some(mean);

        let (done, spent) = (trainer.step - first, trainer.spent - start);
        if let Some(limit) = limit
            && done.is_multiple_of(LOOK)
        {
            fit(trainer, done, spent, Duration::from_secs_f64(limit * 60.0));
            bar.set_length(trainer.run().steps);
        }
        let run = trainer.run();
        if trainer.step.is_multiple_of((run.steps / CHECKS).max(1)) && trainer.step < run.steps {
            let index = Index::new();
            let model = trainer::objective(trainer.region(), &index)?;
            let seq_len = run.seq_len as usize;
            let nats = evaluator.blocks(&model, sampled(validation, seq_len), seq_len)?;
            trainer.checks.push(Check { step: trainer.step, nats });
        }
        let speed = (done * trainer.run().batch * trainer.run().seq_len) as f64 / spent.as_secs_f64();
        bar.set_message(format!("loss {mean:.3}  {speed:.0} characters/s"));
        bar.set_position(trainer.step);
    }
    bar.finish();
    Ok(true)
}

/// Enough of the validation text for a point of the curve.
fn sampled(validation: &[u32], seq_len: usize) -> &[u32] {
    &validation[..validation.len().min((1 << 14).max(2 * seq_len))]
}

/// Ends the schedule where the time will, at the speed so far.
fn fit(trainer: &mut Trainer<'_>, done: u64, spent: Duration, limit: Duration) {
    let left = limit.saturating_sub(spent).as_secs_f64();
    let fits = (left / spent.as_secs_f64() * done as f64) as u64;
    trainer.end_after(trainer.step + fits);
}
