//! Random digits and counters to start from.

use super::octets::octets_len;
use super::reference::random_bits;
use crate::error::{KernelError, check_len};
use crate::random::{Keys, portable};
use crate::ternary::{Matrix, ZERO_WORD, words_len};

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

/// The step whose random numbers the first counters take.
const COUNTERS: u64 = STEP - 1;

/// Writes random counters whose digits are those of `words`.
///
/// Those of digit 0 are even in `-threshold..=threshold`. Those of the others lie beyond the threshold, and the further
/// out the fewer, by a straight line that ends at 127: with a threshold of 25 much like weights of a normal distribution of
/// which two thirds are not 0. With counters all alike, digits would turn all at once.
///
/// With the bits `b` of [`super::reference::random_bits`] at step `u64::MAX - 1`, `u = b / 65536` and the threshold `t`:
/// `floor(u (2 t + 1)) - t`, or `t + 1 + floor((127 - t) (1 - sqrt(1 - u)))`, against the sign for a digit of -1.
/// The threshold is at most 126, so that there is room beyond it. Runs once a matrix, on portable code.
///
/// # Errors
/// [`KernelError::Length`] for `words` or `counters`; those of [`crate::ternary::check_codes`]; [`KernelError::Value`] for
/// the threshold.
pub fn random_counters(
    words: &[u64],
    rows: usize,
    cols: usize,
    threshold: u8,
    seed: u64,
    counters: &mut [u8],
) -> Result<(), KernelError> {
    crate::ternary::check_codes(words, rows, cols)?;
    check_len("counters", counters, octets_len(rows, cols)?)?;
    if threshold > 126 {
        return Err(KernelError::Value { index: 0, min: 0, max: 126, found: threshold.into() });
    }
    let m = Matrix::new(words, rows, cols)?;
    let t = i32::from(threshold);
    for (i, counter) in counters.iter_mut().enumerate() {
        let (r, c) = (i / cols, i % cols);
        let digit = i32::from(m.code(r, c) as i8 - 1);
        let bits = i32::from(random_bits(seed, COUNTERS, r, c));
        let value = match digit {
            0 => ((bits * (2 * t + 1)) >> 16) - t,
            _ => {
                let share = 1.0 - (1.0 - f64::from(bits) / 65536.0).sqrt();
                digit * (t + 1 + (f64::from(127 - t) * share) as i32)
            }
        };
        *counter = value as i8 as u8;
    }
    Ok(())
}
