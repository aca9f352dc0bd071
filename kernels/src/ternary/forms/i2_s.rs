//! bitnet.cpp's `I2_S` (type 36 there): two bits a digit, then 32 bytes of which the first four are the
//! scale of the whole matrix as f32.
//!
//! A digit plus one stands in two bits, the first digit of a byte in the highest. Which digits share
//! a byte depends on the machine that the file was made for ([`Order`]); the file does not say. The
//! published BitNet b1.58 2B-4T file has [`Order::X86`].

use super::super::words_len;
use super::{Codes, canonical, check_multiple, pack_words, unpack_words};
use crate::error::{KernelError, check_len};

/// Which digits share a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Of each 128 consecutive digits (row-major, running on across rows), byte `m` holds `m`,
    /// `32 + m`, `64 + m`, `96 + m`. `rows * cols` is a multiple of 128.
    X86,
    /// Of each 64 consecutive digits, byte `m` holds `m`, `16 + m`, `32 + m`, `48 + m`.
    /// `rows * cols` is a multiple of 64.
    Arm,
    /// Byte `r / 4 * cols + c` holds column `c` of four adjacent rows, as bitnet.cpp builds
    /// without parallel activations write it. `rows` is a multiple of 4.
    Rows4,
}

/// Bytes after the codes.
const TAIL: usize = 32;

impl Order {
    /// Byte and shift of the digit in row `r`, column `c`.
    #[inline(always)]
    fn place(self, r: usize, c: usize, cols: usize) -> (usize, usize) {
        let interleaved = |bytes: usize| {
            let at = r * cols + c;
            let (block, within) = (at / (4 * bytes), at % (4 * bytes));
            (block * bytes + within % bytes, 6 - 2 * (within / bytes))
        };
        match self {
            Self::X86 => interleaved(32),
            Self::Arm => interleaved(16),
            Self::Rows4 => (r / 4 * cols + c, 6 - 2 * (r % 4)),
        }
    }
}

/// Number of bytes: `rows * cols / 4 + 32`.
///
/// # Errors
/// [`KernelError::Multiple`] for `rows * cols` or `rows` that do not fit the order; the errors of
/// [`words_len`].
pub fn len(order: Order, rows: usize, cols: usize) -> Result<usize, KernelError> {
    words_len(rows, cols)?;
    let digits = rows.checked_mul(cols).ok_or(KernelError::Overflow { argument: "bytes" })?;
    match order {
        Order::X86 => check_multiple("rows * cols", digits, 128)?,
        Order::Arm => check_multiple("rows * cols", digits, 64)?,
        Order::Rows4 => check_multiple("rows", rows, 4)?,
    }
    Ok(digits / 4 + TAIL)
}

/// Words and their scale to bytes; the bytes after the scale are 0.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `out`; the errors of [`len`] and of
/// [`check_codes`](super::super::check_codes).
pub fn pack(
    order: Order,
    words: &[u64],
    rows: usize,
    cols: usize,
    scale: f32,
    out: &mut [u8],
) -> Result<(), KernelError> {
    let len = len(order, rows, cols)?;
    check_len("out", out, len)?;
    let m = canonical(words, rows, cols)?;
    out.fill(0);
    let (codes_out, tail) = out.split_at_mut(len - TAIL);
    tail[..4].copy_from_slice(&scale.to_le_bytes());
    pack_words(m, |r, w, codes| {
        for (c, code) in (32 * w..cols).zip(codes) {
            let (byte, shift) = order.place(r, c, cols);
            codes_out[byte] |= code << shift;
        }
    });
    Ok(())
}

/// Bytes to words; gives the scale.
///
/// # Errors
/// [`KernelError::Length`] for `bytes` or `words`; [`KernelError::Code`] for a code 3; the errors
/// of [`len`].
pub fn unpack(order: Order, bytes: &[u8], rows: usize, cols: usize, words: &mut [u64]) -> Result<f32, KernelError> {
    let len = len(order, rows, cols)?;
    check_len("bytes", bytes, len)?;
    let (codes_in, tail) = bytes.split_at(len - TAIL);
    unpack_words(rows, cols, words, |r, w| {
        let mut codes: Codes = [1; 32];
        for (c, code) in (32 * w..cols).zip(&mut codes) {
            let (byte, shift) = order.place(r, c, cols);
            *code = codes_in[byte] >> shift & 3;
        }
        codes
    })?;
    let mut scale = [0; 4];
    scale.copy_from_slice(&tail[..4]);
    Ok(f32::from_le_bytes(scale))
}
