//! The forward products: checks, scratch, and the choice of a path.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
pub(super) mod reference;

use super::Matrix;
use super::activations::{Order, groups, int8_codes_len, limbs_len, split_limbs};
use crate::error::{KernelError, check_len, product};
use crate::{Isa, Scratch};

/// Product with int8 activations.
///
/// `out[t, r] = (sum over c of T[r, c] * q[t, c]) as f32 * (scales[t] * weight_scale)`
///
/// The sum is an exact integer and the three float operations are rounded as written, so the bits
/// are the same on every instruction set and for any batching.
///
/// | name           | shape              |
/// |----------------|--------------------|
/// | `words`        | [`super::words_len`] |
/// | `codes`        | [`int8_codes_len`], from [`super::quantize_int8`] |
/// | `scales`       | `[n]`              |
/// | `weight_scale` | one for the matrix |
/// | `out`          | `[n, rows]`        |
///
/// # Errors
/// [`KernelError::Length`] for `words`, `codes`, `scales` or `out`; the errors of
/// [`super::words_len`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_int8(
    words: &[u64],
    rows: usize,
    cols: usize,
    codes: &[i8],
    scales: &[f32],
    n: usize,
    weight_scale: f32,
    out: &mut [f32],
) -> Result<(), KernelError> {
    let isa = Isa::best();
    forward_int8_with(isa, words, rows, cols, codes, scales, n, weight_scale, out)
}

/// [`forward_int8`] on a given instruction set.
///
/// # Errors
/// As [`forward_int8`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_int8_with(
    isa: Isa,
    words: &[u64],
    rows: usize,
    cols: usize,
    codes: &[i8],
    scales: &[f32],
    n: usize,
    weight_scale: f32,
    out: &mut [f32],
) -> Result<(), KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    check_len("codes", codes, int8_codes_len(n, cols)?)?;
    check_len("scales", scales, n)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    if m.trivial(n) {
        out.fill(0.0);
        return Ok(());
    }
    let x = groups(codes);
    match isa {
        Isa::Reference => reference::forward_int8(m, x, scales, weight_scale, out),
        Isa::Portable => portable::forward_int8(m, x, scales, weight_scale, out),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::forward_int8(m, x, scales, weight_scale, out) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::forward_int8(m, x, scales, weight_scale, out) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => portable::forward_int8(m, x, scales, weight_scale, out),
    }
    Ok(())
}

/// f32-grade product: `out[t, r] = sum over c of T[r, c] * x[t, c]`.
///
/// `x` is rounded once, a token at a time, to multiples of a power of two; the sums are exact and
/// rounded once. With `m[t] = max|x[t]|` and `k` digits of the row that are not 0,
///
/// `|error| <= k * 2^-23 * m[t] + 2^-24 * |out|`
///
/// (for `m[t]` below 2^-103, `2^-127` takes the place of `2^-23 * m[t]`). Integers up to 2^22
/// in magnitude are therefore multiplied exactly. The bits are the same on every instruction set
/// but `Reference`, and for any batching.
///
/// | name    | shape                |
/// |---------|----------------------|
/// | `words` | [`super::words_len`] |
/// | `x`     | `[n, cols]`          |
/// | `out`   | `[n, rows]`          |
///
/// Scratch: `3 * n * 32 * ceil(cols / 32)` bytes and `n` f64.
///
/// # Errors
/// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`super::words_len`].
pub fn forward_f32(
    words: &[u64],
    rows: usize,
    cols: usize,
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_f32_with(Isa::best(), words, rows, cols, x, n, out, scratch)
}

/// [`forward_f32`] on a given instruction set.
///
/// # Errors
/// As [`forward_f32`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_f32_with(
    isa: Isa,
    words: &[u64],
    rows: usize,
    cols: usize,
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    check_len("x", x, product("x", &[n, cols])?)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    if m.trivial(n) {
        out.fill(0.0);
        return Ok(());
    }
    if isa == Isa::Reference {
        reference::forward_f32(m, x, out);
        return Ok(());
    }
    let parts = scratch.parts(limbs_len(Order::Groups, n, cols)?, n, 0);
    split_limbs(isa, Order::Groups, x, cols, parts.codes, parts.steps);
    let x = groups(parts.codes);
    match isa {
        Isa::Reference | Isa::Portable => portable::forward_limbs(m, x, parts.steps, out),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::forward_limbs(m, x, parts.steps, out) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::forward_limbs(m, x, parts.steps, out) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => portable::forward_limbs(m, x, parts.steps, out),
    }
    Ok(())
}
