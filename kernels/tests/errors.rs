//! Wrong lengths and values are errors that name the argument; nothing panics.

use barewire_kernels::{KernelError, Scratch, binary, gated_recurrence, gemm, quantized, ternary};

#[track_caller]
fn assert_names<T: core::fmt::Debug>(result: Result<T, KernelError>, argument: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.starts_with(&format!("`{argument}` ")), "{message}");
}

#[test]
fn ternary_lengths() {
    let s = &mut Scratch::new();
    let words = [ternary::ZERO_WORD; 16]; // 10 x 20
    let (codes, scales, x, y) = ([0; 64], [1.0; 2], [0.0; 40], [0.0; 20]);
    let out = &mut [0.0; 20][..];
    assert_names(ternary::forward_int8(&words[1..], 10, 20, &codes, &scales, 2, 1.0, out), "words");
    assert_names(ternary::forward_int8(&words, 10, 20, &codes[1..], &scales, 2, 1.0, out), "codes");
    assert_names(ternary::forward_int8(&words, 10, 20, &codes, &scales[1..], 2, 1.0, out), "scales");
    assert_names(ternary::forward_int8(&words, 10, 20, &codes, &scales, 2, 1.0, &mut out[1..]), "out");
    assert_names(ternary::forward_f32(&words, 10, 20, &x[1..], 2, out, s), "x");
    assert_names(ternary::forward_f32(&words, 10, 20, &x, 2, &mut out[1..], s), "out");
    assert_names(ternary::transposed_f32(&words, 10, 20, &y[1..], 2, out, s), "y");
    assert_names(ternary::transposed_f32(&words, 10, 20, &y, 2, &mut [0.0; 41], s), "out");
    assert_names(ternary::quantize_int8(&x, 2, 21, &mut [0; 64], &mut [0.0; 2]), "x");
    assert_names(ternary::quantize_int8(&x, 2, 20, &mut [0; 63], &mut [0.0; 2]), "codes");
    assert_names(ternary::quantize_int8(&x, 2, 20, &mut [0; 64], &mut [0.0; 3]), "scales");
    assert_names(ternary::dequantize_int8(&codes, &scales, 2, 20, &mut [0.0; 39]), "out");
    assert_names(ternary::quantize_absmean(&x, 2, 20, &mut [0; 7]), "words");
    assert_names(ternary::quantize_absmean(&x, 2, 21, &mut [0; 8]), "w");
    assert_names(ternary::pack_i8(2, 20, &[0; 39], &mut [0; 8]), "digits");
    assert_names(ternary::unpack_i8(&words, 10, 20, &mut [0; 3]), "digits");
    assert_names(ternary::unpack_f32(&words, 10, 20, &mut [0.0; 3]), "out");
    assert_names(ternary::check_codes(&words, 10, 40), "words");
    assert_names(ternary::words_len(ternary::MAX_DIM + 1, 1), "rows");
    assert_names(ternary::words_len(1, usize::MAX), "cols");
    assert_eq!(
        ternary::forward_f32(&words, 10, 20, &x[1..], 2, out, s).unwrap_err().to_string(),
        "`x` has length 39, expected 40"
    );
    let huge = ternary::forward_f32(&words, 10, 20, &x, usize::MAX, out, s);
    assert_eq!(huge, Err(KernelError::Overflow { argument: "x" }));
}

#[test]
fn ternary_values() {
    let mut words = [1; 8];
    let error = ternary::pack_i8(1, 3, &[0, 1, 2], &mut words).unwrap_err();
    assert_eq!(error.to_string(), "value 2 at index 2 is outside -1..=1");
    assert_eq!(words, [1; 8], "nothing is written");
    ternary::pack_i8(1, 3, &[0, 1, -1], &mut words).unwrap();
    assert_eq!(ternary::get(&words, 1, 3, 0, 2), Ok(-1));
    let error = ternary::get(&words, 1, 3, 0, 3).unwrap_err();
    assert_eq!(error.to_string(), "index `c` is 3, expected less than 3");
    assert!(ternary::get(&words, 1, 3, 1, 0).is_err());
    words[0] |= 3 << 2;
    let error = ternary::check_codes(&words, 1, 3).unwrap_err();
    assert_eq!(error, KernelError::Code { row: 0, col: 1, found: 3 });
    words[0] = ternary::ZERO_WORD ^ 1 << 6;
    let error = ternary::check_codes(&words, 1, 3).unwrap_err();
    assert!(matches!(error, KernelError::Padding { word: 0, .. }), "{error}");
    words[0] = ternary::ZERO_WORD;
    words[5] = 0;
    let error = ternary::check_codes(&words, 1, 3).unwrap_err();
    assert!(matches!(error, KernelError::Padding { word: 5, found: 0, .. }), "{error}");
}

