//! Plain Rust on the packed words; the compiler vectorises the inner loops.

use crate::ternary::activations::join;
use crate::ternary::shared::portable::{PART, sum, unpacked};
use crate::ternary::{Group, Matrix};

/// Tokens that share an unpacked part of a row.
const TOKENS: usize = 8;

/// See [`super::forward_int8`]; lengths checked, nothing empty.
pub(super) fn forward_int8(m: Matrix<'_>, groups: &[Group], scales: &[f32], weight_scale: f32, out: &mut [f32]) {
    let token = |t: usize| &groups[t * m.words_per_row..][..m.words_per_row];
    let mut t = 0;
    while t + TOKENS <= scales.len() {
        let x = core::array::from_fn::<_, TOKENS, _>(|k| token(t + k));
        let x_sums = x.map(|x| sum(x.as_flattened().as_flattened()));
        for r in 0..m.rows {
            let sums = dot(m, r, x);
            for k in 0..TOKENS {
                let step = scales[t + k] * weight_scale;
                out[(t + k) * m.rows + r] = (sums[k] - x_sums[k]) as f32 * step;
            }
        }
        t += TOKENS;
    }
    for t in t..scales.len() {
        let x_sum = sum(token(t).as_flattened().as_flattened());
        for (r, out) in out[t * m.rows..][..m.rows].iter_mut().enumerate() {
            let [sum] = dot(m, r, [token(t)]);
            *out = (sum - x_sum) as f32 * (scales[t] * weight_scale);
        }
    }
}

/// See [`super::forward_f32`]; lengths checked, nothing empty.
pub(super) fn forward_limbs(m: Matrix<'_>, groups: &[Group], steps: &[f64], out: &mut [f32]) {
    let tokens = groups.chunks_exact(3 * m.words_per_row);
    for ((x, out), &step) in tokens.zip(out.chunks_exact_mut(m.rows)).zip(steps) {
        let x = [0, 1, 2].map(|l| &x[l * m.words_per_row..][..m.words_per_row]);
        let x_sums = x.map(|x| sum(x.as_flattened().as_flattened()));
        for (r, out) in out.iter_mut().enumerate() {
            let mut sums = dot(m, r, x);
            for (sum, x_sum) in sums.iter_mut().zip(x_sums) {
                *sum -= x_sum;
            }
            *out = join(sums, step);
        }
    }
}

/// Codes (not digits) of one row times `C` columns of activations.
fn dot<const C: usize>(m: Matrix<'_>, r: usize, x: [&[Group]; C]) -> [i32; C] {
    let mut sums = [0; C];
    let mut codes = [[[0i8; 8]; 4]; PART];
    for (part, lines) in m.tile(r / 8).chunks(PART).enumerate() {
        let codes = &mut codes[..lines.len()];
        for (codes, line) in codes.iter_mut().zip(lines) {
            *codes = unpacked(line[r % 8]);
        }
        for (sum, x) in sums.iter_mut().zip(x) {
            let x = &x[part * PART..][..lines.len()];
            *sum += products(codes.as_flattened().as_flattened(), x.as_flattened().as_flattened());
        }
    }
    sums
}

/// A dot product in the shape that compilers turn into `pmaddwd` and its like.
fn products(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}
