//! Gradients of the weights of a linear layer: whole, or only the rows that an optimiser asks for.
//!
//! Over `n` tokens, with the cotangents `y` of the outputs and the inputs `x`,
//!
//! `dW[r, c] = alpha * sum over t of y[t, r] * x[t, c]`
//!
//! which is a matrix of rank `n` at most. [`dense`] writes all of it or adds it to what is there.
//! [`rows`] keeps it as the pairs `(y[t], x[t])` and forms rows when they are wanted: an optimiser
//! that goes through the weights row by row never needs memory for the whole.
//!
//! | name  | shape          | meaning                                            |
//! |-------|----------------|----------------------------------------------------|
//! | `y`   | `[n, rows]`    | cotangent of the output, one token (or pair) a row |
//! | `x`   | `[n, cols]`    | input                                              |
//! | `out` | `[rows, cols]` | the gradient, laid out as the weights              |
//!
//! All row-major and contiguous.
//!
//! # One order of summation
//!
//! An element is a sum over tokens in blocks of 256: from 0, `s = fma(y[t, r], x[t, c], s)` one token
//! after the other; the block then gives `out = alpha * s`, or `out = fma(alpha, s, out)` where
//! something is in `out` already. That is the order of [`crate::gemm::tn`], whose bits these are.
//! It holds wherever the element lies: rows asked for singly, in ranges, by one thread or by several
//! have the same bits. (`Portable` rounds twice where `fma` rounds once, `Reference` sums in f64.)
//!
//! The error of an element is at most `(n + n / 256 + 2) * 2^-24 * sum of |alpha y x|`, to first
//! order and with `|out|` counted as one more term. NaN and infinity go where the formula takes them.
//!
//! # Why not int8 inputs
//!
//! A layer with quantised activations has `x` as int8 too, and an integer product would need `y` in
//! limbs. At the batches of a training step on a CPU the time is that of reading and writing `dW`
//! (8 bytes an element against `n` multiply-adds), which integers do not change; and they would round
//! `y`.

mod tile;

use core::ops::Range;

use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::simd::{self, SimdKernel};
use crate::{Exec, Isa, Scratch};

pub mod reference;

/// The whole gradient: `out[r, c] = alpha * sum over t of y[t, r] * x[t, c]`, or `+=` with
/// `accumulate`.
///
/// See the [module](self) for shapes, the order of summation and the error. Scratch: a copy of `x`.
///
/// # Errors
/// [`KernelError::Length`] for `y`, `x` or `out`; [`KernelError::Overflow`].
///
/// ```
/// use barewire_kernels::{Scratch, weight_gradient};
///
/// // Two tokens, two outputs, three inputs.
/// let (y, x) = ([1.0, -1.0, 2.0, 0.0], [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
/// let (mut dw, mut scratch) = ([0.0; 6], Scratch::new());
/// weight_gradient::dense(&y, &x, 2, 2, 3, 1.0, true, &mut dw, &mut scratch)?;
/// assert_eq!(dw, [21.0, 42.0, 63.0, -1.0, -2.0, -3.0]);
///
/// // The second row only, and its sum of squares.
/// let (mut row, mut squares) = ([0.0; 3], [0.0]);
/// weight_gradient::rows(&y, &x, 2, 2, 3, 1..2, 1.0, &mut row, &mut squares, &mut scratch)?;
/// assert_eq!((row, squares), ([-1.0, -2.0, -3.0], [14.0]));
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn dense(
    y: &[f32],
    x: &[f32],
    n: usize,
    rows: usize,
    cols: usize,
    alpha: f32,
    accumulate: bool,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    dense_with(Exec::best(), y, x, n, rows, cols, alpha, accumulate, out, scratch)
}

/// [`dense`] on a given instruction set, with or without threads.
///
/// # Errors
/// As [`dense`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn dense_with(
    exec: impl Into<Exec>,
    y: &[f32],
    x: &[f32],
    n: usize,
    rows: usize,
    cols: usize,
    alpha: f32,
    accumulate: bool,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let pairs = Pairs::new(y, x, n, rows, cols, alpha)?;
    check_len("out", out, product("out", &[rows, cols])?)?;
    pairs.run(exec.into(), 0..rows, accumulate, out, None, scratch);
    Ok(())
}

/// Some rows of the gradient, overwritten, and the sum of squares of each.
///
/// `out[i, c] = alpha * sum over t of y[t, range.start + i] * x[t, c]`,
/// `squares[i] = sum over c of out[i, c]^2`
///
/// | name      | shape                 |
/// |-----------|-----------------------|
/// | `y`       | `[n, rows]`           |
/// | `x`       | `[n, cols]`           |
/// | `out`     | `[range.len(), cols]` |
/// | `squares` | `[range.len()]`       |
///
/// Squares are exact in f64 and are summed in it: column `c` to partial sum `c % 16`, partial sums in
/// order. Their relative error is at most `(cols / 16 + 16) * 2^-53`. Scratch: a copy of `x`, unless
/// there are fewer than 64 rows.
///
/// # Errors
/// [`KernelError::Length`] for `y`, `x`, `out` or `squares`; [`KernelError::Index`] if `range` does
/// not lie within `rows`; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn rows(
    y: &[f32],
    x: &[f32],
    n: usize,
    rows: usize,
    cols: usize,
    range: Range<usize>,
    alpha: f32,
    out: &mut [f32],
    squares: &mut [f64],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    rows_with(Exec::best(), y, x, n, rows, cols, range, alpha, out, squares, scratch)
}

