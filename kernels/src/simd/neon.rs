//! Vectors of four floats on NEON.

use core::arch::aarch64::*;

use super::Simd;
use crate::Neon;

const LANES: usize = 4;

/// `2^n` for an integer-valued `n` in -126..=127.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn power_of_two(n: float32x4_t) -> float32x4_t {
    let exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn scale(a: float32x4_t, n: float32x4_t) -> float32x4_t {
    let half = vrndnq_f32(vmulq_n_f32(n, 0.5));
    let a = vmulq_f32(a, power_of_two(half));
    vmulq_f32(a, power_of_two(vsubq_f32(n, half)))
}

/// The least and the largest `n` for [`scale_exponent`]: `1 * 2^n` has the bits of 0 and of infinity.
const EXPONENTS: [f32; 2] = [-127.0, 128.0];

/// The conversion gives 0 for NaN, so that the NaN in `a` is kept.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn scale_exponent(a: float32x4_t, n: float32x4_t) -> float32x4_t {
    let exponent = vshlq_n_s32::<23>(vcvtq_s32_f32(n));
    vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), exponent))
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn split_exponent(a: float32x4_t) -> (float32x4_t, float32x4_t) {
    // Counting from sqrt(1/2), so that the mantissa lies around 1.
    let sqrt_half = vdupq_n_s32(0x3F35_04F3);
    let offset = vsubq_s32(vreinterpretq_s32_f32(a), sqrt_half);
    let fraction = vandq_s32(offset, vdupq_n_s32(0x007F_FFFF));
    let mantissa = vreinterpretq_f32_s32(vaddq_s32(fraction, sqrt_half));
    (mantissa, vcvtq_f32_s32(vshrq_n_s32::<23>(offset)))
}

/// The upper half is added to the lower until one lane is left.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sum(a: float32x4_t) -> f32 {
    let a = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    vget_lane_f32::<0>(a) + vget_lane_f32::<1>(a)
}

/// Rows to columns of a 4 x 4 square: pairs, then halves of registers.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn transpose(x: &mut [float32x4_t; LANES]) {
    let [a, b, c, d] = *x;
    let (ab, cd) = (vtrnq_f32(a, b), vtrnq_f32(c, d));
    x[0] = vcombine_f32(vget_low_f32(ab.0), vget_low_f32(cd.0));
    x[1] = vcombine_f32(vget_low_f32(ab.1), vget_low_f32(cd.1));
    x[2] = vcombine_f32(vget_high_f32(ab.0), vget_high_f32(cd.0));
    x[3] = vcombine_f32(vget_high_f32(ab.1), vget_high_f32(cd.1));
}

/// The larger; `b` if either is NaN (`fmax` would give NaN).
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vbslq_f32(vcgtq_f32(a, b), a, b)
}

/// The smaller; `b` if either is NaN.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn min(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vbslq_f32(vcltq_f32(a, b), a, b)
}

// In each method below, holding `self` proves that the CPU has NEON: a `Neon` token exists only
// after detection found it.
impl Simd for Neon {
    type F = float32x4_t;
    type M = uint32x4_t;

    const LANES: usize = LANES;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vdupq_n_f32(v) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        let x = &x[..LANES];
        // SAFETY: the token proves NEON; `x` is 16 readable bytes, aligned for `f32`.
        unsafe { vld1q_f32(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::F {
        let mut part = [0.0; LANES];
        let len = x.len().min(LANES);
        part[..len].copy_from_slice(&x[..len]);
        self.load(&part)
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: Self::F) {
        let x = &mut x[..LANES];
        // SAFETY: the token proves NEON; `x` is 16 writable bytes, aligned for `f32`.
        unsafe { vst1q_f32(x.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: Self::F) {
        let mut part = [0.0; LANES];
        self.store(&mut part, v);
        let len = x.len().min(LANES);
        x[..len].copy_from_slice(&part[..len]);
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vsqrtq_f32(a) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vfmsq_f32(c, a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { max(a, b) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { min(a, b) }
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vabsq_f32(a) }
    }

    #[inline(always)]
    fn copysign(self, a: Self::F, sign: Self::F) -> Self::F {
        // SAFETY: the token proves NEON.
        let sign_bit = unsafe { vdupq_n_u32(0x8000_0000) };
        // SAFETY: the token proves NEON.
        unsafe { vbslq_f32(sign_bit, sign, a) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vrndnq_f32(a) }
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { scale(a, n) }
    }

    #[inline(always)]
    fn clamp_exponent(self, x: Self::F) -> Self::F {
        let [least, largest] = EXPONENTS;
        self.min(self.splat(largest), self.max(self.splat(least), x))
    }

    #[inline(always)]
    fn scale_exponent(self, a: Self::F, n: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { scale_exponent(a, n) }
    }

    #[inline(always)]
    fn split_exponent(self, a: Self::F) -> (Self::F, Self::F) {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { split_exponent(a) }
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vcltq_f32(a, b) }
    }

    #[inline(always)]
    fn le(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vcleq_f32(a, b) }
    }

    #[inline(always)]
    fn eq(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vceqq_f32(a, b) }
    }

    #[inline(always)]
    fn select(self, m: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vbslq_f32(m, yes, no) }
    }

    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        // SAFETY: the token proves NEON, all that the intrinsic asks of its caller.
        unsafe { vmaxvq_u32(m) != 0 }
    }

    #[inline(always)]
    fn transpose(self, x: &mut [Self::F]) {
        let Some(x) = x.first_chunk_mut() else { panic!("a square has {LANES} rows, found {}", x.len()) };
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { transpose(x) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: the token proves NEON, all that the function asks of its caller.
        unsafe { sum(a) }
    }

    #[inline(always)]
    fn prefetch(self, x: &[f32], at: usize) {
        let address = x.as_ptr().wrapping_add(at);
        // SAFETY: a prefetch is a hint and accesses nothing, so that any address will do.
        unsafe {
            core::arch::asm!("prfm pldl2keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly))
        }
    }
}
