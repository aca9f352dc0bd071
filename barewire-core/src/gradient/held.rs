//! The gradient of a float parameter during training.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use barewire_kernels::Exec;

use super::flow::{FlowRef, GradientFlow, is_zero};
use super::squares::Squares;
use super::sum::Memory;
use super::{Form, PairsRef, Representation, RowsRef};
use crate::Error;
use crate::ops::add_outer;
use crate::real::Real;

/// The gradient of one float parameter (a list or a matrix): a [`GradientFlow`] that keeps its memory, held as its field
/// asks ([`Representation`]).
///
/// Unless something else was asked for, the form is the join of what was added: the rows of a lookup stay sparse until
/// dense is smaller, all else is dense. Memory is kept through [`clear`](Gradient::clear), so a warm training step
/// allocates nothing. Laid over a view ([`Part::at`](crate::part::Part::at)) a dense gradient is a point of parameter
/// space.
///
/// ```
/// use barewire_core::gradient::{Form, Gradient, Representation};
///
/// // y x' of two tokens, a matrix of 4 rows and 5 columns
/// let (y, x) = ([1.0_f32; 8], [2.0; 10]);
/// let mut gradient = Gradient::held_as(Representation::LowRank);
/// gradient.add_outer([2, 4, 5], 1.0, &y, &x)?;
/// assert_eq!(gradient.form(), Form::LowRank);
///
/// // an optimiser goes on row by row; the matrix is never formed
/// let mut row = [0.0; 5];
/// gradient.read_rows([4, 5], 3..4, &mut row)?;
/// assert_eq!(row, [4.0; 5]);
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gradient<R> {
    held: Representation,
    flow: GradientFlow<R>,
    memory: Memory<R>,
    /// a diagonal, while it is lent as a whole matrix
    lent: Vec<R>,
}

impl<R: Real> Default for Gradient<R> {
    fn default() -> Self {
        Self::held_as(Representation::Any)
    }
}

impl<R: Real> Gradient<R> {
    /// No contribution yet, to be held in this way.
    pub fn held_as(held: Representation) -> Self {
        let stays = match held {
            Representation::Sparse => Form::Sparse,
            Representation::Ternary => Form::LowRank,
            _ => Form::Zero,
        };
        Gradient { held, flow: GradientFlow::Zero, memory: Memory::new(stays), lent: Vec::new() }
    }

    /// A gradient that nobody wants: contributions to it cost nothing.
    pub fn ignored() -> Self {
        Self::held_as(Representation::Ignored)
    }

    /// A dense gradient, or a point of parameter space.
    pub fn from_values(values: Vec<R>) -> Self {
        Gradient { flow: GradientFlow::Dense(values), ..Self::default() }
    }

    /// How it is held now.
    pub fn form(&self) -> Form {
        if self.held == Representation::Ignored { Form::Ignored } else { self.flow.form() }
    }

    /// How its field asks for it to be held.
    pub fn representation(&self) -> Representation {
        self.held
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        self.lent.clear();
        self.flow.clear(&mut self.memory);
    }

    /// All `n` elements, to read or to add to; `None` if nobody wants them. This is what materialises rows and pairs.
    ///
    /// # Errors
    /// A gradient of another size is held: it is that of something else, and stays as it is. [`clear`](Self::clear) ends it.
    pub fn dense(&mut self, n: usize) -> Result<Option<&mut [R]>, Error> {
        match self.held {
            Representation::Ignored => Ok(None),
            Representation::Diagonal => self.lend(n).map(Some),
            _ => self.flow.make_dense(n, &mut self.memory).map(Some),
        }
    }

    /// The dense elements; empty in any other form.
    pub fn values(&self) -> &[R] {
        if let GradientFlow::Dense(all) = &self.flow { all } else { &[] }
    }

    /// The `n` numbers of a point of parameter space.
    ///
    /// # Errors
    /// There are not `n` dense elements.
    pub fn as_point(&self, n: usize) -> Result<&[R], Error> {
        if self.values().len() == n { Ok(self.values()) } else { Err(Error::length("point", n, self.values().len())) }
    }

    /// The dense elements, mutable; empty in any other form.
    pub fn values_mut(&mut self) -> &mut [R] {
        if let GradientFlow::Dense(all) = &mut self.flow { all } else { &mut [] }
    }

