//! Whole files, read and written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::wire::buffer::AlignedBuf;

/// A whole file.
pub(super) fn read(path: &Path) -> io::Result<AlignedBuf> {
    let file = File::open(path)?;
    let announced = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    AlignedBuf::from_reader(file, announced)
}

impl AlignedBuf {
    /// All that a reader gives, in aligned memory and without a second copy. `expected` is a guess at its length, such as the one
    /// that the system announces: memory grows with what is there, so a wrong guess costs at most twice that.
    ///
    /// ```
    /// use barewire_core::wire::AlignedBuf;
    ///
    /// let octets = AlignedBuf::from_reader(&b"pad"[..], 0)?;
    /// assert_eq!(octets[..], *b"pad");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the reader.
    pub fn from_reader(mut reader: impl Read, expected: usize) -> io::Result<Self> {
        let mut bytes = Self::new();
        let mut filled = 0;
        loop {
            let step = expected.saturating_sub(filled).clamp(4096, filled.max(1 << 20));
            bytes.resize(filled + step);
            match reader.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.resize(filled);
        Ok(bytes)
    }
}

/// Writes a file of these pieces. Other programs see the old file or the whole new one.
pub(super) fn save(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    save_with(path, |file| pieces.iter().try_for_each(|piece| file.write_all(piece)))
}

/// As [`save`], with what `write` writes.
pub(super) fn save_with<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    write(temporary.as_file_mut())?;
    #[cfg(unix)]
    {
        // a temporary file is private; the result gets what a new file would have had, or keeps what the old one has
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0o644, |old| old.permissions().mode());
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(io::Error::from)?;
    // the name is in the folder, which has to reach the disk too
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
