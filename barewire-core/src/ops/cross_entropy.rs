//! Mean cross-entropy against token ids.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::softmax_op::{exponentials, sum_of_exponentials};
use super::support::{length, numbers, put_scaled, rows, slot_length};
use crate::Error;
use crate::primitive::{Arg, Ids, Primitive, Slot};
use crate::real::Real;
use crate::shape::Sig;
use crate::workspace::Arena;

/// A target that does not count in [`cross_entropy`], such as padding.
pub const IGNORED: u32 = u32::MAX;

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
        _: Arena<'s, R>,
    ) -> Result<(), Error> {
        run(logits, targets, y, None)
    }

    fn forward_saving<'r, R: Real>(
        (logits, targets): (Arg<'r, '_, R>, Ids<'r>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<&'r [R], Error> {
        let gradient = saved.take(numbers("logits", logits)?.len());
        run(logits, targets, y, Some(&mut *gradient))?;
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

fn run<R: Real>(
    logits: Arg<'_, '_, R>,
    targets: Ids<'_>,
    y: &mut [R],
    gradient: Option<&mut [R]>,
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
    y[0] = vectorize(Isa::best(), Run { logits, targets, v: v.max(1), share, gradient });
    Ok(())
}

struct Run<'a, R> {
    logits: &'a [R],
    targets: &'a [u32],
    v: usize,
    share: R,
    gradient: Option<&'a mut [R]>,
}

impl<R: Real> Kernel for Run<'_, R> {
    type Output = R;
    #[inline(always)]
    fn run(mut self) -> R {
        let mut lanes = [R::ZERO; 8];
        for (row, (x, &target)) in self.logits.chunks_exact(self.v).zip(self.targets).enumerate() {
            let mut gradient = self.gradient.as_mut().map(|g| &mut g[row * self.v..][..self.v]);
            if target == IGNORED {
                if let Some(g) = gradient {
                    g.fill(R::ZERO);
                }
                continue;
            }
            let (max, sum) = match &mut gradient {
                Some(g) => exponentials(x, g),
                None => sum_of_exponentials(x),
            };
            let at = target as usize;
            lanes[row % 8] += sum.ln() + (max - x[at]);
            if let Some(g) = gradient {
                let scale = self.share / sum;
                g.iter_mut().for_each(|g| *g *= scale);
                g[at] -= self.share;
            }
        }
        lanes.into_iter().fold(R::ZERO, |sum, lane| sum + lane) * self.share
    }
}
