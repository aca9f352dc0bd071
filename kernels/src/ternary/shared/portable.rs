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
// Loops, since compilers do not always inline `array::map`.
#[expect(clippy::needless_range_loop, reason = "a field is a shift as well")]
#[inline(always)]
pub(in crate::ternary) fn unpacked(word: u64) -> Group {
    let mut group = [[0; 8]; 4];
    for f in 0..4 {
        let codes = (word >> (2 * f) & 0x0303_0303_0303_0303).to_le_bytes();
        for (to, &code) in group[f].iter_mut().zip(&codes) {
            *to = code as i8;
        }
    }
    group
}
