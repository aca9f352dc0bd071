//! One op at one random point, and the comparisons that can be made there.

use alloc::format;
use alloc::vec::Vec;
use core::marker::PhantomData;

use super::{
    ADJOINT, Contribution, DIFFERENCES, Faulty, Given, Mismatch, Pulled, Rng, SYMMETRY, Sample, Testable, Value,
    with_fault,
};
use crate::real::{Dual, Real};

pub(super) fn map_lists<A: Copy, B>(lists: &[Vec<A>], f: impl Fn(A) -> B) -> Vec<Vec<B>> {
    lists.iter().map(|list| list.iter().map(|&x| f(x)).collect()).collect()
}

/// Random numbers in (-1, 1), in the shape of `lists`.
pub(super) fn random_like<R: Real>(lists: &[Vec<R>], rng: &mut Rng) -> Vec<Vec<f64>> {
    lists.iter().map(|list| list.iter().map(|_| rng.between(-1.0, 1.0)).collect()).collect()
}

/// `Σ a b`, and the sum of the magnitudes of the terms.
pub(super) fn pair(a: &[Vec<f64>], b: &[Vec<f64>]) -> [f64; 2] {
    let terms = a.iter().zip(b).flat_map(|(a, b)| a.iter().zip(b));
    terms.fold([0.0; 2], |[sum, magnitude], (a, b)| [sum + a * b, magnitude + (a * b).abs()])
}

pub(super) fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

/// Arguments, and the lists of a state, with tangents.
type Tangents = (Vec<Value<Dual<f64>>>, Vec<Vec<Dual<f64>>>);

/// One op at one random point, with random directions and cotangents.
pub(super) struct Case<O> {
    values: Vec<Value<f64>>,
    given: Given<f64>,
    directions: Vec<Vec<f64>>,
    state_direction: Vec<Vec<f64>>,
    /// a second direction, of arguments and of the state
    other: [Vec<Vec<f64>>; 2],
    back: Pulled<f64>,
    op: PhantomData<O>,
}

impl<O: Testable<f64> + Testable<Dual<f64>>> Case<O> {
    pub(super) fn new(samples: &[Sample], seed: u64) -> Result<Self, Mismatch> {
        let mut rng = Rng::new(seed);
        let values: Vec<_> = samples.iter().map(|s| s.draw(&mut rng)).collect();
        // the sizes of the state are known after a first run, those of a state that grows after a second
        let first = <O as Testable<f64>>::run(&values, &Given::default())?;
        let state = random_like(&first.state, &mut rng);
        let second = <O as Testable<f64>>::run(&values, &Given { state: state.clone(), ..Given::default() })?;
        let outs = random_like(&first.outs, &mut rng);
        let given = Given { state, outs, state_cot: random_like(&second.state, &mut rng) };
        let directions = values.iter().map(|v| v.direction(&mut rng)).collect();
        let state_direction = random_like(&first.state, &mut rng);
        let other = [values.iter().map(|v| v.direction(&mut rng)).collect(), random_like(&first.state, &mut rng)];
        let back = <O as Testable<f64>>::pull(&values, &given, Contribution::First)?;
        Ok(Case { values, given, directions, state_direction, other, back, op: PhantomData })
    }

