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
//! f32-grade, as in [`crate::ternary`]: a token is rounded once to multiples of a power of two,
//! sums are exact and rounded once. With `m = max|x|` over the token and `k` ones in the row,
//! `|error| <= k * 2^-23 * m + 2^-24 * |out|`. The bits are the same on every instruction set but
//! `Reference` and for any batching. A token with a NaN or an infinity has NaN outputs.

mod portable;
mod reference;

use crate::error::{KernelError, check_len, product};
use crate::exact::check_dims;
use crate::{Isa, Scratch};

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

/// `out[t, r] = sum over c of B[r, c] * x[t, c]`.
///
/// | name    | shape         |
/// |---------|---------------|
/// | `words` | [`words_len`] |
/// | `x`     | `[n, cols]`   |
/// | `out`   | `[n, rows]`   |
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
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("x", x, product("x", &[n, cols])?)?;
    check_len("out", out, product("out", &[n, rows])?)?;
    if n == 0 || rows == 0 || cols == 0 {
        out.fill(0.0);
    } else if isa == Isa::Reference {
        reference::forward_f32(words, rows, cols, x, out);
    } else {
        portable::forward_f32(isa, words, rows, cols, x, out, scratch);
    }
    Ok(())
}

/// `out[t, c] = sum over r of B[r, c] * y[t, r]`: the cotangent of the input of [`forward_f32`].
///
/// | name    | shape         |
/// |---------|---------------|
/// | `words` | [`words_len`] |
/// | `y`     | `[n, rows]`   |
/// | `out`   | `[n, cols]`   |
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
    transposed_f32_with(Isa::best(), words, rows, cols, y, n, out, scratch)
}

/// [`transposed_f32`] on a given instruction set.
///
/// # Errors
/// As [`transposed_f32`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn transposed_f32_with(
    isa: Isa,
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
    } else if isa == Isa::Reference {
        reference::transposed_f32(words, rows, cols, y, out);
    } else {
        portable::transposed_f32(isa, words, rows, cols, y, out, scratch);
    }
    Ok(())
}
