//! A file in memory, and the checks that need no type.

use std::io::Read;
use std::path::{Path, PathBuf};

use barewire::wire::schema::SchemaError;
use barewire::wire::{AlignedBuf, DecodeError, Extent, Header, Level, MAGIC, Types};

use crate::Failure;
use crate::contents::{Contents, contents};

/// The octets of a file.
pub(crate) struct File {
    path: PathBuf,
    bytes: AlignedBuf,
}

/// Octets of the longest schema that is read as text.
const LONGEST_TEXT: usize = 1 << 24;

impl File {
    /// A whole barewire file; of anything else as much as a schema may have, and an octet more.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let octets = || -> std::io::Result<AlignedBuf> {
            let mut file = std::fs::File::open(path)?;
            let announced = usize::try_from(file.metadata()?.len()).unwrap_or(0);
            let mut magic = Vec::new();
            file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
            let most = if magic == MAGIC { usize::MAX } else { LONGEST_TEXT + 1 };
            // in aligned memory, since packed matrices are checked where they lie
            AlignedBuf::from_reader(magic.as_slice().chain(file).take(most as u64), announced.min(most))
        };
        let bytes = octets().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    fn because(&self, error: &dyn std::fmt::Display) -> Failure {
        format!("{}: {error}", self.path.display())
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn header(&self) -> Result<Header<'_>, Failure> {
        Header::read(&self.bytes).map_err(|error| self.because(&error))
    }

    /// The schema inside a file, or the schema that the file is: anything that does not start as a barewire file does is read
    /// as text.
    pub(crate) fn types(&self) -> Result<Types, Failure> {
        if !self.is_text() {
            return self.types_of(&self.header()?);
        }
        let text = std::str::from_utf8(&self.bytes).ok();
        // a device or the image of a disk is full of zeros, which are UTF-8
        let text = text.filter(|text| text.len() <= LONGEST_TEXT && !text.contains('\0'));
        let text = text.ok_or_else(|| self.because(&"neither a barewire file nor the text of a schema"))?;
        Types::parse(text).map_err(|error| mistakes(&format!("{}: ", self.path.display()), &error))
    }

    fn types_of(&self, header: &Header<'_>) -> Result<Types, Failure> {
        Types::parse(header.schema)
            .map_err(|error| mistakes(&format!("{}: in the schema: ", self.path.display()), &error))
    }

    /// Whether it is the text of a schema.
    pub(crate) fn is_text(&self) -> bool {
        !self.bytes.starts_with(&MAGIC)
    }

    /// Walks the root by the schema inside the file, and requires that the index says what the walk finds.
    pub(crate) fn contents(&self, header: &Header<'_>) -> Result<Contents, Failure> {
        let types = self.types_of(header)?;
        checked(&self.bytes, header, &types, false).map_err(|error| self.because(&error))
    }

    /// Checks as much as the level says; gives the number of components.
    pub(crate) fn verify(&self, level: Level) -> Result<usize, Failure> {
        verify(&self.bytes, level).map_err(|error| self.because(&error))
    }
}

/// Checks as much as the level says; gives the number of components.
pub(crate) fn verify(bytes: &AlignedBuf, level: Level) -> Result<usize, DecodeError> {
    let header = Header::read(bytes)?;
    header.check_sealed()?;
    if level >= Level::Structure {
        let types = Types::parse(header.schema).map_err(|error| {
            let mistakes: Vec<_> = error.mistakes().iter().map(ToString::to_string).collect();
            DecodeError::new(SCHEMA, "a schema of BARE", mistakes.join("; ")).within("schema")
        })?;
        checked(bytes, &header, &types, level == Level::Full)?;
    }
    if level == Level::Full {
        header.check_hashes(bytes)?;
    }
    Ok(header.components().len())
}

/// The offset of the schema in a file.
const SCHEMA: u64 = 104;

/// Mistakes of a schema that are told; nobody reads more at once.
const TOLD: usize = 20;

/// A line for each mistake of a schema.
pub(crate) fn mistakes(before: &str, error: &SchemaError) -> Failure {
    let mistakes = error.mistakes();
    let mut lines: Vec<String> = mistakes.iter().take(TOLD).map(|mistake| format!("{before}{mistake}")).collect();
    if mistakes.len() > TOLD {
        lines.push(format!("{before}and {} mistakes more", mistakes.len() - TOLD));
    }
    lines.join("\n")
}

/// A walk over the root, and a comparison with the index.
fn checked(bytes: &[u8], header: &Header<'_>, types: &Types, payloads: bool) -> Result<Contents, DecodeError> {
    let contents = contents(bytes, header, types, payloads)?;
    let (index, found) = (header.components(), &contents.components);
    if index.len() != found.len() {
        let expected = format!("{} components, as in the root", found.len());
        return Err(DecodeError::new(header.root.end, expected, index.len().to_string()).within("index"));
    }
    for (i, (said, there)) in index.zip(found).enumerate() {
        if said.extent != there.extent {
            let text = |extent: Extent| format!("{} to {}", extent.start, extent.end);
            let error = DecodeError::new(there.extent.start, text(there.extent), text(said.extent));
            return Err(error.at_index(i).within("index"));
        }
    }
    Ok(contents)
}
