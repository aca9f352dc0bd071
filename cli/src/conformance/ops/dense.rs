//! Layers whose tokens do not meet, and the convolution.

use barewire::kernels::{Exec, KernelError, Scratch, causal_conv1d, elementwise, gemm, rms_norm};

use super::{Found, refused};
use crate::Failure;
use crate::conformance::tensors::Tensors;

/// `y = x wᵀ + b`
pub(super) fn linear(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let ([m, k], [o, _]) = (t.shape("in.x")?, t.shape("in.w")?);
    let (x, w, b, y_cot) = (t.f32("in.x")?, t.f32("in.w")?, t.f32("in.b")?, t.f32("cot.y")?);
    let mut y: Vec<f32> = b.iter().copied().cycle().take(m * o).collect();
    gemm::nt_with(exec, m, o, k, &x, &w, true, &mut y, scratch).map_err(refused)?;
    let mut x_cot = vec![f32::NAN; m * k];
    gemm::nn_with(exec, m, k, o, &y_cot, &w, false, &mut x_cot, scratch).map_err(refused)?;
    let mut w_cot = vec![f32::NAN; o * k];
    gemm::tn_with(exec, o, k, m, 1.0, &y_cot, &x, false, &mut w_cot, scratch).map_err(refused)?;
    // The bias is a weight of an input that is always 1.
    let mut b_cot = vec![f32::NAN; o];
    gemm::tn_with(exec, o, 1, m, 1.0, &y_cot, &vec![1.0; m], false, &mut b_cot, scratch).map_err(refused)?;
    Ok(vec![("out.y", y), ("grad.x", x_cot), ("grad.w", w_cot), ("grad.b", b_cot)])
}

/// Root-mean-square normalisation.
pub(super) fn rmsnorm(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let [rows, d] = t.shape("in.x")?;
    let eps: f32 = t.number("eps")?;
    let (x, w, y_cot) = (t.f32("in.x")?, t.f32("in.w")?, t.f32("cot.y")?);
    let (mut y, mut r) = (vec![f32::NAN; x.len()], vec![f32::NAN; rows]);
    rms_norm::forward_with(exec, &x, Some(&w), rows, d, eps, &mut y, &mut r).map_err(refused)?;
    let (mut x_cot, mut w_cot) = (vec![f32::NAN; x.len()], vec![f32::NAN; d]);
    rms_norm::backward_with(exec, &x, Some(&w), &r, &y_cot, rows, d, eps, &mut x_cot, Some(&mut w_cot), scratch)
        .map_err(refused)?;
    Ok(vec![("out.y", y), ("grad.x", x_cot), ("grad.w", w_cot)])
}

/// Depthwise causal convolution from an empty state.
pub(super) fn causal_conv1d(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let ([batch, time, d], [_, k]) = (t.shape("in.x")?, t.shape("in.w")?);
    let (x, w, b, y_cot) = (t.f32("in.x")?, t.f32("in.w")?, t.f32("in.b")?, t.f32("cot.y")?);
    let before = vec![0.0; batch * k.saturating_sub(1) * d];
    let (mut state, mut y) = (before.clone(), vec![f32::NAN; x.len()]);
    causal_conv1d::forward_with(exec, &w, &b, &x, batch, time, d, k, &mut state, &mut y, scratch).map_err(refused)?;
    let mut state_cot = vec![0.0; before.len()];
    let [mut x_cot, mut w_cot, mut b_cot] = [&x, &w, &b].map(|v| vec![f32::NAN; v.len()]);
    causal_conv1d::backward_with(
        exec,
        &w,
        &x,
        &before,
        &y_cot,
        batch,
        time,
        d,
        k,
        &mut state_cot,
        &mut x_cot,
        &mut w_cot,
        &mut b_cot,
        scratch,
    )
    .map_err(refused)?;
    Ok(vec![("out.y", y), ("grad.x", x_cot), ("grad.w", w_cot), ("grad.b", b_cot)])
}

/// `x sigmoid(x)`
pub(super) fn silu(t: &Tensors, exec: Exec, _: &mut Scratch) -> Result<Found, Failure> {
    elementwise(t, |x, y| elementwise::silu_with(exec, x, y), |x, c, out| elementwise::silu_vjp_with(exec, x, c, out))
}

/// `ln(1 + e^x)`
pub(super) fn softplus(t: &Tensors, exec: Exec, _: &mut Scratch) -> Result<Found, Failure> {
    elementwise(
        t,
        |x, y| elementwise::softplus_with(exec, x, y),
        |x, c, out| elementwise::softplus_vjp_with(exec, x, c, out),
    )
}

fn elementwise(
    t: &Tensors,
    forward: impl Fn(&[f32], &mut [f32]) -> Result<(), KernelError>,
    backward: impl Fn(&[f32], &[f32], &mut [f32]) -> Result<(), KernelError>,
) -> Result<Found, Failure> {
    let (x, y_cot) = (t.f32("in.x")?, t.f32("cot.y")?);
    let (mut y, mut x_cot) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
    forward(&x, &mut y).map_err(refused)?;
    backward(&x, &y_cot, &mut x_cot).map_err(refused)?;
    Ok(vec![("out.y", y), ("grad.x", x_cot)])
}
