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
//!   `|error| <= sum|W[r, c]| * 2^-23 * m + 2^-23 * |out|`.
//!
//! The bits are the same on every instruction set but `Reference` (for int8 on that, too), for any
//! batching and any number of threads. A token with a NaN or an infinity has NaN outputs.
//!
//! # Kernels
//!
//! 64 columns are `bits` whole words, and are unpacked to 64 bytes: a shift and a mask where `bits`
//! divides 8 (the activations are put into that order, once for all rows), a shuffle and shifts
//! otherwise. Dot products of bytes do the rest; the zero point is taken away from the sums.

mod reference;

use crate::codes::{self, Codes, check_dims};
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

/// Number of `u64` words of a packed matrix: `rows * ceil(cols * bits / 64)`.
///
/// # Errors
/// [`KernelError::Bits`] if `bits` is not 2 to 8; [`KernelError::TooLarge`] if `rows` or `cols`
/// exceeds [`crate::ternary::MAX_DIM`]; [`KernelError::Overflow`].
pub fn words_len(rows: usize, cols: usize, bits: u32) -> Result<usize, KernelError> {
    if !(2..=8).contains(&bits) {
        return Err(KernelError::Bits { found: bits });
    }
    check_dims(rows, cols)?;
    product("words", &[rows, words_per_row(cols, bits)])
}

fn words_per_row(cols: usize, bits: u32) -> usize {
    (cols * bits as usize).div_ceil(64)
}

/// Packs codes `[rows, cols]`.
///
/// # Errors
/// [`KernelError::Length`] for `codes` or `words`; [`KernelError::Value`] with the index of the
/// first code that needs more bits, in which case `words` is unchanged; the errors of
/// [`words_len`].
pub fn pack_u8(rows: usize, cols: usize, bits: u32, codes: &[u8], words: &mut [u64]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, bits)?)?;
    check_len("codes", codes, product("codes", &[rows, cols])?)?;
    let max = (1i32 << bits) - 1;
    if let Some(index) = codes.iter().position(|&code| i32::from(code) > max) {
        return Err(KernelError::Value { index, min: 0, max, found: codes[index].into() });
    }
    if cols == 0 {
        return Ok(());
    }
    words.fill(0);
    let rows = codes.chunks_exact(cols);
    for (row, words) in rows.zip(words.chunks_exact_mut(words_per_row(cols, bits))) {
        for (c, &code) in row.iter().enumerate() {
            let at = c * bits as usize;
            words[at / 64] |= u64::from(code) << (at % 64);
            let fitting = 64 - at % 64;
            if fitting < bits as usize {
                words[at / 64 + 1] |= u64::from(code) >> fitting;
            }
        }
    }
    Ok(())
}

/// Unpacks to codes `[rows, cols]`.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `codes`; the errors of [`words_len`].
pub fn unpack_u8(words: &[u64], rows: usize, cols: usize, bits: u32, codes: &mut [u8]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, bits)?)?;
    check_len("codes", codes, product("codes", &[rows, cols])?)?;
    for (i, code) in codes.iter_mut().enumerate() {
        *code = code_at(row_of(words, cols, bits, i / cols), bits, i % cols);
    }
    Ok(())
}

/// Unpacks to values `[rows, cols]`.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`words_len`].
pub fn unpack_f32(words: &[u64], rows: usize, cols: usize, format: Format, out: &mut [f32]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, format.bits)?)?;
    check_len("out", out, product("out", &[rows, cols])?)?;
    for (i, value) in out.iter_mut().enumerate() {
        let row = row_of(words, cols, format.bits, i / cols);
        *value = format.value(code_at(row, format.bits, i % cols));
    }
    Ok(())
}

