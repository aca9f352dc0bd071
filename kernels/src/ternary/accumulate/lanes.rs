//! Vectors of 32 signed bytes, one for each column of a word, that the passes are written with
//! once for every instruction set.
//!
//! To add an instruction set, add a file with one implementation of [`Lanes`] and an arm in
//! [`dispatch`]. What `simd` says about inlining holds here too.

use super::portable::Portable;
use crate::Isa;
use crate::random::{Blocks, Keys};

/// The random numbers of a word: column `c` of its 32 has 16 bits of the 32-bit word `c % 16` (low
/// halves of the eight `u64` first), the lower ones if `c < 16`.
pub(super) type RandomWord = [u64; 8];

/// Operations on 32 signed bytes. A value of the type proves that the CPU has them.
pub(super) trait Lanes: Copy + Send + Sync {
    /// 32 signed bytes.
    type B: Copy;
    /// 32 truth values.
    type M: Copy;

    /// `v` in every lane.
    fn splat(self, v: i8) -> Self::B;
    /// Bytes as they are.
    fn load(self, x: &[u8; 32]) -> Self::B;
    /// Bytes as they are.
    fn store(self, x: &mut [u8; 32], v: Self::B);
    /// Signed nibbles: lane `i` from the low half of byte `i`, lane `16 + i` from its high half.
    fn load_nibbles(self, x: &[u8; 16]) -> Self::B;
    /// The low four bits of each lane, placed as for [`Lanes::load_nibbles`].
    fn store_nibbles(self, x: &mut [u8; 16], v: Self::B);

    /// `a + b`, wrapping.
    fn add(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a - b`, wrapping.
    fn sub(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a + b`, saturating.
    fn add_saturating(self, a: Self::B, b: Self::B) -> Self::B;

    /// `a > b`
    fn gt(self, a: Self::B, b: Self::B) -> Self::M;
    /// `m` or `n`.
    fn or(self, m: Self::M, n: Self::M) -> Self::M;
    /// `m` and not `n`.
    fn and_not(self, m: Self::M, n: Self::M) -> Self::M;
    /// Whether the magnitude of any lane of `a` or of `b` is at least that of `limit`, which
    /// is the same in all lanes.
    fn any_reaches(self, a: Self::B, b: Self::B, limit: Self::B) -> bool;
    /// Bit `i` is lane `i`.
    fn bits(self, m: Self::M) -> u32;
    /// `v` where `m`, else 0.
    fn only(self, m: Self::M, v: Self::B) -> Self::B;
    /// 0 where `m`, else `v`.
    fn without(self, m: Self::M, v: Self::B) -> Self::B;

    /// Two bits a lane, the low ones of each, as one word.
    fn pack_codes(self, v: Self::B) -> u64;

    /// See [`Blocks`].
    fn random(self, first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks);

    /// `round_half_even(g * scale)`. Where that is 127 or more in magnitude, infinite or NaN, the lane
    /// is -128, -127 or 127, whatever its sign.
    fn nearest(self, g: &[f32; 32], scale: f32) -> Self::B;
    /// `(round_half_even(65536 * (g * scale)) + random) >> 16`, and for large ones as
    /// [`Lanes::nearest`].
    fn stochastic(self, g: &[f32; 32], scale: f32, random: &RandomWord) -> Self::B;
}

/// A pass, generic over the instruction set.
pub(super) trait Pass {
    /// What it gives back.
    type Output;

    /// The body. Mark the implementation `#[inline(always)]`.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Runs a pass compiled with the features of `isa`. `Reference` runs as `Portable`.
#[inline]
pub(super) fn dispatch<P: Pass>(isa: Isa, pass: P) -> P::Output {
    match isa {
        Isa::Reference | Isa::Portable => pass.run(Portable),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA, which is all
        // that `run_avx2` enables.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(token) => unsafe { run_avx2(token, pass) },
        // SAFETY: an `Avx512` token exists only after detection found every feature that
        // `run_avx512` enables.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(token) => unsafe { run_avx512(token, pass) },
        // SAFETY: a `Neon` token exists only after detection found every feature that `run_neon`
        // enables.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(token) => unsafe { run_neon(token, pass) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<P: Pass>(token: crate::Avx2, pass: P) -> P::Output {
    pass.run(token)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn run_avx512<P: Pass>(token: crate::Avx512, pass: P) -> P::Output {
    pass.run(token)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon,dotprod")]
fn run_neon<P: Pass>(token: crate::Neon, pass: P) -> P::Output {
    pass.run(token)
}
