//! The forward products: checks, scratch, and the choice of a path.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocks;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
pub(super) mod reference;

use super::Matrix;
use super::activations::{Order, groups, int8_codes_len, quantize_int8_with, split, split_len};
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::{Exec, Isa, Scratch};
use blocks::{Joined, Product, Scaled};

entry_points! {
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
    pub fn forward_int8 and forward_int8_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        codes: &[i8],
        scales: &[f32],
        n: usize,
        weight_scale: f32,
        out: &mut [f32],
    ) on exec {
        let m = Matrix::new(words, rows, cols)?;
        check_len("codes", codes, int8_codes_len(n, cols)?)?;
        check_len("scales", scales, n)?;
        check_len("out", out, product("out", &[n, rows])?)?;
        if m.trivial(n) {
            out.fill(0.0);
            return Ok(());
        }
        let x = groups(codes);
        if exec.isa() == Isa::Reference {
            reference::forward_int8(m, x, scales, weight_scale, out);
        } else {
            Product::compute(exec, m, x, n, Scaled(scales, weight_scale), out);
        }
        Ok(())
    }
}

entry_points! {
    /// [`super::quantize_int8`] and [`forward_int8`] in one call, with the same bits.
    ///
    /// | name           | shape              |
    /// |----------------|--------------------|
    /// | `words`        | [`super::words_len`] |
    /// | `x`            | `[n, cols]`        |
    /// | `weight_scale` | one for the matrix |
    /// | `out`          | `[n, rows]`        |
    ///
    /// Scratch: [`int8_codes_len`] bytes and `n` f32.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`super::words_len`].
    pub fn quantize_forward_int8 and quantize_forward_int8_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        x: &[f32],
        n: usize,
        weight_scale: f32,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        Matrix::new(words, rows, cols)?;
        check_len("x", x, product("x", &[n, cols])?)?;
        check_len("out", out, product("out", &[n, rows])?)?;
        let (codes, scales) = scratch.codes(int8_codes_len(n, cols)?, n);
        quantize_int8_with(exec, x, n, cols, codes, scales)?;
        forward_int8_with(exec, words, rows, cols, codes, scales, n, weight_scale, out)
    }
}

entry_points! {
    /// f32-grade product: `out[t, r] = sum over c of T[r, c] * x[t, c]`.
    ///
    /// `x` is rounded once, a token at a time, to multiples of a power of two; the sums are exact and
    /// rounded once. With `m[t] = max|x[t]|` and `k` digits of the row that are not 0,
    ///
    /// `|error| <= 1.004 * k * 2^-23 * m[t] + 2^-24 * |out|`
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
    /// ```
    /// use barewire_kernels::{Scratch, ternary};
    ///
    /// let (rows, cols) = (2, 3);
    /// let mut words = vec![0; ternary::words_len(rows, cols)?];
    /// ternary::pack_i8(rows, cols, &[1, 0, -1, 1, 1, 1], &mut words)?;
    /// let mut out = [0.0; 2];
    /// ternary::forward_f32(&words, rows, cols, &[1.0, 2.0, 4.0], 1, &mut out, &mut Scratch::new())?;
    /// assert_eq!(out, [-3.0, 7.0]);
    /// # Ok::<(), barewire_kernels::KernelError>(())
    /// ```
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`super::words_len`].
    pub fn forward_f32 and forward_f32_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        x: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        forward_limbs::<3>(exec, words, rows, cols, x, n, out, scratch)
    }
}

entry_points! {
    /// 16-bit product: `out[t, r] = sum over c of T[r, c] * x[t, c]`.
    ///
    /// As [`forward_f32`] with two int8 limbs in place of three: two thirds of its time, 8 bits less.
    /// With `m[t] = max|x[t]|` and `k` digits of the row that are not 0,
    ///
    /// `|error| <= 1.004 * k * 2^-15 * m[t] + 2^-24 * |out|`
    ///
    /// (for `m[t]` below 2^-111, `2^-127` takes the place of `2^-15 * m[t]`). Integers up to 2^14
    /// in magnitude are multiplied exactly. The bits are the same on every instruction set but
    /// `Reference`, which rounds nothing but the result, and for any batching.
    ///
    /// | name    | shape                |
    /// |---------|----------------------|
    /// | `words` | [`super::words_len`] |
    /// | `x`     | `[n, cols]`          |
    /// | `out`   | `[n, rows]`          |
    ///
    /// Scratch: `2 * n * 32 * ceil(cols / 32)` bytes and `n` f64.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`super::words_len`].
    pub fn forward_fixed16 and forward_fixed16_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        x: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        forward_limbs::<2>(exec, words, rows, cols, x, n, out, scratch)
    }
}

/// The product with tokens of `L` limbs.
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
fn forward_limbs<const L: usize>(
    exec: Exec,
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
    if exec.isa() == Isa::Reference {
        reference::forward_f32(m, x, out);
        return Ok(());
    }
    let parts = scratch.parts(split_len::<L>(Order::Groups, n, cols)?, n, 0);
    split::<L>(exec, Order::Groups, x, cols, parts.codes, parts.steps);
    Product::<_, L>::compute(exec, m, groups(parts.codes), n, Joined(parts.steps), out);
    Ok(())
}
