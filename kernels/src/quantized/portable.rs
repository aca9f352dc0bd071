//! Rows unpacked to floats, then the exact products of [`crate::exact`], compiled for the given
//! instruction set.

use super::{Format, code_at, row_of};
use crate::exact::{self, Affine, Rows};
use crate::{Isa, Scratch};

/// Packed codes, lengths checked.
#[derive(Clone, Copy)]
struct Codes<'a> {
    words: &'a [u64],
    cols: usize,
    bits: u32,
}

impl Rows for Codes<'_> {
    #[inline(always)]
    fn row(self, r: usize, out: &mut [f32]) {
        let row = row_of(self.words, self.cols, self.bits, r);
        for (c, out) in out.iter_mut().enumerate() {
            *out = code_at(row, self.bits, c).into();
        }
    }
}

fn affine(format: Format) -> Affine {
    Affine { scale: format.scale, zero: format.zero.into() }
}

pub(super) fn forward_f32(
    isa: Isa,
    words: &[u64],
    (rows, cols): (usize, usize),
    format: Format,
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let bits = format.bits;
    let m = Codes { words, cols, bits };
    exact::forward(isa, m, (rows, cols), affine(format), x, out, scratch);
}

pub(super) fn transposed_f32(
    isa: Isa,
    words: &[u64],
    (rows, cols): (usize, usize),
    format: Format,
    y: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let bits = format.bits;
    let m = Codes { words, cols, bits };
    exact::transposed(isa, m, (rows, cols), affine(format), y, out, scratch);
}