/// [`rows`] on a given instruction set, with or without threads.
///
/// # Errors
/// As [`rows`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn rows_with(
    exec: impl Into<Exec>,
    y: &[f32],
    x: &[f32],
    n: usize,
    rows: usize,
    cols: usize,
    range: Range<usize>,
    alpha: f32,
    out: &mut [f32],
    squares: &mut [f64],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let pairs = Pairs::new(y, x, n, rows, cols, alpha)?;
    if range.end > rows {
        return Err(KernelError::Index { argument: "range", end: rows + 1, found: range.end });
    }
    if range.start > range.end {
        return Err(KernelError::Index { argument: "range", end: range.end + 1, found: range.start });
    }
    check_len("out", out, product("out", &[range.len(), cols])?)?;
    check_len("squares", squares, range.len())?;
    pairs.run(exec.into(), range, false, out, Some(squares), scratch);
    Ok(())
}

/// Tokens of a block. Part of the order in the docs: changing it changes bits.
const TERMS: usize = 256;

/// Rows that are never parted: those of the tallest tile.
const UNIT: usize = 8;

/// Rows below which copying `x` into tiles costs more than it saves.
const FEW: usize = 64;

/// Rows that share a panel of `x` while it is in the second cache level.
const GROUP: usize = 32;

/// Multiply-adds, a column of `dW` counting as 16, that take about 20 microseconds.
const GRAIN: usize = 1 << 18;

/// A gradient of low rank; lengths checked.
#[derive(Clone, Copy)]
struct Pairs<'a> {
    y: &'a [f32],
    x: &'a [f32],
    n: usize,
    rows: usize,
    cols: usize,
    alpha: f32,
}

impl<'a> Pairs<'a> {
    fn new(y: &'a [f32], x: &'a [f32], n: usize, rows: usize, cols: usize, alpha: f32) -> Result<Self, KernelError> {
        check_len("y", y, product("y", &[n, rows])?)?;
        check_len("x", x, product("x", &[n, cols])?)?;
        Ok(Self { y, x, n, rows, cols, alpha })
    }

    fn run(
        self,
        exec: Exec,
        rows: Range<usize>,
        accumulate: bool,
        out: &mut [f32],
        squares: Option<&mut [f64]>,
        scratch: &mut Scratch,
    ) {
        if self.cols == 0 {
            squares.unwrap_or_default().fill(0.0);
            return;
        }
        let isa = exec.isa();
        let few = rows.len() < FEW || isa == Isa::Reference;
        let width = if few { 0 } else { simd::dispatch(isa, tile::Width) };
        let packed = tile::packed(self, width, scratch);
        let grain = GRAIN.div_ceil(self.cols.saturating_mul(self.n + 16).saturating_mul(UNIT));
        exec.run(Part { isa, pairs: self, packed, rows, accumulate, out, squares }, grain);
    }
}

/// Some rows.
struct Part<'a> {
    isa: Isa,
    pairs: Pairs<'a>,
    /// `x` in tiles, or nothing if it is read where it lies.
    packed: &'a [f32],
    rows: Range<usize>,
    accumulate: bool,
    out: &'a mut [f32],
    squares: Option<&'a mut [f64]>,
}

impl Job for Part<'_> {
    fn units(&self) -> usize {
        self.rows.len().div_ceil(UNIT)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let rows = units * UNIT;
        let at = self.rows.start + rows;
        let (out, other_out) = self.out.split_at_mut(rows * self.pairs.cols);
        let (squares, other_squares) = self.squares.map(|squares| squares.split_at_mut(rows)).unzip();
        let second = Part { rows: at..self.rows.end, out: other_out, squares: other_squares, ..self };
        (Part { rows: self.rows.start..at, out, squares, ..second }, second)
    }

    fn run(self) {
        if self.isa == Isa::Reference {
            reference::run(self);
        } else {
            simd::dispatch(self.isa, self);
        }
    }
}

impl SimdKernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: simd::Simd>(mut self, s: S) {
        let Pairs { n, cols, .. } = self.pairs;
        if n == 0 && !self.accumulate {
            self.out.fill(0.0);
        }
        for group in (0..self.rows.len()).step_by(GROUP) {
            let out = &mut self.out[group * cols..];
            let rows = GROUP.min(self.rows.len() - group);
            let out = &mut out[..rows * cols];
            for term in (0..n).step_by(TERMS) {
                let terms = term..n.min(term + TERMS);
                let add = self.accumulate || term > 0;
                let (pairs, packed, row) = (self.pairs, self.packed, self.rows.start + group);
                tile::Block { pairs, packed, terms, row, add }.run(s, out);
            }
            if let Some(squares) = self.squares.as_deref_mut() {
                for (square, row) in squares[group..][..rows].iter_mut().zip(out.chunks_exact(cols)) {
                    *square = sum_of_squares(row);
                }
            }
        }
    }
}

/// See [`rows`].
#[inline(always)]
fn sum_of_squares(row: &[f32]) -> f64 {
    let mut partial = [0.0f64; 16];
    let (full, rest) = row.as_chunks::<16>();
    for part in full {
        for (partial, v) in partial.iter_mut().zip(part) {
            *partial += f64::from(*v) * f64::from(*v);
        }
    }
    for (partial, v) in partial.iter_mut().zip(rest) {
        *partial += f64::from(*v) * f64::from(*v);
    }
    partial.iter().sum()
}
