//! Why a file was refused.

use alloc::boxed::Box;
use alloc::string::String;
use std::io;
use std::path::PathBuf;

use crate::wire::error::DecodeError;
use crate::wire::file::Hex;

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
    /// The file holds another type, or another version of it.
    #[error("{}: {cause}", path.display())]
    Schema {
        /// which file
        path: PathBuf,
        /// both schemas
        cause: Box<SchemaMismatch>,
    },
}

/// Two schemas that differ, where one was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema {} expected, {} found; first difference: {}", Hex(&expected_hash[..8]), Hex(&found_hash[..8]), self.difference())]
pub struct SchemaMismatch {
    /// hash of the type's schema
    pub expected_hash: [u8; 32],
    /// hash of the file's schema
    pub found_hash: [u8; 32],
    /// the type's schema
    pub expected: String,
    /// the file's schema
    pub found: String,
}

impl SchemaMismatch {
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
