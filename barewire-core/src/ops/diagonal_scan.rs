//! State-space scan with constant diagonal coefficients.

use barewire_kernels::diagonal_scan::{self as kernel, Cotangents, Inputs, Shape};

use super::support::{
    Overwritten, add_to_gradient, batch_time_d, f32s, f32s_mut, length, matrix, numbers, with_kernel_scratch,
};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// State-space scan with constant diagonal coefficients.
///
/// `h[t] = a ⊙ h[t-1] + b x[t]`, `y[t] = Σ_n c ⊙ h[t] + skip x[t]`, channel by channel
///
/// | name   | shape              | range or unit              |
/// |--------|--------------------|----------------------------|
/// | `a`    | `[d, n]`           | decay per step, in (-1, 1) |
/// | `b`    | `[d, n]`           | input weight               |
/// | `c`    | `[d, n]`           | read-out weight            |
/// | `skip` | `[d]`              | direct path                |
/// | `x`    | `[batch, time, d]` | any                        |
/// | result | `[batch, time, d]` | as `x`                     |
/// | state  | `[batch, d, n]`    | the last `h`               |
///
/// VJP, backwards in time: `l[t] = c ȳ[t] + a l[t+1]`; `ā += l[t] h[t-1]`, `b̄ += l[t] x[t]`, `c̄ += ȳ[t] h[t]`,
/// `s̄kip += ȳ[t] x[t]`, `x̄[t] = Σ_n b l[t] + skip ȳ[t]`; the initial state's cotangent is `a l[0]`.
///
/// Residual: borrows the parameters and `x`, and keeps, with `f32`, a state every 32 steps
/// ([`checkpoints_len`](kernel::checkpoints_len)); any other scalar keeps every state.
/// Any split of time into calls gives the same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Gupta, Gu & Berant, "Diagonal State Spaces are as Effective as Structured State Spaces" (2022), equation 3;
/// real coefficients.
#[allow(non_camel_case_types)]
pub struct diagonal_scan;

/// What [`diagonal_scan`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    of: Coefficients<'r, R>,
    x: &'r [R],
    /// the kernel's checkpoints, or with another scalar than `f32` the state before each step, `[batch, time, d, n]`
    states: &'r [R],
}

/// The parameters, and the sizes `[batch, time, d, n]`.
#[derive(Clone, Copy, Debug)]
struct Coefficients<'r, R> {
    a: &'r [R],
    b: &'r [R],
    c: &'r [R],
    skip: &'r [R],
    sizes: [usize; 4],
}

impl Primitive for diagonal_scan {
    const SIG: Sig = Sig::new("(d n), (d n), (d n), (d), (batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, true, true, true, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, MatrixView<'r, R>, MatrixView<'r, R>, &'r [R], Arg<'r, 'a, R>);
    type Cots<'a, R: Real> =
        (&'a mut Gradient<R>, &'a mut Gradient<R>, &'a mut Gradient<R>, &'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        args: Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        let (of, x) = Coefficients::new(args)?;
        of.forward(x, state.sized(of.states())?, y, None)
    }

    fn forward_saving<'r, R: Real>(
        args: Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let (of, x) = Coefficients::new(args)?;
        let states = saved.take(of.kept()?);
        of.forward(x, state.sized(of.states())?, y, Some(states))?;
        Ok(Residual { of, x: args.4.keep(saved), states })
    }

    fn vjp<R: Real>(
        Residual { of, x, states }: Residual<'_, R>,
        _: [&[R]; 1],
        [y_cot]: [&[R]; 1],
        (a, b, c, skip, slot): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent", x.len(), y_cot.len())?;
        let x_cot = Overwritten::new("x", slot, x.len(), &mut scratch)?;
        let [a_cot, b_cot, c_cot] = [(); 3].map(|()| scratch.take_zeros(of.a.len()));
        let skip_cot = scratch.take_zeros(of.skip.len());
        let l = state.sized(of.states())?;
        of.backward(x, states, y_cot, l, [&mut *x_cot.values, a_cot, b_cot, c_cot, skip_cot])?;
        x_cot.finish();
        for (gradient, sums) in [(a, &*a_cot), (b, &*b_cot), (c, &*c_cot), (skip, &*skip_cot)] {
            add_to_gradient(gradient, sums)?;
        }
        Ok(())
    }
}

impl PortableOp for diagonal_scan {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("states", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.states);
    }
    fn read<'r>(args: Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        let (of, x) = Coefficients::new(args)?;
        Ok(Residual { of, x, states: from.floats(of.kept()?)? })
    }
}

