//! Transposed ternary products with int8 and 16-bit cotangents, and every grade over threads. (The
//! f32-grade product itself is tested beside the forward one, in `ternary.rs`.)

mod common;

use barewire_kernels::{Exec, Isa, KernelError, Scratch, ternary};
use common::{Rng, bits, for_each_isa, max_abs, shapes};

fn packed(digits: &[i8], rows: usize, cols: usize) -> Vec<u64> {
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, digits, &mut words).unwrap();
    words
}

fn as_f64(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&v| v.into()).collect()
}

/// Codes and scales of cotangents.
fn quantized(y: &[f32], n: usize, rows: usize) -> (Vec<i8>, Vec<f32>) {
    let mut codes = vec![77; ternary::int8_codes_len(n, rows).unwrap()];
    let mut scales = vec![-1.0; n];
    ternary::quantize_int8(y, n, rows, &mut codes, &mut scales).unwrap();
    (codes, scales)
}

#[test]
fn int8_is_exact_on_every_isa() {
    let mut rng = Rng(1);
    let mut scratch = Scratch::new();
    for (rows, cols, n) in shapes() {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        let (codes, scales) = quantized(&rng.floats(n * rows), n, rows);
        let mut q = vec![0.0; n * rows];
        ternary::dequantize_int8(&codes, &vec![1.0; n], n, rows, &mut q).unwrap();
        let sums = ternary::reference::transposed(&digits, rows, cols, &as_f64(&q), n);
        let expected: Vec<f32> =
            sums.iter().enumerate().map(|(i, &sum)| sum as f32 * (scales[i / cols] * 0.3)).collect();
        for_each_isa(|isa| {
            let mut out = vec![f32::NAN; n * cols];
            let s = &mut scratch;
            ternary::transposed_int8_with(isa, &words, rows, cols, &codes, &scales, n, 0.3, &mut out, s).unwrap();
            assert_eq!(bits(&out), bits(&expected), "{} {rows} x {cols}, {n}", isa.name());
        });
    }
}

#[test]
fn fixed16_keeps_its_bound_and_agrees() {
    let mut rng = Rng(2);
    let mut scratch = Scratch::new();
    for (case, (rows, cols, n)) in shapes().enumerate() {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        // From subnormal to near the largest float.
        let size = [1.0, 1e-40, 3e-37, 1e36, 1.0, 1e-6][case % 6];
        let y: Vec<f32> = rng.floats(n * rows).iter().map(|v| v * size).collect();
        let exact = ternary::reference::transposed(&digits, rows, cols, &as_f64(&y), n);
        let mut first: Option<Vec<u32>> = None;
        for_each_isa(|isa| {
            let mut out = vec![f32::NAN; n * cols];
            ternary::transposed_fixed16_with(isa, &words, rows, cols, &y, n, &mut out, &mut scratch).unwrap();
            for (i, (&found, &exact)) in out.iter().zip(&exact).enumerate() {
                let nonzero = (0..rows).filter(|r| digits[r * cols + i % cols] != 0).count();
                let max = max_abs(&y[i / cols * rows..][..rows]);
                let half_step = (1.004 * max / (1u64 << 15) as f64).max(2f64.powi(-127));
                let bound = nonzero as f64 * half_step + exact.abs() / (1u64 << 24) as f64 + 1e-45;
                let error = (f64::from(found) - exact).abs();
                assert!(error <= bound, "{} {rows} x {cols}, {n}: {error:e} > {bound:e}", isa.name());
            }
            if isa != Isa::Reference {
                assert!(*first.get_or_insert(bits(&out)) == bits(&out), "{} {rows} x {cols}, {n}", isa.name());
            }
        });
    }
}

#[test]
fn fixed16_multiplies_integers_exactly() {
    let (rows, cols) = (100, 40);
    let mut rng = Rng(3);
    let digits = rng.digits(rows * cols);
    let words = packed(&digits, rows, cols);
    // The largest value of two limbs; above it the grid is 2.
    for (max, grid) in [(32_639, 1), (32_640, 2), (16_384, 1), (1000, 1), (1, 1)] {
        let mut y: Vec<f32> = (0..rows).map(|_| (rng.below(max as u64) / grid * grid) as f32).collect();
        (y[0], y[1]) = (max as f32, -max as f32);
        let exact = ternary::reference::transposed(&digits, rows, cols, &as_f64(&y), 1);
        for_each_isa(|isa| {
            let mut out = vec![0.0; cols];
            let mut s = Scratch::new();
            ternary::transposed_fixed16_with(isa, &words, rows, cols, &y, 1, &mut out, &mut s).unwrap();
            assert_eq!(as_f64(&out), exact, "{} max {max}", isa.name());
        });
    }
}

