//! Ternary matrices at 1.6 bits a digit, five digits a byte, and their product with int8 activations.
//!
//! # Layout
//!
//! A word is a `u64` (little-endian on disk) of 40 columns of a row. Byte `b` of word `w`, with `b` in 0..8, holds
//! the five digits of columns
//!
//! ```text
//! 40 w + b,  40 w + 8 + b,  40 w + 16 + b,  40 w + 24 + b,  40 w + 32 + b
//! ```
//!
//! as the base-3 number `v` of the digits plus one, the first column most significant (81, 27, 9, 3,
//! 1). The byte is
//!
//! ```text
//! ceil(256 v / 243) - 128    as a signed byte: -128 to 127, 243 of the 256 values
//! ```
//!
//! so that the digits come out one after the other, `y = 3 y` modulo 256 between them: the digit is
//! -1 where the signed byte `y` is below -42, +1 where it is above 42, else 0. Digit `n` of the 8
//! bytes of a word meets 8 neighbouring columns, so neither weights nor activations are shuffled.
//! With 128 added (the top bit flipped) a byte is one of llama.cpp's [`TQ1_0`](super::forms::tq1_0).
//!
//! Words are in the order of the two-bit form ("Tile8"): the word of row `r` and word column `w` has the index
//!
//! ```text
//! (r / 8 * W + w) * 8 + r % 8            W = ceil(cols / 40)
//! ```
//!
//! so that 8 rows x 40 columns are 64 consecutive bytes. Rows are padded to a multiple of 8 and columns
//! to a multiple of 40 with the digit 0. Five zeros are the byte 0: zeroed memory is a matrix of
//! zeros. A byte that no number gives is refused by [`check`]; on data that nobody checked every
//! path takes the digits that the rule above gives.
//!
//! # When it pays
//!
//! A digit takes 1.6 bits, four fifths of the memory of the two-bit form, and more work. Digits for
//! each second or cycle of one core, matrix and activations in cache:
//!
//! | instruction set                       | tokens | this form / two-bit form                      |
//! |---------------------------------------|--------|-----------------------------------------------|
//! | AVX2 (Zen 3, measured, 2560 x 2560)   | 1      | 43 / 88 G/s = 0.49                            |
//! |                                       | 2      | 67 / 113 G/s = 0.60                           |
//! |                                       | 4      | 92 / 110 G/s = 0.84                           |
//! | AVX-512 (Zen 4, by counting)          | 1      | 40 / 64 a cycle = 0.62                        |
//! |                                       | 4      | both limited by `vpdpbusd`, 64 a cycle at most |
//! | AVX-512 (Sapphire Rapids, `llvm-mca`) | 1      | 26 / 64 a cycle = 0.4                         |
//!
//! A matrix that comes from memory, `g` GB/s of it to each busy core, goes at `4 g` G digits/s in
//! two bits and at `5 g` here, while that is below the figures above. So this form is faster where
//! a core gets less than a quarter of its rate in cache: 11 GB/s on that AVX2 core, and by the full
//! 25 % below 9; with AVX-512 (148 G/s at 3.7 GHz) 37 and 30. That is many cores on one memory, or a
//! core with AVX-512 and a matrix larger than its caches. In cache, and for a single AVX2 core, use
//! the two-bit form; [`unpack`] is one pass.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(super) mod bytes;
mod forward;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pack;
mod portable;
mod product;
mod reference;

pub use forward::{forward_int8, forward_int8_with};
pub use pack::{check, pack, pack_i8, unpack, unpack_i8, words_len};

use super::Line;
use crate::error::{KernelError, check_len};

/// Columns of a word.
pub const COLUMNS: usize = 40;

/// A word whose 40 digits are all 0.
pub const ZERO_WORD: u64 = 0;

/// Flips between a stored byte and the unsigned fraction, in each byte of a word.
const SIGNS: u64 = 0x8080_8080_8080_8080;

/// 40 int8 codes of a token in the order of their columns: `planes[n]` meets digit `n` of the 8 bytes.
type Planes = [[i8; 8]; 5];

/// A packed matrix whose lengths have been checked.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    /// `tiles * words_per_row` lines.
    lines: &'a [Line],
    rows: usize,
    cols: usize,
    words_per_row: usize,
}

impl<'a> Matrix<'a> {
    fn new(words: &'a [u64], rows: usize, cols: usize) -> Result<Self, KernelError> {
        check_len("words", words, words_len(rows, cols)?)?;
        Ok(Self { lines: words.as_chunks().0, rows, cols, words_per_row: cols.div_ceil(COLUMNS) })
    }

    fn tiles(&self) -> usize {
        self.rows.div_ceil(8)
    }

    /// The lines of one tile, one a word column.
    #[inline(always)]
    fn tile(&self, tile: usize) -> &'a [Line] {
        &self.lines[tile * self.words_per_row..][..self.words_per_row]
    }

    /// The word of a row, as unsigned fractions.
    fn fractions(&self, r: usize, w: usize) -> [u8; 8] {
        (self.lines[r / 8 * self.words_per_row + w][r % 8] ^ SIGNS).to_le_bytes()
    }
}
