//! Files, in memory or mapped, with the access right in the type.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::buffer::AlignedBuf;
use super::error::DecodeError;
use super::file::{self, Header, Hex, Level};
use super::index::Index;
use super::reader_mut::ReaderMut;
use super::{Wire, schema_hash, schema_text};

/// The octets of a [`Region`], readable.
///
/// # Contract
/// They start at a multiple of 4096 and do not change while a region borrows them.
pub trait Access: AsRef<[u8]> {}

/// Octets that may be changed through a `&mut Region`.
pub trait AccessMut: Access + AsMut<[u8]> {}

/// Octets of its own, in aligned memory. Entirely safe: a file is read, not mapped.
#[derive(Clone, Debug)]
pub struct Owned(AlignedBuf);

/// A file mapped for reading.
#[derive(Debug)]
pub struct Mapped(memmap2::Mmap);

/// A file mapped for reading and writing: what a view changes, the file has.
#[derive(Debug)]
pub struct MappedMut(memmap2::MmapMut);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
impl AsMut<[u8]> for Owned {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
impl AsRef<[u8]> for MappedMut {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
impl AsMut<[u8]> for MappedMut {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
impl Access for Owned {}
impl Access for Mapped {}
impl Access for MappedMut {}
impl AccessMut for Owned {}
impl AccessMut for MappedMut {}

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

/// A file that holds a `T`. `A` says what may be done with its octets.
///
/// | `A`           | made by                          | views | mutable views | where           |
/// |---------------|----------------------------------|-------|---------------|-----------------|
/// | [`Owned`]     | [`encode`](Region::encode), [`open`](Region::open), [`from_bytes`](Region::from_bytes) | yes | yes | memory |
/// | [`Mapped`]    | [`map`](Region::map)             | yes   | no            | the file        |
/// | [`MappedMut`] | [`map_mut`](Region::map_mut)     | yes   | yes           | the file        |
///
/// Opening checks the header and the schema; a view checks the structure, in one walk that reads no payload.
///
/// ```
/// use barewire_core::wire::{Index, Level, Matrix, Region};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("weights.bare");
/// Region::encode(&Matrix::from_vec(1, 2, vec![0.5f32, -0.5])?).save(&path)?;
///
/// let region = Region::<Matrix<f32>>::open(&path)?;
/// region.verify(Level::Full)?;
/// let index = Index::new();
/// assert_eq!(region.view(&index)?.values, [0.5, -0.5]);
/// # Ok(())
/// # }
/// ```
pub struct Region<T, A = Owned> {
    access: A,
    of: PhantomData<fn() -> T>,
}

impl<T: Wire> Region<T> {
    /// The file of a value, in memory.
    pub fn encode(value: &T) -> Self {
        Self { access: Owned(file::to_file(value)), of: PhantomData }
    }

    /// Reads a file into memory.
    ///
    /// # Errors
    /// The file cannot be read, is no barewire file, or holds another schema.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let bytes = read(path).map_err(|cause| FileError::Io { path: path.into(), cause })?;
        Self::checked(Owned(bytes), path)
    }

