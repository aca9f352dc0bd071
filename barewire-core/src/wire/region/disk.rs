//! Whole files, read and written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::wire::buffer::AlignedBuf;

/// A whole file. Memory grows with what is there, whatever length the system announces.
pub(super) fn read(path: &Path) -> io::Result<AlignedBuf> {
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
