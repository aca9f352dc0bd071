//! Vectors of `f32` that float kernels are written with, once for every instruction set.
//!
//! A kernel is a generic body in a [`SimdKernel`]; [`dispatch`] compiles it for each instruction
//! set behind the token that proves it. To add an instruction set, add a file with one
//! implementation of [`Simd`], a variant of [`Isa`] and an arm here.
//!
//! Mark every generic function of a kernel `#[inline(always)]`, and hand no closure to a function
//! of the standard library in a hot loop: what is not inlined keeps the features of the crate's own
//! target, and its vectors pass through memory.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod math;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod several;

pub(crate) use portable::Portable;
pub(crate) use several::Several;

use crate::Isa;

/// Operations on vectors of `f32`. A value of the type proves that the CPU has them.
///
/// What the operations do with NaN is what x86 does: `max` and `min` give the second operand if
/// either is NaN, comparisons with NaN are false.
pub(crate) trait Simd: Copy + Send + Sync {
    /// A vector of [`Simd::LANES`] floats.
    type F: Copy;
    /// A vector of truth values.
    type M: Copy;

    /// Floats in a vector: 4, 8 or 16, so that 16 is a whole number of vectors.
    const LANES: usize;

    /// Vector registers that a kernel can count on.
    const REGISTERS: usize;

    /// `v` in every lane.
    fn splat(self, v: f32) -> Self::F;

    /// The first `LANES` floats of `x`, which must have as many.
    fn load(self, x: &[f32]) -> Self::F;

    /// The first up to `LANES` floats of `x`, zeros after its end.
    fn load_part(self, x: &[f32]) -> Self::F;

    /// Writes to the first `LANES` floats of `x`, which must have as many.
    fn store(self, x: &mut [f32], v: Self::F);

    /// Writes to the first up to `LANES` floats of `x`.
    fn store_part(self, x: &mut [f32], v: Self::F);

    /// [`Simd::store`], past the caches where `x` is aligned to the vector and the instruction set can: for
    /// what will not be read soon. [`Simd::fence`] has to follow.
    #[inline(always)]
    fn stream(self, x: &mut [f32], v: Self::F) {
        self.store(x, v);
    }

    /// Ends a run of [`Simd::stream`]: later stores are seen after those.
    #[inline(always)]
    fn fence(self) {}

    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `sqrt(a)`
    fn sqrt(self, a: Self::F) -> Self::F;
    /// `a * b + c`: rounded once where the instruction set can, twice on `Portable`.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b`, rounded as [`Simd::mul_add`].
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b` rounded once, on `Portable` too (to f64 first): the remainder of a product or quotient.
    #[inline(always)]
    fn neg_fused(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.neg_mul_add(a, b, c)
    }
    /// The larger; `b` if either is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; `b` if either is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The magnitude.
    fn abs(self, a: Self::F) -> Self::F;
    /// The magnitude of `a` with the sign of `sign`.
    fn copysign(self, a: Self::F, sign: Self::F) -> Self::F;
    /// The nearest integer, ties to even.
    fn round(self, a: Self::F) -> Self::F;

    /// `a * 2^n` for an integer `n` in -252..=254; 0 and infinity where it leaves the range. `a` is 0, NaN
    /// or between 2^-20 and 2^20 in magnitude, so that no path rounds twice. If `n` is NaN, the
    /// result is NaN where `a` is, else unspecified.
    fn scale(self, a: Self::F, n: Self::F) -> Self::F;

    /// The nearest number to a finite `x` whose integer part [`Simd::scale_exponent`] can take; NaN for NaN.
    fn clamp_exponent(self, x: Self::F) -> Self::F;

    /// `a * 2^n` for `a` in [1/2, 2) and `n` the nearest integer to what [`Simd::clamp_exponent`] gave: one
    /// instruction, or an addition to the exponent's bits. Off by less than 2^-126 where the result is
    /// subnormal; exactly 0 and infinity for `a = 1` and `n` at the ends of the range. If `n` is NaN, the
    /// result is NaN where `a` is, else unspecified.
    fn scale_exponent(self, a: Self::F, n: Self::F) -> Self::F;

    /// `(m, e)` with `a = m * 2^e`, `m` in `[sqrt(1/2), sqrt(2))`, for `a` positive, normal and
    /// finite. Other `a` give unspecified numbers.
    fn split_exponent(self, a: Self::F) -> (Self::F, Self::F);

    /// `a < b`
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a <= b`
    fn le(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a == b`
    fn eq(self, a: Self::F, b: Self::F) -> Self::M;
    /// `yes` where `m`, else `no`.
    fn select(self, m: Self::M, yes: Self::F, no: Self::F) -> Self::F;
    /// Whether any lane is true.
    fn any(self, m: Self::M) -> bool;

    /// Turns the first `LANES` vectors, rows of a square, into its columns. `x` must have as many.
    fn transpose(self, x: &mut [Self::F]);

    /// Sum of the lanes: the upper half is added to the lower until one is left.
    fn sum(self, a: Self::F) -> f32;

    /// Asks for the cache line of `x` at `at` to be brought into the second cache level, if it exists.
    fn prefetch(self, x: &[f32], at: usize);
}

/// A kernel body, generic over the instruction set.
pub(crate) trait SimdKernel {
    /// What it gives back.
    type Output;

    /// The body. Mark the implementation `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a body compiled with the features of `isa`. `Reference` runs as `Portable`.
#[inline]
pub(crate) fn dispatch<K: SimdKernel>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        Isa::Reference | Isa::Portable => kernel.run(Portable),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA, which is all
        // that `run_avx2` enables.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(token) => unsafe { run_avx2(token, kernel) },
        // SAFETY: an `Avx512` token exists only after detection found every feature that
        // `run_avx512` enables.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(token) => unsafe { run_avx512(token, kernel) },
        // SAFETY: a `Neon` token exists only after detection found every feature that `run_neon`
        // enables.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(token) => unsafe { run_neon(token, kernel) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: SimdKernel>(token: crate::Avx2, kernel: K) -> K::Output {
    kernel.run(token)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn run_avx512<K: SimdKernel>(token: crate::Avx512, kernel: K) -> K::Output {
    kernel.run(token)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon,dotprod")]
fn run_neon<K: SimdKernel>(token: crate::Neon, kernel: K) -> K::Output {
    kernel.run(token)
}

#[cfg(test)]
mod tests;
