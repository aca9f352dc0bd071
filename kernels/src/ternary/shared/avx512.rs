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

/// Sum of codes, to take away the offset of the stored digits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::ternary) fn sum(codes: &[i8]) -> i32 {
    let (full, rest) = codes.as_chunks::<64>();
    let mut acc = _mm512_setzero_si512();
    for part in full {
        acc = _mm512_dpbusd_epi32(acc, _mm512_set1_epi8(1), load_bytes(part));
    }
    _mm512_reduce_add_epi32(acc) + rest.iter().map(|&c| i32::from(c)).sum::<i32>()
}

/// `-sum` for each row: in the first of its two parts, 0 in the second.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::ternary) fn minus(sum: i32) -> __m512i {
    _mm512_set1_epi64(i64::from(sum.wrapping_neg() as u32))
}

/// Adds the two parts of each row: 16 x i32 to 8 x i32.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
pub(in crate::ternary) fn lanes(acc: __m512i) -> __m256i {
    _mm512_cvtepi64_epi32(_mm512_add_epi32(acc, _mm512_srli_epi64::<32>(acc)))
}

/// The longest sum for which [`join8`] may add the two lower limbs in i32: a digit is at most 2 and
/// the offset 1, so `16384 * 3 * 128 * 257 = 1.62e9 < 2^31`.
pub(in crate::ternary) const SHORT: usize = 16384;

/// `join` of 8 outputs. `short`: the sums have at most [`SHORT`] terms.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(in crate::ternary) fn join8(acc: [__m512i; 3], short: bool, step: f64) -> __m256 {
    let wide = |sums| _mm512_cvtepi32_pd(sums);
    // All exact, see `join`: contracting and the order of additions change nothing.
    let low = if short {
        let low = _mm512_add_epi32(acc[0], _mm512_slli_epi32::<8>(acc[1]));
        wide(lanes(low))
    } else {
        let middle = wide(lanes(acc[1]));
        _mm512_fmadd_pd(middle, _mm512_set1_pd(256.0), wide(lanes(acc[0])))
    };
    let sum = _mm512_fmadd_pd(wide(lanes(acc[2])), _mm512_set1_pd(65536.0), low);
    _mm512_cvtpd_ps(_mm512_mul_pd(sum, _mm512_set1_pd(step)))
}