    /// A copy of a file's octets, which may lie anywhere.
    ///
    /// # Errors
    /// As [`open`](Region::open); the path in the error is empty.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        Self::checked(Owned(AlignedBuf::copy_from(bytes)), Path::new(""))
    }
}

/// A whole file. Memory grows with what is there, whatever length the system announces.
fn read(path: &Path) -> io::Result<AlignedBuf> {
    let mut file = File::open(path)?;
    let mut bytes = AlignedBuf::new();
    let mut filled = 0;
    let announced = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    // what is announced, in pieces that double: a wrong announcement costs at most twice what is there
    loop {
        let step = announced.saturating_sub(filled).clamp(4096, filled.max(1 << 20));
        bytes.resize(filled + step);
        match file.read(&mut bytes[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    bytes.resize(filled);
    Ok(bytes)
}

impl<T: Wire> Region<T, Mapped> {
    /// Maps a file for reading: opening costs the same whatever its size.
    ///
    /// # Errors
    /// As [`Region::open`].
    ///
    /// # Safety
    /// Until the region is dropped nobody, in this process or another, changes or shortens the file. The region hands out
    /// `&[u8]` and `&str` into the mapping, and Rust takes for granted that what they refer to does not change.
    #[allow(unsafe_code)]
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let io = |cause| FileError::Io { path: path.into(), cause };
        let file = File::open(path).map_err(io)?;
        // SAFETY: `Mmap::map` asks that the file is not modified, in or out of process, while the map exists; our caller
        // promises just that for the lifetime of the region, which owns the map.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(io)?;
        Self::checked(Mapped(map), path)
    }
}

impl<T: Wire> Region<T, MappedMut> {
    /// Maps a file for reading and writing. Call [`seal`](Region::seal) after changes, so that the hashes fit again.
    ///
    /// # Errors
    /// As [`Region::open`].
    ///
    /// # Safety
    /// Until the region is dropped nobody else, in this process or another, reads, changes or shortens the file: the region
    /// hands out `&mut` references into the mapping.
    #[allow(unsafe_code)]
    pub unsafe fn map_mut(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let io = |cause| FileError::Io { path: path.into(), cause };
        let file = File::options().read(true).write(true).open(path).map_err(io)?;
        // SAFETY: `MmapMut::map_mut` asks that the file is not modified, in or out of process, but through the map; our
        // caller promises that nobody else touches the file for the lifetime of the region, which owns the map.
        let map = unsafe { memmap2::MmapMut::map_mut(&file) }.map_err(io)?;
        Self::checked(MappedMut(map), path)
    }

    /// Hands changes to the system and waits until they are on the disk.
    ///
    /// # Errors
    /// Those of the system.
    pub fn flush(&self) -> io::Result<()> {
        self.access.0.flush()
    }
}

impl<T: Wire, A: Access> Region<T, A> {
    fn checked(access: A, path: &Path) -> Result<Self, FileError> {
        let decode = |cause| FileError::Decode { path: path.into(), cause };
        let header = Header::read(access.as_ref()).map_err(decode)?;
        let expected_hash = schema_hash::<T>();
        if header.schema_hash != expected_hash {
            let cause = Box::new(SchemaMismatch {
                expected_hash,
                found_hash: header.schema_hash,
                expected: schema_text::<T>(),
                found: header.schema.into(),
            });
            return Err(FileError::Schema { path: path.into(), cause });
        }
        if header.align < T::ALIGN {
            let expected = format!("an alignment of at least {}", T::ALIGN);
            return Err(decode(DecodeError::new(12, expected, format!("{}", header.align)).within("alignLog2")));
        }
        Ok(Self { access, of: PhantomData })
    }

    /// The octets of the file.
    pub fn bytes(&self) -> &[u8] {
        self.access.as_ref()
    }

    /// What the file says about itself.
    ///
    /// # Errors
    /// None for an owned region. A mapped file that changed in spite of the contract is refused, not trusted.
    pub fn header(&self) -> Result<Header<'_>, DecodeError> {
        Header::read(self.bytes())
    }

    /// The schema inside the file: the last definition is `T`'s.
    ///
    /// # Errors
    /// As [`header`](Self::header).
    pub fn schema_text(&self) -> Result<&str, DecodeError> {
        self.header().map(|header| header.schema)
    }

    /// A view of the root where it lies, after one walk that checks its structure and the index.
    ///
    /// # Errors
    /// The octets are not a canonical `T`, or the index says something else than the walk.
    pub fn view<'w>(&'w self, index: &'w Index) -> Result<T::View<'w, f32>, DecodeError> {
        self.header()?.view::<T>(self.bytes(), index)
    }

    /// A copy of the root.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn decode(&self) -> Result<T, DecodeError> {
        self.header()?.decode(self.bytes())
    }

    /// Checks the file, as thoroughly as asked for.
    ///
    /// # Errors
    /// The first problem: path, offset, what was expected and what was found.
    pub fn verify(&self, level: Level) -> Result<(), DecodeError> {
        let header = self.header()?;
        if level >= Level::Structure {
            header.check_structure::<T>(self.bytes(), level == Level::Full)?;
        }
        if level == Level::Full {
            header.check_hashes(self.bytes())?;
        }
        Ok(())
    }

    /// Writes the file. Other programs see the old file or the whole new one: the octets go to a temporary file beside it,
    /// which is synced and then takes its name.
    ///
    /// # Errors
    /// Those of the system; the old file is as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let path = path.as_ref();
        save(path, self.bytes()).map_err(|cause| FileError::Io { path: path.into(), cause })
    }
}

impl<T: Wire, A: AccessMut> Region<T, A> {
    /// A view through which numbers may be changed where they lie, after the same walk as [`view`](Self::view).
    /// Call [`seal`](Self::seal) before saving.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn view_mut(&mut self) -> Result<T::ViewMut<'_>, DecodeError> {
        let root = self.header()?.root;
        let bytes = self.access.as_mut();
        let mut r = ReaderMut::new(&mut bytes[root.start as usize..root.end as usize]).with_base(root.start);
        let view = T::read_mut(&mut r)?;
        r.finish()?;
        Ok(view)
    }

    /// Makes the hashes fit the octets again.
    ///
    /// # Errors
    /// As [`header`](Self::header).
    pub fn seal(&mut self) -> Result<(), DecodeError> {
        let extents: Vec<_> = self.header()?.components().map(|component| component.extent).collect();
        file::seal(self.access.as_mut(), &extents);
        Ok(())
    }
}

impl<T, A: AsRef<[u8]>> fmt::Debug for Region<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region<{}>({} octets)", core::any::type_name::<T>(), self.access.as_ref().len())
    }
}

fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    #[cfg(unix)]
    {
        // a temporary file is private; the result gets what a new file would have had, or keeps what the old one has
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0o644, |old| old.permissions().mode());
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    // the name is in the folder, which has to reach the disk too
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
