//! The absmean quantiser of weights.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod reference;

use super::{Line, ZERO_WORD, words_len};
use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::{Exec, Isa, Kernel, vectorize};

/// Quantises weights `[rows, cols]` to digits and packs them, in one call; gives the scale.
///
/// `scale = max(mean|w|, 1e-5)`, `digit = clamp(round_half_even(w * (1 / scale)), -1, 1)`, so
/// that `scale * digit` approximates `w`.
///
/// The mean is summed in f64 in a fixed order (32 interleaved partial sums of each 16384 weights, then those in order)
/// and rounded to f32, `1 / scale` is rounded to f32, and so is the product: scale and digits have the same bits on
/// every instruction set. A NaN or an infinity among the weights makes the scale NaN or infinite
/// and every digit 0. With no weights the scale is 1e-5.
///
/// # Errors
/// [`KernelError::Length`] for `w` or `words`; the errors of [`words_len`].
///
/// Source: Ma et al., "The Era of 1-bit LLMs" (2024), equations (1) to (3), with the lower bound
/// of the mean as in BitNet's and MatMul-free LM's code.
pub fn quantize_absmean(w: &[f32], rows: usize, cols: usize, words: &mut [u64]) -> Result<f32, KernelError> {
    quantize_absmean_with(Exec::best(), w, rows, cols, words)
}

/// [`quantize_absmean`] on a chosen [`Exec`].
///
/// # Errors
/// As [`quantize_absmean`].
pub fn quantize_absmean_with(
    exec: impl Into<Exec>,
    w: &[f32],
    rows: usize,
    cols: usize,
    words: &mut [u64],
) -> Result<f32, KernelError> {
    let exec = exec.into();
    check(w, rows, cols, words)?;
    let scale = scale_of(sum_of_blocks(exec, w), w.len());
    pack(exec, w, cols, scale, words);
    Ok(scale)
}

/// Refuses slices of wrong lengths.
pub(crate) fn check(w: &[f32], rows: usize, cols: usize, words: &[u64]) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("w", w, product("w", &[rows, cols])?)
}

/// The scale of `n` weights with this sum of magnitudes.
pub(crate) fn scale_of(sum: f64, n: usize) -> f32 {
    // `f32::max` would drop a NaN.
    let mean = (sum / n.max(1) as f64) as f32;
    if mean < 1e-5 { 1e-5 } else { mean }
}

/// Packs `w / scale`, rounded; lengths checked.
pub(crate) fn pack(exec: Exec, w: &[f32], cols: usize, scale: f32, words: &mut [u64]) {
    if cols == 0 {
        return;
    }
    let inverse = if scale.is_finite() { 1.0 / scale } else { 0.0 };
    let job = Pack { isa: exec.isa(), w, cols, inverse, lines: words.as_chunks_mut().0 };
    exec.run(job, SUM_BLOCK.div_ceil(TILE * cols));
}

/// Rows of a tile: a line holds a word of each.
const TILE: usize = 8;

/// Tiles of rows.
struct Pack<'a> {
    isa: Isa,
    w: &'a [f32],
    cols: usize,
    inverse: f32,
    lines: &'a mut [Line],
}

impl Job for Pack<'_> {
    fn units(&self) -> usize {
        self.w.len().div_ceil(TILE * self.cols)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let w = self.w.split_at(units * TILE * self.cols);
        let lines = self.lines.split_at_mut(units * self.cols.div_ceil(32));
        (Self { w: w.0, lines: lines.0, ..self }, Self { w: w.1, lines: lines.1, ..self })
    }

    fn run(self) {
        let Self { isa, w, cols, inverse, lines } = self;
        match isa {
            Isa::Reference => pack_rows(w, cols, lines, |part| reference::code_word(part, inverse)),
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
    }
}

/// Calls `code_word` for each 32 columns of each row (zeros past the end) and stores the word.
#[inline(always)]
fn pack_rows(w: &[f32], cols: usize, lines: &mut [Line], code_word: impl Fn(&[f32; 32]) -> u64) {
    let words_per_row = cols.div_ceil(32);
    if !w.len().is_multiple_of(TILE * cols) {
        // The last tile has rows that are padding.
        let at = lines.len() - words_per_row;
        lines[at..].as_flattened_mut().fill(ZERO_WORD);
    }
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

/// Weights of a sum of its own: the sums do not depend on how threads share them.
pub(crate) const SUM_BLOCK: usize = 1 << 14;

/// Sum of magnitudes of a block: element `i` goes to partial sum `i % 32`, partial sums are added in order.
pub(crate) struct SumOfMagnitudes([f64; 32]);

impl SumOfMagnitudes {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self([0.0; 32])
    }

    /// Goes on with `w`; what was added before has to be a multiple of 32 long.
    #[inline(always)]
    pub(crate) fn add(&mut self, w: &[f32]) {
        // A copy, for the registers.
        let mut partial = self.0;
        let (full, rest) = w.as_chunks::<32>();
        for part in full {
            for (p, v) in partial.iter_mut().zip(part) {
                *p += f64::from(v.abs());
            }
        }
        for (p, v) in partial.iter_mut().zip(rest) {
            *p += f64::from(v.abs());
        }
        self.0 = partial;
    }

    #[inline(always)]
    pub(crate) fn total(self) -> f64 {
        self.0.iter().sum()
    }
}

/// Sum of magnitudes of all blocks, in order.
fn sum_of_blocks(exec: Exec, w: &[f32]) -> f64 {
    // The sums of this many blocks at a time stay on the stack.
    const MANY: usize = 256;
    let mut sum = 0.0;
    for w in w.chunks(MANY * SUM_BLOCK) {
        let mut sums = [0.0; MANY];
        let blocks = w.len().div_ceil(SUM_BLOCK);
        exec.run(BlockSums { isa: exec.isa(), w, sums: &mut sums[..blocks] }, 8);
        for block in &sums[..blocks] {
            sum += block;
        }
    }
    sum
}

struct BlockSums<'a> {
    isa: Isa,
    w: &'a [f32],
    sums: &'a mut [f64],
}

impl Job for BlockSums<'_> {
    fn units(&self) -> usize {
        self.sums.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (w, sums) = (self.w.split_at(units * SUM_BLOCK), self.sums.split_at_mut(units));
        (Self { w: w.0, sums: sums.0, ..self }, Self { w: w.1, sums: sums.1, ..self })
    }

    fn run(self) {
        match self.isa {
            Isa::Reference => {
                for (w, sum) in self.w.chunks(SUM_BLOCK).zip(self.sums) {
                    *sum = reference::sum_abs(w);
                }
            }
            isa => vectorize(isa, self),
        }
    }
}

impl Kernel for BlockSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (w, sum) in self.w.chunks(SUM_BLOCK).zip(self.sums) {
            let mut block = SumOfMagnitudes::new();
            block.add(w);
            *sum = block.total();
        }
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
