//! The run-time union of gradients, and the one algebra.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use barewire_kernels::Exec;

use super::pairs::{Pairs, PairsRef};
use super::pattern::{Pattern, Structured, StructuredRef};
use super::rows::{Rows, RowsRef};
use super::sum::Memory;
use super::{Form, add_all};
use crate::Error;
use crate::real::Real;

/// A gradient in whatever form it came: the run-time union, and a commutative monoid under [`add`](GradientFlow::add).
///
/// Its meaning is the list of all its elements, [`to_dense`](GradientFlow::to_dense); every operation is the same there.
///
/// | a + b      | Zero | Dense | Sparse              | Structured, same pattern | another pattern |
/// |------------|------|-------|---------------------|--------------------------|-----------------|
/// | Zero       | Zero | Dense | Sparse              | as it is                 | as it is        |
/// | Dense      |      | Dense | Dense               | Dense                    | Dense           |
/// | Sparse     |      |       | Sparse, or Dense where index and value take no less (`8 stored >= 4 n`) | Dense | Dense |
/// | Structured |      |       |                     | numbers add up; pairs are put together, or Dense where `rank (rows + cols) >= rows cols` | Dense |
///
/// `Zero` has no size. What is discrete has no tangent space ([`NoTangent`](super::NoTangent)), which is not a `Zero`: it
/// has no gradient at all and does not occur here. Neither do accumulators of ternary digits, since adding and firing do
/// not associate; see [`TernaryGradient`](super::TernaryGradient).
///
/// ```
/// use barewire_core::gradient::{Form, GradientFlow, Pattern};
///
/// // [2, 2]: a diagonal, one element, and again the diagonal
/// let diagonal = GradientFlow::structured(Pattern::Diagonal { n: 2 }, vec![1.0, 2.0])?;
/// let element = GradientFlow::sparse(4, 1, &[1], &[5.0])?;
/// let mut sum = diagonal.clone();
/// sum.add(&diagonal)?;
/// assert_eq!(sum.form(), Form::Diagonal);
/// sum.add(&element)?;
/// assert_eq!(sum, GradientFlow::Dense(vec![2.0, 5.0, 0.0, 4.0]));
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum GradientFlow<R = f32> {
    /// nothing
    #[default]
    Zero,
    /// every element
    Dense(Vec<R>),
    /// some elements or rows
    Sparse(Rows<R>),
    /// numbers in a pattern
    Structured(Structured<R>),
    /// the pattern whose numbers are pairs of vectors
    LowRank(Pairs<R>),
}

