//! AVX2: `vpmaddubsw` on unpacked bytes, sums in i16 that are widened before they overflow. Codes of
//! 8 bits take `vpmaddwd` on i16 instead: two products of 255 and 128 would saturate.
//!
//! Codes of 1 and 2 bits are masked in place, without a shift, in each half of a byte. The sums of
//! their fields then count twice, 4 or 8 times, and are shifted once, exactly, at the end.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;
use core::ops::Range;

use super::{BLOCK, Codes, Kernels, Panel, ROWS, RowBlocks, order, rows_of};
use crate::Avx2;
use crate::columns::Columns;

// Holding the token proves that the CPU has AVX2 and FMA, which is all that the functions of this
// file ask of their caller.
impl Kernels for Avx2 {
    const ROUNDS: bool = true;

    fn wide(self, bits: u32) -> bool {
        bits == 8
    }

    fn offset(self, _: u32) -> u8 {
        0
    }

    fn forward<const B: usize>(
        self,
        rows: &RowBlocks<'_, B, ROWS>,
        x: Columns<'_, i8>,
        panel: &mut Option<Panel>,
        sums: &mut [[i32; ROWS]],
    ) {
        // SAFETY: the token proves AVX2 and FMA.
        unsafe { forward(rows, x, panel, sums) }
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
        // SAFETY: the token proves AVX2 and FMA.
        unsafe { transposed::<B>(m, block, rows, y, panel, sums) }
    }
}

/// `vpmaddubsw` results that an i16 holds: one is the sum of two products of at most 128 times the
/// largest code, which for 1 to 4 bits is masked out of 4.
const fn fold(bits: usize) -> usize {
    let top = match bits {
        1 => 8,
        2 => 12,
        _ => (1 << bits) - 1,
    };
    32768 / (256 * top)
}

/// How often [`unpack`] doubles the code of a place.
const fn shift(bits: usize, place: usize) -> i32 {
    match bits {
        1 | 2 => (place / (8 * bits) % (4 / bits) * bits) as i32,
        _ => 0,
    }
}

/// Undoes [`shift`] for dwords with sums of these places (or others with the same shift).
#[inline]
#[target_feature(enable = "avx2,fma")]
fn unshifted<const B: usize>(sums: __m256i, places: [usize; 8]) -> __m256i {
    if B > 2 {
        return sums;
    }
    let [a, b, c, d, e, f, g, h] = places;
    let shift = |place| shift(B, place);
    let shifts = _mm256_setr_epi32(shift(a), shift(b), shift(c), shift(d), shift(e), shift(f), shift(g), shift(h));
    _mm256_srav_epi32(sums, shifts)
}

