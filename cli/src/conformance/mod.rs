//! `barewire conformance`: this build against golden vectors that others made.
//!
//! One line a case, last `N passed, M failed`. A case that cannot run here is a `SKIP`, never a `pass`.

mod models;
mod ops;
mod packings;
mod report;
mod tensors;
mod wire;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::{Answer, Failure};
use report::Report;

/// Which vectors.
#[derive(Subcommand)]
pub(crate) enum Suite {
    /// Kernels: inputs, outputs and gradients of single operations, one safetensors file a case
    Ops(Ops),
    /// BARE messages and schemas: valid ones to the byte both ways, invalid ones refused; one JSON file
    Wire {
        /// the file
        file: PathBuf,
    },
    /// Published checkpoints: logits, losses, states and gradients that others computed; a folder each
    Models {
        /// the folder of one model, or a folder of such folders
        dir: PathBuf,
    },
    /// Storage forms of one ternary matrix, all in one safetensors file
    Packings {
        /// the file
        file: PathBuf,
    },
}

/// What `conformance ops` is told.
#[derive(Args)]
pub(crate) struct Ops {
    /// a file, or a folder of files ending in `.safetensors`
    path: PathBuf,
    /// only this instruction set: reference, portable, avx2, avx512 or neon (default: all that this CPU has)
    #[arg(long, value_name = "NAME")]
    isa: Vec<String>,
    /// threads that a kernel may use
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
}

/// Runs a suite; gives the lines, and status 1 if a case failed or none passed.
pub(crate) fn run(suite: &Suite) -> Result<Answer, Failure> {
    let mut report = Report::default();
    match suite {
        Suite::Ops(arguments) => ops::run(&arguments.path, &arguments.isa, arguments.threads.into(), &mut report)?,
        Suite::Wire { file } => wire::run(file, &mut report)?,
        Suite::Models { dir } => models::run(dir, &mut report)?,
        Suite::Packings { file } => packings::run(file, &mut report)?,
    }
    Ok(report.finish())
}

/// The file itself, or the vectors in a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "safetensors"));
    files.sort();
    if files.is_empty() { Err(format!("{}: no file ends in .safetensors", path.display())) } else { Ok(files) }
}
