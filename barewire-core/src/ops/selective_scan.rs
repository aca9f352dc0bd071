//! The scan of Mamba.

use barewire_kernels::selective_scan::{self as kernel, Cotangents, Inputs, Shape};

use super::support::{Overwritten, add_to_gradient, batch_time_d, f32s, f32s_mut, length, shaped, with_kernel_scratch};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// The selective scan of Mamba: a state-space scan whose time step, input weight and read-out depend on the input.
///
/// `h[t] = exp(delta[t] a) ⊙ h[t-1] + delta[t] x[t] b[t]`, `y[t] = Σ_n c[t] ⊙ h[t] + skip x[t]`, channel by channel
///
/// | name     | shape              | range or unit                                       |
/// |----------|--------------------|-----------------------------------------------------|
/// | `x`      | `[batch, time, d]` | any                                                 |
/// | `delta`  | `[batch, time, d]` | time step, above 0                                  |
/// | `a`      | `[d, n]`           | log of the decay in unit time, below 0: `-exp(a_log)` |
/// | `b`      | `[batch, time, n]` | input weight                                        |
/// | `c`      | `[batch, time, n]` | read-out weight                                     |
/// | `skip`   | `[d]`              | direct path                                         |
/// | result   | `[batch, time, d]` | as `x`                                              |
/// | state    | `[batch, d, n]`    | the last `h`                                        |
///
/// VJP, backwards in time: `l[t] = c[t] ȳ[t] + exp(delta[t+1] a) l[t+1]`, `p = l[t] exp(delta[t] a) h[t-1]`;
/// `d̄elta[t] = Σ_n p a + l b[t] x[t]`, `ā += p delta[t]`, `b̄[t] = Σ_d l delta[t] x[t]`, `c̄[t] = Σ_d ȳ[t] h[t]`,
/// `x̄[t] = delta[t] Σ_n l b[t] + skip ȳ[t]`, `s̄kip += ȳ[t] x[t]`; the initial state's cotangent is `exp(delta[0] a) l[0]`.
///
/// Residual: borrows the arguments, and keeps, with `f32`, a state every 32 steps
/// ([`checkpoints_len`](kernel::checkpoints_len)); any other scalar keeps every state. Any split of time into calls gives
/// the same bits on one instruction set.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), section 3.2.
#[allow(non_camel_case_types)]
pub struct selective_scan;

/// [`selective_scan`] with what stands around it in a Mamba block, in one pass over memory:
/// `selective_scan(x, softplus(dt + dt_bias), a, b, c, skip) * silu(z)`.
///
/// | name      | shape              | range or unit                                       |
/// |-----------|--------------------|-----------------------------------------------------|
/// | `x`       | `[batch, time, d]` | any                                                 |
/// | `dt`      | `[batch, time, d]` | time step before its bias and softplus              |
/// | `a`       | `[d, n]`           | log of the decay in unit time, below 0: `-exp(a_log)` |
/// | `b`       | `[batch, time, n]` | input weight                                        |
/// | `c`       | `[batch, time, n]` | read-out weight                                     |
/// | `skip`    | `[d]`              | direct path                                         |
/// | `z`       | `[batch, time, d]` | gate, before silu                                   |
/// | `dt_bias` | `[d]`              | as `dt`                                             |
/// | result    | `[batch, time, d]` | as `x z`                                            |
/// | state     | `[batch, d, n]`    | the last `h`                                        |
///
/// VJP: as [`selective_scan`], with `d̄t[t] = d̄elta[t] sigmoid(dt[t] + dt_bias)`, `d̄t_bias += d̄t[t]`, the cotangent of the
/// scan's result `ȳ[t] silu(z[t])`, and `z̄[t]` that of the product, from the result computed again.
///
/// Residual, streaming and errors: as [`selective_scan`].
///
/// Source: Gu & Dao, "Mamba" (2023), section 3.4, and `selective_scan_ref` in the published code.
#[allow(non_camel_case_types)]
pub struct gated_selective_scan;

/// What [`selective_scan`] and [`gated_selective_scan`] keep.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    scan: Scan<'r, R>,
    /// the kernel's checkpoints, or with another scalar than `f32` the state before each step, `[batch, time, d, n]`
    states: &'r [R],
}

