//! The convolution and its adjoint in plain f64 loops.

/// One channel of one sequence: `y`, for inputs that start with the `w.len() - 1` of the state.
pub fn channel(w: &[f64], b: f64, padded: &[f64]) -> Vec<f64> {
    padded.windows(w.len()).map(|x| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
}

/// Cotangents of [`channel`]'s `padded` and `w`; `last` is that of the final state.
pub fn channel_backward(w: &[f64], padded: &[f64], y_cot: &[f64], last: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut x_cot, mut w_cot) = (vec![0.0; padded.len()], vec![0.0; w.len()]);
    x_cot[y_cot.len()..].copy_from_slice(last);
    for (t, c) in y_cot.iter().enumerate() {
        for j in 0..w.len() {
            x_cot[t + j] += w[j] * c;
            w_cot[j] += c * padded[t + j];
        }
    }
    (x_cot, w_cot)
}

/// Column `i` of rows of `d`.
fn column(x: &[f32], d: usize, i: usize) -> impl Iterator<Item = f64> {
    x.iter().skip(i).step_by(d).map(|x| f64::from(*x))
}

/// Channel `i` of batch entry `e`.
fn padded(state: &[f32], x: &[f32], [time, d, k]: [usize; 3], e: usize, i: usize) -> Vec<f64> {
    let state = &state[e * (k - 1) * d..][..(k - 1) * d];
    column(state, d, i).chain(column(&x[e * time * d..][..time * d], d, i)).collect()
}

fn taps(w: &[f32], k: usize, i: usize) -> Vec<f64> {
    w[i * k..][..k].iter().map(|w| f64::from(*w)).collect()
}

pub(super) fn forward(
    w: &[f32],
    b: &[f32],
    x: &[f32],
    shape @ [time, d, k]: [usize; 3],
    state: &mut [f32],
    y: &mut [f32],
) {
    for e in 0..x.len() / (time * d) {
        for i in 0..d {
            let padded = padded(state, x, shape, e, i);
            for (t, value) in channel(&taps(w, k, i), b[i].into(), &padded).iter().enumerate() {
                y[(e * time + t) * d + i] = *value as f32;
            }
            for (q, value) in padded[time..].iter().enumerate() {
                state[(e * (k - 1) + q) * d + i] = *value as f32;
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "as the kernel")]
pub(super) fn backward(
    w: &[f32],
    x: &[f32],
    state_initial: &[f32],
    y_cot: &[f32],
    shape @ [time, d, k]: [usize; 3],
    state_cot: &mut [f32],
    x_cot: &mut [f32],
    w_cot: &mut [f32],
    b_cot: &mut [f32],
) {
    for i in 0..d {
        let mut sums = vec![0.0; k];
        for e in 0..x.len() / (time * d) {
            let padded = padded(state_initial, x, shape, e, i);
            let c: Vec<f64> = column(&y_cot[e * time * d..][..time * d], d, i).collect();
            let last: Vec<f64> = column(&state_cot[e * (k - 1) * d..][..(k - 1) * d], d, i).collect();
            let (cots, terms) = channel_backward(&taps(w, k, i), &padded, &c, &last);
            for (q, cot) in cots.iter().enumerate() {
                match q.checked_sub(k - 1) {
                    None => state_cot[(e * (k - 1) + q) * d + i] = *cot as f32,
                    Some(t) => x_cot[(e * time + t) * d + i] = *cot as f32,
                }
            }
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        b_cot[i] = column(y_cot, d, i).sum::<f64>() as f32;
        for (w_cot, sum) in w_cot[i * k..].iter_mut().zip(sums) {
            *w_cot = sum as f32;
        }
    }
}
