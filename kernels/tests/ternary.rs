//! Ternary packing, quantisers and products: every instruction set against the formulas.

mod common;

use barewire_kernels::{Isa, Scratch, ternary};
use common::{Rng, bits, for_each_isa, max_abs, shapes};

fn packed(digits: &[i8], rows: usize, cols: usize) -> Vec<u64> {
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, digits, &mut words).unwrap();
    words
}

fn quantized(isa: Isa, x: &[f32], n: usize, cols: usize) -> (Vec<i8>, Vec<f32>) {
    // Dirty buffers: everything must be written.
    let mut codes = vec![77; ternary::int8_codes_len(n, cols).unwrap()];
    let mut scales = vec![-1.0; n];
    ternary::quantize_int8_with(isa, x, n, cols, &mut codes, &mut scales).unwrap();
    (codes, scales)
}

fn as_f64(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&v| v.into()).collect()
}

#[test]
fn packing_round_trips_and_is_canonical() {
    let mut rng = Rng(1);
    for (rows, cols, _) in shapes() {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        ternary::check_codes(&words, rows, cols).unwrap();
        let mut again = vec![9; rows * cols];
        ternary::unpack_i8(&words, rows, cols, &mut again).unwrap();
        assert_eq!(again, digits, "{rows} x {cols}");
        let mut floats = vec![9.0; rows * cols];
        ternary::unpack_f32(&words, rows, cols, &mut floats).unwrap();
        assert!(floats.iter().zip(&digits).all(|(f, d)| *f == f32::from(*d)));
        for (i, d) in digits.iter().enumerate() {
            let found = ternary::get(&words, rows, cols, i / cols, i % cols);
            assert_eq!(found, Ok(*d));
        }
    }
}

#[test]
fn tile8_order_is_as_documented() {
    // Row 9, column 40 of 10 x 70: tile 1, word column 1 of 3, lane 1; bits 16 and 17.
    let mut digits = vec![0; 700];
    digits[9 * 70 + 40] = -1;
    let words = packed(&digits, 10, 70);
    assert_eq!(words.len(), 2 * 3 * 8);
    for (i, word) in words.iter().enumerate() {
        let expected = if i == (3 + 1) * 8 + 1 { ternary::ZERO_WORD & !(1 << 16) } else { ternary::ZERO_WORD };
        assert_eq!(*word, expected, "word {i}");
    }
}

#[test]
fn int8_products_are_exact_on_every_isa() {
    let mut rng = Rng(2);
    for (rows, cols, n) in shapes() {
        let words = packed(&rng.digits(rows * cols), rows, cols);
        let x = rng.floats(n * cols);
        let (codes, scales) = quantized(Isa::Reference, &x, n, cols);
        let mut digits = vec![0; rows * cols];
        ternary::unpack_i8(&words, rows, cols, &mut digits).unwrap();
        let mut q = vec![0.0; n * cols];
        ternary::dequantize_int8(&codes, &vec![1.0; n], n, cols, &mut q).unwrap();
        let sums = ternary::reference::forward(&digits, rows, cols, &as_f64(&q), n);
        let expected: Vec<f32> =
            sums.iter().enumerate().map(|(i, &sum)| sum as f32 * (scales[i / rows] * 0.3)).collect();
        for_each_isa(|isa| {
            assert_eq!(quantized(isa, &x, n, cols).0, codes, "{}", isa.name());
            assert_eq!(bits(&quantized(isa, &x, n, cols).1), bits(&scales));
            let mut out = vec![f32::NAN; n * rows];
            ternary::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 0.3, &mut out).unwrap();
            let name = isa.name();
            assert_eq!(bits(&out), bits(&expected), "{name} {rows} x {cols}, {n}");
        });
    }
}

