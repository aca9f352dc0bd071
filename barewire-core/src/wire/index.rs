//! The arena in which lists of views are decoded once.

use bumpalo::Bump;

/// Memory for decoded lists of views.
///
/// A list of numbers is viewed where it lies. A list of unions, structs, matrices or strings has elements of unequal
/// length on the wire, so reading it once makes a slice of views, and that slice lives here. Whoever reads a view owns
/// the index; the view borrows both the bytes and the index.
///
/// ```
/// use barewire_core::wire::{Index, to_message, view_message};
///
/// let message = to_message(&vec![String::from("digits"), String::from("scale")]);
/// let mut index = Index::new();
/// assert_eq!(view_message::<Vec<String>>(&message, &index).unwrap(), ["digits", "scale"]);
/// index.reset(); // no view borrows it any more
/// ```
#[derive(Debug, Default)]
pub struct Index(Bump);

impl Index {
    /// An empty index; memory comes with the first list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all lists and keeps the largest piece of memory for the next reading.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Octets reserved so far.
    pub fn allocated(&self) -> usize {
        self.0.allocated_bytes()
    }

    /// A copy of `items` in the index.
    pub fn alloc_slice<T: Copy>(&self, items: &[T]) -> &[T] {
        self.0.alloc_slice_copy(items)
    }

    /// `n` items, made one after another; `make` may itself use the index.
    pub fn alloc_with<T: Copy>(&self, n: usize, make: impl FnMut(usize) -> T) -> &[T] {
        self.0.alloc_slice_fill_with(n, make)
    }

    /// As [`alloc_with`](Index::alloc_with), until `make` fails.
    ///
    /// # Errors
    /// The first one of `make`.
    pub fn try_alloc_with<T: Copy, E>(&self, n: usize, make: impl FnMut(usize) -> Result<T, E>) -> Result<&[T], E> {
        Ok(self.0.alloc_slice_try_fill_with(n, make)?)
    }

    /// One item.
    pub fn alloc<T: Copy>(&self, item: T) -> &T {
        self.0.alloc(item)
    }
}
