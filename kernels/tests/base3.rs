//! The 1.6-bit form: no digit is lost, damage is named, and its product has the bits of the two-bit one.

mod common;

use barewire_kernels::ternary::{self, base3};
use barewire_kernels::{Exec, Isa, KernelError, Scratch};
use common::{LENGTHS, Rng, bits, for_each_isa, shapes};

/// A matrix in both forms, and tokens.
struct Case {
    rows: usize,
    cols: usize,
    n: usize,
    digits: Vec<i8>,
    two_bit: Vec<u64>,
    words: Vec<u64>,
    codes: Vec<i8>,
    scales: Vec<f32>,
}

impl Case {
    fn new(rng: &mut Rng, (rows, cols, n): (usize, usize, usize)) -> Self {
        let digits = rng.digits(rows * cols);
        let mut two_bit = vec![0; ternary::words_len(rows, cols).unwrap()];
        ternary::pack_i8(rows, cols, &digits, &mut two_bit).unwrap();
        let mut words = vec![7; base3::words_len(rows, cols).unwrap()];
        base3::pack(&two_bit, rows, cols, &mut words).unwrap();
        let mut codes = vec![77; ternary::int8_codes_len(n, cols).unwrap()];
        let mut scales = vec![f32::NAN; n];
        ternary::quantize_int8(&rng.floats(n * cols), n, cols, &mut codes, &mut scales).unwrap();
        Self { rows, cols, n, digits, two_bit, words, codes, scales }
    }

    /// By the two-bit form.
    fn expected(&self) -> Vec<u32> {
        let Self { rows, cols, n, two_bit, codes, scales, .. } = self;
        let mut out = vec![f32::NAN; n * rows];
        ternary::forward_int8_with(Isa::Portable, two_bit, *rows, *cols, codes, scales, *n, 0.3, &mut out).unwrap();
        bits(&out)
    }

    fn product(&self, exec: Exec, s: &mut Scratch) -> Vec<u32> {
        let Self { rows, cols, n, words, codes, scales, .. } = self;
        let mut out = vec![f32::NAN; n * rows];
        base3::forward_int8_with(exec, words, *rows, *cols, codes, scales, *n, 0.3, &mut out, s).unwrap();
        bits(&out)
    }
}

#[test]
fn packing_keeps_every_digit() {
    let mut rng = Rng(1);
    let cols = LENGTHS.into_iter().chain([0, 39, 40, 41, 79, 80, 81, 96, 120, 159, 160, 161, 320]);
    for (i, cols) in cols.enumerate() {
        let rows = [1, 8, 11, 0, 17][i % 5];
        let case = Case::new(&mut rng, (rows, cols, 0));
        let what = format!("{rows} x {cols}");
        base3::check(&case.words, rows, cols).unwrap();
        let mut words = vec![7; case.words.len()];
        base3::pack_i8(rows, cols, &case.digits, &mut words).unwrap();
        assert_eq!(words, case.words, "{what}");
        let mut two_bit = vec![7; case.two_bit.len()];
        base3::unpack(&words, rows, cols, &mut two_bit).unwrap();
        assert_eq!(two_bit, case.two_bit, "{what}");
        let mut digits = vec![7; case.digits.len()];
        base3::unpack_i8(&words, rows, cols, &mut digits).unwrap();
        assert_eq!(digits, case.digits, "{what}");
    }
}

/// The layout as it is documented, not as the code has it.
#[test]
fn bytes_are_as_documented() {
    let mut rng = Rng(2);
    let (rows, cols) = (19, 93);
    let case = Case::new(&mut rng, (rows, cols, 0));
    let (tiles, words_per_row) = (3, 3);
    assert_eq!(case.words.len(), tiles * words_per_row * 8);
    let digit = |r: usize, c: usize| if r < rows && c < cols { i32::from(case.digits[r * cols + c]) } else { 0 };
    for r in 0..tiles * 8 {
        for w in 0..words_per_row {
            let word = case.words[(r / 8 * words_per_row + w) * 8 + r % 8].to_le_bytes();
            for (b, &byte) in word.iter().enumerate() {
                let v = (0..5).fold(0, |v, n| 3 * v + digit(r, 40 * w + 8 * n + b) + 1);
                assert_eq!(i32::from(byte as i8), (256 * v + 242) / 243 - 128, "row {r}, word {w}, byte {b}");
            }
        }
    }
    assert_eq!(base3::ZERO_WORD, 0);
    // 40 columns a word of 64 bits.
    assert_eq!(base3::words_len(800, 4000).unwrap() * 64 * 10, 800 * 4000 * 16);
}

