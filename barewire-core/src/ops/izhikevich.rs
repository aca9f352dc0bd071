//! Izhikevich's neurons.

use super::support::{Overwritten, batch_time_d, length, numbers, surrogate};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// Potential that the state counts from, in mV: a fresh state is a neuron there.
const REST: f64 = -65.0;
/// Potential above which a neuron has spiked, in mV.
const PEAK: f64 = 30.0;

/// Izhikevich's neurons, by Euler steps.
///
/// `w = v + dt (0.04 v² + 5 v + 140 - u + i)`, `r = u + dt a (b v - u)`; a spike if `w >= 30`: then `v = c`, `u = r + d`,
/// else `v = w`, `u = r`.
///
/// | name    | shape              | range or unit                                                          |
/// |---------|--------------------|------------------------------------------------------------------------|
/// | `i`     | `[batch, time, n]` | input current                                                          |
/// | `a`     | `[]`               | rate of the recovery, 1 / ms, such as 0.02                             |
/// | `b`     | `[]`               | sensitivity of the recovery, such as 0.2                               |
/// | `c`     | `[]`               | potential after a spike, mV, such as -65                               |
/// | `d`     | `[]`               | what a spike adds to the recovery, such as 8                           |
/// | `dt`    | `[]`               | ms a step, such as 0.5; a constant                                     |
/// | results | `[batch, time, n]` | `v` after the step, in mV; spikes, 0 or 1                              |
/// | state   | `[batch, 2, n]`    | the last `v + 65` and `u`                                              |
///
/// The derivative of a spike by `w` is declared to be `s (1 - s)` with `s = sigmoid(w - 30)`; that of `v` and `u` is the
/// taken branch's.
///
/// VJP of a step without a spike: `v̄ = w̄ (1 + dt (0.08 v + 5)) + r̄ dt a b`, `ū = -dt w̄ + r̄ (1 - dt a)`,
/// `ā += r̄ dt (b v - u)`, `b̄ += r̄ dt a v`, `ī = dt w̄`. After a spike `c̄ += v̄`, `d̄ += ū`, and `w̄` is that of the spike.
///
/// Residual: borrows `i`, and keeps `v` and `u` before each step. Any split of time into calls gives the same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Izhikevich, "Simple Model of Spiking Neurons" (2003), equations 1 to 3.
#[allow(non_camel_case_types)]
pub struct izhikevich;

/// What [`izhikevich`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    neuron: Neuron<R>,
    i: &'r [R],
    /// `v` and `u` before each step, `[batch, time, n, 2]`
    states: &'r [R],
    sizes: [usize; 3],
}

#[derive(Clone, Copy, Debug)]
struct Neuron<R> {
    a: R,
    b: R,
    dt: R,
}

impl Primitive for izhikevich {
    const SIG: Sig = Sig::new("(batch time n), (), (), (), (), () -> (batch time n), (batch time n)");
    const KEEPS: &'static [bool] = &[true, false, false, false, false, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, R, R, R, R, R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut R, &'a mut R, &'a mut R, &'a mut R, &'a mut R);
    type Out<T> = [T; 2];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (i, a, b, c, d, dt): Self::Args<'r, '_, R>,
        [v_out, spikes]: [&mut [R]; 2],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let sizes @ [batch, _, n] = batch_time_d("i", i.dims())?;
        let current = numbers("i", i)?;
        length("potentials", current.len(), v_out.len())?;
        length("spikes", current.len(), spikes.len())?;
        let state = state.sized(batch * 2 * n)?;
        let states = saved.take(2 * current.len());
        let neuron = Neuron { a, b, dt };
        for (step, before) in states.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let [v_at, u_at] = state_of(step, sizes);
            let (v, u) = (state[v_at] + R::of(REST), state[u_at]);
            *before = [v, u];
            let (w, r) = (neuron.potential(v, u, current[step]), neuron.recovery(v, u));
            spikes[step] = (w - R::of(PEAK)).step_with_slope(surrogate(R::ONE, w - R::of(PEAK)));
            let [v, u] = if spiked(w) { [c, r + d] } else { [w, r] };
            v_out[step] = v;
            (state[v_at], state[u_at]) = (v - R::of(REST), u);
        }
        Ok(Residual { neuron, i: i.keep(saved), states, sizes })
    }

    fn vjp<R: Real>(
        Residual { neuron, i: current, states, sizes: sizes @ [batch, _, n] }: Residual<'_, R>,
        _: [&[R]; 2],
        [v_cot, spike_cot]: [&[R]; 2],
        (i, a_cot, b_cot, c_cot, d_cot, _): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent of the potentials", current.len(), v_cot.len())?;
        length("cotangent of the spikes", current.len(), spike_cot.len())?;
        let i = Overwritten::new("i", i, current.len(), &mut scratch)?;
        let state = state.sized(batch * 2 * n)?;
        let Neuron { a, b, dt } = neuron;
        for (step, &[v, u]) in states.as_chunks::<2>().0.iter().enumerate().rev() {
            let [v_at, u_at] = state_of(step, sizes);
            let w = neuron.potential(v, u, current[step]);
            let (after, r) = (state[v_at] + v_cot[step], state[u_at]);
            let mut by_w = spike_cot[step] * surrogate(R::ONE, w - R::of(PEAK));
            if spiked(w) {
                *c_cot += after;
                *d_cot += r;
            } else {
                by_w += after;
            }
            i.values[step] = dt * by_w;
            *a_cot += r * dt * (b * v - u);
            *b_cot += r * dt * a * v;
            state[v_at] = by_w * (R::ONE + dt * (R::of(0.08) * v + R::of(5.0))) + r * dt * a * b;
            state[u_at] = r * (R::ONE - dt * a) - dt * by_w;
        }
        i.finish();
        Ok(())
    }
}

impl PortableOp for izhikevich {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("states", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.states);
    }
    fn read<'r>(
        (i, a, b, _, _, dt): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let sizes = batch_time_d("i", i.dims())?;
        let states = from.floats(2 * i.dims().len())?;
        Ok(Residual { neuron: Neuron { a, b, dt }, i: from.kept(i)?, states, sizes })
    }
}

impl<R: Real> Neuron<R> {
    /// Potential after a step, before a reset.
    fn potential(&self, v: R, u: R, i: R) -> R {
        let slope = R::of(0.04) * v * v + R::of(5.0) * v + R::of(140.0) - u + i;
        v + self.dt * slope
    }

    /// Recovery after a step, before a reset.
    fn recovery(&self, v: R, u: R) -> R {
        u + self.dt * self.a * (self.b * v - u)
    }
}

/// Where the potential and the recovery of a step's neuron stand in the state.
fn state_of(step: usize, [_, time, n]: [usize; 3]) -> [usize; 2] {
    let first = step / (time * n) * 2 * n + step % n;
    [first, first + n]
}

fn spiked<R: Real>(w: R) -> bool {
    w.value() >= PEAK
}
