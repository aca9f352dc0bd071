//! After training: validation, the model file and its way back, a sample, the report.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use barewire::prelude::*;
use barewire::wire::{Level, Mapped};
use barewire_models::hgrn::HgrnLm;

use crate::evaluate::Evaluator;
use crate::ngram::Ngram;
use crate::report::{self, Counts, Report, row};
use crate::sample;
use crate::settings::Settings;
use crate::text::Text;
use crate::trainer::{self, Trainer};

/// How far the file's validation loss may be from the trained model's, in nats.
const PACKED_TOLERANCE: f64 = 3e-4;

/// Validates the model, writes it, maps the file back, checks that nothing was lost, and lets it write.
pub(crate) fn finish(
    settings: &Settings,
    trainer: &mut Trainer<'_>,
    text: &Text,
    evaluator: &mut Evaluator,
    cpu_seconds: Option<f64>,
) -> Result<()> {
    let (train, validation) = text.split();
    let index = Index::new();
    let model = trainer::objective(trainer.region(), &index)?;
    let val_nats = evaluator.blocks(&model, validation, trainer.run().seq_len as usize)?;
    let val_nats_carried = evaluator.carried(&model, validation)?;
    let val_nats_halves = evaluator.halves(&model, validation, trainer.run().seq_len as usize)?;
    let ngram5_nats = Ngram::count(train, text.vocab.len(), 5).nats(validation);
    trainer.save(&settings.out)?;
    let curve = settings.beside("svg");
    report::curve(&curve, &trainer.losses, &trainer.checks, ngram5_nats)?;

    let mapped = map(&settings.out)?;
    let index = Index::new();
    let packed_val_nats_carried = evaluator.carried(&trainer::objective(&mapped, &index)?, validation)?;
    let difference = (packed_val_nats_carried - val_nats_carried).abs();
    ensure!(
        difference <= PACKED_TOLERANCE,
        "the file's validation loss differs by {difference} from the trained model's"
    );

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
        val_nats_halves,
        packed_val_nats_carried,
        ngram5_nats,
        file_bytes: mapped.bytes().len() as u64,
        bits_per_ternary_weight: counts.bits_per_digit(),
        state_bits_per_ternary_weight: trainer.state_bits_per_digit()?,
        moves_per_digit: trainer.moves().map(|moves| moves as f64 / counts.digits as f64),
        sample: text.decode(&written),
    };
    if let Some(path) = &settings.report {
        report.save(path)?;
    }
    println!("\nsample, {} characters at {speed:.0} a second:\n{}", written.len(), report.sample);
    report.print(cpu_seconds);
    row("model", settings.out.display());
    row("loss curve", curve.display());
    if let Some(path) = &settings.report {
        row("report", path.display());
    }
    Ok(())
}

/// Prints, as JSON, what a model file makes of both halves of the validation text.
pub(crate) fn evaluate(path: &Path, text: &Text, seq_len: usize) -> Result<()> {
    let mapped = map(path)?;
    let index = Index::new();
    let model = trainer::objective(&mapped, &index)?;
    let halves = Evaluator::new().halves(&model, text.split().1, seq_len)?;
    println!("{}", serde_json::to_string_pretty(&halves)?);
    Ok(())
}

/// Maps the model file for reading and checks every hash in it.
pub(crate) fn map(path: &Path) -> Result<Region<HgrnLm, Mapped>> {
    // SAFETY: this process wrote the file a moment ago and changes it no more; that no other process does either is what
    // the user of an output file has to see to.
    #[allow(unsafe_code)]
    let mapped = unsafe { Region::<HgrnLm, _>::map(path) }.context("cannot map the model back")?;
    mapped.verify(Level::Full).with_context(|| format!("the model file {} is damaged", path.display()))?;
    Ok(mapped)
}
