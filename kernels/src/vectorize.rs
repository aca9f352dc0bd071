use crate::Isa;

/// A plain loop that [`vectorize`] compiles for each instruction set.
///
/// Mark `run` as `#[inline(always)]`, and everything it calls in its loops too: code that is not
/// inlined keeps the features of the crate's own target.
///
/// ```
/// use barewire_kernels::{Isa, Kernel, vectorize};
///
/// struct Axpy<'a>(f32, &'a [f32], &'a mut [f32]);
///
/// impl Kernel for Axpy<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run(self) {
///         for (y, x) in self.2.iter_mut().zip(self.1) {
///             *y += self.0 * x;
///         }
///     }
/// }
///
/// let mut y = [1.0; 5];
/// vectorize(Isa::best(), Axpy(2.0, &[1.0, 2.0, 3.0, 4.0, 5.0], &mut y));
/// assert_eq!(y, [3.0, 5.0, 7.0, 9.0, 11.0]);
/// ```
pub trait Kernel {
    /// What the loop gives back.
    type Output;

    /// The loop. Mark the implementation `#[inline(always)]`.
    fn run(self) -> Self::Output;
}

/// Runs `kernel.run()`, compiled with the features of `isa`.
///
/// The result has the same bits on every `isa`: LLVM vectorises only what does not change
/// rounding, and Rust never contracts `a * b + c` into a fused multiply-add. A sum of floats in
/// one accumulator is therefore not vectorised; keep an array of partial sums instead, of a
/// fixed size, and the order of additions is the same everywhere as well.
///
/// `Reference` and `Portable` run the loop as the crate's target compiles it.
///
/// Source: the trampoline of the `pulp` crate, without its generic vector types.
#[inline]
pub fn vectorize<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        Isa::Reference | Isa::Portable => kernel.run(),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA, which is all
        // that `run_avx2` enables.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { run_avx2(kernel) },
        // SAFETY: an `Avx512` token exists only after detection found every feature that
        // `run_avx512` enables.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { run_avx512(kernel) },
        // NEON is part of the target already.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => kernel.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