impl Primitive for selective_scan {
    const SIG: Sig =
        Sig::new("(batch time d), (batch time d), (d n), (batch time n), (batch time n), (d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true; 6];
    type Args<'r, 'a, R: Real> =
        (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, &'r [R]);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, &'a mut Gradient<R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        (x, dt, a, b, c, skip): Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        Scan::new([x, dt, a, b, c], skip, None, |arg| arg.data())?.forward(state, y, None)
    }

    fn forward_saving<'r, R: Real>(
        (x, dt, a, b, c, skip): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Scan::new([x, dt, a, b, c], skip, None, |arg| arg.keep(saved))?.saving(state, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [y_cot]: [&[R]; 1],
        (x, dt, a, b, c, skip): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(y_cot, [x, dt, a, b, c, Slot::Skip], [skip, &mut Gradient::ignored()], state, scratch)
    }
}

impl Primitive for gated_selective_scan {
    const SIG: Sig = Sig::new(
        "(batch time d), (batch time d), (d n), (batch time n), (batch time n), (d), (batch time d), (d) \
         -> (batch time d)",
    );
    const KEEPS: &'static [bool] = &[true; 8];
    type Args<'r, 'a, R: Real> = (
        Arg<'r, 'a, R>,
        Arg<'r, 'a, R>,
        Arg<'r, 'a, R>,
        Arg<'r, 'a, R>,
        Arg<'r, 'a, R>,
        &'r [R],
        Arg<'r, 'a, R>,
        &'r [R],
    );
    type Cots<'a, R: Real> = (
        Slot<'a, R>,
        Slot<'a, R>,
        Slot<'a, R>,
        Slot<'a, R>,
        Slot<'a, R>,
        &'a mut Gradient<R>,
        Slot<'a, R>,
        &'a mut Gradient<R>,
    );
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        (x, dt, a, b, c, skip, z, dt_bias): Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        Scan::new([x, dt, a, b, c], skip, Some((z, dt_bias)), |arg| arg.data())?.forward(state, y, None)
    }

    fn forward_saving<'r, R: Real>(
        (x, dt, a, b, c, skip, z, dt_bias): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Scan::new([x, dt, a, b, c], skip, Some((z, dt_bias)), |arg| arg.keep(saved))?.saving(state, y, saved)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [y_cot]: [&[R]; 1],
        (x, dt, a, b, c, skip, z, dt_bias): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(y_cot, [x, dt, a, b, c, z], [skip, dt_bias], state, scratch)
    }
}

impl PortableOp for selective_scan {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("states", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.states);
    }
    fn read<'r>(
        (x, dt, a, b, c, skip): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read(Scan::new([x, dt, a, b, c], skip, None, |arg| arg.data())?, from)
    }
}

impl PortableOp for gated_selective_scan {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("states", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.states);
    }
    fn read<'r>(
        (x, dt, a, b, c, skip, z, dt_bias): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read(Scan::new([x, dt, a, b, c], skip, Some((z, dt_bias)), |arg| arg.data())?, from)
    }
}

impl<'r> Residual<'r, f32> {
    fn read(scan: Scan<'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self, Error> {
        Ok(Residual { scan, states: from.floats(kernel::checkpoints_len(scan.shape)?)? })
    }
}

/// The arguments, as the kernel takes them; with `dt_bias` also softplus and gate.
#[derive(Clone, Copy, Debug)]
struct Scan<'r, R> {
    inputs: Inputs<'r, R>,
    shape: Shape,
}

impl<'v, R: Real> Scan<'v, R> {
    /// Checks the arguments `x`, `dt`, `a`, `b` and `c`, `skip`, and `z` with `dt_bias`.
    fn new<'r: 'v, 'a>(
        [x, dt, a, b, c]: [Arg<'r, 'a, R>; 5],
        skip: &'v [R],
        gate: Option<(Arg<'r, 'a, R>, &'v [R])>,
        mut data: impl FnMut(Arg<'r, 'a, R>) -> &'v [R],
    ) -> Result<Self, Error> {
        let [batch, time, d] = batch_time_d("x", x.dims())?;
        let n = a.dims().last();
        shaped("x", x, &[batch, time, d])?;
        shaped("dt", dt, &[batch, time, d])?;
        shaped("a", a, &[d, n])?;
        shaped("b", b, &[batch, time, n])?;
        shaped("c", c, &[batch, time, n])?;
        length("skip", d, skip.len())?;
        if let Some((z, dt_bias)) = gate {
            shaped("z", z, &[batch, time, d])?;
            length("dt_bias", d, dt_bias.len())?;
        }
        let inputs = Inputs {
            x: data(x),
            dt: data(dt),
            z: gate.map(|(z, _)| data(z)),
            a: data(a),
            b: data(b),
            c: data(c),
            d: Some(skip),
            dt_bias: gate.map(|(_, bias)| bias),
            softplus: gate.is_some(),
        };
        Ok(Scan { inputs, shape: Shape { batch, seq_len: time, d_inner: d, d_state: n } })
    }

