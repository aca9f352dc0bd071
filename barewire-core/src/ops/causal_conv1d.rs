//! Causal depthwise convolution along time.

use barewire_kernels::causal_conv1d as kernel;

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

/// Causal depthwise convolution along time: `y[t] = b + Σ_j w[:, j] ⊙ x[t - (k-1) + j]`.
///
/// | name   | shape              | range or unit                                |
/// |--------|--------------------|----------------------------------------------|
/// | `w`    | `[d, k]`           | taps; the last one is the current step       |
/// | `b`    | `[d]`              | bias                                         |
/// | `x`    | `[batch, time, d]` | any                                          |
/// | result | `[batch, time, d]` | as `w x`                                     |
/// | state  | `[batch, k-1, d]`  | the last inputs, oldest first; zeros at first |
///
/// VJP: with the state in front of `x`, `x̄[s] = Σ_j w[:, j] ȳ[s - j]`, `w̄[:, j] += Σ ȳ[t] x[t + j]`, `b̄ += Σ ȳ[t]`.
///
/// Residual: borrows `w` and `x`, and copies the initial state. Any split of time into calls gives the same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Gu & Dao, "Mamba" (2023), section 3.4, the convolution of the block.
#[allow(non_camel_case_types)]
pub struct causal_conv1d;

/// What [`causal_conv1d`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    taps: Taps<'r, R>,
    initial: &'r [R],
}

/// What enters the sums; `sizes` are `[batch, time, d, k]`, `k` at least 1.
#[derive(Clone, Copy, Debug)]
struct Taps<'r, R> {
    w: &'r [R],
    x: &'r [R],
    sizes: [usize; 4],
}

impl Primitive for causal_conv1d {
    const SIG: Sig = Sig::new("(d k), (d), (batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, false, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, &'r [R], Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, &'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        args: Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        let taps = Taps::new(args)?;
        taps.forward(args.1, state.sized(taps.states())?, y)
    }

    fn forward_saving<'r, R: Real>(
        args: Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let taps = Taps::new(args)?;
        let state = state.sized(taps.states())?;
        let initial = saved.take_copy(state);
        taps.forward(args.1, state, y)?;
        let Taps { sizes, .. } = taps;
        Ok(Residual { taps: Taps { w: args.0.values, x: args.2.keep(saved), sizes }, initial })
    }

    fn vjp<R: Real>(
        Residual { taps, initial }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (w_grad, b_grad, slot): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent", taps.x.len(), c.len())?;
        let x_cot = Overwritten::new("x", slot, taps.x.len(), &mut scratch)?;
        let (w_cot, b_cot) = (scratch.take(taps.w.len()), scratch.take(taps.sizes[2]));
        let state = state.sized(taps.states())?;
        taps.backward(initial, c, state, [&mut *x_cot.values, w_cot, b_cot])?;
        x_cot.finish();
        add_to_gradient(w_grad, w_cot)?;
        add_to_gradient(b_grad, b_cot)?;
        Ok(())
    }
}

impl PortableOp for causal_conv1d {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("initial", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.initial);
    }
    fn read<'r>(args: Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        let taps = Taps::new(args)?;
        Ok(Residual { taps, initial: from.floats(taps.states())? })
    }
}

impl<'a, R: Real> Taps<'a, R> {
    /// Checks the arguments.
    fn new<'r: 'a>((w, b, x): (MatrixView<'r, R>, &'r [R], Arg<'r, 'a, R>)) -> Result<Self, Error> {
        let [batch, time, d] = batch_time_d("x", x.dims())?;
        if w.cols == 0 {
            return Err(Error::shape("`w` with at least one tap", "none"));
        }
        length("w", d * w.cols, matrix("w", w)?.len())?;
        length("b", d, b.len())?;
        Ok(Taps { w: w.values, x: numbers("x", x)?, sizes: [batch, time, d, w.cols] })
    }

