//! `barewire`: looks into model files and checks them, from nothing but the schema inside the file.
#![forbid(unsafe_code)]

mod conformance;
mod contents;
mod file;
mod inspect;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use file::File;

/// Looks into barewire files and checks them. No Rust type is needed: the schema is in the file.
#[derive(Parser)]
#[command(name = "barewire", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists what is in a file: header, components (outermost unions), arrays, with offsets in octets
    Inspect {
        /// the file
        file: PathBuf,
        /// print JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints the schema inside a file, in the BARE schema language
    Schema {
        /// the file
        file: PathBuf,
    },
    /// Checks a file
    Verify {
        /// the file
        file: PathBuf,
        /// how thoroughly
        #[arg(long, value_enum, default_value_t = Level::Structure)]
        level: Level,
    },
    /// Runs this build against golden vectors; one line a case, exit status 1 if any failed
    Conformance {
        #[command(subcommand)]
        suite: conformance::Suite,
    },
}

/// How thoroughly `verify` looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    /// magic, version, alignment, lengths, the schema's hash
    Header,
    /// also every tag, count, pad and flag, and the index; no payload is read
    Structure,
    /// also every hash, and the inside of packed matrices
    Full,
}

/// What goes wrong, as one line.
type Failure = String;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok((text, good)) => match std::io::stdout().write_all(text.as_bytes()) {
            // a reader that stops early, such as `head`, is no failure
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => fail(&format!("standard output: {error}")),
            _ if good => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        },
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &str) -> ExitCode {
    eprintln!("barewire: {failure}");
    ExitCode::FAILURE
}

/// What a command prints, and whether all was well.
fn run(cli: Cli) -> Result<(String, bool), Failure> {
    let text = match cli.command {
        Command::Conformance { suite } => return conformance::run(&suite),
        Command::Inspect { file, json } => {
            let file = File::read(&file)?;
            let header = file.header()?;
            let contents = file.contents(&header, false)?;
            if json { inspect::json(&header, &contents) } else { inspect::text(&header, &contents) }
        }
        Command::Schema { file } => {
            let file = File::read(&file)?;
            file.header()?.schema.to_owned()
        }
        Command::Verify { file: path, level } => {
            let file = File::read(&path)?;
            let header = file.header()?;
            let mut components = header.components().len();
            if level >= Level::Structure {
                components = file.contents(&header, level == Level::Full)?.components.len();
            }
            if level == Level::Full {
                file.check_hashes(&header)?;
            }
            let level = level.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            format!("{}: ok ({level}; {})\n", path.display(), inspect::counted(components, "component"))
        }
    };
    Ok((text, true))
}
