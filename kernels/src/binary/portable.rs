//! Rows unpacked to floats, then the exact products of [`crate::exact`], compiled for the given
//! instruction set.

use crate::exact::{self, Affine, Rows};
use crate::{Isa, Scratch};

/// Packed bits, lengths checked.
#[derive(Clone, Copy)]
struct Bits<'a> {
    words: &'a [u64],
    words_per_row: usize,
}

impl Rows for Bits<'_> {
    #[inline(always)]
    fn row(self, r: usize, out: &mut [f32]) {
        let words = &self.words[r * self.words_per_row..][..self.words_per_row];
        for (out, &word) in out.chunks_mut(64).zip(words) {
            for (i, out) in out.iter_mut().enumerate() {
                *out = (word >> i & 1) as u32 as f32;
            }
        }
    }
}

const PLAIN: Affine = Affine { scale: 1.0, zero: 0.0 };

pub(super) fn forward_f32(
    isa: Isa,
    words: &[u64],
    rows: usize,
    cols: usize,
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let words_per_row = cols.div_ceil(64);
    let m = Bits { words, words_per_row };
    exact::forward(isa, m, (rows, cols), PLAIN, x, out, scratch);
}

pub(super) fn transposed_f32(
    isa: Isa,
    words: &[u64],
    rows: usize,
    cols: usize,
    y: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let words_per_row = cols.div_ceil(64);
    let m = Bits { words, words_per_row };
    exact::transposed(isa, m, (rows, cols), PLAIN, y, out, scratch);
}
