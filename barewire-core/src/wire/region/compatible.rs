//! Files of other versions of a type.

use std::path::Path;

use super::{Accept, Access, FileError, Mapped, MappedMut, Owned, Region};
use crate::wire::buffer::AlignedBuf;
use crate::wire::{Wire, WriterSchema};

/// Files whose schema is not `T`'s, but one that a `T` can read: names may differ, and the type may have union members that the file's schema
/// does not have. Members that only the file's schema has are read where the union has a variant marked `#[bare(unknown)]`. Everything that
/// a region can do works on such a file; what is written stays of the file's own schema.
///
/// `docs/wire-format.md` has a table of what may change.
impl<T: Wire> Region<T> {
    /// Reads a file into memory that a `T` can read, whether or not it is of `T`'s own schema.
    ///
    /// ```
    /// use barewire_core::wire::{FileError, Region};
    /// # use barewire_derive::BareUnion;
    /// # mod old {
    /// # #[derive(barewire_derive::BareUnion)]
    /// # #[bare(crate = barewire_core)]
    /// # pub enum Layer { Scale(f32) }
    /// # }
    ///
    /// /// `old::Layer` has no `Shift`.
    /// #[derive(BareUnion, Debug, PartialEq)]
    /// # #[bare(crate = barewire_core)]
    /// enum Layer {
    ///     Scale(f32),
    ///     Shift(f32),
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("layers.bare");
    /// Region::encode(&vec![old::Layer::Scale(2.0)]).save(&path)?;
    ///
    /// assert!(Region::<Vec<Layer>>::open(&path).is_err());
    /// assert_eq!(Region::<Vec<Layer>>::open_compatible(&path)?.decode()?, [Layer::Scale(2.0)]);
    ///
    /// // the other way round there may be a `Shift`, which the old type does not know
    /// Region::encode(&vec![Layer::Scale(2.0)]).save(&path)?;
    /// let Err(FileError::Schema { cause, .. }) = Region::<Vec<old::Layer>>::open_compatible(&path) else { panic!() };
    /// let reasons: Vec<_> = cause.report.unwrap().reasons().map(|reason| reason.to_string()).collect();
    /// assert_eq!(reasons, ["[]: was `LayerShift` = 1, is no tag 1"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`open`](Region::open), but that a schema may be another one that a `T` can read. [`FileError::Schema`] has the reasons.
    pub fn open_compatible(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::read(path.as_ref(), Accept::Compatible)
    }

    /// As [`open_compatible`](Self::open_compatible), from a copy of a file's octets.
    ///
    /// # Errors
    /// As [`open_compatible`](Self::open_compatible); the path in the error is empty.
    pub fn from_bytes_compatible(bytes: &[u8]) -> Result<Self, FileError> {
        Self::finished(Owned(AlignedBuf::copy_from(bytes)), Path::new(""), Accept::Compatible)
    }
}

impl<T: Wire> Region<T, Mapped> {
    /// As [`map`](Self::map), for a file that a `T` can read: see [`Region::open_compatible`].
    ///
    /// # Errors
    /// As [`Region::open_compatible`].
    ///
    /// # Safety
    /// As [`map`](Self::map).
    #[allow(unsafe_code)]
    pub unsafe fn map_compatible(path: impl AsRef<Path>) -> Result<Self, FileError> {
        // SAFETY: our caller promises what `map_file` asks for.
        unsafe { Self::map_file(path.as_ref(), Accept::Compatible) }
    }
}

impl<T: Wire> Region<T, MappedMut> {
    /// As [`map_mut`](Self::map_mut), for a file that a `T` can read: see [`Region::open_compatible`]. Members that `T` does not know are
    /// not lent out.
    ///
    /// # Errors
    /// As [`Region::open_compatible`], but that the file may be unsealed.
    ///
    /// # Safety
    /// As [`map_mut`](Self::map_mut).
    #[allow(unsafe_code)]
    pub unsafe fn map_mut_compatible(path: impl AsRef<Path>) -> Result<Self, FileError> {
        // SAFETY: our caller promises what `map_file_mut` asks for.
        unsafe { Self::map_file_mut(path.as_ref(), Accept::Compatible) }
    }
}

impl<T: Wire, A: Access> Region<T, A> {
    /// The schema of the file, if it is not `T`'s own.
    pub fn writer_schema(&self) -> Option<&WriterSchema> {
        self.writer.as_ref()
    }
}
