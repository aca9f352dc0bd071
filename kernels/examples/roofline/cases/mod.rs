//! The kernels that are measured, and what is asked of them.
//!
//! Shares come from the targets of the kernels' design: a time and a floor on one machine become a share of the floor,
//! which holds on every machine whose rates have been measured.

mod around;
mod codes;
mod scans;
mod ternary;
mod training;

use crate::measure::Case;

/// Every case, in the order of the table.
pub(crate) fn all() -> Vec<Case> {
    let groups = [ternary::cases(), codes::cases(), scans::cases(), training::cases(), around::cases()];
    groups.into_iter().flatten().collect()
}

/// Numbers in [-1, 1] that no seed is needed for.
pub(crate) fn floats(len: usize) -> Vec<f32> {
    let wave = |i| ((i as u64 * 2_654_435_761 % 20_011) as f32 - 10_005.0) / 10_005.0;
    (0..len).map(wave).collect()
}

/// Digits -1, 0, 1.
fn digits(len: usize) -> Vec<i8> {
    (0..len).map(|i| (i as u64 * 2_654_435_761 % 7_919 % 3) as i8 - 1).collect()
}

/// Compares with numbers that are off by `bound` at most.
fn near(what: &str, found: &[f32], exact: impl IntoIterator<Item = f64>, bound: f64) -> Result<(), String> {
    let mut compared = 0;
    for (i, (found, exact)) in found.iter().zip(exact).enumerate() {
        let error = (f64::from(*found) - exact).abs();
        if error.is_nan() || error > bound {
            return Err(format!("{what}[{i}] is {found}, expected {exact} within {bound:e}"));
        }
        compared = i + 1;
    }
    if compared == 0 { Err(format!("{what}: nothing to compare with")) } else { Ok(()) }
}

/// Compares with numbers, the largest difference as a share of the largest magnitude.
fn close(what: &str, found: &[f32], exact: &[f64], bound: f64) -> Result<(), String> {
    if found.len() != exact.len() {
        return Err(format!("{what} has {} numbers, expected {}", found.len(), exact.len()));
    }
    let largest = exact.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    near(what, found, exact.iter().copied(), bound * largest)
}