    /// The rows that are held; `None` in any other form than sparse.
    pub fn sparse_rows(&self) -> Option<RowsRef<'_, R>> {
        if let FlowRef::Sparse(rows) = self.flow.as_ref() { Some(rows) } else { None }
    }

    /// The pairs that are held; `None` in any other form than low rank.
    pub fn pairs(&self) -> Option<PairsRef<'_, R>> {
        if let FlowRef::LowRank(pairs) = self.flow.as_ref() { Some(pairs) } else { None }
    }

    /// The same as an element of the union, borrowed.
    pub fn as_flow(&mut self) -> FlowRef<'_, R> {
        self.take_back();
        self.flow.as_ref()
    }

    /// Adds `values` (rows of `width`) to the rows `ids` of a matrix of `count` rows. Repeated ids add up, in order.
    ///
    /// # Errors
    /// Ids beyond the matrix, another number of values, or a gradient of another size. Nothing is changed then.
    pub fn add_rows(&mut self, count: usize, width: usize, ids: &[u32], values: &[R]) -> Result<(), Error> {
        match self.held {
            Representation::Ignored => return Ok(()),
            Representation::Diagonal => {
                let diagonal = self.diagonal([count, width])?;
                super::rows::check([count, width], ids, values)?;
                for (&id, row) in ids.iter().zip(values.chunks(width.max(1))) {
                    diagonal[id as usize] += row[id as usize];
                }
                return Ok(());
            }
            Representation::Dense if matches!(self.flow, GradientFlow::Zero) => {
                super::rows::check([count, width], ids, values)?;
                self.flow.make_dense(count.saturating_mul(width), &mut self.memory)?;
            }
            _ => {}
        }
        self.flow.add_rows([count, width], ids, values, &mut self.memory)
    }

    /// Adds what a linear layer hands over: `alpha * sum over t of y[t] x[t]'`, a matrix of `rows` and `cols`.
    ///
    /// | name | shape       | meaning                                 |
    /// |------|-------------|-----------------------------------------|
    /// | `y`  | `[n, rows]` | cotangent of the output, a token a row  |
    /// | `x`  | `[n, cols]` | input                                   |
    ///
    /// Held as pairs it is a copy of both, `n (rows + cols)` numbers; else the product is added to all elements.
    ///
    /// # Errors
    /// Lengths that do not fit, or a gradient of another size.
    pub fn add_outer(&mut self, [n, rows, cols]: [usize; 3], alpha: R, y: &[R], x: &[R]) -> Result<(), Error> {
        match self.held {
            Representation::Ignored => Ok(()),
            Representation::LowRank | Representation::Ternary => {
                let pairs = PairsRef::new([n, rows, cols], alpha, y, x)?;
                self.flow.add_with(FlowRef::LowRank(pairs), &mut self.memory)
            }
            Representation::Diagonal => {
                PairsRef::new([n, rows, cols], alpha, y, x)?;
                let diagonal = self.diagonal([rows, cols])?;
                for (i, sum) in diagonal.iter_mut().enumerate() {
                    let terms = (0..n).map(|t| y[t * rows + i] * x[t * cols + i]);
                    *sum += alpha * terms.fold(R::ZERO, |sum, term| sum + term);
                }
                Ok(())
            }
            _ => {
                PairsRef::new([n, rows, cols], alpha, y, x)?;
                let all = self.flow.make_dense(rows.saturating_mul(cols), &mut self.memory)?;
                add_outer([n, rows, cols], alpha, y, x, all)
            }
        }
    }

    /// Adds another gradient of the same parameter.
    ///
    /// # Errors
    /// It is of another size. Nothing is changed then.
    pub fn add(&mut self, other: &Gradient<R>) -> Result<(), Error> {
        if other.held == Representation::Ignored {
            return Ok(());
        }
        if other.lent.is_empty() {
            return self.add_flow(other.flow.as_ref());
        }
        let mut other = other.clone();
        self.add_flow(other.as_flow())
    }

    /// Adds an element of the union, such as one from a message.
    ///
    /// # Errors
    /// It is of another size. Nothing is changed then. A gradient from a message is as large as it says: compare its
    /// [`size`](FlowRef::size) with the parameter's before.
    pub fn add_flow(&mut self, other: FlowRef<'_, R>) -> Result<(), Error> {
        let Some(n) = other.size() else { return Ok(()) };
        match self.held {
            Representation::Ignored => return Ok(()),
            Representation::Diagonal if other.form() != Form::Diagonal => {
                let diagonal = self.diagonal(square(n)?)?;
                let mut all = alloc::vec![R::ZERO; n];
                other.add_to(&mut all)?;
                let beside = diagonal.len() + 1;
                diagonal.iter_mut().zip(all.iter().step_by(beside)).for_each(|(sum, x)| *sum += *x);
                return Ok(());
            }
            Representation::Diagonal => self.take_back(),
            Representation::Dense => {
                // in place, whatever comes
                if matches!(self.flow, GradientFlow::Zero) {
                    self.flow.make_dense(n, &mut self.memory)?;
                }
            }
            _ => {}
        }
        self.flow.add_with(other, &mut self.memory)
    }

    /// Multiplies by a number. By 0 nothing is left, whatever it was.
    pub fn scale(&mut self, by: R) {
        self.take_back();
        if is_zero(by) {
            self.clear();
        } else {
            self.flow.scale(by);
        }
    }

    /// Rows `range` of the gradient of a matrix `[rows, cols]`, overwritten, in whatever form it is held: nothing else is
    /// materialised. Zeros where there is no contribution. A list of `n` numbers has `n` rows of one.
    ///
    /// With pairs of `f32` it costs `2 n range.len() cols` operations, on the calling thread
    /// ([`read_rows_with`](Self::read_rows_with) for more); its bits are those that [`dense`](Self::dense) would have there.
    ///
    /// # Errors
    /// A gradient of another size, a range beyond the matrix, or an `out` of another length.
    pub fn read_rows(&mut self, sizes: [usize; 2], range: Range<usize>, out: &mut [R]) -> Result<(), Error> {
        self.read_rows_with(Exec::best(), sizes, range, out)
    }

    /// [`read_rows`](Self::read_rows) on a given instruction set, with or without threads.
    ///
    /// # Errors
    /// As `read_rows`.
    pub fn read_rows_with(
        &mut self,
        exec: Exec,
        [rows, cols]: [usize; 2],
        range: Range<usize>,
        out: &mut [R],
    ) -> Result<(), Error> {
        self.take_back();
        self.flow.as_ref().read_rows(exec, [rows, cols], range, out)
    }

    /// Sum of squares of all elements, in f64 and in a fixed order: the same bits in every form. Pairs are multiplied out
    /// some rows at a time.
    pub fn norm_squared(&mut self) -> f64 {
        self.take_back();
        let mut squares = Squares::default();
        match self.flow.as_ref() {
            FlowRef::Zero => {}
            FlowRef::Dense(all) => squares.add(all),
            FlowRef::Sparse(rows) => rows.each().for_each(|(start, row)| {
                squares.skip_to(start);
                squares.add(row);
            }),
            FlowRef::Structured(s) => s.each(|at, x| {
                squares.skip_to(at);
                squares.add(&[x]);
            }),
            FlowRef::LowRank(pairs) => {
                let [_, rows, cols] = pairs.sizes();
                let add = |_, block: &[R]| {
                    squares.add(block);
                    Ok(())
                };
                let block = &mut self.memory.block;
                if FlowRef::LowRank(pairs).each_block(Exec::best(), [rows, cols], 1, block, add).is_err() {
                    // a part of a sum is no sum
                    return f64::NAN;
                }
            }
        }
        squares.total()
    }

    // ---- a diagonal --------------------------------------------------------------------------------------------------

    /// The numbers of the diagonal, to add to.
    fn diagonal(&mut self, [rows, cols]: [usize; 2]) -> Result<&mut [R], Error> {
        if rows != cols {
            return Err(Error::shape(
                "a square matrix, whose gradient is held as `diagonal`",
                format!("[{rows}, {cols}]"),
            ));
        }
        self.take_back();
        self.flow.make_diagonal(rows, &mut self.memory)
    }

    /// The diagonal as a whole matrix. What is then added beside it is dropped when it is taken back.
    fn lend(&mut self, n: usize) -> Result<&mut [R], Error> {
        let [side, _] = square(n)?;
        self.take_back();
        let Gradient { flow, memory, lent, .. } = self;
        let diagonal = flow.make_diagonal(side, memory)?;
        lent.resize(n, R::ZERO);
        lent.iter_mut().step_by(side + 1).zip(diagonal).for_each(|(to, from)| *to = *from);
        Ok(lent)
    }

    fn take_back(&mut self) {
        // it was lent from this diagonal, which nothing has changed since
        if let GradientFlow::Structured(diagonal) = &mut self.flow
            && !self.lent.is_empty()
        {
            let beside = self.lent.len().isqrt() + 1;
            diagonal.data_mut().iter_mut().zip(self.lent.iter().step_by(beside)).for_each(|(to, from)| *to = *from);
        }
        self.lent.clear();
    }
}

/// The sides of a square matrix of `n` elements.
fn square(n: usize) -> Result<[usize; 2], Error> {
    let side = n.isqrt();
    if side * side == n { Ok([side, side]) } else { Err(Error::shape("a square matrix", format!("{n} elements"))) }
}
