//! AVX2: 32 bytes a register, increments from four registers of floats.

use core::arch::x86_64::*;

use super::lanes::{Lanes, RandomWord};
use crate::Avx2;
use crate::random::{self, Blocks, Keys};
use crate::ternary::shared::avx2::{load, load_floats};

/// 32 integers, in order, at the ends of the range where a byte cannot hold them.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn narrow(v: [__m256i; 4]) -> __m256i {
    let low = _mm256_packs_epi32(v[0], v[1]);
    let high = _mm256_packs_epi32(v[2], v[3]);
    let mixed = _mm256_packs_epi16(low, high);
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_permutevar8x32_epi32(mixed, order)
}

/// The conversion to integers gives the lowest one for what is NaN or out of range.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn nearest(g: &[f32; 32], scale: f32) -> __m256i {
    let (g, _) = g.as_chunks::<8>();
    let scale = _mm256_set1_ps(scale);
    let mut v = [_mm256_setzero_si256(); 4];
    for (v, g) in v.iter_mut().zip(g) {
        *v = _mm256_cvtps_epi32(_mm256_mul_ps(load_floats(g), scale));
    }
    narrow(v)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn stochastic(g: &[f32; 32], scale: f32, random: &RandomWord) -> __m256i {
    let (g, _) = g.as_chunks::<8>();
    let (random, _) = random.as_chunks::<4>();
    let random = [load(&random[0]), load(&random[1])];
    let half = _mm256_set1_epi32(0xFFFF);
    let random = [
        _mm256_and_si256(random[0], half),
        _mm256_and_si256(random[1], half),
        _mm256_srli_epi32::<16>(random[0]),
        _mm256_srli_epi32::<16>(random[1]),
    ];
    let scale = _mm256_set1_ps(scale);
    let mut v = [_mm256_setzero_si256(); 4];
    for i in 0..4 {
        // Not `g * (scale * 65536)`, which could overflow where this does not.
        let u = _mm256_mul_ps(_mm256_mul_ps(load_floats(&g[i]), scale), _mm256_set1_ps(65536.0));
        // A sum that wraps is as far out of range as one that does not.
        v[i] = _mm256_srai_epi32::<16>(_mm256_add_epi32(_mm256_cvtps_epi32(u), random[i]));
    }
    narrow(v)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn any_reaches(a: __m256i, b: __m256i, limit: __m256i) -> bool {
    // The magnitude of -128 is 128 as an unsigned byte.
    let larger = _mm256_max_epu8(_mm256_abs_epi8(a), _mm256_abs_epi8(b));
    let reaches = _mm256_cmpeq_epi8(_mm256_max_epu8(larger, limit), larger);
    _mm256_movemask_epi8(reaches) != 0
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn unpack_nibbles(x: __m128i) -> __m256i {
    let both = _mm256_broadcastsi128_si256(x);
    let halves = _mm256_srlv_epi64(both, _mm256_setr_epi64x(0, 0, 4, 4));
    let nibbles = _mm256_and_si256(halves, _mm256_set1_epi8(15));
    let sign = _mm256_set1_epi8(8);
    _mm256_sub_epi8(_mm256_xor_si256(nibbles, sign), sign)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn pack_nibbles(v: __m256i) -> __m128i {
    let nibbles = _mm256_and_si256(v, _mm256_set1_epi8(15));
    let high = _mm_slli_epi16::<4>(_mm256_extracti128_si256::<1>(nibbles));
    _mm_or_si128(_mm256_castsi256_si128(nibbles), high)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn pack_codes(v: __m256i) -> u64 {
    // Four codes to a byte: 1 and 4, then 1 and 16 as weights.
    let pairs = _mm256_maddubs_epi16(_mm256_and_si256(v, _mm256_set1_epi8(3)), _mm256_set1_epi16(0x0401));
    let bytes = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0010_0001));
    // The low byte of each of four integers.
    let first = _mm256_setr_epi8(
        0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, //
        0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    );
    let bytes = _mm256_shuffle_epi8(bytes, first);
    let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
    _mm_cvtsi128_si64(_mm_unpacklo_epi32(low, high)) as u64
}

// In each method below, holding `self` proves that the CPU has AVX2 and FMA: an `Avx2` token exists
// only after detection found them.
impl Lanes for Avx2 {
    type B = __m256i;
    /// All ones where true.
    type M = __m256i;

    #[inline(always)]
    fn splat(self, v: i8) -> Self::B {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_set1_epi8(v) }
    }

    #[inline(always)]
    fn load(self, x: &[u8; 32]) -> Self::B {
        // SAFETY: the token proves AVX2; `x` is 32 readable bytes, and the load has no alignment
        // requirement.
        unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, x: &mut [u8; 32], v: Self::B) {
        // SAFETY: the token proves AVX2; `x` is 32 writable bytes, and the store has no alignment
        // requirement.
        unsafe { _mm256_storeu_si256(x.as_mut_ptr().cast(), v) }
    }

    #[inline(always)]
    fn load_nibbles(self, x: &[u8; 16]) -> Self::B {
        // SAFETY: `x` is 16 readable bytes, and the load has no alignment requirement.
        let x = unsafe { _mm_loadu_si128(x.as_ptr().cast()) };
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { unpack_nibbles(x) }
    }

    #[inline(always)]
    fn store_nibbles(self, x: &mut [u8; 16], v: Self::B) {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        let v = unsafe { pack_nibbles(v) };
        // SAFETY: `x` is 16 writable bytes, and the store has no alignment requirement.
        unsafe { _mm_storeu_si128(x.as_mut_ptr().cast(), v) }
    }

    #[inline(always)]
    fn add(self, a: Self::B, b: Self::B) -> Self::B {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_add_epi8(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::B, b: Self::B) -> Self::B {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_sub_epi8(a, b) }
    }

    #[inline(always)]
    fn add_saturating(self, a: Self::B, b: Self::B) -> Self::B {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_adds_epi8(a, b) }
    }

    #[inline(always)]
    fn gt(self, a: Self::B, b: Self::B) -> Self::M {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_cmpgt_epi8(a, b) }
    }

    #[inline(always)]
    fn or(self, m: Self::M, n: Self::M) -> Self::M {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_or_si256(m, n) }
    }

    #[inline(always)]
    fn and_not(self, m: Self::M, n: Self::M) -> Self::M {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_andnot_si256(n, m) }
    }

    #[inline(always)]
    fn any_reaches(self, a: Self::B, b: Self::B, limit: Self::B) -> bool {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { any_reaches(a, b, limit) }
    }

    #[inline(always)]
    fn bits(self, m: Self::M) -> u32 {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_movemask_epi8(m) as u32 }
    }

    #[inline(always)]
    fn only(self, m: Self::M, v: Self::B) -> Self::B {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_and_si256(m, v) }
    }

    #[inline(always)]
    fn without(self, m: Self::M, v: Self::B) -> Self::B {
        // SAFETY: the token proves AVX2, all that the intrinsic asks of its caller.
        unsafe { _mm256_andnot_si256(m, v) }
    }

    #[inline(always)]
    fn pack_codes(self, v: Self::B) -> u64 {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { pack_codes(v) }
    }

    #[inline(always)]
    fn random(self, first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
        // SAFETY: the token proves all that the function asks of its caller.
        unsafe { random::avx2::blocks(first, rest, keys, out) }
    }

    #[inline(always)]
    fn nearest(self, g: &[f32; 32], scale: f32) -> Self::B {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { nearest(g, scale) }
    }

    #[inline(always)]
    fn stochastic(self, g: &[f32; 32], scale: f32, random: &RandomWord) -> Self::B {
        // SAFETY: the token proves AVX2 and FMA, all that the function asks of its caller.
        unsafe { stochastic(g, scale, random) }
    }
}
