//! Rotary position embedding.

use super::support::{batch_time_d, length, numbers, slot_length};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// Rotary position embedding: in each head of `h` channels, channel `i < h/2` and channel `i + h/2` turn together by the
/// angle `p base^(-2i/h)`, where `p` is the position.
///
/// `y[i] = x[i] cos - x[i + h/2] sin`, `y[i + h/2] = x[i + h/2] cos + x[i] sin`
///
/// | name    | shape              | range or unit                                  |
/// |---------|--------------------|------------------------------------------------|
/// | `x`     | `[batch, time, d]` | queries or keys, heads side by side            |
/// | `heads` | `u32`              | divides `d` into even sizes; a constant        |
/// | `base`  | `[]`               | such as 10000; a constant                      |
/// | result  | `[batch, time, d]` | as `x`                                         |
/// | state   | `[1]`              | positions so far, a count: it has no cotangent |
///
/// VJP: the rotation by the negative angle. Angles, sines and cosines are computed in f64.
///
/// Residual: the angles' sines and cosines, `time * h` numbers. Any split of time into calls gives the same bits.
///
/// # Errors
/// `Shape` if `heads` does not divide `d` into even sizes.
///
/// Source: Su et al., "RoFormer" (2021), section 3.2.2, with the pairing of channels of the published LLaMA weights in
/// transformers' layout (`rotate_half`).
#[allow(non_camel_case_types)]
pub struct rope;

/// What [`rope`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    /// cosine and sine, `[time, head_dim / 2, 2]`
    turns: &'r [R],
    len: usize,
    time: usize,
    d: usize,
    head_dim: usize,
}

impl Primitive for rope {
    const SIG: Sig = Sig::new("(batch time d), (), () -> (batch time d)");
    const KEEPS: &'static [bool] = &[false; 3];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, u32, R);
    type Cots<'a, R: Real> = (Slot<'a, R>, &'a mut (), &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (x, heads, base): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let [_, time, d] = batch_time_d("x", x.dims())?;
        let data = numbers("x", x)?;
        length("result", data.len(), y.len())?;
        let head_dim = head_dim(d, heads)?;
        let position = &mut state.sized(1)?[0];
        let first = position.value().round();
        *position = R::of(first + time as f64);
        let turns = saved.take(time * head_dim);
        for (t, turns) in turns.chunks_exact_mut(head_dim).enumerate() {
            for (i, turn) in turns.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let angle = (first + t as f64) * base.value().powf(-2.0 * i as f64 / head_dim as f64);
                *turn = [R::of(angle.cos()), R::of(angle.sin())];
            }
        }
        let residual = Residual { turns, len: data.len(), time, d, head_dim };
        residual.turn(data, R::ONE, |i, value| y[i] = value);
        Ok(residual)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (slot, ..): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("cotangent", residual.len, c.len())?;
        slot_length("x", &slot, residual.len)?;
        state.sized(1)?[0] = R::ZERO;
        match slot {
            Slot::Skip => {}
            Slot::Write(to) => residual.turn(c, -R::ONE, |i, value| to[i] = value),
            Slot::Add(to) => residual.turn(c, -R::ONE, |i, value| to[i] += value),
        }
        Ok(())
    }
}

impl PortableOp for rope {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("turns", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.turns);
    }
    fn read<'r>(
        (x, heads, _): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let [_, time, d] = batch_time_d("x", x.dims())?;
        let head_dim = head_dim(d, heads)?;
        Ok(Residual { turns: from.floats(time * head_dim)?, len: x.dims().len(), time, d, head_dim })
    }
}

fn head_dim(d: usize, heads: u32) -> Result<usize, Error> {
    let head_dim = d.checked_div(heads as usize).unwrap_or(0);
    if head_dim * heads as usize != d || head_dim == 0 || !head_dim.is_multiple_of(2) {
        return Err(Error::shape("heads that divide `d` into even sizes", format!("{heads} heads and `d` {d}")));
    }
    Ok(head_dim)
}

impl<R: Real> Residual<'_, R> {
    /// Gives every element of `x`, turned by the angle times `way`, which is 1 or -1.
    fn turn(&self, x: &[R], way: R, mut put: impl FnMut(usize, R)) {
        let half = self.head_dim / 2;
        for (at, x) in x.chunks_exact(self.head_dim).enumerate() {
            let (start, t) = (at * self.head_dim, at * self.head_dim / self.d % self.time);
            let turns = self.turns[t * self.head_dim..][..self.head_dim].as_chunks::<2>().0;
            for (i, &[cos, sin]) in turns.iter().enumerate() {
                let sin = sin * way;
                put(start + i, x[i] * cos - x[i + half] * sin);
                put(start + half + i, x[i + half] * cos + x[i] * sin);
            }
        }
    }
}