/// All three grades, in turn, into one vector.
fn all_grades(exec: Exec, words: &[u64], rows: usize, cols: usize, y: &[f32], n: usize) -> Vec<u32> {
    let (codes, scales) = quantized(y, n, rows);
    let mut s = Scratch::new();
    let mut out = vec![f32::NAN; n * cols];
    let mut all = Vec::new();
    ternary::transposed_int8_with(exec, words, rows, cols, &codes, &scales, n, 0.7, &mut out, &mut s).unwrap();
    all.extend(bits(&out));
    ternary::transposed_fixed16_with(exec, words, rows, cols, y, n, &mut out, &mut s).unwrap();
    all.extend(bits(&out));
    ternary::transposed_f32_with(exec, words, rows, cols, y, n, &mut out, &mut s).unwrap();
    all.extend(bits(&out));
    all
}

#[test]
fn batching_changes_no_bit() {
    let (rows, cols) = (347, 161);
    let mut rng = Rng(4);
    let words = packed(&rng.digits(rows * cols), rows, cols);
    for n in [2, 3, 5, 6, 7, 13] {
        let y = rng.floats(n * rows);
        for_each_isa(|isa| {
            let all = all_grades(isa.into(), &words, rows, cols, &y, n);
            for (t, y) in y.chunks_exact(rows).enumerate() {
                let one = all_grades(isa.into(), &words, rows, cols, y, 1);
                for grade in 0..3 {
                    let all = &all[(grade * n + t) * cols..][..cols];
                    assert!(all == &one[grade * cols..][..cols], "{} {t} of {n}", isa.name());
                }
            }
        });
    }
}

#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(5);
    // Large enough to be cut, with a last word column that is not whole.
    for (rows, cols, n) in [(1000, 700, 5), (333, 2085, 8), (4000, 100, 7)] {
        let words = packed(&rng.digits(rows * cols), rows, cols);
        let y = rng.floats(n * rows);
        for_each_isa(|isa| {
            if isa == Isa::Reference {
                return;
            }
            let one = all_grades(isa.into(), &words, rows, cols, &y, n);
            for threads in [1, 2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let exec = Exec::from(isa).parallel();
                let all = pool.install(|| all_grades(exec, &words, rows, cols, &y, n));
                assert!(all == one, "{} {threads} threads, {rows} x {cols}", isa.name());
            }
        });
    }
}

/// Any bytes at all: code 3 counts as +2, codes of -128 and what stands in padding change nothing,
/// and no sum overflows.
#[test]
fn damaged_payload_gives_the_same_bits_everywhere() {
    let mut rng = Rng(6);
    let mut scratch = Scratch::new();
    for (fill, rows, cols, n) in [(None, 700, 70, 7), (Some(u64::MAX), 1030, 40, 6), (Some(0), 640, 33, 5)] {
        let len = ternary::words_len(rows, cols).unwrap();
        let words: Vec<u64> = (0..len).map(|_| fill.unwrap_or_else(|| rng.bits())).collect();
        let mut digits = vec![0; rows * cols];
        ternary::unpack_i8(&words, rows, cols, &mut digits).unwrap();
        let codes = vec![-128; ternary::int8_codes_len(n, rows).unwrap()];
        let y = vec![-1.0; n * rows];
        let exact = ternary::reference::transposed(&digits, rows, cols, &as_f64(&y), n);
        for_each_isa(|isa| {
            let mut out = vec![0.0; n * cols];
            let s = &mut scratch;
            ternary::transposed_int8_with(isa, &words, rows, cols, &codes, &vec![1.0; n], n, 1.0, &mut out, s).unwrap();
            assert!(out.iter().zip(&exact).all(|(a, b)| f64::from(*a) == 128.0 * b), "{}", isa.name());
            ternary::transposed_fixed16_with(isa, &words, rows, cols, &y, n, &mut out, s).unwrap();
            assert!(out.iter().zip(&exact).all(|(a, b)| f64::from(*a) == *b), "{}", isa.name());
        });
    }
}

