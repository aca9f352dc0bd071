//! AVX-512: conversions that round and narrow, one permutation a group.

use core::arch::x86_64::*;

use super::limbs::steps_of_limbs;
use super::{Order, int8_steps, max_magnitude, padded, record_len, store};
use crate::ternary::shared::avx512::{bytes, load_floats};

/// `byte 8 f + b` takes `byte 4 b + f`.
const GROUP: [i8; 32] = {
    let mut index = [0; 32];
    let mut i = 0;
    while i < 32 {
        index[i] = (i % 8 * 4 + i / 8) as i8;
        i += 1;
    }
    index
};

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn grouped(columns: __m256i) -> __m256i {
    // SAFETY: `GROUP` is 32 readable bytes; the load has no alignment requirement.
    let index = unsafe { _mm256_loadu_si256(GROUP.as_ptr().cast()) };
    _mm256_permutexvar_epi8(index, columns)
}

/// `round_half_even(x * s)` of 32 columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounded(x: &[f32; 32], s: f32) -> [__m512i; 2] {
    let (x, _) = x.as_chunks::<16>();
    let s = _mm512_set1_ps(s);
    [_mm512_cvtps_epi32(_mm512_mul_ps(load_floats(&x[0]), s)), _mm512_cvtps_epi32(_mm512_mul_ps(load_floats(&x[1]), s))]
}

/// The low bytes of 32 integers.
#[inline]
#[target_feature(enable = "avx512f,avx2")]
fn low_bytes(v: [__m512i; 2]) -> __m256i {
    _mm256_set_m128i(_mm512_cvtepi32_epi8(v[1]), _mm512_cvtepi32_epi8(v[0]))
}

/// See [`super::quantize_int8`]; lengths checked, `cols > 0`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
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
            *group = bytes(grouped(low_bytes(rounded(&padded(x), s))));
        }
    }
}

/// See [`super::split`]; lengths checked, `len > 0`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
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
            let mut q = rounded(&padded(x), s);
            for l in 0..L {
                let columns = low_bytes(q);
                let part = match order {
                    Order::Groups => grouped(columns),
                    Order::Columns => columns,
                };
                let to = &mut codes[l * record..][..record][32 * i..];
                let used = to.len().min(32);
                store(&mut to[..used], bytes(part));
                for q in &mut q {
                    // Takes the signed low byte away: (q + 128) >> 8.
                    *q = _mm512_srai_epi32::<8>(_mm512_add_epi32(*q, _mm512_set1_epi32(128)));
                }
            }
        }
    }
}
