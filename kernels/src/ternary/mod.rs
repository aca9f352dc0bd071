//! Products with ternary matrices: digits in {-1, 0, +1}, two bits each, never unpacked.
//!
//! # Packing
//!
//! A digit is stored as `digit + 1` in two bits. 32 codes make a `u64` word, column `32 w + i` of
//! a row at bits `2 i` and `2 i + 1` (little-endian on disk). With `W = ceil(cols / 32)` words a
//! row and rows padded to a multiple of 8, the word of row `r` and word column `w` has the index
//!
//! ```text
//! (r / 8 * W + w) * 8 + r % 8            "Tile8": 8 rows x 32 columns are 64 consecutive bytes
//! ```
//!
//! Padding, in rows and in columns, holds the digit 0: bytes `0x55`. Code 3 is no digit:
//! [`check_codes`] refuses it, and on data that nobody checked every path counts it as +2.
//!
//! # Shapes
//!
//! | name     | shape            | meaning                                          |
//! |----------|------------------|--------------------------------------------------|
//! | `words`  | [`words_len`]    | the packed matrix `T[rows, cols]`                |
//! | `x`      | `[n, cols]`      | activations, one token a row                     |
//! | `codes`  | [`int8_codes_len`] | activations as int8, see [`quantize_int8`]     |
//! | `scales` | `[n]`            | value of one int8 step, per token                |
//! | `y`      | `[n, rows]`      | a cotangent of the output                        |
//!
//! All arrays are row-major and contiguous; `rows` and `cols` are at most [`MAX_DIM`].
//!
//! # Grades of activations
//!
//! | grade  | function            | a token is                                | time | error a summand   |
//! |--------|---------------------|-------------------------------------------|------|-------------------|
//! | int8   | [`forward_int8`]    | int8 codes of one step size, as in BitNet | 1    | `max\|x\| / 254`    |
//! | 16-bit | [`forward_fixed16`] | two int8 limbs                            | 2    | `2^-15 * max\|x\|` |
//! | f32    | [`forward_f32`]     | three int8 limbs                          | 3    | `2^-23 * max\|x\|` |
//!
//! For limbs a token is rounded once to multiples of a power of two and split into signed digits of
//! base 256; the same kernel then runs on each limb. The sums are exact, so the only errors are that
//! rounding and the final one to f32. The transposed products have the same three grades;
//! [`forward_unquantized`] takes activations as they are and adds f32 in a stated order.
//!
//! A token that holds a NaN or an infinity has a NaN step and NaN outputs in every place (with
//! [`forward_unquantized`], in the rows whose digit is not 0 there); other tokens are not affected.
//!
//! # Speed
//!
//! In the caches the dot product instruction is the limit, beyond them reading the digits. An array
//! of words that starts on a multiple of 64 bytes loads fastest; for matrices that the caches do
//! not hold, memory in huge pages streams 15 to 30 % faster than in small ones.
//!
//! # Folders
//!
//! `pack` is the storage form, [`base3`] a denser one with a product of its own, [`forms`] are those
//! of others; `absmean` quantises weights, [`accumulate`] trains digits without them, `activations`
//! makes codes and limbs, `forward` and `transposed` multiply them, `unquantized` adds floats. Each of
//! these has one file an instruction set; what two of them need is in `shared`.
//!
//! Source: Ma et al., "The Era of 1-bit LLMs" (2024) for the quantisers; the packing and the
//! kernels are our own, see `docs/design.md`.

pub(crate) mod absmean;
pub mod accumulate;
mod activations;
pub mod base3;
pub mod forms;
mod forward;
mod pack;
pub mod reference;
mod shared;
mod transposed;
mod unquantized;

pub use absmean::{quantize_absmean, quantize_absmean_with};
pub use activations::{dequantize_int8, dequantize_int8_with, int8_codes_len, quantize_int8, quantize_int8_with};
pub(crate) use activations::{max_magnitude, rounded, steps_of_limbs};
pub use forward::{
    forward_f32, forward_f32_with, forward_fixed16, forward_fixed16_with, forward_int8, forward_int8_with,
    quantize_forward_int8, quantize_forward_int8_with,
};
pub use pack::{check_codes, get, pack_i8, unpack_f32, unpack_i8, words_len};
pub use transposed::{
    transposed_f32, transposed_f32_with, transposed_fixed16, transposed_fixed16_with, transposed_int8,
    transposed_int8_with,
};
pub use unquantized::{forward_unquantized, forward_unquantized_with};

use crate::error::{KernelError, check_len};

/// The largest number of rows or of columns: 4,194,304.
///
/// With codes up to 3 and limbs down to -128, sums of this many products still fit an `i32`.
pub const MAX_DIM: usize = 1 << 22;

/// A word whose 32 digits are all 0.
pub const ZERO_WORD: u64 = 0x5555_5555_5555_5555;

/// Eight rows by 32 columns.
type Line = [u64; 8];

/// 32 int8 codes of a token: `group[f][b]` belongs to column `4 b + f` of the 32.
type Group = [[i8; 8]; 4];

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
        Ok(Self { lines: words.as_chunks().0, rows, cols, words_per_row: cols.div_ceil(32) })
    }

    fn tiles(&self) -> usize {
        self.rows.div_ceil(8)
    }

    /// The lines of one tile, one a word column.
    #[inline(always)]
    fn tile(&self, tile: usize) -> &'a [Line] {
        &self.lines[tile * self.words_per_row..][..self.words_per_row]
    }

    /// The code of a digit, 0 to 3.
    fn code(&self, r: usize, c: usize) -> u8 {
        let word = self.lines[r / 8 * self.words_per_row + c / 32][r % 8];
        (word >> (2 * (c % 32)) & 3) as u8
    }
}
