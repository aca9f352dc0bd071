//! Packing, unpacking and validation.

use super::{MAX_DIM, Matrix, ZERO_WORD};
use crate::error::{KernelError, check_len, product};

/// Number of `u64` words of a packed matrix: `ceil(rows / 8) * 8 * ceil(cols / 32)`.
///
/// # Errors
/// [`KernelError::TooLarge`] if `rows` or `cols` exceeds [`MAX_DIM`]; [`KernelError::Overflow`]
/// if the length does not fit in a `usize` (32-bit targets).
pub fn words_len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    for (argument, found) in [("rows", rows), ("cols", cols)] {
        if found > MAX_DIM {
            return Err(KernelError::TooLarge { argument, limit: MAX_DIM, found });
        }
    }
    product("words", &[rows.div_ceil(8), 8, cols.div_ceil(32)])
}

/// Packs digits `[rows, cols]`; padding gets the digit 0.
///
/// # Errors
/// [`KernelError::Length`] for `digits` or `words`; [`KernelError::Value`] with the index of the
/// first digit outside -1..=1, in which case `words` is unchanged; the errors of [`words_len`].
pub fn pack_i8(rows: usize, cols: usize, digits: &[i8], words: &mut [u64]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("digits", digits, product("digits", &[rows, cols])?)?;
    if let Some(index) = digits.iter().position(|d| !(-1..=1).contains(d)) {
        return Err(KernelError::Value { index, min: -1, max: 1, found: digits[index].into() });
    }
    words.fill(ZERO_WORD);
    if cols == 0 {
        return Ok(());
    }
    let lines = words.as_chunks_mut::<8>().0;
    let words_per_row = cols.div_ceil(32);
    for (r, row) in digits.chunks_exact(cols).enumerate() {
        for (w, part) in row.chunks(32).enumerate() {
            let word = part.iter().enumerate().fold(ZERO_WORD, |word, (i, &d)| {
                // Code 1 is in place: flipping its bits with `code ^ 1` leaves `code`.
                word ^ u64::from((d + 1) as u8 ^ 1) << (2 * i)
            });
            lines[r / 8 * words_per_row + w][r % 8] = word;
        }
    }
    Ok(())
}

/// Unpacks to digits `[rows, cols]`. Code 3 gives +2.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `digits`; the errors of [`words_len`].
pub fn unpack_i8(words: &[u64], rows: usize, cols: usize, digits: &mut [i8]) -> Result<(), KernelError> {
    unpack(words, rows, cols, "digits", digits, |code| code as i8 - 1)
}

/// Unpacks to floats `[rows, cols]`, each -1, 0 or +1. Code 3 gives +2.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`words_len`].
pub fn unpack_f32(words: &[u64], rows: usize, cols: usize, out: &mut [f32]) -> Result<(), KernelError> {
    unpack(words, rows, cols, "out", out, |code| f32::from(code as i8 - 1))
}

fn unpack<T>(
    words: &[u64],
    rows: usize,
    cols: usize,
    argument: &'static str,
    out: &mut [T],
    value: impl Fn(u8) -> T,
) -> Result<(), KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    check_len(argument, out, product(argument, &[rows, cols])?)?;
    if cols == 0 {
        return Ok(());
    }
    for (r, row) in out.chunks_exact_mut(cols).enumerate() {
        for (part, line) in row.chunks_mut(32).zip(m.tile(r / 8)) {
            for (i, v) in part.iter_mut().enumerate() {
                *v = value((line[r % 8] >> (2 * i) & 3) as u8);
            }
        }
    }
    Ok(())
}

/// The digit at row `r`, column `c`. Code 3 gives +2.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Index`] for `r` or `c`; the errors of
/// [`words_len`].
pub fn get(words: &[u64], rows: usize, cols: usize, r: usize, c: usize) -> Result<i8, KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    for (argument, found, end) in [("r", r, rows), ("c", c, cols)] {
        if found >= end {
            return Err(KernelError::Index { argument, end, found });
        }
    }
    Ok(m.code(r, c) as i8 - 1)
}

/// Checks that `words` is canonical: no code 3, and the digit 0 in all padding.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Code`] with the place of the first code 3
/// (in storage order); [`KernelError::Padding`] with the first word of wrong padding; the errors
/// of [`words_len`].
pub fn check_codes(words: &[u64], rows: usize, cols: usize) -> Result<(), KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    for (index, line) in m.lines.iter().enumerate() {
        let (tile, w) = (index / m.words_per_row, index % m.words_per_row);
        for (k, &word) in line.iter().enumerate() {
            let row = tile * 8 + k;
            let columns = if row < rows { cols - 32 * w } else { 0 };
            check_word(word, index * 8 + k, row, 32 * w, columns)?;
        }
    }
    Ok(())
}

/// Checks one word, number `index`, that begins at column `col` of a row and has `columns` columns or all 32.
pub(super) fn check_word(word: u64, index: usize, row: usize, col: usize, columns: usize) -> Result<(), KernelError> {
    let used = used_bits(columns);
    let threes = word & word >> 1 & ZERO_WORD & used;
    if threes != 0 {
        return Err(KernelError::Code { row, col: col + threes.trailing_zeros() as usize / 2, found: 3 });
    }
    let (expected, found) = (ZERO_WORD & !used, word & !used);
    if expected == found { Ok(()) } else { Err(KernelError::Padding { word: index, expected, found }) }
}

/// The bits of a word that hold its first `columns` codes.
fn used_bits(columns: usize) -> u64 {
    if columns >= 32 { u64::MAX } else { (1 << (2 * columns)) - 1 }
}
