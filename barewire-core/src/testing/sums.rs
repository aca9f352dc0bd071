//! Sums that are hard to form, of which the answer is known.

use alloc::vec::Vec;

use super::Rng;

/// `n` numbers (two at least) in random order whose exact sum is the second result, and whose condition `sum|x| / |sum x|`
/// is within a percent of `condition`, at least 2.
///
/// One number is the sum; the others cancel in pairs of one magnitude each, from 2^-4 to 2^4, and are far from each other in
/// the list. With an even `n` one of them is 0.
///
/// ```
/// let (values, sum) = barewire_core::testing::ill_conditioned_sum(101, 1e10, 3);
/// let magnitudes: f64 = values.iter().map(|x| f64::from(x.abs())).sum();
/// assert!((magnitudes / sum.abs() / 1e10 - 1.0).abs() < 0.01);
/// ```
pub fn ill_conditioned_sum(n: usize, condition: f64, seed: u64) -> (Vec<f32>, f64) {
    let rng = &mut Rng::new(seed);
    let mut values = Vec::with_capacity(n);
    for _ in 0..n.saturating_sub(1) / 2 {
        let exponent = rng.between(-4.0, 4.0);
        let value = (rng.between(0.5, 1.0) * exponent.exp2()) as f32;
        values.extend([value, -value]);
    }
    let magnitudes: f64 = values.iter().map(|x| f64::from(x.abs())).sum();
    let sign = if rng.below(2) == 0 { -1.0 } else { 1.0 };
    // the sum itself is one of the magnitudes
    let sum = (sign * magnitudes / (condition - 1.0)) as f32;
    values.push(sum);
    values.resize(n, 0.0);
    for i in (1..n).rev() {
        values.swap(i, rng.below(i as u32 + 1) as usize);
    }
    (values, sum.into())
}
