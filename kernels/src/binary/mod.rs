//! Products with matrices of bits in {0, 1}, one bit each.
//!
//! # Packing
//!
//! Row-major; a row is `ceil(cols / 64)` words of type `u64` (little-endian on disk), column
//! `64 w + i` at bit `i` of word `w`. Padding bits are 0. A scale, or a mapping to {-1, +1}, is
//! the caller's: `B = (S + 1) / 2` for signs `S` gives `S x = 2 B x - sum(x)`.
//!
//! # Precision
//!
//! * **int8** ([`forward_int8`]): the sum is exact; the formula says how it is rounded.
//! * **f32-grade** ([`forward_f32`], [`transposed_f32`]), as in [`crate::ternary`]: a token is
//!   rounded once to multiples of a power of two, sums are exact and rounded once. With
//!   `m = max|x|` over the token and `k` ones in the row,
//!   `|error| <= k * 1.004 * 2^-23 * m + 2^-24 * |out|`.
//! * **16-bit** ([`forward_fixed16`], [`transposed_fixed16`]): the same with `2^-15 * m`.
//!
//! The bits are the same on every instruction set but `Reference` (for int8 on that, too), for any
//! batching and any number of threads. A token with a NaN or an infinity has NaN outputs.
//!
//! # Kernels
//!
//! Those of [`crate::quantized`], for codes of one bit.

mod pack;
mod reference;

pub use pack::{check_codes, get, pack_u8, unpack_f32, unpack_u8, words_len};

use crate::codes::{self, Codes, Grade};
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::ternary::int8_codes_len;
use crate::{Exec, Isa, Scratch};

/// A matrix that is not empty, lengths checked.
fn codes(words: &[u64], rows: usize, cols: usize, scale: f32) -> Codes<'_> {
    Codes { words, rows, cols, bits: 1, scale, zero: 0 }
}

entry_points! {
    /// Product with int8 activations.
    ///
    /// `out[t, r] = (sum over c of B[r, c] * q[t, c]) as f32 * (scales[t] * weight_scale)`
    ///
    /// The sum is an exact integer and the three float operations are rounded as written.
    ///
    /// | name           | shape              |
    /// |----------------|--------------------|
    /// | `words`        | [`words_len`]      |
    /// | `codes`        | [`int8_codes_len`], `q` in the order of [`crate::ternary::quantize_int8`] |
    /// | `scales`       | `[n]`              |
    /// | `weight_scale` | one for the matrix |
    /// | `out`          | `[n, rows]`        |
    ///
    /// Scratch: at most `128 * n * ceil(cols / 64) + 64` bytes and `2 n` f64.
    ///
    /// ```
    /// use barewire_kernels::{Scratch, binary, ternary};
    ///
    /// let words = [0b011, 0b110]; // two rows of three columns
    /// let (mut codes, mut scales) = ([0; 32], [0.0]);
    /// ternary::quantize_int8(&[127.0, 1.0, -2.0], 1, 3, &mut codes, &mut scales)?;
    /// let mut out = [0.0; 2];
    /// binary::forward_int8(&words, 2, 3, &codes, &scales, 1, 0.5, &mut out, &mut Scratch::new())?;
    /// assert_eq!(out, [64.0, -0.5]);
    /// # Ok::<(), barewire_kernels::KernelError>(())
    /// ```
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `codes`, `scales` or `out`; the errors of [`words_len`].
    pub fn forward_int8 and forward_int8_with(
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
        check_len("words", words, words_len(rows, cols)?)?;
        check_len("codes", codes, int8_codes_len(n, cols)?)?;
        check_len("scales", scales, n)?;
        check_len("out", out, product("out", &[n, rows])?)?;
        if n == 0 || rows == 0 || cols == 0 {
            out.fill(0.0);
        } else if exec.isa() == Isa::Reference {
            reference::forward_int8(words, rows, cols, codes, scales, weight_scale, out);
        } else {
            codes::forward_int8(exec, self::codes(words, rows, cols, weight_scale), codes, scales, out, scratch)?;
        }
        Ok(())
    }
}

