//! Loops over rows of floats: sums in a fixed order, elementwise passes.
//!
//! They are macros, not functions that take closures: a closure full of intrinsics looks too expensive to the inliner,
//! and what is not inlined has not the features of the instruction set. The vector of each slice has the name that is
//! given with it.

use crate::simd::Simd;

/// Partial sums of [`sum`]: element `i` is added to number `i % 32`. Then the upper half of them is added to the
/// lower half until one is left. So the error of a sum of `n` terms is at most `n / 32 + 5` roundings.
pub(crate) const SUMS: usize = 32;

/// Vectors of partial sums, of the narrowest instruction set.
pub(crate) const MOST: usize = SUMS / 4;

/// Floats in a vector of `s`.
#[inline(always)]
pub(crate) fn lanes<S: Simd>(_: S) -> usize {
    S::LANES
}

/// The last elements of `x`, fewer than [`SUMS`], `fill` after its end.
#[inline(always)]
pub(crate) fn tail(x: &[f32], fill: f32) -> [f32; SUMS] {
    let mut part = [fill; SUMS];
    part[..x.len()].copy_from_slice(x);
    part
}

/// `fold!(s, start, fill, sum, [x = slice, ..], with one more element in each lane, (a, b) => of two of these)`: a
/// vector of what [`SUMS`] lanes come to. Past the end of the slices, which are equally long, elements are `fill`.
macro_rules! fold {
    ($s:expr, $start:expr, $fill:expr, $sum:ident, [$($x:ident = $slice:expr),+], $term:expr, ($a:ident, $b:ident) => $join:expr) => {{
        let (s, lanes) = ($s, $crate::rows::lanes($s));
        let vectors = $crate::rows::SUMS / lanes;
        $(let $x: &[f32] = $slice;)+
        let len = [$($x.len()),+][0];
        $(let $x = &$x[..len];)+
        let mut sums = [s.splat($start); $crate::rows::MOST];
        let mut at = 0;
        while at + $crate::rows::SUMS <= len {
            let mut i = 0;
            while i < vectors {
                let $sum = sums[i];
                $(let $x = s.load(&$x[at + i * lanes..][..lanes]);)+
                sums[i] = $term;
                i += 1;
            }
            at += $crate::rows::SUMS;
        }
        // Indices that are constants once unrolled keep the sums in registers.
        if at < len {
            $(let $x = $crate::rows::tail(&$x[at..], $fill);)+
            let mut i = 0;
            while i < vectors {
                let $sum = sums[i];
                $(let $x = s.load(&$x[i * lanes..][..lanes]);)+
                sums[i] = $term;
                i += 1;
            }
        }
        let mut half = vectors / 2;
        while half > 0 {
            let mut i = 0;
            while i < half {
                let ($a, $b) = (sums[i], sums[i + half]);
                sums[i] = $join;
                i += 1;
            }
            half /= 2;
        }
        sums[0]
    }};
}

/// `sum!(s, sum, [x = slice, ..], with one more term in each lane)`; the term of zeros has to be 0.
macro_rules! sum {
    ($s:expr, $sum:ident, [$($x:ident = $slice:expr),+], $term:expr) => {{
        let sum = $crate::rows::fold!($s, 0.0, 0.0, $sum, [$($x = $slice),+], $term, (a, b) => $s.add(a, b));
        $s.sum(sum)
    }};
}

/// `map!(s, y, [x = slice, ..], value)` writes the values to `y`; the slices are at least as long.
macro_rules! map {
    ($s:expr, $y:expr, [$($x:ident = $slice:expr),*], $value:expr) => {{
        let (s, y, lanes): (_, &mut [f32], _) = ($s, $y, $crate::rows::lanes($s));
        let len = y.len();
        $(let $x = &$slice[..len];)*
        let mut at = 0;
        // The slices have the length `len`: this condition is every bounds check of the loop.
        while at + lanes <= len {
            let value = {
                $(let $x = s.load(&$x[at..at + lanes]);)*
                $value
            };
            s.store(&mut y[at..at + lanes], value);
            at += lanes;
        }
        if at < len {
            let value = {
                $(let $x = s.load_part(&$x[at..]);)*
                $value
            };
            s.store_part(&mut y[at..], value);
        }
    }};
}

/// `update!(s, y = slice, [x = slice, ..], value)`: as [`map`], where the value also reads `y`.
macro_rules! update {
    ($s:expr, $y:ident = $to:expr, [$($x:ident = $slice:expr),*], $value:expr) => {{
        let (s, y, lanes): (_, &mut [f32], _) = ($s, $to, $crate::rows::lanes($s));
        let len = y.len();
        $(let $x = &$slice[..len];)*
        let mut at = 0;
        // The slices have the length `len`: this condition is every bounds check of the loop.
        while at + lanes <= len {
            let value = {
                let $y = s.load(&y[at..at + lanes]);
                $(let $x = s.load(&$x[at..at + lanes]);)*
                $value
            };
            s.store(&mut y[at..at + lanes], value);
            at += lanes;
        }
        if at < len {
            let value = {
                let $y = s.load_part(&y[at..]);
                $(let $x = s.load_part(&$x[at..]);)*
                $value
            };
            s.store_part(&mut y[at..], value);
        }
    }};
}

pub(crate) use {fold, map, sum, update};

/// The sum of the partial sums, in the order of [`sum`].
#[inline(always)]
pub(crate) fn total<S: Simd>(s: S, mut sums: [S::F; MOST]) -> f32 {
    let mut half = SUMS / S::LANES / 2;
    while half > 0 {
        let mut i = 0;
        while i < half {
            sums[i] = s.add(sums[i], sums[i + half]);
            i += 1;
        }
        half /= 2;
    }
    s.sum(sums[0])
}

/// The largest element; a NaN is passed over; minus infinity if there is none.
#[inline(always)]
pub(crate) fn maximum<S: Simd>(s: S, x: &[f32]) -> f32 {
    const LOWEST: f32 = f32::NEG_INFINITY;
    // The second operand is what `max` gives for NaN.
    let lanes = fold!(s, LOWEST, LOWEST, max, [x = x], s.max(x, max), (a, b) => s.max(a, b));
    let mut largest = [LOWEST; 16];
    s.store(&mut largest, lanes);
    let mut max = LOWEST;
    for x in largest {
        max = if x > max { x } else { max };
    }
    max
}