#[test]
fn int8_quantiser_follows_the_formula() {
    let mut rng = Rng(3);
    for (_, cols, n) in shapes() {
        let mut x = rng.floats(n * cols);
        // Ties: with a maximum of 127 the step is 1.
        for row in x.chunks_mut(cols.max(1)).step_by(2) {
            for v in row.iter_mut() {
                *v = (*v * 254.0).round() / 2.0;
            }
            row[0] = 127.0;
        }
        let (codes, scales) = quantized(Isa::Reference, &x, n, cols);
        let mut values = vec![0.0; n * cols];
        for_each_isa(|isa| {
            ternary::dequantize_int8_with(isa, &codes, &scales, n, cols, &mut values).unwrap();
            for t in 0..n {
                let token = &x[t * cols..][..cols];
                let max = token.iter().fold(1e-5f32, |m, v| m.max(v.abs()));
                assert_eq!(scales[t], max / 127.0);
                for (c, v) in token.iter().enumerate() {
                    let q = (v * (127.0 / max)).round_ties_even().clamp(-128.0, 127.0);
                    assert_eq!(values[t * cols + c], q * scales[t]);
                }
            }
        });
    }
}

/// Rounding of `x` to the limbs' grid: at most half a step of `2^-22 * max`, for each digit that
/// is not 0; one rounding to f32 of the result.
fn assert_f32_grade(found: f32, exact: f64, nonzero: usize, max: f64, what: &str) {
    let half_step = (max / (1u64 << 23) as f64).max(2f64.powi(-127));
    let bound = nonzero as f64 * half_step + exact.abs() / (1u64 << 24) as f64 + 1e-45;
    let error = (f64::from(found) - exact).abs();
    assert!(error <= bound, "{what}: {found} for {exact}, {error:e} > {bound:e}");
}

#[test]
fn f32_products_keep_their_bound_and_agree() {
    let mut rng = Rng(4);
    let mut scratch = Scratch::new();
    for (case, (rows, cols, n)) in shapes().enumerate() {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        // From subnormal to near the largest float.
        let size = [1.0, 1e-40, 3e-37, 1e36, 1.0, 1e-6][case % 6];
        let mut x = rng.floats(n * cols);
        let mut y = rng.floats(n * rows);
        for v in x.iter_mut().chain(&mut y) {
            *v *= size;
        }
        let forward = ternary::reference::forward(&digits, rows, cols, &as_f64(&x), n);
        let transposed = ternary::reference::transposed(&digits, rows, cols, &as_f64(&y), n);
        let mut first: Option<[Vec<u32>; 2]> = None;
        for_each_isa(|isa| {
            let what = format!("{} {rows} x {cols}, {n} tokens", isa.name());
            let mut out = vec![f32::NAN; n * rows];
            ternary::forward_f32_with(isa, &words, rows, cols, &x, n, &mut out, &mut scratch).unwrap();
            for (i, (&found, &exact)) in out.iter().zip(&forward).enumerate() {
                let row = &digits[i % rows * cols..][..cols];
                let nonzero = row.iter().filter(|d| **d != 0).count();
                let max = max_abs(&x[i / rows * cols..][..cols]);
                assert_f32_grade(found, exact, nonzero, max, &what);
            }
            let mut back = vec![f32::NAN; n * cols];
            ternary::transposed_f32_with(isa, &words, rows, cols, &y, n, &mut back, &mut scratch).unwrap();
            for (i, (&found, &exact)) in back.iter().zip(&transposed).enumerate() {
                let column = (0..rows).filter(|r| digits[r * cols + i % cols] != 0);
                let max = max_abs(&y[i / cols * rows..][..rows]);
                assert_f32_grade(found, exact, column.count(), max, &what);
            }
            if isa != Isa::Reference {
                let found = [bits(&out), bits(&back)];
                assert!(*first.get_or_insert(found.clone()) == found, "{what}");
            }
        });
    }
}

