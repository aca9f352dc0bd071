//! Softmax attention.

use super::attention_heads::{Heads, Mask, Sources, Targets};
use super::support::{Overwritten, length};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// Softmax attention in which every position sees every other: `y = softmax(q kᵀ / sqrt(d / heads)) v`, head by head.
///
/// | name    | shape              | range or unit                                                       |
/// |---------|--------------------|---------------------------------------------------------------------|
/// | `q`     | `[batch, time, d]` | queries; the channels of a head side by side                        |
/// | `k`     | `[batch, time, e]` | keys, `e` a multiple of `d / heads`: heads of `q` in turn share them |
/// | `v`     | `[batch, time, e]` | values                                                              |
/// | `heads` | `u32`              | divides `d`; a constant                                             |
/// | result  | `[batch, time, d]` | as `v`                                                              |
///
/// VJP, with `P` the weights: `v̄ = Pᵀ ȳ`, `S̄ = P ⊙ (ȳ vᵀ - Σ_j P ⊙ ȳ vᵀ)`, `q̄ = S̄ k / sqrt(d / heads)`,
/// `k̄ = S̄ᵀ q / sqrt(d / heads)`.
///
/// Residual: borrows `q`, `k` and `v`. Weights exist for 32 queries at a time and are made again in the backward pass:
/// memory grows with `time`, not with its square.
///
/// Not causal, so there is no streaming step; [`causal_attention`] and [`sliding_window_attention`] have one.
///
/// # Errors
/// `Shape` names the argument that does not fit.
///
/// Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2; recomputation as in Dao et al.,
/// "FlashAttention" (2022), section 3.1.
#[allow(non_camel_case_types)]
pub struct attention;

/// [`attention`] in which a position sees itself and earlier ones.
///
/// The state holds all keys and values so far, `[positions, batch, 2, e]`: it grows by `2 batch e` numbers a step, which
/// is the one memory of a warm stream that is not constant. Chunks and steps agree with a whole sequence to rounding.
///
/// Arguments, result, VJP and residual are those of [`attention`]; the residual also copies the initial state. The
/// cotangent of the final state has as many positions as that state, that of the initial state as many as it.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it is of another batch or width.
#[allow(non_camel_case_types)]
pub struct causal_attention;

/// [`causal_attention`] in which the position `i` sees the positions `j` with `i - j < window` and `i - j` a multiple of
/// `stride`.
///
/// | name     | shape              | range or unit                              |
/// |----------|--------------------|--------------------------------------------|
/// | `q`, `k`, `v`, `heads` |      | as in [`attention`]                        |
/// | `window` | `u32`              | at least 1; a constant                     |
/// | `stride` | `u32`              | at least 1; 1 sees the whole window        |
///
/// The state holds the keys and values of the last `window - 1` positions (fewer at first), so a warm stream allocates
/// nothing. All else is as in [`causal_attention`].
///
/// # Errors
/// As [`causal_attention`]; `Input` for a window or stride of 0.
///
/// Source: Beltagy, Peters & Cohan, "Longformer" (2020), section 3.1, sliding and dilated windows.
#[allow(non_camel_case_types)]
pub struct sliding_window_attention;

/// What the attention ops keep.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    heads: Heads,
    from: Sources<'r, R>,
}

