//! The product in plain loops.

use crate::ternary::Matrix;

/// Packed digits times f32, summed in f64; terms with the digit 0 are left out.
pub(super) fn forward(m: Matrix<'_>, x: &[f32], out: &mut [f32]) {
    for (x, out) in x.chunks_exact(m.cols).zip(out.chunks_exact_mut(m.rows)) {
        for (r, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (c, &x) in x.iter().enumerate() {
                if m.code(r, c) != 1 {
                    sum += (f64::from(m.code(r, c)) - 1.0) * f64::from(x);
                }
            }
            *out = sum as f32;
        }
    }
}
