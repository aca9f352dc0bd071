//! Leaky integrate-and-fire neurons.

use super::support::{Overwritten, batch_time_d, length, numbers, surrogate};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// Leaky integrate-and-fire neurons with a reset by subtraction and a refractory time.
///
/// `u[t] = decay u[t-1] + i[t] - threshold z[t-1]`, `z[t] = 1` if `u[t] > threshold` and the neuron does not rest, else 0.
/// After a spike it rests for `refractory` steps.
///
/// | name         | shape              | range or unit                                             |
/// |--------------|--------------------|-----------------------------------------------------------|
/// | `i`          | `[batch, time, d]` | input current, unit of `u`                                |
/// | `threshold`  | `[]`               | unit of `u`                                               |
/// | `decay`      | `[]`               | of one step, in (0, 1)                                    |
/// | `refractory` | `u32`              | steps; a constant                                         |
/// | `slope`      | `[]`               | steepness `k` of the surrogate, 1 / unit of `u`; a constant |
/// | result       | `[batch, time, d]` | spikes, 0 or 1                                            |
/// | state        | `[batch, 3, d]`    | the last `u` and `z`, and steps left to rest (a count, without cotangent) |
///
/// The derivative of a spike by `u - threshold` is declared to be `k s (1 - s)` with `s = sigmoid(k (u - threshold))`, 0
/// while the neuron rests.
///
/// VJP, backwards in time: `z̄[t] = ȳ[t] - threshold ū[t+1]`, `ū[t] = z̄[t] z'[t] + decay ū[t+1]`; `ī = ū`,
/// `d̄ecay += ū[t] u[t-1]`, `t̄hreshold -= z̄[t] z'[t] + ū[t] z[t-1]`.
///
/// Residual: `u` before each step and at the end, the initial `z`, a byte a step that says whether the neuron rested;
/// reads the result. Any split of time into calls gives the same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Neftci, Mostafa & Zenke, "Surrogate Gradient Learning in Spiking Neural Networks" (2019).
#[allow(non_camel_case_types)]
pub struct lif;

/// What [`lif`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    neuron: Neuron<R>,
    /// `[batch, time + 1, d]`
    u: &'r [R],
    /// `[batch, d]`
    z: &'r [R],
    /// 1 where the neuron rested, `[batch, time, d]`
    rested: &'r [i8],
    sizes: [usize; 3],
}

#[derive(Clone, Copy, Debug)]
struct Neuron<R> {
    threshold: R,
    decay: R,
    slope: R,
}

impl Primitive for lif {
    const SIG: Sig = Sig::new("(batch time d), (), (), (), () -> (batch time d)");
    const KEEPS: &'static [bool] = &[false; 5];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, R, R, u32, R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut R, &'a mut R, &'a mut (), &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (i, threshold, decay, refractory, slope): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let sizes @ [batch, time, d] = batch_time_d("i", i.dims())?;
        let i = numbers("i", i)?;
        length("result", i.len(), y.len())?;
        let state = state.sized(batch * 3 * d)?;
        let neuron = Neuron { threshold, decay, slope };
        let (u, z) = (saved.take(batch * (time + 1) * d), saved.take(batch * d));
        let rested = saved.take_codes(i.len());
        for (n, z) in z.iter_mut().enumerate() {
            let (entry, k) = (n / d, n % d);
            let at = |row: usize| entry * 3 * d + row * d + k;
            let (mut rest, mut last) = (state[at(2)].value().round().max(0.0), state[at(1)]);
            *z = last;
            let mut potential = state[at(0)];
            for t in 0..time {
                let step = (entry * time + t) * d + k;
                u[(entry * (time + 1) + t) * d + k] = potential;
                potential = decay * potential + i[step] - threshold * last;
                rested[step] = i8::from(rest > 0.0);
                last = if rest > 0.0 { R::ZERO } else { neuron.spike(potential) };
                rest = if last.value() > 0.0 { f64::from(refractory) } else { (rest - 1.0).max(0.0) };
                y[step] = last;
            }
            u[(entry * (time + 1) + time) * d + k] = potential;
            (state[at(0)], state[at(1)], state[at(2)]) = (potential, last, R::of(rest));
        }
        Ok(Residual { neuron, u, z, rested, sizes })
    }

    fn vjp<R: Real>(
        Residual { neuron, u, z, rested, sizes: [batch, time, d] }: Residual<'_, R>,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (i, threshold, decay, ..): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("result", rested.len(), y.len())?;
        length("cotangent", rested.len(), c.len())?;
        let i = Overwritten::new("i", i, rested.len(), &mut scratch)?;
        let state = state.sized(batch * 3 * d)?;
        for (n, &z) in z.iter().enumerate() {
            let (entry, k) = (n / d, n % d);
            let at = |row: usize| entry * 3 * d + row * d + k;
            let (mut u_cot, mut z_cot) = (state[at(0)], state[at(1)]);
            for t in (0..time).rev() {
                let step = (entry * time + t) * d + k;
                let [before, after] = [t, t + 1].map(|t| u[(entry * (time + 1) + t) * d + k]);
                let spike_before = if t == 0 { z } else { y[step - d] };
                let slope = if rested[step] == 1 { R::ZERO } else { neuron.slope_at(after) };
                let by_spike = (c[step] + z_cot) * slope;
                let cot = u_cot + by_spike;
                i.values[step] = cot;
                *decay += cot * before;
                *threshold -= by_spike + cot * spike_before;
                (u_cot, z_cot) = (neuron.decay * cot, -(neuron.threshold * cot));
            }
            (state[at(0)], state[at(1)], state[at(2)]) = (u_cot, z_cot, R::ZERO);
        }
        i.finish();
        Ok(())
    }
}

impl PortableOp for lif {
    const ARRAYS: &'static [(&'static str, Elements)] =
        &[("potentials", Elements::Floats), ("before", Elements::Floats), ("rested", Elements::Codes)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.u);
        to.floats(residual.z);
        to.codes(residual.rested);
    }
    fn read<'r>(
        (i, threshold, decay, _, slope): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let sizes @ [batch, time, d] = batch_time_d("i", i.dims())?;
        let u = from.floats(batch * (time + 1) * d)?;
        let (z, rested) = (from.floats(batch * d)?, from.codes(i.dims().len())?);
        Ok(Residual { neuron: Neuron { threshold, decay, slope }, u, z, rested, sizes })
    }
}

impl<R: Real> Neuron<R> {
    fn spike(&self, u: R) -> R {
        (u - self.threshold).step_with_slope(self.slope_at(u))
    }

    fn slope_at(&self, u: R) -> R {
        surrogate(self.slope, u - self.threshold)
    }
}
