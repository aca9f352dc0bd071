//! AVX-512 with VNNI: `vpdpbusd` on unpacked bytes.
//!
//! Where the width divides 8, fields are masked in place, without a shift. The sums of field `f` then
//! count `2^(bits f)` times, and are shifted once, exactly, at the end.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;
use core::ops::Range;

use super::{BLOCK, Codes, Kernels, Panel, ROWS, RowBlocks};
use crate::Avx512;
use crate::columns::Columns;

// Holding the token proves that the CPU has all the features that the functions of this file ask of
// their caller.
impl Kernels for Avx512 {
    const ROUNDS: bool = true;

    fn wide(self, _: u32) -> bool {
        false
    }

    fn offset(self, _: u32) -> u8 {
        0
    }

    fn forward<const B: usize>(
        self,
        rows: &RowBlocks<'_, B, ROWS>,
        x: Columns<'_, i8>,
        _: &mut Option<Panel>,
        sums: &mut [[i32; ROWS]],
    ) {
        // SAFETY: the token proves the features.
        unsafe { forward(rows, x, sums) }
    }

    fn transposed<const B: usize>(
        self,
        m: &Codes<'_>,
        block: usize,
        rows: Range<usize>,
        y: Columns<'_, i8>,
        panel: &mut Panel,
        sums: &mut [[i32; BLOCK]],
    ) {
        // SAFETY: the token proves the features.
        unsafe { transposed::<B>(m, block, rows, y, panel, sums) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u64; 8]) -> __m512i {
    // SAFETY: `block` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes<T>(bytes: &[T; 64]) -> __m512i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: `bytes` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(block: &mut [u64; 8], v: __m512i) {
    // SAFETY: `block` is 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(block.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_shifts(shifts: &[i32; 16]) -> __m512i {
    // SAFETY: `shifts` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(shifts.as_ptr().cast()) }
}

/// Unpacked widths that cross bytes: where the 8 codes of each qword come from, and where they start
/// in it.
struct Gather<const B: usize>;

impl<const B: usize> Gather<B> {
    /// Eight codes are `B` bytes.
    const INDEX: [u8; 64] = {
        let mut index = [0; 64];
        let mut i = 0;
        while i < 64 {
            index[i] = (i / 8 * B + i % 8) as u8;
            i += 1;
        }
        index
    };

    const START: [u8; 64] = {
        let mut start = [0; 64];
        let mut i = 0;
        while i < 64 {
            start[i] = (i % 8 * B) as u8;
            i += 1;
        }
        start
    };
}

/// The codes of a block at their places, times `2^shift(B, place)`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn unpack<const B: usize>(block: &[u64; B]) -> __m512i {
    let bytes = block.as_ptr();
    match B {
        1 => {
            let masks = _mm512_set1_epi64(0x0101_0101_0101_0101);
            let masks = _mm512_sllv_epi64(masks, _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
            _mm512_and_si512(_mm512_set1_epi64(block[0] as i64), masks)
        }
        2 => {
            let masks = _mm512_set1_epi64(0x0303_0303_0303_0303);
            let masks = _mm512_sllv_epi64(masks, _mm512_setr_epi64(0, 0, 2, 2, 4, 4, 6, 6));
            // SAFETY: `block` is 16 readable bytes; the load has no alignment requirement.
            let words = unsafe { _mm_loadu_si128(bytes.cast()) };
            _mm512_and_si512(_mm512_broadcast_i64x2(words), masks)
        }
        4 => {
            let masks = _mm512_set1_epi64(0x0F0F_0F0F_0F0F_0F0F);
            let masks = _mm512_sllv_epi64(masks, _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4));
            // SAFETY: `block` is 32 readable bytes; the load has no alignment requirement.
            let words = unsafe { _mm256_loadu_si256(bytes.cast()) };
            _mm512_and_si512(_mm512_broadcast_i64x4(words), masks)
        }
        8 => {
            // SAFETY: `block` is 64 readable bytes; the load has no alignment requirement.
            unsafe { _mm512_loadu_si512(bytes.cast()) }
        }
        _ => {
            // SAFETY: `block` is `B` readable words, all that the mask selects; the load has no
            // alignment requirement.
            let words = unsafe { _mm512_maskz_loadu_epi64(((1u32 << B) - 1) as u8, bytes.cast()) };
            let qwords = _mm512_permutexvar_epi8(load_bytes(&Gather::<B>::INDEX), words);
            let codes = _mm512_multishift_epi64_epi8(load_bytes(&Gather::<B>::START), qwords);
            _mm512_and_si512(codes, _mm512_set1_epi8(((1u32 << B) - 1) as i8))
        }
    }
}

