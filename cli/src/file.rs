//! A file in memory, and the checks that need no type.

use std::path::{Path, PathBuf};

use barewire::wire::{AlignedBuf, Header, Types};

use crate::Failure;
use crate::contents::{Contents, contents};

/// The octets of a file.
pub(crate) struct File {
    path: PathBuf,
    bytes: AlignedBuf,
}

impl File {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        // packed matrices are checked where they lie, and that takes aligned memory
        Ok(Self { path: path.to_owned(), bytes: AlignedBuf::copy_from(&bytes) })
    }

    fn because(&self, error: &dyn std::fmt::Display) -> Failure {
        format!("{}: {error}", self.path.display())
    }

    pub(crate) fn header(&self) -> Result<Header<'_>, Failure> {
        Header::read(&self.bytes).map_err(|error| self.because(&error))
    }

    /// Walks the root by the schema inside the file, and requires that the index says what the walk finds.
    pub(crate) fn contents(&self, header: &Header<'_>, payloads: bool) -> Result<Contents, Failure> {
        let types = Types::parse(header.schema).map_err(|error| {
            let mistakes: Vec<_> = error.mistakes().iter().map(ToString::to_string).collect();
            self.because(&format!("in the schema: {}", mistakes.join("; ")))
        })?;
        let contents = contents(&self.bytes, header, &types, payloads).map_err(|error| self.because(&error))?;
        let (index, found) = (header.components(), &contents.components);
        if index.len() != found.len() {
            let (said, there) = (index.len(), found.len());
            return Err(
                self.because(&format!("in the index: expected {there} components, as in the root, found {said}"))
            );
        }
        for (i, (said, there)) in index.zip(found).enumerate() {
            if said.extent != there.extent {
                let (said, there) = (said.extent, there.extent);
                return Err(self.because(&format!(
                    "in the index, entry {i}: expected {} to {}, found {} to {}",
                    there.start, there.end, said.start, said.end
                )));
            }
        }
        Ok(contents)
    }

    pub(crate) fn check_hashes(&self, header: &Header<'_>) -> Result<(), Failure> {
        header.check_hashes(&self.bytes).map_err(|error| self.because(&error))
    }
}
