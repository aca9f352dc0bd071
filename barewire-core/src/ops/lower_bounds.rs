//! The forget gates' lower bounds of HGRN.

use super::support::{length, matrix};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::Primitive;
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// Lower bounds of the forget gates, growing with depth: `p = softmax(raw)` over layers, `y[l] = p[1] + .. + p[l]`.
///
/// | name   | shape    | range or unit                                |
/// |--------|----------|----------------------------------------------|
/// | `raw`  | `[l, d]` | any                                          |
/// | result | `[l, d]` | in [0, 1), 0 in the first row, non-decreasing |
///
/// VJP: `p̄[j] = Σ_{l >= j} ȳ[l]`, `p̄[0] = 0`, then that of softmax: `r̄aw[j] += p[j] (p̄[j] - Σ_k p[k] p̄[k])`.
///
/// Residual: `p`.
///
/// # Errors
/// `Shape` if lengths do not fit.
///
/// Source: Qin et al., "Hierarchically Gated Recurrent Neural Network for Sequence Modeling" (2023), section 3.2;
/// as in the code of MatMul-free LM, the cumulative sum less its first row.
#[allow(non_camel_case_types)]
pub struct lower_bounds;

/// What [`lower_bounds`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    p: &'r [R],
    d: usize,
}

impl Primitive for lower_bounds {
    const SIG: Sig = Sig::new("(l d) -> (l d)");
    const KEEPS: &'static [bool] = &[false];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>,);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>,);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (raw,): (MatrixView<'r, R>,),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let d = raw.cols;
        let x = matrix("raw", raw)?;
        length("result", x.len(), y.len())?;
        let p = saved.take(x.len());
        for k in 0..d.min(x.len()) {
            let layers = || (k..x.len()).step_by(d);
            // the maximum counts as a constant: its derivative cancels
            let max = R::of(layers().fold(f64::NEG_INFINITY, |max, at| max.max(x[at].value())));
            let mut sum = R::ZERO;
            for at in layers() {
                p[at] = (x[at] - max).exp();
                sum += p[at];
            }
            let mut bound = R::ZERO;
            for at in layers() {
                p[at] = p[at] / sum;
                if at != k {
                    bound += p[at];
                }
                y[at] = bound;
            }
        }
        Ok(Residual { p, d })
    }

    fn vjp<R: Real>(
        Residual { p, d }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (raw,): (&mut Gradient<R>,),
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("cotangent", p.len(), c.len())?;
        let Some(raw) = raw.dense(p.len())? else { return Ok(()) };
        let p_cot = scratch.take(p.len());
        for k in 0..d.min(p.len()) {
            let layers = || (k..p.len()).step_by(d);
            let (mut later, mut mean) = (R::ZERO, R::ZERO);
            for at in layers().rev() {
                later += c[at];
                p_cot[at] = if at == k { R::ZERO } else { later };
                mean += p[at] * p_cot[at];
            }
            for at in layers() {
                raw[at] += p[at] * (p_cot[at] - mean);
            }
        }
        Ok(())
    }
}

impl PortableOp for lower_bounds {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("shares", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.p);
    }
    fn read<'r>((raw,): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        Ok(Residual { p: from.floats(matrix("raw", raw)?.len())?, d: raw.cols })
    }
}
