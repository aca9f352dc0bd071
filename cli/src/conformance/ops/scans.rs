//! State-space scans.

use barewire::kernels::{Exec, Scratch, diagonal_scan, selective_scan, ssd};

use super::{Found, refused};
use crate::Failure;
use crate::conformance::tensors::Tensors;

/// Memory for a result that must be written whole.
fn unwritten(like: &[f32]) -> Vec<f32> {
    vec![f32::NAN; like.len()]
}

/// Mamba-1, with a gate.
pub(super) fn selective_scan(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let z = t.f32("in.z")?;
    selective(t, Some(&z), exec, scratch)
}

/// Mamba-1, without a gate.
pub(super) fn selective_scan_nogate(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    selective(t, None, exec, scratch)
}

fn selective(t: &Tensors, z: Option<&[f32]>, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let ([batch, seq_len, d_inner], [_, d_state]) = (t.shape("in.x")?, t.shape("in.A")?);
    let shape = selective_scan::Shape { batch, seq_len, d_inner, d_state };
    let [x, dt, a, b, c] = ["in.x", "in.dt", "in.A", "in.Bm", "in.Cm"].map(|name| t.f32(name));
    let (x, dt, a, b, c) = (x?, dt?, a?, b?, c?);
    let (d, dt_bias, mut h) = (t.f32("in.D")?, t.f32("in.dt_bias")?, t.f32("in.h0")?);
    let inputs = selective_scan::Inputs {
        x: &x,
        dt: &dt,
        z,
        a: &a,
        b: &b,
        c: &c,
        d: Some(&d),
        dt_bias: Some(&dt_bias),
        softplus: true,
    };
    let mut y = unwritten(&x);
    let mut checkpoints = vec![f32::NAN; selective_scan::checkpoints_len(shape).map_err(refused)?];
    selective_scan::forward_saving_with(exec, shape, &inputs, &mut h, &mut y, &mut checkpoints, scratch)
        .map_err(refused)?;

    let (y_cot, mut state_cot) = (t.f32("cot.y")?, t.f32("cot.h_last")?);
    let [mut x_cot, mut dt_cot, mut b_cot, mut c_cot] = [&x, &dt, &b, &c].map(|v| unwritten(v));
    // Gradients of parameters are added to.
    let [mut a_cot, mut d_cot, mut bias_cot] = [&a, &d, &dt_bias].map(|v| vec![0.0; v.len()]);
    let mut z_cot = z.map(unwritten);
    let cotangents = selective_scan::Cotangents {
        x: &mut x_cot,
        dt: &mut dt_cot,
        z: z_cot.as_deref_mut(),
        a: &mut a_cot,
        b: &mut b_cot,
        c: &mut c_cot,
        d: Some(&mut d_cot),
        dt_bias: Some(&mut bias_cot),
    };
    selective_scan::backward_with(exec, shape, &inputs, &checkpoints, &y_cot, &mut state_cot, cotangents, scratch)
        .map_err(refused)?;
    let mut found = vec![
        ("out.y", y),
        ("out.h_last", h),
        ("grad.x", x_cot),
        ("grad.dt", dt_cot),
        ("grad.A", a_cot),
        ("grad.Bm", b_cot),
        ("grad.Cm", c_cot),
        ("grad.D", d_cot),
        ("grad.dt_bias", bias_cot),
        ("grad.h0", state_cot),
    ];
    found.extend(z_cot.map(|z| ("grad.z", z)));
    Ok(found)
}

