//! The activation quantiser as its definition reads.

/// The activation quantiser as its definition reads; lengths checked, `cols > 0`.
pub(super) fn quantize_int8(x: &[f32], cols: usize, codes: &mut [i8], scales: &mut [f32]) {
    codes.fill(0);
    let record = cols.div_ceil(32) * 32;
    let tokens = x.chunks_exact(cols).zip(codes.chunks_exact_mut(record));
    for ((x, codes), scale) in tokens.zip(scales) {
        if !x.iter().all(|v| v.is_finite()) {
            *scale = f32::NAN;
            continue;
        }
        let max = x.iter().fold(1e-5, |max: f32, v| max.max(v.abs()));
        *scale = max / 127.0;
        for (c, v) in x.iter().enumerate() {
            let code = (v * (127.0 / max)).round_ties_even().clamp(-128.0, 127.0);
            codes[c / 32 * 32 + c % 4 * 8 + c % 32 / 4] = code as i8;
        }
    }
}
