//! The same checks for a whole part: parameters, inputs and initial state at once.

use alloc::string::String;
use alloc::vec::Vec;
use core::slice::from_ref;

use super::{ADJOINT, DIFFERENCES, Mismatch, Rng, Sample, Worst, agree, pair, plus};
use crate::Error;
use crate::layer::{Input, Layer};
use crate::model::{Checked, ids, numbers};
use crate::part::{GradLeaf, Part};
use crate::primitive::Slot;
use crate::real::{Dual, Lift, Real};
use crate::state::State;
use crate::wire::Index;
use crate::workspace::Workspace;

/// Checks the gradients that the derive wrote for a part: against finite differences in f64 along a random direction
/// of all active float parameters, all inputs and the initial state, and against tangents over [`Dual`] numbers.
/// `inputs` has one sample for each input of the equation. Packed digits stay as they are.
///
/// ```
/// # use barewire_core::testing::{check_layer, numbers};
/// # use barewire_core::{layer::Layer, wire::{Index, Wire}};
/// # fn example<T: Layer>(part: &T) -> Result<(), barewire_core::testing::Mismatch> {
/// let index = Index::new();
/// check_layer::<T>(part.view(&index), &[numbers(&[2, 3, 8])], 1)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Mismatch`] says what differs, and by how much. Bounds are [`DIFFERENCES`] and [`ADJOINT`].
pub fn check_layer<T: Layer>(view: T::View<'_, f32>, inputs: &[Sample], seed: u64) -> Result<Worst, Mismatch> {
    let case = Case::<T>::new(view, inputs, seed)?;
    case.check_calls()?;
    let (differences, adjoint) = (case.check_differences()?, case.check_adjoint()?);
    Ok(Worst { differences, adjoint, ..Worst::default() })
}

/// As [`check_layer`] without finite differences: for an equation with a straight-through or surrogate derivative.
///
/// # Errors
/// As [`check_layer`].
pub fn check_layer_adjoint<T: Layer>(view: T::View<'_, f32>, inputs: &[Sample], seed: u64) -> Result<Worst, Mismatch> {
    let case = Case::<T>::new(view, inputs, seed)?;
    case.check_calls()?;
    Ok(Worst { adjoint: case.check_adjoint()?, ..Worst::default() })
}

/// The numbers of a point or gradient, in the order of its walk.
pub fn flatten<T: Part, R: Real>(grad: &mut T::Grad<R>) -> Vec<R> {
    let mut all = Vec::new();
    T::walk_grad::<R>(grad, &mut |leaf| match leaf {
        GradLeaf::Number(x) => all.push(*x),
        GradLeaf::Float(g) => all.extend_from_slice(g.values()),
        GradLeaf::Signal(_) => {}
    });
    all
}

/// Puts numbers into a point, in the order of its walk.
fn fill<T: Part, R: Real>(point: &mut T::Grad<R>, values: &[R]) {
    let mut rest = values;
    let mut next = |n: usize| {
        let (taken, after) = rest.split_at(n);
        rest = after;
        taken
    };
    T::walk_grad::<R>(point, &mut |leaf| match leaf {
        GradLeaf::Number(x) => *x = next(1)[0],
        GradLeaf::Float(g) => {
            let to = g.values_mut();
            to.copy_from_slice(next(to.len()));
        }
        GradLeaf::Signal(_) => {}
    });
}

/// Where the equation is evaluated, or a direction from there.
#[derive(Clone)]
struct At<R> {
    parameters: Vec<R>,
    inputs: Vec<Vec<R>>,
    state: Vec<Vec<R>>,
}

impl<R: Real> At<R> {
    fn map<S: Real>(&self, other: &At<R>, f: impl Fn(R, R) -> S) -> At<S> {
        let lists = |a: &[Vec<R>], b: &[Vec<R>]| {
            a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()).collect()
        };
        At {
            parameters: self.parameters.iter().zip(&other.parameters).map(|(a, b)| f(*a, *b)).collect(),
            inputs: lists(&self.inputs, &other.inputs),
            state: lists(&self.state, &other.state),
        }
    }

    fn random(&self, rng: &mut Rng) -> At<f64> {
        let mut list = |x: &Vec<R>| -> Vec<f64> { x.iter().map(|_| rng.between(-1.0, 1.0)).collect() };
        At {
            parameters: list(&self.parameters),
            inputs: self.inputs.iter().map(&mut list).collect(),
            state: self.state.iter().map(list).collect(),
        }
    }
}

