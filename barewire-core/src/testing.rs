//! Checks of derivative rules, for the ops here and for your own.
//!
//! [`check_primitive`] compares an op's `vjp` with finite differences of its `forward` in f64, with its tangents over
//! [`Dual`] numbers, and looks whether its second derivatives are symmetric; [`check_shapes`] does so over batches and
//! tails; [`check_adjoint`] compares with tangents alone, for rules that are not the derivative of what they round;
//! [`check_f32`] compares the `f32` path with the `f64` path; [`check_mutants`] flips every sign in the rule's code and looks
//! whether the checks notice.
//!
//! ```
//! use barewire_core::testing::{self, numbers};
//! # use barewire_core::primitive::{Arg, Primitive, Slot};
//! # use barewire_core::{Error, real::Real, shape::Sig, workspace::Arena};
//! # #[allow(non_camel_case_types)]
//! # pub struct cube;
//! # impl Primitive for cube {
//! #     const SIG: Sig = Sig::new("(..) -> (..)");
//! #     const KEEPS: &'static [bool] = &[true];
//! #     type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
//! #     type Cots<'a, R: Real> = (Slot<'a, R>,);
//! #     type Out<T> = [T; 1];
//! #     type Residual<'r, R: Real> = &'r [R];
//! #     type State<R: Real> = ();
//! #     fn forward_saving<'r, R: Real>(
//! #         (x,): (Arg<'r, '_, R>,), [y]: [&mut [R]; 1], _: &mut (), saved: &mut Arena<'r, R>, _: Arena<'_, R>,
//! #     ) -> Result<&'r [R], Error> {
//! #         for (y, &x) in y.iter_mut().zip(x.data()) { *y = x * x * x; }
//! #         Ok(x.keep(saved))
//! #     }
//! #     fn vjp<R: Real>(
//! #         x: &[R], _: [&[R]; 1], [c]: [&[R]; 1], (mut slot,): (Slot<'_, R>,), _: &mut (), _: Arena<'_, R>,
//! #     ) -> Result<(), Error> {
//! #         slot.each(|i| R::of(3.0) * x[i] * x[i] * c[i]);
//! #         Ok(())
//! #     }
//! # }
//! // one sample for each argument: here numbers in (-1, 1) of these sizes; the last argument is a seed
//! testing::check_primitive::<cube>(&[numbers(&[2, 7])], 1)?;
//! testing::check_f32::<cube>(&[numbers(&[2, 7])], 1, 1e-6)?;
//! # Ok::<(), testing::Mismatch>(())
//! ```

mod arguments;
mod case;
mod faulty;
mod layers;
mod rng;
mod run;
mod sample;
mod sums;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub use arguments::{Argument, Arguments, Receiver, Receivers, Receives, Results};
pub use faulty::{Faulty, with_fault};
pub use layers::{check_layer, check_layer_adjoint, check_layer_second_order};
pub use rng::Rng;
pub use run::{Contribution, Given, Pulled, Ran, Testable};
pub use sample::{Sample, Value, binary, constant, given_ids, ids, numbers, quantized, setting, ternary};
pub use sums::ill_conditioned_sum;

use crate::Error;
use crate::real::{Dual, Real};
use case::{Case, agree, map_lists, pair, random_like};

/// How far apart the two sides of the worst comparison were, each relative to the sum of the magnitudes of its terms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worst {
    /// `vjp` against finite differences
    pub differences: f64,
    /// `⟨J v, w⟩` against `⟨v, Jᵀ w⟩`
    pub adjoint: f64,
    /// `⟨v, H u⟩` against `⟨u, H v⟩`, of ops
    pub symmetry: f64,
}

/// Largest allowed [`Worst::differences`].
pub const DIFFERENCES: f64 = 1e-7;
/// Largest allowed [`Worst::adjoint`].
pub const ADJOINT: f64 = 1e-12;
/// Largest allowed [`Worst::symmetry`].
pub const SYMMETRY: f64 = 1e-12;
/// Numbers of rows that [`check_shapes`] tries: none, one, and some that no block is a multiple of.
pub const ROWS: [usize; 5] = [0, 1, 2, 7, 33];
/// Widths that [`check_shapes`] tries.
pub const WIDTHS: [usize; 5] = [1, 2, 7, 16, 33];

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// the op did not run
    #[error(transparent)]
    Run(#[from] Error),
    /// two numbers that should agree do not
    #[error("{what}: {found:e} is {error:e} off {expected:e}, more than {bound:e} of the terms")]
    Numbers {
        /// what was compared
        what: String,
        /// the number to meet
        expected: f64,
        /// the number found
        found: f64,
        /// relative difference
        error: f64,
        /// largest allowed
        bound: f64,
    },
    /// two ways to call the op give different bits
    #[error("{0}")]
    Bits(String),
}

