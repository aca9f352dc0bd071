//! What a run says about itself: a table, JSON, and the loss curve.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use barewire::part::{LeafMut, Part};
use barewire::prelude::*;
use barewire_models::hgrn::{HgrnLm, HgrnLmCotangent};
use plotters::prelude::*;

use crate::checkpoint::Check;
use crate::evaluate::Half;

/// The figures of a run; field names are those of the JSON.
#[derive(serde::Serialize)]
pub(crate) struct Report {
    /// numbers in the model: floats and digits
    pub(crate) params: u64,
    pub(crate) steps: u64,
    /// characters that the steps read
    pub(crate) train_chars: u64,
    /// of training
    pub(crate) seconds: f64,
    pub(crate) chars_per_second: f64,
    /// nats a character in blocks of `--seq-len`, each from an empty state
    pub(crate) val_nats: f64,
    /// the same with the state carried over the validation text, in 16 equal streams
    pub(crate) val_nats_carried: f64,
    /// both by themselves on the first and on the second half of the validation text
    pub(crate) val_nats_halves: [Half; 2],
    /// the same of the model file, mapped back
    pub(crate) packed_val_nats_carried: f64,
    /// the baseline: an interpolated Witten-Bell 5-gram
    pub(crate) ngram5_nats: f64,
    /// of the model file
    pub(crate) file_bytes: u64,
    /// what packed matrices take in the file, with padding, sizes and scales, a digit; null without digits
    pub(crate) bits_per_ternary_weight: Option<f64>,
    /// what training keeps of a ternary weight from step to step, as stored, and without its gradient; null without digits
    pub(crate) state_bits_per_ternary_weight: Option<f64>,
    /// moves of a digit over the run, on average; null with latent weights
    pub(crate) moves_per_digit: Option<f64>,
    /// written by the model
    pub(crate) sample: String,
}

/// Numbers of a model.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) floats: u64,
    pub(crate) digits: u64,
    /// octets of the packed matrices on the wire, with sizes, pads and scales
    packed_bytes: u64,
}

impl Counts {
    /// Counts the numbers of a model.
    pub(crate) fn of(region: &mut Region<HgrnLm>) -> Result<Self> {
        let mut counts = Counts::default();
        let view = region.view_mut()?;
        HgrnLm::walk_mut(view, &mut HgrnLmCotangent::default(), &mut String::new(), &mut |leaf| match leaf {
            LeafMut::Number { .. } => counts.floats += 1,
            LeafMut::Float { values, .. } => counts.floats += values.len() as u64,
            LeafMut::Ternary { rows, cols, words, .. } | LeafMut::Binary { rows, cols, words, .. } => {
                counts.digits += (rows * cols) as u64;
                // rows and columns, the pad before the words and their number: at most one line; and the scale
                counts.packed_bytes += 8 * words.len() as u64 + 64 + 4;
            }
        })?;
        Ok(counts)
    }

    /// Bits that a digit takes in the file, packing and alignment included.
    pub(crate) fn bits_per_digit(&self) -> Option<f64> {
        (self.digits > 0).then(|| 8.0 * self.packed_bytes as f64 / self.digits as f64)
    }
}

/// A line of the table.
pub(crate) fn row(name: &str, value: impl std::fmt::Display) {
    println!("  {name:<34} {value:>16}");
}

impl Report {
    /// Prints the table.
    pub(crate) fn print(&self, cpu_seconds: Option<f64>) {
        println!();
        row("parameters", self.params);
        row("steps", self.steps);
        row("characters read", self.train_chars);
        row("training seconds", format!("{:.1}", self.seconds));
        row("characters a second", format!("{:.0}", self.chars_per_second));
        if let Some(cpu) = cpu_seconds.filter(|s| *s > 0.0) {
            row("characters a CPU second", format!("{:.0}", self.train_chars as f64 / cpu));
        }
        println!("  nats a character, validation");
        row("  in blocks", format!("{:.4}", self.val_nats));
        row("  state carried", format!("{:.4}", self.val_nats_carried));
        row("  state carried, file mapped back", format!("{:.4}", self.packed_val_nats_carried));
        row("  Witten-Bell 5-gram", format!("{:.4}", self.ngram5_nats));
        row("model file, bytes", self.file_bytes);
        if let Some(bits) = self.bits_per_ternary_weight {
            row("bits a ternary weight", format!("{bits:.4}"));
        }
        if let Some(bits) = self.state_bits_per_ternary_weight {
            row("bits of training state a weight", format!("{bits:.4}"));
        }
        if let Some(moves) = self.moves_per_digit {
            row("moves of a digit", format!("{moves:.4}"));
        }
    }

    /// Writes the JSON: the whole of it or nothing.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_string_pretty(self).context("cannot write the report")?;
        json.push('\n');
        write_whole(path, json.as_bytes()).with_context(|| format!("cannot write the report {}", path.display()))
    }
}

/// Writes a file through a temporary one beside it: the whole of it or nothing.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut options = tempfile::Builder::new();
    // a temporary file is private; this one becomes an ordinary file, as the user's mask allows
    #[cfg(unix)]
    options.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = options.tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

/// The loss of every step, smoothed, and the validation loss.
pub(crate) fn curve(path: &Path, losses: &[f32], checks: &[Check], ngram: f64) -> Result<()> {
    let smooth = smoothed(losses);
    let top = smooth.iter().map(|(_, y)| *y).fold(ngram, f64::max).min(4.5) + 0.1;
    let bottom = smooth.iter().map(|(_, y)| *y).chain(checks.iter().map(|c| c.nats)).fold(ngram, f64::min) - 0.1;
    let end = losses.len().max(1) as u64;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (900, 520)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(16)
            .caption("loss of a character model", ("sans-serif", 20))
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0..end, bottom..top)?;
        chart.configure_mesh().x_desc("step").y_desc("nats a character").light_line_style(WHITE).draw()?;
        let line = |from: (i32, i32), color: RGBColor| PathElement::new(vec![from, (from.0 + 16, from.1)], color);
        chart.draw_series(LineSeries::new(smooth, &BLUE))?.label("training, smoothed").legend(move |at| line(at, BLUE));
        chart
            .draw_series(checks.iter().map(|c| Circle::new((c.step, c.nats), 3, RED.filled())))?
            .label("validation, blocks")
            .legend(|at| Circle::new((at.0 + 8, at.1), 3, RED.filled()));
        chart
            .draw_series(LineSeries::new([(0, ngram), (end, ngram)], &BLACK))?
            .label("Witten-Bell 5-gram, validation")
            .legend(move |at| line(at, BLACK));
        chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw()?;
        root.present()?;
    }
    write_whole(path, svg.as_bytes()).with_context(|| format!("cannot write the curve {}", path.display()))
}

/// Means over up to 300 equal stretches.
fn smoothed(losses: &[f32]) -> Vec<(u64, f64)> {
    let stretch = losses.len().div_ceil(300).max(1);
    let mean = |part: &[f32]| part.iter().map(|x| f64::from(*x)).sum::<f64>() / part.len() as f64;
    losses.chunks(stretch).enumerate().map(|(i, part)| ((i * stretch + part.len() / 2) as u64, mean(part))).collect()
}

/// CPU seconds of this process so far, where the system says it.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // the name in brackets may hold anything; user and system time are fields 14 and 15, in hundredths of a second
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}
