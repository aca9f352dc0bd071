//! Files, in memory or mapped, with the access right in the type.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use std::fs::File;
use std::io;
use std::path::Path;

use super::buffer::AlignedBuf;
use super::error::DecodeError;
use super::evolution::{KeepError, WriterSchema};
use super::file::{self, Header, Level};
use super::index::Index;
use super::lazy::Lazy;
use super::reader_mut::ReaderMut;
use super::{Union, Wire, schema_hash};

mod compatible;
mod disk;
mod error;
mod generations;
mod migrate;
mod splice;

pub use error::{FileError, SchemaMismatch};
pub use generations::Generations;
pub use migrate::{migrate, migrate_each, try_migrate, try_migrate_each};

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
///
/// ```compile_fail
/// # use barewire_core::wire::{Mapped, Region};
/// fn change(region: &mut Region<Vec<f32>, Mapped>) {
///     let _ = region.view_mut(); // there is none: the type says that the file is read
/// }
/// ```
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

/// A file that holds a `T`. `A` says what may be done with its octets.
///
/// | `A`           | made by                          | views | mutable views | where           |
/// |---------------|----------------------------------|-------|---------------|-----------------|
/// | [`Owned`]     | [`encode`](Region::encode), [`open`](Region::open), [`from_bytes`](Region::from_bytes) | yes | yes | memory |
/// | [`Mapped`]    | [`map`](Region::map)             | yes   | no            | the file        |
/// | [`MappedMut`] | [`map_mut`](Region::map_mut)     | yes   | yes           | the file        |
///
/// Opening checks the header and the schema; a view checks the structure, in one walk that reads no payload. [`lazy`](Region::lazy)
/// reads one component at a time, without the walk.
///
/// # Changes
/// Numbers change in place, through [`view_mut`](Region::view_mut); sizes and tags stay. From then until
/// [`seal`](Region::seal) the file is marked as being changed, and no reader opens it: not even after the process was killed
/// in between. A file that passes [`Level::Full`] holds what it held when it was last sealed or saved, all of it.
/// `docs/wire-format.md` says what a loss of power can leave.
///
/// A list of unions grows and shrinks by [`splice`](Region::splice) and its short forms, in memory, or into another file.
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
    /// the file's schema, if it is not `T`'s
    writer: Option<WriterSchema>,
    of: PhantomData<fn() -> T>,
}

/// Which files are opened.
#[derive(Clone, Copy, PartialEq)]
enum Accept {
    /// those of the type's own schema
    Same,
    /// those that the type can read
    Compatible,
}

impl<T: Wire> Region<T> {
    /// The file of a value, in memory.
    ///
    /// # Panics
    /// The value has unknown members that no file can hold together with the rest of it: see [`try_encode`](Self::try_encode).
    pub fn encode(value: &T) -> Self {
        Self::encode_into(value, AlignedBuf::new())
    }

    /// As [`encode`](Self::encode), for values with unknown members ([`UnknownMember`](super::UnknownMember)). The file then has the
    /// schema that they came with, which knows them, in place of `T`'s, and this region is like one that
    /// [`open_compatible`](Self::open_compatible) gives.
    ///
    /// # Errors
    /// Not everything in the value is of one such schema: members came from files of different schemas, or there is a variant that
    /// only `T` has.
    pub fn try_encode(value: &T) -> Result<Self, KeepError> {
        Self::try_encode_into(value, AlignedBuf::new())
    }

    fn try_encode_into(value: &T, mut buf: AlignedBuf) -> Result<Self, KeepError> {
        let writer = file::try_to_file_into(value, &mut buf)?;
        Ok(Self { access: Owned(buf), writer, of: PhantomData })
    }

