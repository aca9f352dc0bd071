//! Plain Rust, in steps that compilers vectorise.

/// 32 codes: rounding to even and clamping to -1..=1 is comparing with one half.
#[inline(always)]
pub(super) fn code_word(part: &[f32; 32], inverse: f32) -> u64 {
    let mut codes = [0_u8; 32];
    for (code, v) in codes.iter_mut().zip(part) {
        let v = v * inverse;
        *code = 1 + u8::from(v > 0.5) - u8::from(v < -0.5);
    }
    let mut word = 0;
    for (i, eight) in codes.as_chunks::<8>().0.iter().enumerate() {
        word |= squeeze(u64::from_le_bytes(*eight)) << (16 * i);
    }
    word
}

/// The two low bits of each byte, next to each other.
#[inline(always)]
fn squeeze(bytes: u64) -> u64 {
    let pairs = (bytes | bytes >> 6) & 0x000F_000F_000F_000F;
    let fours = (pairs | pairs >> 12) & 0x0000_00FF_0000_00FF;
    (fours | fours >> 24) & 0xFFFF
}
