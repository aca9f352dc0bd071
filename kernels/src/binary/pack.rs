//! Packing and reading single codes.

use crate::codes::check_dims;
use crate::error::{KernelError, check_len, product};

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
pub(super) fn bit_at(words: &[u64], cols: usize, r: usize, c: usize) -> u8 {
    (words[r * cols.div_ceil(64) + c / 64] >> (c % 64) & 1) as u8
}
