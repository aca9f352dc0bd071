//! The selective scan of Mamba, fused with softplus, skip and gate: forward, backward and one step.
//!
//! ```text
//! delta[t] = softplus(dt[t] + dt_bias)                          softplus, dt_bias: optional
//! h[t]     = exp(delta[t] a) h[t-1] + delta[t] x[t] b[t]
//! y[t]     = (sum over states of c[t] h[t] + d x[t]) silu(z[t])     d, z: optional
//! ```
//!
//! | name            | shape                       | meaning                                              |
//! |-----------------|-----------------------------|------------------------------------------------------|
//! | `x`, `dt`, `z`  | `[batch, seq_len, d_inner]` | input, time step before softplus, gate               |
//! | `a`             | `[d_inner, d_state]`        | log of the decay in unit time, below 0 in Mamba      |
//! | `b`, `c`        | `[batch, seq_len, d_state]` | how `x` enters the state and how it is read          |
//! | `d`, `dt_bias`  | `[d_inner]`                 | skip, bias of the time step                          |
//! | `h`             | `[batch, d_inner, d_state]` | state; in: before the first step, out: after the last |
//! | `y`             | `[batch, seq_len, d_inner]` | output                                               |
//!
//! All row-major and contiguous, of any extents, 0 included; slices need no alignment. The gradient
//! goes through the initial and the final state, so that a sequence can be trained on in pieces.
//!
//! # Bits
//!
//! On one instruction set, but `Reference`: a call has the same bits whatever the number of threads; calls on
//! consecutive pieces of a sequence, and single [`step`]s, have those of one call. `Reference` computes in f64
//! and rounds the state at the end of a call. Instruction sets differ from each other by roundings.
//!
//! Threads share the channels, 64 at a time forward and 64 to 256 backward; a batch of narrow sequences is not
//! spread.
//!
//! # Error
//!
//! With `u = 2^-24` and `r` the largest `|dt + dt_bias|`: softplus and sigmoid are within 4 ulp (8 u), and rounding
//! `dt + dt_bias` costs softplus another `r u`, so that the decay `e` is within `(3 + (11 + r) |delta a|) u` of itself,
//! of which `e` times the second term is below `(4.1 + 0.4 r) u`; what is added to the state is off by `(10 + r) u` of
//! itself, and that is at most twice the largest `|h|`. The error of a state thus is at
//! most `(29 + 2.4 r) u max|h| / (1 - e)` with the largest decay `e`: old errors decay with the state and do not add
//! up over time. That of `y` is the sum of those of its states, times `|c|`, and `(d_state + 12) u` of the sum of
//! `|c h|` and `|d x|`. What is measured is some 5 u of the largest `y`, at any length. The backward has the same
//! form. Its sums over time and batch, the cotangents of `a`, `d` and `dt_bias`, are f32 within 32
//! steps and f64 over them; those over channels are f32 in 4 to 16 lanes.
//!
//! A decay too small for f32 becomes 0; `1 / decay` is never formed. A decay above 1 is allowed, and infinite
//! beyond the range of f32.
//!
//! NaN and infinities in an input make NaN or infinite what depends on it by the formula (an infinity
//! may become NaN), and nothing else; a gate of minus infinity may also give 0. Numbers of `a` below -1e30
//! count as that.
//!
//! # Work
//!
//! For each state: an exponential, two products and two fused multiply-adds forward; the exponential and the
//! state once more, and eight operations, backward. The exponential is the limit, not memory. No tensor
//! of the size `batch * seq_len * d_inner * d_state` is formed: the backward recomputes states from one in
//! 32 ([`checkpoints_len`]).
//!
//! Source: Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023),
//! section 3.3.2 and appendix D.

mod adjoint;
mod args;
mod backward;
mod call;
mod forward;
mod gates;
mod pack;
mod prepare;
pub mod reference;
mod states;
mod step;
mod tile;

pub use args::{Cotangents, Inputs, Shape, StepInputs};
pub use pack::{pack_a, pack_state, packed_len, unpack_state};

use crate::error::KernelError;
use crate::{Exec, Scratch};
use tile::{GROUP, K, LANES, Line};

/// Floats that [`forward_saving`] keeps: the state before every 32nd step, in the layout of [`pack_state`].
///
/// # Errors
/// [`KernelError::Overflow`].
pub fn checkpoints_len(shape: Shape) -> Result<usize, KernelError> {
    shape.checkpoints()
}

