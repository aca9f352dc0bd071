//! llama.cpp's `TQ2_0` (type 35): blocks of 256 digits of a row in 64 bytes, then a half-precision scale.
//!
//! Byte `32 h + m` of a block holds digits `128 h + 32 k + m`, for `k` in 0..4, plus one, at bits
//! `2 k` and `2 k + 1`. `pack` writes the scale into every block, also into one of zeros, where
//! llama.cpp's quantiser writes 0: the values are the same, and the scale is not lost.

use super::super::words_len;
use super::{BLOCK, Codes, canonical, check_multiple, half_scale, one_scale, pack_words, unpack_words};
use crate::error::{KernelError, check_len, product};

/// Bytes of a block.
const BYTES: usize = 66;

/// Number of bytes: `rows * cols / 256 * 66`.
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
        let (h, k) = (w % 8 / 4, w % 4);
        for (byte, code) in block[32 * h..][..32].iter_mut().zip(codes) {
            *byte |= code << (2 * k);
        }
    });
    Ok(())
}

/// Blocks to words; gives the scale, 0 if all digits are 0 and no block has another.
///
/// # Errors
/// [`KernelError::Length`] for `blocks` or `words`; [`KernelError::Code`] for a code 3;
/// [`KernelError::BlockScale`] if blocks differ in their scale (then it is no ternary matrix with
/// one scale) or if it is not finite; the errors of [`len`].
pub fn unpack(blocks: &[u8], rows: usize, cols: usize, words: &mut [u64]) -> Result<f32, KernelError> {
    check_len("blocks", blocks, len(rows, cols)?)?;
    let blocks = blocks.as_chunks::<BYTES>().0;
    let scale = one_scale(blocks, |block| block[..64].iter().all(|&byte| byte == 0x55))?;
    unpack_words(rows, cols, words, |r, w| {
        let block = &blocks[r * (cols / BLOCK) + w / 8];
        let (h, k) = (w % 8 / 4, w % 4);
        let mut codes: Codes = [1; 32];
        for (code, byte) in codes.iter_mut().zip(&block[32 * h..][..32]) {
            *code = byte >> (2 * k) & 3;
        }
        codes
    })?;
    Ok(scale)
}