#[test]
fn bytes_that_no_number_gives_are_refused() {
    let fractions: Vec<u32> = (0..243u32).map(|v| (256 * v).div_ceil(243)).collect();
    let mut refused = 0;
    for byte in 0..=255u8 {
        let mut words = [0; 32]; // 10 x 80
        // Row 9, word 1, byte 3.
        words[(2 + 1) * 8 + 1] = u64::from(byte) << 24;
        let result = base3::check(&words, 10, 80);
        if fractions.contains(&u32::from(byte ^ 0x80)) {
            assert_eq!(result, Ok(()));
            continue;
        }
        refused += 1;
        let error = Err(KernelError::Code { row: 9, col: 43, found: byte });
        assert_eq!(result, error);
        assert_eq!(base3::unpack_i8(&words, 10, 80, &mut [7; 800]), error);
        let mut out = [7; 48];
        assert_eq!(base3::unpack(&words, 10, 80, &mut out), error);
        assert_eq!(out, [7; 48]);
    }
    assert_eq!(refused, 13);
}

#[test]
fn digits_in_padding_are_refused() {
    // One digit of +1 in place of a 0, in a matrix of 3 x 50: rows to 8, columns to 80.
    for r in 0..8 {
        for c in 0..80 {
            let mut digits = [0; 8 * 80];
            digits[r * 80 + c] = 1;
            let mut words = [0; 16];
            base3::pack_i8(8, 80, &digits, &mut words).unwrap();
            let result = base3::check(&words, 3, 50);
            if r < 3 && c < 50 {
                assert_eq!(result, Ok(()));
            } else {
                let word = c / 40 * 8 + r;
                assert_eq!(result, Err(KernelError::Padding { word, expected: 0, found: words[word] }), "{r} {c}");
            }
        }
    }
    // The digits that share a byte with padding are kept in what is expected.
    let mut words = [0; 16];
    base3::pack_i8(1, 80, &[1; 80], &mut words).unwrap();
    let mut good = [0; 16];
    base3::pack_i8(1, 50, &[1; 50], &mut good).unwrap();
    let error = Err(KernelError::Padding { word: 8, expected: good[8], found: words[8] });
    assert_eq!(base3::check(&words, 1, 50), error);
}

#[test]
fn the_bits_of_the_two_bit_form() {
    let mut rng = Rng(3);
    let mut s = Scratch::new();
    let more = [(9, 40, 1), (8, 39, 2), (70, 41, 3), (33, 480, 4), (16, 481, 5), (31, 520, 9), (130, 80, 11)];
    for shape in shapes().chain(more) {
        let case = Case::new(&mut rng, shape);
        let expected = case.expected();
        for_each_isa(|isa| assert!(case.product(isa.into(), &mut s) == expected, "{} {shape:?}", isa.name()));
    }
}

#[test]
fn cuts_change_no_bit() {
    let mut rng = Rng(4);
    let mut s = Scratch::new();
    // More tiles than a strip, more words than a fold, several blocks.
    for shape in [(300, 45, 1), (150, 90, 6), (9, 20_003, 1), (20, 3000, 7)] {
        let case = Case::new(&mut rng, shape);
        let expected = case.expected();
        for_each_isa(|isa| assert!(case.product(isa.into(), &mut s) == expected, "{} {shape:?}", isa.name()));
    }
}

#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(5);
    let mut s = Scratch::new();
    let cases = [(2100, 2100, 1), (330, 600, 40)].map(|shape| Case::new(&mut rng, shape));
    let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for case in &cases {
        for_each_isa(|isa| {
            // Slow paths have nothing of their own that depends on threads.
            if matches!(isa, Isa::Reference | Isa::Portable) && cfg!(debug_assertions) {
                return;
            }
            let alone = case.product(isa.into(), &mut s);
            for pool in &pools {
                let shared = pool.install(|| case.product(Exec::from(isa).parallel(), &mut s));
                assert!(alone == shared, "{}, {} threads", isa.name(), pool.current_num_threads());
            }
        });
    }
}

/// All digits and all codes alike: the sums that accumulators must hold between two folds, in blocks of
/// every size.
#[test]
fn largest_sums() {
    let mut s = Scratch::new();
    for (rows, cols, tokens) in [(20, 1000, 1..5), (2, 100_003, 1..2)] {
        for digit in [-1, 1] {
            let mut words = vec![7; base3::words_len(rows, cols).unwrap()];
            base3::pack_i8(rows, cols, &vec![digit; rows * cols], &mut words).unwrap();
            for n in tokens.clone() {
                for code in [-128, 127] {
                    let codes = vec![code; ternary::int8_codes_len(n, cols).unwrap()];
                    let expected = (cols as i32 * i32::from(digit) * i32::from(code)) as f32;
                    for_each_isa(|isa| {
                        if isa == Isa::Reference && cols > 1000 {
                            return;
                        }
                        let mut out = vec![0.0; n * rows];
                        let scales = vec![1.0; n];
                        base3::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 1.0, &mut out, &mut s)
                            .unwrap();
                        assert!(out.iter().all(|v| *v == expected), "{} {n} {digit} {code}", isa.name());
                    });
                }
            }
        }
    }
}

