//! The forward products in plain loops: the oracle of every other path.

use crate::ternary::shared::finite_or_nan;
use crate::ternary::{Group, Matrix};

/// `out[t, r] = sum over c of digits[r, c] * x[t, c]`, all in f64.
///
/// | name     | shape          |
/// |----------|----------------|
/// | `digits` | `[rows, cols]` |
/// | `x`      | `[n, cols]`    |
/// | result   | `[n, rows]`    |
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn forward(digits: &[i8], rows: usize, cols: usize, x: &[f64], n: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(n * rows);
    for t in 0..n {
        for r in 0..rows {
            let mut sum = 0.0;
            for c in 0..cols {
                sum += f64::from(digits[r * cols + c]) * x[t * cols + c];
            }
            out.push(sum);
        }
    }
    out
}

/// The int8 product; exact in i64 up to the last line.
pub(super) fn forward_int8(m: Matrix<'_>, groups: &[Group], scales: &[f32], weight_scale: f32, out: &mut [f32]) {
    for (t, &scale) in scales.iter().enumerate() {
        let token = &groups[t * m.words_per_row..];
        for r in 0..m.rows {
            let mut sum = 0i64;
            for c in 0..m.cols {
                let code = token[c / 32][c % 4][c % 32 / 4];
                sum += (i64::from(m.code(r, c)) - 1) * i64::from(code);
            }
            out[t * m.rows + r] = sum as f32 * (scale * weight_scale);
        }
    }
}

/// The forward product of packed digits with f32, summed in f64.
pub(super) fn forward_f32(m: Matrix<'_>, x: &[f32], out: &mut [f32]) {
    for (x, out) in x.chunks_exact(m.cols).zip(out.chunks_exact_mut(m.rows)) {
        for (r, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (c, &x) in x.iter().enumerate() {
                sum += (f64::from(m.code(r, c)) - 1.0) * f64::from(x);
            }
            *out = finite_or_nan(x, sum);
        }
    }
}
