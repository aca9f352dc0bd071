//! llama.cpp's `TQ1_0` (type 34): blocks of 256 digits of a row in 52 bytes, five digits a byte, then a
//! half-precision scale.
//!
//! A byte is `ceil(v * 256 / 243)` for the base-3 number `v` of its digits plus one, the first of
//! them most significant. Byte `m` of the first 32 holds digits `m + 32 n` for `n` in 0..5; byte `m`
//! of the next 16 holds `160 + m + 16 n`; byte `j` of the last 4 holds `240 + j + 4 n` for `n` in
//! 0..4, and a fifth digit whose code is 0. `pack` writes the scale into every block, also into one
//! of zeros, where llama.cpp's quantiser writes 0.

use super::super::base3::bytes::{self, POWERS, fraction as stored};
use super::super::words_len;
use super::{BLOCK, Codes, canonical, check_multiple, half_scale, one_scale, pack_words, unpack_words};
use crate::error::{KernelError, check_len, product};

/// Bytes of a block.
const BYTES: usize = 54;

/// Byte and place (0 is most significant) of digit `32 w + i` of a block.
const fn place(w: usize, i: usize) -> (usize, usize) {
    match 32 * w + i {
        at @ 0..160 => (at % 32, at / 32),
        at @ 160..240 => (32 + at % 16, (at - 160) / 16),
        at => (48 + at % 4, (at - 240) / 4),
    }
}

/// The five codes of a stored byte; a code 3 in place of each for a byte that no number gives.
const DIGITS: [[u8; 5]; 256] = {
    let mut table = [[3; 5]; 256];
    let mut x = 0;
    while x < 256 {
        if bytes::is_canonical(x as u8) {
            table[x] = bytes::codes(x as u8);
        }
        x += 1;
    }
    table
};

/// Number of bytes: `rows * cols / 256 * 54`.
///
/// # Errors
/// [`KernelError::Multiple`] if `cols` is not a multiple of 256; the errors of [`words_len`].
pub fn len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    words_len(rows, cols)?;
    check_multiple("cols", cols, BLOCK)?;
    product("blocks", &[rows, cols / BLOCK, BYTES])
}

/// Words and their scale to blocks.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; [`KernelError::NotHalf`] if half precision does
/// not hold `scale` exactly; the errors of [`len`] and of [`check_codes`](super::super::check_codes).
pub fn pack(words: &[u64], rows: usize, cols: usize, scale: f32, out: &mut [u8]) -> Result<(), KernelError> {
    check_len("out", out, len(rows, cols)?)?;
    let m = canonical(words, rows, cols)?;
    let scale = half_scale(scale)?;
    let blocks = out.as_chunks_mut::<BYTES>().0;
    for block in &mut *blocks {
        *block = [0; BYTES];
        block[BYTES - 2..].copy_from_slice(&scale);
    }
    pack_words(m, |r, w, codes| {
        let block = &mut blocks[r * (cols / BLOCK) + w / 8];
        for (i, code) in codes.iter().enumerate() {
            let (byte, n) = place(w % 8, i);
            block[byte] += code * POWERS[n];
        }
    });
    for block in blocks {
        for byte in &mut block[..BYTES - 2] {
            *byte = stored(*byte);
        }
    }
    Ok(())
}

/// Blocks to words; gives the scale, 0 if all digits are 0 and no block has another.
///
/// # Errors
/// [`KernelError::Length`] for `blocks` or `words`; [`KernelError::Code`], with 3 as the code found, for
/// the first digit of a byte that is no number of five digits (or of four, in the last four bytes);
/// [`KernelError::BlockScale`] if blocks differ in their scale (then it is no ternary matrix with
/// one scale) or if it is not finite; the errors of [`len`].
pub fn unpack(blocks: &[u8], rows: usize, cols: usize, words: &mut [u64]) -> Result<f32, KernelError> {
    check_len("blocks", blocks, len(rows, cols)?)?;
    let blocks = blocks.as_chunks::<BYTES>().0;
    // 121 is the number of five digits 0, 120 of four and a code 0.
    let is_zero = |block: &[u8; BYTES]| {
        block[..48].iter().all(|&byte| byte == stored(121)) && block[48..52].iter().all(|&byte| byte == stored(120))
    };
    let scale = one_scale(blocks, is_zero)?;
    unpack_words(rows, cols, words, |r, w| {
        let block = &blocks[r * (cols / BLOCK) + w / 8];
        let mut codes: Codes = [1; 32];
        for (i, code) in codes.iter_mut().enumerate() {
            let (byte, n) = place(w % 8, i);
            let digits = &DIGITS[usize::from(block[byte])];
            *code = if byte >= 48 && digits[4] != 0 { 3 } else { digits[n] };
        }
        codes
    })?;
    Ok(scale)
}