impl Mismatch {
    /// The same, with where it happened in front.
    fn at(self, place: &str) -> Self {
        match self {
            Mismatch::Run(error) => Mismatch::Run(error.inside(place)),
            Mismatch::Numbers { what, expected, found, error, bound } => {
                Mismatch::Numbers { what: format!("{place}: {what}"), expected, found, error, bound }
            }
            Mismatch::Bits(what) => Mismatch::Bits(format!("{place}: {what}")),
        }
    }
}

/// Checks `vjp` against finite differences of `forward` and against tangents over [`Dual`], for every argument and the
/// initial state, on random values; that its own derivative is symmetric (Hessian-vector products over [`Dual`]); and
/// that saving or not, writing or adding, gives the same numbers.
///
/// # Errors
/// [`Mismatch`] says what differs, and by how much. Bounds are [`DIFFERENCES`], [`ADJOINT`] and [`SYMMETRY`].
pub fn check_primitive<O: Testable<f64> + Testable<Dual<f64>>>(
    samples: &[Sample],
    seed: u64,
) -> Result<Worst, Mismatch> {
    let case = Case::<O>::new(samples, seed)?;
    case.check_calls()?;
    let (adjoint, symmetry) = (case.check_adjoint()?, case.check_symmetry()?);
    Ok(Worst { differences: case.check_differences()?, adjoint, symmetry })
}

/// [`check_primitive`] on samples for each number of rows in [`ROWS`] and each width in [`WIDTHS`], which `samples`
/// makes: batches of none, one and more, and tails.
///
/// ```
/// # use barewire_core::{ops, testing::{Mismatch, check_shapes, numbers}};
/// check_shapes::<ops::linear>(|rows, width| vec![numbers(&[3, width]), numbers(&[2, rows, width])], 1)?;
/// # Ok::<(), Mismatch>(())
/// ```
///
/// # Errors
/// As [`check_primitive`], with the shape in front.
pub fn check_shapes<O: Testable<f64> + Testable<Dual<f64>>>(
    samples: impl Fn(usize, usize) -> Vec<Sample>,
    seed: u64,
) -> Result<Worst, Mismatch> {
    let mut all = Worst::default();
    for rows in ROWS {
        for width in WIDTHS {
            let at = |error: Mismatch| error.at(&format!("{rows} rows of {width}"));
            let Worst { differences, adjoint, symmetry } =
                check_primitive::<O>(&samples(rows, width), seed).map_err(at)?;
            all = Worst {
                differences: all.differences.max(differences),
                adjoint: all.adjoint.max(adjoint),
                symmetry: all.symmetry.max(symmetry),
            };
        }
    }
    Ok(all)
}

/// As [`check_primitive`] without what holds for true derivatives only, finite differences and symmetry: for an op with a
/// straight-through or surrogate derivative.
///
/// # Errors
/// As [`check_primitive`].
pub fn check_adjoint<O: Testable<f64> + Testable<Dual<f64>>>(samples: &[Sample], seed: u64) -> Result<Worst, Mismatch> {
    let case = Case::<O>::new(samples, seed)?;
    case.check_calls()?;
    Ok(Worst { adjoint: case.check_adjoint()?, ..Worst::default() })
}

/// Checks the checks: flips signs in the op's rule and requires that [`check_adjoint`] would notice. First those of one
/// cotangent at a time (of an argument or of the initial state), whole and in its largest element; then, in a run over
/// [`Faulty`] numbers, that of one operation of the rule at a time, every one of them: each addition becomes a
/// subtraction, each product its negative, and so on, unless no cotangent changes by
/// more than 1e-9 of the largest. An operation of the forward
/// pass counts as one of the rule where the results do not depend on it. Operations on what digits receive are left
/// out, as that is no cotangent, and so are the kernels, which [`check_f32`] checks.
///
/// Gives the number of cotangents, so that a test can say how many there should be; one that is all zeros does not
/// count. Take small samples: it runs the op as often as it has operations.
///
/// ```
/// # use barewire_core::{ops, testing::{Mismatch, check_mutants, numbers}};
/// // weights and input
/// assert_eq!(check_mutants::<ops::linear>(&[numbers(&[3, 5]), numbers(&[2, 5])], 1)?, 2);
/// # Ok::<(), Mismatch>(())
/// ```
///
/// # Errors
/// [`Mismatch`] if a flipped sign goes unnoticed.
pub fn check_mutants<O: Testable<f64> + Testable<Dual<f64>> + Testable<Faulty>>(
    samples: &[Sample],
    seed: u64,
) -> Result<usize, Mismatch> {
    let case = Case::<O>::new(samples, seed)?;
    case.check_faults()?;
    case.check_mutants()
}

