//! Why a file was refused.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use std::io;
use std::path::PathBuf;

use crate::wire::error::DecodeError;
use crate::wire::evolution::{KeepError, Short, WriterSchema};
use crate::wire::file::Hex;
use crate::wire::schema::{Compat, SchemaError};
use crate::wire::{Wire, schema_hash, schema_text};

/// Why a file was not opened, or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused.
    #[error("{}: {cause}", path.display())]
    Io {
        /// which file
        path: PathBuf,
        /// what the system says
        cause: io::Error,
    },
    /// The octets are no such file.
    #[error("{}: {cause}", path.display())]
    Decode {
        /// which file
        path: PathBuf,
        /// where and why
        cause: DecodeError,
    },
    /// The value has unknown members that no file can hold with the rest of it.
    #[error("{}: {cause}", path.display())]
    Keep {
        /// which file
        path: PathBuf,
        /// what does not go together
        cause: KeepError,
    },
    /// A migration's closure refused what it found.
    #[error("{}: {}{cause}", path.display(), component.map_or(String::new(), |k| format!("component {k}: ")))]
    Change {
        /// which file
        path: PathBuf,
        /// which component, where they are changed one by one
        component: Option<usize>,
        /// what the closure says
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
    /// The file holds another type, or another version of it.
    #[error("{}: {cause}", path.display())]
    Schema {
        /// which file
        path: PathBuf,
        /// both schemas, and what can be read of the file
        cause: Box<SchemaMismatch>,
    },
}

/// Two schemas that differ, where one was expected.
///
/// ```
/// use barewire_core::wire::{FileError, Region};
///
/// let file = Region::encode(&1u32);
/// let Err(FileError::Schema { cause, .. }) = Region::<u64>::from_bytes(file.bytes()) else { panic!() };
/// assert!(!cause.is_compatible());
/// let report = cause.report.unwrap();
/// assert_eq!(report.reasons().next().unwrap().to_string(), "the root: was `u32`, is `u64`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema {} expected, {} found; {}", Hex(&expected_hash[..8]), Hex(&found_hash[..8]), self.reason())]
pub struct SchemaMismatch {
    /// hash of the type's schema
    pub expected_hash: [u8; 32],
    /// hash of the file's schema
    pub found_hash: [u8; 32],
    /// the type's schema
    pub expected: String,
    /// the file's schema
    pub found: String,
    /// What a reader of the type can read of the file, and what it cannot: the file's schema is the old one, the type's the new one.
    /// An error where what the file has is no schema.
    pub report: Result<Compat, SchemaError>,
}

impl SchemaMismatch {
    /// Compares the schema in a file with that of a type.
    pub(super) fn of<T: Wire>(found: &str, found_hash: [u8; 32]) -> Self {
        Self {
            expected_hash: schema_hash::<T>(),
            found_hash,
            expected: schema_text::<T>(),
            found: found.into(),
            report: WriterSchema::report::<T>(found),
        }
    }

    /// Whether the type can read the file all the same: [`Region::open_compatible`](super::Region::open_compatible) does.
    pub fn is_compatible(&self) -> bool {
        self.report.as_ref().is_ok_and(Compat::new_reads_old)
    }

    fn reason(&self) -> String {
        match &self.report {
            Ok(report) if report.new_reads_old() => {
                alloc::format!("{}, with `open_compatible`; first difference: {}", Short(report), self.difference())
            }
            Ok(report) => alloc::format!("{}", Short(report)),
            Err(error) => alloc::format!("what the file has is no schema: {error}"),
        }
    }

    /// The first definitions that differ, side by side.
    pub fn difference(&self) -> String {
        let (mut expected, mut found) = (self.expected.lines(), self.found.lines());
        loop {
            match (expected.next(), found.next()) {
                (Some(a), Some(b)) if a == b => {}
                (None, None) => return "none in the text".into(),
                (a, b) => return format!("`{}` against `{}` in the file", a.unwrap_or("(end)"), b.unwrap_or("(end)")),
            }
        }
    }
}