#[test]
fn integers_are_multiplied_exactly() {
    let (rows, cols) = (9, 100);
    let mut rng = Rng(5);
    let digits = rng.digits(rows * cols);
    let words = packed(&digits, rows, cols);
    // The largest limb value, the first one past it, a power of two, small ones.
    for max in [8_355_711, 8_355_712, 8_388_607, 1 << 22, 1000, 1] {
        let x: Vec<f32> = (0..cols)
            .map(|c| match c {
                0 => max as f32,
                1 => -max as f32,
                _ => (rng.below(max as u64) / 2 * 2) as f32,
            })
            .collect();
        // Above 2^22 the grid is 1 or, for the two in the middle, 2: even numbers are on it.
        if max > 8_355_711 && max % 2 == 1 {
            continue;
        }
        let exact = ternary::reference::forward(&digits, rows, cols, &as_f64(&x), 1);
        for_each_isa(|isa| {
            let mut out = vec![0.0; rows];
            let mut scratch = Scratch::new();
            ternary::forward_f32_with(isa, &words, rows, cols, &x, 1, &mut out, &mut scratch).unwrap();
            let exact: Vec<f32> = exact.iter().map(|&v| v as f32).collect();
            assert_eq!(out, exact, "{} max {max}", isa.name());
        });
    }
}

#[test]
fn batching_changes_no_bit() {
    let (rows, cols, n) = (70, 90, 17);
    let mut rng = Rng(6);
    let words = packed(&rng.digits(rows * cols), rows, cols);
    let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
    let mut s = Scratch::new();
    for_each_isa(|isa| {
        let (codes, scales) = quantized(isa, &x, n, cols);
        let record = codes.len() / n;
        let mut all = [vec![0.0; n * rows], vec![0.0; n * rows], vec![0.0; n * cols]];
        let mut one = all.clone();
        let [a, b, c] = &mut all;
        ternary::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 0.7, a).unwrap();
        ternary::forward_f32_with(isa, &words, rows, cols, &x, n, b, &mut s).unwrap();
        ternary::transposed_f32_with(isa, &words, rows, cols, &y, n, c, &mut s).unwrap();
        for t in 0..n {
            let [a, b, c] = &mut one;
            let a = &mut a[t * rows..][..rows];
            let b = &mut b[t * rows..][..rows];
            let c = &mut c[t * cols..][..cols];
            let codes = &codes[t * record..][..record];
            let (x, y) = (&x[t * cols..][..cols], &y[t * rows..][..rows]);
            let scale = &scales[t..=t];
            ternary::forward_int8_with(isa, &words, rows, cols, codes, scale, 1, 0.7, a).unwrap();
            ternary::forward_f32_with(isa, &words, rows, cols, x, 1, b, &mut s).unwrap();
            ternary::transposed_f32_with(isa, &words, rows, cols, y, 1, c, &mut s).unwrap();
        }
        assert_eq!(all.map(|v| bits(&v)), one.map(|v| bits(&v)), "{}", isa.name());
    });
}

/// Any bytes at all: code 3 counts as +2, and i16 sums do not overflow.
#[test]
fn damaged_payload_gives_the_same_bits_everywhere() {
    let mut rng = Rng(7);
    let mut scratch = Scratch::new();
    for (fill, cols) in [(None, 300), (Some(u64::MAX), 1030), (Some(0), 640)] {
        let (rows, n) = (140, 5);
        let len = ternary::words_len(rows, cols).unwrap();
        let words: Vec<u64> = (0..len).map(|_| fill.unwrap_or_else(|| rng.bits())).collect();
        let mut digits = vec![0; rows * cols];
        ternary::unpack_i8(&words, rows, cols, &mut digits).unwrap();
        assert!(digits.iter().all(|d| (-1..=2).contains(d)));
        let codes: Vec<i8> = (0..ternary::int8_codes_len(n, cols).unwrap())
            .map(|i| if i % 2 == 0 { -128 } else { rng.bits() as i8 & -64 })
            .collect();
        let (x, y) = (vec![-1.0; n * cols], vec![-1.0; n * rows]);
        let mut first: Option<Vec<u32>> = None;
        for_each_isa(|isa| {
            let mut out = vec![0.0; n * rows];
            let mut all = Vec::new();
            if isa != Isa::Reference {
                // The codes' padding is not zero here either: products still agree.
                ternary::forward_int8_with(isa, &words, rows, cols, &codes, &[1.0; 5], n, 1.0, &mut out).unwrap();
                all.extend(bits(&out));
            }
            ternary::forward_f32_with(isa, &words, rows, cols, &x, n, &mut out, &mut scratch).unwrap();
            let exact = ternary::reference::forward(&digits, rows, cols, &as_f64(&x), n);
            assert!(out.iter().zip(&exact).all(|(a, b)| f64::from(*a) == *b));
            let mut back = vec![0.0; n * cols];
            ternary::transposed_f32_with(isa, &words, rows, cols, &y, n, &mut back, &mut scratch).unwrap();
            let exact = ternary::reference::transposed(&digits, rows, cols, &as_f64(&y), n);
            assert!(back.iter().zip(&exact).all(|(a, b)| f64::from(*a) == *b));
            if isa != Isa::Reference {
                assert!(*first.get_or_insert(all.clone()) == all, "{}", isa.name());
            }
        });
        if fill != Some(0) {
            assert!(ternary::check_codes(&words, rows, cols).is_err());
        }
    }
}

