//! What the tests of ops share.
#![allow(dead_code, reason = "each test uses a part of it")]

use barewire_core::real::Dual;
use barewire_core::testing::{
    ADJOINT, DIFFERENCES, SYMMETRY, Sample, Testable, Worst, check_adjoint, check_f32, check_primitive,
};

/// Checks derivatives in f64, then the f32 path; `bound` is relative to the largest element of each array.
#[track_caller]
pub(crate) fn check<O: Testable<f64> + Testable<Dual<f64>> + Testable<f32>>(samples: &[Sample], bound: f64) {
    let name = core::any::type_name::<O>();
    match check_primitive::<O>(samples, 1) {
        Ok(Worst { differences, adjoint, symmetry }) => {
            report(name, differences / DIFFERENCES, (adjoint / ADJOINT).max(symmetry / SYMMETRY));
        }
        Err(e) => panic!("{name} on {samples:?}: {e}"),
    }
    check_single::<O>(samples, bound);
}

#[track_caller]
pub(crate) fn check_single<O: Testable<f64> + Testable<f32>>(samples: &[Sample], bound: f64) {
    let name = core::any::type_name::<O>();
    match check_f32::<O>(samples, 2, bound) {
        Ok(worst) => report(name, worst / bound, 0.0),
        Err(e) => panic!("f32 of {name} on {samples:?}: {e}"),
    }
}

/// The share of each bound that was used; `--nocapture` shows it.
pub(crate) fn report(name: &str, first: f64, second: f64) {
    println!("{name}: {first:.1e} {second:.1e} of the bounds");
}

/// Bound of a sum of `terms` products in f32, each rounded to half an ulp; what is summed is of the size of the
/// largest result up to a factor that `terms` covers generously.
pub(crate) fn sum_bound(terms: usize) -> f64 {
    let ulp = f64::from(f32::EPSILON);
    ulp * (8.0 + 2.0 * terms as f64)
}

/// For an op with a declared derivative: its tangents, then the f32 path.
#[track_caller]
pub(crate) fn check_declared<O: Testable<f64> + Testable<Dual<f64>> + Testable<f32>>(samples: &[Sample], bound: f64) {
    let name = core::any::type_name::<O>();
    match check_adjoint::<O>(samples, 3) {
        Ok(Worst { adjoint, .. }) => report(name, 0.0, adjoint / ADJOINT),
        Err(e) => panic!("{name} on {samples:?}: {e}"),
    }
    check_single::<O>(samples, bound);
}
