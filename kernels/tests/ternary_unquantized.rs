//! The ternary product with activations as they are: the stated order of additions, to the bit.

mod common;

use barewire_kernels::{Exec, Isa, KernelError, ternary};
use common::{Rng, bits, for_each_isa, shapes};

fn packed(digits: &[i8], rows: usize, cols: usize) -> Vec<u64> {
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, digits, &mut words).unwrap();
    words
}

fn run(exec: impl Into<Exec>, words: &[u64], rows: usize, cols: usize, x: &[f32], n: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; n * rows];
    ternary::forward_unquantized_with(exec, words, rows, cols, x, n, &mut out).unwrap();
    out
}

fn chain(terms: &[f32]) -> f32 {
    let (first, rest) = terms.split_first().unwrap();
    rest.iter().fold(*first, |sum, term| sum + term)
}

/// One output as the docs write it.
fn in_stated_order(digits: &[i8], x: &[f32]) -> f32 {
    let mut terms: Vec<f32> = digits
        .iter()
        .zip(x)
        .map(|(d, x)| match d {
            -1 => -x,
            0 => 0.0,
            1 => *x,
            _ => x + x,
        })
        .collect();
    terms.resize(digits.len().div_ceil(32) * 32, 0.0);
    let pairs: Vec<f32> = terms.chunks(2).map(chain).collect();
    let words: Vec<f32> = pairs.chunks(16).map(chain).collect();
    let blocks: Vec<f32> = words.chunks(8).map(chain).collect();
    chain(&blocks)
}

#[test]
fn additions_are_in_the_stated_order() {
    let mut rng = Rng(1);
    for (case, (rows, cols, n)) in shapes().chain([(17, 700, 5), (90, 513, 4), (70, 256, 3)]).enumerate() {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        // Magnitudes far apart, so that another order gives other bits; subnormal ones too.
        let mut x = rng.floats(n * cols);
        for v in &mut x {
            *v *= 2f32.powi(rng.below(40) as i32 - if case % 5 == 0 { 150 } else { 20 });
        }
        let expected: Vec<f32> = (0..n * rows)
            .map(|i| match cols {
                0 => 0.0,
                _ => in_stated_order(&digits[i % rows * cols..][..cols], &x[i / rows * cols..][..cols]),
            })
            .collect();
        for_each_isa(|isa| {
            if isa != Isa::Reference {
                let found = run(isa, &words, rows, cols, &x, n);
                assert_eq!(bits(&found), bits(&expected), "{} {rows} x {cols}, {n}", isa.name());
            }
        });
    }
}

#[test]
fn errors_keep_their_bound() {
    let mut rng = Rng(2);
    for (rows, cols, n) in shapes().chain([(9, 3000, 2)]) {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        let x = rng.floats(n * cols);
        let wide: Vec<f64> = x.iter().map(|&v| v.into()).collect();
        let exact = ternary::reference::forward(&digits, rows, cols, &wide, n);
        for_each_isa(|isa| {
            for (i, found) in run(isa, &words, rows, cols, &x, n).into_iter().enumerate() {
                let row = &digits[i % rows * cols..][..cols];
                let terms = row.iter().zip(&wide[i / rows * cols..]).map(|(&d, x)| f64::from(d.abs()) * x.abs());
                let unit = (22 + cols.div_ceil(256)) as f64 / (1u64 << 24) as f64;
                let bound = unit / (1.0 - unit) * terms.sum::<f64>();
                assert!((f64::from(found) - exact[i]).abs() <= bound, "{} {rows} x {cols}", isa.name());
            }
        });
    }
}

#[test]
fn small_terms_count_in_full() {
    // What a quantiser of 24 bits would lose.
    let words = packed(&[1, 0, 0, 1], 2, 2);
    for_each_isa(|isa| {
        assert_eq!(run(isa, &words, 2, 2, &[1e30, 1.234e-30], 1), [1e30, 1.234e-30], "{}", isa.name());
    });
}

#[test]
fn batching_and_threads_change_no_bit() {
    let mut rng = Rng(3);
    for (rows, cols, n) in [(700, 300, 7), (2051, 260, 2), (65, 70, 9)] {
        let words = packed(&rng.digits(rows * cols), rows, cols);
        let x = rng.floats(n * cols);
        for_each_isa(|isa| {
            let all = run(isa, &words, rows, cols, &x, n);
            for (x, all) in x.chunks_exact(cols).zip(all.chunks_exact(rows)) {
                assert_eq!(bits(&run(isa, &words, rows, cols, x, 1)), bits(all), "{}", isa.name());
            }
            for threads in [1, 2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = pool.install(|| run(Exec::from(isa).parallel(), &words, rows, cols, &x, n));
                assert_eq!(bits(&found), bits(&all), "{} {threads} threads", isa.name());
            }
        });
    }
}

#[test]
fn nan_and_infinity_reach_only_rows_that_use_them() {
    let (rows, cols) = (11, 45);
    let mut rng = Rng(4);
    let digits = rng.digits(rows * cols);
    let words = packed(&digits, rows, cols);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = rng.floats(cols);
        x[33] = bad;
        for_each_isa(|isa| {
            for (r, found) in run(isa, &words, rows, cols, &x, 1).into_iter().enumerate() {
                let digit = digits[r * cols + 33];
                if digit == 0 || bad.is_nan() {
                    assert_eq!(found.is_nan(), digit != 0, "{}", isa.name());
                } else {
                    assert_eq!(found, f32::from(digit) * bad, "{}", isa.name());
                }
            }
        });
    }
}

/// Any bytes at all: code 3 counts as +2, in padding too (times 0).
#[test]
fn damaged_payload_gives_the_same_bits_everywhere() {
    let mut rng = Rng(5);
    for (fill, rows, cols, n) in [(None, 30, 301, 3), (Some(u64::MAX), 9, 70, 1), (Some(0), 40, 33, 4)] {
        let len = ternary::words_len(rows, cols).unwrap();
        let words: Vec<u64> = (0..len).map(|_| fill.unwrap_or_else(|| rng.bits())).collect();
        let mut x = rng.floats(n * cols);
        x[..cols].fill(0.0);
        let mut first = None;
        for_each_isa(|isa| {
            if isa != Isa::Reference {
                let found = bits(&run(isa, &words, rows, cols, &x, n));
                assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
            }
        });
    }
}

#[test]
fn wrong_lengths_are_named() {
    let (rows, cols, n) = (10, 40, 2);
    let words = packed(&Rng(6).digits(rows * cols), rows, cols);
    let (x, mut out) = (vec![0.0; n * cols], vec![7.0; n * rows]);
    let wrong = |argument, expected| Err(KernelError::Length { argument, expected, found: expected - 1 });
    let product = ternary::forward_unquantized;
    assert_eq!(product(&words[1..], rows, cols, &x, n, &mut out), wrong("words", 32));
    assert_eq!(product(&words, rows, cols, &x[1..], n, &mut out), wrong("x", 80));
    assert_eq!(product(&words, rows, cols, &x, n, &mut out[1..]), wrong("out", 20));
    assert!(matches!(product(&words, rows, cols, &x, usize::MAX, &mut out), Err(KernelError::Overflow { .. })));
    assert!(out.iter().all(|v| *v == 7.0), "nothing was written");
}
