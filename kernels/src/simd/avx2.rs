//! Vectors of eight floats on AVX2 with FMA.

use core::arch::x86_64::*;

use super::Simd;
use crate::Avx2;

const LANES: usize = 8;

/// Eight `-1` followed by eight `0`: a mask of the first `n` lanes starts at `8 - n`.
const MASKS: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline]
#[target_feature(enable = "avx2,fma")]
fn mask(len: usize) -> __m256i {
    let masks: &[i32; LANES] = MASKS[LANES - len.min(LANES)..].first_chunk().unwrap_or(&[0; LANES]);
    // SAFETY: `masks` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(masks.as_ptr().cast()) }
}

/// `2^n` for `n` in -126..=127.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn power_of_two(n: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127))))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn scale(a: __m256, n: __m256) -> __m256 {
    let n = _mm256_cvtps_epi32(n);
    let half = _mm256_srai_epi32::<1>(n);
    let a = _mm256_mul_ps(a, power_of_two(half));
    _mm256_mul_ps(a, power_of_two(_mm256_sub_epi32(n, half)))
}

/// The least and the largest `n` for [`scale_exponent`]: `1 * 2^n` has the bits of 0 and of infinity.
const EXPONENTS: [f32; 2] = [-127.0, 128.0];

/// A conversion, not an addition of `1.5 * 2^23`, makes the integer: it gives a multiple of 2^9 for NaN, so
/// that the shift keeps the NaN in `a`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn scale_exponent(a: __m256, n: __m256) -> __m256 {
    let exponent = _mm256_slli_epi32::<23>(_mm256_cvtps_epi32(n));
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn round(a: __m256) -> __m256 {
    _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn split_exponent(a: __m256) -> (__m256, __m256) {
    // Counting from sqrt(1/2), so that the mantissa lies around 1.
    let sqrt_half = _mm256_set1_epi32(0x3F35_04F3);
    let offset = _mm256_sub_epi32(_mm256_castps_si256(a), sqrt_half);
    let fraction = _mm256_and_si256(offset, _mm256_set1_epi32(0x007F_FFFF));
    let mantissa = _mm256_castsi256_ps(_mm256_add_epi32(fraction, sqrt_half));
    (mantissa, _mm256_cvtepi32_ps(_mm256_srai_epi32::<23>(offset)))
}

/// The upper half is added to the lower until one lane is left.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum(a: __m256) -> f32 {
    let a = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
    let a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)))
}