/// Runs the scan: `h` is the initial state and becomes the final one, `y` is written.
///
/// ```
/// use barewire_kernels::Scratch;
/// use barewire_kernels::selective_scan::{Inputs, Shape, forward};
///
/// let shape = Shape { batch: 1, seq_len: 2, d_inner: 1, d_state: 1 };
/// let inputs = Inputs {
///     x: &[1.0, 2.0],
///     dt: &[1.0, 1.0],
///     z: None,
///     a: &[-core::f32::consts::LN_2],
///     b: &[1.0, 1.0],
///     c: &[1.0, 10.0],
///     d: None,
///     dt_bias: None,
///     softplus: false,
/// };
/// let (mut h, mut y) = ([4.0], [0.0; 2]);
/// forward(shape, &inputs, &mut h, &mut y, &mut Scratch::new())?;
/// // The decay is 1/2: 4 / 2 + 1 = 3, then 3 / 2 + 2 = 3.5.
/// assert!((y[0] - 3.0).abs() < 1e-5 && (y[1] - 35.0).abs() < 1e-4 && (h[0] - 3.5).abs() < 1e-5);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] names the first field of `inputs`, or `h` or `y`, of a wrong length;
/// [`KernelError::Overflow`].
pub fn forward(
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_with(Exec::best(), shape, inputs, h, y, scratch)
}

/// [`forward`] on a given instruction set, and with the threads it may use.
///
/// # Errors
/// As [`forward`].
pub fn forward_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    call::forward(exec.into(), shape, inputs, h, y, None, scratch)
}

/// [`forward`], with the same bits, that also keeps what [`backward`] needs.
///
/// # Errors
/// As [`forward`], and [`KernelError::Length`] for `checkpoints` ([`checkpoints_len`]).
pub fn forward_saving(
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_saving_with(Exec::best(), shape, inputs, h, y, checkpoints, scratch)
}

/// [`forward_saving`] on a given instruction set, and with the threads it may use.
///
/// # Errors
/// As [`forward_saving`].
pub fn forward_saving_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    call::forward(exec.into(), shape, inputs, h, y, Some(checkpoints), scratch)
}

/// Cotangents of everything that [`forward_saving`] read.
///
/// | name          | shape                       | meaning                                             |
/// |---------------|-----------------------------|-----------------------------------------------------|
/// | `checkpoints` | [`checkpoints_len`]         | what [`forward_saving`] wrote for the same `inputs` |
/// | `y_cot`       | `[batch, seq_len, d_inner]` | cotangent of `y`                                    |
/// | `state_cot`   | `[batch, d_inner, d_state]` | in: of the final state; out: of the initial state   |
/// | `cotangents`  | as `inputs`                 | see [`Cotangents`]: activations written, parameters added to |
///
/// With `l[t] = c[t] y_cot[t] silu(z[t]) + e[t+1] l[t+1]`, the cotangent of the state after step `t`, and
/// `p[t] = l[t] e[t] h[t-1]` for the decay `e[t] = exp(delta[t] a)`:
///
/// ```text
/// a_cot     = sum over t of p delta           delta_cot = sum over n of p a + l b x
/// b_cot     = sum over d of l delta x         x_cot     = sum over n of l b delta + d y_cot silu(z)
/// c_cot     = sum over d of y_cot silu(z) h   dt_cot    = delta_cot sigmoid(dt + dt_bias)
/// ```
///
/// Beside the checkpoints it needs about `(4 batch + 12) d_inner d_state + 8 batch seq_len d_state` bytes of scratch.
///
/// # Errors
/// [`KernelError::Length`] names the first field of `inputs`, or argument, of a wrong length; a field `x` of
/// `cotangents` is called `x_cot`. [`KernelError::Overflow`].
pub fn backward(
    shape: Shape,
    inputs: &Inputs<'_>,
    checkpoints: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cotangents: Cotangents<'_>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    backward_with(Exec::best(), shape, inputs, checkpoints, y_cot, state_cot, cotangents, scratch)
}

/// [`backward`] on a given instruction set, and with the threads it may use.
///
/// # Errors
/// As [`backward`].
#[expect(clippy::too_many_arguments, reason = "what the scan reads, keeps and writes")]
pub fn backward_with(
    exec: impl Into<Exec>,
    shape: Shape,
    inputs: &Inputs<'_>,
    checkpoints: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    cotangents: Cotangents<'_>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    call::backward(exec.into(), shape, inputs, checkpoints, y_cot, state_cot, cotangents, scratch)
}

/// One step of decoding: [`forward`] with `seq_len` 1, the same bits, on `a` and a state that stay packed
/// from step to step ([`pack_a`], [`pack_state`]).
///
/// # Errors
/// [`KernelError::Length`] names the first field of `inputs`, or `h_packed` or `y`, of a wrong length;
/// [`KernelError::Overflow`].
pub fn step(
    batch: usize,
    d_inner: usize,
    d_state: usize,
    inputs: &StepInputs<'_>,
    h_packed: &mut [f32],
    y: &mut [f32],
) -> Result<(), KernelError> {
    step_with(Exec::best(), batch, d_inner, d_state, inputs, h_packed, y)
}

/// [`step`] on a given instruction set, and with the threads it may use.
///
/// # Errors
/// As [`step`].
pub fn step_with(
    exec: impl Into<Exec>,
    batch: usize,
    d_inner: usize,
    d_state: usize,
    inputs: &StepInputs<'_>,
    h_packed: &mut [f32],
    y: &mut [f32],
) -> Result<(), KernelError> {
    let shape = Shape { batch, seq_len: 1, d_inner, d_state };
    call::step(exec.into(), shape, inputs, h_packed, y)
}
