//! Loops over rows of floats: sums in a fixed order, elementwise passes.
//!
//! All are `#[inline(always)]`, and the closures they take are small, so that a kernel built from them is one
//! function with the features of its instruction set.

use crate::simd::Simd;

/// Partial sums of [`sum`]: element `i` is added to number `i % 32`. Then the upper half of them is added to the
/// lower half until one is left. So the error of a sum of `n` terms is at most `n / 32 + 5` roundings.
pub(crate) const SUMS: usize = 32;

/// Vectors of partial sums, of the narrowest instruction set.
const MOST: usize = SUMS / 4;

/// The last elements of `x`, fewer than a vector, `fill` after its end.
#[inline(always)]
fn load_tail<S: Simd>(s: S, x: &[f32], fill: f32) -> S::F {
    let mut part = [fill; 16];
    let len = x.len().min(16);
    part[..len].copy_from_slice(&x[..len]);
    s.load(&part)
}

/// The vectors of all `x` at `at`.
#[inline(always)]
fn load<S: Simd, const N: usize>(s: S, x: [&[f32]; N], at: usize) -> [S::F; N] {
    let mut vectors = [s.splat(0.0); N];
    for i in 0..N {
        vectors[i] = s.load(&x[i][at..][..S::LANES]);
    }
    vectors
}

#[inline(always)]
fn load_tails<S: Simd, const N: usize>(s: S, x: [&[f32]; N], at: usize, fill: f32) -> [S::F; N] {
    let mut vectors = [s.splat(0.0); N];
    for i in 0..N {
        vectors[i] = load_tail(s, &x[i][at..], fill);
    }
    vectors
}

/// Folds equally long slices into [`SUMS`] lanes by `fold(sum, x)`, then those by `join`.
#[inline(always)]
fn fold<S: Simd, const N: usize>(
    s: S,
    x: [&[f32]; N],
    start: f32,
    fill: f32,
    fold: impl Fn(S::F, [S::F; N]) -> S::F,
    join: impl Fn(S::F, S::F) -> S::F,
) -> S::F {
    let len = x[0].len();
    let x = x.map(|x| &x[..len]);
    let vectors = SUMS / S::LANES;
    let mut sums = [s.splat(start); MOST];
    let mut at = 0;
    while at + SUMS <= len {
        for i in 0..vectors {
            sums[i] = fold(sums[i], load(s, x, at + i * S::LANES));
        }
        at += SUMS;
    }
    for sum in sums.iter_mut().take(vectors) {
        if at + S::LANES <= len {
            *sum = fold(*sum, load(s, x, at));
        } else if at < len {
            *sum = fold(*sum, load_tails(s, x, at, fill));
        }
        at += S::LANES;
    }
    let mut half = vectors / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] = join(sums[i], sums[i + half]);
        }
        half /= 2;
    }
    sums[0]
}

/// Sum over elements of equally long slices; `term(sum, x)` gives the sum with one more term in each lane. Past the
/// end `x` is 0, where the term has to be 0.
#[inline(always)]
pub(crate) fn sum<S: Simd, const N: usize>(s: S, x: [&[f32]; N], term: impl Fn(S::F, [S::F; N]) -> S::F) -> f32 {
    s.sum(fold(s, x, 0.0, 0.0, term, |a, b| s.add(a, b)))
}

/// Sum of `term(x)`, which has to be 0 at minus infinity.
#[inline(always)]
pub(crate) fn sum_of<S: Simd>(s: S, x: &[f32], term: impl Fn(S::F) -> S::F) -> f32 {
    let add = |sum, [x]: [S::F; 1]| s.add(sum, term(x));
    s.sum(fold(s, [x], 0.0, f32::NEG_INFINITY, add, |a, b| s.add(a, b)))
}

/// The largest element; a NaN is passed over; minus infinity if there is none.
#[inline(always)]
pub(crate) fn maximum<S: Simd>(s: S, x: &[f32]) -> f32 {
    // The second operand is what `max` gives for NaN.
    let lanes = fold(s, [x], f32::NEG_INFINITY, f32::NEG_INFINITY, |m, [x]| s.max(x, m), |a, b| s.max(a, b));
    let mut largest = [f32::NEG_INFINITY; 16];
    s.store(&mut largest, lanes);
    let mut max = largest[0];
    for x in largest {
        max = if x > max { x } else { max };
    }
    max
}

/// `y[i] = f(x[i])`; all slices as long as `y`.
#[inline(always)]
pub(crate) fn map<S: Simd, const N: usize>(s: S, x: [&[f32]; N], y: &mut [f32], f: impl Fn([S::F; N]) -> S::F) {
    let len = y.len();
    let x = x.map(|x| &x[..len]);
    let whole = len - len % S::LANES;
    let mut at = 0;
    while at < whole {
        s.store(&mut y[at..][..S::LANES], f(load(s, x, at)));
        at += S::LANES;
    }
    if whole < len {
        s.store_part(&mut y[whole..], f(load_tails(s, x, whole, 0.0)));
    }
}

/// `y[i] = f(y[i], x[i])`; all slices as long as `y`.
#[inline(always)]
pub(crate) fn update<S: Simd, const N: usize>(
    s: S,
    y: &mut [f32],
    x: [&[f32]; N],
    f: impl Fn(S::F, [S::F; N]) -> S::F,
) {
    let len = y.len();
    let x = x.map(|x| &x[..len]);
    let whole = len - len % S::LANES;
    let mut at = 0;
    while at < whole {
        let y = &mut y[at..][..S::LANES];
        let v = f(s.load(y), load(s, x, at));
        s.store(y, v);
        at += S::LANES;
    }
    if whole < len {
        let y = &mut y[whole..];
        let v = f(s.load_part(y), load_tails(s, x, whole, 0.0));
        s.store_part(y, v);
    }
}
