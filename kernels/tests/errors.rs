//! Wrong lengths and values are errors that name the argument; nothing panics.

use barewire_kernels::{
    KernelError, Scratch, adam, binary, causal_conv1d, cross_entropy, diagonal_scan, gated_recurrence, gemm, quantized,
    rms_norm, selective_scan, softmax, ssd, ternary, weight_gradient,
};

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

/// Every choice of `N` sizes, among them some whose products do not fit.
fn every_size<const N: usize>(mut case: impl FnMut([usize; N])) {
    const SIZES: [usize; 5] = [0, 1, 3, 1 << 32, usize::MAX];
    for mut i in 0..SIZES.len().pow(N as u32) {
        let mut sizes = [0; N];
        for size in &mut sizes {
            *size = SIZES[i % SIZES.len()];
            i /= SIZES.len();
        }
        case(sizes);
    }
}

/// Sizes of any magnitude with empty slices are an error, or nothing to do: no product wraps, nothing panics, reserves
/// memory or counts to a huge number.
#[test]
fn huge_sizes_with_empty_slices() {
    let s = &mut Scratch::new();
    // An error or not is the sizes' matter; that it comes back is what is tested.
    fn done<T>(_: Result<T, KernelError>) {}
    let c = adam::Coefficients { grad: 1.0, beta1: 0.5, beta2: 0.5, rate: 0.1, second: 1.0, eps: 1.0, keep: 1.0 };
    every_size(|[rows, cols]| {
        let e = || -> &mut [f32] { &mut [] };
        done(adam::update_latent(c, e(), &[], e(), e(), rows, cols, &mut [], s));
        done(cross_entropy::forward(&[], &[], rows, cols, e()));
        done(cross_entropy::forward_backward(&[], &[], rows, cols, 1.0, e(), e()));
        done(rms_norm::forward(&[], Some(&[]), rows, cols, 0.0, e(), e()));
        done(rms_norm::forward(&[], None, rows, cols, 0.0, e(), e()));
        done(rms_norm::backward(&[], None, &[], &[], rows, cols, 0.0, e(), Some(e()), s));
        done(rms_norm::backward(&[], None, &[], &[], rows, cols, 0.0, e(), None, s));
        done(softmax::forward(&[], rows, cols, e()));
        done(softmax::log_forward(&[], rows, cols, e()));
        done(softmax::backward(&[], &[], rows, cols, e()));
        done(softmax::log_backward(&[], &[], rows, cols, e()));
        done(gated_recurrence::step(&[], &[], rows, cols, e()));
        done(ternary::quantize_absmean(&[], rows, cols, &mut []));
        done(ternary::quantize_int8(&[], rows, cols, &mut [], e()));
        done(selective_scan::packed_len(rows, cols));
        done(selective_scan::pack_a(rows, cols, &[], e()));
    });
    every_size(|[n, rows, cols]| {
        let e = || -> &mut [f32] { &mut [] };
        done(gated_recurrence::forward(&[], &[], n, rows, cols, e(), e()));
        done(gated_recurrence::backward(&[], &[], &[], &[], n, rows, cols, e(), e(), e()));
        done(gemm::nt(n, rows, cols, &[], &[], false, e(), s));
        done(gemm::nn(n, rows, cols, &[], &[], true, e(), s));
        done(gemm::tn(n, rows, cols, 1.0, &[], &[], false, e(), s));
        done(weight_gradient::dense(&[], &[], n, rows, cols, 1.0, false, e(), s));
        done(weight_gradient::rows(&[], &[], n, rows, cols, 0..rows, 1.0, e(), &mut [], s));
        done(ternary::forward_f32(&[], rows, cols, &[], n, e(), s));
        done(ternary::transposed_f32(&[], rows, cols, &[], n, e(), s));
        done(binary::forward_f32(&[], rows, cols, &[], n, e(), s));
        done(binary::transposed_f32(&[], rows, cols, &[], n, e(), s));
        let format = quantized::Format { bits: 3, scale: 1.0, zero: 0 };
        done(quantized::forward_f32(&[], rows, cols, format, &[], n, e(), s));
        done(quantized::transposed_f32(&[], rows, cols, format, &[], n, e(), s));
        done(selective_scan::pack_state(n, rows, cols, &[], e()));
        done(selective_scan::unpack_state(n, rows, cols, &[], e()));
        let inputs = selective_scan::StepInputs {
            x: &[],
            dt: &[],
            z: None,
            a_packed: &[],
            b: &[],
            c: &[],
            d: None,
            dt_bias: None,
            softplus: true,
        };
        done(selective_scan::step(n, rows, cols, &inputs, e(), e()));
    });
    every_size(|[batch, seq_len, d_inner, d_state]| {
        let e = || -> &mut [f32] { &mut [] };
        done(causal_conv1d::forward(&[], &[], &[], batch, seq_len, d_inner, d_state, e(), e(), s));
        let backward = causal_conv1d::backward;
        done(backward(&[], &[], &[], &[], batch, seq_len, d_inner, d_state, e(), e(), e(), e(), s));
        let shape = selective_scan::Shape { batch, seq_len, d_inner, d_state };
        done(selective_scan::checkpoints_len(shape));
        done(diagonal_scan::checkpoints_len(shape));
        let inputs = diagonal_scan::Inputs { x: &[], a: &[], b: &[], c: &[], d: None };
        done(diagonal_scan::forward(shape, inputs, e(), e(), s));
        done(diagonal_scan::forward_saving(shape, inputs, e(), e(), e(), s));
        done(diagonal_scan::step(shape, inputs, e(), e()));
        let cot = diagonal_scan::Cotangents { x: e(), a: e(), b: e(), c: e(), d: None };
        done(diagonal_scan::backward(shape, inputs, &[], &[], e(), cot, s));
        let (z, d, dt_bias) = (None, None, None);
        let inputs = selective_scan::Inputs { x: &[], dt: &[], z, a: &[], b: &[], c: &[], d, dt_bias, softplus: true };
        done(selective_scan::forward(shape, &inputs, e(), e(), s));
        done(selective_scan::forward_saving(shape, &inputs, e(), e(), e(), s));
        let (z, d, dt_bias) = (None, None, None);
        let cot = selective_scan::Cotangents { x: e(), dt: e(), z, a: e(), b: e(), c: e(), d, dt_bias };
        done(selective_scan::backward(shape, &inputs, &[], &[], e(), cot, s));
    });
    every_size(|[batch, seq_len, n_heads, head_dim, n_groups, d_state]| {
        let e = || -> &mut [f32] { &mut [] };
        let shape = ssd::Shape { batch, seq_len, n_heads, head_dim, n_groups, d_state };
        done(ssd::checkpoints_len(shape));
        let inputs = ssd::Inputs { x: &[], dt: &[], a: &[], b: &[], c: &[], d: None, dt_bias: None };
        done(ssd::forward(shape, inputs, e(), e(), s));
        done(ssd::forward_saving(shape, inputs, e(), e(), e(), s));
        done(ssd::step(shape, inputs, e(), e()));
        let cot = ssd::Cotangents { x: e(), dt: e(), a: e(), b: e(), c: e(), d: None, dt_bias: None };
        done(ssd::backward(shape, inputs, &[], &[], e(), cot, s));
    });
    assert_eq!(s.capacity_bytes(), 0, "nothing was reserved");
}
