//! Layers without a state.

use barewire::kernels::{Exec, Scratch, gemm};

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