#[test]
fn a_token_that_is_not_finite_is_nan_and_alone_in_it() {
    let (rows, cols, n) = (19, 40, 5);
    let mut rng = Rng(8);
    let words = packed(&rng.digits(rows * cols), rows, cols);
    for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (mut x, mut y) = (rng.floats(n * cols), rng.floats(n * rows));
        x[2 * cols + 7] = bad;
        y[2 * rows + 7] = bad;
        for_each_isa(|isa| {
            let mut s = Scratch::new();
            let (codes, scales) = quantized(isa, &x, n, cols);
            let mut outs = [vec![0.0; n * rows], vec![0.0; n * rows], vec![0.0; n * cols]];
            let [a, b, c] = &mut outs;
            ternary::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 1.0, a).unwrap();
            ternary::forward_f32_with(isa, &words, rows, cols, &x, n, b, &mut s).unwrap();
            ternary::transposed_f32_with(isa, &words, rows, cols, &y, n, c, &mut s).unwrap();
            for out in outs {
                let width = out.len() / n;
                for (i, v) in out.iter().enumerate() {
                    assert_eq!(v.is_nan(), i / width == 2, "{} {bad}", isa.name());
                }
            }
        });
    }
}

#[test]
fn zeros_give_positive_zeros() {
    let (rows, cols, n) = (12, 50, 3);
    let words = packed(&Rng(9).digits(rows * cols), rows, cols);
    for_each_isa(|isa| {
        let mut s = Scratch::new();
        let mut out = vec![1.0; n * rows];
        let x = vec![0.0; n * cols];
        ternary::forward_f32_with(isa, &words, rows, cols, &x, n, &mut out, &mut s).unwrap();
        assert_eq!(bits(&out), vec![0; n * rows]);
        let (codes, scales) = quantized(isa, &x, n, cols);
        ternary::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 1.0, &mut out).unwrap();
        assert_eq!(bits(&out), vec![0; n * rows]);
    });
}

#[test]
fn absmean_follows_the_formula_on_every_isa() {
    let mut rng = Rng(10);
    for (case, (rows, cols, _)) in shapes().enumerate() {
        let mut w = rng.floats(rows * cols);
        if case % 5 == 4 {
            // A mean of exactly 1 with ties at one half.
            for (i, v) in w.iter_mut().enumerate() {
                *v = [0.5, -1.5, 1.5, -0.5][i % 4];
            }
        }
        if case % 7 == 6 {
            w.fill(0.0);
        }
        let sum: f64 = w.iter().map(|v| f64::from(v.abs())).sum();
        let mean = sum / w.len().max(1) as f64;
        let mut first = None;
        for_each_isa(|isa| {
            let mut words = vec![7; ternary::words_len(rows, cols).unwrap()];
            let scale = ternary::quantize_absmean_with(isa, &w, rows, cols, &mut words).unwrap();
            // Sums of f64 in another order: far below an f32 ulp, which may still turn over.
            let expected = (mean as f32).max(1e-5);
            assert!((scale - expected).abs() <= expected * f32::EPSILON);
            ternary::check_codes(&words, rows, cols).unwrap();
            let mut digits = vec![0; rows * cols];
            ternary::unpack_i8(&words, rows, cols, &mut digits).unwrap();
            for (d, v) in digits.iter().zip(&w) {
                let expected = (v * (1.0 / scale)).round_ties_even().clamp(-1.0, 1.0);
                assert_eq!(f32::from(*d), expected);
            }
            let found = (scale.to_bits(), words);
            assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
        });
    }
}

