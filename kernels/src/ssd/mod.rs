//! The scan of Mamba-2 (state-space duality): one decay a head and step, forward, backward and by
//! single steps.
//!
//! ```text
//! delta[t] = softplus(dt[t] + dt_bias)
//! h[t] = exp(delta[t] * a) * h[t-1] + delta[t] * x[t] b[t]ᵀ        [head_dim, d_state]
//! y[t] = h[t] c[t] + d * x[t]
//! ```
//!
//! for each head. All arrays are row-major and contiguous.
//!
//! | name      | shape                                 | meaning                                     |
//! |-----------|---------------------------------------|---------------------------------------------|
//! | `x`       | `[batch, seq_len, n_heads, head_dim]` | input                                       |
//! | `dt`      | `[batch, seq_len, n_heads]`           | time step before softplus                   |
//! | `a`       | `[n_heads]`                           | negative; any value up to 0 is in range     |
//! | `b`, `c`  | `[batch, seq_len, n_groups, d_state]` | head `i` uses group `i / (n_heads / n_groups)` |
//! | `d`       | `[n_heads]`                           | skip weight; absent is 0                    |
//! | `dt_bias` | `[n_heads]`                           | absent is 0                                 |
//! | `h`       | `[batch, n_heads, head_dim, d_state]` | state: initial in, final out                |
//! | `y`       | `[batch, seq_len, n_heads, head_dim]` | output                                      |
//!
//! # How
//!
//! Steps are taken in chunks of 24 (48 in the backward). Inside a chunk the output is a product with
//! the small triangle of `c[t]·b[i]` times the decay from `i` to `t`, which is a product of decays and
//! never a quotient, so that nothing overflows and no decay is too small. Between chunks there is the
//! state. Everything is then a product of small matrices with sums in registers: two multiply-adds
//! an element of the state and step, and 6 % (at 128 states) for the triangle; the exponentials are
//! one a head and step. The triangle of a group is shared by its heads. The backward has four such
//! products in place of two, and recomputes states from checkpoints every 96 steps.
//!
//! # Rounding
//!
//! A call cut into several gives other chunks, and so other roundings: results agree within the bound
//! below, not to the bit, and so does [`step`]. They have the same bits for any number of threads. With
//! `u = 2^-24`, `k = d_state + 24` and `r` the largest `|dt + dt_bias|`, a contribution that is carried over
//! `m` steps with a decay of `e^-l` has an error of at most
//!
//! `(k + 5 m + (5 + r) l + 8 + r) u`
//!
//! of its magnitude, to first order: a sum of `k` terms in order; for each step carried, a
//! multiplication and the rounding of a decay (2 ulp); and those of `delta` (2 ulp, and `r u` for rounding
//! `dt + dt_bias`) and `delta * a`, relative to the logarithm of the decay. What has decayed beyond `l = 104`
//! is 0. The tests count these for every output and gradient.
//!
//! A NaN or infinity reaches everything that depends on it. It can also reach the output of
//! up to 5 steps before it (`x`) and the cotangents of the chunk of 48 steps it is in, where the
//! formula has a zero weight for it, as `0 * NaN` is NaN. [`step`] does not reach back.
//!
//! # Memory
//!
//! The forward needs less than 0.5 MB a thread, at 64 x 128 state elements a head. The backward reads
//! [`checkpoints_len`] floats, and needs as much a thread, partial sums of `b` and `c` for up to 8
//! blocks of 4 heads (0.8 MB), and one batch entry's states once more.
//!
//! Source: Dao & Gu, "Transformers are SSMs" (2024), the block decomposition of section 6.

#![allow(clippy::needless_range_loop, reason = "registers and steps are arrays; indices say which one")]

mod args;
mod backward;
mod chunk;
mod forward;
mod panels;
pub mod reference;
mod state;
mod step;

pub use args::{Cotangents, Inputs, Shape};

use crate::error::{KernelError, check_len, product};
use crate::{Exec, Isa, Scratch};

/// Steps between two checkpoints, a multiple of the chunks of both passes.
const CHECKPOINT: usize = 96;

/// Floats of the checkpoints that [`forward_saving`] writes: a state every 96 steps, with `d_state`
/// rounded up to a multiple of 6 and `head_dim` to one of 16.
///
/// # Errors
/// [`KernelError::Overflow`].
pub fn checkpoints_len(shape: Shape) -> Result<usize, KernelError> {
    let Shape { batch, seq_len, n_heads, head_dim, d_state, .. } = shape;
    let overflow = KernelError::Overflow { argument: "checkpoints" };
    let rows = d_state.checked_next_multiple_of(panels::ROWS).ok_or(overflow)?;
    let channels = head_dim.checked_next_multiple_of(panels::BLOCK).ok_or(overflow)?;
    product("checkpoints", &[batch, n_heads, seq_len.div_ceil(CHECKPOINT), rows, channels])
}

/// Runs the scan; `h` is the initial state in, the final one out.
///
/// # Errors
/// [`KernelError::Length`] names the first slice that does not fit the [shape](self);
/// [`KernelError::Multiple`] if `n_groups` does not divide `n_heads`; [`KernelError::Overflow`].
///
/// ```
/// use barewire_kernels::{Scratch, ssd};
///
/// let shape = ssd::Shape { batch: 1, seq_len: 2, n_heads: 1, head_dim: 1, n_groups: 1, d_state: 1 };
/// let inputs = ssd::Inputs {
///     x: &[1.0, 0.0],
///     dt: &[1e3, 1e3], // softplus of it is 1000 too
///     a: &[-std::f32::consts::LN_2 / 1e3],
///     b: &[1.0, 1.0],
///     c: &[1.0, 1.0],
///     d: None,
///     dt_bias: None,
/// };
/// let (mut h, mut y) = ([0.0], [0.0; 2]);
/// ssd::forward(shape, inputs, &mut h, &mut y, &mut Scratch::new())?;
/// assert!((y[0] - 1000.0).abs() < 1e-3 && (y[1] - 500.0).abs() < 1e-3);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
pub fn forward(
    shape: Shape,
    inputs: Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_with(Exec::best(), shape, inputs, h, y, scratch)
}

