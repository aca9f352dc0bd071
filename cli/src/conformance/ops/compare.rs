//! One array against what it should be, each element with its own bound.

use std::iter::zip;

use crate::conformance::report::Worst;

/// What kernels promise about NaN and infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// the same ones
    Exact,
    /// something that is not finite, where the formula gives something that is not: an infinity may become NaN
    Spreads,
}

/// Compares the numbers of an array; gives the one that used most of its bound, which is its own or what is `allowed`.
/// Errors and bounds are shares of the largest magnitude in the array, as vectors state them. Of an array of one number that
/// may be what is left of terms a thousand times as large, so there nothing but the own bound counts.
pub(super) fn compared(
    array: &str,
    found: &[f32],
    expected: &[f64],
    bounds: &[f64],
    allowed: f64,
    special: Special,
) -> Result<Worst, String> {
    if found.len() != expected.len() || bounds.len() != expected.len() {
        return Err(format!("has {} elements, expected {}", found.len(), expected.len()));
    }
    let finite = expected.iter().map(|v| v.abs()).filter(|v| v.is_finite());
    let largest = finite.fold(0.0, f64::max);
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let allowed = if expected.len() > 1 { allowed * unit } else { f64::INFINITY };
    let mut worst: Option<Worst> = None;
    for (i, ((&found, &expected), &bound)) in zip(zip(found, expected), bounds).enumerate() {
        let (error, bound) = distance(f64::from(found), expected, bound, allowed, special);
        if error.is_nan() {
            return Err(format!("is {found} at {i}, expected {expected:e}"));
        }
        let this = Worst { array: format!("{array}[{i}]"), error: error / unit, bound: bound / unit };
        if worst.as_ref().is_none_or(|worst| this.is_worse(worst)) {
            worst = Some(this);
        }
    }
    Ok(worst.unwrap_or_else(|| Worst { array: array.to_owned(), error: 0.0, bound: 0.0 }))
}

/// How far a number is off, and may be. NaN is off by NaN, and within no bound.
fn distance(found: f64, expected: f64, bound: f64, allowed: f64, special: Special) -> (f64, f64) {
    if !bound.is_finite() && special == Special::Spreads && !found.is_finite() {
        // something on the way was infinite, or too large for f32: no bound, and what comes of it may not be finite
        return (0.0, 0.0);
    }
    let bound = bound.min(allowed);
    if expected.is_finite() && bound.is_finite() {
        // beyond the range of f32 there is infinity
        let overflows = expected.abs() + bound > f64::from(f32::MAX);
        let is_infinite = found == expected.signum() * f64::INFINITY;
        return if overflows && is_infinite { (0.0, bound) } else { ((found - expected).abs(), bound) };
    }
    let is_right = match special {
        Special::Spreads if !expected.is_finite() => !found.is_finite(),
        _ => found == f64::from(expected as f32) || found.is_nan() && expected.is_nan(),
    };
    (if is_right { 0.0 } else { f64::NAN }, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_has_its_own_bound() {
        let bounds = [1e-6, 1e-3];
        let at = |found: [f32; 2]| compared("y", &found, &[1.0, 1000.0], &bounds, 1e-5, Special::Exact).unwrap();
        assert!(at([1.0, 1000.0]).holds());
        let worst = at([1.0001, 1000.0]);
        assert!(!worst.holds() && worst.array == "y[0]" && worst.bound < 1.1e-9, "{worst:?}");
        assert!(at([1.0, 1000.0005]).holds());
        assert!(!at([1.0, 1000.1]).holds());
        let at = |allowed| compared("y", &[1.0, 1000.0005], &[1.0, 1000.0], &bounds, allowed, Special::Exact).unwrap();
        assert!(at(1e-6).holds() && !at(1e-7).holds(), "both count");
        let alone = compared("y", &[1.0005], &[1.0], &[1e-3], 1e-7, Special::Exact).unwrap();
        assert!(alone.holds());
        assert!(compared("y", &[1.0], &[1.0, 2.0], &bounds, 1e-5, Special::Exact).is_err());
    }

    #[test]
    fn what_is_not_finite() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let holds = |found, expected, bound, special| {
            let (error, bound) = distance(found, expected, bound, f64::INFINITY, special);
            error <= bound
        };
        for (found, expected, exact, spreads) in [
            (nan, nan, true, true),
            (inf, inf, true, true),
            (inf, -inf, false, true),
            (nan, inf, false, true),
            (inf, nan, false, true),
            (1.0, inf, false, false),
            (1.0, nan, false, false),
        ] {
            assert_eq!(holds(found, expected, nan, Special::Exact), exact, "{found} for {expected}");
            assert_eq!(holds(found, expected, nan, Special::Spreads), spreads, "{found} for {expected}");
            assert!(!holds(found, expected, 1e-3, Special::Exact) || exact);
        }
        assert!(!holds(nan, 1.0, 1e-3, Special::Spreads) && !holds(inf, 1.0, 1e-3, Special::Spreads));
        // a finite number whose bound nobody knows has to be that number
        assert!(holds(2.0, 2.0, inf, Special::Spreads) && !holds(2.1, 2.0, inf, Special::Spreads));
        // and may have become infinite on the way
        assert!(holds(inf, 2.0, inf, Special::Spreads) && !holds(inf, 2.0, inf, Special::Exact));
        // beyond the range of f32
        assert!(holds(inf, 1e39, 1e32, Special::Exact) && holds(-inf, -1e39, 1e32, Special::Exact));
        assert!(!holds(inf, 1e38, 1e32, Special::Exact) && !holds(-inf, 1e39, 1e32, Special::Exact));
    }
}
