//! The formulas in plain loops: the oracle of every other path. Never optimised.

use super::{Group, Matrix};

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

/// The activation quantiser as its definition reads; lengths checked, `cols > 0`.
pub(super) fn quantize_int8(x: &[f32], cols: usize, codes: &mut [i8], scales: &mut [f32]) {
    codes.fill(0);
    let record = cols.div_ceil(32) * 32;
    let tokens = x.chunks_exact(cols).zip(codes.chunks_exact_mut(record));
    for ((x, codes), scale) in tokens.zip(scales) {
        if !x.iter().all(|v| v.is_finite()) {
            *scale = f32::NAN;
            continue;
        }
        let max = x.iter().fold(1e-5, |max: f32, v| max.max(v.abs()));
        *scale = max / 127.0;
        for (c, v) in x.iter().enumerate() {
            let code = (v * (127.0 / max)).round_ties_even().clamp(-128.0, 127.0);
            codes[c / 32 * 32 + c % 4 * 8 + c % 32 / 4] = code as i8;
        }
    }
}

/// The codes of 32 weights as the definition of the absmean quantiser reads.
pub(super) fn code_word(part: &[f32; 32], inverse: f32) -> u64 {
    let mut word = 0;
    for (i, v) in part.iter().enumerate() {
        // A NaN (infinity times an inverse of 0) becomes digit 0: `as` gives 0 for it.
        let digit = (v * inverse).round_ties_even().clamp(-1.0, 1.0) as i8;
        word |= ((digit + 1) as u64) << (2 * i);
    }
    word
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

/// One NaN or infinity in a token makes all its outputs NaN, even where the digit is 0 (which
/// f64 gives as well, 0 * inf being NaN) or where an infinity meets only one sign.
fn finite_or_nan(token: &[f32], sum: f64) -> f32 {
    if token.iter().all(|v| v.is_finite()) { sum as f32 } else { f32::NAN }
}

/// Sum of magnitudes in the order that [`super::quantize_absmean`] fixes: element `i` goes to
/// partial sum `i % 32`, then the partial sums are added in order.
pub(super) fn sum_abs(w: &[f32]) -> f64 {
    let mut partial = [0.0; 32];
    for (i, v) in w.iter().enumerate() {
        partial[i % 32] += f64::from(v.abs());
    }
    partial.iter().sum()
}
