//! The layout in which `a` and the state are computed with: `[d_inner / 16][d_state][16 channels]`.
//!
//! One lane is one channel, so that `y` needs no sum over lanes. It is the same on every instruction
//! set. Channels past `d_inner` in the last block are zeros.

use core::f32::consts::LOG2_E;

use super::{LANES, Line, Shape};
use crate::error::{KernelError, check_len, product};

/// Floats of `a` or of one batch entry's state, packed: `d_inner` rounded up to 16, times `d_state`.
///
/// # Errors
/// [`KernelError::Overflow`].
pub fn packed_len(d_inner: usize, d_state: usize) -> Result<usize, KernelError> {
    product("packed", &[d_inner.div_ceil(LANES), d_state, LANES])
}

/// Packs `a[d_inner, d_state]` for [`super::step`], multiplied by log2(e): the decay is `2^(dt a)`. Made once,
/// not for every step. Numbers below -1e30 are stored as that.
///
/// # Errors
/// [`KernelError::Length`] for `a` or `packed`; [`KernelError::Overflow`].
pub fn pack_a(d_inner: usize, d_state: usize, a: &[f32], packed: &mut [f32]) -> Result<(), KernelError> {
    check_len("a", a, product("a", &[d_inner, d_state])?)?;
    check_len("packed", packed, packed_len(d_inner, d_state)?)?;
    pack_lines(a, d_inner, d_state, lines_mut(packed), exponent);
    Ok(())
}

/// Packs a state `h[batch, d_inner, d_state]` for [`super::step`], each batch entry by itself.
///
/// # Errors
/// [`KernelError::Length`] for `h` or `packed`; [`KernelError::Overflow`].
pub fn pack_state(
    batch: usize,
    d_inner: usize,
    d_state: usize,
    h: &[f32],
    packed: &mut [f32],
) -> Result<(), KernelError> {
    let shape = Shape { batch, seq_len: 0, d_inner, d_state };
    check_len("h", h, shape.states()?)?;
    check_len("packed", packed, product("packed", &[batch, packed_len(d_inner, d_state)?])?)?;
    pack_states(shape, h, lines_mut(packed));
    Ok(())
}

/// The inverse of [`pack_state`].
///
/// # Errors
/// [`KernelError::Length`] for `packed` or `h`; [`KernelError::Overflow`].
pub fn unpack_state(
    batch: usize,
    d_inner: usize,
    d_state: usize,
    packed: &[f32],
    h: &mut [f32],
) -> Result<(), KernelError> {
    let shape = Shape { batch, seq_len: 0, d_inner, d_state };
    check_len("packed", packed, product("packed", &[batch, packed_len(d_inner, d_state)?])?)?;
    check_len("h", h, shape.states()?)?;
    unpack_states(shape, lines(packed), h);
    Ok(())
}

/// `a log2(e)`, kept finite: the decay of minus infinity and of -1e30 is 0 for every time step above 1e-28, and
/// `Exp2` wants its argument finite.
pub(super) fn exponent(a: f32) -> f32 {
    let a = a * LOG2_E;
    if a < -1e30 { -1e30 } else { a }
}

/// All whole lines of `x`.
#[inline(always)]
pub(super) fn lines(x: &[f32]) -> &[Line] {
    x.as_chunks().0
}

/// All whole lines of `x`.
#[inline(always)]
pub(super) fn lines_mut(x: &mut [f32]) -> &mut [Line] {
    x.as_chunks_mut().0
}

/// [`pack_state`] on checked lengths.
pub(super) fn pack_states(shape: Shape, h: &[f32], packed: &mut [Line]) {
    let Shape { d_inner, d_state, .. } = shape;
    if h.is_empty() {
        return;
    }
    for (h, packed) in h.chunks_exact(d_inner * d_state).zip(packed.chunks_exact_mut(shape.blocks() * d_state)) {
        pack_lines(h, d_inner, d_state, packed, |h| h);
    }
}

/// [`unpack_state`] on checked lengths.
pub(super) fn unpack_states(shape: Shape, packed: &[Line], h: &mut [f32]) {
    let Shape { d_inner, d_state, .. } = shape;
    if h.is_empty() {
        return;
    }
    for (h, packed) in h.chunks_exact_mut(d_inner * d_state).zip(packed.chunks_exact(shape.blocks() * d_state)) {
        for (d, h) in h.chunks_exact_mut(d_state).enumerate() {
            for (h, line) in h.iter_mut().zip(&packed[d / LANES * d_state..][..d_state]) {
                *h = line[d % LANES];
            }
        }
    }
}

/// Packs a `[d_inner, d_state]` array of checked length, each element through `f`.
pub(super) fn pack_lines(x: &[f32], d_inner: usize, d_state: usize, packed: &mut [Line], f: impl Fn(f32) -> f32) {
    if x.is_empty() {
        return;
    }
    if !d_inner.is_multiple_of(LANES) {
        let last = packed.len() - d_state;
        packed[last..].fill([0.0; LANES]);
    }
    for (d, x) in x.chunks_exact(d_state).enumerate() {
        for (line, x) in packed[d / LANES * d_state..][..d_state].iter_mut().zip(x) {
            line[d % LANES] = f(*x);
        }
    }
}
