//! What the instruction sets with intrinsics share.

use super::{Line, Matrix};

// Helpers without closures: a closure in a `#[target_feature]` function has its features, so the
// generic `map` or `from_fn` that calls it is not inlined, and arrays of slices that pass through
// memory stall. On short rows this cost a third of the speed.

/// The first `N` records of `len` elements.
#[inline(always)]
pub(super) fn columns_of<T, const N: usize>(records: &[T], len: usize) -> [&[T]; N] {
    let mut columns: [&[T]; N] = [&[]; N];
    for (k, column) in columns.iter_mut().enumerate() {
        *column = &records[k * len..][..len];
    }
    columns
}

/// `N` tiles from `first` on.
#[inline(always)]
pub(super) fn tiles_from<'a, const N: usize>(m: &Matrix<'a>, first: usize) -> [&'a [Line]; N] {
    columns_of(&m.lines[first * m.words_per_row..], m.words_per_row)
}

/// Eight codes as the integer with the same bytes in memory on a little-endian target.
#[inline(always)]
pub(super) fn as_i64(codes: &[i8; 8]) -> i64 {
    i64::from_le_bytes(codes.map(|code| code as u8))
}

/// A word from two masks of 32 columns: those above one half, those below minus one half.
#[inline(always)]
pub(super) fn word_from_masks(above: u32, below: u32) -> u64 {
    // +1 is code 10, 0 is 01, -1 is 00.
    spread(above) << 1 | spread(!(above | below))
}

/// Moves bit `i` to bit `2 i`.
#[inline(always)]
fn spread(mask: u32) -> u64 {
    let mut v = u64::from(mask);
    v = (v | v << 16) & 0x0000_FFFF_0000_FFFF;
    v = (v | v << 8) & 0x00FF_00FF_00FF_00FF;
    v = (v | v << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    v = (v | v << 2) & 0x3333_3333_3333_3333;
    (v | v << 1) & 0x5555_5555_5555_5555
}