/// [`forward`] where `exec` says.
///
/// # Errors
/// As [`forward`].
pub fn forward_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    run_forward(exec.into(), shape, &inputs, h, y, None, scratch)
}

/// [`forward`], also writing the checkpoints that [`backward`] needs, [`checkpoints_len`] floats in a
/// layout of its own that is the same on every instruction set.
///
/// # Errors
/// As [`forward`], and for `checkpoints`.
pub fn forward_saving(
    shape: Shape,
    inputs: Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_saving_with(Exec::best(), shape, inputs, h, y, checkpoints, scratch)
}

/// [`forward_saving`] where `exec` says.
///
/// # Errors
/// As [`forward_saving`].
pub fn forward_saving_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    run_forward(exec.into(), shape, &inputs, h, y, Some(checkpoints), scratch)
}

fn run_forward(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: Option<&mut [f32]>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    inputs.check_forward(shape, h, y)?;
    if let Some(checkpoints) = &checkpoints {
        check_len("checkpoints", checkpoints, checkpoints_len(shape)?)?;
    }
    if inputs.dt.is_empty() {
        return Ok(());
    }
    if exec.isa() == Isa::Reference || shape.is_degenerate() {
        if let Some(checkpoints) = checkpoints.filter(|_| !shape.is_degenerate()) {
            let (mut h, mut y) = (h.to_vec(), y.to_vec());
            run_forward(Isa::Portable.into(), shape, inputs, &mut h, &mut y, Some(checkpoints), scratch)?;
        }
        reference::forward_f32(shape, inputs, h, y);
        return Ok(());
    }
    let rows = forward::scratch_rows(exec, shape);
    let memory = scratch.aligned(rows * panels::BLOCK, 0).0.as_chunks_mut().0;
    let checkpoints = checkpoints.unwrap_or_default().as_chunks_mut().0;
    forward::run(exec, shape, inputs, h, y, checkpoints, memory);
    Ok(())
}

/// One step after the other by the plain recurrence: the call for decoding, with `seq_len` 1.
///
/// # Errors
/// As [`forward`].
pub fn step(shape: Shape, inputs: Inputs<'_>, h: &mut [f32], y: &mut [f32]) -> Result<(), KernelError> {
    step_with(Exec::best(), shape, inputs, h, y)
}

/// [`step`] where `exec` says.
///
/// # Errors
/// As [`step`].
pub fn step_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
) -> Result<(), KernelError> {
    let exec = exec.into();
    inputs.check_forward(shape, h, y)?;
    if inputs.dt.is_empty() {
        return Ok(());
    }
    if exec.isa() == Isa::Reference || shape.is_degenerate() {
        reference::forward_f32(shape, &inputs, h, y);
        return Ok(());
    }
    step::run(exec, shape, &inputs, h, y);
    Ok(())
}

/// Cotangents of the inputs and of the initial state.
///
/// | name          | shape                                 | meaning                                   |
/// |---------------|---------------------------------------|-------------------------------------------|
/// | `checkpoints` | [`checkpoints_len`]                   | what [`forward_saving`] wrote             |
/// | `y_cot`       | `[batch, seq_len, n_heads, head_dim]` | cotangent of `y`                          |
/// | `state_cot`   | `[batch, n_heads, head_dim, d_state]` | in: of the final state; out: of the initial |
/// | `cot`         | as the inputs                         | `a`, `d`, `dt_bias` added to, others written |
///
/// The sums of `a`, `d` and `dt_bias` over steps are taken in f64 across the steps of a chunk and
/// between chunks.
///
/// # Errors
/// As [`forward`]; slices of `cot` are named `x_cot`, `dt_cot` and so on.
pub fn backward(
    shape: Shape,
    inputs: Inputs<'_>,
    checkpoints: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cot: Cotangents<'_>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    backward_with(Exec::best(), shape, inputs, checkpoints, y_cot, state_cot, cot, scratch)
}

/// [`backward`] where `exec` says.
///
/// # Errors
/// As [`backward`].
#[expect(clippy::too_many_arguments, reason = "the arguments of `backward` and where to run")]
pub fn backward_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: Inputs<'_>,
    checkpoints: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cot: Cotangents<'_>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let exec = exec.into();
    inputs.check(shape)?;
    check_len("checkpoints", checkpoints, checkpoints_len(shape)?)?;
    check_len("y_cot", y_cot, inputs.x.len())?;
    check_len("state_cot", state_cot, shape.states()?)?;
    cot.check(&inputs)?;
    if inputs.dt.is_empty() {
        cot.b.fill(0.0);
        cot.c.fill(0.0);
        return Ok(());
    }
    let checkpoints = checkpoints.as_chunks().0;
    if exec.isa() == Isa::Reference || shape.is_degenerate() {
        reference::backward_f32(shape, &inputs, &state::initial(shape, checkpoints), y_cot, state_cot, cot);
        return Ok(());
    }
    let rows = backward::scratch_rows(exec, shape);
    let (memory, sums) = scratch.aligned(rows * panels::BLOCK, 3 * shape.n_heads);
    let (memory, sums) = (memory.as_chunks_mut().0, sums.as_chunks_mut().0);
    backward::run(exec, shape, &inputs, checkpoints, y_cot, state_cot, cot, memory, sums);
    Ok(())
}
