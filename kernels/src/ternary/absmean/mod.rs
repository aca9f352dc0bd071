//! The absmean quantiser of weights.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod reference;

use super::{Line, ZERO_WORD, words_len};
use crate::error::{KernelError, check_len, product};
use crate::{Isa, Kernel, vectorize};

/// Quantises weights `[rows, cols]` to digits and packs them, in one call; gives the scale.
///
/// `scale = max(mean|w|, 1e-5)`, `digit = clamp(round_half_even(w * (1 / scale)), -1, 1)`, so
/// that `scale * digit` approximates `w`.
///
/// The mean is summed in f64 in a fixed order (32 interleaved partial sums) and rounded to f32,
/// `1 / scale` is rounded to f32, and so is the product: scale and digits have the same bits on
/// every instruction set. A NaN or an infinity among the weights makes the scale NaN or infinite
/// and every digit 0. With no weights the scale is 1e-5.
///
/// # Errors
/// [`KernelError::Length`] for `w` or `words`; the errors of [`words_len`].
///
/// Source: Ma et al., "The Era of 1-bit LLMs" (2024), equations (1) to (3), with the lower bound
/// of the mean as in BitNet's and MatMul-free LM's code.
pub fn quantize_absmean(w: &[f32], rows: usize, cols: usize, words: &mut [u64]) -> Result<f32, KernelError> {
    quantize_absmean_with(Isa::best(), w, rows, cols, words)
}

/// [`quantize_absmean`] on a given instruction set.
///
/// # Errors
/// As [`quantize_absmean`].
pub fn quantize_absmean_with(
    isa: Isa,
    w: &[f32],
    rows: usize,
    cols: usize,
    words: &mut [u64],
) -> Result<f32, KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("w", w, product("w", &[rows, cols])?)?;
    let sum = match isa {
        Isa::Reference => reference::sum_abs(w),
        isa => vectorize(isa, SumAbs(w)),
    };
    let mean = sum / w.len().max(1) as f64;
    // `f32::max` would drop a NaN.
    let mean = mean as f32;
    let scale = if mean < 1e-5 { 1e-5 } else { mean };
    let inverse = if scale.is_finite() { 1.0 / scale } else { 0.0 };
    if cols == 0 {
        return Ok(scale);
    }
    words.fill(ZERO_WORD);
    let lines = words.as_chunks_mut().0;
    match isa {
        Isa::Reference => {
            pack_rows(w, cols, lines, |part| reference::code_word(part, inverse));
        }
        Isa::Portable => pack_rows(w, cols, lines, |part| portable::code_word(part, inverse)),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::pack_rounded(w, cols, inverse, lines) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::pack_rounded(w, cols, inverse, lines) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => pack_rows(w, cols, lines, |part| portable::code_word(part, inverse)),
    }
    Ok(scale)
}

/// Calls `code_word` for each 32 columns of each row (zeros past the end) and stores the word.
#[inline(always)]
fn pack_rows(w: &[f32], cols: usize, lines: &mut [Line], code_word: impl Fn(&[f32; 32]) -> u64) {
    let words_per_row = cols.div_ceil(32);
    for (r, row) in w.chunks_exact(cols).enumerate() {
        let (full, rest) = row.as_chunks::<32>();
        let tile = &mut lines[r / 8 * words_per_row..][..words_per_row];
        for (part, line) in full.iter().zip(tile.iter_mut()) {
            line[r % 8] = code_word(part);
        }
        if !rest.is_empty() {
            let mut part = [0.0; 32];
            part[..rest.len()].copy_from_slice(rest);
            tile[full.len()][r % 8] = code_word(&part);
        }
    }
}

/// Sum of magnitudes: element `i` goes to partial sum `i % 32`, partial sums are added in order.
struct SumAbs<'a>(&'a [f32]);

impl Kernel for SumAbs<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut partial = [0.0f64; 32];
        let (full, rest) = self.0.as_chunks::<32>();
        for part in full {
            for (p, v) in partial.iter_mut().zip(part) {
                *p += f64::from(v.abs());
            }
        }
        for (p, v) in partial.iter_mut().zip(rest) {
            *p += f64::from(v.abs());
        }
        partial.iter().sum()
    }
}

/// A word from two masks of 32 columns: those above one half, those below minus one half.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn word_from_masks(above: u32, below: u32) -> u64 {
    // +1 is code 10, 0 is 01, -1 is 00.
    spread(above) << 1 | spread(!(above | below))
}

/// Moves bit `i` to bit `2 i`.
#[inline(always)]
pub(super) fn spread(mask: u32) -> u64 {
    let mut v = u64::from(mask);
    v = (v | v << 16) & 0x0000_FFFF_0000_FFFF;
    v = (v | v << 8) & 0x00FF_00FF_00FF_00FF;
    v = (v | v << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    v = (v | v << 2) & 0x3333_3333_3333_3333;
    (v | v << 1) & 0x5555_5555_5555_5555
}