/// A [`GradientFlow`] that is borrowed, such as from a message: what can be added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FlowRef<'a, R = f32> {
    /// nothing
    Zero,
    /// every element
    Dense(&'a [R]),
    /// some elements or rows
    Sparse(RowsRef<'a, R>),
    /// numbers in a pattern
    Structured(StructuredRef<'a, R>),
    /// pairs of vectors
    LowRank(PairsRef<'a, R>),
}

impl<R: Real> FlowRef<'_, R> {
    /// How it is held.
    pub fn form(self) -> Form {
        match self {
            FlowRef::Zero => Form::Zero,
            FlowRef::Dense(_) => Form::Dense,
            FlowRef::Sparse(_) => Form::Sparse,
            FlowRef::Structured(s) => s.pattern().form(),
            FlowRef::LowRank(_) => Form::LowRank,
        }
    }

    /// Number of elements of the whole; `None` for `Zero`, which fits everywhere.
    pub fn size(self) -> Option<usize> {
        match self {
            FlowRef::Zero => None,
            FlowRef::Dense(all) => Some(all.len()),
            FlowRef::Sparse(rows) => Some(rows.len()),
            FlowRef::Structured(s) => Some(s.len()),
            FlowRef::LowRank(pairs) => Some(pairs.len()),
        }
    }

    /// Adds all elements to those of a dense gradient.
    ///
    /// # Errors
    /// `all` is of another size.
    pub fn add_to(self, all: &mut [R]) -> Result<(), Error> {
        self.check_size(all.len())?;
        match self {
            FlowRef::Zero => {}
            FlowRef::Dense(from) => add_all(all, from),
            FlowRef::Sparse(rows) => rows.each().for_each(|(start, row)| add_all(&mut all[start..], row)),
            FlowRef::Structured(s) => s.each(|at, x| all[at] += x),
            FlowRef::LowRank(pairs) => pairs.add_to(all)?,
        }
        Ok(())
    }

    /// The inner product with a dense vector, without forming the dense gradient.
    ///
    /// # Errors
    /// `v` is of another size.
    pub fn pairing(self, v: &[R]) -> Result<R, Error> {
        self.check_size(v.len())?;
        let dot = |a: &[R], b: &[R]| a.iter().zip(b).fold(R::ZERO, |sum, (a, b)| sum + *a * *b);
        Ok(match self {
            FlowRef::Zero => R::ZERO,
            FlowRef::Dense(all) => dot(all, v),
            FlowRef::Sparse(rows) => {
                rows.each().fold(R::ZERO, |sum, (start, row)| sum + dot(row, &v[start..start + row.len()]))
            }
            FlowRef::Structured(s) => {
                let mut sum = R::ZERO;
                s.each(|at, x| sum += x * v[at]);
                sum
            }
            FlowRef::LowRank(pairs) => pairs.pairing(v),
        })
    }

    /// Rows `range` of the matrix `[rows, cols]`, overwritten.
    pub(super) fn read_rows(
        self,
        exec: Exec,
        [rows, cols]: [usize; 2],
        range: Range<usize>,
        out: &mut [R],
    ) -> Result<(), Error> {
        self.check_size(rows.saturating_mul(cols))?;
        if range.start > range.end || range.end > rows {
            return Err(Error::shape(format!("rows of {rows}"), format!("{range:?}")));
        }
        // without a contribution any sizes fit, also such as nobody can count
        let wanted = range.len().saturating_mul(cols);
        if out.len() != wanted || range.start.checked_mul(cols).is_none() {
            return Err(Error::length("out", wanted, out.len()));
        }
        let first = range.start * cols;
        match self {
            FlowRef::Dense(all) => out.copy_from_slice(&all[first..first + out.len()]),
            FlowRef::LowRank(pairs) if pairs.sizes()[1..] == [rows, cols] => return pairs.rows(exec, range, out),
            FlowRef::Sparse(held) => {
                out.fill(R::ZERO);
                held.within(first..first + out.len(), |at, values| {
                    out[at - first..][..values.len()].copy_from_slice(values)
                });
            }
            FlowRef::Structured(s) => {
                out.fill(R::ZERO);
                s.within(first..first + out.len(), |at, x| out[at - first] = x);
            }
            FlowRef::Zero => out.fill(R::ZERO),
            // of the same size, but of a matrix of other sides
            FlowRef::LowRank(pairs) => {
                let [_, of_rows, of_cols] = pairs.sizes();
                return Err(Error::shape(
                    format!("the gradient of a matrix [{rows}, {cols}]"),
                    format!("pairs of one [{of_rows}, {of_cols}]"),
                ));
            }
        }
        Ok(())
    }

    /// Refuses a whole of another size.
    pub(super) fn check_size(self, n: usize) -> Result<(), Error> {
        match self.size() {
            Some(size) if size != n => Err(Error::length("gradient", size, n)),
            _ => Ok(()),
        }
    }
}

impl<'a, R> From<&'a GradientFlow<R>> for FlowRef<'a, R>
where
    R: Real,
{
    fn from(flow: &'a GradientFlow<R>) -> Self {
        flow.as_ref()
    }
}

impl<R: Real> GradientFlow<R> {
    /// Rows `ids` of a matrix of `count` rows and `width` columns, in any order; those of one number add up. Single elements
    /// are rows of width 1.
    ///
    /// # Errors
    /// Numbers beyond the matrix, or another number of values than `width` for each.
    pub fn sparse(count: usize, width: usize, ids: &[u32], values: &[R]) -> Result<Self, Error> {
        let mut flow = GradientFlow::Zero;
        flow.add_rows([count, width], ids, values, &mut Memory::new(Form::Zero))?;
        Ok(flow)
    }

    /// Numbers in a pattern.
    ///
    /// # Errors
    /// Another number of them than the pattern stores.
    pub fn structured(pattern: Pattern, data: Vec<R>) -> Result<Self, Error> {
        Structured::new(pattern, data).map(GradientFlow::Structured)
    }

    /// The matrix `alpha * sum of y[t] x[t]'`, `y` as `[rank, rows]` and `x` as `[rank, cols]`: its pairs, or `Dense` where
    /// that takes less memory.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn low_rank(sizes: [usize; 3], alpha: R, y: &[R], x: &[R]) -> Result<Self, Error> {
        let mut flow = GradientFlow::Zero;
        flow.add(FlowRef::LowRank(PairsRef::new(sizes, alpha, y, x)?))?;
        Ok(flow)
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> FlowRef<'_, R> {
        match self {
            GradientFlow::Zero => FlowRef::Zero,
            GradientFlow::Dense(all) => FlowRef::Dense(all),
            GradientFlow::Sparse(rows) => FlowRef::Sparse(rows.as_ref()),
            GradientFlow::Structured(s) => FlowRef::Structured(s.as_ref()),
            GradientFlow::LowRank(pairs) => FlowRef::LowRank(pairs.as_ref()),
        }
    }

    /// How it is held.
    pub fn form(&self) -> Form {
        self.as_ref().form()
    }

    /// Number of elements of the whole; `None` for `Zero`.
    pub fn size(&self) -> Option<usize> {
        self.as_ref().size()
    }

    /// Adds another gradient of the same parameter, by the table above.
    ///
    /// # Errors
    /// It is of another size. Nothing is changed then. A gradient from a message is as large as it says: compare its
    /// [`size`](FlowRef::size) with the parameter's before.
    pub fn add<'a>(&mut self, other: impl Into<FlowRef<'a, R>>) -> Result<(), Error> {
        self.add_with(other.into(), &mut Memory::new(Form::Zero))
    }

    /// Multiplies by a number. By 0 it becomes `Zero`, whatever it was.
    pub fn scale(&mut self, by: R) {
        if is_zero(by) {
            *self = GradientFlow::Zero;
            return;
        }
        match self {
            GradientFlow::Zero => {}
            GradientFlow::Dense(all) => scale_all(all, by),
            GradientFlow::Sparse(rows) => scale_all(&mut rows.values, by),
            GradientFlow::Structured(s) => scale_all(s.data_mut(), by),
            GradientFlow::LowRank(pairs) => pairs.scale(by),
        }
    }

    /// All `n` elements.
    ///
    /// # Errors
    /// It is of another size than `n`.
    pub fn to_dense(&self, n: usize) -> Result<Vec<R>, Error> {
        self.as_ref().check_size(n)?;
        let mut all = alloc::vec![R::ZERO; n];
        self.as_ref().add_to(&mut all)?;
        Ok(all)
    }

    /// The inner product with a dense vector, without forming the dense gradient.
    ///
    /// # Errors
    /// `v` is of another size.
    pub fn pairing(&self, v: &[R]) -> Result<R, Error> {
        self.as_ref().pairing(v)
    }

    /// The gradient of this pattern that is nearest to a dense one: its orthogonal projection. Elements beside the pattern
    /// are dropped, repeated ones averaged.
    ///
    /// Matrices of low rank are no linear space, so there is no projection onto them.
    ///
    /// # Errors
    /// `all` is not of the pattern's size.
    pub fn project(all: &[R], pattern: Pattern) -> Result<Self, Error> {
        Structured::project(pattern, all).map(GradientFlow::Structured)
    }
}

/// Zero, with all of its tangents: what is multiplied by it is gone. Of a scalar that carries tangents nobody can say.
pub(super) fn is_zero<R: Real>(x: R) -> bool {
    let plain = R::as_f32(&[x]).is_some() || R::as_f64(&[x]).is_some();
    plain && x == R::ZERO
}

fn scale_all<R: Real>(all: &mut [R], by: R) {
    all.iter_mut().for_each(|x| *x *= by);
}
