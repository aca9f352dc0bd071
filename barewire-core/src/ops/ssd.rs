//! The scan of Mamba-2.

use barewire_kernels::ssd::{self as kernel, Cotangents, Inputs, Shape};

use super::support::{Overwritten, add_to_gradient, batch_time_d, f32s, f32s_mut, length, shaped, with_kernel_scratch};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// The scan of Mamba-2 (state-space duality): one decay a head and step, its softplus included.
///
/// `delta[t] = softplus(dt[t] + dt_bias)`, `h[t] = exp(delta[t] a) h[t-1] + delta[t] x[t] b[t]ᵀ`,
/// `y[t] = h[t] c[t] + skip x[t]`, head by head, with `h` of `[d / heads, n]`
///
/// | name      | shape                     | range or unit                                                    |
/// |-----------|---------------------------|------------------------------------------------------------------|
/// | `x`       | `[batch, time, d]`        | any; the channels of a head side by side                         |
/// | `dt`      | `[batch, time, heads]`    | time step before its bias and softplus                           |
/// | `a`       | `[heads]`                 | log of the decay in unit time, below 0: `-exp(a_log)`            |
/// | `b`       | `[batch, time, groups n]` | input weight; head `i` uses group `i / (heads / groups)`         |
/// | `c`       | `[batch, time, groups n]` | read-out weight, likewise                                        |
/// | `skip`    | `[heads]`                 | direct path                                                      |
/// | `dt_bias` | `[heads]`                 | as `dt`                                                          |
/// | `groups`  | `u32`                     | divides `heads`; a constant                                      |
/// | result    | `[batch, time, d]`        | as `x`                                                           |
/// | state     | `[batch, d, n]`           | the last `h`                                                     |
///
/// VJP: that of [`selective_scan`](super::selective_scan) with `a` and `delta` shared by a head's channels and states,
/// `b` and `c` by a group's heads, so that their cotangents are sums over these.
///
/// Residual: borrows the arguments, and keeps, with `f32`, a state every 96 steps
/// ([`checkpoints_len`](kernel::checkpoints_len)); any other scalar keeps every state. Whole sequences go by chunks, so a
/// sequence cut into calls, or single steps, agree with it to rounding (the bound is [the kernel's](kernel)), not to the
/// bit.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Dao & Gu, "Transformers are SSMs" (2024), sections 6 and 7.
#[allow(non_camel_case_types)]
pub struct ssd;

/// What [`ssd`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    scan: Scan<'r, R>,
    /// the kernel's checkpoints, or with another scalar than `f32` the state before each step, `[batch, time, d, n]`
    states: &'r [R],
}

impl Primitive for ssd {
    const SIG: Sig =
        Sig::new("(batch time d), (batch time h), (h), (batch time s), (batch time s), (h), (h), () -> (batch time d)");
    const KEEPS: &'static [bool] = &[true; 8];
    type Args<'r, 'a, R: Real> =
        (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, &'r [R], &'r [R], u32);
    type Cots<'a, R: Real> = (
        Slot<'a, R>,
        Slot<'a, R>,
        Slot<'a, R>,
        Slot<'a, R>,
        Slot<'a, R>,
        &'a mut Gradient<R>,
        &'a mut Gradient<R>,
        &'a mut (),
    );
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        (x, dt, a, b, c, skip, dt_bias, groups): Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        Scan::new([x, dt, a, b, c], [skip, dt_bias], groups, |arg| arg.data())?.forward(state, y, None)
    }

    fn forward_saving<'r, R: Real>(
        (x, dt, a, b, c, skip, dt_bias, groups): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let scan = Scan::new([x, dt, a, b, c], [skip, dt_bias], groups, |arg| arg.keep(saved))?;
        let kept = match scan.narrow() {
            Some(_) => kernel::checkpoints_len(scan.shape)?,
            None => scan.states() * scan.shape.seq_len,
        };
        let states = saved.take(kept);
        scan.forward(state, y, Some(states))?;
        Ok(Residual { scan, states })
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [y_cot]: [&[R]; 1],
        (x, dt, a, b, c, skip, dt_bias, _): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let Scan { inputs, shape } = residual.scan;
        length("cotangent", inputs.x.len(), y_cot.len())?;
        let x = Overwritten::new("x", x, inputs.x.len(), &mut scratch)?;
        let dt = Overwritten::new("dt", dt, inputs.dt.len(), &mut scratch)?;
        let a = Overwritten::new("a", a, inputs.a.len(), &mut scratch)?;
        let b = Overwritten::new("b", b, inputs.b.len(), &mut scratch)?;
        let c = Overwritten::new("c", c, inputs.c.len(), &mut scratch)?;
        let [skip_cot, bias_cot] = [(); 2].map(|()| scratch.take_zeros(shape.n_heads));
        let l = state.sized(residual.scan.states())?;
        let written = [&mut *x.values, &mut *dt.values, &mut *a.values, &mut *b.values, &mut *c.values];
        residual.cotangents(y_cot, l, written, [&mut *skip_cot, &mut *bias_cot])?;
        [x, dt, a, b, c].into_iter().for_each(Overwritten::finish);
        add_to_gradient(skip, skip_cot)?;
        add_to_gradient(dt_bias, bias_cot)?;
        Ok(())
    }
}

