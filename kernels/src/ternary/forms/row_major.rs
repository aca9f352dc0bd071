//! The same words, a row after the other: word `w` of row `r` at `r * ceil(cols / 32) + w`.
//!
//! Columns past the last hold the digit 0, as in the tiles; rows are not padded.

use super::super::pack::check_word;
use super::super::{ZERO_WORD, words_len};
use super::canonical;
use crate::error::{KernelError, check_len, product};

/// Number of `u64` words: `rows * ceil(cols / 32)`.
///
/// # Errors
/// Those of [`words_len`].
pub fn len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    words_len(rows, cols)?;
    product("row_major", &[rows, cols.div_ceil(32)])
}

/// Tiles to rows.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of
/// [`check_codes`](super::super::check_codes).
pub fn pack(words: &[u64], rows: usize, cols: usize, out: &mut [u64]) -> Result<(), KernelError> {
    check_len("out", out, len(rows, cols)?)?;
    let m = canonical(words, rows, cols)?;
    for (r, row) in out.chunks_exact_mut(m.words_per_row.max(1)).enumerate() {
        for (out, line) in row.iter_mut().zip(m.tile(r / 8)) {
            *out = line[r % 8];
        }
    }
    Ok(())
}

/// Rows to tiles.
///
/// # Errors
/// [`KernelError::Length`] for `row_major` or `words`; [`KernelError::Code`] for a code 3;
/// [`KernelError::Padding`] for a word whose columns past the last are not the digit 0.
pub fn unpack(row_major: &[u64], rows: usize, cols: usize, words: &mut [u64]) -> Result<(), KernelError> {
    check_len("row_major", row_major, len(rows, cols)?)?;
    check_len("words", words, words_len(rows, cols)?)?;
    let words_per_row = cols.div_ceil(32);
    for (index, &word) in row_major.iter().enumerate() {
        let (r, w) = (index / words_per_row, index % words_per_row);
        check_word(word, index, r, 32 * w, cols - 32 * w)?;
    }
    words.fill(ZERO_WORD);
    for (index, &word) in row_major.iter().enumerate() {
        let (r, w) = (index / words_per_row, index % words_per_row);
        words[(r / 8 * words_per_row + w) * 8 + r % 8] = word;
    }
    Ok(())
}
