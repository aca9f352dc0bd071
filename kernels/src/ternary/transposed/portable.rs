//! Plain Rust on the packed words; the compiler vectorises the inner loops.

use crate::ternary::Matrix;
use crate::ternary::activations::{join, store_fields};
use crate::ternary::shared::portable::{PART, sum, unpacked};

/// See [`super::transposed_f32`]; lengths checked, nothing empty, `sums` has 3 records of
/// groups.
pub(super) fn transposed_limbs(m: Matrix<'_>, y: &[[i8; 8]], steps: &[f64], sums: &mut [i32], out: &mut [f32]) {
    let tiles = m.tiles();
    let record = m.words_per_row * 32;
    let tokens = y.chunks_exact(3 * tiles);
    for ((y, out), &step) in tokens.zip(out.chunks_exact_mut(m.cols)).zip(steps) {
        let y = [0, 1, 2].map(|l| y[l * tiles..][..tiles].as_flattened());
        let y_sums = y.map(sum);
        sums.fill(0);
        for r in 0..m.rows {
            for (part, lines) in m.tile(r / 8).chunks(PART).enumerate() {
                let mut codes = [[[0i8; 8]; 4]; PART];
                for (codes, line) in codes.iter_mut().zip(lines) {
                    *codes = unpacked(line[r % 8]);
                }
                for l in 0..3 {
                    let sums = &mut sums[l * record + part * PART * 32..][..lines.len() * 32];
                    add_multiple(sums, codes.as_flattened().as_flattened(), y[l][r]);
                }
            }
        }
        for (w, out) in out.chunks_mut(32).enumerate() {
            let mut fields = [[0.0; 8]; 4];
            for (i, value) in fields.as_flattened_mut().iter_mut().enumerate() {
                let at = 32 * w + i;
                let sums = [0, 1, 2].map(|l| sums[l * record + at] - y_sums[l]);
                *value = join(sums, step);
            }
            store_fields(out, fields);
        }
    }
}

/// `sums += codes * y`; a product is at most `3 * 128` and fits an i16.
fn add_multiple(sums: &mut [i32], codes: &[i8], y: i8) {
    for (sum, &code) in sums.iter_mut().zip(codes) {
        *sum += i32::from(i16::from(code) * i16::from(y));
    }
}
