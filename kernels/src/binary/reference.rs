//! The formulas in plain loops, sums of floats in f64: the oracle of every other path. Lengths are
//! checked, nothing is empty.

use super::pack::bit_at;
use crate::codes::{finite_or_nan, int8_code};

pub(super) fn forward_int8(
    words: &[u64],
    rows: usize,
    cols: usize,
    codes: &[i8],
    scales: &[f32],
    weight_scale: f32,
    out: &mut [f32],
) {
    for (i, out) in out.iter_mut().enumerate() {
        let (t, r) = (i / rows, i % rows);
        let mut sum = 0i64;
        for c in 0..cols {
            sum += i64::from(bit_at(words, cols, r, c)) * i64::from(int8_code(codes, cols, t, c));
        }
        *out = sum as f32 * (scales[t] * weight_scale);
    }
}

pub(super) fn forward_f32(words: &[u64], rows: usize, cols: usize, x: &[f32], out: &mut [f32]) {
    for (x, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(rows)) {
        for (r, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (c, &x) in x.iter().enumerate() {
                sum += f64::from(bit_at(words, cols, r, c)) * f64::from(x);
            }
            *out = finite_or_nan(x, sum);
        }
    }
}

pub(super) fn transposed_f32(words: &[u64], rows: usize, cols: usize, y: &[f32], out: &mut [f32]) {
    for (y, out) in y.chunks_exact(rows).zip(out.chunks_exact_mut(cols)) {
        for (c, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (r, &y) in y.iter().enumerate() {
                sum += f64::from(bit_at(words, cols, r, c)) * f64::from(y);
            }
            *out = finite_or_nan(y, sum);
        }
    }
}
