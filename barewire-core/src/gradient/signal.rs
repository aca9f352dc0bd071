//! What packed digits receive.

use core::ops::Range;

use barewire_kernels::Exec;

use super::{Form, Gradient, PairsRef, Representation};
use crate::Error;
use crate::real::Real;

/// What packed digits receive in place of a gradient: the derivative of the loss with respect to the digits as if they
/// were continuous. An optimiser decides what to do with it; it is never a cotangent of the digits.
///
/// For effective weights `W = s T` with a scale `s`, the straight-through gradient of `W` is this signal over `s`.
///
/// It is held as its field asks, like a [`Gradient`]: as pairs (`#[bare(gradient = low_rank)]`) the matrix is never formed,
/// and an optimiser reads it row by row.
#[derive(Clone, Debug)]
pub struct Signal<R> {
    gradient: Gradient<R>,
}

impl<R: Real> Default for Signal<R> {
    fn default() -> Self {
        Self::held_as(Representation::Any)
    }
}

impl<R: Real> Signal<R> {
    /// No contribution yet, to be held in this way.
    pub fn held_as(held: Representation) -> Self {
        Signal { gradient: Gradient::held_as(held) }
    }

    /// A signal that nobody wants.
    pub fn ignored() -> Self {
        Self::held_as(Representation::Ignored)
    }

    /// How it is held now.
    pub fn form(&self) -> Form {
        self.gradient.form()
    }

    /// How its field asks for it to be held.
    pub fn representation(&self) -> Representation {
        self.gradient.representation()
    }

    /// All `rows * cols` elements, row-major, to read or to add to; `None` if nobody wants them. This is what materialises
    /// pairs.
    ///
    /// # Errors
    /// A signal of another size is held; see [`Gradient::dense`].
    pub fn dense(&mut self, rows: usize, cols: usize) -> Result<Option<&mut [R]>, Error> {
        self.gradient.dense(rows.saturating_mul(cols))
    }

    /// The elements, row-major; empty while there is no contribution, and where they are held as pairs.
    pub fn values(&self) -> &[R] {
        self.gradient.values()
    }

    /// The pairs that are held; `None` in any other form than low rank.
    pub fn pairs(&self) -> Option<PairsRef<'_, R>> {
        self.gradient.pairs()
    }

    /// Adds `alpha * sum over t of y[t] x[t]'`; see [`Gradient::add_outer`].
    ///
    /// # Errors
    /// As there.
    pub fn add_outer(&mut self, sizes: [usize; 3], alpha: R, y: &[R], x: &[R]) -> Result<(), Error> {
        self.gradient.add_outer(sizes, alpha, y, x)
    }

    /// Rows `range` of the `[rows, cols]` elements, in whatever form; see [`Gradient::read_rows`].
    ///
    /// # Errors
    /// As there.
    pub fn read_rows(&mut self, sizes: [usize; 2], range: Range<usize>, out: &mut [R]) -> Result<(), Error> {
        self.gradient.read_rows(sizes, range, out)
    }

    /// [`read_rows`](Self::read_rows) on a given instruction set, with or without threads.
    ///
    /// # Errors
    /// As there.
    pub fn read_rows_with(
        &mut self,
        exec: Exec,
        sizes: [usize; 2],
        range: Range<usize>,
        out: &mut [R],
    ) -> Result<(), Error> {
        self.gradient.read_rows_with(exec, sizes, range, out)
    }

    /// The elements, for an optimiser.
    pub(crate) fn gradient_mut(&mut self) -> &mut Gradient<R> {
        &mut self.gradient
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        self.gradient.clear();
    }

    /// Adds another signal of the same digits.
    ///
    /// # Errors
    /// It is of another size.
    pub fn add(&mut self, other: &Signal<R>) -> Result<(), Error> {
        self.gradient.add(&other.gradient)
    }

    /// Sum of squares, in f64.
    pub fn norm_squared(&mut self) -> f64 {
        self.gradient.norm_squared()
    }
}

/// The cotangent of a quantised matrix `W = scale * (codes - zero)`: two numbers, and what the codes receive.
#[derive(Clone, Debug)]
pub struct QuantizedGrad<R> {
    /// gradient of the scale
    pub scale: R,
    /// gradient of the zero point
    pub zero: R,
    /// what the codes receive
    pub signal: Signal<R>,
}

impl<R: Real> Default for QuantizedGrad<R> {
    fn default() -> Self {
        Self::held_as(Representation::Any)
    }
}

impl<R: Real> QuantizedGrad<R> {
    /// A gradient that nobody wants; the two numbers cost nothing and are summed all the same.
    pub fn ignored() -> Self {
        Self::held_as(Representation::Ignored)
    }

    /// No contribution yet; what the codes receive is to be held in this way.
    pub fn held_as(held: Representation) -> Self {
        QuantizedGrad { scale: R::ZERO, zero: R::ZERO, signal: Signal::held_as(held) }
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        self.scale = R::ZERO;
        self.zero = R::ZERO;
        self.signal.clear();
    }

    /// Adds another gradient of the same matrix.
    ///
    /// # Errors
    /// It is of another size.
    pub fn add(&mut self, other: &QuantizedGrad<R>) -> Result<(), Error> {
        self.scale += other.scale;
        self.zero += other.zero;
        self.signal.add(&other.signal)
    }
}
