//! Other storage forms of ternary matrices, to and from the words of this crate.
//!
//! | module        | bits a digit   | used by                                       | shapes                     |
//! |---------------|----------------|-----------------------------------------------|----------------------------|
//! | [`row_major`] | 2              | the same words, a row after the other         | any                        |
//! | [`hf_u8`]     | 2              | `transformers` checkpoints of BitNet b1.58    | `rows` a multiple of 4     |
//! | [`i2_s`]      | 2 + 32 bytes   | bitnet.cpp, three byte orders                 | see [`i2_s::Order`]        |
//! | [`tq2_0`]     | 2.0625         | llama.cpp                                     | `cols` a multiple of 256   |
//! | [`tq1_0`]     | 1.6875         | llama.cpp, five digits a byte                 | `cols` a multiple of 256   |
//!
//! Every module has `len`, `pack` (words of this crate to the form) and `unpack` (the form to words). Both
//! directions keep every digit, and the scale where the form has one, or refuse with the reason;
//! nothing is written then. `unpack(pack(words)) == words` for canonical words
//! ([`super::check_codes`]).
//!
//! ```
//! use barewire_kernels::ternary::{self, forms};
//!
//! let digits: Vec<i8> = (0..4 * 256).map(|i| (i % 3) as i8 - 1).collect();
//! let mut words = vec![0; ternary::words_len(4, 256)?];
//! ternary::pack_i8(4, 256, &digits, &mut words)?;
//! let mut blocks = vec![0; forms::tq1_0::len(4, 256)?];
//! forms::tq1_0::pack(&words, 4, 256, 0.75, &mut blocks)?;
//! let mut again = vec![0; words.len()];
//! assert_eq!(forms::tq1_0::unpack(&blocks, 4, 256, &mut again)?, 0.75);
//! assert_eq!(again, words);
//! // 0.1 has no exact half-precision form:
//! let error = forms::tq1_0::pack(&words, 4, 256, 0.1, &mut blocks).unwrap_err();
//! assert_eq!(error.to_string(), "`scale` is 0.1, which half precision cannot hold; the nearest is 0.099975586");
//! # Ok::<(), barewire_kernels::KernelError>(())
//! ```

pub mod hf_u8;
pub mod i2_s;
pub mod row_major;
pub mod tq1_0;
pub mod tq2_0;

use half::f16;

use super::{Matrix, ZERO_WORD, check_codes, words_len};
use crate::error::{KernelError, check_len};

/// The codes (digit + 1) of 32 columns of a row; 1 past the last column.
type Codes = [u8; 32];

/// Refuses a dimension that is not a multiple of `of`.
fn check_multiple(argument: &'static str, found: usize, of: usize) -> Result<(), KernelError> {
    if found.is_multiple_of(of) { Ok(()) } else { Err(KernelError::Multiple { argument, of, found }) }
}

/// A matrix that is canonical.
fn canonical(words: &[u64], rows: usize, cols: usize) -> Result<Matrix<'_>, KernelError> {
    check_codes(words, rows, cols)?;
    Matrix::new(words, rows, cols)
}

/// Calls `put(row, word column, codes)` for every word.
fn pack_words(m: Matrix<'_>, mut put: impl FnMut(usize, usize, &Codes)) {
    for r in 0..m.rows {
        for (w, line) in m.tile(r / 8).iter().enumerate() {
            put(r, w, &spread(line[r % 8]));
        }
    }
}

/// Fills words from `get(row, word column)`, after a look at all codes.
fn unpack_words(
    rows: usize,
    cols: usize,
    words: &mut [u64],
    get: impl Fn(usize, usize) -> Codes,
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    let words_per_row = cols.div_ceil(32);
    for r in 0..rows {
        for w in 0..words_per_row {
            let codes = get(r, w);
            if codes.iter().fold(0, |max, &code| code.max(max)) > 2
                && let Some(i) = codes.iter().position(|&code| code > 2)
            {
                return Err(KernelError::Code { row: r, col: 32 * w + i, found: codes[i] });
            }
        }
    }
    words.fill(ZERO_WORD);
    for r in 0..rows {
        for w in 0..words_per_row {
            words[(r / 8 * words_per_row + w) * 8 + r % 8] = gather(&get(r, w));
        }
    }
    Ok(())
}

/// The codes of a word, a byte each.
fn spread(word: u64) -> Codes {
    let mut codes = [0; 32];
    for (q, codes) in codes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let v = word >> (16 * q) & 0xFFFF;
        let v = (v | v << 24) & 0x0000_00FF_0000_00FF;
        let v = (v | v << 12) & 0x000F_000F_000F_000F;
        let v = (v | v << 6) & 0x0303_0303_0303_0303;
        *codes = v.to_le_bytes();
    }
    codes
}

/// The inverse of [`spread`], for codes below 4.
fn gather(codes: &Codes) -> u64 {
    let mut word = 0;
    for (q, codes) in codes.as_chunks::<8>().0.iter().enumerate() {
        let v = u64::from_le_bytes(*codes);
        let v = (v | v >> 6) & 0x000F_000F_000F_000F;
        let v = (v | v >> 12) & 0x0000_00FF_0000_00FF;
        let v = (v | v >> 24) & 0xFFFF;
        word |= v << (16 * q);
    }
    word
}

/// Values of a block of llama.cpp's ternary types; blocks do not cross rows.
const BLOCK: usize = 256;

/// The scale of llama.cpp's blocks.
fn half_scale(scale: f32) -> Result<[u8; 2], KernelError> {
    let half = f16::from_f32(scale);
    if half.to_f32() == scale && scale.is_finite() {
        return Ok(half.to_le_bytes());
    }
    Err(KernelError::NotHalf { argument: "scale", bits: scale.to_bits() })
}

/// The one scale of all blocks of `N` bytes, which ends each of them.
///
/// A block of zeros may have the scale 0, as llama.cpp's own quantiser writes it; `is_zero` tells
/// whether a block has no other digits.
fn one_scale<const N: usize>(blocks: &[[u8; N]], is_zero: impl Fn(&[u8; N]) -> bool) -> Result<f32, KernelError> {
    let mut scale: Option<f32> = None;
    for (index, block) in blocks.iter().enumerate() {
        let found = f16::from_le_bytes([block[N - 2], block[N - 1]]).to_f32();
        if found == 0.0 && is_zero(block) {
            continue;
        }
        let expected = *scale.get_or_insert(found);
        // By bits, so that a NaN is refused like any other difference.
        if expected.to_bits() != found.to_bits() || !found.is_finite() {
            return Err(KernelError::BlockScale { index, expected: expected.to_bits(), found: found.to_bits() });
        }
    }
    Ok(scale.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_and_gather_are_inverse() {
        let word = 0x0123_4567_89AB_CDEF;
        let codes = spread(word);
        for (i, code) in codes.into_iter().enumerate() {
            assert_eq!(u64::from(code), word >> (2 * i) & 3);
        }
        assert_eq!(gather(&codes), word);
    }
}
