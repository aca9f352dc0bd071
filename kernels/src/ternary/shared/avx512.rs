//! AVX-512: loads, stores, broadcasts, and the parts of a row that `vpdpbusd` leaves.

use core::arch::x86_64::*;

use super::as_i64;
use crate::ternary::Line;

#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::ternary) fn load(line: &Line) -> __m512i {
    // SAFETY: `line` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::ternary) fn load_bytes(bytes: &[i8; 64]) -> __m512i {
    // SAFETY: `bytes` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::ternary) fn load_floats(x: &[f32; 16]) -> __m512 {
    // SAFETY: `x` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_ps(x.as_ptr()) }
}

/// The 8 codes in every 8 bytes of a register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::ternary) fn broadcast(codes: &[i8; 8]) -> __m512i {
    _mm512_set1_epi64(as_i64(codes))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::ternary) fn bytes(v: __m256i) -> [i8; 32] {
    let mut out = [0; 32];
    // SAFETY: `out` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), v) };
    out
}

/// Adds the two parts of each row: 16 x i32 to 8 x i32.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(in crate::ternary) fn lanes(acc: __m512i) -> __m256i {
    _mm512_cvtepi64_epi32(_mm512_add_epi32(acc, _mm512_srli_epi64::<32>(acc)))
}
