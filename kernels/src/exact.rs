//! Products of small unsigned codes with f32, exact but for one rounding of each token.
//!
//! A token is rounded to integers of at most 23 bits times a power of two, as in
//! [`crate::ternary`]. Codes have at most 8 bits and a row at most 2^22 elements, so all products
//! and partial sums are integers below 2^53: f64 adds them without rounding, in any order. The
//! bits therefore depend neither on the instruction set nor on the batching, and the loops can be
//! left to the compiler.

use crate::error::KernelError;
use crate::ternary::{MAX_DIM, limb_steps, max_magnitude, rounded};
use crate::{Isa, Kernel, Scratch, vectorize};

/// A matrix of codes, a row at a time.
pub(crate) trait Rows: Copy {
    /// Writes the codes of row `r`, as floats; `out` is one row long. `#[inline(always)]`.
    fn row(self, r: usize, out: &mut [f32]);
}

/// `W = scale * (code - zero)`.
#[derive(Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) scale: f32,
    pub(crate) zero: f32,
}

/// Refuses dimensions for which the sums would not be exact.
pub(crate) fn check_dims(rows: usize, cols: usize) -> Result<(), KernelError> {
    for (argument, found) in [("rows", rows), ("cols", cols)] {
        if found > MAX_DIM {
            return Err(KernelError::TooLarge { argument, limit: MAX_DIM, found });
        }
    }
    Ok(())
}

/// Rows (forward) and tokens (transposed) of a block.
const BLOCK: usize = 4;
/// Partial sums of a dot product.
const LANES: usize = 16;

/// `out[t, r] = sum over c of W[r, c] * x[t, c]`; lengths checked, nothing empty.
pub(crate) fn forward<R: Rows>(
    isa: Isa,
    m: R,
    (rows, cols): (usize, usize),
    affine: Affine,
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let n = x.len() / cols;
    let (floats, steps) = scratch.floats(x.len() + BLOCK * cols, 2 * n);
    let (tokens, unpacked) = floats.split_at_mut(x.len());
    let job = Forward { m, rows, cols, affine, x, out, tokens, unpacked, steps };
    vectorize(isa, job);
}

struct Forward<'a, R> {
    m: R,
    rows: usize,
    cols: usize,
    affine: Affine,
    x: &'a [f32],
    out: &'a mut [f32],
    tokens: &'a mut [f32],
    unpacked: &'a mut [f32],
    steps: &'a mut [f64],
}

impl<R: Rows> Kernel for Forward<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let cols = self.cols;
        round_tokens(self.x, cols, self.affine, self.tokens, self.steps);
        let steps = self.steps.as_chunks::<2>().0;
        for first in (0..self.rows).step_by(BLOCK) {
            let block = BLOCK.min(self.rows - first);
            for (k, row) in self.unpacked.chunks_exact_mut(cols).take(block).enumerate() {
                self.m.row(first + k, row);
            }
            let tokens = self.tokens.chunks_exact(cols).zip(steps);
            for ((x, [step, offset]), out) in tokens.zip(self.out.chunks_exact_mut(self.rows)) {
                let rows = self.unpacked.chunks_exact(cols);
                for (out, row) in out[first..first + block].iter_mut().zip(rows) {
                    *out = ((dot(row, x) - offset) * step) as f32;
                }
            }
        }
    }
}

/// Rounds tokens to integers; `steps` gets, for each, the value of 1 in the output and the
/// share of the zero point in the sum.
#[inline(always)]
fn round_tokens(x: &[f32], len: usize, affine: Affine, out: &mut [f32], steps: &mut [f64]) {
    let tokens = x.chunks_exact(len).zip(out.chunks_exact_mut(len));
    for ((x, out), steps) in tokens.zip(steps.as_chunks_mut::<2>().0) {
        let (s, step) = limb_steps(max_magnitude(x));
        let mut sum = 0i64;
        if step.is_nan() {
            out.fill(0.0);
        } else {
            for (out, x) in out.iter_mut().zip(x) {
                let q = rounded(*x, s);
                sum += i64::from(q);
                *out = q as f32;
            }
        }
        let offset = f64::from(affine.zero) * sum as f64;
        *steps = [f64::from(step) * f64::from(affine.scale), offset];
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut partial = [0.0f64; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for ((p, a), b) in partial.iter_mut().zip(a).zip(b) {
            *p += f64::from(*a) * f64::from(*b);
        }
    }
    for ((p, a), b) in partial.iter_mut().zip(a_rest).zip(b_rest) {
        *p += f64::from(*a) * f64::from(*b);
    }
    partial.iter().sum()
}

/// `out[t, c] = sum over r of W[r, c] * y[t, r]`; lengths checked, nothing empty.
pub(crate) fn transposed<R: Rows>(
    isa: Isa,
    m: R,
    (rows, cols): (usize, usize),
    affine: Affine,
    y: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let n = y.len() / rows;
    let (floats, doubles) = scratch.floats(y.len() + cols, 2 * n + BLOCK * cols);
    let (tokens, unpacked) = floats.split_at_mut(y.len());
    let (steps, sums) = doubles.split_at_mut(2 * n);
    let job = Transposed { m, rows, cols, affine, y, out, tokens, unpacked, steps, sums };
    vectorize(isa, job);
}

struct Transposed<'a, R> {
    m: R,
    rows: usize,
    cols: usize,
    affine: Affine,
    y: &'a [f32],
    out: &'a mut [f32],
    tokens: &'a mut [f32],
    unpacked: &'a mut [f32],
    steps: &'a mut [f64],
    sums: &'a mut [f64],
}

impl<R: Rows> Kernel for Transposed<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (rows, cols) = (self.rows, self.cols);
        round_tokens(self.y, rows, self.affine, self.tokens, self.steps);
        let steps = self.steps.as_chunks::<2>().0;
        let blocks = self.tokens.chunks(BLOCK * rows).zip(steps.chunks(BLOCK));
        for ((y, steps), out) in blocks.zip(self.out.chunks_mut(BLOCK * cols)) {
            self.sums.fill(0.0);
            for r in 0..rows {
                self.m.row(r, self.unpacked);
                for (y, sums) in y.chunks_exact(rows).zip(self.sums.chunks_exact_mut(cols)) {
                    let y = f64::from(y[r]);
                    for (sum, code) in sums.iter_mut().zip(self.unpacked.iter()) {
                        *sum += f64::from(*code) * y;
                    }
                }
            }
            let sums = self.sums.chunks_exact(cols).zip(steps);
            for ((sums, [step, offset]), out) in sums.zip(out.chunks_exact_mut(cols)) {
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = ((sum - offset) * step) as f32;
                }
            }
        }
    }
}