impl<'r, R: Real> Residual<'r, R> {
    fn saving(
        args: [Arg<'r, '_, R>; 3],
        heads: u32,
        mask: Mask,
        y: &mut [R],
        cache: Option<&mut Vec<R>>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self, Error> {
        let heads = Heads::new(args, heads, mask, cache.as_ref().map_or(0, |cache| cache.len()))?;
        let [q, k, v] = args.map(|arg| arg.keep(saved));
        let from = Sources { q, k, v, cache: saved.take_copy(cache.as_deref().map_or(&[][..], |cache| cache)) };
        heads.forward(from, y, scratch)?;
        if let Some(cache) = cache {
            heads.extend(k, v, cache);
        }
        Ok(Residual { heads, from })
    }

    fn backward(
        self,
        c: &[R],
        [q, k, v]: [Slot<'_, R>; 3],
        state: Option<&mut Vec<R>>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let Residual { heads, from } = self;
        length("cotangent", from.q.len(), c.len())?;
        let q = Overwritten::new("q", q, from.q.len(), &mut scratch)?;
        let k = Overwritten::new("k", k, from.k.len(), &mut scratch)?;
        let v = Overwritten::new("v", v, from.v.len(), &mut scratch)?;
        k.values.fill(R::ZERO);
        v.values.fill(R::ZERO);
        let cache = scratch.take_zeros(heads.cache_len());
        let mut to = Targets { q: &mut *q.values, k: &mut *k.values, v: &mut *v.values, cache: &mut *cache };
        heads.backward(from, c, &mut to, scratch)?;
        if let Some(state) = state {
            heads.add_final(state, &mut to)?;
            state.clear();
            state.extend_from_slice(cache);
        }
        [q, k, v].into_iter().for_each(Overwritten::finish);
        Ok(())
    }
}

impl<'r> Residual<'r, f32> {
    fn read(args: [Arg<'r, 'r, f32>; 3], heads: u32, mask: Mask, from: &mut Arrays<'_, 'r>) -> Result<Self, Error> {
        let cache = from.any_floats()?;
        let heads = Heads::new(args, heads, mask, cache.len())?;
        let [q, k, v] = [from.kept(args[0])?, from.kept(args[1])?, from.kept(args[2])?];
        Ok(Residual { heads, from: Sources { q, k, v, cache } })
    }
}

/// The forward pass that keeps nothing, on the cache where it lies.
fn plain<R: Real>(
    args: [Arg<'_, '_, R>; 3],
    heads: u32,
    mask: Mask,
    y: &mut [R],
    cache: &mut Vec<R>,
    scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let heads = Heads::new(args, heads, mask, cache.len())?;
    let [q, k, v] = args.map(|arg| arg.data());
    heads.forward(Sources { q, k, v, cache }, y, scratch)?;
    if mask != Mask::All {
        heads.extend(k, v, cache);
    }
    Ok(())
}

const CAUSAL: Mask = Mask::Causal { window: usize::MAX, stride: 1 };

impl Primitive for attention {
    const SIG: Sig = Sig::new("(batch time d), (batch time e), (batch time e), () -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, true, true, false];
    const STEPS: bool = false;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, u32);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, &'a mut ());
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward<'s, R: Real>(
        (q, k, v, heads): Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        _: &mut (),
        scratch: Arena<'s, R>,
    ) -> Result<(), Error> {
        plain([q, k, v], heads, Mask::All, y, &mut Vec::new(), scratch)
    }

    fn forward_saving<'r, R: Real>(
        (q, k, v, heads): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Residual::saving([q, k, v], heads, Mask::All, y, None, saved, scratch)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (q, k, v, _): Self::Cots<'_, R>,
        _: &mut (),
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, [q, k, v], None, scratch)
    }
}

impl Primitive for causal_attention {
    const SIG: Sig = attention::SIG;
    const KEEPS: &'static [bool] = attention::KEEPS;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, u32);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, &'a mut ());
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        (q, k, v, heads): Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        scratch: Arena<'s, R>,
    ) -> Result<(), Error> {
        plain([q, k, v], heads, CAUSAL, y, state.list(), scratch)
    }

    fn forward_saving<'r, R: Real>(
        (q, k, v, heads): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        Residual::saving([q, k, v], heads, CAUSAL, y, Some(state.list()), saved, scratch)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (q, k, v, _): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, [q, k, v], Some(state.list()), scratch)
    }
}

/// Both as counts.
fn windowed(window: u32, stride: u32) -> Mask {
    Mask::Causal { window: window as usize, stride: stride as usize }
}

impl Primitive for sliding_window_attention {
    const SIG: Sig = Sig::new("(batch time d), (batch time e), (batch time e), (), (), () -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, true, true, false, false, false];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, u32, u32, u32);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, &'a mut (), &'a mut (), &'a mut ());
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward<'s, R: Real>(
        (q, k, v, heads, window, stride): Self::Args<'s, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        scratch: Arena<'s, R>,
    ) -> Result<(), Error> {
        plain([q, k, v], heads, windowed(window, stride), y, state.list(), scratch)
    }

    fn forward_saving<'r, R: Real>(
        (q, k, v, heads, window, stride): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let mask = windowed(window, stride);
        Residual::saving([q, k, v], heads, mask, y, Some(state.list()), saved, scratch)
    }

    fn vjp<R: Real>(
        residual: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (q, k, v, ..): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        residual.backward(c, [q, k, v], Some(state.list()), scratch)
    }
}

impl PortableOp for attention {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("cache", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.from.cache);
    }
    fn read<'r>(
        (q, k, v, heads): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read([q, k, v], heads, Mask::All, from)
    }
}

impl PortableOp for causal_attention {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("cache", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.from.cache);
    }
    fn read<'r>(
        (q, k, v, heads): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read([q, k, v], heads, CAUSAL, from)
    }
}

impl PortableOp for sliding_window_attention {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("cache", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.from.cache);
    }
    fn read<'r>(
        (q, k, v, heads, window, stride): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        Residual::read([q, k, v], heads, windowed(window, stride), from)
    }
}