/// Checks the `f32` path against the `f64` path on the same numbers, forward and backward. For each array the largest
/// difference, relative to the largest magnitude in the array, is at most `bound`; for a single number (a sum, whose
/// terms may cancel) relative to the largest magnitude in any array of the same pass. Gives the worst one.
///
/// # Errors
/// [`Mismatch`] says which array differs, and by how much.
pub fn check_f32<O: Testable<f64> + Testable<f32>>(samples: &[Sample], seed: u64, bound: f64) -> Result<f64, Mismatch> {
    let mut rng = Rng::new(seed);
    let values: Vec<Value<f32>> = samples.iter().map(|s| s.draw(&mut rng).map(|x| x as f32)).collect();
    let wide: Vec<Value<f64>> = values.iter().map(|v| v.map(f64::from)).collect();
    let narrow = |lists: &[Vec<f64>]| map_lists(lists, |x| x as f32);
    let widened = |lists: &[Vec<f32>]| map_lists(lists, f64::from);

    let first = <O as Testable<f64>>::run(&wide, &Given::default())?;
    // both sides see numbers that f32 holds
    let state = widened(&narrow(&random_like(&first.state, &mut rng)));
    let outs = widened(&narrow(&random_like(&first.outs, &mut rng)));
    let second = <O as Testable<f64>>::run(&wide, &Given { state: state.clone(), ..Given::default() })?;
    let state_cot = widened(&narrow(&random_like(&second.state, &mut rng)));
    let given = Given { state: narrow(&state), outs: narrow(&outs), state_cot: narrow(&state_cot) };
    let wide_given = Given { state, outs, state_cot };
    let (got, want) = (O::run(&values, &given)?, O::run(&wide, &wide_given)?);
    let (back, want_back) =
        (O::pull(&values, &given, Contribution::First)?, O::pull(&wide, &wide_given, Contribution::First)?);
    let forward = [("result", &got.outs, &want.outs), ("final state", &got.state, &want.state)];
    let backward = [
        ("gradient of argument", &back.arguments, &want_back.arguments),
        ("signal of argument", &back.signals, &want_back.signals),
        ("cotangent of initial state", &back.state, &want_back.state),
    ];
    let mut worst: f64 = 0.0;
    for pass in [&forward[..], &backward] {
        let largest_of_all = pass.iter().flat_map(|(_, _, want)| *want).fold(0.0, |m: f64, x| m.max(largest(x)));
        for (what, got, want) in pass {
            for (i, (got, want)) in got.iter().zip(*want).enumerate() {
                let size = if want.len() == 1 { largest_of_all } else { largest(want) };
                worst = worst.max(compare_at(size, &format!("{what} {}", i + 1), got, want, bound)?);
            }
        }
    }
    Ok(worst)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()))
}

/// Largest difference of two arrays, relative to the largest magnitude of `want`, if it is at most `bound`.
///
/// # Errors
/// [`Mismatch`] with the element that is furthest off, or the lengths if they differ.
pub fn compare<R: Real>(what: &str, got: &[R], want: &[f64], bound: f64) -> Result<f64, Mismatch> {
    compare_at(largest(want), what, got, want, bound)
}

fn compare_at<R: Real>(size: f64, what: &str, got: &[R], want: &[f64], bound: f64) -> Result<f64, Mismatch> {
    if got.len() != want.len() {
        return Err(Error::length(what, want.len(), got.len()).into());
    }
    let mut worst = 0.0;
    for (i, (got, &expected)) in got.iter().zip(want).enumerate() {
        let found = got.value();
        let error = (found - expected).abs() / size;
        // a NaN is no small error
        if error > bound || error.is_nan() {
            let what = format!("{what}, element {i}");
            return Err(Mismatch::Numbers { what, expected, found, error, bound });
        }
        worst = error.max(worst);
    }
    Ok(worst)
}