impl<'r, R: Real> Coefficients<'r, R> {
    fn new<'a>(
        (a, b, c, skip, x): <diagonal_scan as Primitive>::Args<'r, 'a, R>,
    ) -> Result<(Coefficients<'r, R>, &'a [R]), Error> {
        let [batch, time, d] = batch_time_d("x", x.dims())?;
        let n = a.cols;
        for (name, m) in [("a", a), ("b", b), ("c", c)] {
            if (m.rows, m.cols) != (d, n) {
                return Err(Error::shape(format!("`{name}` of [{d}, {n}]"), format!("[{}, {}]", m.rows, m.cols)));
            }
        }
        length("skip", d, skip.len())?;
        let sizes = [batch, time, d, n];
        let of = Coefficients { a: matrix("a", a)?, b: matrix("b", b)?, c: matrix("c", c)?, skip, sizes };
        Ok((of, numbers("x", x)?))
    }

    /// Numbers of the state.
    fn states(&self) -> usize {
        self.sizes[0] * self.a.len()
    }

    /// Numbers that the backward pass needs of the states.
    fn kept(&self) -> Result<usize, Error> {
        let is_f32 = R::as_f32(self.a).is_some();
        Ok(if is_f32 { kernel::checkpoints_len(self.shape())? } else { self.states() * self.sizes[1] })
    }

    fn shape(&self) -> Shape {
        let [batch, seq_len, d_inner, d_state] = self.sizes;
        Shape { batch, seq_len, d_inner, d_state }
    }

    fn forward(&self, x: &[R], h: &mut [R], y: &mut [R], states: Option<&mut [R]>) -> Result<(), Error> {
        length("result", x.len(), y.len())?;
        let saving = states.is_some();
        let states = states.unwrap_or_default();
        let all = [x, self.a, self.b, self.c, self.skip];
        if let (Some([x, a, b, c, d]), Some([h, y, states])) = (f32s(all), f32s_mut([&mut *h, &mut *y, &mut *states])) {
            let inputs = Inputs { x, a, b, c, d: Some(d) };
            return Ok(with_kernel_scratch(|scratch| match saving {
                true => kernel::forward_saving(self.shape(), inputs, h, y, states, scratch),
                false => kernel::forward(self.shape(), inputs, h, y, scratch),
            })?);
        }
        let [_, time, d, n] = self.sizes;
        for (row, (x, y)) in x.chunks_exact(d.max(1)).zip(y.chunks_exact_mut(d.max(1))).enumerate() {
            let h = &mut h[row / time * d * n..][..d * n];
            if saving {
                states[row * d * n..][..d * n].copy_from_slice(h);
            }
            for k in 0..d {
                y[k] = self.skip[k] * x[k];
                let of = k * n..(k + 1) * n;
                let coefficients = self.a[of.clone()].iter().zip(&self.b[of.clone()]).zip(&self.c[of.clone()]);
                for (h, ((&a, &b), &c)) in h[of].iter_mut().zip(coefficients) {
                    *h = a * *h + b * x[k];
                    y[k] += c * *h;
                }
            }
        }
        Ok(())
    }

    /// `l` is the cotangent of the state; those of `x`, `a`, `b`, `c` and `skip` are written, and added to zeros.
    fn backward(
        &self,
        x: &[R],
        states: &[R],
        y_cot: &[R],
        l: &mut [R],
        [x_cot, a_cot, b_cot, c_cot, skip_cot]: [&mut [R]; 5],
    ) -> Result<(), Error> {
        let all = [x, self.a, self.b, self.c, self.skip, states, y_cot];
        let cots = [&mut *l, &mut *x_cot, &mut *a_cot, &mut *b_cot, &mut *c_cot, &mut *skip_cot];
        if let (Some([x, a, b, c, d, states, y_cot]), Some([l, x_cot, a_cot, b_cot, c_cot, skip_cot])) =
            (f32s(all), f32s_mut(cots))
        {
            let inputs = Inputs { x, a, b, c, d: Some(d) };
            let cots = Cotangents { x: x_cot, a: a_cot, b: b_cot, c: c_cot, d: Some(skip_cot) };
            return Ok(with_kernel_scratch(|s| kernel::backward(self.shape(), inputs, states, y_cot, l, cots, s))?);
        }
        let [_, time, d, n] = self.sizes;
        for at in (0..x.len()).rev() {
            let (row, k) = (at / d, at % d);
            let (before, l) = (&states[row * d * n..][..d * n], &mut l[row / time * d * n..][..d * n]);
            x_cot[at] = self.skip[k] * y_cot[at];
            skip_cot[k] += y_cot[at] * x[at];
            for i in k * n..(k + 1) * n {
                let h = self.a[i] * before[i] + self.b[i] * x[at];
                l[i] += self.c[i] * y_cot[at];
                x_cot[at] += self.b[i] * l[i];
                a_cot[i] += l[i] * before[i];
                b_cot[i] += l[i] * x[at];
                c_cot[i] += y_cot[at] * h;
                l[i] = self.a[i] * l[i];
            }
        }
        Ok(())
    }
}
