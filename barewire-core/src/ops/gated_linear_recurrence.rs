//! The recurrence of HGRN: a gated sum along time.

use barewire_kernels::gated_recurrence;

use super::support::{Overwritten, batch_time_d, f32s, f32s_mut, length, numbers};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// The recurrence of HGRN, a gated sum along time: `h[t] = f[t] ⊙ h[t-1] + v[t]`.
///
/// | name   | shape              | range or unit                             |
/// |--------|--------------------|-------------------------------------------|
/// | `f`    | `[batch, time, d]` | forget gate, in (0, 1) if it is a sigmoid |
/// | `v`    | `[batch, time, d]` | what is added, same unit as `h`           |
/// | result | `[batch, time, d]` | every `h[t]`                              |
/// | state  | `[batch, d]`       | the last `h`                              |
///
/// VJP, backwards in time: `l[t] = h̄[t] + f[t+1] l[t+1]`; `v̄[t] = l[t]`; `f̄[t] = l[t] h[t-1]`; the initial state's
/// cotangent is `f[0] l[0]`.
///
/// Residual: borrows `f`, reads the result, and copies the initial state. Any split of time into calls gives the same
/// bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Qin et al., "Hierarchically Gated Recurrent Neural Network for Sequence Modeling" (2023), section 3.
#[allow(non_camel_case_types)]
pub struct gated_linear_recurrence;

/// What [`gated_linear_recurrence`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    f: &'r [R],
    initial: &'r [R],
    sizes: [usize; 3],
}

impl Primitive for gated_linear_recurrence {
    const SIG: Sig = Sig::new("(batch time d), (batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, false];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        (f, v): (Arg<'s, '_, R>, Arg<'s, '_, R>),
        [h]: [&mut [R]; 1],
        state: &mut Carry<R>,
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        let sizes = sizes(f, v)?;
        run(numbers("f", f)?, numbers("v", v)?, sizes, state.sized(sizes[0] * sizes[2])?, h)
    }

    fn forward_saving<'r, R: Real>(
        (f, v): (Arg<'r, '_, R>, Arg<'r, '_, R>),
        [h]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let sizes = sizes(f, v)?;
        let state = state.sized(sizes[0] * sizes[2])?;
        let initial = saved.take_copy(state);
        run(numbers("f", f)?, numbers("v", v)?, sizes, state, h)?;
        Ok(Residual { f: f.keep(saved), initial, sizes })
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        [h]: [&[R]; 1],
        [c]: [&[R]; 1],
        (f_slot, v_slot): (Slot<'_, R>, Slot<'_, R>),
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let Residual { f, initial, sizes: [batch, time, d] } = residual;
        let state = state.sized(batch * d)?;
        length("result", f.len(), h.len())?;
        length("cotangent", f.len(), c.len())?;
        let mut scratch = scratch.lend();
        let f_cot = Overwritten::new("f", f_slot, f.len(), &mut scratch)?;
        let v_cot = Overwritten::new("v", v_slot, f.len(), &mut scratch)?;
        back(f, h, initial, c, [batch, time, d], state, f_cot.values, v_cot.values)?;
        f_cot.finish();
        v_cot.finish();
        Ok(())
    }
}

impl PortableOp for gated_linear_recurrence {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("initial", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.initial);
    }
    fn read<'r>((f, v): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        let sizes = sizes(f, v)?;
        Ok(Residual { f: from.kept(f)?, initial: from.floats(sizes[0] * sizes[2])?, sizes })
    }
}

fn sizes<R: Real>(f: Arg<'_, '_, R>, v: Arg<'_, '_, R>) -> Result<[usize; 3], Error> {
    if f.dims() != v.dims() {
        return Err(Error::shape(format!("`v` of the sizes of `f`, {}", f.dims()), format!("{}", v.dims())));
    }
    batch_time_d("f", f.dims())
}

fn run<R: Real>(f: &[R], v: &[R], [batch, time, d]: [usize; 3], state: &mut [R], h: &mut [R]) -> Result<(), Error> {
    length("result", f.len(), h.len())?;
    if let (Some([f, v]), Some([state, h])) = (f32s([f, v]), f32s_mut([&mut *state, &mut *h])) {
        return Ok(gated_recurrence::forward(f, v, batch, time, d, state, h)?);
    }
    for t in 0..batch * time {
        let state = &mut state[t / time * d..][..d];
        let at = t * d;
        for k in 0..d {
            state[k] = f[at + k] * state[k] + v[at + k];
            h[at + k] = state[k];
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "arrays of one recurrence, as the kernel takes them")]
fn back<R: Real>(
    f: &[R],
    h: &[R],
    initial: &[R],
    c: &[R],
    [batch, time, d]: [usize; 3],
    state: &mut [R],
    f_cot: &mut [R],
    v_cot: &mut [R],
) -> Result<(), Error> {
    if let (Some([f, h, initial, c]), Some([state, f_cot, v_cot])) =
        (f32s([f, h, initial, c]), f32s_mut([&mut *state, &mut *f_cot, &mut *v_cot]))
    {
        return Ok(gated_recurrence::backward(f, h, initial, c, batch, time, d, state, f_cot, v_cot)?);
    }
    for t in (0..batch * time).rev() {
        let b = t / time;
        let state = &mut state[b * d..][..d];
        let before = if t % time == 0 { &initial[b * d..][..d] } else { &h[(t - 1) * d..][..d] };
        let at = t * d;
        for k in 0..d {
            let l = c[at + k] + state[k];
            v_cot[at + k] = l;
            f_cot[at + k] = l * before[k];
            state[k] = f[at + k] * l;
        }
    }
    Ok(())
}