entry_points! {
    /// f32-grade product: `out[t, r] = sum over c of B[r, c] * x[t, c]`.
    ///
    /// | name    | shape         |
    /// |---------|---------------|
    /// | `words` | [`words_len`] |
    /// | `x`     | `[n, cols]`   |
    /// | `out`   | `[n, rows]`   |
    ///
    /// Scratch: at most `256 * n * ceil(cols / 64) + 64` bytes and `2 n` f64.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`words_len`].
    pub fn forward_f32 and forward_f32_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        x: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        forward(exec, Grade::F32, words, rows, cols, x, n, out, scratch)
    }
}

entry_points! {
    /// 16-bit product: `out[t, r] = sum over c of B[r, c] * x[t, c]`.
    ///
    /// As [`forward_f32`] with 8 bits less: two products a code in place of three (on the portable path two of
    /// i16 for either).
    ///
    /// | name    | shape         |
    /// |---------|---------------|
    /// | `words` | [`words_len`] |
    /// | `x`     | `[n, cols]`   |
    /// | `out`   | `[n, rows]`   |
    ///
    /// Scratch: as [`forward_f32`].
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`words_len`].
    pub fn forward_fixed16 and forward_fixed16_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        x: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        forward(exec, Grade::Fixed16, words, rows, cols, x, n, out, scratch)
    }
}

/// The product with floats of a grade.
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
fn forward(
    exec: Exec,
    grade: Grade,
    words: &[u64],
    rows: usize,
    cols: usize,
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("x", x, product("x", &[n, cols])?)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::forward_f32(words, rows, cols, x, out);
    } else {
        codes::forward_floats(exec, grade, codes(words, rows, cols, 1.0), x, out, scratch)?;
    }
    Ok(())
}

entry_points! {
    /// f32-grade transposed product: `out[t, c] = sum over r of B[r, c] * y[t, r]`.
    ///
    /// This is the cotangent of the input of [`forward_f32`] for the cotangent `y` of its output.
    ///
    /// | name    | shape         |
    /// |---------|---------------|
    /// | `words` | [`words_len`] |
    /// | `y`     | `[n, rows]`   |
    /// | `out`   | `[n, cols]`   |
    ///
    /// Scratch: at most `256 * n * ceil(rows / 64) + 64` bytes and `2 n` f64.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `y` or `out`; the errors of [`words_len`].
    pub fn transposed_f32 and transposed_f32_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        y: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        transposed(exec, Grade::F32, words, rows, cols, y, n, out, scratch)
    }
}

entry_points! {
    /// 16-bit transposed product: `out[t, c] = sum over r of B[r, c] * y[t, r]`.
    ///
    /// This is the cotangent of the input of [`forward_fixed16`] for the cotangent `y` of its output.
    ///
    /// | name    | shape         |
    /// |---------|---------------|
    /// | `words` | [`words_len`] |
    /// | `y`     | `[n, rows]`   |
    /// | `out`   | `[n, cols]`   |
    ///
    /// Scratch: as [`transposed_f32`].
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `y` or `out`; the errors of [`words_len`].
    pub fn transposed_fixed16 and transposed_fixed16_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        y: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        transposed(exec, Grade::Fixed16, words, rows, cols, y, n, out, scratch)
    }
}

/// The transposed product with floats of a grade.
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
fn transposed(
    exec: Exec,
    grade: Grade,
    words: &[u64],
    rows: usize,
    cols: usize,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("y", y, product("y", &[n, rows])?)?;
    check_len("out", out, product("out", &[n, cols])?)?;
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::transposed_f32(words, rows, cols, y, out);
    } else {
        codes::transposed_floats(exec, grade, codes(words, rows, cols, 1.0), y, out, scratch)?;
    }
    Ok(())
}
