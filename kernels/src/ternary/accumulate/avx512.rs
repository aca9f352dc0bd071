//! AVX-512: bytes stay in half registers, since a word has 32 columns; increments come from two
//! whole registers of floats, and truth values are bits.

use core::arch::x86_64::*;

use super::lanes::{Lanes, RandomWord};
use crate::Avx512;
use crate::random::{self, Blocks, Keys};
use crate::ternary::shared::avx512::{load as load_words, load_floats};

/// 32 integers, at the ends of the range where a byte cannot hold them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn narrow(low: __m512i, high: __m512i) -> __m256i {
    _mm256_set_m128i(_mm512_cvtsepi32_epi8(high), _mm512_cvtsepi32_epi8(low))
}

/// The conversion to integers gives the lowest one for what is NaN or out of range.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn nearest(g: &[f32; 32], scale: f32) -> __m256i {
    let (g, _) = g.as_chunks::<16>();
    let scale = _mm512_set1_ps(scale);
    let low = _mm512_cvtps_epi32(_mm512_mul_ps(load_floats(&g[0]), scale));
    let high = _mm512_cvtps_epi32(_mm512_mul_ps(load_floats(&g[1]), scale));
    narrow(low, high)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn stochastic(g: &[f32; 32], scale: f32, random: &RandomWord) -> __m256i {
    let (g, _) = g.as_chunks::<16>();
    let scale = _mm512_set1_ps(scale);
    let random = load_words(random);
    let low = _mm512_and_si512(random, _mm512_set1_epi32(0xFFFF));
    let low = randomly_rounded(_mm512_mul_ps(load_floats(&g[0]), scale), low);
    let high = _mm512_srli_epi32::<16>(random);
    let high = randomly_rounded(_mm512_mul_ps(load_floats(&g[1]), scale), high);
    narrow(low, high)
}

/// See `avx2::stochastic`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn randomly_rounded(u: __m512, random: __m512i) -> __m512i {
    let fixed = _mm512_cvtps_epi32(_mm512_mul_ps(u, _mm512_set1_ps(65536.0)));
    _mm512_srai_epi32::<16>(_mm512_add_epi32(fixed, random))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn any_reaches(a: __m256i, b: __m256i, limit: __m256i) -> bool {
    // The magnitude of -128 is 128 as an unsigned byte.
    let larger = _mm256_max_epu8(_mm256_abs_epi8(a), _mm256_abs_epi8(b));
    _mm256_cmpge_epu8_mask(larger, limit) != 0
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn pack_codes(v: __m256i) -> u64 {
    // Four codes to a byte: 1 and 4, then 1 and 16 as weights.
    let pairs = _mm256_maddubs_epi16(_mm256_and_si256(v, _mm256_set1_epi8(3)), _mm256_set1_epi16(0x0401));
    let bytes = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0010_0001));
    _mm_cvtsi128_si64(_mm256_cvtepi32_epi8(bytes)) as u64
}

// What AVX2 does as well is left to it. In each other method, holding `self` proves that the CPU has the AVX-512
// features that these functions enable: an `Avx512` token exists only after detection found them.
impl Lanes for Avx512 {
    type B = __m256i;
    type M = __mmask32;

    #[inline(always)]
    fn splat(self, v: i8) -> Self::B {
        self.avx2().splat(v)
    }

    #[inline(always)]
    fn load(self, x: &[u8; 32]) -> Self::B {
        self.avx2().load(x)
    }

    #[inline(always)]
    fn store(self, x: &mut [u8; 32], v: Self::B) {
        self.avx2().store(x, v)
    }

    #[inline(always)]
    fn load_nibbles(self, x: &[u8; 16]) -> Self::B {
        self.avx2().load_nibbles(x)
    }

    #[inline(always)]
    fn store_nibbles(self, x: &mut [u8; 16], v: Self::B) {
        self.avx2().store_nibbles(x, v)
    }

    #[inline(always)]
    fn add(self, a: Self::B, b: Self::B) -> Self::B {
        self.avx2().add(a, b)
    }

    #[inline(always)]
    fn sub(self, a: Self::B, b: Self::B) -> Self::B {
        self.avx2().sub(a, b)
    }

    #[inline(always)]
    fn add_saturating(self, a: Self::B, b: Self::B) -> Self::B {
        self.avx2().add_saturating(a, b)
    }

    #[inline(always)]
    fn gt(self, a: Self::B, b: Self::B) -> Self::M {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm256_cmpgt_epi8_mask(a, b) }
    }

    #[inline(always)]
    fn or(self, m: Self::M, n: Self::M) -> Self::M {
        m | n
    }

    #[inline(always)]
    fn and_not(self, m: Self::M, n: Self::M) -> Self::M {
        m & !n
    }

    #[inline(always)]
    fn any_reaches(self, a: Self::B, b: Self::B, limit: Self::B) -> bool {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { any_reaches(a, b, limit) }
    }

    #[inline(always)]
    fn bits(self, m: Self::M) -> u32 {
        m
    }

    #[inline(always)]
    fn only(self, m: Self::M, v: Self::B) -> Self::B {
        // SAFETY: the token proves AVX-512, all that the intrinsic asks of its caller.
        unsafe { _mm256_maskz_mov_epi8(m, v) }
    }

    #[inline(always)]
    fn without(self, m: Self::M, v: Self::B) -> Self::B {
        self.only(!m, v)
    }

    #[inline(always)]
    fn pack_codes(self, v: Self::B) -> u64 {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { pack_codes(v) }
    }

    #[inline(always)]
    fn random(self, first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
        // SAFETY: the token proves all that the function asks of its caller.
        unsafe { random::avx512::blocks(first, rest, keys, out) }
    }

    #[inline(always)]
    fn nearest(self, g: &[f32; 32], scale: f32) -> Self::B {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { nearest(g, scale) }
    }

    #[inline(always)]
    fn stochastic(self, g: &[f32; 32], scale: f32, random: &RandomWord) -> Self::B {
        // SAFETY: the token proves AVX-512, all that the function asks of its caller.
        unsafe { stochastic(g, scale, random) }
    }
}