/// Mamba-2.
pub(super) fn ssd(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let ([batch, seq_len, n_heads, head_dim], [_, _, n_groups, d_state]) = (t.shape("in.x")?, t.shape("in.Bm")?);
    let shape = ssd::Shape { batch, seq_len, n_heads, head_dim, n_groups, d_state };
    let [x, dt, a, b, c] = ["in.x", "in.dt", "in.A", "in.Bm", "in.Cm"].map(|name| t.f32(name));
    let (x, dt, a, b, c) = (x?, dt?, a?, b?, c?);
    let (d, dt_bias, mut h) = (t.f32("in.D")?, t.f32("in.dt_bias")?, t.f32("in.h0")?);
    let inputs = ssd::Inputs { x: &x, dt: &dt, a: &a, b: &b, c: &c, d: Some(&d), dt_bias: Some(&dt_bias) };
    let mut y = unwritten(&x);
    let mut checkpoints = vec![f32::NAN; ssd::checkpoints_len(shape).map_err(refused)?];
    ssd::forward_saving_with(exec, shape, inputs, &mut h, &mut y, &mut checkpoints, scratch).map_err(refused)?;

    let (y_cot, mut state_cot) = (t.f32("cot.y")?, t.f32("cot.h_last")?);
    let [mut x_cot, mut dt_cot, mut b_cot, mut c_cot] = [&x, &dt, &b, &c].map(|v| unwritten(v));
    let [mut a_cot, mut d_cot, mut bias_cot] = [&a, &d, &dt_bias].map(|v| vec![0.0; v.len()]);
    let cotangents = ssd::Cotangents {
        x: &mut x_cot,
        dt: &mut dt_cot,
        a: &mut a_cot,
        b: &mut b_cot,
        c: &mut c_cot,
        d: Some(&mut d_cot),
        dt_bias: Some(&mut bias_cot),
    };
    ssd::backward_with(exec, shape, inputs, &checkpoints, &y_cot, &mut state_cot, cotangents, scratch)
        .map_err(refused)?;
    Ok(vec![
        ("out.y", y),
        ("out.h_last", h),
        ("grad.x", x_cot),
        ("grad.dt", dt_cot),
        ("grad.A", a_cot),
        ("grad.Bm", b_cot),
        ("grad.Cm", c_cot),
        ("grad.D", d_cot),
        ("grad.dt_bias", bias_cot),
        ("grad.h0", state_cot),
    ])
}

/// Constant coefficients.
pub(super) fn diag_scan(t: &Tensors, exec: Exec, scratch: &mut Scratch) -> Result<Found, Failure> {
    let ([batch, seq_len, d_inner], [_, d_state]) = (t.shape("in.x")?, t.shape("in.a")?);
    let shape = diagonal_scan::Shape { batch, seq_len, d_inner, d_state };
    let [a, b, c, d, x] = ["in.a", "in.b", "in.c", "in.d", "in.x"].map(|name| t.f32(name));
    let (a, b, c, d, x, mut h) = (a?, b?, c?, d?, x?, t.f32("in.h0")?);
    let inputs = diagonal_scan::Inputs { x: &x, a: &a, b: &b, c: &c, d: Some(&d) };
    let mut y = unwritten(&x);
    let mut checkpoints = vec![f32::NAN; diagonal_scan::checkpoints_len(shape).map_err(refused)?];
    diagonal_scan::forward_saving_with(exec, shape, inputs, &mut h, &mut y, &mut checkpoints, scratch)
        .map_err(refused)?;

    let (y_cot, mut state_cot, mut x_cot) = (t.f32("cot.y")?, t.f32("cot.h_last")?, unwritten(&x));
    let [mut a_cot, mut b_cot, mut c_cot, mut d_cot] = [&a, &b, &c, &d].map(|v| vec![0.0; v.len()]);
    let cotangents =
        diagonal_scan::Cotangents { x: &mut x_cot, a: &mut a_cot, b: &mut b_cot, c: &mut c_cot, d: Some(&mut d_cot) };
    diagonal_scan::backward_with(exec, shape, inputs, &checkpoints, &y_cot, &mut state_cot, cotangents, scratch)
        .map_err(refused)?;
    Ok(vec![
        ("out.y", y),
        ("out.h_last", h),
        ("grad.x", x_cot),
        ("grad.a", a_cot),
        ("grad.b", b_cot),
        ("grad.c", c_cot),
        ("grad.d", d_cot),
        ("grad.h0", state_cot),
    ])
}