/// The code at row `r`, column `c`.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Index`] for `r` or `c`; the errors of
/// [`words_len`].
pub fn get(words: &[u64], rows: usize, cols: usize, bits: u32, r: usize, c: usize) -> Result<u8, KernelError> {
    check_len("words", words, words_len(rows, cols, bits)?)?;
    for (argument, found, end) in [("r", r, rows), ("c", c, cols)] {
        if found >= end {
            return Err(KernelError::Index { argument, end, found });
        }
    }
    Ok(code_at(row_of(words, cols, bits, r), bits, c))
}

/// Checks that all padding bits are 0.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Padding`] with the first word of wrong
/// padding; the errors of [`words_len`].
pub fn check_codes(words: &[u64], rows: usize, cols: usize, bits: u32) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, bits)?)?;
    let used = cols * bits as usize % 64;
    if used == 0 {
        return Ok(());
    }
    let len = words_per_row(cols, bits);
    for (r, row) in words.chunks_exact(len).enumerate() {
        let found = row[len - 1] >> used << used;
        if found != 0 {
            return Err(KernelError::Padding { word: (r + 1) * len - 1, expected: 0, found });
        }
    }
    Ok(())
}

/// The words of a row that exists.
#[inline(always)]
fn row_of(words: &[u64], cols: usize, bits: u32, r: usize) -> &[u64] {
    let len = words_per_row(cols, bits);
    &words[r * len..][..len]
}

/// The code of a column that exists.
#[inline(always)]
fn code_at(row: &[u64], bits: u32, c: usize) -> u8 {
    let at = c * bits as usize;
    let (word, shift) = (at / 64, at % 64);
    let mut code = row[word] >> shift;
    if shift + bits as usize > 64 {
        code |= row[word + 1] << (64 - shift);
    }
    (code & ((1 << bits) - 1)) as u8
}

/// A matrix that is not empty, lengths checked.
fn codes(words: &[u64], rows: usize, cols: usize, format: Format) -> Codes<'_> {
    Codes { words, rows, cols, bits: format.bits, scale: format.scale, zero: format.zero }
}

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
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_int8(
    words: &[u64],
    rows: usize,
    cols: usize,
    format: Format,
    codes: &[i8],
    scales: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_int8_with(Exec::best(), words, rows, cols, format, codes, scales, n, out, scratch)
}

/// [`forward_int8`] on a given instruction set and threads.
///
/// # Errors
/// As [`forward_int8`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_int8_with(
    exec: impl Into<Exec>,
    words: &[u64],
    rows: usize,
    cols: usize,
    format: Format,
    codes: &[i8],
    scales: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols, format.bits)?)?;
    check_len("codes", codes, int8_codes_len(n, cols)?)?;
    check_len("scales", scales, n)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    let exec = exec.into();
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::forward_int8(words, (rows, cols), format, codes, scales, out);
    } else {
        codes::forward_int8(exec, self::codes(words, rows, cols, format), codes, scales, out, scratch)?;
    }
    Ok(())
}

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
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_f32(
    words: &[u64],
    rows: usize,
    cols: usize,
    format: Format,
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_f32_with(Exec::best(), words, rows, cols, format, x, n, out, scratch)
}

/// [`forward_f32`] on a given instruction set and threads.
///
/// # Errors
/// As [`forward_f32`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_f32_with(
    exec: impl Into<Exec>,
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
    let exec = exec.into();
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::forward_f32(words, (rows, cols), format, x, out);
    } else {
        codes::forward_f32(exec, codes(words, rows, cols, format), x, out, scratch)?;
    }
    Ok(())
}

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
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn transposed_f32(
    words: &[u64],
    rows: usize,
    cols: usize,
    format: Format,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    transposed_f32_with(Exec::best(), words, rows, cols, format, y, n, out, scratch)
}

/// [`transposed_f32`] on a given instruction set and threads.
///
/// # Errors
/// As [`transposed_f32`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn transposed_f32_with(
    exec: impl Into<Exec>,
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
    let exec = exec.into();
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::transposed_f32(words, (rows, cols), format, y, out);
    } else {
        codes::transposed_f32(exec, codes(words, rows, cols, format), y, out, scratch)?;
    }
    Ok(())
}
