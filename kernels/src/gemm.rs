//! Dense products of f32 and f64 matrices: a safe face of the `gemm` crate, on one thread.
//!
//! | function | computes                          | shapes                      | use in a linear layer |
//! |----------|-----------------------------------|-----------------------------|-----------------------|
//! | [`nt`]   | `c[m,n] = a[m,k] · b[n,k]ᵀ`       | tokens by weights           | output                |
//! | [`nt_fixed_order`] | as [`nt`], bits independent of `m` | as [`nt`]          | output, where chunks must agree |
//! | [`nn`]   | `c[m,n] = a[m,k] · b[k,n]`        | cotangents by weights       | input's cotangent     |
//! | [`tn`]   | `c[m,n] = a[k,m]ᵀ · b[k,n]`       | cotangents by tokens        | weight's gradient     |
//! | [`gemm()`] | `c[m,n] = alpha · a[m,k] · b[k,n]` | any strides of `a` and `b` | all else              |
//!
//! All matrices of the first four, and `c` of [`gemm()`], are row-major and contiguous. With
//! `accumulate` the product is added to `c`, else `c` is overwritten (and may hold NaN before).
//!
//! The summation order is the crate's: it differs from one CPU to another, and with the number of
//! rows (measured: 1, 2 and 16 rows give three different results). Where a sequence and its single
//! steps must agree to the bit, use [`nt_fixed_order`], which computes the same as [`nt`].

mod fixed_order;

use core::ops::{Add, Mul};

pub use fixed_order::{nt_fixed_order, nt_fixed_order_with};

use crate::error::{KernelError, check_len, product};

/// Scalars that [`gemm()`] multiplies: `f32` and `f64`.
pub trait GemmScalar:
    Copy + Send + Sync + Add<Output = Self> + Mul<Output = Self> + private::Sealed + 'static
{
    /// The additive identity.
    const ZERO: Self;
    /// The multiplicative identity.
    const ONE: Self;
}

impl GemmScalar for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

impl GemmScalar for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

mod private {
    /// Keeps [`super::GemmScalar`] to types for which the `gemm` crate has kernels.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `c = alpha · a · b`, or `c += alpha · a · b` with `accumulate`.
///
/// | name | shape                                                       |
/// |------|-------------------------------------------------------------|
/// | `a`  | `[m, k]`, element `(i, j)` at `i * strides.0 + j * strides.1` |
/// | `b`  | `[k, n]`, likewise                                          |
/// | `c`  | `[m, n]`, row-major                                         |
///
/// # Errors
/// [`KernelError::Length`] if `a` or `b` ends before its last element (`expected` is then the
/// shortest length allowed) or `c` is not `m * n` long; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn gemm<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: &[T],
    a_strides: (usize, usize),
    b: &[T],
    b_strides: (usize, usize),
    accumulate: bool,
    c: &mut [T],
) -> Result<(), KernelError> {
    let a_strides = check_strided("a", a, (m, k), a_strides)?;
    let b_strides = check_strided("b", b, (k, n), b_strides)?;
    check_len("c", c, product("c", &[m, n])?)?;
    if m == 0 || n == 0 {
        return Ok(());
    }
    if k == 0 {
        if !accumulate {
            c.fill(T::ZERO);
        }
        return Ok(());
    }
    // SAFETY: `check_strided` has shown that every element the shape and strides of `a` and of
    // `b` reach lies in its slice and that all offsets fit an isize; `c` is exactly `m * n` long
    // with row stride `n`. `c` is borrowed mutably, so it overlaps neither `a` nor `b`, and no
    // two of its elements share a place. f32 and f64 are types the crate has kernels for.
    unsafe {
        ::gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.as_ptr(),
            a_strides.1,
            a_strides.0,
            b.as_ptr(),
            b_strides.1,
            b_strides.0,
            T::ONE,
            alpha,
            false,
            false,
            false,
            ::gemm::Parallelism::None,
        );
    }
    Ok(())
}

/// Refuses a slice that ends before its last element; gives the strides as the crate wants them.
fn check_strided<T>(
    argument: &'static str,
    slice: &[T],
    (rows, cols): (usize, usize),
    (row_stride, col_stride): (usize, usize),
) -> Result<(isize, isize), KernelError> {
    let overflow = KernelError::Overflow { argument };
    let signed = |stride| isize::try_from(stride).map_err(|_| overflow);
    let strides = (signed(row_stride)?, signed(col_stride)?);
    if rows == 0 || cols == 0 {
        return Ok(strides);
    }
    let last_row = product(argument, &[rows - 1, row_stride])?;
    let last_col = product(argument, &[cols - 1, col_stride])?;
    let expected = last_row
        .checked_add(last_col)
        .and_then(|last| last.checked_add(1))
        .ok_or(overflow)?;
    if slice.len() < expected {
        return Err(KernelError::Length {
            argument,
            expected,
            found: slice.len(),
        });
    }
    Ok(strides)
}

/// `c[m,n] = a[m,k] · b[n,k]ᵀ`, or `+=` with `accumulate`; all row-major.
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
pub fn nt<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
) -> Result<(), KernelError> {
    check_len("a", a, product("a", &[m, k])?)?;
    check_len("b", b, product("b", &[n, k])?)?;
    gemm(m, n, k, T::ONE, a, (k, 1), b, (1, k), accumulate, c)
}

/// `c[m,n] = a[m,k] · b[k,n]`, or `+=` with `accumulate`; all row-major.
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
pub fn nn<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
) -> Result<(), KernelError> {
    check_len("a", a, product("a", &[m, k])?)?;
    check_len("b", b, product("b", &[k, n])?)?;
    gemm(m, n, k, T::ONE, a, (k, 1), b, (n, 1), accumulate, c)
}

/// `c[m,n] = a[k,m]ᵀ · b[k,n]`, or `+=` with `accumulate`; all row-major.
///
/// # Errors
/// [`KernelError::Length`] for `a`, `b` or `c`; [`KernelError::Overflow`].
pub fn tn<T: GemmScalar>(
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accumulate: bool,
    c: &mut [T],
) -> Result<(), KernelError> {
    check_len("a", a, product("a", &[k, m])?)?;
    check_len("b", b, product("b", &[k, n])?)?;
    gemm(m, n, k, T::ONE, a, (1, m), b, (n, 1), accumulate, c)
}
