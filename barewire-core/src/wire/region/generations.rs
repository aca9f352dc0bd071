//! A value that changes in place and survives a kill.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Accept, FileError, MappedMut, Region};
use crate::wire::Wire;
use crate::wire::file::{self, Level};

/// A value that changes in place, in files, and survives a kill at any moment: the state of a training.
///
/// There are two files, `PATH.0` and `PATH.1`. At every moment one of them is *whole*: sealed, on the disk, and written by
/// nobody. The other one is *at work*: it begins as a copy, is marked as being changed, and changes through mutable views.
/// [`commit`](Self::commit) seals it, waits until it is on the disk, and only then lets the two change places. So whenever the
/// process dies, or the machine, [`open`](Self::open) finds the value of the last commit or of the one that was in progress,
/// and never a mix.
///
/// ```
/// use barewire_core::wire::Generations;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("numbers");
/// // SAFETY: nobody else knows the files.
/// let mut numbers = unsafe { Generations::create(&path, &vec![1.0f32, 2.0]) }?;
/// numbers.working().view_mut()?[0] = 5.0;
/// numbers.commit()?;
/// numbers.working().view_mut()?[1] = 7.0;
/// drop(numbers); // not committed
///
/// // SAFETY: as above.
/// let numbers = unsafe { Generations::<Vec<f32>>::open(&path) }?;
/// assert_eq!(numbers.whole().decode()?, [5.0, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Cost
/// Twice the space of the value, in files and in memory that the system may take back. A commit hashes, copies and syncs the
/// value once.
#[derive(Debug)]
pub struct Generations<T> {
    regions: [Region<T, MappedMut>; 2],
    paths: [PathBuf; 2],
    /// which of the two is whole
    whole: usize,
}

impl<T: Wire> Generations<T> {
    /// The two files of a value.
    pub fn paths(path: impl AsRef<Path>) -> [PathBuf; 2] {
        [".0", ".1"].map(|end| {
            let mut name = path.as_ref().as_os_str().to_owned();
            name.push(end);
            name.into()
        })
    }

    /// Begins with a value. Older files of the same names are replaced; who dies in between has lost them.
    ///
    /// # Errors
    /// The files cannot be written; as [`Region::try_encode`].
    ///
    /// # Safety
    /// As [`Region::map_mut`], for both files.
    #[allow(unsafe_code)]
    pub unsafe fn create(path: impl AsRef<Path>, value: &T) -> Result<Self, FileError> {
        let paths = Self::paths(path);
        let encoded = Region::try_encode(value).map_err(|cause| FileError::Keep { path: paths[0].clone(), cause })?;
        // an old generation must not outlive the new one's first moment
        remove(&paths[1])?;
        encoded.save(&paths[0])?;
        // SAFETY: our caller promises what `from_whole` asks for.
        unsafe { Self::from_whole(paths, 0) }
    }

    /// Goes on where the last [`commit`](Self::commit) was, or the one that was in progress.
    ///
    /// # Errors
    /// Neither file is whole: the error of the one that is there. Both are compared with all their hashes.
    ///
    /// # Safety
    /// As [`Region::map_mut`], for both files.
    #[allow(unsafe_code)]
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let paths = Self::paths(path);
        let whole = match (check::<T>(&paths[0]), check::<T>(&paths[1])) {
            // both: one was just committed, and the other not yet marked; training from either gives the same bits
            (Ok(()), _) => 0,
            (_, Ok(())) => 1,
            (Err(FileError::Io { cause, .. }), Err(error)) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(error);
            }
            (Err(error), _) => return Err(error),
        };
        // SAFETY: our caller promises what `from_whole` asks for.
        unsafe { Self::from_whole(paths, whole) }
    }

    /// Maps a whole file, and the other one as a copy of it.
    ///
    /// # Safety
    /// As [`Region::map_mut`], for both files.
    #[allow(unsafe_code)]
    unsafe fn from_whole(paths: [PathBuf; 2], whole: usize) -> Result<Self, FileError> {
        let other = 1 - whole;
        // a new file, whatever was there: it may be of another size
        let mut copy = Region::<T>::open(&paths[whole])?;
        file::unseal(copy.access.as_mut());
        copy.save(&paths[other])?;
        drop(copy);
        // SAFETY: our caller promises that nobody else touches these files while the regions exist.
        let [first, second] = paths.each_ref().map(|path| unsafe { Region::map_file_mut(path, Accept::Same) });
        Ok(Generations { regions: [first?, second?], paths, whole })
    }

    /// The value of the last commit.
    pub fn whole(&self) -> &Region<T, MappedMut> {
        &self.regions[self.whole]
    }

    /// The value that changes.
    pub fn working(&mut self) -> &mut Region<T, MappedMut> {
        &mut self.regions[1 - self.whole]
    }

    /// The value at work becomes the whole one, and a copy of it is at work from now on.
    ///
    /// # Errors
    /// What is at work is no value, or the system refuses. What was whole stays so.
    pub fn commit(&mut self) -> Result<(), FileError> {
        let new = 1 - self.whole;
        let path = &self.paths[new];
        let region = &mut self.regions[new];
        region.seal().map_err(|cause| FileError::Decode { path: path.clone(), cause })?;
        region.flush().map_err(|cause| FileError::Io { path: path.clone(), cause })?;
        self.whole = new;
        let [first, second] = &mut self.regions;
        let (from, to) = if new == 0 { (first, second) } else { (second, first) };
        // the mark on the disk first: after a loss of power, two whole files would be of different age
        let path = &self.paths[1 - new];
        file::unseal(to.access.as_mut());
        to.flush().map_err(|cause| FileError::Io { path: path.clone(), cause })?;
        file::copy_unsealed(from.access.as_ref(), to.access.as_mut());
        Ok(())
    }

    /// Deletes both files.
    ///
    /// # Errors
    /// Those of the system.
    pub fn remove(self) -> Result<(), FileError> {
        drop(self.regions);
        self.paths.iter().try_for_each(|path| remove(path))
    }
}

/// Whether a file is whole.
fn check<T: Wire>(path: &Path) -> Result<(), FileError> {
    let region = Region::<T>::open(path)?;
    region.verify(Level::Full).map_err(|cause| FileError::Decode { path: path.into(), cause })
}

/// Deletes a file, if it is there.
fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(FileError::Io { path: path.into(), cause }),
        _ => Ok(()),
    }
}
