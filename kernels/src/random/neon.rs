//! NEON: four blocks a register.

use core::arch::aarch64::*;

use super::{Blocks, Keys, M};

/// See [`Blocks`].
#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn blocks(first: u32, rest: [u32; 3], keys: &Keys, out: &mut Blocks) {
    const PLACES: [u32; 4] = [0, 1, 2, 3];
    // SAFETY: `PLACES` is 16 readable bytes, aligned for `u32`.
    let places = unsafe { vld1q_u32(PLACES.as_ptr()) };
    let [b, c, d] = rest.map(|word| vdupq_n_u32(word));
    // Two at a time, so that one multiplies while the other is added up.
    for pair in 0..2 {
        let counter = |k: u32| vaddq_u32(places, vdupq_n_u32(first.wrapping_add(8 * pair as u32 + 4 * k)));
        let mut low = [counter(0), b, c, d];
        let mut high = [counter(1), b, c, d];
        for &[k, l] in &keys.0 {
            low = round(low, vdupq_n_u32(k), vdupq_n_u32(l));
            high = round(high, vdupq_n_u32(k), vdupq_n_u32(l));
        }
        for i in 0..4 {
            let (quarters, _) = out[i].as_chunks_mut::<2>();
            let words = [vreinterpretq_u64_u32(low[i]), vreinterpretq_u64_u32(high[i])];
            // SAFETY: a quarter is 16 writable bytes, aligned for `u64`.
            unsafe { vst1q_u64(quarters[2 * pair].as_mut_ptr(), words[0]) };
            // SAFETY: as above.
            unsafe { vst1q_u64(quarters[2 * pair + 1].as_mut_ptr(), words[1]) };
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn round([a, b, c, d]: [uint32x4_t; 4], k: uint32x4_t, l: uint32x4_t) -> [uint32x4_t; 4] {
    let upper = |v: uint32x4_t, m: u32| {
        let low = vmull_u32(vget_low_u32(v), vdup_n_u32(m));
        let high = vmull_high_u32(v, vdupq_n_u32(m));
        vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high))
    };
    [
        veorq_u32(upper(c, M[1]), veorq_u32(b, k)),
        vmulq_n_u32(c, M[1]),
        veorq_u32(upper(a, M[0]), veorq_u32(d, l)),
        vmulq_n_u32(a, M[0]),
    ]
}
