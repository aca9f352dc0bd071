//! Random numbers that are a function of a counter: nothing to store, no order to keep.
//!
//! `philox4x32_10(counter, key)` gives four words. Whoever needs a number for item `i` of step `s`
//! puts both into the counter, so that any thread can have it, in any order, and a run can be
//! continued from its step number.
//!
//! Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), Philox-4x32 with
//! ten rounds; the known answers of its library Random123 are among the tests.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;

/// Multipliers of the first and the third word.
const M: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];

/// What is added to the key each round: the golden ratio and the square root of 3, less 1.
const W: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

const ROUNDS: usize = 10;

/// Philox-4x32 with ten rounds.
///
/// ```
/// use barewire_kernels::random::philox4x32_10;
///
/// assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k, mut l]) = (counter, key);
    for _ in 0..ROUNDS {
        let first = u64::from(a) * u64::from(M[0]);
        let second = u64::from(c) * u64::from(M[1]);
        (a, b) = ((second >> 32) as u32 ^ b ^ k, second as u32);
        (c, d) = ((first >> 32) as u32 ^ d ^ l, first as u32);
        (k, l) = (k.wrapping_add(W[0]), l.wrapping_add(W[1]));
    }
    [a, b, c, d]
}

/// The keys of the ten rounds.
#[derive(Clone, Copy)]
pub(crate) struct Keys([[u32; 2]; ROUNDS]);

impl Keys {
    pub(crate) fn new(seed: u64) -> Self {
        let mut keys = [[seed as u32, (seed >> 32) as u32]; ROUNDS];
        for i in 1..ROUNDS {
            let [k, l] = keys[i - 1];
            keys[i] = [k.wrapping_add(W[0]), l.wrapping_add(W[1])];
        }
        Self(keys)
    }
}

/// Word `i` of the 16 blocks whose counters are `[first + j, rest]`, for `j` in 0..16: block `j` in
/// the low half of `[i][j / 2]` if `j` is even, else in the high half.
pub(crate) type Blocks = [[u64; 8]; 4];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn known_answers_of_random123() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox4x32_10(counter, key), expected);
        }
    }

    fn sixteen(isa: Isa, first: u32, rest: [u32; 3], keys: &Keys) -> Blocks {
        let mut out = [[0; 8]; 4];
        match isa {
            Isa::Reference | Isa::Portable => portable::blocks(first, rest, keys, &mut out),
            // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => unsafe { avx2::blocks(first, rest, keys, &mut out) },
            // SAFETY: an `Avx512` token exists only after detection found all features asked for.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => unsafe { avx512::blocks(first, rest, keys, &mut out) },
            // SAFETY: a `Neon` token exists only after detection found all features asked for.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => unsafe { neon::blocks(first, rest, keys, &mut out) },
        }
        out
    }

    #[test]
    fn sixteen_at_a_time_are_the_same() {
        for (first, rest, seed) in [(0, [0; 3], 0), (u32::MAX - 3, [7, 8, 9], u64::MAX), (160, [u32::MAX; 3], 1 << 40)]
        {
            for isa in Isa::available() {
                let found = sixteen(isa, first, rest, &Keys::new(seed));
                for j in 0..16 {
                    let counter = [first.wrapping_add(j as u32), rest[0], rest[1], rest[2]];
                    let expected = philox4x32_10(counter, [seed as u32, (seed >> 32) as u32]);
                    let block = found.map(|word| (word[j / 2] >> (32 * (j % 2))) as u32);
                    assert_eq!(block, expected, "{} block {j}", isa.name());
                }
            }
        }
    }
}
