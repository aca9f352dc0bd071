//! Packing, unpacking and validation.

use super::{COLUMNS, Matrix, SIGNS, bytes};
use crate::error::{KernelError, check_len, product};
use crate::ternary;

/// Number of `u64` words: `ceil(rows / 8) * 8 * ceil(cols / 40)`.
///
/// # Errors
/// As [`ternary::words_len`].
pub fn words_len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    ternary::words_len(rows, cols)?;
    product("words", &[rows.div_ceil(8), 8, cols.div_ceil(COLUMNS)])
}

/// Packs the words of the two-bit form.
///
/// | name    | shape                          |
/// |---------|--------------------------------|
/// | `words` | [`ternary::words_len`]         |
/// | `out`   | [`words_len`] of this form     |
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`ternary::check_codes`]. `out` is unchanged then.
pub fn pack(words: &[u64], rows: usize, cols: usize, out: &mut [u64]) -> Result<(), KernelError> {
    check_len("out", out, words_len(rows, cols)?)?;
    ternary::check_codes(words, rows, cols)?;
    let two_bit = ternary::Matrix::new(words, rows, cols)?;
    fill(rows, cols, out, |r, w| {
        // 80 bits from bit 80 w on: they touch at most two words.
        let (first, shift) = (5 * w / 4, 5 * w % 4 * 16);
        let word = |k| two_bit.tile(r / 8).get::<usize>(k).map_or(ternary::ZERO_WORD, |line| line[r % 8]);
        let window = (u128::from(word(first)) | u128::from(word(first + 1)) << 64) >> shift;
        // Numbers up to 242, so that no byte carries into the next.
        (0..5).fold(0, |v, n| 3 * v + spread((window >> (16 * n)) as u16))
    });
    Ok(())
}

/// Packs digits `[rows, cols]`.
///
/// # Errors
/// [`KernelError::Length`] for `digits` or `words`; [`KernelError::Value`] with the index of the first
/// digit outside -1..=1, in which case `words` is unchanged; the errors of [`words_len`].
pub fn pack_i8(rows: usize, cols: usize, digits: &[i8], words: &mut [u64]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("digits", digits, product("digits", &[rows, cols])?)?;
    if let Some(index) = digits.iter().position(|d| !(-1..=1).contains(d)) {
        return Err(KernelError::Value { index, min: -1, max: 1, found: digits[index].into() });
    }
    fill(rows, cols, words, |r, w| {
        let row = &digits[r * cols + COLUMNS * w..(r + 1) * cols];
        let mut codes = [1; COLUMNS];
        for (code, &digit) in codes.iter_mut().zip(row) {
            *code = (digit + 1) as u8;
        }
        codes.as_chunks::<8>().0.iter().fold(0, |v, &codes| 3 * v + u64::from_le_bytes(codes))
    });
    Ok(())
}

/// Fills words from the numbers (a byte each) of row and word column; padding rows get the digit 0.
fn fill(rows: usize, cols: usize, words: &mut [u64], numbers: impl Fn(usize, usize) -> u64) {
    words.fill(super::ZERO_WORD);
    let words_per_row = cols.div_ceil(COLUMNS);
    for r in 0..rows {
        for w in 0..words_per_row {
            let fractions = numbers(r, w).to_le_bytes().map(bytes::fraction);
            words[(r / 8 * words_per_row + w) * 8 + r % 8] = u64::from_le_bytes(fractions) ^ SIGNS;
        }
    }
}

/// 8 two-bit codes to bytes.
fn spread(codes: u16) -> u64 {
    let v = u64::from(codes);
    let v = (v | v << 24) & 0x0000_00FF_0000_00FF;
    let v = (v | v << 12) & 0x000F_000F_000F_000F;
    (v | v << 6) & 0x0303_0303_0303_0303
}

/// The codes of a byte, by its unsigned fraction.
static CODES: [bytes::Codes; 256] = {
    let mut table = [[0; 5]; 256];
    let mut x = 0;
    while x < 256 {
        table[x] = bytes::codes(x as u8);
        x += 1;
    }
    table
};

