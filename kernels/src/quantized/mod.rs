//! Products with matrices of 2 to 8 bit codes that share one scale and one zero point.
//!
//! `W[r, c] = scale * (code[r, c] - zero)`
//!
//! # Packing
//!
//! Row-major; a row is `ceil(cols * bits / 64)` words of type `u64` (little-endian on disk), the
//! code of column `c` at bits `c * bits .. (c + 1) * bits` of the row, lowest bit first, across
//! word boundaries where it falls so. Padding bits are 0. Every code is valid.
//!
//! # Precision
//!
//! * **int8** ([`forward_int8`]): the sum is exact; the formula says how it is rounded.
//! * **f32-grade** ([`forward_f32`], [`transposed_f32`]), as in [`crate::ternary`]: a token is
//!   rounded once to multiples of a power of two, sums are exact. With `m = max|x|` over the token,
//!   `|error| <= sum|W[r, c]| * 1.004 * 2^-23 * m + 2^-23 * |out|`.
//! * **16-bit** ([`forward_fixed16`], [`transposed_fixed16`]): the same with `2^-15 * m`.
//!
//! The bits are the same on every instruction set but `Reference` (for int8 on that, too), for any
//! batching and any number of threads. A token with a NaN or an infinity has NaN outputs.
//!
//! # Kernels
//!
//! 64 columns are `bits` whole words, and are unpacked to 64 bytes: a shift and a mask where `bits`
//! divides 8 (the activations are put into that order, once for all rows), a shuffle and shifts
//! otherwise. Dot products of bytes do the rest; the zero point is taken away from the sums.

mod pack;
mod reference;

pub use pack::{check_codes, get, pack_u8, unpack_f32, unpack_u8, words_len};

use crate::codes::{self, Codes, Grade};
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::ternary::int8_codes_len;
use crate::{Exec, Isa, Scratch};

/// Width and meaning of the codes: `value = scale * (code - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Format {
    /// Bits of a code, 2 to 8.
    pub bits: u32,
    /// Value of one step.
    pub scale: f32,
    /// The code that means 0; need not be a code that occurs.
    pub zero: u8,
}

impl Format {
    /// The value of a code.
    #[inline]
    pub fn value(self, code: u8) -> f32 {
        self.scale * (i16::from(code) - i16::from(self.zero)) as f32
    }
}

/// A matrix that is not empty, lengths checked.
fn codes(words: &[u64], rows: usize, cols: usize, format: Format) -> Codes<'_> {
    Codes { words, rows, cols, bits: format.bits, scale: format.scale, zero: format.zero }
}

entry_points! {
    /// Product with int8 activations.
    ///
    /// `out[t, r] = (sum over c of (code[r, c] - zero) * q[t, c]) as f32 * (scales[t] * scale)`
    ///
    /// The sum is an exact integer and the three float operations are rounded as written.
    ///
    /// | name     | shape              |
    /// |----------|--------------------|
    /// | `words`  | [`words_len`]      |
    /// | `codes`  | [`int8_codes_len`], `q` in the order of [`crate::ternary::quantize_int8`] |
    /// | `scales` | `[n]`              |
    /// | `out`    | `[n, rows]`        |
    ///
    /// Scratch: at most `128 * n * ceil(cols / 64) + 64` bytes and `2 n` f64.
    ///
    /// ```
    /// use barewire_kernels::{Scratch, quantized, ternary};
    ///
    /// let format = quantized::Format { bits: 4, scale: 0.5, zero: 8 };
    /// let mut words = [0; 2];
    /// quantized::pack_u8(2, 3, 4, &[8, 9, 10, 7, 8, 15], &mut words)?;
    /// let (mut codes, mut scales) = ([0; 32], [0.0]);
    /// ternary::quantize_int8(&[127.0, 1.0, -2.0], 1, 3, &mut codes, &mut scales)?;
    /// let mut out = [0.0; 2];
    /// quantized::forward_int8(&words, 2, 3, format, &codes, &scales, 1, &mut out, &mut Scratch::new())?;
    /// assert_eq!(out, [0.5 * (1.0 - 4.0), 0.5 * (-127.0 - 14.0)]);
    /// # Ok::<(), barewire_kernels::KernelError>(())
    /// ```
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `codes`, `scales` or `out`; the errors of [`words_len`].
    pub fn forward_int8 and forward_int8_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        format: Format,
        codes: &[i8],
        scales: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        check_len("words", words, words_len(rows, cols, format.bits)?)?;
        check_len("codes", codes, int8_codes_len(n, cols)?)?;
        check_len("scales", scales, n)?;
        check_len("out", out, product("out", &[n, rows])?)?;
        if n == 0 || rows == 0 || cols == 0 {
            out.fill(0.0);
        } else if exec.isa() == Isa::Reference {
            reference::forward_int8(words, (rows, cols), format, codes, scales, out);
        } else {
            codes::forward_int8(exec, self::codes(words, rows, cols, format), codes, scales, out, scratch)?;
        }
        Ok(())
    }
}

