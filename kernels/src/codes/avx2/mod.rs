//! AVX2: `vpmaddubsw` on unpacked bytes, sums in i16 that are widened before they overflow. Codes of
//! 8 bits take `vpmaddwd` on i16 instead: two products of 255 and 128 would saturate.
//!
//! Codes of 1 and 2 bits are masked in place, without a shift, in each half of a byte. The sums of
//! their fields then count twice, 4 or 8 times, and are shifted once, exactly, at the end.
//!
//! `unpack` makes bytes of a block, `forward` and `transposed` multiply; what they share is here.

mod forward;
mod transposed;
mod unpack;

use core::arch::x86_64::*;
use core::ops::Range;

use super::{BLOCK, Codes, Kernels, Panel, ROWS, RowBlocks};
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
        unsafe { forward::forward(rows, x, panel, sums) }
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
        unsafe { transposed::transposed::<B>(m, block, rows, y, panel, sums) }
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

/// How often [`unpack::unpack`] doubles the code of a place.
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

/// Adds neighbouring i16 into i32.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn widen(total: __m256i, sums: __m256i) -> __m256i {
    _mm256_add_epi32(total, _mm256_madd_epi16(sums, _mm256_set1_epi16(1)))
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
