//! Packed codes to bytes.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::super::order;
use super::{load, load_part};

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
pub(super) fn unpack<const B: usize>(block: &[u64; B]) -> [__m256i; 2] {
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