/// Upper halves of products. The compiler would make shifts of the constant factors, one by one, in
/// 32 bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn upper(a: __m256i, factor: __m256i) -> __m256i {
    let out;
    // SAFETY: the instruction is part of AVX2, works on registers alone and sets no flags.
    unsafe {
        core::arch::asm!(
            "vpmulhuw {out}, {a}, {factor}",
            out = lateout(ymm_reg) out,
            a = in(ymm_reg) a,
            factor = in(ymm_reg) factor,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    out
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: `bytes` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_signed(bytes: &[i8; 32]) -> __m256i {
    // SAFETY: `bytes` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store_block(block: &mut [u64; 8], v: [__m256i; 2]) {
    // SAFETY: `block` is 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(block.as_mut_ptr().cast(), v[0]) };
    let second = &mut block[4..];
    // SAFETY: `second` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(second.as_mut_ptr().cast(), v[1]) };
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(bytes: &mut [u8; 32], v: __m256i) {
    // SAFETY: `bytes` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), v) }
}

/// 16 bytes of a block from byte `at` on, which must be there.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_part<const B: usize>(block: &[u64; B], at: usize) -> __m128i {
    assert!(at + 16 <= 8 * B, "constants, so that nothing is left of this");
    // SAFETY: `at` is inside the block by the assertion.
    let start = unsafe { block.as_ptr().cast::<u8>().add(at) };
    // SAFETY: 16 bytes from `start` on lie in the block; the load has no alignment requirement.
    unsafe { _mm_loadu_si128(start.cast()) }
}

/// Widths that cross bytes: in each lane of a register, 16 bits that hold each of 8 codes.
struct Gather<const B: usize>;

impl<const B: usize> Gather<B> {
    /// For each half of a block and each half of the 16 codes of its lanes.
    const INDEX: [[[u8; 32]; 2]; 2] = {
        let mut index = [[[0; 32]; 2]; 2];
        let mut at = 0;
        while at < 128 {
            let (half, part, byte) = (at / 64, at / 32 % 2, at % 32);
            index[half][part][byte] = order::gather(B, 2 * half + byte / 16, part)[byte % 16];
            at += 1;
        }
        index
    };

    /// Factors whose products have the code in the lowest bits of the upper 16.
    const FACTOR: [u8; 32] = {
        let mut factor = [0; 32];
        let mut i = 0;
        while i < 16 {
            let shifted = 1u16 << (16 - order::gather_shift(B, i % 8));
            factor[2 * i] = shifted as u8;
            factor[2 * i + 1] = (shifted >> 8) as u8;
            i += 1;
        }
        factor
    };
}

/// The codes of a block at their places, times `2^shift(B, place)`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn unpack<const B: usize>(block: &[u64; B]) -> [__m256i; 2] {
    let mask = _mm256_set1_epi8(((1u32 << B) - 1) as i8);
    match B {
        1 => {
            let masks = _mm256_setr_epi64x(
                0x0101_0101_0101_0101,
                0x0202_0202_0202_0202,
                0x0404_0404_0404_0404,
                0x0808_0808_0808_0808,
            );
            let word = _mm256_set1_epi64x(block[0] as i64);
            [_mm256_and_si256(word, masks), _mm256_and_si256(_mm256_srli_epi64::<4>(word), masks)]
        }
        2 => {
            let (low, high) = (0x0303_0303_0303_0303, 0x0C0C_0C0C_0C0C_0C0C);
            let masks = _mm256_setr_epi64x(low, low, high, high);
            let words = _mm256_broadcastsi128_si256(load_part(block, 0));
            [_mm256_and_si256(words, masks), _mm256_and_si256(_mm256_srli_epi64::<4>(words), masks)]
        }
        4 => {
            let words = _mm256_set_m128i(load_part(block, 16), load_part(block, 0));
            [_mm256_and_si256(words, mask), _mm256_and_si256(_mm256_srli_epi16::<4>(words), mask)]
        }
        8 => [
            _mm256_set_m128i(load_part(block, 16), load_part(block, 0)),
            _mm256_set_m128i(load_part(block, 48), load_part(block, 32)),
        ],
        _ => {
            let mut out = [_mm256_setzero_si256(); 2];
            let factor = load(&Gather::<B>::FACTOR);
            let mask = _mm256_set1_epi16((1 << B) - 1);
            for half in 0..2 {
                let lanes = _mm256_set_m128i(
                    load_part(block, order::gather_start(B, 2 * half + 1)),
                    load_part(block, order::gather_start(B, 2 * half)),
                );
                let first = _mm256_shuffle_epi8(lanes, load(&Gather::<B>::INDEX[half][0]));
                let second = _mm256_shuffle_epi8(lanes, load(&Gather::<B>::INDEX[half][1]));
                let first = _mm256_and_si256(upper(first, factor), mask);
                let second = _mm256_and_si256(upper(second, factor), mask);
                out[half] = _mm256_packus_epi16(first, second);
            }
            out
        }
    }
}

/// Adds neighbouring i16 into i32.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn widen(total: __m256i, sums: __m256i) -> __m256i {
    _mm256_add_epi32(total, _mm256_madd_epi16(sums, _mm256_set1_epi16(1)))
}

