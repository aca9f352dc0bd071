//! Vectors of sixteen floats on AVX-512.

use core::arch::x86_64::*;

use super::Simd;
use crate::Avx512;

const LANES: usize = 16;

/// The first `len` lanes, at most 16.
#[inline(always)]
fn mask(len: usize) -> __mmask16 {
    ((1_u32 << len.min(LANES)) - 1) as __mmask16
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn split_exponent(a: __m512) -> (__m512, __m512) {
    // Counting from sqrt(1/2), so that the mantissa lies around 1.
    let sqrt_half = _mm512_set1_epi32(0x3F35_04F3);
    let offset = _mm512_sub_epi32(_mm512_castps_si512(a), sqrt_half);
    let fraction = _mm512_and_si512(offset, _mm512_set1_epi32(0x007F_FFFF));
    let mantissa = _mm512_castsi512_ps(_mm512_add_epi32(fraction, sqrt_half));
    (mantissa, _mm512_cvtepi32_ps(_mm512_srai_epi32::<23>(offset)))
}

/// The upper half is added to the lower until one lane is left.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn sum(a: __m512) -> f32 {
    let a = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
    let a = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
    let a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)))
}

/// Rows to columns of a 16 x 16 square: pairs, fours, then quarters of registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn transpose(x: &mut [__m512; LANES]) {
    // fours[g][j], quarter q: column 4 q + j of the rows 4 g..4 g + 4
    let mut fours = [[_mm512_setzero_ps(); 4]; 4];
    for (g, fours) in fours.iter_mut().enumerate() {
        let [a, b, c, d] = [x[4 * g], x[4 * g + 1], x[4 * g + 2], x[4 * g + 3]];
        let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        fours[0] = low_pairs(ab, cd);
        fours[1] = high_pairs(ab, cd);
        let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        fours[2] = low_pairs(ab, cd);
        fours[3] = high_pairs(ab, cd);
    }
    for j in 0..4 {
        let [a, b, c, d] = [fours[0][j], fours[1][j], fours[2][j], fours[3][j]];
        // quarters 0 and 2, then 1 and 3, of two groups
        let (ab, cd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
        x[j] = _mm512_shuffle_f32x4::<0x88>(ab, cd);
        x[8 + j] = _mm512_shuffle_f32x4::<0xDD>(ab, cd);
        let (ab, cd) = (_mm512_shuffle_f32x4::<0xDD>(a, b), _mm512_shuffle_f32x4::<0xDD>(c, d));
        x[4 + j] = _mm512_shuffle_f32x4::<0x88>(ab, cd);
        x[12 + j] = _mm512_shuffle_f32x4::<0xDD>(ab, cd);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn low_pairs(a: __m512, b: __m512) -> __m512 {
    _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn high_pairs(a: __m512, b: __m512) -> __m512 {
    _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn copysign(a: __m512, sign: __m512) -> __m512 {
    _mm512_or_ps(_mm512_abs_ps(a), _mm512_and_ps(_mm512_set1_ps(-0.0), sign))
}

// In each method below, holding `self` proves that the CPU has these features: an `Avx512` token
// exists only after detection found them.
impl Simd for Avx512 {
    type F = __m512;
    type M = __mmask16;

    const LANES: usize = LANES;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_set1_ps(v) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        let x = &x[..LANES];
        // SAFETY: the token proves AVX-512; `x` is 64 readable bytes, and the load has no alignment
        // requirement.
        unsafe { _mm512_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::F {
        // An empty slice may point anywhere: at an address that is not mapped, a load with an empty mask reads
        // nothing, but takes the CPU a microsecond.
        if x.is_empty() {
            return self.splat(0.0);
        }
        // SAFETY: the token proves AVX-512; the mask selects the first `min(x.len(), 16)` lanes,
        // which are readable, and the others are not accessed.
        unsafe { _mm512_maskz_loadu_ps(mask(x.len()), x.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: Self::F) {
        let x = &mut x[..LANES];
        // SAFETY: the token proves AVX-512; `x` is 64 writable bytes, and the store has no alignment
        // requirement.
        unsafe { _mm512_storeu_ps(x.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: Self::F) {
        if x.is_empty() {
            return; // as in `load_part`
        }
        // SAFETY: the token proves AVX-512; the mask selects the first `min(x.len(), 16)` lanes,
        // which are writable, and the others are not accessed.
        unsafe { _mm512_mask_storeu_ps(x.as_mut_ptr(), mask(x.len()), v) }
    }

    #[inline(always)]
    fn stream(self, x: &mut [f32], v: Self::F) {
        let x = &mut x[..LANES];
        if x.as_ptr().addr().is_multiple_of(64) {
            // SAFETY: the token proves AVX-512; `x` is 64 writable bytes at a multiple of 64.
            unsafe { _mm512_stream_ps(x.as_mut_ptr(), v) }
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
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_sqrt_ps(a) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_fnmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_abs_ps(a) }
    }

    #[inline(always)]
    fn copysign(self, a: Self::F, sign: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { copysign(a, sign) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_scalef_ps(a, n) }
    }

    // The instruction takes every finite number.
    #[inline(always)]
    fn clamp_exponent(self, x: Self::F) -> Self::F {
        x
    }

    #[inline(always)]
    fn scale_exponent(self, a: Self::F, n: Self::F) -> Self::F {
        self.scale(a, n)
    }

    #[inline(always)]
    fn split_exponent(self, a: Self::F) -> (Self::F, Self::F) {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { split_exponent(a) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    fn le(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b) }
    }

    #[inline(always)]
    fn eq(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, m: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm512_mask_blend_ps(m, no, yes) }
    }

    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        m != 0
    }

    #[inline(always)]
    fn transpose(self, x: &mut [Self::F]) {
        let Some(x) = x.first_chunk_mut() else { panic!("a square has {LANES} rows, found {}", x.len()) };
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { transpose(x) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { sum(a) }
    }

    #[inline(always)]
    fn prefetch(self, x: &[f32], at: usize) {
        // SAFETY: a prefetch is a hint and accesses nothing, so that any address will do;
        // `wrapping_add` makes it without leaving defined behaviour.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(x.as_ptr().wrapping_add(at).cast()) }
    }
}
