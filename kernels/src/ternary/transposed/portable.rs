//! Plain Rust on the packed words; the compiler vectorises the inner loops.

use core::ops::Range;

use crate::ternary::Matrix;
use crate::ternary::shared::portable::{PART, unpacked};

/// See [`super::product`]. An unpacked part of a row serves every column of `y`.
pub(super) fn add_products(m: Matrix<'_>, y: &[[i8; 8]], words: Range<usize>, sums: &mut [[[i32; 8]; 4]]) {
    let len = words.len();
    for first in (0..len).step_by(PART) {
        let part = PART.min(len - first);
        for r in 0..m.rows {
            let mut codes = [[[0i8; 8]; 4]; PART];
            let lines = &m.tile(r / 8)[words.start + first..][..part];
            for (codes, line) in codes.iter_mut().zip(lines) {
                *codes = unpacked(line[r % 8]);
            }
            for (y, sums) in y.chunks_exact(m.tiles()).zip(sums.chunks_exact_mut(len)) {
                let sums = sums[first..][..part].as_flattened_mut().as_flattened_mut();
                add_multiple(sums, codes.as_flattened().as_flattened(), y[r / 8][r % 8]);
            }
        }
    }
}

/// `sums += codes * y`; a product is at most `3 * 128` and fits an i16.
fn add_multiple(sums: &mut [i32], codes: &[i8], y: i8) {
    for (sum, &code) in sums.iter_mut().zip(codes) {
        *sum += i32::from(i16::from(code) * i16::from(y));
    }
}
