//! The same checks for a whole part: parameters, inputs and initial state at once.

use alloc::string::String;
use alloc::vec::Vec;
use core::slice::from_ref;

use super::{ADJOINT, DIFFERENCES, Mismatch, Rng, Sample, Value, Worst, agree, pair};
use crate::autodiff::{Model, Wrt, jvp, value, value_and_vjp, vjp};
use crate::layer::Layer;
use crate::model::Checked;
use crate::real::{Dual, Real};
use crate::state::State;
use crate::workspace::Workspace;

/// Checks the gradients that the derive wrote for a part: against finite differences in f64 along a random direction
/// of all active float parameters, all inputs and the initial state, and against tangents over
/// [`Dual`] numbers. `inputs` has one sample for each input of the equation. Packed digits stay as
/// they are.
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

/// Checks second derivatives of a part: the adjoint identity of [`check_layer`] over [`Dual`] numbers, so that tangents
/// are `Dual<Dual<f64>>` and gradients `Dual<f64>`, along a second random direction. It holds for straight-through and
/// surrogate rules, too. Gives the worst relative difference, of values and of derivatives.
///
/// # Errors
/// As [`check_layer`].
pub fn check_layer_second_order<T: Layer>(
    view: T::View<'_, f32>,
    inputs: &[Sample],
    seed: u64,
) -> Result<f64, Mismatch> {
    let Case { model, at, direction, cots, gradient, .. } = Case::<T>::new(view, inputs, seed)?;
    let mut rng = Rng::new(!seed);
    let at: Vec<_> = at.iter().map(|&value| Dual { value, tangent: rng.between(-1.0, 1.0) }).collect();
    let constant = |x: &[f64]| -> Vec<Dual<f64>> { x.iter().map(|x| Dual::of(*x)).collect() };
    let tangents = jvp(&model, &at, &constant(&direction))?;
    let pulled = vjp(&model, &at, &constant(&cots))?;
    let [_, first] = pair(from_ref(&direction), from_ref(&gradient));
    let part = |list: &[Dual<f64>], part: fn(&Dual<f64>) -> f64| -> Vec<f64> { list.iter().map(part).collect() };
    let agree = |what: &str, of: fn(&Dual<f64>) -> f64| {
        let [forward, size] = pair(&[part(&tangents, of)], from_ref(&cots));
        let [backward, other] = pair(&[part(&pulled, of)], from_ref(&direction));
        // where second derivatives cancel, the first ones say how large their terms were
        agree(what, forward, backward, size + other + first, ADJOINT)
    };
    let value = agree("⟨Jv, w⟩ against ⟨v, Jᵀw⟩", |x| x.value)?;
    Ok(value.max(agree("the derivative of ⟨Jv, w⟩ against that of ⟨v, Jᵀw⟩", |x| x.tangent)?))
}

/// A part at a random point, as a function of all that may vary; the final state is one of its results.
struct Case<'w, T: Layer> {
    model: Model<'w, T>,
    at: Vec<f64>,
    direction: Vec<f64>,
    /// cotangents of the results
    cots: Vec<f64>,
    results: Vec<f64>,
    gradient: Vec<f64>,
}

impl<'w, T: Layer> Case<'w, T> {
    fn new(view: T::View<'w, f32>, samples: &[Sample], seed: u64) -> Result<Self, Mismatch> {
        let mut rng = Rng::new(seed);
        let samples: Vec<_> = samples.iter().map(|s| s.draw(&mut rng)).collect();
        let inputs: Vec<_> = samples.iter().map(Value::input).collect();
        let checked = Checked::<T>::new(view)?;
        // a run sizes the state; its numbers are replaced
        let mut state = T::State::<f64>::default();
        checked.forward_saving(&inputs, &mut state, &mut Workspace::new())?;
        state.walk(&mut String::new(), &mut |_, list| list.iter_mut().for_each(|x| *x = rng.between(-1.0, 1.0)));
        let everything = [Wrt::Parameters, Wrt::Inputs, Wrt::State];
        let model = Model::new(checked, &inputs)?.by(&everything).from_state(&mut state).with_final_state();
        let at: Vec<f64> = model.point();
        let mut random = |like: &[f64]| -> Vec<f64> { like.iter().map(|_| rng.between(-1.0, 1.0)).collect() };
        let (direction, cots) = (random(&at), random(&value(&model, &at)?));
        let (results, gradient) = value_and_vjp(&model, &at, &cots)?;
        Ok(Case { model, at, direction, cots, results, gradient })
    }

    /// `forward` and `forward_saving` give the same bits.
    fn check_calls(&self) -> Result<(), Mismatch> {
        let plain = value(&self.model, &self.at)?;
        if plain.iter().map(|x| x.to_bits()).eq(self.results.iter().map(|x| x.to_bits())) {
            return Ok(());
        }
        Err(Mismatch::Bits("`forward` and `forward_saving` give different results".into()))
    }

    /// The paired results at `h` along the direction.
    fn loss(&self, h: f64) -> Result<f64, Mismatch> {
        let at: Vec<f64> = self.at.iter().zip(&self.direction).map(|(x, v)| x + h * v).collect();
        Ok(self.paired(&value(&self.model, &at)?)[0])
    }

    /// `Σ results cots`, and the sum of the magnitudes of the terms.
    fn paired(&self, results: &[f64]) -> [f64; 2] {
        pair(&[results.to_vec()], from_ref(&self.cots))
    }

    /// `⟨v, Jᵀ w⟩` and the sum of the magnitudes of its terms.
    fn pulled(&self) -> [f64; 2] {
        pair(from_ref(&self.direction), from_ref(&self.gradient))
    }

    fn check_differences(&self) -> Result<f64, Mismatch> {
        let [found, size] = self.pulled();
        let slope = |h: f64| -> Result<f64, Mismatch> { Ok((self.loss(h)? - self.loss(-h)?) / (2.0 * h)) };
        // Richardson: central differences have errors in h^2, h^4, ..; two eliminations leave h^6
        let [a, b, c] = [slope(1.0 / 512.0)?, slope(1.0 / 1024.0)?, slope(1.0 / 2048.0)?];
        let (ab, bc) = ((4.0 * b - a) / 3.0, (4.0 * c - b) / 3.0);
        let expected = (16.0 * bc - ab) / 15.0;
        let size = size + 1e-3 * self.paired(&self.results)[1];
        agree("gradient along a random direction", expected, found, size, DIFFERENCES)
    }

    fn check_adjoint(&self) -> Result<f64, Mismatch> {
        let [forward, size] = self.paired(&jvp(&self.model, &self.at, &self.direction)?);
        let [backward, other] = self.pulled();
        agree("⟨Jv, w⟩ against ⟨v, Jᵀw⟩", forward, backward, size + other, ADJOINT)
    }
}
