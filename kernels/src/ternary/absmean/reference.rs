//! The absmean quantiser as its definition reads.

/// The codes of 32 weights as the definition of the absmean quantiser reads.
pub(super) fn code_word(part: &[f32; 32], inverse: f32) -> u64 {
    let mut word = 0;
    for (i, v) in part.iter().enumerate() {
        // A NaN (infinity times an inverse of 0) becomes digit 0: `as` gives 0 for it.
        let digit = (v * inverse).round_ties_even().clamp(-1.0, 1.0) as i8;
        word |= ((digit + 1) as u64) << (2 * i);
    }
    word
}

/// Sum of magnitudes of a block in the order that [`super::quantize_absmean`] fixes: element `i` goes to
/// partial sum `i % 32`, then the partial sums are added in order.
pub(super) fn sum_abs(w: &[f32]) -> f64 {
    let mut partial = [0.0; 32];
    for (i, v) in w.iter().enumerate() {
        partial[i % 32] += f64::from(v.abs());
    }
    partial.iter().sum()
}
