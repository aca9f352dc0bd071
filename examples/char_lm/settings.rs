//! What the command line says.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use barewire::train::{counter_gain, default_gain};
use clap::Parser;

use crate::checkpoint::Accumulators;

/// Trains a ternary HGRN-Bit character model and checks what it wrote.
///
/// Without `--text` the model learns the sources of some crates that building this example has unpacked.
#[derive(Clone, Debug, Parser)]
#[command(name = "char_lm", version)]
pub(crate) struct Settings {
    /// any UTF-8 text: the first 90 % of its characters train, the rest validates
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// training steps [default: 2500, or as many as fit into --minutes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) steps: Option<u64>,
    /// most minutes of training: the schedule is shortened if the machine is slower [default: 4, none with --steps or --resume]
    #[arg(long, value_name = "M", value_parser = minutes)]
    pub(crate) minutes: Option<f64>,
    /// windows a step
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = sizes())]
    pub(crate) batch: u64,
    /// characters a window
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = sizes())]
    pub(crate) seq_len: u64,
    /// width of the model
    #[arg(long, default_value_t = 192, value_name = "N", value_parser = sizes())]
    pub(crate) d_model: u64,
    /// token mixers, each followed by a channel mixer
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = sizes())]
    pub(crate) layers: u64,
    /// largest learning rate [default: 4e-3, 2e-3 with --float]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) lr: Option<f64>,
    /// of the start weights and of the windows
    #[arg(long, default_value_t = 1337, value_name = "N")]
    pub(crate) seed: u64,
    /// threads that work; the result has the same bits with any number [default: the machine's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) threads: Option<u64>,
    /// the f32 twin of the ternary model
    #[arg(long)]
    pub(crate) float: bool,
    /// the digits stay as they start, the floats learn: the control that shows what digits learn
    #[arg(long, conflicts_with = "float")]
    pub(crate) frozen_digits: bool,
    /// how ternary digits learn
    #[arg(long, value_enum, default_value_t = Method::Adamw, value_name = "NAME")]
    pub(crate) optimizer: Method,
    /// digits are read by a threshold off saturating counters of 8 bits, which add up increments that are rounded at random: no
    /// accumulators that fire
    #[arg(long, conflicts_with_all = ["bits", "stochastic"])]
    pub(crate) counters: bool,
    /// width of accumulators, from 4 to 8 [default: 6, which makes a byte with the digit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(4..=8))]
    pub(crate) bits: Option<u8>,
    /// largest gain of increments [default: what suits --bits or --counters]
    #[arg(long, value_name = "GAIN", value_parser = gain)]
    pub(crate) gain: Option<f64>,
    /// what is left of the gain at the end, as a fraction [default: what suits --bits or --counters]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) floor: Option<f64>,
    /// increments of accumulators are rounded at random, with the right mean, in place of to the nearest integer
    #[arg(long)]
    pub(crate) stochastic: bool,
    /// steps after which the state of --optimizer accumulate is safe from a kill once more
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) commit: u64,
    /// measures a model file on the two halves of the validation text, and does nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) evaluate: Option<PathBuf>,
    /// where the model goes; the loss curve goes beside it as .svg, a checkpoint as .checkpoint, and the two files of the state
    /// of --optimizer accumulate, while it runs, as .training.0 and .training.1
    #[arg(long, default_value = "char_lm.bare", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// where a report in JSON goes
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// goes on to the same bits from a checkpoint that Ctrl-C saved, or from the state of --optimizer accumulate, however its
    /// run ended: NAME.training; its settings count, but for --minutes, --threads, --commit, --out, --report and --generate
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// characters to write at the end
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub(crate) generate: u64,
}

/// How digits learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Method {
    /// by latent f32 weights, straight through
    Adamw,
    /// by small integer accumulators that fire, without latent weights
    Accumulate,
}

impl Settings {
    /// Those of accumulators, if digits learn by them.
    pub(crate) fn accumulators(&self) -> Result<Option<Accumulators>> {
        let given = [self.counters, self.bits.is_some(), self.gain.is_some(), self.floor.is_some(), self.stochastic];
        if self.optimizer == Method::Adamw {
            let names = "--counters, --bits, --gain, --floor and --stochastic";
            ensure!(!given.contains(&true), "{names} are for --optimizer accumulate");
            return Ok(None);
        }
        ensure!(!self.float, "--optimizer accumulate is for digits, and --float has none");
        let bits = self.bits.unwrap_or(if self.counters { 8 } else { 6 });
        let (gain, floor) = if self.counters { counter_gain() } else { default_gain(bits.into()) };
        Ok(Some(Accumulators {
            bits,
            gain: self.gain.unwrap_or(gain),
            floor: self.floor.unwrap_or(floor),
            stochastic: self.stochastic || self.counters,
            counters: self.counters,
        }))
    }

    /// A file beside the model.
    pub(crate) fn beside(&self, extension: &str) -> PathBuf {
        self.out.with_extension(extension)
    }
}

/// The largest size: more is a slip of the finger, and would ask for terabytes.
pub(crate) const MOST: u64 = 1 << 16;

fn sizes() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=MOST)
}

fn minutes(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|m| *m > 0.0 && *m <= 1e6).ok_or_else(|| "a number of minutes above 0".into())
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|m| *m > 0.0 && *m <= 10.0).ok_or_else(|| "a rate above 0, such as 4e-3".into())
}

fn gain(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|g| *g > 0.0 && *g <= 1e4).ok_or_else(|| "a gain above 0, such as 2.5".into())
}

fn share(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(|| "a number from 0 to 1, such as 0.2".into())
}
