//! Recurrences without a state axis, and the layer around one.

use barewire::kernels::{Exec, Scratch, elementwise, gated_recurrence};

use super::{Found, refused};
use crate::Failure;
use crate::conformance::tensors::Tensors;

/// What a recurrence gave, forward and backward.
struct Ran {
    h: Vec<f32>,
    last: Vec<f32>,
    f_cot: Vec<f32>,
    v_cot: Vec<f32>,
    h0_cot: Vec<f32>,
}

/// Runs `h[t] = f[t] h[t-1] + v[t]`; `h_cot` is asked for once `h` is known.
fn recurrence(
    exec: Exec,
    [batch, time, d]: [usize; 3],
    (f, v, h0): (&[f32], &[f32], &[f32]),
    last_cot: Vec<f32>,
    h_cot: impl FnOnce(&[f32]) -> Result<Vec<f32>, Failure>,
) -> Result<Ran, Failure> {
    let (mut last, mut h) = (h0.to_vec(), vec![f32::NAN; f.len()]);
    gated_recurrence::forward_with(exec, f, v, batch, time, d, &mut last, &mut h).map_err(refused)?;
    let (h_cot, mut h0_cot) = (h_cot(&h)?, last_cot);
    let (mut f_cot, mut v_cot) = (vec![f32::NAN; f.len()], vec![f32::NAN; f.len()]);
    gated_recurrence::backward_with(exec, f, &h, h0, &h_cot, batch, time, d, &mut h0_cot, &mut f_cot, &mut v_cot)
        .map_err(refused)?;
    Ok(Ran { h, last, f_cot, v_cot, h0_cot })
}

/// `h[t] = f[t] h[t-1] + v[t]`
pub(super) fn gated_linear_recurrence(t: &Tensors, exec: Exec, _: &mut Scratch) -> Result<Found, Failure> {
    let (f, v, h0) = (t.f32("in.f")?, t.f32("in.v")?, t.f32("in.h0")?);
    let ran = recurrence(exec, t.shape("in.f")?, (&f, &v, &h0), t.f32("cot.h_last")?, |_| t.f32("cot.h"))?;
    Ok(vec![
        ("out.h", ran.h),
        ("out.h_last", ran.last),
        ("grad.f", ran.f_cot),
        ("grad.v", ran.v_cot),
        ("grad.h0", ran.h0_cot),
    ])
}

/// The token mixer of HGRN: `F = lb + (1 - lb) sigmoid(f)`, `h[t] = F h[t-1] + (1 - F) silu(i)`, `y = h silu(g)`. The
/// products between the kernels are taken here, in f32.
pub(super) fn hgrn(t: &Tensors, exec: Exec, _: &mut Scratch) -> Result<Found, Failure> {
    let shape @ [_, _, d] = t.shape("in.f")?;
    let [i, f, g, lb, h0] = ["in.i", "in.f", "in.g", "in.lb", "in.h0"].map(|name| t.f32(name));
    let (i, f, g, lb, h0, y_cot) = (i?, f?, g?, lb?, h0?, t.f32("cot.y")?);
    let len = f.len();
    let apply = |run: &dyn Fn(&mut [f32]) -> Result<(), barewire::kernels::KernelError>| {
        let mut out = vec![f32::NAN; len];
        run(&mut out).map_err(refused).map(|()| out)
    };
    let gate = apply(&|out| elementwise::sigmoid_with(exec, &f, out))?;
    let input = apply(&|out| elementwise::silu_with(exec, &i, out))?;
    let output = apply(&|out| elementwise::silu_with(exec, &g, out))?;
    let forget: Vec<f32> = (0..len).map(|k| lb[k % d] + (1.0 - lb[k % d]) * gate[k]).collect();
    let added: Vec<f32> = (0..len).map(|k| (1.0 - forget[k]) * input[k]).collect();
    let h_cot = |_: &[f32]| Ok((0..len).map(|k| y_cot[k] * output[k]).collect());
    let ran = recurrence(exec, shape, (&forget, &added, &h0), t.f32("cot.h_last")?, h_cot)?;

    let y = (0..len).map(|k| ran.h[k] * output[k]).collect();
    let output_cot: Vec<f32> = (0..len).map(|k| y_cot[k] * ran.h[k]).collect();
    let input_cot: Vec<f32> = (0..len).map(|k| (1.0 - forget[k]) * ran.v_cot[k]).collect();
    let forget_cot: Vec<f32> = (0..len).map(|k| ran.f_cot[k] - input[k] * ran.v_cot[k]).collect();
    let gate_cot: Vec<f32> = (0..len).map(|k| (1.0 - lb[k % d]) * forget_cot[k]).collect();
    let mut lb_cot = vec![0.0f64; d];
    for k in 0..len {
        lb_cot[k % d] += f64::from(forget_cot[k]) * f64::from(1.0 - gate[k]);
    }
    Ok(vec![
        ("out.y", y),
        ("out.h_last", ran.last),
        ("grad.i", apply(&|out| elementwise::silu_vjp_with(exec, &i, &input_cot, out))?),
        ("grad.f", apply(&|out| elementwise::sigmoid_vjp_with(exec, &f, &gate_cot, out))?),
        ("grad.g", apply(&|out| elementwise::silu_vjp_with(exec, &g, &output_cot, out))?),
        ("grad.lb", lb_cot.into_iter().map(|v| v as f32).collect()),
        ("grad.h0", ran.h0_cot),
    ])
}
