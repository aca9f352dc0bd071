//! The packing of `transformers` checkpoints (BitNet b1.58 2B-4T and its relatives): a byte holds one
//! column of four rows that lie `rows / 4` apart.
//!
//! With `R = rows / 4`, byte `r * cols + c` has the digit of row `r + k R`, column `c`, plus one, at
//! bits `2 k` and `2 k + 1`. The scale is a tensor of its own, with two conventions
//! (`W = digit * scale` and `W = digit / scale`) that nothing in the bytes tells apart.

use super::super::words_len;
use super::{Codes, canonical, check_multiple, pack_words, unpack_words};
use crate::error::{KernelError, check_len};

/// Number of bytes: `rows / 4 * cols`.
///
/// # Errors
/// [`KernelError::Multiple`] if `rows` is not a multiple of 4; the errors of [`words_len`].
pub fn len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    words_len(rows, cols)?;
    check_multiple("rows", rows, 4)?;
    Ok(rows / 4 * cols)
}

/// Words to bytes.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`len`] and of
/// [`check_codes`](super::super::check_codes).
pub fn pack(words: &[u64], rows: usize, cols: usize, out: &mut [u8]) -> Result<(), KernelError> {
    check_len("out", out, len(rows, cols)?)?;
    let m = canonical(words, rows, cols)?;
    out.fill(0);
    let apart = rows / 4;
    pack_words(m, |r, w, codes| {
        let (k, from) = (r / apart, r % apart * cols + 32 * w);
        let used = (cols - 32 * w).min(32);
        for (out, code) in out[from..][..used].iter_mut().zip(codes) {
            *out |= code << (2 * k);
        }
    });
    Ok(())
}

/// Bytes to words.
///
/// # Errors
/// [`KernelError::Length`] for `bytes` or `words`; [`KernelError::Code`] for a code 3; the errors
/// of [`len`].
pub fn unpack(bytes: &[u8], rows: usize, cols: usize, words: &mut [u64]) -> Result<(), KernelError> {
    check_len("bytes", bytes, len(rows, cols)?)?;
    let apart = rows / 4;
    unpack_words(rows, cols, words, |r, w| {
        let (k, from) = (r / apart, r % apart * cols + 32 * w);
        let used = (cols - 32 * w).min(32);
        let mut codes: Codes = [1; 32];
        for (code, byte) in codes.iter_mut().zip(&bytes[from..][..used]) {
            *code = byte >> (2 * k) & 3;
        }
        codes
    })
}
