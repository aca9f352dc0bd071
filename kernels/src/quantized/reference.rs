//! The formulas in plain f64 loops: the oracle of every other path.

use super::{Format, code_at, row_of};

fn weight(words: &[u64], cols: usize, format: Format, r: usize, c: usize) -> f64 {
    let code = code_at(row_of(words, cols, format.bits, r), format.bits, c);
    f64::from(format.scale) * (f64::from(code) - f64::from(format.zero))
}

/// Lengths checked, nothing empty.
pub(super) fn forward_f32(words: &[u64], rows: usize, cols: usize, format: Format, x: &[f32], out: &mut [f32]) {
    for (i, out) in out.iter_mut().enumerate() {
        let (t, r) = (i / rows, i % rows);
        let mut sum = 0.0;
        for c in 0..cols {
            sum += weight(words, cols, format, r, c) * f64::from(x[t * cols + c]);
        }
        *out = sum as f32;
    }
}

/// Lengths checked, nothing empty.
pub(super) fn transposed_f32(words: &[u64], rows: usize, cols: usize, format: Format, y: &[f32], out: &mut [f32]) {
    for (i, out) in out.iter_mut().enumerate() {
        let (t, c) = (i / cols, i % cols);
        let mut sum = 0.0;
        for r in 0..rows {
            sum += weight(words, cols, format, r, c) * f64::from(y[t * rows + r]);
        }
        *out = sum as f32;
    }
}
