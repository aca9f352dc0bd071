//! Dense products of f32 and f64 matrices, without allocation.
//!
//! | function | computes                             | shapes              | use in a linear layer |
//! |----------|--------------------------------------|---------------------|-----------------------|
//! | [`nt`]   | `c[m,n] = a[m,k] · b[n,k]ᵀ`          | tokens by weights   | output                |
//! | [`nn`]   | `c[m,n] = a[m,k] · b[k,n]`           | cotangents by weights | input's cotangent   |
//! | [`tn`]   | `c[m,n] = alpha · a[k,m]ᵀ · b[k,n]`  | cotangents by tokens | weight's gradient    |
//!
//! All matrices are row-major and contiguous. With `accumulate` the product is added to `c`, else
//! `c` is overwritten (and may hold NaN before). Working memory is a [`Scratch`] of the caller: a
//! packed block of `b`, 392 KiB a thread.
//!
//! # One order of summation
//!
//! An element of an f32 product is a sum over `k` in blocks of 256 terms. In a block
//!
//! `s = fma(a[0], b[0], 0)`, `s = fma(a[1], b[1], s)`, ..
//!
//! one after the other; the block then gives `c = alpha · s`, or `c = fma(alpha, s, c)` where
//! something is in `c` already: the first block's part or, with `accumulate`, the caller's.
//! This is so on every instruction set but `Reference` (f64 inside), for any `m` and `n`, and
//! wherever in the matrix the element lies. A sequence, its chunks and its single steps therefore
//! agree to the bit, and so do machines. What vectors and tiles hold is different elements, never
//! different terms of one. (The payload of a NaN is not part of this promise.)
//!
//! The error of an element is at most `(k + k / 256 + 2) · 2^-24 · Σ |alpha a b|`, to first order
//! and with `|c|` counted as one more term.
//!
//! Where the target has no fused multiply-add (`Portable` on x86-64, all that a CPU without AVX2
//! gets), the same bits come from a call of `fmaf` a term: 0.4 billion a second where the C library
//! finds the instruction, less where it must emulate it.
//!
//! # Speed
//!
//! Billions of multiply-adds a second on one core of an AMD EPYC of family 26 (Zen 5): medians, the
//! three columns timed in turns in one process on a shared machine, with `accumulate`. The crate is
//! not a dependency; `cargo bench -p barewire-kernels -- gemm` times the first two columns.
//!
//! | `m x n x k`                       | AVX-512    | AVX2     | crate `gemm` 0.19 |
//! |-----------------------------------|------------|----------|-------------------|
//! | `tn`, 128x128x384 to 256x256x768  | 110 to 120 | 53 to 61 | 120 to 135        |
//! | `nt`, `nn`, 384x65x128            | 100        | 54       | 89                |
//! | `nt`, `nn`, 384x128x65            | 119        | 57       | 129               |
//! | `nt`, `nn`, 384 by 128 to 704     | 124 to 128 | 61 to 64 | 126 to 134        |
//! | `nt`, 16x128x128                  | 77         | 46       | 56                |
//! | `nt`, 1x128x128, 1x704x128        | 16 to 20   | 14 to 16 | 27 to 35          |
//! | `nn`, 1x128x128, 1x704x128        | 21 to 33   | 18 to 25 | 15 to 28          |
//!
//! One row of `nt` is the price of the order: rows of `b` must be turned into vectors across rows
//! first. Long rows at a stride of 4 KiB are the worst case: 6 for 1x2048x1024, 14 for 1x2048x1000
//! (the crate: 24 and 27), probably since such rows share the same sets of the first cache level.
//!
//! Products in f64 serve checks: plain loops, one order each, no tiles.
//!
//! Source: the packing and the loops are those of Goto & van de Geijn, "Anatomy of
//! High-Performance Matrix Multiplication" (2008), with the left factor read in place.

mod blocked;
mod double;
mod portable;
pub mod reference;
mod vectors;

use crate::error::{KernelError, check_len, product};
use crate::{Exec, Isa, Scratch};

/// Scalars that have products: `f32` and `f64`.
pub trait GemmScalar: Copy + Send + Sync + private::Sealed + 'static {
    /// The multiplicative identity.
    const ONE: Self;
}

impl GemmScalar for f32 {
    const ONE: Self = 1.0;
}

impl GemmScalar for f64 {
    const ONE: Self = 1.0;
}

use private::{Form, Product};

mod private {
    use super::{Exec, Scratch};

    /// Keeps [`super::GemmScalar`] to types that have kernels, and finds them.
    pub trait Sealed: Sized {
        fn run(exec: Exec, product: Product<'_, Self>, c: &mut [Self], scratch: &mut Scratch);
    }

    /// Which of the factors lies transposed in memory.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) enum Form {
        Nt,
        Nn,
        Tn,
    }

