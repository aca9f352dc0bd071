//! CPU kernels for barewire: packed ternary, binary and k-bit matrix products, the gated linear
//! recurrence, dense matrix products, and the machinery that picks an instruction set.
//!
//! Every kernel is a safe function on slices. Lengths are checked once a call, and a wrong one is
//! a [`KernelError`] that names the argument; no input, however damaged, causes a panic or
//! undefined behaviour. Each function has a twin ending in `_with` that takes an [`Exec`]: the
//! instruction set, and whether other threads may be used.
//!
//! | module               | what it computes                                                 |
//! |----------------------|------------------------------------------------------------------|
//! | [`ternary`]          | products with digits in {-1, 0, +1} at 2 bits, int8 and f32-grade; at 1.6 bits, int8 |
//! | [`binary`]           | products with bits in {0, 1}                                     |
//! | [`quantized`]        | products with 2 to 8 bit codes, one scale and zero point         |
//! | [`gated_recurrence`] | `h[t] = f[t] ⊙ h[t-1] + v[t]`, forward and backward              |
//! | [`gemm`]             | dense f32 and f64 products                                       |
//! | [`vectorize()`]      | compiles a caller's own plain loop for each instruction set      |
//!
//! # Folders
//!
//! One folder a kernel. `reference` is the formula in plain loops (f64 where it sums floats) and is
//! never optimised. Kernels on floats are written once, over the vectors of `simd`, which has a file
//! an instruction set. Kernels on packed integers have a file an instruction set themselves:
//! `portable` is plain Rust, the others use `std::arch`. The packing is the same on all of them.
//!
//! # Same bits everywhere
//!
//! Ternary products sum integers, so all paths but `reference` give identical bits, at any
//! batching (`reference` sums floats in f64; its int8 product is identical too). The gated
//! recurrence multiplies, rounds, then adds on every path. Dense products sum each element with
//! fused multiply-adds in one order, which [`gemm`] states: at any batching too.
//!
//! # Threads
//!
//! A function runs on the calling thread unless [`Exec::parallel`] lets it use the current rayon
//! pool. The bits are the same with any number of threads.

pub mod binary;
mod columns;
mod error;
mod exact;
mod exec;
pub mod gated_recurrence;
pub mod gemm;
mod isa;
pub mod quantized;
mod scratch;
mod simd;
pub mod ternary;
mod vectorize;

pub use error::KernelError;
pub use exec::Exec;
#[cfg(target_arch = "aarch64")]
pub use isa::Neon;
#[cfg(target_arch = "x86_64")]
pub use isa::{Avx2, Avx512};
pub use isa::{Isa, IsaError};
pub use scratch::Scratch;
pub use vectorize::{Kernel, vectorize};