/// The sums of each of four registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn reduce(v: [__m256i; 4]) -> __m128i {
    let pair = |a, b| _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (ab, cd) = (pair(v[0], v[1]), pair(v[2], v[3]));
    let all = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_integers(v: &[i32; 4]) -> __m128i {
    // SAFETY: `v` is 16 readable bytes; the load has no alignment requirement.
    unsafe { _mm_loadu_si128(v.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn integers(v: __m128i) -> [i32; 4] {
    let mut out = [0; 4];
    // SAFETY: `out` is 16 writable bytes; the store has no alignment requirement.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), v) };
    out
}

/// Columns of activations from which rows are unpacked into the panel first: below, unpacking each
/// block where it is used costs less than going through memory.
const fn panel_from(bits: usize) -> usize {
    match bits {
        1 | 2 | 4 => 6,
        _ => 4,
    }
}

/// See [`Kernels::forward`].
#[target_feature(enable = "avx2,fma")]
fn forward<const B: usize>(
    rows: &RowBlocks<'_, B, ROWS>,
    x: Columns<'_, i8>,
    panel: &mut Option<Panel>,
    sums: &mut [[i32; ROWS]],
) {
    sums.as_flattened_mut().fill(0);
    if B == 8 {
        let mut k = 0;
        while k < sums.len() {
            k += match sums.len() - k {
                1 => wide::<B, 4, 1>(rows, x, k, sums),
                2 => wide::<B, 4, 2>(rows, x, k, sums),
                _ => wide::<B, 4, 3>(rows, x, k, sums),
            };
        }
    } else if sums.len() < panel_from(B) {
        columns::<B, B>(rows, x, sums);
    } else {
        let blocks = rows.blocks();
        let panel = panel.get_or_insert_with(|| Panel::EMPTY);
        // Parts of equal length.
        let part_blocks = blocks.div_ceil(blocks.div_ceil(panel.0.len() / ROWS));
        for first in (0..blocks).step_by(part_blocks) {
            let part = rows.range(first, part_blocks.min(blocks - first));
            let len = part.blocks();
            let panel = &mut panel.0[..ROWS * len];
            for (r, panel) in panel.chunks_exact_mut(len).enumerate() {
                let tail = part.tail.as_ref().map(|tail| &tail[r]);
                for (panel, block) in panel.iter_mut().zip(part.full[r].iter().chain(tail)) {
                    store_block(panel, unpack(block));
                }
            }
            let unpacked = RowBlocks { full: rows_of(panel, len), tail: None };
            columns::<8, B>(&unpacked, x.range(first * BLOCK..(first + len) * BLOCK), sums);
        }
    }
}

/// Adds the products of rows, stored with `S` bits a code, and all columns; codes are below `2^B`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn columns<const S: usize, const B: usize>(
    rows: &RowBlocks<'_, S, ROWS>,
    x: Columns<'_, i8>,
    sums: &mut [[i32; ROWS]],
) {
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => narrow::<S, B, 4, 1>(rows, x, k, sums),
            // With three there are not enough registers; still better than to unpack twice.
            3 if S < 8 => narrow::<S, B, 4, 3>(rows, x, k, sums),
            _ => narrow::<S, B, 4, 2>(rows, x, k, sums),
        };
    }
}

/// `R` rows at a time times `T` columns from column `k` on.
#[target_feature(enable = "avx2,fma")]
fn narrow<const S: usize, const B: usize, const R: usize, const T: usize>(
    rows: &RowBlocks<'_, S, ROWS>,
    x: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; ROWS]],
) -> usize {
    let len = rows.full[0].len();
    let mut columns: [&[[[i8; 32]; 2]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = x.row(k + t).as_chunks().0.as_chunks().0;
    }
    for first in (0..ROWS).step_by(R) {
        let mut full: [&[[u64; S]]; R] = [&[]; R];
        for r in 0..R {
            full[r] = &rows.full[first + r][..len];
        }
        let mut acc = [[_mm256_setzero_si256(); T]; R];
        // Groups of blocks whose sums an i16 holds, as one block is two results.
        let done = match fold(B) {
            8.. => groups::<S, B, 4, R, T>(&mut acc, &full, &columns),
            4.. => groups::<S, B, 2, R, T>(&mut acc, &full, &columns),
            _ => 0,
        };
        if done < len {
            let mut rest = columns;
            for t in 0..T {
                rest[t] = &columns[t][done..];
            }
            for r in 0..R {
                full[r] = &full[r][done..];
            }
            groups::<S, B, 1, R, T>(&mut acc, &full, &rest);
        }
        if let Some(tail) = &rows.tail {
            let mut rest = columns;
            for t in 0..T {
                rest[t] = &columns[t][len..];
            }
            for r in 0..R {
                full[r] = core::slice::from_ref(&tail[first + r]);
            }
            groups::<S, B, 1, R, T>(&mut acc, &full, &rest);
        }
        add_reduced::<B, R, T>(&acc, first, &mut sums[k..]);
    }
    T
}

/// Adds the products of rows and columns in whole groups of `G` blocks; gives the number of blocks.
///
/// Sums of a group are in i16, where they take two operations a product; those in i32, used once a
/// group, may well be in memory.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn groups<const S: usize, const B: usize, const G: usize, const R: usize, const T: usize>(
    acc: &mut [[__m256i; T]; R],
    rows: &[&[[u64; S]]; R],
    columns: &[&[[[i8; 32]; 2]]; T],
) -> usize {
    let len = rows[0].len() / G;
    let mut row: [&[[[u64; S]; G]]; R] = [&[]; R];
    for r in 0..R {
        row[r] = &rows[r].as_chunks().0[..len];
    }
    let mut x: [&[[[[i8; 32]; 2]; G]]; T] = [&[]; T];
    for t in 0..T {
        x[t] = &columns[t].as_chunks().0[..len];
    }
    for at in 0..len {
        let mut sums = [[_mm256_setzero_si256(); T]; R];
        for g in 0..G {
            for r in 0..R {
                let codes = unpack(&row[r][at][g]);
                for t in 0..T {
                    sums[r][t] = products::<B>(sums[r][t], codes, &x[t][at][g]);
                }
            }
        }
        for r in 0..R {
            for t in 0..T {
                acc[r][t] = widen_last::<B>(acc[r][t], sums[r][t]);
            }
        }
    }
    len * G
}

