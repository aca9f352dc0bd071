//! Plain Rust, block by block.

use super::{Blocks, Keys, M};

/// See [`Blocks`].
#[inline(always)]
pub(crate) fn blocks(first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
    // Four at a time keep their state in registers.
    for quarter in 0..4 {
        let counters = [0, 1, 2, 3].map(|j| first.wrapping_add(4 * quarter as u32 + j).into());
        let [b, c, d] = rest.map(|word| [word.into(); 4]);
        let mut words: [[u64; 4]; 4] = [counters, b, c, d];
        let [a, b, c, d] = &mut words;
        for &[k, l] in &keys.0 {
            for j in 0..4 {
                let first = u64::from(a[j] as u32) * u64::from(M[0]);
                let second = u64::from(c[j] as u32) * u64::from(M[1]);
                a[j] = second >> 32 ^ b[j] ^ u64::from(k);
                b[j] = second;
                c[j] = first >> 32 ^ d[j] ^ u64::from(l);
                d[j] = first;
            }
        }
        for (out, words) in out.iter_mut().zip(&words) {
            out[2 * quarter] = words[0] & 0xFFFF_FFFF | words[1] << 32;
            out[2 * quarter + 1] = words[2] & 0xFFFF_FFFF | words[3] << 32;
        }
    }
}
