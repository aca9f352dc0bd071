//! Plain Rust: one comparison after the other.

/// 32 codes: rounding to even and clamping to -1..=1 is comparing with one half.
pub(super) fn code_word(part: &[f32; 32], inverse: f32) -> u64 {
    let mut word = 0;
    for (i, v) in part.iter().enumerate() {
        let v = v * inverse;
        let code = 1 + u64::from(v > 0.5) - u64::from(v < -0.5);
        word |= code << (2 * i);
    }
    word
}
