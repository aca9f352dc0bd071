//! Memory that starts where arrays want to start.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use bytemuck::{Pod, Zeroable};

use super::pad::MAX_ALIGN;

/// A page of octets: what makes a `Vec` start at a multiple of 4096.
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Page([u8; MAX_ALIGN]);

// SAFETY: `Page` is one array of octets, for which all zeros is a value.
unsafe impl Zeroable for Page {}
// SAFETY: `repr(C)` with one field of 4096 octets and alignment 4096: size equals alignment, so there is no padding; any
// octets are a value; it is `Copy + 'static` and has no pointers or interior mutability.
unsafe impl Pod for Page {}

/// Octets that start at a multiple of 4096, and grow.
///
/// A message in it can be viewed in place whatever alignment its fields ask for; a `Vec<u8>` promises nothing.
#[derive(Clone, Default)]
pub struct AlignedBuf {
    pages: Vec<Page>,
    len: usize,
}

impl AlignedBuf {
    /// Empty, without memory.
    pub const fn new() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }

    /// A copy of `bytes`.
    ///
    /// ```
    /// # use barewire_core::wire::AlignedBuf;
    /// let bytes = AlignedBuf::copy_from(&[1, 2, 3]);
    /// assert_eq!(bytes.as_ptr().addr() % 4096, 0);
    /// assert_eq!(bytes[..], [1, 2, 3]);
    /// ```
    pub fn copy_from(bytes: &[u8]) -> Self {
        let mut buf = Self::new();
        buf.extend_from_slice(bytes);
        buf
    }

    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let mut buf = Self::new();
        buf.resize(len);
        buf
    }

    /// Forgets the octets, keeps the memory: the next message of this size is written without a page fault.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Cuts or extends to `len` octets; new ones are zero.
    pub fn resize(&mut self, len: usize) {
        let (old, written) = (self.len, self.pages.len() * MAX_ALIGN);
        if len > written {
            self.pages.resize(len.div_ceil(MAX_ALIGN), Page::zeroed());
        }
        self.len = len;
        // pages that came just now are zero; those that were there hold what they held
        if len > old {
            self[old..len.min(written)].fill(0);
        }
    }

    /// Makes room for `more` octets.
    pub fn reserve(&mut self, more: usize) {
        // `Vec` doubles, so appending octet by octet stays linear
        self.pages.reserve((self.len + more).div_ceil(MAX_ALIGN).saturating_sub(self.pages.len()));
    }

    /// Appends octets.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let (start, end) = (self.len, self.len + bytes.len());
        let written = self.pages.len() * MAX_ALIGN;
        if end <= written {
            self.len = end;
            self[start..].copy_from_slice(bytes);
        } else {
            let (old, new) = bytes.split_at(written - start);
            self.len = written;
            self[start..].copy_from_slice(old);
            self.extend_pages(new);
        }
    }

    /// Appends octets to a buffer whose pages are full: each page is written once, and not zeroed before.
    fn extend_pages(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<MAX_ALIGN>();
        self.pages.reserve(whole.len() + usize::from(!rest.is_empty()));
        self.pages.extend(whole.iter().map(|page| Page(*page)));
        if !rest.is_empty() {
            let mut last = Page::zeroed();
            last.0[..rest.len()].copy_from_slice(rest);
            self.pages.push(last);
        }
        self.len += bytes.len();
    }

    /// Appends `n` octets, zeros or what an older message left there; the caller writes over them.
    pub(crate) fn grow(&mut self, n: usize) -> &mut [u8] {
        let start = self.len;
        let pages = (start + n).div_ceil(MAX_ALIGN);
        if pages > self.pages.len() {
            self.pages.resize(pages, Page::zeroed());
        }
        self.len += n;
        &mut self[start..]
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.pages)[..self.len]
    }
}

impl DerefMut for AlignedBuf {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.pages)[..self.len]
    }
}