/// Adds the products of a block: in i16, or in i32 if two results do not fit an i16.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn products<const B: usize>(acc: __m256i, codes: [__m256i; 2], x: &[[i8; 32]; 2]) -> __m256i {
    let first = _mm256_maddubs_epi16(codes[0], load_signed(&x[0]));
    let second = _mm256_maddubs_epi16(codes[1], load_signed(&x[1]));
    if const { fold(B) == 1 } {
        widen(widen(acc, first), second)
    } else {
        _mm256_add_epi16(_mm256_add_epi16(acc, first), second)
    }
}

/// Adds what [`products`] summed.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn widen_last<const B: usize>(total: __m256i, acc: __m256i) -> __m256i {
    if const { fold(B) == 1 } { _mm256_add_epi32(total, acc) } else { widen(total, acc) }
}

/// Adds the sums of `R` by `T` registers for rows from `first` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_reduced<const B: usize, const R: usize, const T: usize>(
    total: &[[__m256i; T]; R],
    first: usize,
    sums: &mut [[i32; ROWS]],
) {
    for t in 0..T {
        for r in (0..R).step_by(4) {
            let mut four = [total[r][t], total[r + 1][t], total[r + 2][t], total[r + 3][t]];
            for i in 0..4 {
                four[i] = unshifted::<B>(four[i], [0, 4, 8, 12, 16, 20, 24, 28]);
            }
            let to = &mut sums[t].as_chunks_mut::<4>().0[(first + r) / 4];
            *to = integers(_mm_add_epi32(load_integers(to), reduce(four)));
        }
    }
}