#[test]
fn largest_sums() {
    for (rows, cols) in [(100_000, 9), (9, 20_000)] {
        let words = vec![u64::MAX; ternary::words_len(rows, cols).unwrap()];
        let codes = vec![-128; ternary::int8_codes_len(1, rows).unwrap()];
        let y = vec![-32639.0; rows];
        for_each_isa(|isa| {
            let mut s = Scratch::new();
            let mut out = vec![0.0; cols];
            ternary::transposed_int8_with(isa, &words, rows, cols, &codes, &[1.0], 1, 1.0, &mut out, &mut s).unwrap();
            assert_eq!(out, vec![-256.0 * rows as f32; cols], "{}", isa.name());
            ternary::transposed_fixed16_with(isa, &words, rows, cols, &y, 1, &mut out, &mut s).unwrap();
            assert_eq!(out, vec![(-65278.0 * rows as f64) as f32; cols], "{}", isa.name());
        });
    }
}

#[test]
fn a_token_that_is_not_finite_is_nan_and_alone_in_it() {
    let (rows, cols, n) = (19, 40, 5);
    let mut rng = Rng(7);
    let words = packed(&rng.digits(rows * cols), rows, cols);
    for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut y = rng.floats(n * rows);
        y[2 * rows + 7] = bad;
        for_each_isa(|isa| {
            for (i, v) in all_grades(isa.into(), &words, rows, cols, &y, n).into_iter().enumerate() {
                assert_eq!(f32::from_bits(v).is_nan(), i / cols % n == 2, "{} {bad}", isa.name());
            }
        });
    }
}

#[test]
fn zeros_give_positive_zeros() {
    let (rows, cols, n) = (12, 50, 3);
    let words = packed(&Rng(8).digits(rows * cols), rows, cols);
    for_each_isa(|isa| {
        let all = all_grades(isa.into(), &words, rows, cols, &vec![0.0; n * rows], n);
        assert_eq!(all, vec![0; 3 * n * cols], "{}", isa.name());
    });
}

#[test]
fn wrong_lengths_are_named() {
    let (rows, cols, n) = (10, 40, 2);
    let words = packed(&Rng(9).digits(rows * cols), rows, cols);
    let (y, codes, scales) = (vec![0.0; n * rows], vec![0; ternary::int8_codes_len(n, rows).unwrap()], vec![0.0; n]);
    let mut out = vec![7.0; n * cols];
    let mut s = Scratch::new();
    let wrong = |argument, expected| Err(KernelError::Length { argument, expected, found: expected - 1 });
    let fixed16 = ternary::transposed_fixed16;
    assert_eq!(fixed16(&words[1..], rows, cols, &y, n, &mut out, &mut s), wrong("words", 32));
    assert_eq!(fixed16(&words, rows, cols, &y[1..], n, &mut out, &mut s), wrong("y", 20));
    assert_eq!(fixed16(&words, rows, cols, &y, n, &mut out[1..], &mut s), wrong("out", 80));
    let int8 = ternary::transposed_int8;
    assert_eq!(int8(&words[1..], rows, cols, &codes, &scales, n, 1.0, &mut out, &mut s), wrong("words", 32));
    assert_eq!(int8(&words, rows, cols, &codes[1..], &scales, n, 1.0, &mut out, &mut s), wrong("codes", 64));
    assert_eq!(int8(&words, rows, cols, &codes, &scales[1..], n, 1.0, &mut out, &mut s), wrong("scales", 2));
    assert_eq!(int8(&words, rows, cols, &codes, &scales, n, 1.0, &mut out[1..], &mut s), wrong("out", 80));
    assert!(matches!(fixed16(&words, 1 << 23, cols, &y, n, &mut out, &mut s), Err(KernelError::TooLarge { .. })));
    assert!(matches!(fixed16(&words, rows, cols, &y, usize::MAX, &mut out, &mut s), Err(KernelError::Overflow { .. })));
    assert!(out.iter().all(|v| *v == 7.0), "nothing was written");
}