    /// Numbers of the state.
    fn states(&self) -> usize {
        self.shape.batch * self.inputs.a.len()
    }

    /// The arguments in `f32`, if that is what `R` is.
    fn narrow(&self) -> Option<Inputs<'v>> {
        let Inputs { x, dt, z, a, b, c, d, dt_bias, softplus } = self.inputs;
        let [x, dt, a, b, c] = f32s([x, dt, a, b, c])?;
        let optional = |values: Option<&'v [R]>| values.and_then(R::as_f32);
        Some(Inputs { x, dt, z: optional(z), a, b, c, d: optional(d), dt_bias: optional(dt_bias), softplus })
    }

    fn saving(self, state: &mut Carry<R>, y: &mut [R], saved: &mut Arena<'v, R>) -> Result<Residual<'v, R>, Error> {
        let kept = match self.narrow() {
            Some(_) => kernel::checkpoints_len(self.shape)?,
            None => self.states() * self.shape.seq_len,
        };
        let states = saved.take(kept);
        self.forward(state, y, Some(states))?;
        Ok(Residual { scan: self, states })
    }

    fn forward(&self, state: &mut Carry<R>, y: &mut [R], states: Option<&mut [R]>) -> Result<(), Error> {
        length("result", self.inputs.x.len(), y.len())?;
        let h = state.sized(self.states())?;
        let saving = states.is_some();
        let states = states.unwrap_or_default();
        let results = f32s_mut([&mut *h, &mut *y, &mut *states]);
        if let (Some(inputs), Some([h, y, states])) = (self.narrow(), results) {
            return Ok(with_kernel_scratch(|scratch| match saving {
                true => kernel::forward_saving(self.shape, &inputs, h, y, states, scratch),
                false => kernel::forward(self.shape, &inputs, h, y, scratch),
            })?);
        }
        let Shape { seq_len, d_inner, d_state: n, .. } = self.shape;
        for (at, y) in y.iter_mut().enumerate() {
            let (row, k) = (at / d_inner, at % d_inner);
            let Step { delta, x, skip, gate, .. } = self.step(at);
            *y = skip * x;
            for j in 0..n {
                let (i, h) = (k * n + j, &mut h[(row / seq_len * d_inner + k) * n + j]);
                if saving {
                    states[row * d_inner * n + i] = *h;
                }
                *h = (delta * self.inputs.a[i]).exp() * *h + delta * x * self.inputs.b[row * n + j];
                *y += self.inputs.c[row * n + j] * *h;
            }
            *y *= gate;
        }
        Ok(())
    }

    /// What one channel needs at one step.
    fn step(&self, at: usize) -> Step<R> {
        let Inputs { x, dt, z, d, dt_bias, softplus, .. } = self.inputs;
        let k = at % self.shape.d_inner;
        let of = |values: Option<&[R]>| values.map_or(R::ZERO, |values| values[k]);
        let raw = dt[at] + of(dt_bias);
        let (delta, slope) = if softplus { (raw.softplus(), raw.sigmoid()) } else { (raw, R::ONE) };
        let (gate, gate_slope) = z.map_or((R::ONE, R::ZERO), |z| {
            let s = z[at].sigmoid();
            (z[at] * s, s * (R::ONE + z[at] * (R::ONE - s)))
        });
        Step { delta, slope, x: x[at], skip: of(d), gate, gate_slope }
    }
}

struct Step<R> {
    delta: R,
    /// derivative of `delta` by `dt`
    slope: R,
    x: R,
    skip: R,
    /// `silu(z)`
    gate: R,
    /// its derivative
    gate_slope: R,
}

