//! A dense matrix of derivatives.

use core::ops::Index;

use alloc::vec::Vec;

use crate::real::Real;

/// A matrix of derivatives, row-major: a row for each result, a column for each argument. A Hessian has as many rows as
/// columns.
///
/// ```
/// use barewire_core::autodiff::jacobian;
/// use barewire_core::formula;
///
/// let j = jacobian(&formula!(for<R> |[x, y]| [x * y, x + y, x]), &[2.0_f64, 3.0])?;
/// assert_eq!((j.rows(), j.cols()), (3, 2));
/// assert_eq!((j.row(0), j[(1, 0)]), (&[3.0, 2.0][..], 1.0));
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Jacobian<R> {
    rows: usize,
    cols: usize,
    values: Vec<R>,
}

impl<R: Real> Jacobian<R> {
    /// Number of results.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of arguments.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All derivatives, row by row.
    pub fn values(&self) -> &[R] {
        &self.values
    }

    /// The gradient of result `i`; empty if there is none.
    pub fn row(&self, i: usize) -> &[R] {
        self.values.get(i * self.cols..).and_then(|rest| rest.get(..self.cols)).unwrap_or(&[])
    }

    pub(super) fn resize(&mut self, rows: usize, cols: usize) {
        (self.rows, self.cols) = (rows, cols);
        self.values.clear();
        self.values.resize(rows * cols, R::ZERO);
    }

    pub(super) fn set_row(&mut self, i: usize, values: &[R]) {
        let row = self.values.iter_mut().skip(i * self.cols).take(self.cols);
        row.zip(values).for_each(|(to, from)| *to = *from);
    }

    pub(super) fn set_column(&mut self, j: usize, values: impl Iterator<Item = R>) {
        let column = self.values.iter_mut().skip(j).step_by(self.cols.max(1));
        column.zip(values).for_each(|(to, from)| *to = from);
    }
}

impl<R> Index<(usize, usize)> for Jacobian<R> {
    type Output = R;

    /// The derivative of result `i` by argument `j`.
    ///
    /// # Panics
    /// If there is no such element, as slices do.
    fn index(&self, (i, j): (usize, usize)) -> &R {
        assert!(j < self.cols, "column {j} of {}", self.cols);
        &self.values[i * self.cols + j]
    }
}
