//! A matrix as a sum of outer products, of which only the vectors are held.

use alloc::vec::Vec;
use core::ops::Range;

use barewire_kernels::{Exec, weight_gradient};

use crate::Error;
use crate::ops::{add_outer, with_kernel_scratch};
use crate::real::Real;

/// A matrix of low rank: `G[r, c] = alpha * sum over t of y[t, r] * x[t, c]`, held as its pairs.
///
/// `rank * (rows + cols)` numbers in place of `rows * cols`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs<R> {
    rows: usize,
    cols: usize,
    rank: usize,
    alpha: R,
    y: Vec<R>,
    x: Vec<R>,
}

/// [`Pairs`] that are borrowed, such as from a message or from the gradient of a linear layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairsRef<'a, R> {
    rows: usize,
    cols: usize,
    rank: usize,
    alpha: R,
    y: &'a [R],
    x: &'a [R],
}

impl<'a, R: Real> PairsRef<'a, R> {
    /// The sum of `rank` outer products, times `alpha`.
    ///
    /// | name | shape          | meaning, where a linear layer hands it over |
    /// |------|----------------|---------------------------------------------|
    /// | `y`  | `[rank, rows]` | cotangent of the output, a token a row      |
    /// | `x`  | `[rank, cols]` | input                                       |
    ///
    /// # Errors
    /// `y` or `x` of another length.
    pub fn new([rank, rows, cols]: [usize; 3], alpha: R, y: &'a [R], x: &'a [R]) -> Result<Self, Error> {
        for (name, width, found) in [("y", rows, y.len()), ("x", cols, x.len())] {
            let expected = rank.saturating_mul(width);
            if found != expected {
                return Err(Error::length(name, expected, found));
            }
        }
        // with nothing to count them by, pairs would be as many as somebody says
        let rank = if rows.saturating_add(cols) == 0 { 0 } else { rank };
        Ok(PairsRef { rows, cols, rank, alpha, y, x })
    }

    /// `[rank, rows, cols]`
    pub fn sizes(self) -> [usize; 3] {
        [self.rank, self.rows, self.cols]
    }

    /// What the sum is multiplied by.
    pub fn alpha(self) -> R {
        self.alpha
    }

    /// The left vectors, `[rank, rows]`.
    pub fn y(self) -> &'a [R] {
        self.y
    }

    /// The right vectors, `[rank, cols]`.
    pub fn x(self) -> &'a [R] {
        self.x
    }

    pub(super) fn len(self) -> usize {
        self.rows.saturating_mul(self.cols)
    }

    /// Whether the matrix itself takes no more room than this many pairs.
    pub(super) fn is_larger_than_dense(self, rank: usize) -> bool {
        rank as u128 * (self.rows as u128 + self.cols as u128) >= self.rows as u128 * self.cols as u128
    }

    pub(super) fn add_to(self, all: &mut [R]) -> Result<(), Error> {
        add_outer(self.sizes(), self.alpha, self.y, self.x, all)
    }

    /// Some rows of the matrix, overwritten: with `f32` the bits that [`weight_gradient::dense`] has there.
    pub(super) fn rows(self, exec: Exec, range: Range<usize>, out: &mut [R]) -> Result<(), Error> {
        let PairsRef { rows, cols, rank, alpha, y, x } = self;
        if let (Some(y), Some(x)) = (R::as_f32(y), R::as_f32(x))
            && let Some(out) = R::as_f32_mut(out)
        {
            return rows_f32(exec, [rank, rows, cols], alpha.value() as f32, y, x, range, out);
        }
        for (r, out) in range.zip(out.chunks_exact_mut(cols.max(1))) {
            for (c, out) in out.iter_mut().enumerate() {
                let mut sum = R::ZERO;
                for t in 0..rank {
                    sum += y[t * rows + r] * x[t * cols + c];
                }
                *out = alpha * sum;
            }
        }
        Ok(())
    }

    /// The inner product with a matrix `v`: `alpha * sum over t of y[t]' v x[t]`.
    pub(super) fn pairing(self, v: &[R]) -> R {
        let PairsRef { rows, cols, rank, alpha, y, x } = self;
        let mut sum = R::ZERO;
        for t in 0..rank {
            let (y, x) = (&y[t * rows..][..rows], &x[t * cols..][..cols]);
            for (y, v) in y.iter().zip(v.chunks_exact(cols.max(1))) {
                let dot = x.iter().zip(v).fold(R::ZERO, |dot, (x, v)| dot + *x * *v);
                sum += *y * dot;
            }
        }
        alpha * sum
    }
}

/// Rows of one call of the kernel: so many sums of squares lie on the stack.
const BLOCK: usize = 64;

fn rows_f32(
    exec: Exec,
    [rank, rows, cols]: [usize; 3],
    alpha: f32,
    y: &[f32],
    x: &[f32],
    range: Range<usize>,
    out: &mut [f32],
) -> Result<(), Error> {
    let mut squares = [0.0; BLOCK];
    for first in range.clone().step_by(BLOCK) {
        let some = first..range.end.min(first + BLOCK);
        let out = &mut out[(first - range.start) * cols..][..some.len() * cols];
        let squares = &mut squares[..some.len()];
        with_kernel_scratch(|s| {
            weight_gradient::rows_with(exec, y, x, rank, rows, cols, some, alpha, out, squares, s)
        })?;
    }
    Ok(())
}

impl<R: Real> Pairs<R> {
    pub(super) fn as_ref(&self) -> PairsRef<'_, R> {
        let Pairs { rows, cols, rank, alpha, ref y, ref x } = *self;
        PairsRef { rows, cols, rank, alpha, y, x }
    }

    pub(super) fn clear(&mut self) {
        self.rank = 0;
        self.y.clear();
        self.x.clear();
    }

    pub(super) fn scale(&mut self, by: R) {
        self.alpha *= by;
    }

    /// Appends pairs of a matrix of the same size. The factor stays outside the sum where both have the same.
    pub(super) fn append(&mut self, other: PairsRef<'_, R>) {
        if self.rank == 0 {
            (self.rows, self.cols, self.alpha) = (other.rows, other.cols, other.alpha);
        }
        let start = self.y.len();
        self.y.extend_from_slice(other.y);
        self.x.extend_from_slice(other.x);
        self.rank += other.rank;
        if self.alpha != other.alpha {
            let (old, new) = self.y.split_at_mut(start);
            old.iter_mut().for_each(|y| *y *= self.alpha);
            new.iter_mut().for_each(|y| *y *= other.alpha);
            self.alpha = R::ONE;
        }
    }
}
