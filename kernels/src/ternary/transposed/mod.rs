//! The transposed products: checks, scratch, and the choice of a path.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod codes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod product;
pub(super) mod reference;

use super::Matrix;
use super::activations::{Order, int8_codes_len, record_len, split, split_len};
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::{Exec, Isa, Scratch};

entry_points! {
    /// f32-grade transposed product: `out[t, c] = sum over r of T[r, c] * y[t, r]`.
    ///
    /// This is the cotangent of the input of [`super::forward_f32`] for the cotangent `y` of its output.
    /// Rounding and error bound are those of [`super::forward_f32`], with rows in place of columns. The
    /// bits are the same on every instruction set but `Reference`, for any batching and any threads.
    ///
    /// | name    | shape                |
    /// |---------|----------------------|
    /// | `words` | [`super::words_len`] |
    /// | `y`     | `[n, rows]`          |
    /// | `out`   | `[n, cols]`          |
    ///
    /// Scratch: `n * 3 * 8 * ceil(rows / 8)` bytes, `n` f64, and
    /// `3 * n + 32 * min(3 * n, 6) * ceil(cols / 32)` i32.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `y` or `out`; the errors of [`super::words_len`].
    pub fn transposed_f32 and transposed_f32_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        y: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        limbs::<3>(exec, words, rows, cols, y, n, out, scratch)
    }
}

entry_points! {
    /// Transposed product with 16-bit cotangents: `out[t, c] = sum over r of T[r, c] * y[t, r]`.
    ///
    /// `y` is rounded once, a token at a time, to 16-bit integers times a power of two; the sums are
    /// exact and rounded once. With `m[t] = max|y[t]|` and `k` digits of the column that are not 0,
    ///
    /// `|error| <= k * 1.004 * 2^-15 * m[t] + 2^-24 * |out|`
    ///
    /// (for `m[t]` below 2^-111, `2^-127` takes the place of `1.004 * 2^-15 * m[t]`). Two thirds of
    /// the work of [`transposed_f32`]; errors of single summands are as large as those of a cotangent
    /// in bf16 for its largest elements, and do not grow with its smallest. The bits are the same on
    /// every instruction set but `Reference`, for any batching and any threads.
    ///
    /// | name    | shape                |
    /// |---------|----------------------|
    /// | `words` | [`super::words_len`] |
    /// | `y`     | `[n, rows]`          |
    /// | `out`   | `[n, cols]`          |
    ///
    /// Scratch: as [`transposed_f32`], with 2 in place of 3.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `y` or `out`; the errors of [`super::words_len`].
    pub fn transposed_fixed16 and transposed_fixed16_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        y: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        limbs::<2>(exec, words, rows, cols, y, n, out, scratch)
    }
}

/// The products with `L` limbs.
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
fn limbs<const L: usize>(
    exec: Exec,
    words: &[u64],
    rows: usize,
    cols: usize,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    check_len("y", y, product("y", &[n, rows])?)?;
    check_len("out", out, product("out", &[n, cols])?)?;
    if m.trivial(n) {
        out.fill(0.0);
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::transposed_f32(m, y, out);
        return Ok(());
    }
    let parts = scratch.parts(split_len::<L>(Order::Columns, n, rows)?, n, product::sums_len(m, L, n));
    split::<L>(exec, Order::Columns, y, rows, parts.codes, parts.steps);
    product::run::<L, _>(exec, m, parts.codes.as_chunks().0, product::Limbs(parts.steps), parts.sums, out);
    Ok(())
}

entry_points! {
    /// Transposed product with int8 cotangents.
    ///
    /// `out[t, c] = (sum over r of T[r, c] * q[t, r]) as f32 * (scales[t] * weight_scale)`
    ///
    /// The sum is an exact integer and the three float operations are rounded as written, so the bits
    /// are the same on every instruction set, for any batching and any threads. Eight bits are few for
    /// a gradient: [`transposed_fixed16`] costs twice as much and is 256 times finer.
    ///
    /// | name           | shape              |
    /// |----------------|--------------------|
    /// | `words`        | [`super::words_len`] |
    /// | `codes`        | [`int8_codes_len`] of `rows`, from [`super::quantize_int8`] |
    /// | `scales`       | `[n]`              |
    /// | `weight_scale` | one for the matrix |
    /// | `out`          | `[n, cols]`        |
    ///
    /// Scratch: `n * 8 * ceil(rows / 8)` bytes and `n + 32 * min(n, 6) * ceil(cols / 32)` i32.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `codes`, `scales` or `out`; the errors of
    /// [`super::words_len`].
    pub fn transposed_int8 and transposed_int8_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        codes: &[i8],
        scales: &[f32],
        n: usize,
        weight_scale: f32,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        let m = Matrix::new(words, rows, cols)?;
        check_len("codes", codes, int8_codes_len(n, rows)?)?;
        check_len("scales", scales, n)?;
        check_len("out", out, product("out", &[n, cols])?)?;
        if m.trivial(n) {
            out.fill(0.0);
            return Ok(());
        }
        if exec.isa() == Isa::Reference {
            reference::transposed_int8(m, codes, scales, weight_scale, out);
            return Ok(());
        }
        let record = record_len(Order::Columns, rows);
        let parts = scratch.parts(product("scratch", &[n, record])?, 0, product::sums_len(m, 1, n));
        codes::from_groups(exec.isa(), codes, rows, parts.codes);
        let scales = product::Scales { scales, weight_scale };
        product::run::<1, _>(exec, m, parts.codes.as_chunks().0, scales, parts.sums, out);
        Ok(())
    }
}
