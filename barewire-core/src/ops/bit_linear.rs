//! The linear layer of BitNet b1.58: ternary digits, int8 activations.

use barewire_kernels::ternary;

use super::packed;
use super::support::{dot_rows, length, numbers, put_scaled, rows, slot_length};
use crate::Error;
use crate::gradient::Signal;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::TernaryView;
use crate::workspace::Arena;

/// The linear layer of BitNet b1.58: `y = scale · T · u`, where `u` is `x` rounded to int8, one step size a token.
///
/// `s = 127 / max(max|x|, 1e-5)`, `q = clamp(round_half_even(x s), -128, 127)`, `u = q / s`.
///
/// | name     | shape     | range or unit         |
/// |----------|-----------|-----------------------|
/// | `digits` | `[o, i]`  | packed, in {-1, 0, 1} |
/// | `scale`  | `[]`      | of the weights        |
/// | `x`      | `[.., i]` | any                   |
/// | result   | `[.., o]` | `scale · x`           |
///
/// Derivatives are straight-through: rounding counts as the identity, and the step size as a constant.
/// VJP: `x̄ = scale · Tᵀ ȳ`; `s̄cale += Σ ⟨Tᵀ ȳ, u⟩`; the signal of the digits is `scale · ȳ uᵀ`.
///
/// Residual with `f32`: the int8 codes (rows rounded up to 32 bytes) and one step a token; `x` itself is not kept.
/// Any other scalar keeps `u`, which carries the tangents.
///
/// A token with a NaN or an infinity has NaN results; other tokens are not affected. A step and a sequence give the
/// same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit.
///
/// Source: Ma et al., "The Era of 1-bit LLMs: All Large Language Models are in 1.58 Bits" (2024), section 2; the
/// arithmetic is that of `activation_quant` in MatMul-free LM (Zhu et al. 2024).
#[allow(non_camel_case_types)]
pub struct bit_linear;

/// What [`bit_linear`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    digits: TernaryView<'r>,
    scale: R,
    u: Rounded<'r, R>,
    n: usize,
}

/// The rounded activations.
#[derive(Clone, Copy, Debug)]
enum Rounded<'r, R> {
    /// in the order of the kernels, with the value of one step for each token
    Codes(&'r [i8], &'r [R]),
    /// `[n, i]`
    Values(&'r [R]),
}

impl Primitive for bit_linear {
    const SIG: Sig = Sig::new("(o i), (), (.. i) -> (.. o)");
    const KEEPS: &'static [bool] = &[true, false, false];
    type Args<'r, 'a, R: Real> = (TernaryView<'r>, R, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Signal<R>, &'a mut R, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (digits, scale, x): (TernaryView<'r>, R, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let (o, i) = (digits.rows, digits.cols);
        let n = rows("x", x.dims(), i)?;
        let x = numbers("x", x)?;
        length("bit_linear", n.saturating_mul(o), y.len())?;
        if let (Some(x), Some(y)) = (R::as_f32(x), R::as_f32_mut(y)) {
            let codes = saved.take_codes(ternary::int8_codes_len(n, i)?);
            let steps = saved.take(n);
            if let Some(steps) = R::as_f32_mut(steps) {
                ternary::quantize_int8(x, n, i, codes, steps)?;
                ternary::forward_int8(digits.words, o, i, codes, steps, n, scale.value() as f32, y)?;
            }
            return Ok(Residual { digits, scale, u: Rounded::Codes(codes, steps), n });
        }
        let u = saved.take(x.len());
        round_rows(x, i, u);
        packed::forward(digits, u, n, y, scratch)?;
        y.iter_mut().for_each(|y| *y *= scale);
        Ok(Residual { digits, scale, u: Rounded::Values(u), n })
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (signal, scale_cot, mut x): (&mut Signal<R>, &mut R, Slot<'_, R>),
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let Residual { digits, scale, u, n } = residual;
        let (o, i) = (digits.rows, digits.cols);
        length("cotangent", n.saturating_mul(o), c.len())?;
        slot_length("x", &x, n * i)?;
        let u = match u {
            Rounded::Values(u) => u,
            Rounded::Codes(codes, steps) => {
                let u = scratch.take(n * i);
                if let (Some(steps), Some(u)) = (R::as_f32(steps), R::as_f32_mut(u)) {
                    ternary::dequantize_int8(codes, steps, n, i, u)?;
                }
                u
            }
        };
        // without the scale: its inner product with `u` is the scale's gradient, even where the scale is 0
        let back = scratch.take(n * i);
        packed::transposed(digits, c, n, back, scratch)?;
        *scale_cot += dot_rows(back, u, i);
        put_scaled(&mut x, back, scale);
        signal.add_outer([n, o, i], scale, c, u)
    }
}

impl PortableOp for bit_linear {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("codes", Elements::Codes), ("steps", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        if let Rounded::Codes(codes, steps) = residual.u {
            to.codes(codes);
            to.floats(steps);
        }
    }
    fn read<'r>(
        (digits, scale, x): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let n = rows("x", x.dims(), digits.cols)?;
        let codes = from.codes(ternary::int8_codes_len(n, digits.cols)?)?;
        Ok(Residual { digits, scale, u: Rounded::Codes(codes, from.floats(n)?), n })
    }
}

/// `u = q / s` row by row, with the tangents of `x`.
fn round_rows<R: Real>(x: &[R], i: usize, u: &mut [R]) {
    for (x, u) in x.chunks(i.max(1)).zip(u.chunks_mut(i.max(1))) {
        // NaN survives `f64::max` only as the receiver's partner, so it is looked for
        let finite = x.iter().all(|x| x.value().is_finite());
        let max = x.iter().fold(1e-5, |max, x| f64::max(max, x.value().abs()));
        for (u, &x) in u.iter_mut().zip(x) {
            let code = (x.value() * (127.0 / max)).round_ties_even().clamp(-128.0, 127.0);
            *u = x.at_value(if finite { code * (max / 127.0) } else { f64::NAN });
        }
    }
}