    /// Reads a file into memory.
    ///
    /// # Errors
    /// The file cannot be read, is no barewire file, or holds another schema.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::read(path.as_ref(), Accept::Same)
    }

    fn read(path: &Path, accept: Accept) -> Result<Self, FileError> {
        let bytes = disk::read(path).map_err(|cause| FileError::Io { path: path.into(), cause })?;
        Self::finished(Owned(bytes), path, accept)
    }

    /// A copy of a file's octets, which may lie anywhere.
    ///
    /// # Errors
    /// As [`open`](Region::open); the path in the error is empty.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        Self::finished(Owned(AlignedBuf::copy_from(bytes)), Path::new(""), Accept::Same)
    }

    /// The file of a value, in memory that is there already: [`into_buf`](Self::into_buf) of an old region gives such.
    ///
    /// # Panics
    /// As [`encode`](Self::encode).
    pub fn encode_into(value: &T, buf: AlignedBuf) -> Self {
        Self::try_encode_into(value, buf).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The file's octets.
    pub fn into_buf(self) -> AlignedBuf {
        self.access.0
    }
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
        // SAFETY: our caller promises what `map_file` asks for.
        unsafe { Self::map_file(path.as_ref(), Accept::Same) }
    }

    /// # Safety
    /// As [`map`](Self::map).
    #[allow(unsafe_code)]
    unsafe fn map_file(path: &Path, accept: Accept) -> Result<Self, FileError> {
        let io = |cause| FileError::Io { path: path.into(), cause };
        let file = File::open(path).map_err(io)?;
        // SAFETY: `Mmap::map` asks that the file is not modified, in or out of process, while the map exists; our caller
        // promises just that for the lifetime of the region, which owns the map.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(io)?;
        Self::finished(Mapped(map), path, accept)
    }
}

impl<T: Wire> Region<T, MappedMut> {
    /// Maps a file for reading and writing. Call [`seal`](Region::seal) after changes, so that the hashes fit again.
    ///
    /// A file that was changed and not sealed is opened here, and only here: [`verify`](Region::verify) says so. Whoever knows
    /// that what it holds is good may seal it.
    ///
    /// # Errors
    /// As [`Region::open`], but for that.
    ///
    /// # Safety
    /// Until the region is dropped nobody else, in this process or another, reads, changes or shortens the file: the region
    /// hands out `&mut` references into the mapping.
    #[allow(unsafe_code)]
    pub unsafe fn map_mut(path: impl AsRef<Path>) -> Result<Self, FileError> {
        // SAFETY: our caller promises what `map_file_mut` asks for.
        unsafe { Self::map_file_mut(path.as_ref(), Accept::Same) }
    }

    /// # Safety
    /// As [`map_mut`](Self::map_mut).
    #[allow(unsafe_code)]
    unsafe fn map_file_mut(path: &Path, accept: Accept) -> Result<Self, FileError> {
        let io = |cause| FileError::Io { path: path.into(), cause };
        let file = File::options().read(true).write(true).open(path).map_err(io)?;
        // SAFETY: `MmapMut::map_mut` asks that the file is not modified, in or out of process, but through the map; our
        // caller promises that nobody else touches the file for the lifetime of the region, which owns the map.
        let map = unsafe { memmap2::MmapMut::map_mut(&file) }.map_err(io)?;
        Self::checked(MappedMut(map), path, accept)
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
    /// A region of octets that hold a `T`, with hashes that are said to fit.
    fn finished(access: A, path: &Path, accept: Accept) -> Result<Self, FileError> {
        let region = Self::checked(access, path, accept)?;
        let sealed = region.header().and_then(|header| header.check_sealed());
        sealed.map_err(|cause| FileError::Decode { path: path.into(), cause })?;
        Ok(region)
    }

    /// A region of octets that hold a `T`.
    fn checked(access: A, path: &Path, accept: Accept) -> Result<Self, FileError> {
        let decode = |cause| FileError::Decode { path: path.into(), cause };
        let header = Header::read_as::<T>(access.as_ref()).map_err(decode)?;
        let mut writer = None;
        if header.schema_hash != schema_hash::<T>() {
            writer = (accept == Accept::Compatible).then(|| WriterSchema::parse::<T>(header.schema).ok()).flatten();
            if writer.is_none() {
                let cause = Box::new(SchemaMismatch::of::<T>(header.schema, header.schema_hash));
                return Err(FileError::Schema { path: path.into(), cause });
            }
        }
        let align = writer.as_ref().map_or(1, WriterSchema::align);
        header.check_align(T::ALIGN.max(align)).map_err(decode)?;
        Ok(Self { access, writer, of: PhantomData })
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
        Header::read_as::<T>(self.bytes())
    }

    /// The schema inside the file: the last definition is the root's.
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
        self.header()?.view::<T>(self.bytes(), index, self.writer.as_ref())
    }

