//! Plain Rust: codes of a row, unpacked.

use crate::ternary::Group;

/// Sum of codes, to take away the offset of the stored digits.
#[inline(always)]
pub(in crate::ternary) fn sum(codes: &[i8]) -> i32 {
    codes.iter().map(|&c| i32::from(c)).sum()
}

/// Words of a part of a row that is unpacked at once: 512 codes, small enough for the stack and the first cache level.
pub(in crate::ternary) const PART: usize = 16;

/// `[f][b]` is the code of column `4 b + f`.
#[inline(always)]
pub(in crate::ternary) fn unpacked(word: u64) -> Group {
    [0, 2, 4, 6].map(|shift| (word >> shift & 0x0303_0303_0303_0303).to_le_bytes().map(|c| c as i8))
}
