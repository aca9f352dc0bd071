//! The formulas in plain loops, sums of floats in f64: the oracle of every other path. Lengths are
//! checked, nothing is empty.

use super::Format;
use super::pack::{code_at, row_of};
use crate::codes::{finite_or_nan, int8_code};

/// `code - zero`
fn level(words: &[u64], cols: usize, format: Format, r: usize, c: usize) -> i16 {
    let code = code_at(row_of(words, cols, format.bits, r), format.bits, c);
    i16::from(code) - i16::from(format.zero)
}

fn weight(words: &[u64], cols: usize, format: Format, r: usize, c: usize) -> f64 {
    f64::from(format.scale) * f64::from(level(words, cols, format, r, c))
}

pub(super) fn forward_int8(
    words: &[u64],
    (rows, cols): (usize, usize),
    format: Format,
    codes: &[i8],
    scales: &[f32],
    out: &mut [f32],
) {
    for (i, out) in out.iter_mut().enumerate() {
        let (t, r) = (i / rows, i % rows);
        let mut sum = 0i64;
        for c in 0..cols {
            sum += i64::from(level(words, cols, format, r, c)) * i64::from(int8_code(codes, cols, t, c));
        }
        *out = sum as f32 * (scales[t] * format.scale);
    }
}

pub(super) fn forward_f32(words: &[u64], (rows, cols): (usize, usize), format: Format, x: &[f32], out: &mut [f32]) {
    for (x, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(rows)) {
        for (r, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (c, &x) in x.iter().enumerate() {
                sum += weight(words, cols, format, r, c) * f64::from(x);
            }
            *out = finite_or_nan(x, sum);
        }
    }
}

pub(super) fn transposed_f32(words: &[u64], (rows, cols): (usize, usize), format: Format, y: &[f32], out: &mut [f32]) {
    for (y, out) in y.chunks_exact(rows).zip(out.chunks_exact_mut(cols)) {
        for (c, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (r, &y) in y.iter().enumerate() {
                sum += weight(words, cols, format, r, c) * f64::from(y);
            }
            *out = finite_or_nan(y, sum);
        }
    }
}