impl PortableOp for ssd {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("states", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.states);
    }
    fn read<'r>(
        (x, dt, a, b, c, skip, dt_bias, groups): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let scan = Scan::new([x, dt, a, b, c], [skip, dt_bias], groups, |arg| arg.data())?;
        Ok(Residual { scan, states: from.floats(kernel::checkpoints_len(scan.shape)?)? })
    }
}

/// The arguments, as the kernel takes them; `d` and `dt_bias` are there.
#[derive(Clone, Copy, Debug)]
struct Scan<'r, R> {
    inputs: Inputs<'r, R>,
    shape: Shape,
}

impl<'v, R: Real> Scan<'v, R> {
    fn new<'r: 'v, 'a>(
        [x, dt, a, b, c]: [Arg<'r, 'a, R>; 5],
        [skip, dt_bias]: [&'v [R]; 2],
        groups: u32,
        mut data: impl FnMut(Arg<'r, 'a, R>) -> &'v [R],
    ) -> Result<Self, Error> {
        let [batch, time, d] = batch_time_d("x", x.dims())?;
        let (heads, width, groups) = (a.dims().last(), b.dims().last(), groups as usize);
        let divides = |part: usize, of: usize| part > 0 && of.is_multiple_of(part);
        if !divides(heads, d) || !divides(groups, heads) || !divides(groups, width) {
            return Err(Error::shape(
                "heads that divide `d`, and groups that divide the heads and the last axis of `b`",
                format!("`d` {d}, {heads} heads, {groups} groups and `b` of {width}"),
            ));
        }
        shaped("x", x, &[batch, time, d])?;
        shaped("dt", dt, &[batch, time, heads])?;
        shaped("a", a, &[heads])?;
        shaped("b", b, &[batch, time, width])?;
        shaped("c", c, &[batch, time, width])?;
        length("skip", heads, skip.len())?;
        length("dt_bias", heads, dt_bias.len())?;
        let inputs = Inputs {
            x: data(x),
            dt: data(dt),
            a: data(a),
            b: data(b),
            c: data(c),
            d: Some(skip),
            dt_bias: Some(dt_bias),
        };
        let (head_dim, d_state) = (d / heads, width / groups);
        Ok(Scan { inputs, shape: Shape { batch, seq_len: time, n_heads: heads, head_dim, n_groups: groups, d_state } })
    }

    /// Numbers of the state.
    fn states(&self) -> usize {
        let Shape { batch, n_heads, head_dim, d_state, .. } = self.shape;
        batch * n_heads * head_dim * d_state
    }

