//! Checks of derivative rules, for the ops here and for your own.
//!
//! [`check_primitive`] compares an op's `vjp` with finite differences of its `forward` in f64, and with its tangents
//! over [`Dual`] numbers; [`check_adjoint`] does the second alone, for rules that are not the derivative of what they
//! round; [`check_f32`] compares the `f32` path with the `f64` path.
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
mod layers;
mod rng;
mod run;
mod sample;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub use arguments::{Argument, Arguments, Receiver, Receivers, Receives, Results};
pub use layers::{check_layer, check_layer_adjoint, flatten};
pub use rng::Rng;
pub use run::{Contribution, Given, Pulled, Ran, Testable};
pub use sample::{Sample, Value, binary, constant, ids, numbers, quantized, ternary};

use crate::Error;
use crate::real::{Dual, Real};

/// How far apart the two sides of the worst comparison were, each relative to the sum of the magnitudes of its terms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worst {
    /// `vjp` against finite differences
    pub differences: f64,
    /// `⟨J v, w⟩` against `⟨v, Jᵀ w⟩`
    pub adjoint: f64,
}

/// Largest allowed [`Worst::differences`].
pub const DIFFERENCES: f64 = 1e-7;
/// Largest allowed [`Worst::adjoint`].
pub const ADJOINT: f64 = 1e-12;

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

/// Checks `vjp` against finite differences of `forward` and against tangents over [`Dual`], for every argument and the
/// initial state, on random values; and that saving or not, writing or adding, gives the same numbers.
///
/// # Errors
/// [`Mismatch`] says what differs, and by how much. Bounds are [`DIFFERENCES`] and [`ADJOINT`].
pub fn check_primitive<O: Testable<f64> + Testable<Dual<f64>>>(
    samples: &[Sample],
    seed: u64,
) -> Result<Worst, Mismatch> {
    let case = Case::<O>::new(samples, seed)?;
    case.check_calls()?;
    let adjoint = case.check_adjoint()?;
    Ok(Worst { differences: case.check_differences()?, adjoint })
}

