//! Sums of outer products: the gradient of a weight matrix.
//!
//! The dense product of the kernels allocates in every call, and its order of additions depends on the machine. Here
//! it is fixed, and a training step stays off the heap.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::length;
use crate::Error;
use crate::real::Real;

/// Rows of `x` that one pass over a row of the gradient takes in: enough that loads of the gradient do not count.
const GROUP: usize = 8;
/// Rows of `x` that stay in the nearest cache while all rows of the gradient pass.
const BLOCK: usize = 8 * GROUP;

/// `w_cot[o,i] += alpha · y_cot[n,o]ᵀ · x[n,i]`
///
/// An element gets the terms of 8 rows of `x` as one sum, in order; rows that are left over come one by one.
pub(super) fn add_outer<R: Real>(
    [n, o, i]: [usize; 3],
    alpha: R,
    y_cot: &[R],
    x: &[R],
    w_cot: &mut [R],
) -> Result<(), Error> {
    length("cotangent", n.saturating_mul(o), y_cot.len())?;
    length("x", n.saturating_mul(i), x.len())?;
    length("gradient", o.saturating_mul(i), w_cot.len())?;
    if o > 0 && i > 0 {
        vectorize(Isa::best(), Outer { o, i, alpha, y_cot, x, w_cot });
    }
    Ok(())
}

struct Outer<'a, R> {
    o: usize,
    i: usize,
    alpha: R,
    y_cot: &'a [R],
    x: &'a [R],
    w_cot: &'a mut [R],
}

impl<R: Real> Kernel for Outer<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Outer { o, i, alpha, y_cot, x, w_cot } = self;
        for (y_cot, x) in y_cot.chunks(BLOCK * o).zip(x.chunks(BLOCK * i)) {
            for (r, w_cot) in w_cot.chunks_exact_mut(i).enumerate() {
                for (y_cot, x) in y_cot.chunks(GROUP * o).zip(x.chunks(GROUP * i)) {
                    if x.len() == GROUP * i {
                        let rows: [&[R]; GROUP] = core::array::from_fn(|t| &x[t * i..][..i]);
                        let factors: [R; GROUP] = core::array::from_fn(|t| alpha * y_cot[t * o + r]);
                        add_rows(w_cot, rows, factors);
                    } else {
                        for (y_cot, x) in y_cot.chunks_exact(o).zip(x.chunks_exact(i)) {
                            add_rows(w_cot, [x], [alpha * y_cot[r]]);
                        }
                    }
                }
            }
        }
    }
}

/// `to[j] += Σ_t factors[t] · rows[t][j]`
#[inline(always)]
fn add_rows<R: Real, const N: usize>(to: &mut [R], rows: [&[R]; N], factors: [R; N]) {
    let n = to.len();
    // one length for all, so that the loop needs no checks
    let rows = rows.map(|row| &row[..n]);
    for j in 0..n {
        let mut sum = factors[0] * rows[0][j];
        for t in 1..N {
            sum += factors[t] * rows[t][j];
        }
        to[j] += sum;
    }
}