/// As [`narrow`], for codes of 8 bits and activations of 16.
#[target_feature(enable = "avx2,fma")]
fn wide<const B: usize, const R: usize, const T: usize>(
    rows: &RowBlocks<'_, B, ROWS>,
    x: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; ROWS]],
) -> usize {
    let len = rows.full[0].len();
    let mut columns: [&[[[i8; 32]; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &x.row(k + t).as_chunks().0.as_chunks().0[..rows.blocks()];
    }
    for first in (0..ROWS).step_by(R) {
        let mut full: [&[[u64; B]]; R] = [&[]; R];
        for r in 0..R {
            full[r] = &rows.full[first + r][..len];
        }
        let mut total = [[_mm256_setzero_si256(); T]; R];
        for at in 0..len {
            for q in 0..4 {
                for r in 0..R {
                    let codes = _mm256_cvtepu8_epi16(load_part(&full[r][at], 16 * q));
                    for t in 0..T {
                        let products = _mm256_madd_epi16(codes, load_signed(&columns[t][at][q]));
                        total[r][t] = _mm256_add_epi32(total[r][t], products);
                    }
                }
            }
        }
        if let Some(tail) = &rows.tail {
            for q in 0..4 {
                for r in 0..R {
                    let codes = _mm256_cvtepu8_epi16(load_part(&tail[first + r], 16 * q));
                    for t in 0..T {
                        let products = _mm256_madd_epi16(codes, load_signed(&columns[t][len][q]));
                        total[r][t] = _mm256_add_epi32(total[r][t], products);
                    }
                }
            }
        }
        add_reduced::<B, R, T>(&total, first, &mut sums[k..]);
    }
    T
}

/// See [`Kernels::transposed`].
#[target_feature(enable = "avx2,fma")]
fn transposed<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    if B == 8 {
        transposed_wide::<B>(m, block, rows, y, panel, sums);
    } else {
        transposed_narrow::<B>(m, block, rows, y, panel, sums);
    }
}

/// The codes of block `block` of row `r`; zeros for a row past the end.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn unpack_row<const B: usize>(m: &Codes<'_>, block: usize, r: usize, end: usize) -> [__m256i; 2] {
    if r >= end {
        return [_mm256_setzero_si256(); 2];
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

/// Four rows side by side: byte `4 c + r` of register `i` of half `h` is row `r` of place
/// `32 h + 16 l + 4 i + c` for 128-bit lane `l`.
#[target_feature(enable = "avx2,fma")]
fn transposed_narrow<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    let quads = rows.len().div_ceil(4);
    let panel = panel.bytes().as_chunks_mut::<32>().0.as_chunks_mut::<8>().0;
    let panel = &mut panel[..quads];
    for (q, panel) in panel.iter_mut().enumerate() {
        let r = rows.start + 4 * q;
        let a = unpack_row::<B>(m, block, r, rows.end);
        let b = unpack_row::<B>(m, block, r + 1, rows.end);
        let c = unpack_row::<B>(m, block, r + 2, rows.end);
        let d = unpack_row::<B>(m, block, r + 3, rows.end);
        for h in 0..2 {
            let ab = [_mm256_unpacklo_epi8(a[h], b[h]), _mm256_unpackhi_epi8(a[h], b[h])];
            let cd = [_mm256_unpacklo_epi8(c[h], d[h]), _mm256_unpackhi_epi8(c[h], d[h])];
            for i in 0..2 {
                store(&mut panel[4 * h + 2 * i], _mm256_unpacklo_epi16(ab[i], cd[i]));
                store(&mut panel[4 * h + 2 * i + 1], _mm256_unpackhi_epi16(ab[i], cd[i]));
            }
        }
    }
    let mut k = 0;
    while k < sums.len() {
        k += match sums.len() - k {
            1 => quads_narrow::<B, 8, 1>(panel, y, k, sums),
            2 => quads_narrow::<B, 4, 2>(panel, y, k, sums),
            _ => quads_narrow::<B, 2, 3>(panel, y, k, sums),
        };
    }
}

/// `V` registers of columns at a time times `T` columns of `y` from column `k` on.
#[target_feature(enable = "avx2,fma")]
fn quads_narrow<const B: usize, const V: usize, const T: usize>(
    panel: &[[[u8; 32]; 8]],
    y: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; BLOCK]],
) -> usize {
    let mut columns: [&[[i8; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = y.row(k + t).as_chunks().0;
    }
    for first in (0..8).step_by(V) {
        let mut acc = [[_mm256_setzero_si256(); T]; V];
        // Groups whose sums an i16 holds.
        let done = match fold(B) {
            4.. => quad_groups::<4, V, T>(&mut acc, panel, first, &columns),
            2.. => quad_groups::<2, V, T>(&mut acc, panel, first, &columns),
            _ => 0,
        };
        let mut rest = columns;
        for t in 0..T {
            rest[t] = &rest[t][done..];
        }
        quad_groups::<1, V, T>(&mut acc, &panel[done..], first, &rest);
        for t in 0..T {
            for v in 0..V {
                let i = (first + v) % 4;
                let (low, high) = (4 * i, 16 + 4 * i);
                let places = [low, low, low, low, high, high, high, high];
                add_columns(&mut sums[k + t], (first + v) / 4, i, unshifted::<B>(acc[v][t], places));
            }
        }
    }
    T
}

/// As [`groups`], for quads of rows and `V` registers of columns from `first` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn quad_groups<const G: usize, const V: usize, const T: usize>(
    acc: &mut [[__m256i; T]; V],
    panel: &[[[u8; 32]; 8]],
    first: usize,
    columns: &[&[[i8; 4]]; T],
) -> usize {
    let panel = panel.as_chunks::<G>().0;
    let mut y: [&[[[i8; 4]; G]]; T] = [&[]; T];
    for t in 0..T {
        y[t] = &columns[t].as_chunks().0[..panel.len()];
    }
    for at in 0..panel.len() {
        let mut sums = [[_mm256_setzero_si256(); T]; V];
        for g in 0..G {
            let panel = &panel[at][g][first..first + V];
            let mut four = [_mm256_setzero_si256(); T];
            for t in 0..T {
                four[t] = _mm256_set1_epi32(i32::from_le_bytes(y[t][at][g].map(|y| y as u8)));
            }
            for v in 0..V {
                let codes = load(&panel[v]);
                for t in 0..T {
                    sums[v][t] = _mm256_add_epi16(sums[v][t], _mm256_maddubs_epi16(codes, four[t]));
                }
            }
        }
        for v in 0..V {
            for t in 0..T {
                acc[v][t] = widen(acc[v][t], sums[v][t]);
            }
        }
    }
    panel.len() * G
}

/// Adds to the sums of the columns of register `i` of half `h`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_columns(sums: &mut [i32; BLOCK], h: usize, i: usize, v: __m256i) {
    let (lanes, _) = sums.as_chunks_mut::<16>();
    let lanes = &mut lanes[2 * h..2 * h + 2];
    let halves = [_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v)];
    for l in 0..2 {
        let to = &mut lanes[l].as_chunks_mut::<4>().0[i];
        *to = integers(_mm_add_epi32(load_integers(to), halves[l]));
    }
}

