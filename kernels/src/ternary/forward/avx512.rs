//! AVX-512 with VNNI: `vpdpbusd` on masked packed bytes.
//!
//! A line holds 8 rows x 32 columns. Masking field `f` of all 64 bytes gives, in the 8 bytes of
//! each row, the codes of columns `4 b + f`; `vpdpbusd` with the 8 activations of that field,
//! broadcast to all rows, adds 64 products into two i32 a row. Nothing is shuffled, and an
//! unpacked field serves every column of a block.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::blocks::{Dot, Finish, PART, Product, Strip, Sums};
use crate::Avx512;
use crate::ternary::shared::avx512::{broadcast, lanes, load};
use crate::ternary::{Group, Line};

/// The product, all of it compiled for AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn run<F: Finish<L>, const L: usize>(token: Avx512, product: Product<'_, F, L>) {
    product.on(token);
}

impl Dot for Avx512 {
    const COLUMNS: usize = 6;

    #[inline(always)]
    fn add<const C: usize>(&mut self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
        // Four tiles are four streams through memory, and share each broadcast. With six columns
        // that would be 24 sums, 4 lines and 4 fields, and registers spill.
        match C {
            // SAFETY: this `Avx512` token exists only after detection found all features asked for.
            1 => unsafe { add_one(strip, x[0], sums.as_flattened_mut()) },
            // SAFETY: as above.
            6 => unsafe { add_tiles::<2, C>(strip, x, sums) },
            // SAFETY: as above.
            _ => unsafe { add_tiles::<4, C>(strip, x, sums) },
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx2")]
fn add_rows(sums: &mut Sums, acc: __m512i) {
    // SAFETY: `sums` is 32 readable bytes; the load has no alignment requirement.
    let before = unsafe { _mm256_loadu_si256(sums.as_ptr().cast()) };
    let after = _mm256_add_epi32(before, lanes(acc));
    // SAFETY: `sums` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), after) };
}

/// All tiles of a strip, `T` at a time, for a block of columns.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn add_tiles<const T: usize, const C: usize>(strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
    let (full, rest) = sums.as_chunks_mut::<T>();
    for (k, sums) in full.iter_mut().enumerate() {
        add_block(strip.tiles::<T>(k * T), &x, sums);
    }
    for (k, sums) in rest.iter_mut().enumerate() {
        add_block(strip.tiles(full.len() * T + k), &x, core::array::from_mut(sums));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn add_block<const T: usize, const C: usize>(tiles: [&[Line]; T], x: &[&[Group]; C], sums: &mut [[Sums; C]; T]) {
    let len = tiles[0].len();
    let mut lines: [&[Line]; T] = [&[]; T];
    for t in 0..T {
        lines[t] = &tiles[t][..len];
    }
    let mut columns: [&[Group]; C] = [&[]; C];
    for c in 0..C {
        columns[c] = &x[c][..len];
    }
    let mask = _mm512_set1_epi8(3);
    let mut acc = [[_mm512_setzero_si512(); C]; T];
    for w in 0..len {
        let mut line = [_mm512_setzero_si512(); T];
        for t in 0..T {
            line[t] = load(&lines[t][w]);
        }
        for f in 0..4 {
            let mut codes = line;
            for t in 0..T {
                codes[t] = _mm512_and_si512(line[t], mask);
                line[t] = _mm512_srli_epi16::<2>(line[t]);
            }
            for c in 0..C {
                let x = broadcast(&columns[c][w][f]);
                for t in 0..T {
                    acc[t][c] = _mm512_dpbusd_epi32(acc[t][c], codes[t], x);
                }
            }
        }
    }
    for t in 0..T {
        for c in 0..C {
            add_rows(&mut sums[t][c], acc[t][c]);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn add_one(strip: Strip<'_>, x: &[Group], sums: &mut [Sums]) {
    let (full, rest) = sums.as_chunks_mut::<4>();
    for (k, sums) in full.iter_mut().enumerate() {
        add_in_place(strip.tiles(k * 4), x, sums);
    }
    for (k, sums) in rest.iter_mut().enumerate() {
        add_in_place(strip.tiles(full.len() * 4 + k), x, core::array::from_mut(sums));
    }
}

/// As [`add_block`] for one column. With nothing to share an unpacked field with, the shifts are
/// left out: a field is masked in place and its sums are divided by 4, 16 and 64 at the end,
/// exactly.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn add_in_place<const T: usize>(tiles: [&[Line]; T], x: &[Group], sums: &mut [Sums; T]) {
    // A word adds 4 products of at most `192 * 128` to each i32.
    const { assert!(4 * 192 * 128 * PART < i32::MAX as usize) };
    let mut lines: [&[Line]; T] = [&[]; T];
    for t in 0..T {
        lines[t] = &tiles[t][..x.len()];
    }
    let masks = [_mm512_set1_epi8(0x03), _mm512_set1_epi8(0x0C), _mm512_set1_epi8(0x30), _mm512_set1_epi8(-0x40)];
    let mut acc = [[_mm512_setzero_si512(); T]; 4];
    for w in 0..x.len() {
        for t in 0..T {
            let line = load(&lines[t][w]);
            for f in 0..4 {
                let x = broadcast(&x[w][f]);
                let codes = _mm512_and_si512(line, masks[f]);
                acc[f][t] = _mm512_dpbusd_epi32(acc[f][t], codes, x);
            }
        }
    }
    for t in 0..T {
        let low = _mm512_add_epi32(acc[0][t], _mm512_srai_epi32::<2>(acc[1][t]));
        let high = _mm512_add_epi32(_mm512_srai_epi32::<4>(acc[2][t]), _mm512_srai_epi32::<6>(acc[3][t]));
        add_rows(&mut sums[t], _mm512_add_epi32(low, high));
    }
}
