//! The main job: trains a ternary HGRN-Bit character model on the CPU, writes it as a barewire file, maps the file back,
//! checks that nothing was lost, and lets it write.
//!
//! ```text
//! cargo run --release --example char_lm                    # the sources of some crates, so it learns to write Rust
//! cargo run --release --example char_lm -- --text FILE     # any UTF-8 text
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use clap::Parser;

mod checkpoint;
mod evaluate;
mod finish;
mod ngram;
mod optimizer;
mod progress;
mod report;
mod sample;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod trainer;
mod training;

use checkpoint::{Accumulators, Checkpoint, Run};
use evaluate::Evaluator;
use settings::Settings;
use text::Text;
use trainer::Trainer;
use training::Files;

/// Steps of a run that nothing else bounds. On a text of a million characters more of them only fit it closer.
const STEPS: u64 = 2500;
/// Minutes of a run that nothing else bounds: with all that comes after it, below five.
const MINUTES: f64 = 4.0;
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
    check_outputs(settings)?;
    let text = Text::load(settings.text.as_deref())?;
    if let Some(path) = &settings.evaluate {
        text.check(settings.seq_len as usize)?;
        finish::evaluate(path, &text, settings.seq_len as usize)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (train, validation) = text.split();
    let mut trainer = match &settings.resume {
        Some(path) if Files::exist(path) => Trainer::resume_files(&text, path, settings)?,
        Some(path) => Trainer::resume(&text, Checkpoint::load(path, &text.sha256)?)?,
        None => {
            text.check(settings.seq_len as usize)?;
            Trainer::new(&text, new_run(settings)?, settings)?
        }
    };
    println!("text: {}", text.name);
    println!("  sha256 {}", text.sha256);
    println!("  {} characters to train, {} to validate, {} distinct", train.len(), validation.len(), text.vocab.len());
    describe(trainer.run(), threads);

    let cpu = report::cpu_seconds();
    let mut evaluator = Evaluator::new();
    let limit = settings.minutes.or((settings.steps.is_none() && settings.resume.is_none()).then_some(MINUTES));
    if !progress::train(&mut trainer, validation, &mut evaluator, limit, stop)? {
        let kept = match &settings.resume {
            _ if trainer.run().accumulate.is_none() => settings.beside("checkpoint"),
            Some(path) => path.clone(),
            None => settings.beside("training"),
        };
        trainer.stop(&text.sha256, &kept)?;
        println!("stopped after {} steps; go on with --resume {}", trainer.step, kept.display());
        return Ok(ExitCode::from(STOPPED));
    }
    let cpu = cpu.zip(report::cpu_seconds()).map(|(before, after)| after - before);

    finish::finish(settings, &mut trainer, &text, &mut evaluator, cpu)?;
    trainer.end()?;
    Ok(ExitCode::SUCCESS)
}

/// A run as the command line wants it.
fn new_run(settings: &Settings) -> Result<Run> {
    Ok(Run {
        steps: settings.steps.unwrap_or(STEPS),
        batch: settings.batch,
        seq_len: settings.seq_len,
        d_model: settings.d_model,
        layers: settings.layers,
        lr: settings.lr.unwrap_or(if settings.float { 2e-3 } else { 4e-3 }),
        seed: settings.seed,
        float: settings.float,
        frozen_digits: settings.frozen_digits,
        accumulate: settings.accumulators()?,
    })
}

fn describe(run: &Run, threads: usize) {
    if let Some(Accumulators { bits, gain, floor, stochastic, counters }) = run.accumulate {
        let rounding = if stochastic { "stochastic" } else { "nearest" };
        let kept = if counters { "counters" } else { "accumulators" };
        println!("digits: {kept} of {bits} bits, gain {gain} to {:.2}, rounding {rounding}", gain * floor);
    }
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

/// Refuses outputs that cannot be written, or that would overwrite each other or the text: before the work, not after
/// it.
fn check_outputs(settings: &Settings) -> Result<()> {
    let outputs = [Some(settings.out.clone()), Some(settings.beside("svg")), settings.report.clone()];
    let mut seen: Vec<PathBuf> = settings.text.iter().cloned().chain([settings.beside("checkpoint")]).collect();
    seen.extend(Files::paths(&settings.beside("training")));
    for path in outputs.into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
        ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
        ensure!(!seen.contains(&path), "{} is named for two things; choose another --out or --report", path.display());
        seen.push(path);
    }
    Ok(())
}
