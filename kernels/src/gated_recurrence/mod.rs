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
//! Work: 12 bytes an element forward, 20 backward; beyond the caches memory is the limit. Results of large calls are
//! stored past the caches where the instruction set can, which saves reading them first.
//!
//! A NaN or an infinity stays in its channel; it reaches the later steps (in the backward, the earlier ones).
//!
//! Source: Qin et al., "Hierarchically Gated Recurrent Neural Network" (2023), the recurrence of
//! HGRN; the same as that of minGRU.

mod kernel;
pub mod reference;

use self::kernel::{Backward, Forward, Step};
use crate::columns::{Columns, ColumnsMut};
use crate::error::{KernelError, check_len, product};
use crate::simd::dispatch;
use crate::{Exec, Isa};

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
    forward_with(Exec::best(), f, v, batch, time, d, h0, h)
}

/// [`forward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_with(
    exec: impl Into<Exec>,
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
    let (exec, shape) = (exec.into(), Shape { batch, time, d });
    if exec.isa() == Isa::Reference {
        reference::forward(f, v, shape, h0, h);
        return Ok(());
    }
    let job = Forward {
        isa: exec.isa(),
        shape,
        f: Columns::new(f, d),
        v: Columns::new(v, d),
        state: ColumnsMut::new(h0, d),
        h: ColumnsMut::new(h, d),
    };
    exec.run(job, shape.grain());
    Ok(())
}

/// One step: [`forward`] with `time = 1`; `h0` becomes the new state, `f * h0 + v`.
///
/// | name           | shape        |
/// |----------------|--------------|
/// | `f`, `v`, `h0` | `[batch, d]` |
///
/// # Errors
/// [`KernelError::Length`] for `f`, `v` or `h0`; [`KernelError::Overflow`].
pub fn step(f: &[f32], v: &[f32], batch: usize, d: usize, h0: &mut [f32]) -> Result<(), KernelError> {
    step_with(Exec::best(), f, v, batch, d, h0)
}

/// [`step`] on a chosen [`Exec`].
///
/// # Errors
/// As [`step`].
pub fn step_with(
    exec: impl Into<Exec>,
    f: &[f32],
    v: &[f32],
    batch: usize,
    d: usize,
    h0: &mut [f32],
) -> Result<(), KernelError> {
    let (len, _) = lengths(batch, 1, d)?;
    check_len("f", f, len)?;
    check_len("v", v, len)?;
    check_len("h0", h0, len)?;
    match exec.into().isa() {
        Isa::Reference => reference::step(f, v, h0),
        isa => dispatch(isa, Step { f, v, h0 }),
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
    backward_with(Exec::best(), f, h, h_initial, h_cot, batch, time, d, state_cot, f_cot, v_cot)
}

/// [`backward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`backward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward_with(
    exec: impl Into<Exec>,
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
    let (exec, shape) = (exec.into(), Shape { batch, time, d });
    if exec.isa() == Isa::Reference {
        reference::backward(Saved { f, h, h_initial }, h_cot, shape, state_cot, f_cot, v_cot);
        return Ok(());
    }
    let job = Backward {
        isa: exec.isa(),
        shape,
        f: Columns::new(f, d),
        h: Columns::new(h, d),
        h_initial: Columns::new(h_initial, d),
        h_cot: Columns::new(h_cot, d),
        carry: ColumnsMut::new(state_cot, d),
        f_cot: ColumnsMut::new(f_cot, d),
        v_cot: ColumnsMut::new(v_cot, d),
    };
    exec.run(job, shape.grain());
    Ok(())
}

/// Elements of a sequence array and of a state array.
fn lengths(batch: usize, time: usize, d: usize) -> Result<(usize, usize), KernelError> {
    Ok((product("f", &[batch, time, d])?, product("h0", &[batch, d])?))
}

/// Extents, none of them 0.
#[derive(Clone, Copy)]
struct Shape {
    batch: usize,
    time: usize,
    d: usize,
}

impl Shape {
    /// Fewest [`CHANNELS`] of a thread.
    fn grain(self) -> usize {
        GRAIN.div_ceil(self.batch * self.time * CHANNELS)
    }

    /// Whether `arrays` sequence arrays are more than caches hold, so that results are stored past them.
    fn streams(self, arrays: usize) -> bool {
        self.batch * self.time * self.d >= STREAMED / arrays
    }
}

/// Channels between which threads may cut: a cache line.
const CHANNELS: usize = 16;

/// Elements that a thread should have at least.
const GRAIN: usize = 1 << 15;

/// Floats in all arrays, from which on results are stored past the caches.
const STREAMED: usize = 1 << 23;

/// What the backward reads from the forward.
#[derive(Clone, Copy)]
struct Saved<'a> {
    f: &'a [f32],
    h: &'a [f32],
    h_initial: &'a [f32],
}
