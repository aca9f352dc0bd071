//! Files of an old type made into files of a new one.

use alloc::boxed::Box;
use core::convert::Infallible;
use core::error::Error;
use std::io::{self, BufWriter};
use std::path::Path;

use super::{Access, FileError, Region, disk};
use crate::wire::error::DecodeError;
use crate::wire::file::{ComponentList, ListWriter};
use crate::wire::index::Index;
use crate::wire::{Wire, try_to_file};

/// What a closure has to say against a change.
type Refusal = Box<dyn Error + Send + Sync>;

/// Makes a file of `New` out of one of `Old`: `change` gets a view of the old root. `to` may be `from`; other programs see the old file or the
/// whole new one there, as with [`Region::save`].
///
/// The old file may be any that an `Old` can read ([`Region::open_compatible`]). A list of many components is changed one by one by
/// [`migrate_each`]; a closure that can fail goes to [`try_migrate`].
///
/// ```
/// use barewire_core::wire::{Region, migrate};
/// # use barewire_derive::BareStruct;
///
/// #[derive(BareStruct)]
/// # #[bare(crate = barewire_core)]
/// struct Old {
///     bias: Vec<f32>,
/// }
///
/// #[derive(BareStruct, Debug, PartialEq)]
/// # #[bare(crate = barewire_core)]
/// struct New {
///     name: String,
///     bias: Vec<f32>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.bare");
/// Region::encode(&Old { bias: vec![1.0, 2.0] }).save(&path)?;
/// migrate::<Old, New>(&path, &path, |old| New { name: "head".into(), bias: old.bias.to_vec() })?;
/// assert_eq!(Region::<New>::open(&path)?.decode()?, New { name: "head".into(), bias: vec![1.0, 2.0] });
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Region::open_compatible`], [`Region::view`], [`Region::try_encode`] and [`Region::save`]. `to` is then as it was.
pub fn migrate<Old: Wire, New: Wire>(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    change: impl FnOnce(Old::View<'_, f32>) -> New,
) -> Result<(), FileError> {
    Region::<Old>::open_compatible(from)?.save_migrated(to, change)
}

/// As [`migrate`], with a closure that may refuse what it finds.
///
/// ```
/// use barewire_core::wire::{FileError, Region, try_migrate};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("number.bare");
/// Region::encode(&300u32).save(&path)?;
/// let error = try_migrate::<u32, u8, _>(&path, &path, u8::try_from).unwrap_err();
/// assert!(error.to_string().ends_with("out of range integral type conversion attempted"), "{error}");
/// assert_eq!(Region::<u32>::open(&path)?.decode()?, 300); // as it was
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`migrate`]; and [`FileError::Change`] with the closure's own.
pub fn try_migrate<Old: Wire, New: Wire, E: Into<Refusal>>(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    change: impl FnOnce(Old::View<'_, f32>) -> Result<New, E>,
) -> Result<(), FileError> {
    Region::<Old>::open_compatible(from)?.try_save_migrated(to, change)
}

/// As [`migrate`], for roots that are lists of unions: `change` gets component by component, with its number. Of the new file only one component
/// is in memory at a time. To read the old one so, too, map it and call [`Region::save_migrated_each`].
///
/// ```
/// use barewire_core::wire::{Region, migrate_each};
/// # use barewire_derive::BareUnion;
///
/// #[derive(BareUnion)]
/// # #[bare(crate = barewire_core)]
/// enum Old {
///     Scale(f32),
/// }
///
/// #[derive(BareUnion, Debug, PartialEq)]
/// # #[bare(crate = barewire_core)]
/// enum New {
///     Scale { scale: f32, layer: u32 },
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.bare");
/// Region::encode(&vec![Old::Scale(0.5), Old::Scale(2.0)]).save(&path)?;
/// migrate_each::<Vec<Old>, Vec<New>>(&path, &path, |layer, old| match old {
///     OldView::Scale(scale) => New::Scale { scale, layer: layer as u32 },
/// })?;
/// let new = Region::<Vec<New>>::open(&path)?.decode()?;
/// assert_eq!(new, [New::Scale { scale: 0.5, layer: 0 }, New::Scale { scale: 2.0, layer: 1 }]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`migrate`]; and where a new component has unknown members, which a file of `New`'s schema cannot hold.
pub fn migrate_each<Old: ComponentList, New: ComponentList>(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    change: impl FnMut(usize, <Old::Item as Wire>::View<'_, f32>) -> New::Item,
) -> Result<(), FileError> {
    Region::<Old>::open_compatible(from)?.save_migrated_each::<New>(to, change)
}

/// As [`migrate_each`], with a closure that may refuse what it finds: the error says which component it was.
///
/// # Errors
/// As [`migrate_each`]; and [`FileError::Change`] with the closure's own.
pub fn try_migrate_each<Old: ComponentList, New: ComponentList, E: Into<Refusal>>(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    change: impl FnMut(usize, <Old::Item as Wire>::View<'_, f32>) -> Result<New::Item, E>,
) -> Result<(), FileError> {
    Region::<Old>::open_compatible(from)?.try_save_migrated_each::<New, E>(to, change)
}

impl<T: Wire, A: Access> Region<T, A> {
    /// [`migrate`] for a region that is open already.
    ///
    /// # Errors
    /// As [`migrate`].
    pub fn save_migrated<New: Wire>(
        &self,
        to: impl AsRef<Path>,
        change: impl FnOnce(T::View<'_, f32>) -> New,
    ) -> Result<(), FileError> {
        self.try_save_migrated(to, |old| Ok::<_, Infallible>(change(old)))
    }

    /// [`try_migrate`] for a region that is open already.
    ///
    /// # Errors
    /// As [`try_migrate`].
    pub fn try_save_migrated<New: Wire, E: Into<Refusal>>(
        &self,
        to: impl AsRef<Path>,
        change: impl FnOnce(T::View<'_, f32>) -> Result<New, E>,
    ) -> Result<(), FileError> {
        let path = to.as_ref();
        let new = {
            let index = Index::new();
            let old = self.view(&index).map_err(|cause| FileError::Decode { path: path.into(), cause })?;
            change(old).map_err(|cause| FileError::Change {
                path: path.into(),
                component: None,
                cause: cause.into(),
            })?
        };
        let file = try_to_file(&new).map_err(|cause| FileError::Keep { path: path.into(), cause })?;
        disk::save(path, &[&file]).map_err(|cause| FileError::Io { path: path.into(), cause })
    }
}

impl<T: ComponentList, A: Access> Region<T, A> {
    /// [`migrate_each`] for a region that is open already. Each component is read when it is changed; that the index and the root agree is
    /// checked before, in one walk.
    ///
    /// # Errors
    /// As [`migrate_each`].
    pub fn save_migrated_each<New: ComponentList>(
        &self,
        to: impl AsRef<Path>,
        mut change: impl FnMut(usize, <T::Item as Wire>::View<'_, f32>) -> New::Item,
    ) -> Result<(), FileError> {
        self.try_save_migrated_each::<New, _>(to, |k, old| Ok::<_, Infallible>(change(k, old)))
    }

    /// [`try_migrate_each`] for a region that is open already, as [`save_migrated_each`](Self::save_migrated_each).
    ///
    /// # Errors
    /// As [`try_migrate_each`].
    pub fn try_save_migrated_each<New: ComponentList, E: Into<Refusal>>(
        &self,
        to: impl AsRef<Path>,
        mut change: impl FnMut(usize, <T::Item as Wire>::View<'_, f32>) -> Result<New::Item, E>,
    ) -> Result<(), FileError> {
        let path = to.as_ref();
        let written = disk::save_with(path, |file| {
            let header = self.header()?;
            header.check_structure::<T>(self.bytes(), false, self.writer.as_ref())?;
            let old = self.lazy::<T::Item>()?;
            let mut new = ListWriter::<New, _>::new(BufWriter::new(file), old.len())?;
            for k in 0..old.len() {
                let index = Index::new();
                let changed = change(k, old.view(k, &index)?).map_err(|cause| Failed::Change(k, cause.into()))?;
                new.push(&changed)?;
            }
            new.finish()?;
            Ok(())
        });
        written.map_err(|error| match error {
            Failed::Read(cause) => FileError::Decode { path: path.into(), cause },
            Failed::Write(cause) => FileError::Io { path: path.into(), cause },
            Failed::Change(k, cause) => FileError::Change { path: path.into(), component: Some(k), cause },
        })
    }
}

/// Which side of a migration failed.
enum Failed {
    Read(DecodeError),
    Write(io::Error),
    Change(usize, Refusal),
}

impl From<DecodeError> for Failed {
    fn from(error: DecodeError) -> Self {
        Self::Read(error)
    }
}
impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
