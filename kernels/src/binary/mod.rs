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
//!   `|error| <= k * 2^-23 * m + 2^-24 * |out|`.
//!
//! The bits are the same on every instruction set but `Reference` (for int8 on that, too), for any
//! batching and any number of threads. A token with a NaN or an infinity has NaN outputs.
//!
//! # Kernels
//!
//! Those of [`crate::quantized`], for codes of one bit.

mod reference;

use crate::codes::{self, Codes, check_dims};
use crate::error::{KernelError, check_len, product};
use crate::ternary::int8_codes_len;
use crate::{Exec, Isa, Scratch};

/// Number of `u64` words of a packed matrix: `rows * ceil(cols / 64)`.
///
/// # Errors
/// [`KernelError::TooLarge`] if `rows` or `cols` exceeds [`crate::ternary::MAX_DIM`];
/// [`KernelError::Overflow`].
pub fn words_len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    check_dims(rows, cols)?;
    product("words", &[rows, cols.div_ceil(64)])
}

/// Packs bits `[rows, cols]`, each 0 or 1.
///
/// # Errors
/// [`KernelError::Length`] for `bits` or `words`; [`KernelError::Value`] with the index of the
/// first value above 1, in which case `words` is unchanged; the errors of [`words_len`].
pub fn pack_u8(rows: usize, cols: usize, bits: &[u8], words: &mut [u64]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("bits", bits, product("bits", &[rows, cols])?)?;
    if let Some(index) = bits.iter().position(|&b| b > 1) {
        return Err(KernelError::Value { index, min: 0, max: 1, found: bits[index].into() });
    }
    if cols == 0 {
        return Ok(());
    }
    let rows = bits.chunks_exact(cols);
    for (row, words) in rows.zip(words.chunks_exact_mut(cols.div_ceil(64))) {
        for (part, word) in row.chunks(64).zip(words) {
            let bits = part.iter().enumerate();
            *word = bits.fold(0, |word, (i, &b)| word | u64::from(b) << i);
        }
    }
    Ok(())
}

/// Unpacks to bits `[rows, cols]`.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `bits`; the errors of [`words_len`].
pub fn unpack_u8(words: &[u64], rows: usize, cols: usize, bits: &mut [u8]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("bits", bits, product("bits", &[rows, cols])?)?;
    for (i, bit) in bits.iter_mut().enumerate() {
        *bit = bit_at(words, cols, i / cols, i % cols);
    }
    Ok(())
}

/// Unpacks to floats `[rows, cols]`, each 0 or 1.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`words_len`].
pub fn unpack_f32(words: &[u64], rows: usize, cols: usize, out: &mut [f32]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("out", out, product("out", &[rows, cols])?)?;
    for (i, value) in out.iter_mut().enumerate() {
        *value = bit_at(words, cols, i / cols, i % cols).into();
    }
    Ok(())
}

/// The bit at row `r`, column `c`.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Index`] for `r` or `c`; the errors of
/// [`words_len`].
pub fn get(words: &[u64], rows: usize, cols: usize, r: usize, c: usize) -> Result<u8, KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    for (argument, found, end) in [("r", r, rows), ("c", c, cols)] {
        if found >= end {
            return Err(KernelError::Index { argument, end, found });
        }
    }
    Ok(bit_at(words, cols, r, c))
}

/// Checks that all padding bits are 0.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Padding`] with the first word of wrong
/// padding; the errors of [`words_len`].
pub fn check_codes(words: &[u64], rows: usize, cols: usize) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    if cols.is_multiple_of(64) {
        return Ok(());
    }
    let words_per_row = cols.div_ceil(64);
    for (r, row) in words.chunks_exact(words_per_row).enumerate() {
        let found = row[words_per_row - 1] >> (cols % 64) << (cols % 64);
        if found != 0 {
            return Err(KernelError::Padding { word: (r + 1) * words_per_row - 1, expected: 0, found });
        }
    }
    Ok(())
}

/// The bit at a place that exists, in words of the right length.
fn bit_at(words: &[u64], cols: usize, r: usize, c: usize) -> u8 {
    (words[r * cols.div_ceil(64) + c / 64] >> (c % 64) & 1) as u8
}

/// A matrix that is not empty, lengths checked.
fn codes(words: &[u64], rows: usize, cols: usize, scale: f32) -> Codes<'_> {
    Codes { words, rows, cols, bits: 1, scale, zero: 0 }
}

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
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_int8_with(Exec::best(), words, rows, cols, codes, scales, n, weight_scale, out, scratch)
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
    codes: &[i8],
    scales: &[f32],
    n: usize,
    weight_scale: f32,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("codes", codes, int8_codes_len(n, cols)?)?;
    check_len("scales", scales, n)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    let exec = exec.into();
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::forward_int8(words, rows, cols, codes, scales, weight_scale, out);
    } else {
        codes::forward_int8(exec, self::codes(words, rows, cols, weight_scale), codes, scales, out, scratch)?;
    }
    Ok(())
}

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
pub fn forward_f32(
    words: &[u64],
    rows: usize,
    cols: usize,
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_f32_with(Exec::best(), words, rows, cols, x, n, out, scratch)
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
    x: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("x", x, product("x", &[n, cols])?)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    let exec = exec.into();
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::forward_f32(words, rows, cols, x, out);
    } else {
        codes::forward_f32(exec, codes(words, rows, cols, 1.0), x, out, scratch)?;
    }
    Ok(())
}

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
pub fn transposed_f32(
    words: &[u64],
    rows: usize,
    cols: usize,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    transposed_f32_with(Exec::best(), words, rows, cols, y, n, out, scratch)
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
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("y", y, product("y", &[n, rows])?)?;
    check_len("out", out, product("out", &[n, cols])?)?;
    let exec = exec.into();
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if exec.isa() == Isa::Reference {
        reference::transposed_f32(words, rows, cols, y, out);
    } else {
        codes::transposed_f32(exec, codes(words, rows, cols, 1.0), y, out, scratch)?;
    }
    Ok(())
}
