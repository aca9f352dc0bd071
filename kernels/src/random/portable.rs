//! Plain Rust, block by block.

use super::{Blocks, Keys, M};

/// See [`Blocks`].
#[inline(always)]
pub(crate) fn blocks(first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
    // Four at a time keep their state in registers.
    for quarter in 0..4 {
        let mut words = [[0u64; 4]; 4];
        for j in 0..4 {
            words[0][j] = first.wrapping_add((4 * quarter + j) as u32).into();
            for i in 1..4 {
                words[i][j] = rest[i - 1].into();
            }
        }
        for &[k, l] in &keys.0 {
            for j in 0..4 {
                let [a, b, c, d] = [words[0][j], words[1][j], words[2][j], words[3][j]];
                let first = u64::from(a as u32) * u64::from(M[0]);
                let second = u64::from(c as u32) * u64::from(M[1]);
                words[0][j] = second >> 32 ^ b ^ u64::from(k);
                words[1][j] = second;
                words[2][j] = first >> 32 ^ d ^ u64::from(l);
                words[3][j] = first;
            }
        }
        for (out, words) in out.iter_mut().zip(&words) {
            out[2 * quarter] = words[0] & 0xFFFF_FFFF | words[1] << 32;
            out[2 * quarter + 1] = words[2] & 0xFFFF_FFFF | words[3] << 32;
        }
    }
}
