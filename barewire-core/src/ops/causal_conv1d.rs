//! Causal depthwise convolution along time.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::{Overwritten, add_into, batch_time_d, length, matrix, numbers};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
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
/// Residual: borrows `w`, and keeps state and `x` in one array. Any split of time into calls gives the same bits.
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
    w: MatrixView<'r, R>,
    /// `[batch, k-1 + time, d]`: the state, then `x`
    padded: &'r [R],
    sizes: [usize; 3],
}

impl Primitive for causal_conv1d {
    const SIG: Sig = Sig::new("(d k), (d), (batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, false, false];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, &'r [R], Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, &'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (w, b, x): (MatrixView<'r, R>, &'r [R], Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let sizes @ [batch, time, d] = batch_time_d("x", x.dims())?;
        let before = w.cols.checked_sub(1).ok_or_else(|| Error::shape("`w` with at least one tap", "none"))?;
        let data = numbers("x", x)?;
        length("w", d * w.cols, matrix("w", w)?.len())?;
        length("b", d, b.len())?;
        length("result", data.len(), y.len())?;
        let taps = transposed(w, &mut scratch);
        let state = state.sized(batch * before * d)?;
        let padded = saved.take(batch * (before + time) * d);
        for e in 0..batch {
            let padded = &mut padded[e * (before + time) * d..][..(before + time) * d];
            let state = &mut state[e * before * d..][..before * d];
            let (old, new) = padded.split_at_mut(before * d);
            old.copy_from_slice(state);
            new.copy_from_slice(&data[e * time * d..][..time * d]);
            state.copy_from_slice(&padded[time * d..]);
        }
        vectorize(Isa::best(), Forward { taps, b, padded, y, sizes, before });
        Ok(Residual { w, padded, sizes })
    }

    fn vjp<R: Real>(
        Residual { w, padded, sizes: sizes @ [batch, time, d] }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (w_grad, b_grad, slot): (&mut Gradient<R>, &mut Gradient<R>, Slot<'_, R>),
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let before = w.cols - 1;
        length("cotangent", batch * time * d, c.len())?;
        let x_cot = Overwritten::new("x", slot, batch * time * d, &mut scratch)?;
        let state = state.sized(batch * before * d)?;
        let taps = transposed(w, &mut scratch);
        let (taps_cot, padded_cot) = (scratch.take_zeros(w.cols * d), scratch.take_zeros(padded.len()));
        for e in 0..batch {
            // the final state is the last rows of the padded input
            padded_cot[(e * (before + time) + time) * d..][..before * d]
                .copy_from_slice(&state[e * before * d..][..before * d]);
        }
        let sums = &mut *taps_cot;
        vectorize(Isa::best(), Backward { taps, padded, c, padded_cot: &mut *padded_cot, sums, sizes, before });
        for e in 0..batch {
            let (old, new) = padded_cot[e * (before + time) * d..][..(before + time) * d].split_at(before * d);
            state[e * before * d..][..before * d].copy_from_slice(old);
            x_cot.values[e * time * d..][..time * d].copy_from_slice(new);
        }
        x_cot.finish();
        if let Some(w_grad) = w_grad.dense(w.values.len()) {
            for (j, tap) in taps_cot.chunks_exact(d.max(1)).enumerate() {
                for (k, &g) in tap.iter().enumerate() {
                    w_grad[k * w.cols + j] += g;
                }
            }
        }
        if let Some(b_grad) = b_grad.dense(d) {
            c.chunks_exact(d.max(1)).for_each(|c| add_into(b_grad, c));
        }
        Ok(())
    }
}

/// The taps as `[k, d]`, so that the inner loops run over channels.
fn transposed<'s, R: Real>(w: MatrixView<'_, R>, scratch: &mut Arena<'s, R>) -> &'s [R] {
    let taps = scratch.take(w.values.len());
    for (k, channel) in w.values.chunks_exact(w.cols.max(1)).enumerate() {
        for (j, &tap) in channel.iter().enumerate() {
            taps[j * w.rows + k] = tap;
        }
    }
    taps
}

struct Forward<'a, R> {
    taps: &'a [R],
    b: &'a [R],
    padded: &'a [R],
    y: &'a mut [R],
    sizes: [usize; 3],
    before: usize,
}

impl<R: Real> Kernel for Forward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [batch, time, d] = self.sizes;
        for (row, y) in self.y.chunks_exact_mut(d.max(1)).enumerate().take(batch * time) {
            y.copy_from_slice(self.b);
            // a batch entry has `before` more rows in `padded` than in `y`
            let first = row + row / time * self.before;
            for (j, tap) in self.taps.chunks_exact(d).enumerate() {
                for ((y, &w), &x) in y.iter_mut().zip(tap).zip(&self.padded[(first + j) * d..][..d]) {
                    *y += w * x;
                }
            }
        }
    }
}

struct Backward<'a, R> {
    taps: &'a [R],
    padded: &'a [R],
    c: &'a [R],
    padded_cot: &'a mut [R],
    sums: &'a mut [R],
    sizes: [usize; 3],
    before: usize,
}

impl<R: Real> Kernel for Backward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [batch, time, d] = self.sizes;
        for (row, c) in self.c.chunks_exact(d.max(1)).enumerate().take(batch * time) {
            let first = row + row / time * self.before;
            for (j, (tap, sums)) in self.taps.chunks_exact(d).zip(self.sums.chunks_exact_mut(d)).enumerate() {
                let x = (first + j) * d;
                let x_cot = self.padded_cot[x..][..d].iter_mut();
                let operands = tap.iter().zip(c).zip(&self.padded[x..][..d]);
                for ((x_cot, sum), ((&w, &c), &x)) in x_cot.zip(sums).zip(operands) {
                    *x_cot += w * c;
                    *sum += c * x;
                }
            }
        }
    }
}
