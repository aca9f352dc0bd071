//! NEON: 32 bytes in two registers.

use core::arch::aarch64::*;

use super::lanes::{Lanes, RandomWord};
use crate::Neon;
use crate::random::{self, Blocks, Keys};

/// The same operation on both registers, which only needs NEON.
macro_rules! both {
    ($op:ident($a:expr, $b:expr)) => {
        // SAFETY: the token `self` proves NEON, all that the intrinsic asks of its caller.
        (unsafe { $op($a.0, $b.0) }, unsafe { $op($a.1, $b.1) })
    };
}

#[inline]
#[target_feature(enable = "neon")]
fn load(x: &[u8; 16]) -> int8x16_t {
    // SAFETY: `x` is 16 readable bytes.
    unsafe { vld1q_s8(x.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(x: &mut [u8; 16], v: int8x16_t) {
    // SAFETY: `x` is 16 writable bytes.
    unsafe { vst1q_s8(x.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_floats(x: &[f32; 4]) -> float32x4_t {
    // SAFETY: `x` is 16 readable bytes, aligned for `f32`.
    unsafe { vld1q_f32(x.as_ptr()) }
}

/// `min(g * scale, 127)`, and 127 for NaN, which the conversion to integers would make 0.
#[inline]
#[target_feature(enable = "neon")]
fn scaled(g: &[f32; 4], scale: f32) -> float32x4_t {
    vminnmq_f32(vmulq_n_f32(load_floats(g), scale), vdupq_n_f32(127.0))
}

/// 16 integers, at the lower end of the range where a byte cannot hold them.
#[inline]
#[target_feature(enable = "neon")]
fn narrow(v: [int32x4_t; 4]) -> int8x16_t {
    let low = vqmovn_high_s32(vqmovn_s32(v[0]), v[1]);
    let high = vqmovn_high_s32(vqmovn_s32(v[2]), v[3]);
    vqmovn_high_s16(vqmovn_s16(low), high)
}

#[inline]
#[target_feature(enable = "neon")]
fn nearest(g: &[f32; 16], scale: f32) -> int8x16_t {
    let (g, _) = g.as_chunks::<4>();
    let mut v = [vdupq_n_s32(0); 4];
    for (v, g) in v.iter_mut().zip(g) {
        *v = vcvtnq_s32_f32(scaled(g, scale));
    }
    narrow(v)
}

/// Columns 0 to 15 with the low halves of the random words, or 16 to 31 with the high ones.
#[inline]
#[target_feature(enable = "neon")]
fn stochastic(g: &[f32; 16], scale: f32, random: &RandomWord, high: bool) -> int8x16_t {
    let (g, _) = g.as_chunks::<4>();
    let (random, _) = random.as_chunks::<2>();
    let mut v = [vdupq_n_s32(0); 4];
    for i in 0..4 {
        // SAFETY: `random[i]` is 16 readable bytes, aligned for `u64`.
        let words = unsafe { vld1q_u64(random[i].as_ptr()) };
        let words = vreinterpretq_u32_u64(words);
        let random = if high { vshrq_n_u32::<16>(words) } else { vandq_u32(words, vdupq_n_u32(0xFFFF)) };
        let fixed = vcvtnq_s32_f32(vmulq_n_f32(scaled(&g[i], scale), 65536.0));
        v[i] = vshrq_n_s32::<16>(vaddq_s32(fixed, vreinterpretq_s32_u32(random)));
    }
    narrow(v)
}

#[inline]
#[target_feature(enable = "neon")]
fn unpack_nibbles(x: int8x16_t) -> (int8x16_t, int8x16_t) {
    (vshrq_n_s8::<4>(vshlq_n_s8::<4>(x)), vshrq_n_s8::<4>(x))
}

#[inline]
#[target_feature(enable = "neon")]
fn pack_nibbles(v: (int8x16_t, int8x16_t)) -> int8x16_t {
    // The second shifted over the upper bits of the first.
    vsliq_n_s8::<4>(v.0, v.1)
}

/// Bit `i` is lane `i`.
#[inline]
#[target_feature(enable = "neon")]
fn bits(m: uint8x16_t) -> u32 {
    const PLACES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: `PLACES` is 16 readable bytes.
    let places = unsafe { vld1q_u8(PLACES.as_ptr()) };
    let m = vandq_u8(m, places);
    u32::from(vaddv_u8(vget_low_u8(m))) | u32::from(vaddv_u8(vget_high_u8(m))) << 8
}

/// The larger magnitude of two lanes; that of -128 is 128 as an unsigned byte.
#[inline]
#[target_feature(enable = "neon")]
fn larger(a: int8x16_t, b: int8x16_t) -> uint8x16_t {
    vmaxq_u8(vreinterpretq_u8_s8(vabsq_s8(a)), vreinterpretq_u8_s8(vabsq_s8(b)))
}

#[inline]
#[target_feature(enable = "neon")]
fn any_reaches(v: [(int8x16_t, int8x16_t); 2], limit: int8x16_t) -> bool {
    let [a, b] = v;
    let largest = vmaxvq_u8(vmaxq_u8(larger(a.0, b.0), larger(a.1, b.1)));
    largest >= vgetq_lane_s8::<0>(limit) as u8
}

/// 16 codes of two bits.
#[inline]
#[target_feature(enable = "neon")]
fn pack_codes(v: int8x16_t) -> u32 {
    let codes = vandq_u8(vreinterpretq_u8_s8(v), vdupq_n_u8(3));
    // Each step shifts the upper neighbour over the empty bits of the lower one.
    let pairs = vreinterpretq_u16_u8(codes);
    let pairs = vorrq_u16(pairs, vshrq_n_u16::<6>(pairs));
    let fours = vreinterpretq_u32_u16(pairs);
    let fours = vandq_u32(vorrq_u32(fours, vshrq_n_u32::<12>(fours)), vdupq_n_u32(0xFF));
    let bytes = vmovn_u16(vcombine_u16(vmovn_u32(fours), vdup_n_u16(0)));
    vget_lane_u32::<0>(vreinterpret_u32_u8(bytes))
}

// In each method below, holding `self` proves that the CPU has NEON: a `Neon` token exists only
// after detection found it.
impl Lanes for Neon {
    type B = (int8x16_t, int8x16_t);
    /// All ones where true.
    type M = (uint8x16_t, uint8x16_t);

    #[inline(always)]
    fn splat(self, v: i8) -> Self::B {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        let v = unsafe { vdupq_n_s8(v) };
        (v, v)
    }

    #[inline(always)]
    fn load(self, x: &[u8; 32]) -> Self::B {
        let (x, _) = x.as_chunks::<16>();
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let low = unsafe { load(&x[0]) };
        // SAFETY: as above.
        (low, unsafe { load(&x[1]) })
    }

    #[inline(always)]
    fn store(self, x: &mut [u8; 32], v: Self::B) {
        let (x, _) = x.as_chunks_mut::<16>();
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { store(&mut x[0], v.0) };
        // SAFETY: as above.
        unsafe { store(&mut x[1], v.1) };
    }

    #[inline(always)]
    fn load_nibbles(self, x: &[u8; 16]) -> Self::B {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let x = unsafe { load(x) };
        // SAFETY: as above.
        unsafe { unpack_nibbles(x) }
    }

    #[inline(always)]
    fn store_nibbles(self, x: &mut [u8; 16], v: Self::B) {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let v = unsafe { pack_nibbles(v) };
        // SAFETY: as above.
        unsafe { store(x, v) }
    }

    #[inline(always)]
    fn add(self, a: Self::B, b: Self::B) -> Self::B {
        both!(vaddq_s8(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::B, b: Self::B) -> Self::B {
        both!(vsubq_s8(a, b))
    }

    #[inline(always)]
    fn add_saturating(self, a: Self::B, b: Self::B) -> Self::B {
        both!(vqaddq_s8(a, b))
    }

    #[inline(always)]
    fn gt(self, a: Self::B, b: Self::B) -> Self::M {
        both!(vcgtq_s8(a, b))
    }

    #[inline(always)]
    fn or(self, m: Self::M, n: Self::M) -> Self::M {
        both!(vorrq_u8(m, n))
    }

    #[inline(always)]
    fn and_not(self, m: Self::M, n: Self::M) -> Self::M {
        both!(vbicq_u8(m, n))
    }

    #[inline(always)]
    fn any_reaches(self, a: Self::B, b: Self::B, limit: Self::B) -> bool {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { any_reaches([a, b], limit.0) }
    }

    #[inline(always)]
    fn bits(self, m: Self::M) -> u32 {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let low = unsafe { bits(m.0) };
        // SAFETY: as above.
        low | unsafe { bits(m.1) } << 16
    }

    #[inline(always)]
    fn only(self, m: Self::M, v: Self::B) -> Self::B {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        let m = (unsafe { vreinterpretq_s8_u8(m.0) }, unsafe { vreinterpretq_s8_u8(m.1) });
        both!(vandq_s8(m, v))
    }

    #[inline(always)]
    fn without(self, m: Self::M, v: Self::B) -> Self::B {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        let m = (unsafe { vreinterpretq_s8_u8(m.0) }, unsafe { vreinterpretq_s8_u8(m.1) });
        both!(vbicq_s8(v, m))
    }

    #[inline(always)]
    fn pack_codes(self, v: Self::B) -> u64 {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let low = unsafe { pack_codes(v.0) };
        // SAFETY: as above.
        u64::from(low) | u64::from(unsafe { pack_codes(v.1) }) << 32
    }

    #[inline(always)]
    fn random(self, first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
        // SAFETY: the token proves all that the function asks of its caller.
        unsafe { random::neon::blocks(first, rest, keys, out) }
    }

    #[inline(always)]
    fn nearest(self, g: &[f32; 32], scale: f32) -> Self::B {
        let (g, _) = g.as_chunks::<16>();
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let low = unsafe { nearest(&g[0], scale) };
        // SAFETY: as above.
        (low, unsafe { nearest(&g[1], scale) })
    }

    #[inline(always)]
    fn stochastic(self, g: &[f32; 32], scale: f32, random: &RandomWord) -> Self::B {
        let (g, _) = g.as_chunks::<16>();
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        let low = unsafe { stochastic(&g[0], scale, random, false) };
        // SAFETY: as above.
        (low, unsafe { stochastic(&g[1], scale, random, true) })
    }
}