/// How often [`unpack`] doubles the code of a place.
const fn shift(bits: usize, place: usize) -> i32 {
    match bits {
        1 | 2 | 4 => (place / (8 * bits) * bits) as i32,
        _ => 0,
    }
}

/// The shifts of dwords of four consecutive places.
struct Shifts<const B: usize>;

impl<const B: usize> Shifts<B> {
    const FORWARD: [i32; 16] = {
        let mut shifts = [0; 16];
        let mut d = 0;
        while d < 16 {
            shifts[d] = shift(B, 4 * d);
            d += 1;
        }
        shifts
    };

    /// For register `i`: dword `4 l + c` is place `16 l + 4 i + c`.
    const TRANSPOSED: [[i32; 16]; 4] = {
        let mut shifts = [[0; 16]; 4];
        let mut at = 0;
        while at < 64 {
            shifts[at % 16 / 4][at / 16 * 4 + at % 4] = shift(B, at);
            at += 1;
        }
        shifts
    };
}

/// See [`Kernels::forward`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn forward<const B: usize>(rows: &RowBlocks<'_, B, ROWS>, x: Columns<'_, i8>, sums: &mut [[i32; ROWS]]) {
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => columns::<B, 1>(rows, x, k, sums),
            2 => columns::<B, 2>(rows, x, k, sums),
            _ => columns::<B, 3>(rows, x, k, sums),
        };
    }
}

/// Eight rows times `T` columns from column `k` on. An i32 gets at most 4 products a block, of codes
/// of at most 255 with the shift: `1024 * 4 * 255 * 128 < 2^31`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn columns<const B: usize, const T: usize>(
    rows: &RowBlocks<'_, B, ROWS>,
    x: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; ROWS]],
) -> usize {
    let len = rows.full[0].len();
    let mut columns: [&[[i8; 64]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &x.row(k + t).as_chunks().0[..rows.blocks()];
    }
    let mut full = rows.full;
    for r in 0..ROWS {
        full[r] = &full[r][..len];
    }
    let mut acc = [[_mm512_setzero_si512(); T]; ROWS];
    for at in 0..len {
        for r in 0..ROWS {
            let codes = unpack(&full[r][at]);
            for t in 0..T {
                acc[r][t] = _mm512_dpbusd_epi32(acc[r][t], codes, load_bytes(&columns[t][at]));
            }
        }
    }
    if let Some(tail) = &rows.tail {
        for r in 0..ROWS {
            let codes = unpack(&tail[r]);
            for t in 0..T {
                acc[r][t] = _mm512_dpbusd_epi32(acc[r][t], codes, load_bytes(&columns[t][len]));
            }
        }
    }
    let shifts = load_shifts(&Shifts::<B>::FORWARD);
    for t in 0..T {
        let mut v = [_mm512_setzero_si512(); ROWS];
        for r in 0..ROWS {
            v[r] = _mm512_srav_epi32(acc[r][t], shifts);
        }
        let (to, values) = (&mut sums[k + t], reduce(v));
        // SAFETY: `to` is 32 writable bytes; the store has no alignment requirement.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), values) };
    }
    T
}

/// Sums of neighbouring dwords, alternately of `a` and `b`.
#[inline]
#[target_feature(enable = "avx512f")]
fn pairs(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
}

/// Sums of the dwords of each 128-bit lane of four registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn fours(v: [__m512i; 4]) -> __m512i {
    let (ab, cd) = (pairs(v[0], v[1]), pairs(v[2], v[3]));
    _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
}