impl AsRef<[u8]> for AlignedBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for AlignedBuf {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl PartialEq for AlignedBuf {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for AlignedBuf {}

impl fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedBuf({} octets)", self.len)
    }
}

/// One cache line: what makes a `Vec` start at a multiple of 64.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: `Line` is one array of octets, for which all zeros is a value.
unsafe impl Zeroable for Line {}
// SAFETY: `repr(C)` with one field of 64 octets and alignment 64: no padding; any octets are a value; it is
// `Copy + 'static` and has no pointers or interior mutability.
unsafe impl Pod for Line {}

/// Numbers that start at a multiple of 64: the storage of owned matrices, which kernels take as they are.
///
/// ```
/// # use barewire_core::wire::AlignedVec;
/// let values: AlignedVec<f32> = [1.0, 2.0].into_iter().collect();
/// assert_eq!(values.as_ptr().addr() % 64, 0);
/// assert_eq!(values[..], [1.0, 2.0]);
/// ```
#[derive(Clone)]
pub struct AlignedVec<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Pod> AlignedVec<T> {
    /// `len` zeros.
    ///
    /// # Panics
    /// If the octets do not fit in `usize`, as `Vec` does.
    pub fn zeroed(len: usize) -> Self {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 64) };
        let bytes = len.checked_mul(size_of::<T>()).expect("an `AlignedVec` is smaller than the address space");
        Self { lines: alloc::vec![Line::zeroed(); bytes.div_ceil(64)], len, of: PhantomData }
    }

    /// Cuts or extends to `len` numbers; new ones are zero.
    ///
    /// # Panics
    /// If the octets do not fit in `usize`, as `Vec` does.
    pub fn resize(&mut self, len: usize) {
        let bytes = len.checked_mul(size_of::<T>()).expect("an `AlignedVec` is smaller than the address space");
        let lines = bytes.div_ceil(64);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line::zeroed());
        }
        let old = core::mem::replace(&mut self.len, len);
        if old < len {
            self[old..].fill(T::zeroed());
        }
    }

    /// A copy of `values`.
    pub fn copy_from(values: &[T]) -> Self {
        let mut copy = Self::zeroed(values.len());
        copy.copy_from_slice(values);
        copy
    }
}

impl<T: Pod> Deref for AlignedVec<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // cut to whole `T`s first, so that the cast is exact for sizes that do not divide 64
        let bytes: &[u8] = bytemuck::cast_slice(&self.lines);
        bytemuck::cast_slice(&bytes[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> DerefMut for AlignedVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.lines);
        bytemuck::cast_slice_mut(&mut bytes[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> AsRef<[T]> for AlignedVec<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: Pod> AsMut<[T]> for AlignedVec<T> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T: Pod> Default for AlignedVec<T> {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl<T: Pod> From<Vec<T>> for AlignedVec<T> {
    fn from(values: Vec<T>) -> Self {
        Self::copy_from(&values)
    }
}

impl<T: Pod> FromIterator<T> for AlignedVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        Self::copy_from(&iter.into_iter().collect::<Vec<_>>())
    }
}

impl<T: Pod + PartialEq> PartialEq for AlignedVec<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + Eq> Eq for AlignedVec<T> {}

impl<T: Pod + fmt::Debug> fmt::Debug for AlignedVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_grows_over_pages_and_keeps_what_it_had() {
        for n in [0, 1, MAX_ALIGN - 3, MAX_ALIGN - 2, MAX_ALIGN, 3 * MAX_ALIGN + 5] {
            let mut buf = AlignedBuf::copy_from(&[1, 2, 3]);
            buf.grow(n).fill(7);
            buf.grow(2).fill(8);
            assert_eq!((buf.len(), &buf[..3], &buf[3 + n..]), (5 + n, &[1, 2, 3][..], &[8, 8][..]));
            assert!(buf[3..3 + n].iter().all(|&octet| octet == 7));
        }
    }
}
