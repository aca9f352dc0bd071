//! AVX2: loads, stores and sums.

use core::arch::x86_64::*;

#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::ternary) fn load(half: &[u64; 4]) -> __m256i {
    // SAFETY: `half` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::ternary) fn load_floats(x: &[f32; 8]) -> __m256 {
    // SAFETY: `x` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::ternary) fn integers(v: __m256i) -> [i32; 8] {
    let mut out = [0; 8];
    // SAFETY: `out` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), v) };
    out
}

/// Adds neighbouring i16 into i32.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::ternary) fn widen(total: __m256i, sums: __m256i) -> __m256i {
    _mm256_add_epi32(total, _mm256_madd_epi16(sums, _mm256_set1_epi16(1)))
}
