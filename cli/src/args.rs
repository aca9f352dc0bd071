//! What the tool is told.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::conformance::Suite;
use crate::explain::{Sizes, parse_sizes};

/// Looks into barewire files and checks them. No Rust type is needed: the schema is in the file.
#[derive(Parser)]
#[command(
    name = "barewire",
    version,
    after_help = "Data goes to standard output, errors to standard error. Exit status: 0 if all is well, 1 if not, 2 for wrong arguments; \
                  `compat` has its own.\n\nExample:\n  barewire inspect model.bare"
)]
pub(crate) struct Cli {
    /// colour the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to colour.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// on a terminal, unless NO_COLOR is set
    Auto,
    /// also in a file or pipe
    Always,
    /// not at all
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Shows what is in a file: a tree of its parts, with types, sizes, bits, offsets and shares, and what its octets are for
    #[command(
        after_help = "Examples:\n  barewire inspect model.bare\n  barewire inspect model.bare --json | jq '.totals'"
    )]
    Inspect {
        /// the file
        file: PathBuf,
        /// print JSON: header, components, arrays, totals (docs/tool.md has the keys)
        #[arg(long)]
        json: bool,
        /// give every element of a list its lines, where like neighbours would be one
        #[arg(long, conflicts_with = "json")]
        all: bool,
    },
    /// Prints the schema inside a file, in the BARE schema language; or checks the text of a schema and prints it neatly
    #[command(after_help = "Examples:\n  barewire schema model.bare\n  barewire schema draft.bare --snake")]
    Schema {
        /// a barewire file, or the text of a schema
        file: PathBuf,
        /// field names in snake case, which BARE allows from draft 14 on
        #[arg(long, conflicts_with = "camel")]
        snake: bool,
        /// field names in camel case
        #[arg(long)]
        camel: bool,
    },
    /// Checks a file, and says what was checked; exit status 1 with path, offset, expected and found if it is damaged
    #[command(after_help = "Example:\n  barewire verify model.bare --level full")]
    Verify {
        /// the file
        file: PathBuf,
        /// how thoroughly
        #[arg(long, value_enum, default_value_t = CheckLevel::Structure)]
        level: CheckLevel,
    },
    /// Compares two schemas: whether readers of one understand messages of the other, and why not
    #[command(
        after_help = "Prints `full`, `backward` (the new reader reads old messages), `forward` (an old reader reads new ones) or \
                      `incompatible`, and a line for each difference.\n\nExit status: 0 if the new reader reads old messages (full, \
                      backward), 1 if not (forward, incompatible), 2 if there is no answer.\n\nExample:\n  barewire compat v1.bare v2.bare"
    )]
    Compat {
        /// a barewire file, or the text of a schema
        old: PathBuf,
        /// likewise
        new: PathBuf,
    },
    /// Explains a model part that this tool knows: its equation, forward and backward programs, and the bytes that it keeps
    #[command(
        after_help = "Without a type it lists those there are.\n\nExamples:\n  barewire explain MatmulFreeWeight::Ternary --sizes d_in=2560,d_out=2560\n  \
                      barewire explain model.bare"
    )]
    Explain {
        /// a type, a variant as in `HgrnBlock::TokenMixer`, or a file whose types are explained
        #[arg(value_name = "TYPE")]
        what: Option<String>,
        /// sizes of axes, as in `d_in=2560,time=16`; the others have example sizes
        #[arg(long, value_name = "SIZES", default_value = "", hide_default_value = true, value_parser = parse_sizes)]
        sizes: Sizes,
    },
    /// Runs this build against golden vectors; one line a case, exit status 1 if any failed or none passed
    #[command(after_help = "Example:\n  barewire conformance wire vectors/bare.json")]
    Conformance {
        #[command(subcommand)]
        suite: Suite,
    },
    /// Prints a script that completes this tool's arguments in a shell
    #[command(after_help = "Example:\n  barewire completions fish > ~/.config/fish/completions/barewire.fish")]
    Completions {
        /// the shell
        shell: clap_complete::Shell,
    },
}

/// How thoroughly `verify` looks.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum CheckLevel {
    /// magic, version, alignment, lengths, the schema's hash
    Header,
    /// also every tag, count, pad and flag, and the index; no payload is read
    Structure,
    /// also every hash, and the inside of packed matrices
    Full,
}

impl From<CheckLevel> for barewire::wire::Level {
    fn from(level: CheckLevel) -> Self {
        match level {
            CheckLevel::Header => Self::Header,
            CheckLevel::Structure => Self::Structure,
            CheckLevel::Full => Self::Full,
        }
    }
}
