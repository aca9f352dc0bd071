//! What this machine can do: peak rates of the instructions that kernels live on, and of its memory.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use barewire_kernels::{Isa, Kernel, vectorize};

/// Peak rates of one instruction set with so many threads; operations a second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// Multiply-accumulates of bytes (`vpdpbusd`, `vpmaddubsw`, `sdot`).
    pub(crate) dot: f64,
    /// Fused multiply-adds of `f32`.
    pub(crate) fma: f64,
    /// Exponentials of `f32` by a polynomial of degree 5, alone in the first cache level.
    pub(crate) exp: f64,
    /// Bytes read a second, from arrays of [`FOOTPRINTS`] bytes a thread.
    pub(crate) read: [f64; FOOTPRINTS.len()],
}

/// First level, second, third, memory.
pub(crate) const FOOTPRINTS: [usize; 4] = [16 << 10, 256 << 10, 4 << 20, 256 << 20];

impl Rates {
    /// Each rate is the median of those measured.
    pub(crate) fn median(all: &[Self]) -> Self {
        let of = |get: &dyn Fn(&Self) -> f64| crate::measure::median(all.iter().map(get).collect());
        let mut read = [0.0; FOOTPRINTS.len()];
        for (i, read) in read.iter_mut().enumerate() {
            *read = of(&|rates| rates.read[i]);
        }
        Self { dot: of(&|rates| rates.dot), fma: of(&|rates| rates.fma), exp: of(&|rates| rates.exp), read }
    }
}

/// The footprint that stands for `bytes` in all, used again and again by so many threads.
///
/// Cache sizes are not asked for: the array that was measured and is at most a third smaller, or the next larger one.
pub(crate) fn footprint(bytes: f64, threads: usize) -> usize {
    let each = bytes / threads as f64;
    FOOTPRINTS.iter().position(|&size| each <= 1.5 * size as f64).unwrap_or(FOOTPRINTS.len() - 1)
}

/// Which rates to measure.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    pub(crate) dot: bool,
    pub(crate) fma: bool,
    pub(crate) exp: bool,
    /// Of [`FOOTPRINTS`].
    pub(crate) read: [bool; FOOTPRINTS.len()],
}

/// Measures rates again and again, in pieces of a millisecond.
pub(crate) struct Limits {
    /// An array a thread.
    arrays: Vec<Vec<u64>>,
}

impl Limits {
    /// For pools of so many threads at most.
    pub(crate) fn new(threads: usize) -> Self {
        let bytes = FOOTPRINTS[FOOTPRINTS.len() - 1];
        Self { arrays: (0..threads).map(|_| vec![1; bytes / 8]).collect() }
    }

    /// One piece of each rate that is wanted, on all threads of the pool at once; 0 for the others.
    pub(crate) fn measure(&self, isa: Isa, pool: &rayon::ThreadPool, wanted: Wanted) -> Rates {
        let of = |wanted: bool, work: &(dyn Fn() -> f64 + Sync)| if wanted { rate(pool, work) } else { 0.0 };
        let mut read = [0.0; FOOTPRINTS.len()];
        for (i, read) in read.iter_mut().enumerate() {
            *read = of(wanted.read[i], &|| self.read(isa, FOOTPRINTS[i]));
        }
        Rates {
            dot: of(wanted.dot, &|| dot(isa, 10_000)),
            fma: of(wanted.fma, &|| fma(isa, 10_000)),
            exp: of(wanted.exp, &|| exp(isa)),
            read,
        }
    }

    fn read(&self, isa: Isa, bytes: usize) -> f64 {
        thread_local!(static AT: RefCell<usize> = const { RefCell::new(0) });
        let array = &self.arrays[rayon::current_thread_index().unwrap_or(0)];
        // A large array is read a part at a time, going on where the last piece stopped.
        let part = bytes.min(4 << 20) / 8;
        let start = AT.with_borrow_mut(|at| {
            *at = if *at + 2 * part <= bytes / 8 { *at + part } else { 0 };
            *at
        });
        black_box(vectorize(isa, Sum(black_box(&array[start..start + part]))));
        (part * 8) as f64
    }
}

/// Runs `work` on all threads of the pool for a millisecond; what it returns is counted as operations.
fn rate(pool: &rayon::ThreadPool, work: &(dyn Fn() -> f64 + Sync)) -> f64 {
    let each = pool.broadcast(|_| {
        work();
        let (start, mut operations) = (Instant::now(), 0.0);
        while start.elapsed().as_micros() < 1000 {
            operations += work();
        }
        operations / start.elapsed().as_secs_f64()
    });
    each.iter().sum()
}

/// `2^x` for x <= 0 with a polynomial of degree 5, the least that gives 1.5 ulp: what a decay costs.
struct Exp2<'a, const FUSED: bool>(&'a [f32], &'a mut [f32]);

impl<const FUSED: bool> Kernel for Exp2<'_, FUSED> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let step = |sum: f32, x: f32, c: f32| if FUSED { sum.mul_add(x, c) } else { sum * x + c };
        for (x, out) in self.0.iter().zip(self.1) {
            let shifted = x.max(-126.0) + ROUND;
            let f = x - (shifted - ROUND);
            let mut p = step(1.339_887_4e-3, f, 9.618_437e-3);
            for c in [5.550_332_5e-2, 0.240_226_5, core::f32::consts::LN_2, 1.0] {
                p = step(p, f, c);
            }
            *out = f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23));
        }
    }
}