/// Unpacks to the words of the two-bit form.
///
/// | name    | shape                      |
/// |---------|----------------------------|
/// | `words` | [`words_len`] of this form |
/// | `out`   | [`ternary::words_len`]     |
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`check`]. `out` is unchanged then.
pub fn unpack(words: &[u64], rows: usize, cols: usize, out: &mut [u64]) -> Result<(), KernelError> {
    check_len("out", out, ternary::words_len(rows, cols)?)?;
    let m = canonical(words, rows, cols)?;
    out.fill(ternary::ZERO_WORD);
    let words_per_row = cols.div_ceil(32);
    for r in 0..rows {
        for w in 0..m.words_per_row {
            // Codes less the code 1 that is in place already, as in `pack_i8` of the two-bit form.
            let mut window = 0u128;
            for (b, x) in m.fractions(r, w).into_iter().enumerate() {
                for (n, code) in CODES[usize::from(x)].into_iter().enumerate() {
                    window |= u128::from(code ^ 1) << (16 * n + 2 * b);
                }
            }
            let (first, shift) = (5 * w / 4, 5 * w % 4 * 16);
            window <<= shift;
            for (k, part) in [(first, window as u64), (first + 1, (window >> 64) as u64)] {
                // Past the last word there is only padding.
                if k < words_per_row {
                    out[(r / 8 * words_per_row + k) * 8 + r % 8] ^= part;
                }
            }
        }
    }
    Ok(())
}

/// Unpacks to digits `[rows, cols]`.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `digits`; the errors of [`check`]. `digits` is unchanged then.
pub fn unpack_i8(words: &[u64], rows: usize, cols: usize, digits: &mut [i8]) -> Result<(), KernelError> {
    check_len("digits", digits, product("digits", &[rows, cols])?)?;
    let m = canonical(words, rows, cols)?;
    if cols == 0 {
        return Ok(());
    }
    for (r, row) in digits.chunks_exact_mut(cols).enumerate() {
        for (w, part) in row.chunks_mut(COLUMNS).enumerate() {
            let codes = m.fractions(r, w).map(|x| CODES[usize::from(x)]);
            for (i, digit) in part.iter_mut().enumerate() {
                *digit = codes[i % 8][i / 8] as i8 - 1;
            }
        }
    }
    Ok(())
}

/// Checks that `words` is canonical: every byte the stored form of five digits, and the digit 0 in
/// all padding.
///
/// # Errors
/// [`KernelError::Length`] for `words`; [`KernelError::Code`] with the row, the first of the five columns and the
/// stored byte for the first byte (in storage order) that no number gives; [`KernelError::Padding`] for the
/// first word with another digit in its padding, with the bytes that hold padding as they are
/// and as they would be with zeros there; the errors of [`words_len`].
pub fn check(words: &[u64], rows: usize, cols: usize) -> Result<(), KernelError> {
    canonical(words, rows, cols).map(|_| ())
}

/// A matrix that is canonical.
fn canonical(words: &[u64], rows: usize, cols: usize) -> Result<Matrix<'_>, KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    for (index, line) in m.lines.iter().enumerate() {
        let (tile, w) = (index / m.words_per_row, index % m.words_per_row);
        for (k, &word) in line.iter().enumerate() {
            let row = tile * 8 + k;
            let columns = if row < rows { cols - COLUMNS * w } else { 0 };
            check_word(word, index * 8 + k, row, COLUMNS * w, columns)?;
        }
    }
    Ok(m)
}

/// Checks one word, number `index`, that begins at column `col` of a row and has `columns` columns or all 40.
fn check_word(word: u64, index: usize, row: usize, col: usize, columns: usize) -> Result<(), KernelError> {
    let fractions = (word ^ SIGNS).to_le_bytes();
    // Padding first: where a byte holds nothing else, it is wrong padding and no digit.
    if columns < COLUMNS {
        let (mut expected, mut found) = ([0; 8], [0; 8]);
        for (b, x) in fractions.into_iter().enumerate() {
            // The digits of the byte that are columns; the others are padding.
            let used = columns.saturating_sub(b).div_ceil(8);
            if used < 5 {
                let mut codes = CODES[usize::from(x)];
                codes[used..].fill(1);
                let number = codes.iter().zip(bytes::POWERS).map(|(code, power)| code * power).sum();
                expected[b] = bytes::fraction(number) ^ 0x80;
                found[b] = x ^ 0x80;
            }
        }
        let (expected, found) = (u64::from_le_bytes(expected), u64::from_le_bytes(found));
        if expected != found {
            return Err(KernelError::Padding { word: index, expected, found });
        }
    }
    match fractions.iter().position(|&x| !bytes::is_canonical(x)) {
        Some(b) => Err(KernelError::Code { row, col: col + b, found: fractions[b] ^ 0x80 }),
        None => Ok(()),
    }
}