    /// Numbers of the state.
    fn states(&self) -> usize {
        let [batch, _, d, k] = self.sizes;
        batch * (k - 1) * d
    }

    fn forward(&self, b: &[R], state: &mut [R], y: &mut [R]) -> Result<(), Error> {
        length("result", self.x.len(), y.len())?;
        let [batch, time, d, k] = self.sizes;
        if let (Some([w, b, x]), Some([state, y])) = (f32s([self.w, b, self.x]), f32s_mut([&mut *state, &mut *y])) {
            return Ok(with_kernel_scratch(|s| kernel::forward(w, b, x, batch, time, d, k, state, y, s))?);
        }
        for (at, y) in y.iter_mut().enumerate() {
            let channel = at % d;
            *y = (0..k).fold(b[channel], |sum, j| sum + self.w[channel * k + j] * self.input(state, at, j));
        }
        let before = (k - 1) * d;
        for (state, x) in state.chunks_exact_mut(before.max(1)).zip(self.x.chunks_exact((time * d).max(1))) {
            // the last inputs of the old state and `x` in a row
            let kept = before.saturating_sub(x.len());
            state.copy_within(before - kept.., 0);
            state[kept..].copy_from_slice(&x[x.len() - (before - kept)..]);
        }
        Ok(())
    }

    /// Where the input of tap `j` of output `at` stands: in the state, or (`Ok`) in `x`.
    fn place(&self, at: usize, j: usize) -> Result<usize, usize> {
        let [_, time, d, k] = self.sizes;
        let (entry, t, channel) = (at / (time * d), at / d % time, at % d);
        match (t + j).checked_sub(k - 1) {
            Some(t) => Ok((entry * time + t) * d + channel),
            None => Err((entry * (k - 1) + t + j) * d + channel),
        }
    }

    fn input(&self, initial: &[R], at: usize, j: usize) -> R {
        self.place(at, j).map_or_else(|i| initial[i], |i| self.x[i])
    }

    /// Writes the cotangents of `x`, `w` and `b`; `state` is that of the final state and becomes that of the initial.
    fn backward(
        &self,
        initial: &[R],
        c: &[R],
        state: &mut [R],
        [x_cot, w_cot, b_cot]: [&mut [R]; 3],
    ) -> Result<(), Error> {
        let [batch, time, d, k] = self.sizes;
        let cots = [&mut *state, &mut *x_cot, &mut *w_cot, &mut *b_cot];
        if let (Some([w, x, initial, c]), Some([state, x_cot, w_cot, b_cot])) =
            (f32s([self.w, self.x, initial, c]), f32s_mut(cots))
        {
            return Ok(with_kernel_scratch(|s| {
                kernel::backward(w, x, initial, c, batch, time, d, k, state, x_cot, w_cot, b_cot, s)
            })?);
        }
        let before = (k - 1) * d;
        for sums in [&mut *x_cot, &mut *w_cot, &mut *b_cot] {
            sums.fill(R::ZERO);
        }
        for (state, x_cot) in state.chunks_exact_mut(before.max(1)).zip(x_cot.chunks_exact_mut((time * d).max(1))) {
            // the final state is the last inputs
            let kept = before.saturating_sub(x_cot.len());
            let from = x_cot.len() - (before - kept);
            x_cot[from..].copy_from_slice(&state[kept..]);
            state.copy_within(..kept, before - kept);
            state[..before - kept].fill(R::ZERO);
        }
        for (at, &c) in c.iter().enumerate() {
            let channel = at % d;
            b_cot[channel] += c;
            for j in 0..k {
                let tap = channel * k + j;
                w_cot[tap] += c * self.input(initial, at, j);
                match self.place(at, j) {
                    Ok(i) => x_cot[i] += self.w[tap] * c,
                    Err(i) => state[i] += self.w[tap] * c,
                }
            }
        }
        Ok(())
    }
}
