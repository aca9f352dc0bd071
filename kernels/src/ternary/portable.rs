//! Plain Rust on the packed words; the compiler vectorises the inner loops.

use super::activations::{
    Order, int8_steps, join, limb_steps, limbs, max_magnitude, record_len, rounded, store_fields,
};
use super::{Group, Matrix};

/// See [`super::quantize_int8`]; lengths checked, `cols > 0`.
#[inline(always)]
pub(super) fn quantize_int8(x: &[f32], cols: usize, codes: &mut [i8], steps: &mut [f32]) {
    let record = record_len(Order::Groups, cols);
    for ((x, codes), step) in x.chunks_exact(cols).zip(codes.chunks_exact_mut(record)).zip(steps) {
        let (s, value) = int8_steps(max_magnitude(x));
        *step = value;
        if value.is_nan() {
            codes.fill(0);
            continue;
        }
        let (full, rest) = x.as_chunks::<32>();
        let groups = codes.as_chunks_mut::<32>().0;
        for (x, group) in full.iter().zip(groups.iter_mut()) {
            // |x * s| is below 127.5, so the clamp of the definition never acts.
            *group = grouped(x.map(|x| rounded(x, s) as i8));
        }
        if !rest.is_empty() {
            let mut x = [0.0; 32];
            x[..rest.len()].copy_from_slice(rest);
            groups[full.len()] = grouped(x.map(|x| rounded(x, s) as i8));
        }
    }
}

/// Puts column `4 b + f` at byte `8 f + b`.
#[inline(always)]
fn grouped(columns: [i8; 32]) -> [i8; 32] {
    let mut group = [0; 32];
    for b in 0..8 {
        for f in 0..4 {
            group[8 * f + b] = columns[4 * b + f];
        }
    }
    group
}

/// Limbs of each token, `[n][3][record]`, padding zero; lengths checked, `len > 0`.
#[inline(always)]
pub(super) fn split_limbs(order: Order, x: &[f32], len: usize, codes: &mut [i8], steps: &mut [f64]) {
    let record = record_len(order, len);
    for ((x, codes), step) in x.chunks_exact(len).zip(codes.chunks_exact_mut(3 * record)).zip(steps) {
        let (s, value) = limb_steps(max_magnitude(x));
        *step = value.into();
        if value.is_nan() {
            codes.fill(0);
            continue;
        }
        for (i, x) in x.chunks(32).enumerate() {
            let mut part = [[0; 32]; 3];
            for (k, &x) in x.iter().enumerate() {
                let split = limbs(rounded(x, s));
                for l in 0..3 {
                    part[l][k] = split[l];
                }
            }
            for (l, part) in part.into_iter().enumerate() {
                let part = match order {
                    Order::Groups => grouped(part),
                    Order::Columns => part,
                };
                let to = &mut codes[l * record..][..record][32 * i..];
                let used = to.len().min(32);
                to[..used].copy_from_slice(&part[..used]);
            }
        }
    }
}

/// Tokens that share an unpacked part of a row.
const TOKENS: usize = 8;
/// Words of such a part: 512 codes, small enough for the stack and the first cache level.
const PART: usize = 16;

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

fn sum(codes: &[i8]) -> i32 {
    codes.iter().map(|&c| i32::from(c)).sum()
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

/// `[f][b]` is the code of column `4 b + f`.
#[inline(always)]
fn unpacked(word: u64) -> Group {
    [0, 2, 4, 6].map(|shift| (word >> shift & 0x0303_0303_0303_0303).to_le_bytes().map(|c| c as i8))
}

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
