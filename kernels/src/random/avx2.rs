//! AVX2: four blocks a register.

use core::arch::x86_64::*;

use super::{Blocks, Keys, M};

/// See [`Blocks`].
///
/// Each word stands in 64 bits, of which the upper ones are of no meaning until the end: the
/// products of the next round do not read them. That saves the shuffles between 32 and 64 bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn blocks(first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
    let [b, c, d] = rest.map(|word| _mm256_set1_epi64x(word.into()));
    for half in 0..2 {
        let counter = _mm256_set1_epi32(first.wrapping_add(8 * half as u32) as i32);
        let mut even = [_mm256_add_epi32(counter, _mm256_setr_epi64x(0, 2, 4, 6)), b, c, d];
        let mut odd = [_mm256_add_epi32(counter, _mm256_setr_epi64x(1, 3, 5, 7)), b, c, d];
        for &[k, l] in &keys.0 {
            let (k, l) = (_mm256_set1_epi32(k as i32), _mm256_set1_epi32(l as i32));
            even = round(even, k, l);
            odd = round(odd, k, l);
        }
        for i in 0..4 {
            let words = _mm256_blend_epi32::<0xAA>(even[i], _mm256_slli_epi64::<32>(odd[i]));
            let (halves, _) = out[i].as_chunks_mut::<4>();
            // SAFETY: a half is 32 writable bytes; the store has no alignment requirement.
            unsafe { _mm256_storeu_si256(halves[half].as_mut_ptr().cast(), words) };
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn round([a, b, c, d]: [__m256i; 4], k: __m256i, l: __m256i) -> [__m256i; 4] {
    let first = _mm256_mul_epu32(a, _mm256_set1_epi64x(M[0].into()));
    let second = _mm256_mul_epu32(c, _mm256_set1_epi64x(M[1].into()));
    [
        _mm256_xor_si256(_mm256_srli_epi64::<32>(second), _mm256_xor_si256(b, k)),
        second,
        _mm256_xor_si256(_mm256_srli_epi64::<32>(first), _mm256_xor_si256(d, l)),
        first,
    ]
}
