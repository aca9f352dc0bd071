//! Arrays of eight floats, for the compiler to vectorise with what the target has.

use super::Simd;

/// The instruction set of the compilation target.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

const LANES: usize = 8;

/// `1.5 * 2^23`: adding it rounds to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;

#[inline(always)]
fn map(a: [f32; LANES], f: impl Fn(f32) -> f32) -> [f32; LANES] {
    let mut out = a;
    for v in &mut out {
        *v = f(*v);
    }
    out
}

#[inline(always)]
fn zip<T: Copy, U: Copy>(a: [T; LANES], b: [T; LANES], fill: U, f: impl Fn(T, T) -> U) -> [U; LANES] {
    let mut out = [fill; LANES];
    for i in 0..LANES {
        out[i] = f(a[i], b[i]);
    }
    out
}

/// `2^n` for an integer-valued `n` in -126..=127.
#[inline(always)]
fn power_of_two(n: f32) -> f32 {
    let n = (n + ROUND).to_bits().wrapping_sub(ROUND.to_bits());
    f32::from_bits(n.wrapping_add(127) << 23)
}

impl Simd for Portable {
    type F = [f32; LANES];
    type M = [bool; LANES];

    const LANES: usize = LANES;
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        [v; LANES]
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        let mut out = [0.0; LANES];
        out.copy_from_slice(&x[..LANES]);
        out
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::F {
        let mut out = [0.0; LANES];
        let len = x.len().min(LANES);
        out[..len].copy_from_slice(&x[..len]);
        out
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: Self::F) {
        x[..LANES].copy_from_slice(&v);
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: Self::F) {
        let len = x.len().min(LANES);
        x[..len].copy_from_slice(&v[..len]);
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, 0.0, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, 0.0, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, 0.0, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, 0.0, |a, b| a / b)
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        map(a, f32::sqrt)
    }

    // A fused multiply-add would be a call of `fmaf` where the target has no instruction.
    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.sub(c, self.mul(a, b))
    }

    // The product is exact in f64.
    #[inline(always)]
    fn neg_fused(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        let mut out = c;
        for i in 0..LANES {
            out[i] = (f64::from(c[i]) - f64::from(a[i]) * f64::from(b[i])) as f32;
        }
        out
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, 0.0, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, 0.0, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        map(a, |a| f32::from_bits(a.to_bits() & 0x7FFF_FFFF))
    }

    #[inline(always)]
    fn copysign(self, a: Self::F, sign: Self::F) -> Self::F {
        zip(a, sign, 0.0, |a, sign| f32::from_bits(a.to_bits() & 0x7FFF_FFFF | sign.to_bits() & 0x8000_0000))
    }

    // Above 2^22 the sum with `ROUND` would round to even numbers, and such floats are integers up
    // to a half; the comparison is false for NaN, which passes through.
    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        map(a, |a| {
            let rounded = (f64::from(a) + 6_755_399_441_055_744.0) - 6_755_399_441_055_744.0;
            let rounded = f32::from_bits((rounded as f32).to_bits() & 0x7FFF_FFFF | a.to_bits() & 0x8000_0000);
            if a.abs() < 8_388_608.0 { rounded } else { a }
        })
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        zip(a, n, 0.0, |a, n| {
            let half = (n * 0.5 + ROUND) - ROUND;
            a * power_of_two(half) * power_of_two(n - half)
        })
    }

    // -127 and 128: `1 * 2^n` then has the bits of 0 and of infinity.
    #[inline(always)]
    fn clamp_exponent(self, x: Self::F) -> Self::F {
        self.min(self.splat(128.0), self.max(self.splat(-127.0), x))
    }

    // The shift drops all of the number but its low bits; of a NaN, it must drop those too.
    #[inline(always)]
    fn scale_exponent(self, a: Self::F, n: Self::F) -> Self::F {
        zip(a, n, 0.0, |a, n| {
            let bits = if n.is_nan() { 0 } else { (n + ROUND).to_bits() };
            f32::from_bits(a.to_bits().wrapping_add(bits << 23))
        })
    }

    #[inline(always)]
    fn split_exponent(self, a: Self::F) -> (Self::F, Self::F) {
        const SQRT_HALF: u32 = 0x3F35_04F3;
        let mantissa = map(a, |a| {
            let offset = a.to_bits().wrapping_sub(SQRT_HALF);
            f32::from_bits((offset & 0x007F_FFFF).wrapping_add(SQRT_HALF))
        });
        let exponent = map(a, |a| (a.to_bits().wrapping_sub(SQRT_HALF) as i32 >> 23) as f32);
        (mantissa, exponent)
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        zip(a, b, false, |a, b| a < b)
    }

    #[inline(always)]
    fn le(self, a: Self::F, b: Self::F) -> Self::M {
        zip(a, b, false, |a, b| a <= b)
    }

    #[inline(always)]
    fn eq(self, a: Self::F, b: Self::F) -> Self::M {
        zip(a, b, false, |a, b| a == b)
    }

    #[inline(always)]
    fn select(self, m: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        let mut out = no;
        for i in 0..LANES {
            out[i] = if m[i] { yes[i] } else { no[i] };
        }
        out
    }

    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        m.contains(&true)
    }

    #[inline(always)]
    fn transpose(self, x: &mut [Self::F]) {
        for i in 0..LANES {
            for j in 0..i {
                (x[i][j], x[j][i]) = (x[j][i], x[i][j]);
            }
        }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let [a0, a1, a2, a3, a4, a5, a6, a7] = a;
        let [b0, b1, b2, b3] = [a0 + a4, a1 + a5, a2 + a6, a3 + a7];
        (b0 + b2) + (b1 + b3)
    }

    #[inline(always)]
    fn prefetch(self, _: &[f32], _: usize) {}
}
