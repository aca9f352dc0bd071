//! Sums of a list, in each arithmetic.

use barewire_kernels::{Isa, Kernel, extended, vectorize};

use crate::Error;
use crate::real::fold_lanes;

/// How numbers are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `f32`
    Single,
    /// `f32`, halves of a list summed by themselves
    Pairwise,
    /// two `f32`: the sum and what its rounding left
    Planes,
    /// `f64`
    Double,
    /// two `f64`
    DoubleDouble,
    /// 80 bits; on x86-64 alone
    Extended,
}

impl Arithmetic {
    /// Half a unit in the last place of 1: the largest relative error of one rounding.
    pub fn roundoff(self) -> f64 {
        match self {
            Arithmetic::Single | Arithmetic::Pairwise => (-24_f64).exp2(),
            Arithmetic::Planes => (-48_f64).exp2(),
            Arithmetic::Double => (-53_f64).exp2(),
            Arithmetic::DoubleDouble => (-106_f64).exp2(),
            Arithmetic::Extended => (-64_f64).exp2(),
        }
    }

    /// Partial sums of [`sum`], added up at its end.
    pub fn lanes(self) -> usize {
        match self {
            Arithmetic::Single | Arithmetic::Planes | Arithmetic::Double => LANES,
            Arithmetic::Pairwise | Arithmetic::DoubleDouble => 16,
            Arithmetic::Extended => 4,
        }
    }
}

/// The sum of all numbers in this arithmetic, rounded to `f64` at the end. The same bits on every instruction set.
///
/// ```
/// use barewire_core::precision::{Arithmetic, sum};
///
/// let mut values = vec![1.0_f32; 33];
/// // one lane gets 1e8 - 1e8 + 1
/// (values[0], values[32]) = (1e8, -1e8);
/// values.extend([0.0; 31]);
/// values.push(1.0);
/// assert_eq!(sum(&values, Arithmetic::Double)?, 32.0);
/// # Ok::<(), barewire_core::Error>(())
/// ```
///
/// # Errors
/// `Extended` elsewhere than on x86-64.
pub fn sum(values: &[f32], arithmetic: Arithmetic) -> Result<f64, Error> {
    let isa = Isa::best();
    Ok(match arithmetic {
        Arithmetic::Single => vectorize(isa, Single(values)).into(),
        Arithmetic::Pairwise => vectorize(isa, Pairwise(values)).into(),
        Arithmetic::Planes => vectorize(isa, Planes(values)),
        Arithmetic::Double => vectorize(isa, Double(values)),
        Arithmetic::DoubleDouble => vectorize(isa, DoubleDouble(values)),
        Arithmetic::Extended => extended::sum(values)?.to_f64(),
    })
}

/// Enough partial sums to hide the latency of an addition in two registers of 16.
pub(super) const LANES: usize = 32;

/// `a + b`, and exactly what its rounding left out.
#[inline(always)]
pub(super) fn two_sum<T>(a: T, b: T) -> (T, T)
where
    T: Copy + core::ops::Add<Output = T> + core::ops::Sub<Output = T>,
{
    let sum = a + b;
    let of_b = sum - a;
    let of_a = sum - of_b;
    (sum, (a - of_a) + (b - of_b))
}

/// `(hi, lo) + x`, hi and lo without overlap again.
#[inline(always)]
pub(super) fn add_to_pair<T>((hi, lo): (T, T), x: T) -> (T, T)
where
    T: Copy + core::ops::Add<Output = T> + core::ops::Sub<Output = T>,
{
    let (sum, rest) = two_sum(hi, x);
    let rest = lo + rest;
    // `sum` is the larger one, or both are tiny
    let hi = sum + rest;
    (hi, rest - (hi - sum))
}

/// `f` on every number, with a lane of its own for each place in a row of `N`.
#[inline(always)]
fn in_lanes<T: Copy, const N: usize>(values: &[f32], zero: T, f: impl Fn(T, f32) -> T) -> [T; N] {
    let mut lanes = [zero; N];
    let (rows, rest) = values.as_chunks::<N>();
    for row in rows {
        for l in 0..N {
            lanes[l] = f(lanes[l], row[l]);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = f(*lane, *x);
    }
    lanes
}

struct Single<'a>(&'a [f32]);

impl Kernel for Single<'_> {
    type Output = f32;
    #[inline(always)]
    fn run(self) -> f32 {
        fold_lanes(in_lanes::<f32, LANES>(self.0, 0.0, |sum, x| sum + x), |a, b| a + b)
    }
}

struct Pairwise<'a>(&'a [f32]);

impl Kernel for Pairwise<'_> {
    type Output = f32;
    /// Blocks of 256 in 16 lanes, put together like a binary counter: no stack of calls, which would not be vectorised.
    #[inline(always)]
    fn run(self) -> f32 {
        let mut sums = [0.0; 64];
        let mut depth = 0;
        for (i, block) in self.0.chunks(256).enumerate() {
            let mut sum = fold_lanes(in_lanes::<f32, 16>(block, 0.0, |sum, x| sum + x), |a, b| a + b);
            for _ in 0..(i + 1).trailing_zeros() {
                depth -= 1;
                sum += sums[depth];
            }
            sums[depth] = sum;
            depth += 1;
        }
        sums[..depth].iter().rev().fold(0.0, |sum, x| sum + x)
    }
}

struct Planes<'a>(&'a [f32]);

impl Kernel for Planes<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        // the rests add up in their own lane, and are added at the end
        let lanes = in_lanes::<_, LANES>(self.0, (0.0_f32, 0.0_f32), |(hi, lo), x| {
            let (sum, rest) = two_sum(hi, x);
            (sum, lo + rest)
        });
        lanes.into_iter().fold(0.0, |sum, (hi, lo)| sum + (f64::from(hi) + f64::from(lo)))
    }
}

struct Double<'a>(&'a [f32]);

impl Kernel for Double<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        fold_lanes(in_lanes::<f64, LANES>(self.0, 0.0, |sum, x| sum + f64::from(x)), |a, b| a + b)
    }
}

struct DoubleDouble<'a>(&'a [f32]);

impl Kernel for DoubleDouble<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let lanes = in_lanes::<_, 16>(self.0, (0.0, 0.0), |sum, x| add_to_pair(sum, f64::from(x)));
        let (hi, lo) = fold_lanes(lanes, |a, b| add_to_pair(add_to_pair(a, b.0), b.1));
        hi + lo
    }
}
