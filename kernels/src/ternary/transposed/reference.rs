//! The transposed products in plain loops: the oracle of every other path.

use crate::ternary::Matrix;
use crate::ternary::shared::finite_or_nan;

/// `out[t, c] = sum over r of digits[r, c] * y[t, r]`, all in f64.
///
/// | name     | shape          |
/// |----------|----------------|
/// | `digits` | `[rows, cols]` |
/// | `y`      | `[n, rows]`    |
/// | result   | `[n, cols]`    |
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn transposed(digits: &[i8], rows: usize, cols: usize, y: &[f64], n: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(n * cols);
    for t in 0..n {
        for c in 0..cols {
            let mut sum = 0.0;
            for r in 0..rows {
                sum += f64::from(digits[r * cols + c]) * y[t * rows + r];
            }
            out.push(sum);
        }
    }
    out
}

/// The transposed product of packed digits with f32, summed in f64.
pub(super) fn transposed_f32(m: Matrix<'_>, y: &[f32], out: &mut [f32]) {
    for (y, out) in y.chunks_exact(m.rows).zip(out.chunks_exact_mut(m.cols)) {
        for (c, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (r, &y) in y.iter().enumerate() {
                sum += (f64::from(m.code(r, c)) - 1.0) * f64::from(y);
            }
            *out = finite_or_nan(y, sum);
        }
    }
}

/// The transposed product of packed digits with int8 codes; the sum is exact.
pub(super) fn transposed_int8(m: Matrix<'_>, codes: &[i8], scales: &[f32], weight_scale: f32, out: &mut [f32]) {
    let record = m.rows.div_ceil(32) * 32;
    let tokens = codes.chunks_exact(record).zip(scales);
    for ((codes, scale), out) in tokens.zip(out.chunks_exact_mut(m.cols)) {
        for (c, out) in out.iter_mut().enumerate() {
            let mut sum = 0;
            for r in 0..m.rows {
                let code = codes[r / 32 * 32 + r % 4 * 8 + r % 32 / 4];
                sum += (i32::from(m.code(r, c)) - 1) * i32::from(code);
            }
            *out = sum as f32 * (scale * weight_scale);
        }
    }
}
