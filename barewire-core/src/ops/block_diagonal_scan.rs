//! A linear recurrence with a block-diagonal transition.

use super::block_diagonal_op::Blocks;
use super::support::{Overwritten, add_to_gradient, batch_time_d, length, numbers};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// A linear recurrence whose transition mixes the channels of a block: `h[t] = A h[t-1] + v[t]`.
///
/// | name   | shape              | range or unit                                                       |
/// |--------|--------------------|---------------------------------------------------------------------|
/// | `a`    | `[d, k]`           | square blocks below each other; `k` divides `d`; a stable one has no eigenvalue above 1 in size |
/// | `v`    | `[batch, time, d]` | what enters, any                                                    |
/// | result | `[batch, time, d]` | every `h[t]`                                                        |
/// | state  | `[batch, d]`       | the last `h`                                                        |
///
/// With `k` 1 it is a recurrence with a constant decay a channel, with `k` 2 it can turn: a pair of complex poles. For the
/// rest of a state-space layer put [`linear`](super::linear) around it.
///
/// VJP, backwards in time: `l[t] = h̄[t] + Aᵀ l[t+1]`; `v̄[t] = l[t]`, `ā += l[t] h[t-1]ᵀ` on the blocks; the initial state's
/// cotangent is `Aᵀ l[0]`.
///
/// Residual: borrows `a` and the result; keeps the initial state, `batch * d` numbers. Any split of time into calls
/// gives the same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Gu, Dao et al., "HiPPO" (2020), equation 2 for the recurrence; blocks as in Smith, Warrington & Linderman, "Simplified
/// State Space Layers" (2022), appendix B.1.
#[allow(non_camel_case_types)]
pub struct block_diagonal_scan;

/// What [`block_diagonal_scan`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    a: Blocks<'r, R>,
    start: &'r [R],
    time: usize,
}

impl Primitive for block_diagonal_scan {
    const SIG: Sig = Sig::new("(d k), (batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, false];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (a, v): (MatrixView<'r, R>, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let [batch, time, d] = batch_time_d("v", v.dims())?;
        let a = Blocks::new("a", a)?;
        length("a", d, a.d)?;
        let v = numbers("v", v)?;
        length("result", v.len(), y.len())?;
        let state = state.sized(batch * d)?;
        let start: &[R] = saved.take_copy(state);
        y.copy_from_slice(v);
        for (y, state) in y.chunks_exact_mut((time * d).max(1)).zip(state.chunks_exact_mut(d.max(1))) {
            for y in y.chunks_exact_mut(d.max(1)) {
                a.add_product(state, y);
                state.copy_from_slice(y);
            }
        }
        Ok(Residual { a, start, time })
    }

    fn vjp<R: Real>(
        Residual { a, start, time }: Residual<'_, R>,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (a_cot, slot): (&mut Gradient<R>, Slot<'_, R>),
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let d = a.d.max(1);
        length("result", start.len() * time, y.len())?;
        length("cotangent", y.len(), c.len())?;
        // what comes back along time, `Aᵀ l[t+1]`: in the end that of the initial state
        let back = state.sized(start.len())?;
        let v_cot = Overwritten::new("v", slot, y.len(), &mut scratch)?;
        let sums = scratch.take_zeros(a.values.len());
        v_cot.values.copy_from_slice(c);
        for (row, back) in back.chunks_exact_mut(d).enumerate() {
            for t in (0..time).rev() {
                let at = (row * time + t) * d;
                let l = &mut v_cot.values[at..][..d];
                l.iter_mut().zip(&*back).for_each(|(l, back)| *l += *back);
                let before = if t == 0 { &start[row * d..][..d] } else { &y[at - d..][..d] };
                a.add_outer(l, before, sums);
                back.fill(R::ZERO);
                a.add_transposed_product(l, back);
            }
        }
        v_cot.finish();
        add_to_gradient(a_cot, sums)?;
        Ok(())
    }
}

impl PortableOp for block_diagonal_scan {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("start", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.start);
    }
    fn read<'r>((a, v): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        let [batch, time, d] = batch_time_d("v", v.dims())?;
        let a = Blocks::new("a", a)?;
        length("a", d, a.d)?;
        Ok(Residual { a, start: from.floats(batch * d)?, time })
    }
}
