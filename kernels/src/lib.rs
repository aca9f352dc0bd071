//! CPU kernels for barewire: packed ternary, binary and k-bit products, state-space scans, what stands
//! between them in a training step, and the machinery that picks an instruction set.
//!
//! Every kernel is a safe function on slices. Lengths are checked once a call, and a wrong one is
//! a [`KernelError`] that names the argument; no input, however damaged, causes a panic or
//! undefined behaviour. Each function has a twin ending in `_with` that takes an [`Exec`]: the
//! instruction set, and whether other threads may be used.
//!
//! | module               | what it computes                                                         |
//! |----------------------|--------------------------------------------------------------------------|
//! | [`ternary`]          | products with digits in {-1, 0, +1}: int8, 16-bit, f32-grade, unquantised |
//! | [`ternary::base3`]   | the same digits at 1.6 bits                                              |
//! | [`ternary::forms`]   | packings of others: transformers, llama.cpp, bitnet.cpp                  |
//! | [`ternary::accumulate`] | training of packed digits without latent weights                      |
//! | [`binary`]           | products with bits in {0, 1}                                             |
//! | [`quantized`]        | products with 2 to 8 bit codes, one scale and zero point                 |
//! | [`weight_gradient`]  | a linear layer's weight gradient, whole or in rows on demand             |
//! | [`selective_scan`]   | the scan of Mamba with softplus, skip and gate; backward; one step       |
//! | [`ssd`]              | the scan of Mamba-2, one decay a head; backward; one step                |
//! | [`diagonal_scan`]    | the scan with constant coefficients; backward; one step                  |
//! | [`gated_recurrence`] | `h[t] = f[t] ⊙ h[t-1] + v[t]`; backward; one step                        |
//! | [`causal_conv1d`]    | causal depthwise convolution along time; backward; one step              |
//! | [`gemm`]             | dense f32 and f64 products                                               |
//! | [`rms_norm`]         | root-mean-square normalisation of rows; backward                         |
//! | [`softmax`]          | softmax of rows and its logarithm; backward                              |
//! | [`cross_entropy`]    | loss of rows of logits, with its gradient in the same pass               |
//! | [`elementwise`]      | `exp`, `ln`, `sigmoid`, `silu`, `softplus`, `tanh`, to 2 ulp; backward   |
//! | [`adam`]             | the AdamW update, also with the quantisation of latent weights           |
//! | [`extended`]         | sums in the 80-bit format of x86-64                                      |
//! | [`random`]           | counter-based random numbers                                             |
//! | [`vectorize()`]      | compiles a caller's own plain loop for each instruction set              |
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
//! Products with packed integers sum integers, so all paths but `reference` give identical bits, at
//! any batching (`reference` sums floats in f64; its int8 product is identical too). The gated
//! recurrence multiplies, rounds, then adds on every path. Dense products sum each element with
//! fused multiply-adds in one order, which [`gemm`] states: at any batching too. The other kernels on floats
//! have the same bits on one instruction set however a sequence is cut into calls, [`ssd`] excepted, and
//! between instruction sets agree within the bound that each states.
//!
//! # Threads
//!
//! A function runs on the calling thread unless [`Exec::parallel`] lets it use the current rayon
//! pool. The bits are the same with any number of threads.

#![allow(
    clippy::needless_range_loop,
    reason = "registers are arrays with constant bounds; indices say which one, and iterators may not be inlined"
)]

pub mod adam;
pub mod binary;
pub mod causal_conv1d;
mod codes;
mod columns;
mod convert;
pub mod cross_entropy;
pub mod diagonal_scan;
pub mod elementwise;
mod entry_points;
mod error;
mod exec;
pub mod extended;
pub mod gated_recurrence;
pub mod gemm;
mod isa;
pub mod quantized;
pub mod random;
pub mod rms_norm;
mod rows;
mod scan_shape;
mod scratch;
pub mod selective_scan;
mod simd;
pub mod softmax;
pub mod ssd;
pub mod ternary;
#[cfg(test)]
mod thread_tests;
mod vectorize;
pub mod weight_gradient;

pub use error::KernelError;
pub use exec::Exec;
#[cfg(target_arch = "aarch64")]
pub use isa::Neon;
#[cfg(target_arch = "x86_64")]
pub use isa::{Avx2, Avx512};
pub use isa::{Isa, IsaError};
pub use scratch::Scratch;
pub use vectorize::{Kernel, vectorize};