/// As [`check_primitive`] without finite differences: for an op with a straight-through or surrogate derivative.
///
/// # Errors
/// As [`check_primitive`].
pub fn check_adjoint<O: Testable<f64> + Testable<Dual<f64>>>(samples: &[Sample], seed: u64) -> Result<Worst, Mismatch> {
    let case = Case::<O>::new(samples, seed)?;
    case.check_calls()?;
    Ok(Worst { differences: 0.0, adjoint: case.check_adjoint()? })
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
    let state_cot = widened(&narrow(&random_like(&first.state, &mut rng)));
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

fn map_lists<A: Copy, B>(lists: &[Vec<A>], f: impl Fn(A) -> B) -> Vec<Vec<B>> {
    lists.iter().map(|list| list.iter().map(|&x| f(x)).collect()).collect()
}

/// Random numbers in (-1, 1), in the shape of `lists`.
fn random_like<R: Real>(lists: &[Vec<R>], rng: &mut Rng) -> Vec<Vec<f64>> {
    lists.iter().map(|list| list.iter().map(|_| rng.between(-1.0, 1.0)).collect()).collect()
}

/// `Σ a b`, and the sum of the magnitudes of the terms.
fn pair(a: &[Vec<f64>], b: &[Vec<f64>]) -> [f64; 2] {
    let terms = a.iter().zip(b).flat_map(|(a, b)| a.iter().zip(b));
    terms.fold([0.0; 2], |[sum, magnitude], (a, b)| [sum + a * b, magnitude + (a * b).abs()])
}

fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

/// One op at one random point, with random directions and cotangents.
struct Case<O> {
    values: Vec<Value<f64>>,
    given: Given<f64>,
    directions: Vec<Vec<f64>>,
    state_direction: Vec<Vec<f64>>,
    back: Pulled<f64>,
    op: core::marker::PhantomData<O>,
}

impl<O: Testable<f64> + Testable<Dual<f64>>> Case<O> {
    fn new(samples: &[Sample], seed: u64) -> Result<Self, Mismatch> {
        let mut rng = Rng::new(seed);
        let values: Vec<_> = samples.iter().map(|s| s.draw(&mut rng)).collect();
        // the sizes of the state are known after a first run
        let first = <O as Testable<f64>>::run(&values, &Given::default())?;
        let given = Given {
            state: random_like(&first.state, &mut rng),
            outs: random_like(&first.outs, &mut rng),
            state_cot: random_like(&first.state, &mut rng),
        };
        let directions = values.iter().map(|v| v.direction(&mut rng)).collect();
        let state_direction = random_like(&first.state, &mut rng);
        let back = <O as Testable<f64>>::pull(&values, &given, Contribution::First)?;
        Ok(Case { values, given, directions, state_direction, back, op: core::marker::PhantomData })
    }

    /// Every way to call the op gives the same numbers.
    fn check_calls(&self) -> Result<(), Mismatch> {
        let same = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            a.iter().flatten().map(|x| x.to_bits()).eq(b.iter().flatten().map(|x| x.to_bits()))
        };
        let bits = |what: &str| Err(Mismatch::Bits(what.into()));
        let run = <O as Testable<f64>>::run(&self.values, &self.given)?;
        let plain = <O as Testable<f64>>::run_plain(&self.values, &self.given)?;
        if !same(&run.outs, &plain.outs) || !same(&run.state, &plain.state) {
            return bits("`forward` and `forward_saving` give different results");
        }
        let passing: Vec<_> = self.values.iter().map(|v| v.passing()).collect();
        let back = <O as Testable<f64>>::pull(&passing, &self.given, Contribution::First)?;
        if !same(&back.arguments, &self.back.arguments) {
            return bits("arguments that do not outlive the call change the gradients");
        }
        let added = <O as Testable<f64>>::pull(&self.values, &self.given, Contribution::Further)?;
        let pairs = added.arguments.iter().zip(&self.back.arguments).enumerate();
        for (i, (added, first)) in pairs.filter(|(i, _)| self.values[*i].free) {
            // what was there before was 1; the sum is rounded once
            for (added, first) in added.iter().zip(first) {
                let error = (added - 1.0 - first).abs();
                if error > 1e-14 * (1.0 + first.abs()) || error.is_nan() {
                    return bits(&format!("a gradient of argument {} is not added to what is there", i + 1));
                }
            }
        }
        <O as Testable<f64>>::pull(&self.values, &self.given, Contribution::Unwanted)?;
        Ok(())
    }

    /// `⟨J v, w⟩ = ⟨v, Jᵀ w⟩`
    fn check_adjoint(&self) -> Result<f64, Mismatch> {
        let dual = |values: &[f64], tangents: &[f64]| -> Vec<Dual<f64>> {
            values.iter().zip(tangents).map(|(&value, &tangent)| Dual { value, tangent }).collect()
        };
        let values: Vec<_> = self.values.iter().zip(&self.directions).map(|(v, t)| v.with(|x| dual(x, t))).collect();
        let state = self.given.state.iter().zip(&self.state_direction).map(|(x, t)| dual(x, t)).collect();
        let run = O::run(&values, &Given { state, outs: Vec::new(), state_cot: Vec::new() })?;
        let tangents = |lists: &[Vec<Dual<f64>>]| map_lists(lists, |x| x.tangent);
        let [forward, size] =
            plus(pair(&tangents(&run.outs), &self.given.outs), pair(&tangents(&run.state), &self.given.state_cot));
        let [backward, other_size] =
            plus(pair(&self.directions, &self.back.arguments), pair(&self.state_direction, &self.back.state));
        agree("⟨Jv, w⟩ against ⟨v, Jᵀw⟩", forward, backward, size + other_size, ADJOINT)
    }

    /// The derivative along a random direction, for each argument and for the initial state.
    fn check_differences(&self) -> Result<f64, Mismatch> {
        let mut worst: f64 = 0.0;
        for i in 0..=self.values.len() {
            let (gradient, direction, what) = if i < self.values.len() {
                (&self.back.arguments[i..=i], &self.directions[i..=i], format!("gradient of argument {}", i + 1))
            } else {
                (&self.back.state[..], &self.state_direction[..], "cotangent of the initial state".into())
            };
            if direction.iter().all(|d| d.is_empty()) {
                continue;
            }
            let [found, size] = pair(gradient, direction);
            let slope =
                |h: f64| -> Result<f64, Mismatch> { Ok((self.loss(i, h)?[0] - self.loss(i, -h)?[0]) / (2.0 * h)) };
            // Richardson: central differences have errors in h^2, h^4, ..; two eliminations leave h^6
            let [a, b, c] = [slope(1.0 / 64.0)?, slope(1.0 / 128.0)?, slope(1.0 / 256.0)?];
            let (ab, bc) = ((4.0 * b - a) / 3.0, (4.0 * c - b) / 3.0);
            let expected = (16.0 * bc - ab) / 15.0;
            // the loss itself is rounded: its share allows for gradients that nearly vanish
            let size = size + 1e-3 * self.loss(i, 0.0)?[1];
            worst = worst.max(agree(&what, expected, found, size, DIFFERENCES)?);
        }
        Ok(worst)
    }

    /// The paired results at `h` along the direction of argument `i` (or of the state).
    fn loss(&self, i: usize, h: f64) -> Result<[f64; 2], Mismatch> {
        let moved = |x: &[f64], v: &[f64]| -> Vec<f64> { x.iter().zip(v).map(|(x, v)| x + h * v).collect() };
        let (mut values, mut given) = (self.values.clone(), self.given.clone());
        match values.get_mut(i) {
            Some(value) => *value = value.with(|x| moved(x, &self.directions[i])),
            None => {
                for (x, v) in given.state.iter_mut().zip(&self.state_direction) {
                    *x = moved(x, v);
                }
            }
        }
        let run = <O as Testable<f64>>::run(&values, &given)?;
        Ok(plus(pair(&run.outs, &given.outs), pair(&run.state, &given.state_cot)))
    }
}

fn agree(what: &str, expected: f64, found: f64, size: f64, bound: f64) -> Result<f64, Mismatch> {
    let error = (expected - found).abs() / size.max(f64::MIN_POSITIVE);
    if error <= bound { Ok(error) } else { Err(Mismatch::Numbers { what: what.into(), expected, found, error, bound }) }
}
