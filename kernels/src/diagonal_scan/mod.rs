//! The time-invariant diagonal scan, forward, backward and by few steps.
//!
//! ```text
//! h[t,d,n] = a[d,n] * h[t-1,d,n] + b[d,n] * x[t,d]
//! y[t,d] = Σ_n c[d,n] * h[t,d,n] + d[d] * x[t,d]
//! ```
//!
//! for each entry of the batch. All arrays are row-major and contiguous.
//!
//! | name          | shape                       | meaning                                        |
//! |---------------|-----------------------------|------------------------------------------------|
//! | `x`           | `[batch, seq_len, d_inner]` | input                                          |
//! | `a`, `b`, `c` | `[d_inner, d_state]`        | decay, any value, stable below 1; in; out      |
//! | `d`           | `[d_inner]`                 | skip weight; absent is 0                       |
//! | `h`           | `[batch, d_inner, d_state]` | state: initial in, final out                   |
//! | `y`           | `[batch, seq_len, d_inner]` | output                                         |
//!
//! # Rounding
//!
//! A step is `h = fma(a, h, b * x)`; an output is `d * x` and then `fma(c, h, y)` for the states in
//! order. The bits are the same for any split of the time axis into calls, single steps and threads,
//! and on every instruction set with a fused multiply-add; `Portable` rounds each product, `Reference` is
//! f64 inside. With `u = 2^-24` and `m` the number of steps a contribution is carried,
//!
//! `|y - exact| <= (d_state + 2 m + 3) u · Σ`
//!
//! to first order, where `Σ` is the same sum with every product made positive. In the backward `x_cot`
//! and `state_cot` have bounds of the same form; sums over steps are f32 over tiles of 32, then f64.
//! Where the sequence is cut there are other tiles.
//!
//! A NaN or infinity reaches what depends on it and nothing else.
//!
//! # How
//!
//! Lanes are channels: states are packed `[d_inner / 16][d_state][16]` for the call. Four states stay
//! in registers for 32 steps of 16 channels: a multiplication and two fused multiply-adds a state and
//! step. The backward recomputes the states of such a tile from its checkpoint: 8 operations.
//!
//! Working memory a thread, without `d_state`-sized parts, is 33 KB; with them, 64 channels by `d_state`
//! by 4 floats and 3 doubles more.
//!
//! Source: Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models"
//! (2022), the recurrence, with real coefficients already discretised.

#![allow(clippy::needless_range_loop, reason = "registers and steps are arrays; indices say which one")]

mod args;
mod backward;
mod forward;
mod packed;
pub mod reference;
mod step;

pub use args::{Cotangents, Inputs};
use packed::{BLOCK, BLOCKS, CHANNELS, TILE};

use crate::error::{KernelError, check_len, product};
pub use crate::scan_shape::Shape;
use crate::{Exec, Isa, Scratch};

/// The longest sequence for which packing the coefficients costs more than it saves.
const FEW_STEPS: usize = 4;

/// Floats of the checkpoints that [`forward_saving`] writes: a state every 32 steps, with `d_inner`
/// rounded up to a multiple of 64.
///
/// # Errors
/// [`KernelError::Overflow`].
pub fn checkpoints_len(shape: Shape) -> Result<usize, KernelError> {
    let Shape { batch, seq_len, d_inner, d_state } = shape;
    let tiles = seq_len.div_ceil(TILE);
    product("checkpoints", &[batch, tiles, d_inner.div_ceil(CHANNELS), BLOCKS * BLOCK, d_state])
}

/// Runs the scan; `h` is the initial state in, the final one out.
///
/// # Errors
/// [`KernelError::Length`] names the first slice that does not fit the [shape](self);
/// [`KernelError::Overflow`].
///
/// ```
/// use barewire_kernels::{Scratch, diagonal_scan};
///
/// let shape = diagonal_scan::Shape { batch: 1, seq_len: 3, d_inner: 1, d_state: 2 };
/// let inputs = diagonal_scan::Inputs {
///     x: &[1.0, 0.0, 0.0],
///     a: &[0.5, 0.25],
///     b: &[1.0, 1.0],
///     c: &[1.0, 2.0],
///     d: Some(&[10.0]),
/// };
/// let (mut h, mut y) = ([0.0; 2], [0.0; 3]);
/// diagonal_scan::forward(shape, inputs, &mut h, &mut y, &mut Scratch::new())?;
/// assert_eq!(y, [13.0, 1.0, 0.375]);
/// assert_eq!(h, [0.25, 0.0625]);
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
    if y.is_empty() {
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        if let Some(checkpoints) = checkpoints {
            let (mut h, mut y) = (h.to_vec(), y.to_vec());
            run_forward(Isa::Portable.into(), shape, inputs, &mut h, &mut y, Some(checkpoints), scratch)?;
        }
        reference::forward_f32(shape, inputs, h, y);
        return Ok(());
    }
    if checkpoints.is_none() && shape.seq_len <= FEW_STEPS {
        step::run(exec, shape, inputs, h, y);
        return Ok(());
    }
    let rows = forward::scratch_rows(exec, shape);
    let memory = scratch.aligned(rows * BLOCK, 0).0.as_chunks_mut().0;
    let checkpoints = checkpoints.unwrap_or_default().as_chunks_mut().0;
    forward::run(exec, shape, inputs, h, y, checkpoints, memory);
    Ok(())
}

/// [`forward`] without working memory, which packs nothing: the call for decoding, with `seq_len` 1.
/// The bits are those of [`forward`].
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
    if y.is_empty() {
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::forward_f32(shape, &inputs, h, y);
    } else {
        step::run(exec, shape, &inputs, h, y);
    }
    Ok(())
}

/// Cotangents of the inputs and of the initial state.
///
/// | name          | shape                       | meaning                                     |
/// |---------------|-----------------------------|---------------------------------------------|
/// | `checkpoints` | [`checkpoints_len`]         | what [`forward_saving`] wrote               |
/// | `y_cot`       | `[batch, seq_len, d_inner]` | cotangent of `y`                            |
/// | `state_cot`   | `[batch, d_inner, d_state]` | in: of the final state; out: of the initial |
/// | `cot`         | as the inputs               | `x` written, others added to                |
///
/// # Errors
/// As [`forward`]; slices of `cot` are named `x_cot`, `a_cot` and so on.
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
    cot.check(shape, &inputs)?;
    if y_cot.is_empty() {
        return Ok(());
    }
    let checkpoints = checkpoints.as_chunks().0;
    // Without states the formula is a loop that the reference does.
    if exec.isa() == Isa::Reference || shape.d_state == 0 {
        let h = packed::initial(shape, checkpoints);
        reference::backward_f32(shape, &inputs, &h, y_cot, state_cot, cot);
        return Ok(());
    }
    let (rows, doubles) = backward::scratch(exec, shape);
    let (memory, sums) = scratch.aligned(rows * BLOCK, doubles);
    let memory = memory.as_chunks_mut().0;
    backward::run(exec, shape, &inputs, checkpoints, y_cot, state_cot, cot, memory, sums);
    Ok(())
}
