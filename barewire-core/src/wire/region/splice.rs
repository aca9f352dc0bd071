//! Other components in place of some.

use core::ops::Range;
use std::path::Path;

use super::{Access, FileError, Region, disk};
use crate::wire::error::DecodeError;
use crate::wire::file::{ComponentList, Edit};

impl<T: ComponentList> Region<T> {
    /// `values` in place of the components in `range`, and an index that says so.
    ///
    /// What stands before the range stays as it is, so appending costs the new components and the index. What stands behind it
    /// is rewritten, since pads depend on where an array stands; so is everything where the list's count takes an octet more
    /// or less (between 127 and 128, 16,383 and 16,384, ..).
    ///
    /// ```
    /// use barewire_core::wire::{List, Region, Union};
    /// # use barewire_derive::BareUnion;
    ///
    /// #[derive(BareUnion, Debug, PartialEq)]
    /// # #[bare(crate = barewire_core)]
    /// enum Part {
    ///     Bias(Vec<f32>),
    ///     Scale(f32),
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut region = Region::encode(&vec![Part::Scale(1.0), Part::Scale(2.0)]);
    /// region.splice(0..1, &[Part::Bias(vec![0.5]), Part::Scale(3.0)])?;
    /// region.append(&[Part::Scale(4.0)])?;
    /// let parts = [Part::Bias(vec![0.5]), Part::Scale(3.0), Part::Scale(2.0), Part::Scale(4.0)];
    /// assert_eq!(region.decode()?, parts);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The region was changed in place and not sealed; its structure is not a `T`'s; the range goes past the end; or a
    /// component that has to move does not have its hash; or, where the file was opened as a compatible one, a value is none of the
    /// file's schema. The region is then as it was.
    pub fn splice(&mut self, range: Range<usize>, values: &[T::Item]) -> Result<(), DecodeError> {
        let edit = Edit::splice::<T>(&self.header()?, self.bytes(), range, values, self.writer.as_ref())?;
        edit.apply(&mut self.access.0);
        Ok(())
    }

    /// `values` behind the last component.
    ///
    /// # Errors
    /// As [`splice`](Self::splice).
    pub fn append(&mut self, values: &[T::Item]) -> Result<(), DecodeError> {
        let end = self.header()?.components().len();
        self.splice(end..end, values)
    }

    /// `value` in place of component `k`: how a part changes its variant, or its sizes.
    ///
    /// # Errors
    /// As [`splice`](Self::splice).
    pub fn replace(&mut self, k: usize, value: &T::Item) -> Result<(), DecodeError> {
        self.splice(k..k.saturating_add(1), core::slice::from_ref(value))
    }
}

impl<T: ComponentList, A: Access> Region<T, A> {
    /// Writes a file in which `values` stand in place of the components in `range`, as [`splice`](Region::splice) does, and
    /// as [`save`](Region::save) does: `path`, which may be this region's own file, is at every moment the old file or the
    /// whole new one. The region stays what it is. Memory is that of what changes or moves.
    ///
    /// ```
    /// # use barewire_core::wire::Region;
    /// # use barewire_derive::BareUnion;
    /// # #[derive(BareUnion)]
    /// # #[bare(crate = barewire_core)]
    /// # enum Part { Scale(f32) }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("parts.bare");
    /// # Region::encode(&vec![Part::Scale(1.0)]).save(&path)?;
    /// let region = Region::<Vec<Part>>::open(&path)?;
    /// let end = region.header()?.components().len();
    /// region.save_spliced(&path, end..end, &[Part::Scale(2.0)])?;
    /// assert_eq!(Region::<Vec<Part>>::open(&path)?.decode()?.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`splice`](Region::splice), and those of the system; the old file is as it was.
    pub fn save_spliced(
        &self,
        path: impl AsRef<Path>,
        range: Range<usize>,
        values: &[T::Item],
    ) -> Result<(), FileError> {
        let (path, old) = (path.as_ref(), self.bytes());
        let edit =
            self.header().and_then(|header| Edit::splice::<T>(&header, old, range, values, self.writer.as_ref()));
        let edit = edit.map_err(|cause| FileError::Decode { path: path.into(), cause })?;
        disk::save(path, &edit.pieces(old)).map_err(|cause| FileError::Io { path: path.into(), cause })
    }
}