    /// The arguments in `f32`, if that is what `R` is.
    fn narrow(&self) -> Option<Inputs<'v>> {
        let Inputs { x, dt, a, b, c, d, dt_bias } = self.inputs;
        let [x, dt, a, b, c] = f32s([x, dt, a, b, c])?;
        Some(Inputs { x, dt, a, b, c, d: d.and_then(R::as_f32), dt_bias: dt_bias.and_then(R::as_f32) })
    }

    fn forward(&self, state: &mut Carry<R>, y: &mut [R], states: Option<&mut [R]>) -> Result<(), Error> {
        length("result", self.inputs.x.len(), y.len())?;
        let h = state.sized(self.states())?;
        let saving = states.is_some();
        let states = states.unwrap_or_default();
        let results = f32s_mut([&mut *h, &mut *y, &mut *states]);
        if let (Some(inputs), Some([h, y, states])) = (self.narrow(), results) {
            return Ok(with_kernel_scratch(|scratch| match (saving, self.shape.seq_len) {
                (true, _) => kernel::forward_saving(self.shape, inputs, h, y, states, scratch),
                (false, 1) => kernel::step(self.shape, inputs, h, y),
                (false, _) => kernel::forward(self.shape, inputs, h, y, scratch),
            })?);
        }
        for (at, y) in y.iter_mut().enumerate() {
            let Step { delta, decay, x, skip, h: state, kept, bc, .. } = self.step(at);
            *y = skip * x;
            for j in 0..self.shape.d_state {
                let h = &mut h[state + j];
                if saving {
                    states[kept + j] = *h;
                }
                *h = decay * *h + delta * x * self.inputs.b[bc + j];
                *y += self.inputs.c[bc + j] * *h;
            }
        }
        Ok(())
    }

    /// What one channel needs at one step.
    fn step(&self, at: usize) -> Step<R> {
        let Shape { seq_len, n_heads, head_dim, n_groups, d_state, .. } = self.shape;
        let Inputs { x, dt, a, d, dt_bias, .. } = self.inputs;
        let d_inner = n_heads * head_dim;
        let (row, channel) = (at / d_inner, at % d_inner);
        let head = channel / head_dim;
        let of = |values: Option<&[R]>| values.map_or(R::ZERO, |values| values[head]);
        let raw = dt[row * n_heads + head] + of(dt_bias);
        let delta = raw.softplus();
        Step {
            delta,
            slope: raw.sigmoid(),
            decay: (delta * a[head]).exp(),
            x: x[at],
            skip: of(d),
            head,
            dt: row * n_heads + head,
            h: (row / seq_len * d_inner + channel) * d_state,
            kept: at * d_state,
            bc: (row * n_groups + head / (n_heads / n_groups)) * d_state,
        }
    }
}

/// Numbers of one channel at one step, and where its arrays stand.
struct Step<R> {
    delta: R,
    /// derivative of `delta` by `dt`
    slope: R,
    decay: R,
    x: R,
    skip: R,
    /// the head, in `a`, `skip` and `dt_bias`
    head: usize,
    /// in `dt`
    dt: usize,
    /// in the state
    h: usize,
    /// in the states before each step
    kept: usize,
    /// in `b` and `c`
    bc: usize,
}

impl<R: Real> Residual<'_, R> {
    /// Writes the cotangents of the arguments; `l` is that of the state, and the last two hold zeros.
    fn cotangents(
        self,
        y_cot: &[R],
        l: &mut [R],
        [x, dt, a, b, c]: [&mut [R]; 5],
        [d, dt_bias]: [&mut [R]; 2],
    ) -> Result<(), Error> {
        for sums in [&mut *dt, &mut *a, &mut *b, &mut *c] {
            sums.fill(R::ZERO);
        }
        let Residual { scan: scan @ Scan { inputs, shape }, states } = self;
        let activations = f32s_mut([&mut *l, &mut *x, &mut *dt, &mut *b, &mut *c]);
        let parameters = f32s_mut([&mut *a, &mut *d, &mut *dt_bias]);
        if let (Some(inputs), Some([states, y_cot]), Some([l, x, dt, b, c]), Some([a, d, dt_bias])) =
            (scan.narrow(), f32s([states, y_cot]), activations, parameters)
        {
            let cots = Cotangents { x, dt, a, b, c, d: Some(d), dt_bias: Some(dt_bias) };
            return Ok(with_kernel_scratch(|s| kernel::backward(shape, inputs, states, y_cot, l, cots, s))?);
        }
        for (at, &cot) in y_cot.iter().enumerate().rev() {
            let Step { delta, slope, decay, x: input, skip, head, dt: step, h: state, kept, bc } = scan.step(at);
            x[at] = skip * cot;
            d[head] += cot * input;
            let mut delta_cot = R::ZERO;
            for j in 0..shape.d_state {
                let l = &mut l[state + j];
                let carried = decay * states[kept + j];
                *l += inputs.c[bc + j] * cot;
                c[bc + j] += cot * (carried + delta * input * inputs.b[bc + j]);
                b[bc + j] += *l * delta * input;
                x[at] += *l * delta * inputs.b[bc + j];
                a[head] += *l * carried * delta;
                delta_cot += *l * (carried * inputs.a[head] + inputs.b[bc + j] * input);
                *l *= decay;
            }
            dt[step] += delta_cot * slope;
            dt_bias[head] += delta_cot * slope;
        }
        Ok(())
    }
}
