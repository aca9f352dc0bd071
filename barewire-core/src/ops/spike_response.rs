//! Neurons of the spike response model.

use super::support::{Overwritten, add_to_gradient, batch_time_d, length, numbers, surrogate};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// Neurons of the spike response model: a kernel over past inputs and one over a neuron's own past spikes.
///
/// `u[t] = Σ_j kernel[j] i[t-j] + Σ_j adaptation[j] z[t-1-j]`, `z[t] = 1` if `u[t] > threshold`, else 0
///
/// | name         | shape                | range or unit                                             |
/// |--------------|----------------------|-----------------------------------------------------------|
/// | `i`          | `[batch, time, d]`   | input current                                             |
/// | `kernel`     | `[k]`                | response to a unit of input, by age in steps              |
/// | `adaptation` | `[m]`                | response to a spike one step ago and older, such as below 0 |
/// | `threshold`  | `[]`                 | unit of `u`                                               |
/// | `slope`      | `[]`                 | steepness `k` of the surrogate, 1 / unit of `u`; a constant |
/// | result       | `[batch, time, d]`   | spikes, 0 or 1                                            |
/// | state        | `[batch, k-1+m, d]`  | the last inputs, then the last spikes, each oldest first  |
///
/// The derivative of a spike by `u - threshold` is declared to be `k s (1 - s)` with `s = sigmoid(k (u - threshold))`.
///
/// VJP, backwards in time: `z̄[t] = ȳ[t] + Σ_j adaptation[j] ū[t+1+j]`, `ū[t] = z̄[t] z'[t]`, `ī[t] = Σ_j kernel[j] ū[t+j]`,
/// `k̄ernel[j] += ū[t] i[t-j]`, `ādaptation[j] += ū[t] z[t-1-j]`, `t̄hreshold -= ū[t]`.
///
/// Residual: inputs and spikes with the state in front, and `u - threshold`. Any split of time into calls gives the same
/// bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Gerstner & Kistler, "Spiking Neuron Models" (2002), section 4.2.
#[allow(non_camel_case_types)]
pub struct spike_response;

/// What [`spike_response`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    /// by age: of inputs, and of spikes
    kernels: [&'r [R]; 2],
    slope: R,
    /// inputs and spikes, each with its part of the state in front
    padded: [&'r [R]; 2],
    /// `u - threshold`
    above: &'r [R],
    sizes: [usize; 3],
}

/// Rows in front of the inputs and of the spikes.
fn fronts<R>([kernel, adaptation]: [&[R]; 2]) -> [usize; 2] {
    [kernel.len().saturating_sub(1), adaptation.len()]
}

/// The rows of the state, entry by entry: `f(which, padded, state)` with their place in the padded array of inputs (0) or
/// spikes (1), after `start` rows, and in the state.
fn each_state(
    fronts: [usize; 2],
    [batch, time, d]: [usize; 3],
    start: usize,
    mut f: impl FnMut(usize, core::ops::Range<usize>, core::ops::Range<usize>),
) {
    for entry in 0..batch {
        let mut state = entry * (fronts[0] + fronts[1]) * d;
        for (which, front) in fronts.into_iter().enumerate() {
            let padded = (entry * (front + time) + start) * d;
            f(which, padded..padded + front * d, state..state + front * d);
            state += front * d;
        }
    }
}

impl Primitive for spike_response {
    const SIG: Sig = Sig::new("(batch time d), (k), (m), (), () -> (batch time d)");
    const KEEPS: &'static [bool] = &[false, true, true, false, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, &'r [R], &'r [R], R, R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut Gradient<R>, &'a mut Gradient<R>, &'a mut R, &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (i, kernel, adaptation, threshold, slope): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let sizes @ [batch, time, d] = batch_time_d("i", i.dims())?;
        let (i, kernels) = (numbers("i", i)?, [kernel, adaptation]);
        length("result", i.len(), y.len())?;
        let fronts = fronts(kernels);
        let state = state.sized(batch * (fronts[0] + fronts[1]) * d)?;
        let mut padded = fronts.map(|front| saved.take(batch * (front + time) * d));
        each_state(fronts, sizes, 0, |which, at, from| padded[which][at].copy_from_slice(&state[from]));
        let above = saved.take(i.len());
        for step in 0..i.len() {
            let here = fronts.map(|front| place(step, front, sizes));
            padded[0][here[0]] = i[step];
            let inputs = kernel.iter().enumerate().map(|(j, &k)| k * padded[0][here[0] - j * d]);
            let spikes = adaptation.iter().enumerate().map(|(j, &k)| k * padded[1][here[1] - (j + 1) * d]);
            above[step] = inputs.chain(spikes).fold(R::ZERO, |sum, term| sum + term) - threshold;
            y[step] = above[step].step_with_slope(surrogate(slope, above[step]));
            padded[1][here[1]] = y[step];
        }
        each_state(fronts, sizes, time, |which, at, to| state[to].copy_from_slice(&padded[which][at]));
        Ok(Residual { kernels, slope, padded: padded.map(|list| &*list), above, sizes })
    }

    fn vjp<R: Real>(
        Residual { kernels, slope, padded, above, sizes: sizes @ [batch, time, d] }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (i, kernel, adaptation, threshold, _): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent", above.len(), c.len())?;
        let i = Overwritten::new("i", i, above.len(), &mut scratch)?;
        let fronts = fronts(kernels);
        let state = state.sized(batch * (fronts[0] + fronts[1]) * d)?;
        let mut cots = padded.map(|list| scratch.take_zeros(list.len()));
        let sums = kernels.map(|kernel| scratch.take_zeros(kernel.len()));
        each_state(fronts, sizes, time, |which, at, from| cots[which][at].copy_from_slice(&state[from]));
        for step in (0..above.len()).rev() {
            let here = fronts.map(|front| place(step, front, sizes));
            let u_cot = (c[step] + cots[1][here[1]]) * surrogate(slope, above[step]);
            *threshold -= u_cot;
            for (which, first) in [(0, 0), (1, 1)] {
                for (j, &k) in kernels[which].iter().enumerate() {
                    let at = here[which] - (j + first) * d;
                    cots[which][at] += k * u_cot;
                    sums[which][j] += u_cot * padded[which][at];
                }
            }
            // later steps have added theirs, and earlier ones read older inputs only
            i.values[step] = cots[0][here[0]];
        }
        each_state(fronts, sizes, 0, |which, at, to| state[to].copy_from_slice(&cots[which][at]));
        i.finish();
        add_to_gradient(kernel, sums[0])?;
        add_to_gradient(adaptation, sums[1])?;
        Ok(())
    }
}

impl PortableOp for spike_response {
    const ARRAYS: &'static [(&'static str, Elements)] =
        &[("inputs", Elements::Floats), ("spikes", Elements::Floats), ("above", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        residual.padded.into_iter().for_each(|list| to.floats(list));
        to.floats(residual.above);
    }
    fn read<'r>(
        (i, kernel, adaptation, _, slope): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let sizes @ [batch, time, d] = batch_time_d("i", i.dims())?;
        let (kernels, [inputs, spikes]) = ([kernel, adaptation], fronts([kernel, adaptation]));
        let inputs = from.floats(batch * (inputs + time) * d)?;
        let padded = [inputs, from.floats(batch * (spikes + time) * d)?];
        Ok(Residual { kernels, slope, padded, above: from.floats(i.dims().len())?, sizes })
    }
}

/// Where a step stands in a padded array.
fn place(step: usize, front: usize, [_, time, d]: [usize; 3]) -> usize {
    step + (step / (time * d) + 1) * front * d
}