struct Ran<R> {
    outs: Vec<Vec<R>>,
    state: Vec<Vec<R>>,
}

struct Case<'w, T: Layer> {
    view: T::View<'w, f32>,
    samples: Vec<super::Value<f64>>,
    at: At<f64>,
    direction: At<f64>,
    outs_cot: Vec<Vec<f64>>,
    state_cot: Vec<Vec<f64>>,
    back: At<f64>,
}

fn read_state<R: Real, S: State<R>>(state: &mut S) -> Vec<Vec<R>> {
    let mut lists = Vec::new();
    state.walk(&mut String::new(), &mut |_, list| lists.push(list.clone()));
    lists
}

fn write_state<R: Real, S: State<R>>(state: &mut S, lists: &[Vec<R>]) {
    let mut lists = lists.iter();
    state.walk(&mut String::new(), &mut |_, list| {
        if let Some(values) = lists.next() {
            list.clone_from(values);
        }
    });
}

impl<'w, T: Layer> Case<'w, T> {
    fn new(view: T::View<'w, f32>, samples: &[Sample], seed: u64) -> Result<Self, Mismatch> {
        let mut rng = Rng::new(seed);
        let samples: Vec<_> = samples.iter().map(|s| s.draw(&mut rng)).collect();
        let mut case = Case {
            view,
            at: At {
                parameters: flatten::<T, f64>(&mut T::point::<f64, f32>(view)),
                inputs: samples.iter().map(|s| s.numbers.clone()).collect(),
                state: Vec::new(),
            },
            samples,
            direction: At { parameters: Vec::new(), inputs: Vec::new(), state: Vec::new() },
            outs_cot: Vec::new(),
            state_cot: Vec::new(),
            back: At { parameters: Vec::new(), inputs: Vec::new(), state: Vec::new() },
        };
        // the sizes of the state are known after a first run
        let first = case.run(&case.at)?;
        case.at.state = super::random_like(&first.state, &mut rng);
        case.direction = case.at.random(&mut rng);
        case.outs_cot = super::random_like(&first.outs, &mut rng);
        case.state_cot = super::random_like(&first.state, &mut rng);
        case.back = case.pull()?;
        Ok(case)
    }