/// As [`transposed_narrow`] with two rows of i16 side by side, for codes of 8 bits.
#[target_feature(enable = "avx2,fma")]
fn transposed_wide<const B: usize>(
    m: &Codes<'_>,
    block: usize,
    rows: Range<usize>,
    y: Columns<'_, i8>,
    panel: &mut Panel,
    sums: &mut [[i32; BLOCK]],
) {
    let zero = _mm256_setzero_si256();
    let all = panel.bytes().as_chunks_mut::<32>().0.as_chunks_mut::<8>().0;
    let y_pairs = 2 * rows.len().div_ceil(4);
    let room = all.len();
    for first in (0..y_pairs).step_by(room) {
        let panel = &mut all[..room.min(y_pairs - first)];
        for (p, panel) in panel.iter_mut().enumerate() {
            let r = rows.start + 2 * (first + p);
            let a = unpack_row::<B>(m, block, r, rows.end);
            let b = unpack_row::<B>(m, block, r + 1, rows.end);
            for h in 0..2 {
                let ab = [_mm256_unpacklo_epi8(a[h], b[h]), _mm256_unpackhi_epi8(a[h], b[h])];
                for i in 0..2 {
                    store(&mut panel[4 * h + 2 * i], _mm256_unpacklo_epi8(ab[i], zero));
                    store(&mut panel[4 * h + 2 * i + 1], _mm256_unpackhi_epi8(ab[i], zero));
                }
            }
        }
        let y = y.range(4 * first..4 * (first + panel.len()));
        let mut k = 0;
        while k < sums.len() {
            k += match sums.len() - k {
                1 => pairs_wide::<8, 1>(panel, y, k, sums),
                _ => pairs_wide::<4, 2>(panel, y, k, sums),
            };
        }
    }
}

/// As [`quads_narrow`], for pairs; adds to `sums`.
#[target_feature(enable = "avx2,fma")]
fn pairs_wide<const V: usize, const T: usize>(
    panel: &[[[u8; 32]; 8]],
    y: Columns<'_, i8>,
    k: usize,
    sums: &mut [[i32; BLOCK]],
) -> usize {
    let len = panel.len();
    let mut columns: [&[[i8; 4]]; T] = [&[]; T];
    for t in 0..T {
        columns[t] = &y.row(k + t).as_chunks().0[..len];
    }
    for first in (0..8).step_by(V) {
        let mut total = [[_mm256_setzero_si256(); T]; V];
        for p in 0..len {
            let panel = &panel[p][first..first + V];
            let mut y = [_mm256_setzero_si256(); T];
            for t in 0..T {
                y[t] = _mm256_set1_epi32(i32::from_le_bytes(columns[t][p].map(|y| y as u8)));
            }
            for v in 0..V {
                let codes = load(&panel[v]);
                for t in 0..T {
                    total[v][t] = _mm256_add_epi32(total[v][t], _mm256_madd_epi16(codes, y[t]));
                }
            }
        }
        for t in 0..T {
            for v in 0..V {
                add_columns(&mut sums[k + t], (first + v) / 4, (first + v) % 4, total[v][t]);
            }
        }
    }
    T
}
