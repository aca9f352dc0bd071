//! Sizes at run time.

use core::fmt;

use super::MAX_RANK;

/// The sizes of a value, outermost axis first. A scalar has none.
///
/// ```
/// use barewire_core::shape::Dims;
/// let d = Dims::new(&[2, 3, 4]);
/// assert_eq!((d.len(), d.last(), d.rows()), (24, 4, 6));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Dims {
    sizes: [usize; MAX_RANK],
    rank: usize,
}

impl Dims {
    /// No axes: one number.
    pub const SCALAR: Dims = Dims { sizes: [0; MAX_RANK], rank: 0 };

    /// These sizes; axes beyond the sixth are refused by the constants of the signature, and cut here.
    pub fn new(sizes: &[usize]) -> Dims {
        let mut dims = Dims::SCALAR;
        for &s in sizes.iter().take(MAX_RANK) {
            dims.push(s);
        }
        dims
    }

    /// Adds an innermost axis.
    pub(crate) fn push(&mut self, size: usize) {
        if self.rank < MAX_RANK {
            self.sizes[self.rank] = size;
            self.rank += 1;
        }
    }

    /// The sizes.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Number of elements; saturates instead of overflowing, so a length check against it fails.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.sizes().iter().fold(1, |n, &s| n.saturating_mul(s))
    }

    /// Size of the innermost axis; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.sizes().last().copied().unwrap_or(1)
    }

    /// Elements over the innermost axis: the number of rows when the value is read as a matrix.
    pub fn rows(&self) -> usize {
        match self.sizes().split_last() {
            Some((_, rest)) => rest.iter().fold(1, |n, &s| n.saturating_mul(s)),
            None => 1,
        }
    }

    /// The same sizes with another innermost one.
    #[must_use]
    pub fn with_last(mut self, size: usize) -> Dims {
        if self.rank > 0 {
            self.sizes[self.rank - 1] = size;
        }
        self
    }

    /// The sizes without the outermost axis, which must be `size`.
    pub(crate) fn without_first(&self, size: usize) -> Result<Dims, crate::Error> {
        match self.sizes().split_first() {
            Some((&first, rest)) if first == size => Ok(Dims::new(rest)),
            _ => Err(crate::Error::shape(alloc::format!("{size} rows, one a layer"), alloc::format!("{self}"))),
        }
    }

    /// The sizes without the innermost axis.
    #[must_use]
    pub fn leading(mut self) -> Dims {
        self.rank = self.rank.saturating_sub(1);
        self.sizes[self.rank] = 0;
        self
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sizes()).finish()
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