    /// Every way to call the op gives the same numbers.
    pub(super) fn check_calls(&self) -> Result<(), Mismatch> {
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

    /// Arguments and initial state with tangents.
    fn dual(&self, arguments: &[Vec<f64>], state: &[Vec<f64>]) -> Tangents {
        let dual = |values: &[f64], tangents: &[f64]| -> Vec<Dual<f64>> {
            values.iter().zip(tangents).map(|(&value, &tangent)| Dual { value, tangent }).collect()
        };
        let values = self.values.iter().zip(arguments).map(|(v, t)| v.with(|x| dual(x, t))).collect();
        (values, self.given.state.iter().zip(state).map(|(x, t)| dual(x, t)).collect())
    }

    /// `⟨J v, w⟩ = ⟨v, Jᵀ w⟩`
    pub(super) fn check_adjoint(&self) -> Result<f64, Mismatch> {
        self.check_adjoint_of(&self.back, self.forward_side()?)
    }

    /// `⟨J v, w⟩` by forward mode, and the sum of the magnitudes of its terms.
    fn forward_side(&self) -> Result<[f64; 2], Mismatch> {
        let (values, state) = self.dual(&self.directions, &self.state_direction);
        let run = O::run(&values, &Given { state, outs: Vec::new(), state_cot: Vec::new() })?;
        let tangents = |lists: &[Vec<Dual<f64>>]| map_lists(lists, |x| x.tangent);
        Ok(plus(pair(&tangents(&run.outs), &self.given.outs), pair(&tangents(&run.state), &self.given.state_cot)))
    }

    /// The other side from `back`, against `forward`.
    fn check_adjoint_of(&self, back: &Pulled<f64>, forward: [f64; 2]) -> Result<f64, Mismatch> {
        let [forward, size] = forward;
        let [backward, other_size] =
            plus(pair(&self.directions, &back.arguments), pair(&self.state_direction, &back.state));
        agree("⟨Jv, w⟩ against ⟨v, Jᵀw⟩", forward, backward, size + other_size, ADJOINT)
    }

    /// `⟨v, H u⟩ = ⟨u, H v⟩`, where `H u` is the tangent of the backward pass along `u`.
    pub(super) fn check_symmetry(&self) -> Result<f64, Mismatch> {
        let [other, other_state] = &self.other;
        let product = |along: [&[Vec<f64>]; 2], with: [&[Vec<f64>]; 2]| -> Result<[f64; 2], Mismatch> {
            let (values, state) = self.dual(along[0], along[1]);
            let constant = |lists: &[Vec<f64>]| map_lists(lists, Dual::of);
            let (outs, state_cot) = (constant(&self.given.outs), constant(&self.given.state_cot));
            let back = O::pull(&values, &Given { state, outs, state_cot }, Contribution::First)?;
            let tangents = |lists: &[Vec<Dual<f64>>]| map_lists(lists, |x| x.tangent);
            Ok(plus(pair(with[0], &tangents(&back.arguments)), pair(with[1], &tangents(&back.state))))
        };
        let (u, v) = ([&self.directions[..], &self.state_direction], [&other[..], other_state]);
        let ([first, size], [second, other_size]) = (product(u, v)?, product(v, u)?);
        // where the terms of an element cancel, the gradient itself says how large they were
        let [_, gradient] = plus(pair(u[0], &self.back.arguments), pair(u[1], &self.back.state));
        agree("⟨v, Hu⟩ against ⟨u, Hv⟩", first, second, size + other_size + gradient, SYMMETRY)
    }

    /// Each cotangent with its sign flipped, and with that of its largest element flipped: the checks have to see it.
    /// Gives the number of cotangents.
    pub(super) fn check_mutants(&self) -> Result<usize, Mismatch> {
        let (arguments, forward) = (self.back.arguments.len(), self.forward_side()?);
        let mut count = 0;
        for i in 0..arguments + self.back.state.len() {
            let what = match i.checked_sub(arguments) {
                None => format!("gradient of argument {}", i + 1),
                Some(_) => "cotangent of the initial state".into(),
            };
            let of = |back: &Pulled<f64>| -> Vec<f64> {
                i.checked_sub(arguments).map_or_else(|| back.arguments[i].clone(), |i| back.state[i].clone())
            };
            let largest = of(&self.back).into_iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let Some((at, _)) = largest.filter(|(_, x)| *x != 0.0) else { continue };
            count += 1;
            for whole in [true, false] {
                let mut back = self.back.clone();
                let list = match i.checked_sub(arguments) {
                    None => &mut back.arguments[i],
                    Some(i) => &mut back.state[i],
                };
                list.iter_mut().enumerate().filter(|(k, _)| whole || *k == at).for_each(|(_, x)| *x = -*x);
                if self.check_adjoint_of(&back, forward).is_ok() {
                    return Err(Mismatch::Bits(format!("the checks do not see a wrong sign in the {what}")));
                }
            }
        }
        Ok(count)
    }

    /// The rule over [`Faulty`] numbers, with one operation wrong at a time: the checks have to see it.
    pub(super) fn check_faults(&self) -> Result<(), Mismatch>
    where
        O: Testable<Faulty>,
    {
        let values: Vec<Value<Faulty>> = self.values.iter().map(|v| v.map(Faulty::of)).collect();
        let lists = |lists: &[Vec<f64>]| map_lists(lists, Faulty::of);
        let Given { state, outs, state_cot } = &self.given;
        let given = Given { state: lists(state), outs: lists(outs), state_cot: lists(state_cot) };
        let run = |fault| with_fault(fault, || <O as Testable<Faulty>>::run(&values, &given));
        let pull = |fault| {
            let (back, count) =
                with_fault(fault, || <O as Testable<Faulty>>::pull(&values, &given, Contribution::First));
            (back.map(|back| [back.arguments, back.state].map(|lists| map_lists(&lists, Real::value))), count)
        };
        let (ran, forward) = run(None);
        let (right, count) = pull(None);
        let (ran, right, forward_side) = (ran?, right?, self.forward_side()?);
        for fault in 0..count {
            // an op that refuses what it is given does notice
            let (Ok(wrong), _) = pull(Some(fault)) else { continue };
            if indistinct(&wrong, &right) {
                continue;
            }
            // operations come in the same order, those of the forward pass first
            if fault < forward
                && run(Some(fault)).0.is_ok_and(|faulty| faulty.outs != ran.outs || faulty.state != ran.state)
            {
                continue;
            }
            let [arguments, state] = wrong;
            if self.check_adjoint_of(&Pulled { arguments, signals: Vec::new(), state }, forward_side).is_ok() {
                let what = format!("the checks do not see a wrong sign in operation {fault} of {count}");
                return Err(Mismatch::Bits(what));
            }
        }
        Ok(())
    }

    /// The derivative along a random direction, for each argument and for the initial state.
    pub(super) fn check_differences(&self) -> Result<f64, Mismatch> {
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

/// Whether a fault changes no number by more than the adjoint identity, a sum over all of them, can tell from rounding.
///
/// What was found so, traced in `lif` and `izhikevich`: products with an exact 0, such as the slope of a neuron that rests; the sign of what an even
/// function takes, such as `s (1 - s)` of the logistic, which moves the last bits; and slopes that vanish far from a threshold. The first two
/// no point can show; for the third take points near the threshold.
fn indistinct(wrong: &[Vec<Vec<f64>>; 2], right: &[Vec<Vec<f64>>; 2]) -> bool {
    let largest = right.iter().flatten().flatten().fold(0.0_f64, |m, x| m.max(x.abs()));
    let mut pairs = wrong.iter().flatten().zip(right.iter().flatten()).flat_map(|(a, b)| a.iter().zip(b));
    pairs.all(|(wrong, right)| (wrong - right).abs() <= 1e-9 * largest)
}

pub(super) fn agree(what: &str, expected: f64, found: f64, size: f64, bound: f64) -> Result<f64, Mismatch> {
    let error = (expected - found).abs() / size.max(f64::MIN_POSITIVE);
    if error <= bound { Ok(error) } else { Err(Mismatch::Numbers { what: what.into(), expected, found, error, bound }) }
}
