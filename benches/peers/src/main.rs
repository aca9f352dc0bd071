//! barewire's wire against other layouts, and against what the memory allows.
//!
//! Two payloads: a model of 64 components with 64 MiB of arrays, and a million small unions. Every system writes both, opens
//! them with its own checks, reads, sums and changes; limits and systems are timed in turns, round by round, in one process, and
//! nothing is timed before its answer was right. `cargo run --release --manifest-path benches/peers/Cargo.toml -- --rounds 15`

mod clock;
mod data;
mod limits;
mod report;
mod systems;

use anyhow::Context;
use clap::Parser;
use std::path::PathBuf;

use clock::{Clock, Times};
use data::Data;
use limits::Limits;

/// Times barewire and its peers on the same data, in turns.
#[derive(Parser)]
struct Args {
    /// How often everything is timed; figures are the minimum and the median of these
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Also write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let Args { rounds, json } = Args::parse();
    let data = Data::new();
    let (mut clock, mut systems) = (Clock::new(), systems::all(&data));
    let mut limits = Limits::new(&data, barewire::wire::to_message(&data.model));
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        limits.round(&data, &mut clock);
        for system in &mut systems {
            system.model(&data, &mut clock);
            system.small(&data, &mut clock);
        }
    }
    let minima = report::verdicts(&clock, Times::least);
    let medians = report::verdicts(&clock, Times::median);
    print!("{}{}", report::tables(&clock), report::targets(&minima, &medians));
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&report::json(&clock, &minima, rounds))?;
        std::fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