/// Bytes that [`base3::check`] refuses, and codes where there are no columns.
#[test]
fn unchecked_data_gives_the_same_bits_everywhere() {
    let mut rng = Rng(6);
    let mut s = Scratch::new();
    for (rows, cols, n) in [(8, 320, 1), (19, 333, 3), (7, 50, 6), (9, 1, 2), (64, 640, 1)] {
        let words: Vec<u64> = (0..base3::words_len(rows, cols).unwrap()).map(|_| rng.bits()).collect();
        let codes: Vec<i8> = (0..ternary::int8_codes_len(n, cols).unwrap()).map(|_| rng.bits() as i8).collect();
        let scales = rng.floats(n);
        let mut first = None;
        for_each_isa(|isa| {
            let mut out = vec![f32::NAN; n * rows];
            base3::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 0.7, &mut out, &mut s).unwrap();
            let out = bits(&out);
            assert!(*first.get_or_insert(out.clone()) == out, "{} {rows} {cols} {n}", isa.name());
        });
    }
}

#[test]
fn a_token_that_is_not_finite_is_nan_alone() {
    let mut rng = Rng(7);
    let mut s = Scratch::new();
    let (rows, cols, n) = (19, 90, 5);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut case = Case::new(&mut rng, (rows, cols, n));
        let mut x = rng.floats(n * cols);
        x[2 * cols + 7] = bad;
        ternary::quantize_int8(&x, n, cols, &mut case.codes, &mut case.scales).unwrap();
        for_each_isa(|isa| {
            for (i, v) in case.product(isa.into(), &mut s).into_iter().enumerate() {
                assert_eq!(f32::from_bits(v).is_nan(), i / rows == 2, "{} {bad}", isa.name());
            }
        });
    }
}

#[test]
fn wrong_arguments_are_named() {
    #[track_caller]
    fn assert_names<T: core::fmt::Debug>(result: Result<T, KernelError>, argument: &str) {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{argument}` ")), "{message}");
    }
    let s = &mut Scratch::new();
    let (rows, cols, n) = (10, 50, 2);
    let (words, two_bit) = ([base3::ZERO_WORD; 32], [ternary::ZERO_WORD; 32]);
    let (codes, scales, digits) = ([0; 128], [1.0; 2], [0; 500]);
    for_each_isa(|isa| {
        let mut product = |words: &[u64], codes: &[i8], scales: &[f32], len: usize| {
            let out = &mut vec![0.0; len][..];
            base3::forward_int8_with(isa, words, rows, cols, codes, scales, n, 1.0, out, s)
        };
        product(&words, &codes, &scales, 20).unwrap();
        assert_names(product(&words[1..], &codes, &scales, 20), "words");
        assert_names(product(&words, &codes[1..], &scales, 20), "codes");
        assert_names(product(&words, &codes, &scales[1..], 20), "scales");
        assert_names(product(&words, &codes, &scales, 19), "out");
    });
    assert_names(base3::pack(&two_bit[1..], rows, cols, &mut [0; 32]), "words");
    assert_names(base3::pack(&two_bit, rows, cols, &mut [0; 31]), "out");
    assert_names(base3::unpack(&words[1..], rows, cols, &mut [0; 32]), "words");
    assert_names(base3::unpack(&words, rows, cols, &mut [0; 31]), "out");
    assert_names(base3::pack_i8(rows, cols, &digits[1..], &mut [0; 32]), "digits");
    assert_names(base3::pack_i8(rows, cols, &digits, &mut [0; 31]), "words");
    assert_names(base3::unpack_i8(&words[1..], rows, cols, &mut [0; 500]), "words");
    assert_names(base3::unpack_i8(&words, rows, cols, &mut [0; 501]), "digits");
    assert_names(base3::check(&words, rows, 81), "words");
    assert_names(base3::words_len(ternary::MAX_DIM + 1, 1), "rows");
    assert_names(base3::words_len(1, usize::MAX), "cols");

    let mut out = [7; 32];
    let error = base3::pack_i8(10, 50, &[[0; 499].as_slice(), &[2]].concat(), &mut out);
    assert_eq!(error, Err(KernelError::Value { index: 499, min: -1, max: 1, found: 2 }));
    let mut bad = two_bit;
    bad[3] |= 3 << 10;
    let error = base3::pack(&bad, 10, 50, &mut out);
    assert_eq!(error, Err(KernelError::Code { row: 3, col: 5, found: 3 }));
    assert_eq!(out, [7; 32]);
}

#[test]
fn scratch_does_not_grow_twice() {
    let mut rng = Rng(8);
    let mut s = Scratch::new();
    let case = Case::new(&mut rng, (20, 333, 3));
    case.product(Isa::best().into(), &mut s);
    let bytes = s.capacity_bytes();
    assert!(bytes >= 3 * 360);
    case.product(Isa::best().into(), &mut s);
    assert_eq!(s.capacity_bytes(), bytes);
}
