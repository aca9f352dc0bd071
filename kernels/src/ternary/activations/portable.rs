//! Plain Rust; the compiler vectorises the inner loops.

use super::limbs::{limbs, steps_of_limbs};
use super::{Order, int8_steps, max_magnitude, record_len, rounded};

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

/// Limbs of each token, `[n][L][record]`, padding zero; lengths checked, `len > 0`.
#[inline(always)]
pub(super) fn split<const L: usize>(order: Order, x: &[f32], len: usize, codes: &mut [i8], steps: &mut [f64]) {
    let record = record_len(order, len);
    for ((x, codes), step) in x.chunks_exact(len).zip(codes.chunks_exact_mut(L * record)).zip(steps) {
        let (s, value) = steps_of_limbs::<L>(max_magnitude(x));
        *step = value.into();
        if value.is_nan() {
            codes.fill(0);
            continue;
        }
        for (i, x) in x.chunks(32).enumerate() {
            let mut part = [[0; 32]; L];
            for (k, &x) in x.iter().enumerate() {
                let split = limbs(rounded(x, s));
                for l in 0..L {
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