#[test]
fn gated_recurrence_lengths() {
    let (a, b) = (&[0.0; 24][..], &[0.0; 6][..]); // 2 x 4 x 3
    let (h, state) = (&mut [0.0; 24][..], &mut [0.0; 6][..]);
    use gated_recurrence::{backward, forward};
    assert_names(forward(&a[1..], a, 2, 4, 3, state, h), "f");
    assert_names(forward(a, &a[1..], 2, 4, 3, state, h), "v");
    assert_names(forward(a, a, 2, 4, 3, &mut state[1..], h), "h0");
    assert_names(forward(a, a, 2, 4, 3, state, &mut h[1..]), "h");
    let other = &mut [0.0; 24][..];
    assert_names(backward(&a[1..], a, b, a, 2, 4, 3, state, h, other), "f");
    assert_names(backward(a, &a[1..], b, a, 2, 4, 3, state, h, other), "h");
    assert_names(backward(a, a, &b[1..], a, 2, 4, 3, state, h, other), "h_initial");
    assert_names(backward(a, a, b, &a[1..], 2, 4, 3, state, h, other), "h_cot");
    assert_names(backward(a, a, b, a, 2, 4, 3, &mut state[1..], h, other), "state_cot");
    assert_names(backward(a, a, b, a, 2, 4, 3, state, &mut h[1..], other), "f_cot");
    assert_names(backward(a, a, b, a, 2, 4, 3, state, h, &mut other[1..]), "v_cot");
}

#[test]
fn gemm_lengths() {
    let s = &mut Scratch::new();
    let (a, b) = (&[0.0_f32; 6][..], &[0.0_f32; 12][..]); // 2 x 3, 3 x 4
    let c = &mut [0.0_f32; 8][..];
    assert_names(gemm::nn(2, 4, 3, &a[1..], b, false, c, s), "a");
    assert_names(gemm::nn(2, 4, 3, a, &b[1..], false, c, s), "b");
    assert_names(gemm::nn(2, 4, 3, a, b, false, &mut c[1..], s), "c");
    assert_names(gemm::nt(2, 4, 3, &a[1..], b, false, c, s), "a");
    assert_names(gemm::nt(2, 4, 3, a, &b[1..], false, c, s), "b");
    assert_names(gemm::nt(2, 4, 3, a, b, false, &mut c[1..], s), "c");
    assert_names(gemm::tn(2, 4, 3, 1.0, &a[1..], b, false, c, s), "a");
    assert_names(gemm::tn(2, 4, 3, 1.0, a, &b[1..], false, c, s), "b");
    assert_names(gemm::tn(2, 4, 3, 1.0, a, b, false, &mut c[1..], s), "c");
    let far = gemm::nn(2, 4, usize::MAX, a, b, false, c, s);
    assert_eq!(far, Err(KernelError::Overflow { argument: "a" }));
    let (a, b, c) = ([0.0_f64; 6], [0.0_f64; 12], &mut [0.0_f64; 7]);
    assert_names(gemm::nn(2, 4, 3, &a, &b, false, c, s), "c");
}

#[test]
fn binary_and_quantized() {
    let s = &mut Scratch::new();
    let out = &mut [0.0; 4][..];
    assert_names(binary::forward_f32(&[0; 3], 2, 70, &[0.0; 140], 2, out, s), "words");
    assert_names(binary::forward_f32(&[0; 4], 2, 70, &[0.0; 139], 2, out, s), "x");
    assert_names(binary::transposed_f32(&[0; 4], 2, 70, &[0.0; 3], 2, &mut [0.0; 140], s), "y");
    assert!(matches!(binary::pack_u8(1, 3, &[0, 1, 2], &mut [0]), Err(KernelError::Value { index: 2, .. })));
    assert!(matches!(binary::check_codes(&[0, 0, 0, 64], 2, 70), Err(KernelError::Padding { word: 3, .. })));
    let format = quantized::Format { bits: 9, scale: 1.0, zero: 0 };
    assert_names(quantized::words_len(1, 1, 1), "bits");
    assert_names(quantized::forward_f32(&[0; 2], 1, 8, format, &[0.0; 8], 1, &mut out[..1], s), "bits");
    assert!(matches!(
        quantized::pack_u8(1, 3, 3, &[0, 7, 8], &mut [0]),
        Err(KernelError::Value { index: 2, max: 7, .. })
    ));
    assert!(matches!(quantized::check_codes(&[1 << 9], 1, 3, 3), Err(KernelError::Padding { word: 0, .. })));
}
