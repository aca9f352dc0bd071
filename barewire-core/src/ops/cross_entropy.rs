//! Mean cross-entropy against token ids.

use barewire_kernels::cross_entropy as kernel;

use super::softmax_op::exponentials;
use super::support::{f32s, f32s_mut, length, numbers, put_scaled, rows, slot_length, sum_over};
use crate::Error;
use crate::primitive::{Arg, Ids, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::workspace::Arena;

/// A target that does not count in [`cross_entropy`], such as padding.
pub const IGNORED: u32 = kernel::IGNORED;

/// Mean cross-entropy in nats against token ids: `mean(log Σ exp(logits) - logits[target])` over the rows that count.
///
/// | name      | shape     | range or unit                        |
/// |-----------|-----------|--------------------------------------|
/// | `logits`  | `[.., v]` | any                                  |
/// | `targets` | `[..]`    | ids below `v`, or [`IGNORED`]        |
/// | result    | `[]`      | nats a row; 0 if no row counts       |
///
/// VJP: `(softmax(logits) - onehot(target)) / rows that count`, 0 in ignored rows.
///
/// Residual: that gradient, as large as the logits, which themselves are not kept.
///
/// # Errors
/// `Input` with the id and the number of classes; `Shape` if the sizes do not fit.
#[allow(non_camel_case_types)]
pub struct cross_entropy;

impl Primitive for cross_entropy {
    const SIG: Sig = Sig::new("(.. v), u32(..) -> ()");
    const KEEPS: &'static [bool] = &[false, false];
    const STEPS: bool = false;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Ids<'r>);
    type Cots<'a, R: Real> = (Slot<'a, R>, ());
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = &'r [R];
    type State<R: Real> = ();

    fn forward<'s, R: Real>(
        (logits, targets): (Arg<'s, '_, R>, Ids<'s>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        scratch: Arena<'s, R>,
    ) -> Result<(), Error> {
        run(logits, targets, y, None, scratch)
    }

    fn forward_saving<'r, R: Real>(
        (logits, targets): (Arg<'r, '_, R>, Ids<'r>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<&'r [R], Error> {
        let gradient = saved.take(numbers("logits", logits)?.len());
        run(logits, targets, y, Some(&mut *gradient), scratch)?;
        Ok(gradient)
    }

    fn vjp<R: Real>(
        gradient: &[R],
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (mut logits, ()): (Slot<'_, R>, ()),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("cotangent", 1, c.len())?;
        slot_length("logits", &logits, gradient.len())?;
        put_scaled(&mut logits, gradient, c[0]);
        Ok(())
    }
}

impl PortableOp for cross_entropy {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("gradient", Elements::Floats)];

    fn write(gradient: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(gradient);
    }
    fn read<'r>(
        (logits, _): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        from.floats(logits.dims().len())
    }
}

fn run<R: Real>(
    logits: Arg<'_, '_, R>,
    targets: Ids<'_>,
    y: &mut [R],
    gradient: Option<&mut [R]>,
    mut scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let v = logits.dims().last();
    length("targets", rows("logits", logits.dims(), v)?, targets.data().len())?;
    length("result", 1, y.len())?;
    let counts = |id: &&u32| **id != IGNORED;
    if let Some(id) = targets.data().iter().filter(counts).find(|id| **id as usize >= v) {
        return Err(Error::input(format!("target ids below {v}"), format!("id {id}")));
    }
    let counted = targets.data().iter().filter(counts).count();
    let share = R::of(1.0 / counted.max(1) as f64);
    let (logits, targets) = (numbers("logits", logits)?, targets.data());
    let losses = scratch.take(targets.len());
    each_row(logits, targets, v, share, losses, gradient, scratch)?;
    y[0] = sum_over([&*losses], |[loss]| loss) * share;
    Ok(())
}

/// The loss of each row, and `share (softmax - onehot)`.
fn each_row<R: Real>(
    logits: &[R],
    targets: &[u32],
    v: usize,
    share: R,
    losses: &mut [R],
    gradient: Option<&mut [R]>,
    mut scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let saving = gradient.is_some();
    let gradient = gradient.unwrap_or_default();
    if let (Some([x]), Some([losses, gradient])) = (f32s([logits]), f32s_mut([&mut *losses, &mut *gradient])) {
        let rows = targets.len();
        match saving {
            true => kernel::forward_backward(x, targets, rows, v, share.value() as f32, losses, gradient)?,
            false => kernel::forward(x, targets, rows, v, losses)?,
        }
        return Ok(());
    }
    let e = scratch.take(v);
    for (row, (&target, loss)) in targets.iter().zip(losses).enumerate() {
        let at = row * v;
        if target == IGNORED {
            *loss = R::ZERO;
            gradient.iter_mut().skip(at).take(v).for_each(|g| *g = R::ZERO);
            continue;
        }
        let (x, target) = (&logits[at..][..v], target as usize);
        let (max, sum) = exponentials(x, e);
        *loss = sum.ln() + (max - x[target]);
        for (g, &e) in gradient.iter_mut().skip(at).zip(&*e) {
            *g = share * e / sum;
        }
        if let Some(g) = gradient.get_mut(at + target) {
            *g -= share;
        }
    }
    Ok(())
}