fn exp(isa: Isa) -> f64 {
    const LEN: usize = 2048;
    thread_local! {
        static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> =
            RefCell::new(((0..LEN).map(|i| -(i as f32) / 200.0).collect(), vec![0.0; LEN]));
    }
    BUFFERS.with_borrow_mut(|(x, out)| {
        match isa {
            Isa::Reference | Isa::Portable => vectorize(isa, Exp2::<false>(black_box(x), out)),
            _ => vectorize(isa, Exp2::<true>(black_box(x), out)),
        }
        black_box(&out);
    });
    LEN as f64
}

/// The sum of an array, so that every byte of it is read.
struct Sum<'a>(&'a [u64]);

impl Kernel for Sum<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let mut sums = [0u64; 32];
        for part in self.0.as_chunks::<32>().0 {
            for (sum, x) in sums.iter_mut().zip(part) {
                *sum = sum.wrapping_add(*x);
            }
        }
        sums.iter().fold(0, |a, b| a.wrapping_add(*b))
    }
}

/// Twelve independent chains of one instruction hide its latency on every CPU so far.
#[cfg(target_arch = "x86_64")]
macro_rules! chains {
    ($name:ident, $features:literal, $instruction:literal, $register:literal, $per_instruction:literal) => {
        #[target_feature(enable = $features)]
        fn $name(iterations: u64) -> f64 {
            macro_rules! chain {
                ($i:literal) => {
                    concat!($instruction, " ", $register, $i, ", ", $register, "14, ", $register, "15")
                };
            }
            // SAFETY: only vector registers and the counter change, which are declared; the features of this
            // function are those of the instructions.
            unsafe {
                core::arch::asm!(
                    "vpxor xmm14, xmm14, xmm14",
                    "vpxor xmm15, xmm15, xmm15",
                    "2:",
                    chain!("0"), chain!("1"), chain!("2"), chain!("3"), chain!("4"), chain!("5"),
                    chain!("6"), chain!("7"), chain!("8"), chain!("9"), chain!("10"), chain!("11"),
                    "dec {n}",
                    "jnz 2b",
                    n = inout(reg) iterations => _,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                    out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                    out("xmm14") _, out("xmm15") _,
                    options(nostack, nomem),
                );
            }
            iterations as f64 * 12.0 * $per_instruction
        }
    };
}

#[cfg(target_arch = "x86_64")]
chains!(fma_avx2, "avx2,fma", "vfmadd231ps", "ymm", 8.0);
#[cfg(target_arch = "x86_64")]
chains!(fma_avx512, "avx512f", "vfmadd231ps", "zmm", 16.0);
#[cfg(target_arch = "x86_64")]
chains!(dot_avx2, "avx2,fma", "vpmaddubsw", "ymm", 32.0);
#[cfg(target_arch = "x86_64")]
chains!(dot_avx512, "avx512f,avx512vnni", "vpdpbusd", "zmm", 64.0);

#[cfg(target_arch = "aarch64")]
macro_rules! chains {
    ($name:ident, $instruction:literal, $to:literal, $from:literal, $per_instruction:literal) => {
        #[target_feature(enable = "neon,dotprod")]
        fn $name(iterations: u64) -> f64 {
            macro_rules! chain {
                ($i:literal) => {
                    concat!($instruction, " v", $i, $to, ", v20", $from, ", v21", $from)
                };
            }
            // SAFETY: only vector registers, flags and the counter change, which are declared; the features of
            // this function are those of the instructions.
            unsafe {
                core::arch::asm!(
                    "movi v20.16b, #0",
                    "movi v21.16b, #0",
                    "2:",
                    chain!("0"), chain!("1"), chain!("2"), chain!("3"), chain!("4"), chain!("5"),
                    chain!("6"), chain!("7"), chain!("16"), chain!("17"), chain!("18"), chain!("19"),
                    "subs {n}, {n}, #1",
                    "b.ne 2b",
                    n = inout(reg) iterations => _,
                    out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _,
                    out("v6") _, out("v7") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _,
                    out("v20") _, out("v21") _,
                    options(nostack, nomem),
                );
            }
            iterations as f64 * 12.0 * $per_instruction
        }
    };
}

#[cfg(target_arch = "aarch64")]
chains!(fma_neon, "fmla", ".4s", ".4s", 4.0);
#[cfg(target_arch = "aarch64")]
chains!(dot_neon, "sdot", ".4s", ".16b", 16.0);

fn fma(isa: Isa, iterations: u64) -> f64 {
    match isa {
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { fma_avx2(iterations) },
        // SAFETY: an `Avx512` token exists only after detection found AVX-512F.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { fma_avx512(iterations) },
        // SAFETY: a `Neon` token exists only after detection found NEON and the dot product.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => unsafe { fma_neon(iterations) },
        _ => plain(iterations, 0.0f32, |sum, a, b| sum + a * b),
    }
}

fn dot(isa: Isa, iterations: u64) -> f64 {
    match isa {
        // SAFETY: as in `fma`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { dot_avx2(iterations) },
        // SAFETY: an `Avx512` token exists only after detection found AVX-512 VNNI too.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { dot_avx512(iterations) },
        // SAFETY: as in `fma`.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => unsafe { dot_neon(iterations) },
        _ => plain(iterations, 0i32, |sum, a, b| sum.wrapping_add(a.wrapping_mul(b))),
    }
}

/// What the compiler makes of independent sums for the target that this was built for.
fn plain<T: Copy + Default>(iterations: u64, zero: T, step: impl Fn(T, T, T) -> T) -> f64 {
    const LANES: usize = 32;
    let (a, b) = (black_box([zero; LANES]), black_box([T::default(); LANES]));
    let mut sums = [zero; LANES];
    for _ in 0..iterations / 16 {
        for l in 0..LANES {
            sums[l] = step(sums[l], a[l], b[l]);
        }
        black_box(&mut sums);
    }
    (iterations / 16) as f64 * LANES as f64
}
