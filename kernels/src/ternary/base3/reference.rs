//! The product in plain loops, from digits and codes where they are defined to be.

use super::{COLUMNS, Matrix, bytes};
use crate::ternary::Group;

/// See [`super::forward_int8`]; exact in i64 up to the last line.
pub(super) fn forward_int8(m: Matrix<'_>, groups: &[Group], scales: &[f32], weight_scale: f32, out: &mut [f32]) {
    for (t, &scale) in scales.iter().enumerate() {
        let token = &groups[t * m.cols.div_ceil(32)..];
        for r in 0..m.rows {
            let mut sum = 0i64;
            for c in 0..m.cols {
                let at = c % COLUMNS;
                let digits = bytes::codes(m.fractions(r, c / COLUMNS)[at % 8]);
                let code = token[c / 32][c % 4][c % 32 / 4];
                sum += (i64::from(digits[at / 8]) - 1) * i64::from(code);
            }
            out[t * m.rows + r] = sum as f32 * (scale * weight_scale);
        }
    }
}
