//! The gradient in plain f64 loops: the oracle of every other path.

use super::{Pairs, Part};

/// `out[r, c] = alpha * sum over t of y[t, r] * x[t, c]`, all in f64.
///
/// | name   | shape          |
/// |--------|----------------|
/// | `y`    | `[n, rows]`    |
/// | `x`    | `[n, cols]`    |
/// | result | `[rows, cols]` |
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn dense(y: &[f64], x: &[f64], n: usize, rows: usize, cols: usize, alpha: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(rows * cols);
    for r in 0..rows {
        for c in 0..cols {
            let mut sum = 0.0;
            for t in 0..n {
                sum += y[t * rows + r] * x[t * cols + c];
            }
            out.push(alpha * sum);
        }
    }
    out
}

/// Some rows, summed in f64.
pub(super) fn run(part: Part<'_>) {
    let Pairs { y, x, n, rows, cols, alpha } = part.pairs;
    let mut squares = part.squares;
    for (i, r) in part.rows.enumerate() {
        let mut square = 0.0;
        for c in 0..cols {
            let mut sum = 0.0;
            for t in 0..n {
                sum += f64::from(y[t * rows + r]) * f64::from(x[t * cols + c]);
            }
            let out = &mut part.out[i * cols + c];
            let before = if part.accumulate { f64::from(*out) } else { 0.0 };
            *out = (f64::from(alpha) * sum + before) as f32;
            square += f64::from(*out) * f64::from(*out);
        }
        if let Some(squares) = squares.as_deref_mut() {
            squares[i] = square;
        }
    }
}
