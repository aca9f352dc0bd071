//! The gated linear recurrence `h[t] = f[t] ⊙ h[t-1] + v[t]`, forward and backward.
//!
//! | name        | shape              | meaning                                        |
//! |-------------|--------------------|------------------------------------------------|
//! | `f`         | `[batch, time, d]` | forget gate, any value, in (0, 1) if a sigmoid |
//! | `v`         | `[batch, time, d]` | what is added, same unit as `h`                |
//! | `h0`        | `[batch, d]`       | the state before the first step                |
//! | `h`         | `[batch, time, d]` | the state after every step                     |
//!
//! All row-major and contiguous. A step is one multiplication and one addition, each rounded, on
//! every path: a fused multiply-add would be as fast here, but slow where the target has none. The
//! bits are therefore the same on every instruction set but `Reference` (f64 inside), and for
//! any split of the time axis into calls.
//!
//! Work: 12 bytes an element forward, 20 backward; beyond the caches memory is the limit.
//!
//! Source: Qin et al., "Hierarchically Gated Recurrent Neural Network" (2023), the recurrence of
//! HGRN; the same as that of minGRU.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
pub mod reference;

use crate::Isa;
use crate::error::{KernelError, check_len, product};

/// Runs the recurrence over `time` steps.
///
/// `h[b, t] = f[b, t] * h[b, t-1] + v[b, t]`, with `h[b, -1] = h0[b]`. On return `h0` holds the
/// last state, ready for the next call.
///
/// # Errors
/// [`KernelError::Length`] for `f`, `v`, `h0` or `h`; [`KernelError::Overflow`].
pub fn forward(
    f: &[f32],
    v: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    h0: &mut [f32],
    h: &mut [f32],
) -> Result<(), KernelError> {
    forward_with(Isa::best(), f, v, batch, time, d, h0, h)
}

/// [`forward`] on a given instruction set.
///
/// # Errors
/// As [`forward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_with(
    isa: Isa,
    f: &[f32],
    v: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    h0: &mut [f32],
    h: &mut [f32],
) -> Result<(), KernelError> {
    let (len, states) = lengths(batch, time, d)?;
    check_len("f", f, len)?;
    check_len("v", v, len)?;
    check_len("h0", h0, states)?;
    check_len("h", h, len)?;
    if len == 0 {
        return Ok(());
    }
    let step = Shape { time, d };
    match isa {
        Isa::Reference => reference::forward(f, v, step, h0, h),
        Isa::Portable => portable::forward(f, v, step, h0, h),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::forward(f, v, step, h0, h) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::forward(f, v, step, h0, h) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => portable::forward(f, v, step, h0, h),
    }
    Ok(())
}

/// Cotangents of [`forward`]'s arguments.
///
/// With `l[t] = h_cot[t] + f[t+1] * l[t+1]`, where past the last step `f[t+1] * l[t+1]` stands
/// for the cotangent of the final state:
///
/// `v_cot[t] = l[t]`, `f_cot[t] = l[t] * h[t-1]`, cotangent of the initial state
/// `f[0] * l[0]`.
///
/// | name        | shape              | meaning                                              |
/// |-------------|--------------------|------------------------------------------------------|
/// | `f`         | `[batch, time, d]` | as in [`forward`]                                    |
/// | `h`         | `[batch, time, d]` | what [`forward`] wrote                               |
/// | `h_initial` | `[batch, d]`       | the state before the first step                      |
/// | `h_cot`     | `[batch, time, d]` | cotangent of `h`                                     |
/// | `state_cot` | `[batch, d]`       | in: of the final state; out: of the initial state    |
/// | `f_cot`     | `[batch, time, d]` | written                                              |
/// | `v_cot`     | `[batch, time, d]` | written                                              |
///
/// # Errors
/// [`KernelError::Length`] for the first slice of a wrong length; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward(
    f: &[f32],
    h: &[f32],
    h_initial: &[f32],
    h_cot: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    state_cot: &mut [f32],
    f_cot: &mut [f32],
    v_cot: &mut [f32],
) -> Result<(), KernelError> {
    let isa = Isa::best();
    backward_with(isa, f, h, h_initial, h_cot, batch, time, d, state_cot, f_cot, v_cot)
}

/// [`backward`] on a given instruction set.
///
/// # Errors
/// As [`backward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward_with(
    isa: Isa,
    f: &[f32],
    h: &[f32],
    h_initial: &[f32],
    h_cot: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    state_cot: &mut [f32],
    f_cot: &mut [f32],
    v_cot: &mut [f32],
) -> Result<(), KernelError> {
    let (len, states) = lengths(batch, time, d)?;
    check_len("f", f, len)?;
    check_len("h", h, len)?;
    check_len("h_initial", h_initial, states)?;
    check_len("h_cot", h_cot, len)?;
    check_len("state_cot", state_cot, states)?;
    check_len("f_cot", f_cot, len)?;
    check_len("v_cot", v_cot, len)?;
    if len == 0 {
        return Ok(());
    }
    let saved = Saved { f, h, h_initial };
    let shape = Shape { time, d };
    match isa {
        Isa::Reference => reference::backward(saved, h_cot, shape, state_cot, f_cot, v_cot),
        Isa::Portable => portable::backward(saved, h_cot, shape, state_cot, f_cot, v_cot),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::backward(saved, h_cot, shape, state_cot, f_cot, v_cot) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::backward(saved, h_cot, shape, state_cot, f_cot, v_cot) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => portable::backward(saved, h_cot, shape, state_cot, f_cot, v_cot),
    }
    Ok(())
}

/// Elements of a sequence array and of a state array.
fn lengths(batch: usize, time: usize, d: usize) -> Result<(usize, usize), KernelError> {
    Ok((product("f", &[batch, time, d])?, product("h0", &[batch, d])?))
}

/// Extents of one batch entry, neither of them 0.
#[derive(Clone, Copy)]
struct Shape {
    time: usize,
    d: usize,
}

/// What the backward reads from the forward.
#[derive(Clone, Copy)]
struct Saved<'a> {
    f: &'a [f32],
    h: &'a [f32],
    h_initial: &'a [f32],
}