    /// The equation at a point of parameters, inputs and state.
    fn with<R: Real, Out>(
        &self,
        at: &At<R>,
        f: impl FnOnce(Checked<'_, T, R>, &[Input<'_, '_, R>], &mut T::State<R>) -> Result<Out, Error>,
    ) -> Result<Out, Error>
    where
        f32: Lift<R>,
    {
        let index = Index::new();
        let mut point = T::point::<R, f32>(self.view);
        fill::<T, R>(&mut point, &at.parameters);
        let inputs: Vec<_> = self
            .samples
            .iter()
            .zip(&at.inputs)
            .map(|(sample, values)| {
                if sample.ids.is_empty() {
                    numbers(values, sample.dims.sizes())
                } else {
                    ids(&sample.ids, sample.dims.sizes())
                }
            })
            .collect();
        let mut state = self.state_at(at, &inputs)?;
        f(Checked::new(T::at::<R, f32>(self.view, &point, &index)?)?, &inputs, &mut state)
    }

    /// A state with these numbers: sized by a run, then filled.
    fn state_at<R: Real>(&self, at: &At<R>, inputs: &[Input<'_, '_, R>]) -> Result<T::State<R>, Error> {
        let mut state = T::State::<R>::default();
        if !at.state.is_empty() {
            Checked::<T, f32>::new(self.view)?.forward_saving::<R>(inputs, &mut state, &mut Workspace::new())?;
            write_state(&mut state, &at.state);
        }
        Ok(state)
    }

    fn run<R: Real + Lift<R>>(&self, at: &At<R>) -> Result<Ran<R>, Error> {
        self.with(at, |model, inputs, state| {
            let mut workspace = Workspace::new();
            let pass = model.forward_saving::<R>(inputs, state, &mut workspace)?;
            let outs = (0..T::SIG.outputs()).map(|i| pass.result(i).to_vec()).collect();
            Ok(Ran { outs, state: read_state(state) })
        })
    }

    fn pull(&self) -> Result<At<f64>, Error> {
        self.with(&self.at, |model, inputs, state| {
            let mut workspace = Workspace::new();
            let mut grad = T::point::<f64, f32>(self.view);
            fill::<T, f64>(&mut grad, &self.at.parameters.iter().map(|_| 0.0).collect::<Vec<_>>());
            let mut pulled: Vec<Vec<f64>> =
                self.at.inputs.iter().map(|x| x.iter().map(|_| f64::NAN).collect()).collect();
            let mut slots: Vec<_> =
                pulled.iter_mut().map(|x| if x.is_empty() { Slot::Skip } else { Slot::Write(x) }).collect();
            let mut pass = model.forward_saving::<f64>(inputs, state, &mut workspace)?;
            let cots: Vec<&[f64]> = self.outs_cot.iter().map(Vec::as_slice).collect();
            write_state(state, &self.state_cot);
            pass.vjp(&cots, &mut slots, &mut grad, state)?;
            drop(slots);
            Ok(At { parameters: flatten::<T, f64>(&mut grad), inputs: pulled, state: read_state(state) })
        })
    }

    /// `forward` and `forward_saving` give the same bits.
    fn check_calls(&self) -> Result<(), Mismatch> {
        let saving = self.run(&self.at)?;
        let plain = self.with(&self.at, |model, inputs, state| {
            let mut outs = saving.outs.clone();
            let mut slices: Vec<&mut [f64]> = outs.iter_mut().map(Vec::as_mut_slice).collect();
            model.forward::<f64>(inputs, &mut slices, state, &mut Workspace::new())?;
            Ok(Ran { outs, state: read_state(state) })
        })?;
        let bits = |lists: &[Vec<f64>]| -> Vec<u64> { lists.iter().flatten().map(|x| x.to_bits()).collect() };
        if bits(&saving.outs) != bits(&plain.outs) || bits(&saving.state) != bits(&plain.state) {
            return Err(Mismatch::Bits("`forward` and `forward_saving` give different results".into()));
        }
        Ok(())
    }

    fn loss(&self, h: f64) -> Result<[f64; 2], Mismatch> {
        let ran = self.run(&self.at.map(&self.direction, |x, v| x + h * v))?;
        Ok(plus(pair(&ran.outs, &self.outs_cot), pair(&ran.state, &self.state_cot)))
    }

    /// `⟨v, Jᵀ w⟩` and the sum of the magnitudes of its terms.
    fn pulled(&self) -> [f64; 2] {
        let parameters = pair(from_ref(&self.direction.parameters), from_ref(&self.back.parameters));
        plus(
            parameters,
            plus(pair(&self.direction.inputs, &self.back.inputs), pair(&self.direction.state, &self.back.state)),
        )
    }

    fn check_differences(&self) -> Result<f64, Mismatch> {
        let [found, size] = self.pulled();
        let slope = |h: f64| -> Result<f64, Mismatch> { Ok((self.loss(h)?[0] - self.loss(-h)?[0]) / (2.0 * h)) };
        // Richardson: central differences have errors in h^2, h^4, ..; two eliminations leave h^6
        let [a, b, c] = [slope(1.0 / 512.0)?, slope(1.0 / 1024.0)?, slope(1.0 / 2048.0)?];
        let (ab, bc) = ((4.0 * b - a) / 3.0, (4.0 * c - b) / 3.0);
        let expected = (16.0 * bc - ab) / 15.0;
        let size = size + 1e-3 * self.loss(0.0)?[1];
        agree("gradient along a random direction", expected, found, size, DIFFERENCES)
    }

    fn check_adjoint(&self) -> Result<f64, Mismatch> {
        let ran = self.run(&self.at.map(&self.direction, |value, tangent| Dual { value, tangent }))?;
        let tangents = |lists: &[Vec<Dual<f64>>]| super::map_lists(lists, |x| x.tangent);
        let [forward, size] =
            plus(pair(&tangents(&ran.outs), &self.outs_cot), pair(&tangents(&ran.state), &self.state_cot));
        let [backward, other] = self.pulled();
        agree("⟨Jv, w⟩ against ⟨v, Jᵀw⟩", forward, backward, size + other, ADJOINT)
    }
}