impl<R: Real> Residual<'_, R> {
    fn backward(
        self,
        y_cot: &[R],
        [x, dt, a, b, c, z]: [Slot<'_, R>; 6],
        [skip, dt_bias]: [&mut Gradient<R>; 2],
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let inputs = self.scan.inputs;
        length("cotangent", inputs.x.len(), y_cot.len())?;
        let x = Overwritten::new("x", x, inputs.x.len(), &mut scratch)?;
        let dt = Overwritten::new("dt", dt, inputs.dt.len(), &mut scratch)?;
        let a = Overwritten::new("a", a, inputs.a.len(), &mut scratch)?;
        let b = Overwritten::new("b", b, inputs.b.len(), &mut scratch)?;
        let c = Overwritten::new("c", c, inputs.c.len(), &mut scratch)?;
        let z = Overwritten::new("z", z, inputs.z.map_or(0, <[R]>::len), &mut scratch)?;
        let [skip_cot, bias_cot] = [(); 2].map(|()| scratch.take_zeros(self.scan.shape.d_inner));
        let l = state.sized(self.scan.states())?;
        let written = [&mut *x.values, &mut *dt.values, &mut *a.values, &mut *b.values, &mut *c.values, &mut *z.values];
        self.cotangents(y_cot, l, written, [&mut *skip_cot, &mut *bias_cot])?;
        [x, dt, a, b, c, z].into_iter().for_each(Overwritten::finish);
        add_to_gradient(skip, skip_cot)?;
        add_to_gradient(dt_bias, bias_cot)?;
        Ok(())
    }

    /// Writes the cotangents of the arguments; `l` is that of the state, and `sums` hold zeros.
    fn cotangents(
        self,
        y_cot: &[R],
        l: &mut [R],
        [x, dt, a, b, c, z]: [&mut [R]; 6],
        [d, dt_bias]: [&mut [R]; 2],
    ) -> Result<(), Error> {
        for sums in [&mut *a, &mut *b, &mut *c] {
            sums.fill(R::ZERO);
        }
        let Residual { scan, states } = self;
        let activations = f32s_mut([&mut *l, &mut *x, &mut *dt, &mut *b, &mut *c, &mut *z]);
        let parameters = f32s_mut([&mut *a, &mut *d, &mut *dt_bias]);
        if let (Some(inputs), Some([states, y_cot]), Some([l, x, dt, b, c, z]), Some([a, d, dt_bias])) =
            (scan.narrow(), f32s([states, y_cot]), activations, parameters)
        {
            let gated = inputs.z.is_some();
            let (z, dt_bias) = (gated.then_some(z), gated.then_some(dt_bias));
            let cots = Cotangents { x, dt, z, a, b, c, d: Some(d), dt_bias };
            return Ok(with_kernel_scratch(|s| kernel::backward(scan.shape, &inputs, states, y_cot, l, cots, s))?);
        }
        let (Shape { seq_len, d_inner, d_state: n, .. }, inputs) = (scan.shape, scan.inputs);
        for at in (0..y_cot.len()).rev() {
            let (row, k) = (at / d_inner, at % d_inner);
            let Step { delta, slope, x: input, skip, gate, gate_slope } = scan.step(at);
            let cot = y_cot[at] * gate;
            let (mut read, mut delta_cot) = (skip * input, R::ZERO);
            x[at] = skip * cot;
            d[k] += cot * input;
            for j in 0..n {
                let (i, bc) = (k * n + j, row * n + j);
                let l = &mut l[(row / seq_len * d_inner + k) * n + j];
                let decay = (delta * inputs.a[i]).exp();
                let carried = decay * states[row * d_inner * n + i];
                let h = carried + delta * input * inputs.b[bc];
                read += inputs.c[bc] * h;
                *l += inputs.c[bc] * cot;
                a[i] += *l * carried * delta;
                b[bc] += *l * delta * input;
                c[bc] += cot * h;
                x[at] += *l * delta * inputs.b[bc];
                delta_cot += *l * (carried * inputs.a[i] + inputs.b[bc] * input);
                *l *= decay;
            }
            dt[at] = delta_cot * slope;
            dt_bias[k] += dt[at];
            if let Some(z) = z.get_mut(at) {
                *z = y_cot[at] * read * gate_slope;
            }
        }
        Ok(())
    }
}
