//! The main job: trains a ternary HGRN-Bit character model on the CPU, writes it as a barewire file, maps the file back,
//! checks that nothing was lost, and lets it write.
//!
//! ```text
//! cargo run --release --example char_lm                    # the sources of some crates, so it learns to write Rust
//! cargo run --release --example char_lm -- --text FILE     # any UTF-8 text
//! ```

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use barewire::prelude::*;
use barewire::wire::{Level, Mapped};
use barewire_models::hgrn::HgrnLm;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

mod checkpoint;
mod evaluate;
mod ngram;
mod report;
mod sample;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod trainer;

use checkpoint::{Check, Checkpoint, Run};
use evaluate::Evaluator;
use ngram::Ngram;
use report::{Counts, Report, row};
use settings::Settings;
use text::Text;
use trainer::Trainer;

/// Steps of a run that nothing else bounds.
const STEPS: u64 = 2500;
/// Minutes of a run that nothing else bounds: with all that comes after it, below five.
const MINUTES: f64 = 4.0;
/// Steps after which the speed is known well enough to shorten the schedule, and between further looks at it.
const LOOK: u64 = 50;
/// How far the file's validation loss may be from the trained model's, in nats.
const PACKED_TOLERANCE: f64 = 3e-4;
/// The status of a run that Ctrl-C stopped, as shells have it.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let listening = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("cannot listen to Ctrl-C");
    match listening.and_then(|()| run(&settings, &stop)) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The whole job. `stop` asks for a checkpoint and an early end.
