//! AVX2: conversions that round, 8 columns a register, and byte shuffles.

use core::arch::x86_64::*;

use super::limbs::{LIMB_OFFSET, steps_of_limbs};
use super::{Order, int8_steps, max_magnitude, padded, record_len, store};
use crate::ternary::shared::avx2::load_floats;

/// `round_half_even(x * s)` of 32 columns.
#[inline]
#[target_feature(enable = "avx2")]
fn rounded(x: &[f32; 32], s: f32) -> [__m256i; 4] {
    let (x, _) = x.as_chunks::<8>();
    let mut out = [_mm256_setzero_si256(); 4];
    for i in 0..4 {
        out[i] = _mm256_cvtps_epi32(_mm256_mul_ps(load_floats(&x[i]), _mm256_set1_ps(s)));
    }
    out
}

#[inline]
#[target_feature(enable = "avx2")]
fn bytes(v: __m256i) -> [i8; 32] {
    let mut out = [0; 32];
    // SAFETY: `out` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), v) };
    out
}

/// Orders 32 bytes of which lane `j` holds columns `8 i + 4 j + f` at byte `4 i + f`.
#[inline]
#[target_feature(enable = "avx2")]
fn ordered(order: Order, v: __m256i) -> __m256i {
    match order {
        Order::Columns => _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)),
        Order::Groups => {
            // Byte `4 f + i` of each lane, then the two lanes in turn.
            let by_field = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let v = _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(by_field));
            let (even, odd) = (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm256_set_m128i(_mm_unpackhi_epi8(even, odd), _mm_unpacklo_epi8(even, odd))
        }
    }
}

/// See [`super::quantize_int8`]; lengths checked, `cols > 0`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn quantize_int8(x: &[f32], cols: usize, codes: &mut [i8], steps: &mut [f32]) {
    let record = record_len(Order::Groups, cols);
    let tokens = x.chunks_exact(cols).zip(codes.chunks_exact_mut(record));
    for ((x, codes), step) in tokens.zip(steps) {
        let (s, value) = int8_steps(max_magnitude(x));
        *step = value;
        if value.is_nan() {
            codes.fill(0);
            continue;
        }
        for (x, group) in x.chunks(32).zip(codes.as_chunks_mut::<32>().0) {
            let q = rounded(&padded(x), s);
            // Codes are in -127..=127, so saturation never acts.
            let packed = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
            *group = bytes(ordered(Order::Groups, packed));
        }
    }
}

/// See [`super::split`]; lengths checked, `len > 0`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn split<const L: usize>(order: Order, x: &[f32], len: usize, codes: &mut [i8], steps: &mut [f64]) {
    let record = record_len(order, len);
    let tokens = x.chunks_exact(len).zip(codes.chunks_exact_mut(L * record));
    for ((x, codes), step) in tokens.zip(steps) {
        let (s, value) = steps_of_limbs::<L>(max_magnitude(x));
        *step = value.into();
        if value.is_nan() {
            codes.fill(0);
            continue;
        }
        for (i, x) in x.chunks(32).enumerate() {
            let limbs = limbs(rounded(&padded(x), s));
            for l in 0..L {
                let to = &mut codes[l * record..][..record][32 * i..];
                let used = to.len().min(32);
                store(&mut to[..used], bytes(ordered(order, limbs[l])));
            }
        }
    }
}

/// Limbs of 32 columns as [`ordered`] takes them; see [`super::limbs`].
#[inline]
#[target_feature(enable = "avx2")]
fn limbs(q: [__m256i; 4]) -> [__m256i; 3] {
    let offset = _mm256_set1_epi32(LIMB_OFFSET);
    // Per lane, limb `l` of 4 columns in dword `l`.
    let by_limb = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let mut v = q;
    for i in 0..4 {
        let digits = _mm256_xor_si256(_mm256_add_epi32(q[i], offset), offset);
        v[i] = _mm256_shuffle_epi8(digits, _mm256_broadcastsi128_si256(by_limb));
    }
    // Transposes 4 x 4 dwords in each lane.
    let (a, b) = (_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpacklo_epi32(v[2], v[3]));
    let (c, d) = (_mm256_unpackhi_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[2], v[3]));
    [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b), _mm256_unpacklo_epi64(c, d)]
}