    /// A product whose lengths have been checked.
    #[derive(Clone, Copy, Debug)]
    pub struct Product<'a, T> {
        pub(super) form: Form,
        pub(super) m: usize,
        pub(super) n: usize,
        pub(super) k: usize,
        pub(super) alpha: T,
        pub(super) a: &'a [T],
        pub(super) b: &'a [T],
        pub(super) accumulate: bool,
        /// Elements from one row of `a`, as it lies in memory, to the next.
        pub(super) a_stride: usize,
        /// The same for `b`.
        pub(super) b_stride: usize,
    }

    impl<T: Copy> Product<'_, T> {
        /// The products of the rows of `c` before `at`, and of the others.
        pub(super) fn split_rows(self, at: usize) -> (Self, Self) {
            let skip = if self.form == Form::Tn { at } else { at * self.a_stride };
            (Self { m: at, ..self }, Self { m: self.m - at, a: &self.a[skip..], ..self })
        }

        /// The products of the columns of `c` before `at`, and of the others.
        pub(super) fn split_columns(self, at: usize) -> (Self, Self) {
            let skip = if self.form == Form::Nt { at * self.b_stride } else { at };
            (Self { n: at, ..self }, Self { n: self.n - at, b: &self.b[skip..], ..self })
        }
    }
}

impl private::Sealed for f32 {
    fn run(exec: Exec, product: Product<'_, f32>, c: &mut [f32], scratch: &mut Scratch) {
        match exec.isa() {
            Isa::Reference => reference::product_f32(product, c),
            Isa::Portable => blocked::run(exec, portable::Portable, product, c, scratch),
            isa => blocked::run(exec, vectors::Vectors(isa), product, c, scratch),
        }
    }
}

impl private::Sealed for f64 {
    fn run(exec: Exec, product: Product<'_, f64>, c: &mut [f64], _: &mut Scratch) {
        double::run(exec.isa(), product, c);
    }
}

/// What is to be multiplied, lengths not checked.
struct Factors<'a, T> {
    form: Form,
    sizes: [usize; 3],
    alpha: T,
    a: &'a [T],
    b: &'a [T],
    accumulate: bool,
}

/// Checks the lengths, which depend on the sizes only, and runs.
fn checked<T: GemmScalar>(
    exec: Exec,
    f: Factors<'_, T>,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let Factors { form, sizes: [m, n, k], alpha, a, b, accumulate } = f;
    check_len("a", a, product("a", &[m, k])?)?;
    check_len("b", b, product("b", &[k, n])?)?;
    check_len("c", c, product("c", &[m, n])?)?;
    let a_stride = if form == Form::Tn { m } else { k };
    let b_stride = if form == Form::Nt { k } else { n };
    if !c.is_empty() {
        T::run(exec, Product { form, m, n, k, alpha, a, b, accumulate, a_stride, b_stride }, c, scratch);
    }
    Ok(())
}

/// `c[m,n] = a[m,k] · b[n,k]ᵀ`, or `+=` with `accumulate`: the output of a linear layer.
///
/// | name | shape    |
/// |------|----------|
/// | `a`  | `[m, k]` |
/// | `b`  | `[n, k]` |
/// | `c`  | `[m, n]` |
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
///
/// ```
/// use barewire_kernels::{Scratch, gemm};
///
/// let (weights, tokens) = ([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 10.0, 1.0]);
/// let mut y = [0.0_f32; 4];
/// gemm::nt(2, 2, 2, &tokens, &weights, false, &mut y, &mut Scratch::new())?;
/// assert_eq!(y, [3.0, 7.0, 12.0, 34.0]);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn nt<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    nt_with(Exec::best(), m, n, k, a, b, accumulate, c, scratch)
}

/// [`nt`] on a given instruction set and, if asked, several threads.
///
/// # Errors
/// As [`nt`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn nt_with<T: GemmScalar>(
    exec: impl Into<Exec>,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let (form, alpha) = (Form::Nt, T::ONE);
    checked(exec.into(), Factors { form, sizes: [m, n, k], alpha, a, b, accumulate }, c, scratch)
}

/// `c[m,n] = a[m,k] · b[k,n]`, or `+=` with `accumulate`: the cotangent of a linear layer's input.
///
/// | name | shape    |
/// |------|----------|
/// | `a`  | `[m, k]` |
/// | `b`  | `[k, n]` |
/// | `c`  | `[m, n]` |
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn nn<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    nn_with(Exec::best(), m, n, k, a, b, accumulate, c, scratch)
}

/// [`nn`] on a given instruction set and, if asked, several threads.
///
/// # Errors
/// As [`nn`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn nn_with<T: GemmScalar>(
    exec: impl Into<Exec>,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let (form, alpha) = (Form::Nn, T::ONE);
    checked(exec.into(), Factors { form, sizes: [m, n, k], alpha, a, b, accumulate }, c, scratch)
}

/// `c[m,n] = alpha · a[k,m]ᵀ · b[k,n]`, or `+=` with `accumulate`: the gradient of a linear
/// layer's weights over `k` tokens.
///
/// | name | shape    |
/// |------|----------|
/// | `a`  | `[k, m]` |
/// | `b`  | `[k, n]` |
/// | `c`  | `[m, n]` |
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn tn<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    tn_with(Exec::best(), m, n, k, alpha, a, b, accumulate, c, scratch)
}

/// [`tn`] on a given instruction set and, if asked, several threads.
///
/// # Errors
/// As [`tn`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn tn_with<T: GemmScalar>(
    exec: impl Into<Exec>,
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let form = Form::Tn;
    checked(exec.into(), Factors { form, sizes: [m, n, k], alpha, a, b, accumulate }, c, scratch)
}
