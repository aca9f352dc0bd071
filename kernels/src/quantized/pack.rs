//! Packing and reading single codes.

use super::Format;
use crate::codes::check_dims;
use crate::error::{KernelError, check_len, product};

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
pub(super) fn row_of(words: &[u64], cols: usize, bits: u32, r: usize) -> &[u64] {
    let len = words_per_row(cols, bits);
    &words[r * len..][..len]
}

/// The code of a column that exists.
#[inline(always)]
pub(super) fn code_at(row: &[u64], bits: u32, c: usize) -> u8 {
    let at = c * bits as usize;
    let (word, shift) = (at / 64, at % 64);
    let mut code = row[word] >> shift;
    if shift + bits as usize > 64 {
        code |= row[word + 1] << (64 - shift);
    }
    (code & ((1 << bits) - 1)) as u8
}