/// The sums of each of eight registers.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx2")]
fn reduce(v: [__m512i; 8]) -> __m256i {
    let (a, b) = (fours([v[0], v[1], v[2], v[3]]), fours([v[4], v[5], v[6], v[7]]));
    // Lanes a0 a2 b0 b2 and a1 a3 b1 b3, then a b and a b.
    let all = _mm512_add_epi32(_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xDD>(a, b));
    let (even, odd) = (_mm512_shuffle_i32x4::<0x88>(all, all), _mm512_shuffle_i32x4::<0xDD>(all, all));
    _mm256_add_epi32(_mm512_castsi512_si256(even), _mm512_castsi512_si256(odd))
}

/// The codes of block `block` of row `r`; zeros for a row past the end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn unpack_row<const B: usize>(m: &Codes<'_>, block: usize, r: usize, end: usize) -> __m512i {
    if r >= end {
        return _mm512_setzero_si512();
    }
    let (full, rest) = m.row::<B>(r);
    match full.get(block) {
        Some(block) => unpack(block),
        None => {
            let mut block = [0; B];
            block[..rest.len()].copy_from_slice(rest);
            unpack(&block)
        }
    }
}

/// See [`Kernels::transposed`]. Four rows side by side: byte `4 c + r` of lane `l` of register `i` is
/// row `r` of place `16 l + 4 i + c`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn transposed<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    let panel = &mut panel.0.as_chunks_mut::<4>().0[..rows.len().div_ceil(4)];
    for (q, panel) in panel.iter_mut().enumerate() {
        let r = rows.start + 4 * q;
        let a = unpack_row::<B>(m, block, r, rows.end);
        let b = unpack_row::<B>(m, block, r + 1, rows.end);
        let c = unpack_row::<B>(m, block, r + 2, rows.end);
        let d = unpack_row::<B>(m, block, r + 3, rows.end);
        let ab = [_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b)];
        let cd = [_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d)];
        for i in 0..2 {
            store(&mut panel[2 * i], _mm512_unpacklo_epi16(ab[i], cd[i]));
            store(&mut panel[2 * i + 1], _mm512_unpackhi_epi16(ab[i], cd[i]));
        }
    }
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => quads::<B, 1>(panel, y, k, sums),
            2 => quads::<B, 2>(panel, y, k, sums),
            3..6 => quads::<B, 3>(panel, y, k, sums),
            _ => quads::<B, 6>(panel, y, k, sums),
        };
    }
}

/// 64 columns times `T` columns of `y` from column `k` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn quads<const B: usize, const T: usize>(
    panel: &[[[u64; 8]; 4]],
    y: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; BLOCK]],
) -> usize {
    let mut columns: [&[[i8; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &y.row(k + t).as_chunks().0[..panel.len()];
    }
    let mut acc = [[_mm512_setzero_si512(); T]; 4];
    for q in 0..panel.len() {
        let mut codes = [_mm512_setzero_si512(); 4];
        for i in 0..4 {
            codes[i] = load(&panel[q][i]);
        }
        for t in 0..T {
            let y = _mm512_set1_epi32(i32::from_le_bytes(columns[t][q].map(|y| y as u8)));
            for i in 0..4 {
                acc[i][t] = _mm512_dpbusd_epi32(acc[i][t], codes[i], y);
            }
        }
    }
    for t in 0..T {
        let lanes = sums[k + t].as_chunks_mut::<4>().0.as_chunks_mut::<4>().0;
        for i in 0..4 {
            let v = _mm512_srav_epi32(acc[i][t], load_shifts(&Shifts::<B>::TRANSPOSED[i]));
            let mut values = [0i32; 16];
            // SAFETY: `values` is 64 writable bytes; the store has no alignment requirement.
            unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), v) };
            for (lane, values) in lanes.iter_mut().zip(values.as_chunks::<4>().0) {
                for c in 0..4 {
                    lane[i][c] += values[c];
                }
            }
        }
    }
    T
}
