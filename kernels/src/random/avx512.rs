//! AVX-512: eight blocks a register.

use core::arch::x86_64::*;

use super::{Blocks, Keys, M};

/// See [`Blocks`], and `avx2` for where the words stand.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(crate) fn blocks(first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
    let [b, c, d] = rest.map(|word| _mm512_set1_epi64(word.into()));
    let counter = _mm512_set1_epi32(first as i32);
    let mut even = [_mm512_add_epi32(counter, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)), b, c, d];
    let mut odd = [_mm512_add_epi32(counter, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15)), b, c, d];
    for &[k, l] in &keys.0 {
        let (k, l) = (_mm512_set1_epi32(k as i32), _mm512_set1_epi32(l as i32));
        even = round(even, k, l);
        odd = round(odd, k, l);
    }
    for i in 0..4 {
        let words = _mm512_mask_blend_epi32(0xAAAA, even[i], _mm512_slli_epi64::<32>(odd[i]));
        // SAFETY: `out[i]` is 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(out[i].as_mut_ptr().cast(), words) };
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn round([a, b, c, d]: [__m512i; 4], k: __m512i, l: __m512i) -> [__m512i; 4] {
    /// The truth table of `x ^ y ^ z`.
    const XOR: i32 = 0x96;
    let first = _mm512_mul_epu32(a, _mm512_set1_epi64(M[0].into()));
    let second = _mm512_mul_epu32(c, _mm512_set1_epi64(M[1].into()));
    [
        _mm512_ternarylogic_epi64::<XOR>(_mm512_srli_epi64::<32>(second), b, k),
        second,
        _mm512_ternarylogic_epi64::<XOR>(_mm512_srli_epi64::<32>(first), d, l),
        first,
    ]
}
