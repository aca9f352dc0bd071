//! Matrices of floats.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;

use super::buffer::AlignedVec;
use super::error::{DecodeError, ValueError};
use super::index::Index;
use super::list::{Element, Walked};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;
use super::{ALIGN, Wire};

/// `rows x cols` numbers, row by row, at a multiple of 64 in memory.
///
/// On the wire `struct { rows: u32 cols: u32 pad: data values: list<f32> }`.
///
/// ```
/// # use barewire_core::wire::Matrix;
/// let m = Matrix::from_vec(2, 2, vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
/// assert_eq!(m.row(1), [3.0, 4.0]);
/// assert_eq!(
///     Matrix::from_vec(2, 2, vec![1.0f32]).unwrap_err().to_string(),
///     "`values` of a 2 x 2 matrix: expected 4 numbers, found 1",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T: Pod> {
    rows: u32,
    cols: u32,
    values: AlignedVec<T>,
}

/// Rows and columns that fit the wire's u32.
pub(super) fn dims(what: &'static str, rows: usize, cols: usize) -> Result<(u32, u32), ValueError> {
    match (u32::try_from(rows), u32::try_from(cols)) {
        (Ok(r), Ok(c)) => Ok((r, c)),
        _ => Err(ValueError::new(what, rows, cols, "rows and columns of at most 32 bits", "more")),
    }
}

impl<T: Pod> Matrix<T> {
    /// A matrix of `rows * cols` values, row by row.
    ///
    /// # Errors
    /// Another number of values, or more than 2^32 - 1 rows or columns.
    pub fn from_vec(rows: usize, cols: usize, values: impl Into<AlignedVec<T>>) -> Result<Self, ValueError> {
        let values = values.into();
        let (r, c) = dims("values", rows, cols)?;
        if u64::from(r) * u64::from(c) != values.len() as u64 {
            let expected = format!("{} numbers", u64::from(r) * u64::from(c));
            return Err(ValueError::new("values", rows, cols, expected, format!("{}", values.len())));
        }
        Ok(Self { rows: r, cols: c, values })
    }

    /// Zeros.
    ///
    /// # Errors
    /// More than 2^32 - 1 rows or columns, or more numbers than memory can address.
    pub fn zeros(rows: usize, cols: usize) -> Result<Self, ValueError> {
        let (r, c) = dims("values", rows, cols)?;
        let octets = rows.checked_mul(cols).and_then(|n| n.checked_mul(size_of::<T>()));
        if octets.is_none_or(|n| n > isize::MAX as usize) {
            return Err(ValueError::new("values", rows, cols, "a matrix that fits in memory", "a larger one"));
        }
        Ok(Self { rows: r, cols: c, values: AlignedVec::zeroed(rows * cols) })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols as usize
    }

    /// All values, row by row.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// All values, row by row.
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no such row, as a slice does.
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.cols()..][..self.cols()]
    }
}

/// A borrowed [`Matrix`]: from octets, from an owned one, or another scalar laid over it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixView<'w, P> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// `rows * cols` values, row by row
    pub values: &'w [P],
}

/// A borrowed [`Matrix`] whose values may be changed.
#[derive(Debug, PartialEq)]
pub struct MatrixViewMut<'w> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// `rows * cols` values, row by row
    pub values: &'w mut [f32],
}

/// Reads `rows: u32 cols: u32`.
pub(super) fn read_dims(r: &mut Reader<'_>) -> Result<(u32, u32), DecodeError> {
    Ok((u32::decode(r)?, u32::decode(r)?))
}

/// Compares a list's length with what the sizes before it ask for.
pub(super) fn check_len(
    at: u64,
    what: &str,
    rows: u32,
    cols: u32,
    expected: u128,
    found: usize,
) -> Result<(), DecodeError> {
    if expected == found as u128 {
        return Ok(());
    }
    Err(DecodeError::new(at, format!("{expected} {what} for a {rows} x {cols} matrix"), format!("{found}")))
}

fn check_values(at: u64, rows: u32, cols: u32, found: usize) -> Result<(), DecodeError> {
    check_len(at, "values", rows, cols, u128::from(rows) * u128::from(cols), found)
}

impl Wire for Matrix<f32> {
    type View<'w, P: Copy + 'static> = MatrixView<'w, P>;
    type ViewMut<'w> = MatrixViewMut<'w>;
    const MIN_LEN: usize = 4 + 4 + 2;
    const ALIGN: usize = ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        types.padded_struct::<f32>("F32Matrix", &[("rows", TypeRef::U32), ("cols", TypeRef::U32)], "values")
    }
    fn encode(&self, w: &mut Writer) {
        self.rows.encode(w);
        self.cols.encode(w);
        w.padded(&self.values[..]);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.offset();
        let (rows, cols) = read_dims(r)?;
        let values: Vec<f32> = r.padded_copy()?;
        check_values(at, rows, cols, values.len())?;
        Ok(Self { rows, cols, values: values.into() })
    }
    fn view<'w>(&'w self, _: &'w Index) -> MatrixView<'w, f32> {
        MatrixView { rows: self.rows(), cols: self.cols(), values: &self.values }
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<MatrixView<'w, f32>, DecodeError> {
        let at = r.offset();
        let (rows, cols) = read_dims(r)?;
        let values = r.padded()?;
        check_values(at, rows, cols, values.len())?;
        Ok(MatrixView { rows: rows as usize, cols: cols as usize, values })
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<MatrixViewMut<'w>, DecodeError> {
        let at = r.offset();
        let (rows, cols) = r.scan(read_dims)?;
        let values = r.padded::<f32>()?;
        check_values(at, rows, cols, values.len())?;
        Ok(MatrixViewMut { rows: rows as usize, cols: cols as usize, values })
    }
}

impl Element for Matrix<f32> {
    type Kind = Walked;
}
