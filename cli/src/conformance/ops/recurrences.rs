//! Recurrences over time.

use barewire::kernels::{Exec, Scratch, gated_recurrence};

use super::{Found, refused};
use crate::Failure;
use crate::conformance::tensors::Tensors;

/// `h[t] = f[t] h[t-1] + v[t]`
pub(super) fn gated_linear_recurrence(t: &Tensors, exec: Exec, _: &mut Scratch) -> Result<Found, Failure> {
    let [batch, time, d] = t.shape("in.f")?;
    let (f, v, h0) = (t.f32("in.f")?, t.f32("in.v")?, t.f32("in.h0")?);
    let (mut last, mut h) = (h0.clone(), vec![f32::NAN; f.len()]);
    gated_recurrence::forward_with(exec, &f, &v, batch, time, d, &mut last, &mut h).map_err(refused)?;
    let (h_cot, mut state_cot) = (t.f32("cot.h")?, t.f32("cot.h_last")?);
    let (mut f_cot, mut v_cot) = (vec![f32::NAN; f.len()], vec![f32::NAN; f.len()]);
    gated_recurrence::backward_with(exec, &f, &h, &h0, &h_cot, batch, time, d, &mut state_cot, &mut f_cot, &mut v_cot)
        .map_err(refused)?;
    Ok(vec![("out.h", h), ("out.h_last", last), ("grad.f", f_cot), ("grad.v", v_cot), ("grad.h0", state_cot)])
}
