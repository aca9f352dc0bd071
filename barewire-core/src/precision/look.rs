//! What the rule asks about a contribution and the sums that it goes to, in one pass over both.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::Level;
use super::adaptive::of_gradients;
use super::rule::Rule;
use crate::real::{Real, fold_lanes};

/// What a contribution looks like beside the sums that it goes to. Sums over all elements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// squares of the sums
    pub(super) sums: f64,
    /// of the contribution: squares, or magnitudes where the rule certifies
    pub(super) spread: f64,
    /// elements that the arithmetic of the sums would lose
    pub(super) swamped: u64,
    /// elements that the one below would lose
    pub(super) swamped_below: u64,
}

/// Looks at sums of this level and at a contribution of as many elements, in the arithmetic `T`: that of the sums is the
/// fastest one, `f64` has the squares of every `f32`.
pub(super) fn look<S: Real, T: Real>(rule: Rule, level: Level, sums: &[S], values: &[f32]) -> Seen {
    let own = T::of(of_gradients(level).roundoff());
    // every pass has what it needs and no more: half of the time goes into counting
    match level.below().map(|below| T::of(of_gradients(below).roundoff())) {
        None if rule.certify => run::<S, T, true, false>(sums, values, [own; 2]),
        None => run::<S, T, false, false>(sums, values, [own; 2]),
        Some(below) if rule.certify => run::<S, T, true, true>(sums, values, [own, below]),
        Some(below) => run::<S, T, false, true>(sums, values, [own, below]),
    }
}

fn run<S: Real, T: Real, const CERTIFY: bool, const BELOW: bool>(sums: &[S], values: &[f32], units: [T; 2]) -> Seen {
    vectorize(Isa::best(), Look::<S, T, CERTIFY, BELOW> { sums, values, units })
}

struct Look<'a, S, T, const CERTIFY: bool, const BELOW: bool> {
    sums: &'a [S],
    values: &'a [f32],
    /// roundoff of the sums, and of the arithmetic below
    units: [T; 2],
}

/// Lanes of a look. With 8 or 32 it takes longer.
const LANES: usize = 16;
/// Their partial sums are added to `f64` once a block, which costs a quarter of the pass where blocks have 256 elements.
const BLOCK: usize = 64 * LANES;

/// What the lanes have seen of a block.
struct Lanes<T, const CERTIFY: bool, const BELOW: bool> {
    sums: [T; LANES],
    spread: [T; LANES],
    swamped: [u32; LANES],
    swamped_below: [u32; LANES],
}

impl<T: Real, const CERTIFY: bool, const BELOW: bool> Lanes<T, CERTIFY, BELOW> {
    #[inline(always)]
    fn add<S: Real>(&mut self, sums: &[S; LANES], values: &[f32; LANES], [own, below]: [T; 2]) {
        for l in 0..LANES {
            let (x, sum) = (T::of(f64::from(values[l])).abs(), T::of(sums[l].value()).abs());
            self.sums[l] += sum * sum;
            self.spread[l] += if CERTIFY { x } else { x * x };
            let some = x > T::ZERO;
            self.swamped[l] += u32::from(some & (x < own * sum));
            if BELOW {
                self.swamped_below[l] += u32::from(some & (x < below * sum));
            }
        }
    }
}

impl<S: Real, T: Real, const CERTIFY: bool, const BELOW: bool> Kernel for Look<'_, S, T, CERTIFY, BELOW> {
    type Output = Seen;
    #[inline(always)]
    fn run(self) -> Seen {
        let mut seen = Seen::default();
        for (sums, values) in self.sums.chunks(BLOCK).zip(self.values.chunks(BLOCK)) {
            let mut lanes = Lanes::<T, CERTIFY, BELOW> {
                sums: [T::ZERO; LANES],
                spread: [T::ZERO; LANES],
                swamped: [0; LANES],
                swamped_below: [0; LANES],
            };
            let ((rows, last_sums), (whole, last_values)) = (sums.as_chunks::<LANES>(), values.as_chunks::<LANES>());
            for (sums, values) in rows.iter().zip(whole) {
                lanes.add(sums, values, self.units);
            }
            if !last_sums.is_empty() {
                let (mut sums, mut values) = ([S::ZERO; LANES], [0.0; LANES]);
                sums[..last_sums.len()].copy_from_slice(last_sums);
                values[..last_values.len()].copy_from_slice(last_values);
                lanes.add(&sums, &values, self.units);
            }
            seen.sums += fold_lanes(lanes.sums, |a, b| a + b).value();
            seen.spread += fold_lanes(lanes.spread, |a, b| a + b).value();
            seen.swamped += u64::from(lanes.swamped.iter().sum::<u32>());
            seen.swamped_below += u64::from(lanes.swamped_below.iter().sum::<u32>());
        }
        seen
    }
}