fn run(settings: &Settings, stop: &AtomicBool) -> Result<ExitCode> {
    let threads = match settings.threads {
        Some(n) => n as usize,
        None => std::thread::available_parallelism().map_or(1, Into::into),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    pool.install(|| run_in_pool(settings, threads, stop))
}

fn run_in_pool(settings: &Settings, threads: usize, stop: &AtomicBool) -> Result<ExitCode> {
    check_folders(settings)?;
    let text = Text::load(settings.text.as_deref())?;
    let (train, validation) = text.split();
    let mut trainer = match &settings.resume {
        Some(path) => {
            let checkpoint = Checkpoint::load(path, &text.sha256)?;
            text.check(checkpoint.run.seq_len as usize)?;
            Trainer::resume(train, text.vocab.len(), checkpoint)?
        }
        None => {
            text.check(settings.seq_len as usize)?;
            Trainer::new(train, text.vocab.len(), new_run(settings))?
        }
    };
    println!("text: {}", text.name);
    println!("  sha256 {}", text.sha256);
    println!("  {} characters to train, {} to validate, {} distinct", train.len(), validation.len(), text.vocab.len());
    describe(trainer.run(), threads);

    let cpu = report::cpu_seconds();
    let mut evaluator = Evaluator::new();
    if !train_to_the_end(settings, &mut trainer, validation, &mut evaluator, stop)? {
        let path = settings.beside("checkpoint");
        trainer.checkpoint(&text.sha256)?.save(&path)?;
        println!("stopped after {} steps; go on with --resume {}", trainer.step, path.display());
        return Ok(ExitCode::from(STOPPED));
    }
    let cpu = cpu.zip(report::cpu_seconds()).map(|(before, after)| after - before);

    let index = Index::new();
    let model = trainer::objective(trainer.region(), &index)?;
    let val_nats = evaluator.blocks(&model, validation, trainer.run().seq_len as usize)?;
    let val_nats_carried = evaluator.carried(&model, validation)?;
    let ngram5_nats = Ngram::count(train, text.vocab.len(), 5).nats(validation);
    trainer.save(&settings.out)?;
    let curve = settings.beside("svg");
    report::curve(&curve, &trainer.losses, &trainer.checks, ngram5_nats)?;

    let mapped = map(&settings.out)?;
    let index = Index::new();
    let packed_val_nats_carried = evaluator.carried(&trainer::objective(&mapped, &index)?, validation)?;
    let difference = (packed_val_nats_carried - val_nats_carried).abs();
    ensure!(difference <= PACKED_TOLERANCE, "the file's validation loss differs by {difference} from the trained model's");

    let model = Checked::<HgrnLm>::new(mapped.view(&index)?)?;
    let (written, speed) =
        sample::sample(&model, text.vocab.len(), validation[0], settings.generate as usize, trainer.run().seed)?;
    let counts = Counts::of(&mut Region::<HgrnLm>::open(&settings.out)?)?;
    let seconds = trainer.spent.as_secs_f64();
    let report = Report {
        params: counts.floats + counts.digits,
        steps: trainer.step,
        train_chars: trainer.chars(),
        seconds,
        chars_per_second: trainer.chars() as f64 / seconds,
        val_nats,
        val_nats_carried,
        packed_val_nats_carried,
        ngram5_nats,
        file_bytes: mapped.bytes().len() as u64,
        bits_per_ternary_weight: counts.bits_per_digit(),
        sample: text.decode(&written),
    };
    println!("\nsample, {} characters at {speed:.0} a second:\n{}", written.len(), report.sample);
    report.print(cpu);
    row("model", settings.out.display());
    row("loss curve", curve.display());
    if let Some(path) = &settings.report {
        report.save(path)?;
        row("report", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// A run as the command line wants it.
fn new_run(settings: &Settings) -> Run {
    Run {
        steps: settings.steps.unwrap_or(STEPS),
        batch: settings.batch,
        seq_len: settings.seq_len,
        d_model: settings.d_model,
        layers: settings.layers,
        lr: settings.lr.unwrap_or(if settings.float { 2e-3 } else { 4e-3 }),
        seed: settings.seed,
        float: settings.float,
        frozen_digits: settings.frozen_digits,
    }
}

fn describe(run: &Run, threads: usize) {
    let kind = match (run.float, run.frozen_digits) {
        (true, _) => "f32",
        (_, true) => "ternary, digits frozen",
        _ => "ternary",
    };
    println!(
        "model: {kind}, {} layers, d_model {}; {} steps of {} x {} characters, lr {}, seed {}, {threads} threads",
        run.layers, run.d_model, run.steps, run.batch, run.seq_len, run.lr, run.seed,
    );
}

/// Trains until the schedule ends (true) or Ctrl-C is pressed (false).
fn train_to_the_end(
    settings: &Settings,
    trainer: &mut Trainer<'_>,
    validation: &[u32],
    evaluator: &mut Evaluator,
    stop: &AtomicBool,
) -> Result<bool> {
    let limit = settings.minutes.or((settings.steps.is_none() && settings.resume.is_none()).then_some(MINUTES));
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
        if trainer.step.is_multiple_of((run.steps / 10).max(1)) && trainer.step < run.steps {
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

/// Shortens the schedule to what fits into the rest of the time at the speed so far.
fn fit(trainer: &mut Trainer<'_>, done: u64, spent: Duration, limit: Duration) {
    let left = limit.saturating_sub(spent).as_secs_f64();
    let fits = (left / spent.as_secs_f64() * done as f64) as u64;
    let end = trainer.step + fits;
    if end < trainer.run().steps {
        trainer.shorten(end);
    }
}

/// Maps the model file for reading and checks every hash in it.
fn map(path: &Path) -> Result<Region<HgrnLm, Mapped>> {
    // SAFETY: this process wrote the file a moment ago and changes it no more; that no other process does either is what
    // the user of an output file has to see to.
    #[allow(unsafe_code)]
    let mapped = unsafe { Region::<HgrnLm, _>::map(path) }.context("cannot map the model back")?;
    mapped.verify(Level::Full).with_context(|| format!("the model file {} is damaged", path.display()))?;
    Ok(mapped)
}

/// Refuses outputs that cannot be written, before the work and not after it.
fn check_folders(settings: &Settings) -> Result<()> {
    for path in [Some(&settings.out), settings.report.as_ref()].into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
        ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    }
    Ok(())
}