entry_points! {
    /// f32-grade product: `out[t, r] = sum over c of W[r, c] * x[t, c]`.
    ///
    /// | name     | shape         |
    /// |----------|---------------|
    /// | `words`  | [`words_len`] |
    /// | `x`      | `[n, cols]`   |
    /// | `out`    | `[n, rows]`   |
    ///
    /// Scratch: at most `256 * n * ceil(cols / 64) + 64` bytes and `2 n` f64.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`words_len`].
    pub fn forward_f32 and forward_f32_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        format: Format,
        x: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        forward(exec, Grade::F32, words, rows, cols, format, x, n, out, scratch)
    }
}

entry_points! {
    /// 16-bit product: `out[t, r] = sum over c of W[r, c] * x[t, c]`.
    ///
    /// As [`forward_f32`] with 8 bits less: two products a code in place of three (on the portable path, and for
    /// codes of 8 bits on AVX2, two of i16 for either).
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
        format: Format,
        x: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        forward(exec, Grade::Fixed16, words, rows, cols, format, x, n, out, scratch)
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
    format: Format,
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, format.bits)?)?;
    check_len("x", x, product("x", &[n, cols])?)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::forward_f32(words, (rows, cols), format, x, out);
    } else {
        codes::forward_floats(exec, grade, codes(words, rows, cols, format), x, out, scratch)?;
    }
    Ok(())
}

entry_points! {
    /// f32-grade transposed product: `out[t, c] = sum over r of W[r, c] * y[t, r]`.
    ///
    /// This is the cotangent of the input of [`forward_f32`] for the cotangent `y` of its output.
    ///
    /// | name     | shape         |
    /// |----------|---------------|
    /// | `words`  | [`words_len`] |
    /// | `y`      | `[n, rows]`   |
    /// | `out`    | `[n, cols]`   |
    ///
    /// Scratch: at most `256 * n * ceil(rows / 64) + 64` bytes and `2 n` f64.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `y` or `out`; the errors of [`words_len`].
    pub fn transposed_f32 and transposed_f32_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        format: Format,
        y: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        transposed(exec, Grade::F32, words, rows, cols, format, y, n, out, scratch)
    }
}

entry_points! {
    /// 16-bit transposed product: `out[t, c] = sum over r of W[r, c] * y[t, r]`.
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
        format: Format,
        y: &[f32],
        n: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        transposed(exec, Grade::Fixed16, words, rows, cols, format, y, n, out, scratch)
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
    format: Format,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, format.bits)?)?;
    check_len("y", y, product("y", &[n, rows])?)?;
    check_len("out", out, product("out", &[n, cols])?)?;
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::transposed_f32(words, (rows, cols), format, y, out);
    } else {
        codes::transposed_floats(exec, grade, codes(words, rows, cols, format), y, out, scratch)?;
    }
    Ok(())
}
