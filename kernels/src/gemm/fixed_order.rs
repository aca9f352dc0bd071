//! A dense product whose bits do not depend on the number of rows.

use super::GemmScalar;
use crate::error::{KernelError, check_len, product};
use crate::{Isa, Kernel, vectorize};

/// Partial sums of an element.
const LANES: usize = 16;

/// `c[m,n] = a[m,k] · b[n,k]ᵀ`, or `+=` with `accumulate`, each element summed in one fixed order:
/// the same bits for any `m`, on every instruction set.
///
/// This is the product for the forward pass of a model that also runs a step at a time: a row of
/// the result depends on that row of `a` only, so a sequence, its chunks and its single steps
/// agree to the bit. [`super::nt`] does not promise that, and has three times the speed from a few
/// rows on (for one row they are level).
///
/// Order: term `i` goes to partial sum `i % 16`, in order, product and sum each rounded; then the
/// upper half of the partial sums is added to the lower until one is left.
///
/// | name | shape    |
/// |------|----------|
/// | `a`  | `[m, k]` |
/// | `b`  | `[n, k]` |
/// | `c`  | `[m, n]` |
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
pub fn nt_fixed_order<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
) -> Result<(), KernelError> {
    nt_fixed_order_with(Isa::best(), m, n, k, a, b, accumulate, c)
}

/// [`nt_fixed_order`] on a given instruction set.
///
/// # Errors
/// As [`nt_fixed_order`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn nt_fixed_order_with<T: GemmScalar>(
    isa: Isa,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
) -> Result<(), KernelError> {
    check_len("a", a, product("a", &[m, k])?)?;
    check_len("b", b, product("b", &[n, k])?)?;
    check_len("c", c, product("c", &[m, n])?)?;
    if !accumulate {
        c.fill(T::ZERO);
    }
    if m == 0 || n == 0 || k == 0 {
        return Ok(());
    }
    vectorize(isa, Rows { n, k, a, b, c });
    Ok(())
}

/// Rows of `b` that share the loads of a row of `a`. With more, or with several rows of `a`, the
/// compiler leaves vector form: 4 gave 36 GFMA/s, 6 19, 8 13 (AVX-512, k = 128).
const BLOCK: usize = 4;

/// Adds to `c`.
struct Rows<'a, T> {
    n: usize,
    k: usize,
    a: &'a [T],
    b: &'a [T],
    c: &'a mut [T],
}

impl<T: GemmScalar> Kernel for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (n, k, b) = (self.n, self.k, self.b);
        let full = n / BLOCK * BLOCK;
        for (a, c) in self.a.chunks_exact(k).zip(self.c.chunks_exact_mut(n)) {
            for first in (0..full).step_by(BLOCK) {
                add(&mut c[first..], dots::<T, BLOCK>(a, &b[first * k..]));
            }
            for first in full..n {
                add(&mut c[first..], dots::<T, 1>(a, &b[first * k..]));
            }
        }
    }
}

#[inline(always)]
fn add<T: GemmScalar, const N: usize>(c: &mut [T], sums: [T; N]) {
    for (c, sum) in c.iter_mut().zip(sums) {
        *c = *c + sum;
    }
}

/// `a` by each of the first `N` rows of `b`.
#[inline(always)]
fn dots<T: GemmScalar, const N: usize>(a: &[T], b: &[T]) -> [T; N] {
    let k = a.len();
    let (a_full, a_rest) = a.as_chunks::<LANES>();
    let mut rows: [&[T]; N] = [&[]; N];
    for (j, row) in rows.iter_mut().enumerate() {
        *row = &b[j * k..][..k];
    }
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    let rows_full = rows.map(|(full, _)| &full[..a_full.len()]);
    let mut partial = [[T::ZERO; LANES]; N];
    for (p, a) in a_full.iter().enumerate() {
        for j in 0..N {
            partial[j] = step(partial[j], a, &rows_full[j][p]);
        }
    }
    let mut sums = [T::ZERO; N];
    for j in 0..N {
        let mut lanes = partial[j];
        for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(rows[j].1) {
            *lane = *lane + *a * *b;
        }
        sums[j] = sum(lanes);
    }
    sums
}

/// One multiplication and one addition a lane. A function of values, not of places: written with
/// indices into a block of accumulators it is not vectorised.
#[inline(always)]
fn step<T: GemmScalar>(mut acc: [T; LANES], a: &[T; LANES], b: &[T; LANES]) -> [T; LANES] {
    for ((acc, a), b) in acc.iter_mut().zip(a).zip(b) {
        *acc = *acc + *a * *b;
    }
    acc
}

/// Adds the upper half to the lower until one is left.
#[inline(always)]
fn sum<T: GemmScalar>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            lanes[l] = lanes[l] + lanes[l + half];
        }
        half /= 2;
    }
    lanes[0]
}