/// Rows to columns of an 8 x 8 square: pairs, fours, then halves of registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose(x: &mut [__m256; LANES]) {
    // fours[g][j], half h: column 4 h + j of the rows 4 g..4 g + 4
    let mut fours = [[_mm256_setzero_ps(); 4]; 2];
    for (g, fours) in fours.iter_mut().enumerate() {
        let [a, b, c, d] = [x[4 * g], x[4 * g + 1], x[4 * g + 2], x[4 * g + 3]];
        let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
        fours[0] = low_pairs(ab, cd);
        fours[1] = high_pairs(ab, cd);
        let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
        fours[2] = low_pairs(ab, cd);
        fours[3] = high_pairs(ab, cd);
    }
    for j in 0..4 {
        x[j] = _mm256_permute2f128_ps::<0x20>(fours[0][j], fours[1][j]);
        x[4 + j] = _mm256_permute2f128_ps::<0x31>(fours[0][j], fours[1][j]);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn low_pairs(a: __m256, b: __m256) -> __m256 {
    _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn high_pairs(a: __m256, b: __m256) -> __m256 {
    _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn abs(a: __m256) -> __m256 {
    _mm256_andnot_ps(_mm256_set1_ps(-0.0), a)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn copysign(a: __m256, sign: __m256) -> __m256 {
    _mm256_or_ps(abs(a), _mm256_and_ps(_mm256_set1_ps(-0.0), sign))
}

// In each method below, holding `self` proves that the CPU has AVX2 and FMA: an `Avx2` token exists
// only after detection found them.
impl Simd for Avx2 {
    type F = __m256;
    type M = __m256;

    const LANES: usize = LANES;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_set1_ps(v) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        let x = &x[..LANES];
        // SAFETY: the token proves AVX2; `x` is 32 readable bytes, and the load has no alignment
        // requirement.
        unsafe { _mm256_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::F {
        // An empty slice may point anywhere: at an address that is not mapped, a load with an empty mask reads
        // nothing, but takes the CPU a microsecond.
        if x.is_empty() {
            return self.splat(0.0);
        }
        // SAFETY: the token proves AVX2.
        let mask = unsafe { mask(x.len()) };
        // SAFETY: the token proves AVX2; the mask selects the first `min(x.len(), 8)` lanes, which
        // are readable, and the others are not accessed.
        unsafe { _mm256_maskload_ps(x.as_ptr(), mask) }
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: Self::F) {
        let x = &mut x[..LANES];
        // SAFETY: the token proves AVX2; `x` is 32 writable bytes, and the store has no alignment
        // requirement.
        unsafe { _mm256_storeu_ps(x.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: Self::F) {
        if x.is_empty() {
            return; // as in `load_part`
        }
        // SAFETY: the token proves AVX2.
        let mask = unsafe { mask(x.len()) };
        // SAFETY: the token proves AVX2; the mask selects the first `min(x.len(), 8)` lanes, which
        // are writable, and the others are not accessed.
        unsafe { _mm256_maskstore_ps(x.as_mut_ptr(), mask, v) }
    }

    #[inline(always)]
    fn stream(self, x: &mut [f32], v: Self::F) {
        let x = &mut x[..LANES];
        if x.as_ptr().addr().is_multiple_of(32) {
            // SAFETY: the token proves AVX2; `x` is 32 writable bytes at a multiple of 32.
            unsafe { _mm256_stream_ps(x.as_mut_ptr(), v) }
        } else {
            self.store(x, v);
        }
    }

    #[inline(always)]
    fn fence(self) {
        // SAFETY: every x86-64 CPU has SSE, all that the intrinsic asks of its caller.
        unsafe { _mm_sfence() }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_sqrt_ps(a) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_fnmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { abs(a) }
    }

    #[inline(always)]
    fn copysign(self, a: Self::F, sign: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { copysign(a, sign) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { round(a) }
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { scale(a, n) }
    }

    #[inline(always)]
    fn clamp_exponent(self, x: Self::F) -> Self::F {
        let [least, largest] = EXPONENTS;
        self.min(self.splat(largest), self.max(self.splat(least), x))
    }

    #[inline(always)]
    fn scale_exponent(self, a: Self::F, n: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { scale_exponent(a, n) }
    }

    #[inline(always)]
    fn split_exponent(self, a: Self::F) -> (Self::F, Self::F) {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { split_exponent(a) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    fn le(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_cmp_ps::<_CMP_LE_OQ>(a, b) }
    }

    #[inline(always)]
    fn eq(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, m: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_blendv_ps(no, yes, m) }
    }

    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        // SAFETY: the token proves AVX2 and FMA, all that the intrinsic asks of its caller.
        unsafe { _mm256_movemask_ps(m) != 0 }
    }

    #[inline(always)]
    fn transpose(self, x: &mut [Self::F]) {
        let Some(x) = x.first_chunk_mut() else { panic!("a square has {LANES} rows, found {}", x.len()) };
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { transpose(x) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { sum(a) }
    }

    #[inline(always)]
    fn prefetch(self, x: &[f32], at: usize) {
        // SAFETY: a prefetch is a hint and accesses nothing, so that any address will do;
        // `wrapping_add` makes it without leaving defined behaviour.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(x.as_ptr().wrapping_add(at).cast()) }
    }
}
