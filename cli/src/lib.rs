//! `barewire`, the command line tool: looks into model files and checks them, from nothing but the schema inside the file.
//!
//! The tool is a binary; this library is what it runs, and [`verify`] for those who check files by the thousand.
//! `docs/tool.md` in the repository has the commands, the exit statuses and the keys of the JSON.
#![forbid(unsafe_code)]

mod args;
mod conformance;
mod contents;
mod explain;
mod file;
mod inspect;
mod known;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use barewire::wire::schema::{FieldNames, compat};
use barewire::wire::{AlignedBuf, DecodeError, Level, Pads};
use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use file::File;

/// What goes wrong, as one line (as several, for a schema with several mistakes).
type Failure = String;

/// What a command has to say.
pub(crate) struct Answer {
    pub(crate) text: String,
    /// 0 if all is well
    pub(crate) status: u8,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self { text, status: 0 }
    }
}

/// A verdict of no.
const NO: u8 = 1;
/// No verdict: a file that cannot be read, where 1 is a verdict. Wrong arguments too, by clap.
const TROUBLE: u8 = 2;

/// Runs the tool on the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let (color, trouble) = (cli.color.into(), if matches!(cli.command, Command::Compat { .. }) { TROUBLE } else { NO });
    match run(cli.command) {
        Ok(Answer { text, status }) => {
            let mut stdout = anstream::AutoStream::new(std::io::stdout(), color);
            match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
                // a reader that stops early, such as `head`, is no failure
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    fail(&format!("standard output: {error}"), trouble)
                }
                _ => status.into(),
            }
        }
        Err(failure) => fail(&failure, trouble),
    }
}

fn fail(failure: &str, status: u8) -> ExitCode {
    // where standard error is closed there is nobody to tell
    let _ = writeln!(std::io::stderr(), "barewire: {failure}");
    status.into()
}

fn run(command: Command) -> Result<Answer, Failure> {
    let text = match command {
        Command::Inspect { file: path, json, all } => {
            let file = File::read(&path)?;
            let header = file.header()?;
            let contents = file.contents(&header)?;
            if json {
                inspect::json(&header, &contents, file.len())
            } else {
                inspect::text(&name(&path), &header, &contents, file.len(), all)
            }
        }
        Command::Schema { file, snake, camel } => schema(&file, snake, camel)?,
        Command::Verify { file, level } => checked(&file, level.into())?,
        Command::Compat { old, new } => return compared(&old, &new),
        Command::Explain { what, sizes } => explain::run(what.as_deref(), &sizes)?,
        Command::Conformance { suite } => return conformance::run(&suite),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "barewire", &mut script);
            String::from_utf8_lossy(&script).into_owned()
        }
    };
    Ok(text.into())
}

/// The last part of a path.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The text inside a file as it stands there, which is what was hashed; everything else is printed to be read.
fn schema(path: &Path, snake: bool, camel: bool) -> Result<String, Failure> {
    let file = File::read(path)?;
    let schema = file.types()?.schema().clone();
    let style = match (snake, camel) {
        (true, _) => FieldNames::Snake,
        (_, true) => FieldNames::Camel,
        _ => return Ok(if file.is_text() { schema.pretty() } else { file.header()?.schema.to_owned() }),
    };
    let renamed =
        schema.with_field_names(style).map_err(|error| file::mistakes(&format!("{}: ", path.display()), &error))?;
    Ok(if file.is_text() { renamed.pretty() } else { renamed.text() })
}

fn checked(path: &Path, level: Level) -> Result<String, Failure> {
    let file = File::read(path)?;
    let components = inspect::counted(file.verify(level)?, "component");
    let done = match level {
        Level::Header => {
            "header: magic, version, alignment, length, the schema and its hash, and the order of the index"
        }
        Level::Structure => {
            "structure: the header; every tag, count, pad and flag; and the index says what is there (no payload was read)"
        }
        Level::Full => "full: the structure; the inside of packed matrices; and the hash of every octet",
    };
    Ok(format!("{}: ok, {components}\nchecked {done}\n", path.display()))
}

/// The report, and 0 if the new reader reads old messages.
fn compared(old: &Path, new: &Path) -> Result<Answer, Failure> {
    let [a, b] = [old, new].map(|path| File::read(path)?.types());
    let report = compat(&a?, &b?, Pads::Aligned);
    Ok(Answer { text: format!("{report}\n"), status: if report.new_reads_old() { 0 } else { NO } })
}

/// Checks the octets of a file as `barewire verify` does, with no type but the schema inside; gives the number of components.
///
/// ```
/// use barewire::wire::{Header, Level, to_file};
///
/// let file = to_file(&vec![1.0f32, 2.0]);
/// assert_eq!(barewire_cli::verify(&file, Level::Full), Ok(0));
///
/// let mut damaged = file.to_vec();
/// let end = Header::read(&file).unwrap().root.end as usize;
/// damaged[end - 1] ^= 1; // in the last number
/// assert!(barewire_cli::verify(&damaged, Level::Full).is_err());
/// ```
///
/// # Errors
/// The first thing that is wrong: which part, where, what was expected, what was found.
pub fn verify(bytes: &[u8], level: Level) -> Result<usize, DecodeError> {
    // packed matrices are checked where they lie, and that takes aligned memory
    file::verify(&AlignedBuf::copy_from(bytes), level)
}