    /// The components that are `U`s, one at a time, without the walk of [`view`](Self::view): see [`Lazy`], also for what a
    /// hostile file can do to a lazy reader.
    ///
    /// # Errors
    /// `T` has no components of the union `U`; or, where it has components of other unions too, the index says something else
    /// than what stands between them.
    pub fn lazy<U: Union>(&self) -> Result<Lazy<'_, U>, DecodeError> {
        Lazy::new::<T>(self.bytes(), self.header()?, self.writer.as_ref())
    }

    /// A copy of the root.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn decode(&self) -> Result<T, DecodeError> {
        self.header()?.decode(self.bytes(), self.writer.as_ref())
    }

    /// Checks the file, as thoroughly as asked for.
    ///
    /// # Errors
    /// The first problem: path, offset, what was expected and what was found. That a region was changed and not sealed is one.
    pub fn verify(&self, level: Level) -> Result<(), DecodeError> {
        let header = self.header()?;
        header.check_sealed()?;
        if level >= Level::Structure {
            header.check_structure::<T>(self.bytes(), level == Level::Full, self.writer.as_ref())?;
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
        disk::save(path, &[self.bytes()]).map_err(|cause| FileError::Io { path: path.into(), cause })
    }
}

impl<T: Wire, A: AccessMut> Region<T, A> {
    /// A view through which numbers may be changed where they lie, after one walk that checks the structure.
    ///
    /// It marks the file as being changed; call [`seal`](Self::seal) after the changes, and before saving.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn view_mut(&mut self) -> Result<T::ViewMut<'_>, DecodeError> {
        let root = self.header()?.root;
        let (head, rest) = self.access.as_mut().split_at_mut(root.start as usize);
        let mut r = ReaderMut::new(&mut rest[..(root.end - root.start) as usize])
            .with_base(root.start)
            .with_writer(self.writer.as_ref());
        let view = T::read_mut(&mut r)?;
        r.finish()?;
        file::unseal(head);
        Ok(view)
    }

    /// Makes the hashes fit the octets again, after one walk that checks structure and index, and takes the mark away.
    ///
    /// # Errors
    /// As [`view`](Self::view); the mark then stays.
    pub fn seal(&mut self) -> Result<(), DecodeError> {
        let count = self.header()?.components().len();
        self.seal_components(0..count)
    }

    /// [`seal`](Self::seal) for the case that of all components only these changed: the others' hashes are taken as they
    /// are, so it costs what changed, not the file. If another one did change, [`Level::Full`] finds it.
    ///
    /// # Errors
    /// As [`seal`](Self::seal); or there is no such component.
    pub fn seal_components(&mut self, numbers: impl IntoIterator<Item = usize>) -> Result<(), DecodeError> {
        let header = self.header()?;
        header.check_structure::<T>(self.bytes(), false, self.writer.as_ref())?;
        let extents: Vec<_> = header.components().map(|component| component.extent).collect();
        let numbers: Vec<_> = numbers.into_iter().collect();
        if let Some(missing) = numbers.iter().find(|number| **number >= extents.len()) {
            let expected = alloc::format!("a component below {}", extents.len());
            return Err(DecodeError::new(header.root.end, expected, alloc::format!("{missing}")).within("index"));
        }
        file::seal(self.access.as_mut(), &extents, numbers);
        Ok(())
    }
}

impl<T, A: AsRef<[u8]>> fmt::Debug for Region<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region<{}>({} octets)", core::any::type_name::<T>(), self.access.as_ref().len())
    }
}