#[test]
fn absmean_of_weights_that_are_not_finite() {
    for (bad, nan) in [(f32::NAN, true), (f32::INFINITY, false)] {
        let mut w = vec![0.5; 100];
        w[63] = bad;
        for_each_isa(|isa| {
            let mut words = vec![0; ternary::words_len(10, 10).unwrap()];
            let scale = ternary::quantize_absmean_with(isa, &w, 10, 10, &mut words).unwrap();
            assert!(if nan { scale.is_nan() } else { scale == f32::INFINITY });
            assert!(words.iter().all(|w| *w == ternary::ZERO_WORD));
        });
    }
}

/// Shapes past the points where the i16 sums of AVX2 are widened.
#[test]
fn long_rows_and_columns() {
    for (rows, cols) in [(8, 5000), (1100, 40)] {
        let words = packed(&vec![1; rows * cols], rows, cols);
        let (x, y) = (vec![1.0; cols], vec![1.0; rows]);
        let n = 1;
        for_each_isa(|isa| {
            let mut s = Scratch::new();
            let (codes, scales) = quantized(isa, &x, n, cols);
            let mut out = vec![0.0; rows];
            ternary::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 1.0, &mut out).unwrap();
            assert_eq!(out, vec![(cols * 127) as f32 * scales[0]; rows]);
            ternary::forward_f32_with(isa, &words, rows, cols, &x, n, &mut out, &mut s).unwrap();
            assert_eq!(out, vec![cols as f32; rows]);
            let mut back = vec![0.0; cols];
            ternary::transposed_f32_with(isa, &words, rows, cols, &y, n, &mut back, &mut s).unwrap();
            assert_eq!(back, vec![rows as f32; cols]);
        });
    }
}

/// Past the points where i32 accumulators are folded and where limbs no longer share an i32, with
/// the largest codes that damaged data can hold (digit +2 everywhere).
#[test]
fn largest_sums() {
    for (rows, cols) in [(1, 600_000), (9, 20_000), (20_000, 9)] {
        let words = vec![u64::MAX; ternary::words_len(rows, cols).unwrap()];
        let (x, y) = (vec![-127.0; cols], vec![-127.0; rows]);
        let codes = vec![-128; ternary::int8_codes_len(1, cols).unwrap()];
        for_each_isa(|isa| {
            let mut s = Scratch::new();
            let mut out = vec![0.0; rows];
            if isa != Isa::Reference || cols % 32 == 0 {
                ternary::forward_int8_with(isa, &words, rows, cols, &codes, &[1.0], 1, 1.0, &mut out).unwrap();
                let padded = cols.div_ceil(32) * 32;
                assert_eq!(out, vec![-(padded as f32) * 256.0; rows], "{}", isa.name());
            }
            ternary::forward_f32_with(isa, &words, rows, cols, &x, 1, &mut out, &mut s).unwrap();
            assert_eq!(out, vec![-(cols as f32) * 254.0; rows], "{}", isa.name());
            let mut back = vec![0.0; cols];
            ternary::transposed_f32_with(isa, &words, rows, cols, &y, 1, &mut back, &mut s).unwrap();
            assert_eq!(back, vec![-(rows as f32) * 254.0; cols], "{}", isa.name());
        });
    }
}
