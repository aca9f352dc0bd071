//! Arrays of 32 bytes, for the compiler to vectorise with what the target has.

use super::lanes::{Lanes, RandomWord};
use crate::random::{self, Blocks, Keys};

/// The instruction set of the compilation target.
#[derive(Clone, Copy)]
pub(super) struct Portable;

type Bytes = [i8; 32];

#[inline(always)]
fn zip<T: Copy, U: Copy>(a: [T; 32], b: [T; 32], fill: U, f: impl Fn(T, T) -> U) -> [U; 32] {
    let mut out = [fill; 32];
    for i in 0..32 {
        out[i] = f(a[i], b[i]);
    }
    out
}

/// Between -127 and 127, which is also what becomes of NaN. Not `clamp`, which keeps NaN.
#[inline(always)]
fn clamped(u: f32) -> f32 {
    let u = if u < 127.0 { u } else { 127.0 };
    if u > -127.0 { u } else { -127.0 }
}

/// `1.5 * 2^23`: adding it rounds to an integer, ties to even, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;

/// The same for magnitudes up to `2^23`.
const ROUND_MAGNITUDE: f32 = 8_388_608.0;

#[inline(always)]
fn randomly_rounded(u: f32, random: u32) -> i8 {
    let u = clamped(u) * 65536.0;
    let magnitude = (u.abs() + ROUND_MAGNITUDE).to_bits() as i32 - ROUND_MAGNITUDE.to_bits() as i32;
    let fixed = if u < 0.0 { -magnitude } else { magnitude };
    ((fixed + random as i32) >> 16) as i8
}

impl Lanes for Portable {
    type B = Bytes;
    /// All ones where true.
    type M = Bytes;

    #[inline(always)]
    fn splat(self, v: i8) -> Bytes {
        [v; 32]
    }

    #[inline(always)]
    fn load(self, x: &[u8; 32]) -> Bytes {
        x.map(|v| v as i8)
    }

    #[inline(always)]
    fn store(self, x: &mut [u8; 32], v: Bytes) {
        *x = v.map(|v| v as u8);
    }

    #[inline(always)]
    fn load_nibbles(self, x: &[u8; 16]) -> Bytes {
        let mut out = [0; 32];
        for i in 0..16 {
            out[i] = (x[i] << 4) as i8 >> 4;
            out[16 + i] = x[i] as i8 >> 4;
        }
        out
    }

    #[inline(always)]
    fn store_nibbles(self, x: &mut [u8; 16], v: Bytes) {
        for i in 0..16 {
            x[i] = v[i] as u8 & 15 | (v[16 + i] as u8) << 4;
        }
    }

    #[inline(always)]
    fn add(self, a: Bytes, b: Bytes) -> Bytes {
        zip(a, b, 0, i8::wrapping_add)
    }

    #[inline(always)]
    fn sub(self, a: Bytes, b: Bytes) -> Bytes {
        zip(a, b, 0, i8::wrapping_sub)
    }

    #[inline(always)]
    fn add_saturating(self, a: Bytes, b: Bytes) -> Bytes {
        zip(a, b, 0, i8::saturating_add)
    }

    #[inline(always)]
    fn gt(self, a: Bytes, b: Bytes) -> Bytes {
        zip(a, b, 0, |a, b| -i8::from(a > b))
    }

    #[inline(always)]
    fn or(self, m: Bytes, n: Bytes) -> Bytes {
        zip(m, n, 0, |m, n| m | n)
    }

    #[inline(always)]
    fn and_not(self, m: Bytes, n: Bytes) -> Bytes {
        zip(m, n, 0, |m, n| m & !n)
    }

    #[inline(always)]
    fn any_reaches(self, a: Bytes, b: Bytes, limit: Bytes) -> bool {
        let mut any = false;
        for i in 0..32 {
            any |= a[i].unsigned_abs().max(b[i].unsigned_abs()) >= limit[i].unsigned_abs();
        }
        any
    }

    #[inline(always)]
    fn bits(self, m: Bytes) -> u32 {
        let mut bits = 0;
        for (i, m) in m.iter().enumerate() {
            bits |= u32::from(*m != 0) << i;
        }
        bits
    }

    #[inline(always)]
    fn only(self, m: Bytes, v: Bytes) -> Bytes {
        zip(m, v, 0, |m, v| m & v)
    }

    #[inline(always)]
    fn without(self, m: Bytes, v: Bytes) -> Bytes {
        zip(m, v, 0, |m, v| !m & v)
    }

    #[inline(always)]
    fn pack_codes(self, v: Bytes) -> u64 {
        let mut word = 0;
        let bytes = v.map(|v| v as u8);
        for (i, part) in bytes.as_chunks::<8>().0.iter().enumerate() {
            let codes = u64::from_le_bytes(*part) & 0x0303_0303_0303_0303;
            // The upper neighbour next to the lower one, three times.
            let pairs = (codes | codes >> 6) & 0x000F_000F_000F_000F;
            let fours = (pairs | pairs >> 12) & 0x0000_00FF_0000_00FF;
            word |= ((fours | fours >> 24) & 0xFFFF) << (16 * i);
        }
        word
    }

    #[inline(always)]
    fn random(self, first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
        random::portable::blocks(first, rest, keys, out);
    }

    #[inline(always)]
    fn nearest(self, g: &[f32; 32], scale: f32) -> Bytes {
        let mut out = [0; 32];
        for i in 0..32 {
            let u = clamped(g[i] * scale);
            out[i] = (u + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i8;
        }
        out
    }

    #[inline(always)]
    fn stochastic(self, g: &[f32; 32], scale: f32, random: &RandomWord) -> Bytes {
        let mut words = [0; 16];
        for (words, pair) in words.as_chunks_mut::<2>().0.iter_mut().zip(random) {
            *words = [*pair as u32, (pair >> 32) as u32];
        }
        let mut out = [0; 32];
        for i in 0..16 {
            out[i] = randomly_rounded(g[i] * scale, words[i] & 0xFFFF);
            out[16 + i] = randomly_rounded(g[16 + i] * scale, words[i] >> 16);
        }
        out
    }
}
