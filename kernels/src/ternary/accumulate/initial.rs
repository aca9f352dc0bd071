//! Random digits to start from.

use crate::error::{KernelError, check_len};
use crate::random::{Keys, portable};
use crate::ternary::{ZERO_WORD, words_len};

/// The step whose random numbers the first digits take: one that no training reaches.
const STEP: u64 = u64::MAX;

/// Writes random packed digits: not 0 with probability `density`, and then of either sign.
///
/// With the bits `b` of [`super::reference::random_bits`] at step `u64::MAX`: the digit is not 0 if
/// `b / 2 < round(32768 * density)`, and then negative if `b` is odd. So it depends on the seed and its
/// place alone. `density` is clamped to `[0, 1]`; NaN is 0. Runs once a matrix, on portable code.
///
/// # Errors
/// [`KernelError::Length`] for `words`; the errors of [`words_len`].
pub fn random_digits(words: &mut [u64], rows: usize, cols: usize, density: f32, seed: u64) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    words.fill(ZERO_WORD);
    // Casts of floats saturate, and give 0 for NaN.
    let threshold = (density.clamp(0.0, 1.0) * 32768.0).round() as u64;
    let (keys, words_per_row) = (Keys::new(seed), cols.div_ceil(32));
    for row in 0..rows {
        let mut blocks = [[0; 8]; 4];
        for w in 0..words_per_row {
            if w % 4 == 0 {
                let rest = [row as u32, STEP as u32, (STEP >> 32) as u32];
                portable::blocks((w / 4 * 16) as u32, rest, &keys, &mut blocks);
            }
            let word = &mut words[(row / 8 * words_per_row + w) * 8 + row % 8];
            for c in 0..32.min(cols - 32 * w) {
                let bits = blocks[w % 4][c % 16 / 2] >> (32 * (c % 2) + c / 16 * 16) & 0xFFFF;
                if bits / 2 < threshold {
                    // From code 1 to code 0 or 2.
                    *word ^= (if bits % 2 == 1 { 1 } else { 3 }) << (2 * c);
                }
            }
        }
    }
    Ok(())
}
