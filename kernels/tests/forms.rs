//! Storage forms of others, to and from the words of this crate.

mod common;

use barewire_kernels::ternary::forms::i2_s::Order;
use barewire_kernels::ternary::forms::{hf_u8, i2_s, row_major, tq1_0, tq2_0};
use barewire_kernels::{KernelError, ternary};
use common::Rng;

fn packed(digits: &[i8], rows: usize, cols: usize) -> Vec<u64> {
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, digits, &mut words).unwrap();
    words
}

/// A form as the tests see it: bytes, and a scale (0 where the form has none).
#[derive(Clone, Copy, Debug)]
enum Form {
    HfU8,
    Tq2,
    Tq1,
    I2(Order),
}

const FORMS: [Form; 6] =
    [Form::HfU8, Form::Tq2, Form::Tq1, Form::I2(Order::X86), Form::I2(Order::Arm), Form::I2(Order::Rows4)];

impl Form {
    fn len(self, rows: usize, cols: usize) -> Result<usize, KernelError> {
        match self {
            Self::HfU8 => hf_u8::len(rows, cols),
            Self::Tq2 => tq2_0::len(rows, cols),
            Self::Tq1 => tq1_0::len(rows, cols),
            Self::I2(order) => i2_s::len(order, rows, cols),
        }
    }

    fn pack(self, words: &[u64], rows: usize, cols: usize, scale: f32, out: &mut [u8]) -> Result<(), KernelError> {
        match self {
            Self::HfU8 => hf_u8::pack(words, rows, cols, out),
            Self::Tq2 => tq2_0::pack(words, rows, cols, scale, out),
            Self::Tq1 => tq1_0::pack(words, rows, cols, scale, out),
            Self::I2(order) => i2_s::pack(order, words, rows, cols, scale, out),
        }
    }

    fn unpack(self, bytes: &[u8], rows: usize, cols: usize, words: &mut [u64]) -> Result<f32, KernelError> {
        match self {
            Self::HfU8 => hf_u8::unpack(bytes, rows, cols, words).map(|()| 0.0),
            Self::Tq2 => tq2_0::unpack(bytes, rows, cols, words),
            Self::Tq1 => tq1_0::unpack(bytes, rows, cols, words),
            Self::I2(order) => i2_s::unpack(order, bytes, rows, cols, words),
        }
    }
}

const SHAPES: [(usize, usize); 10] =
    [(4, 256), (8, 512), (1, 256), (12, 33), (4, 1), (128, 7), (3, 128), (64, 65), (0, 256), (4, 0)];

#[test]
fn every_form_keeps_digits_and_scale() {
    let mut rng = Rng(1);
    let mut seen = [0; FORMS.len()];
    for (rows, cols) in SHAPES {
        let words = packed(&rng.digits(rows * cols), rows, cols);
        for (seen, form) in seen.iter_mut().zip(FORMS) {
            let Ok(len) = form.len(rows, cols) else { continue };
            *seen += 1;
            let mut bytes = vec![0xAA; len];
            form.pack(&words, rows, cols, 0.8125, &mut bytes).unwrap();
            let mut again = vec![0; words.len()];
            let scale = form.unpack(&bytes, rows, cols, &mut again).unwrap();
            assert_eq!(again, words, "{form:?} {rows} x {cols}");
            let has_scale = !matches!(form, Form::HfU8) && !bytes.is_empty();
            assert_eq!(scale, if has_scale { 0.8125 } else { 0.0 }, "{form:?}");
        }
    }
    assert!(seen.iter().all(|seen| *seen >= 3), "{seen:?}");
}

#[test]
fn rows_are_kept_for_any_shape() {
    let mut rng = Rng(2);
    for (rows, cols, _) in common::shapes() {
        let words = packed(&rng.digits(rows * cols), rows, cols);
        let mut out = vec![7; row_major::len(rows, cols).unwrap()];
        row_major::pack(&words, rows, cols, &mut out).unwrap();
        let mut again = vec![0; words.len()];
        row_major::unpack(&out, rows, cols, &mut again).unwrap();
        assert_eq!(again, words, "{rows} x {cols}");
    }
}

/// One digit at a time, in the places that each format's own description gives.
#[test]
fn digits_lie_where_the_formats_say() {
    let (rows, cols) = (8, 256);
    let byte_of = |form: Form, r: usize, c: usize, digit: i8| {
        let mut digits = vec![0; rows * cols];
        let mut zero = vec![0; form.len(rows, cols).unwrap()];
        form.pack(&packed(&digits, rows, cols), rows, cols, 1.0, &mut zero).unwrap();
        digits[r * cols + c] = digit;
        let mut bytes = zero.clone();
        form.pack(&packed(&digits, rows, cols), rows, cols, 1.0, &mut bytes).unwrap();
        let changed: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i] != zero[i]).collect();
        assert_eq!(changed.len(), 1, "{form:?}");
        (changed[0], bytes[changed[0]])
    };
    let base_3 = |v: u16| (v * 256).div_ceil(243) as u8;
    // Rows 1, 3, 5 and 7 share a byte; 5 = 1 + 2 * 2 is its third.
    assert_eq!(byte_of(Form::HfU8, 5, 9, 1), (256 + 9, 0x55 + (1 << 4)));
    // 200 = 128 * 1 + 32 * 2 + 8.
    assert_eq!(byte_of(Form::Tq2, 1, 200, -1), (66 + 32 + 8, 0x55 - (1 << 4)));
    // 70 = 6 + 32 * 2: the third digit of five, worth 9; zeros are 121.
    assert_eq!(byte_of(Form::Tq1, 0, 70, 1), (6, base_3(121 + 9)));
    // 250 = 240 + 2 + 4 * 2: the third of four, worth 9; zeros are 120.
    assert_eq!(byte_of(Form::Tq1, 0, 250, -1), (50, base_3(120 - 9)));
    // 300 = 128 * 2 + 44; 44 = 32 + 12: the second field, bits 5 and 4.
    assert_eq!(byte_of(Form::I2(Order::X86), 1, 44, 1), (64 + 12, 0x55 + (1 << 4)));
    // 300 = 64 * 4 + 44; 44 = 16 * 2 + 12: the third field, bits 3 and 2.
    assert_eq!(byte_of(Form::I2(Order::Arm), 1, 44, 1), (64 + 12, 0x55 + (1 << 2)));
    assert_eq!(byte_of(Form::I2(Order::Rows4), 4, 3, -1), (256 + 3, 0x55 - (1 << 6)));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |result: Result<usize, KernelError>| result.unwrap_err().to_string();
    assert_eq!(refused(hf_u8::len(6, 3)), "`rows` is 6, which this form needs to be a multiple of 4");
    assert_eq!(refused(tq1_0::len(1, 128)), "`cols` is 128, which this form needs to be a multiple of 256");
    assert_eq!(refused(tq2_0::len(1, 1)), "`cols` is 1, which this form needs to be a multiple of 256");
    let x86 = refused(i2_s::len(Order::X86, 3, 64));
    assert_eq!(x86, "`rows * cols` is 192, which this form needs to be a multiple of 128");
    assert!(i2_s::len(Order::Arm, 3, 64).is_ok());
    assert!(i2_s::len(Order::Rows4, 3, 64).is_err());
    assert!(matches!(row_major::len(usize::MAX, 1), Err(KernelError::TooLarge { argument: "rows", .. })));
}

#[test]
fn code_3_and_wrong_padding_are_refused_with_their_place_and_nothing_is_written() {
    let (rows, cols) = (8, 256);
    let mut words = packed(&vec![0; rows * cols], rows, cols);
    let good = words.clone();
    // Row 2, column 37.
    words[8 + 2] |= 3 << 10;
    let bad = KernelError::Code { row: 2, col: 37, found: 3 };
    for form in FORMS {
        let mut bytes = vec![0xAA; form.len(rows, cols).unwrap()];
        assert_eq!(form.pack(&words, rows, cols, 1.0, &mut bytes), Err(bad), "{form:?}");
        assert!(bytes.iter().all(|&b| b == 0xAA), "{form:?}");
        form.pack(&good, rows, cols, 1.0, &mut bytes).unwrap();
        // All codes 3 or, in base 3, a byte that no number has.
        bytes[5] = if matches!(form, Form::Tq1) { 1 } else { 0xFF };
        let mut out = vec![1; words.len()];
        let error = form.unpack(&bytes, rows, cols, &mut out).unwrap_err();
        assert!(matches!(error, KernelError::Code { found: 3, .. }), "{form:?}: {error}");
        assert!(out.iter().all(|&word| word == 1), "{form:?}");
    }
    let mut row_words = vec![ternary::ZERO_WORD; 2];
    row_words[1] ^= 1 << 63;
    let mut out = vec![1; ternary::words_len(1, 40).unwrap()];
    let error = row_major::unpack(&row_words, 1, 40, &mut out).unwrap_err();
    assert!(matches!(error, KernelError::Padding { word: 1, .. }), "{error}");
    assert!(out.iter().all(|&word| word == 1));
}

#[test]
fn scales_that_would_be_lost_are_refused() {
    let (rows, cols) = (2, 512);
    let mut rng = Rng(3);
    let words = packed(&rng.digits(rows * cols), rows, cols);
    for form in [Form::Tq1, Form::Tq2] {
        let len = form.len(rows, cols).unwrap();
        let mut bytes = vec![0; len];
        for bad in [0.1, 1e-30, 1e30, f32::NAN, f32::INFINITY] {
            let error = form.pack(&words, rows, cols, bad, &mut bytes).unwrap_err();
            assert!(matches!(error, KernelError::NotHalf { argument: "scale", .. }), "{error}");
        }
        form.pack(&words, rows, cols, 2.0, &mut bytes).unwrap();
        // Another scale in the second of four blocks.
        let second = len / 2 - 1;
        bytes[second] = 0x41;
        let mut out = vec![0; words.len()];
        let error = form.unpack(&bytes, rows, cols, &mut out).unwrap_err();
        assert!(matches!(error, KernelError::BlockScale { index: 1, .. }), "{error}");
        // A block of zeros may lack it, others may not.
        let zeros = packed(&vec![0; rows * cols], rows, cols);
        form.pack(&zeros, rows, cols, 2.0, &mut bytes).unwrap();
        bytes[second - 1..=second].fill(0);
        assert_eq!(form.unpack(&bytes, rows, cols, &mut out), Ok(2.0));
    }
}

#[test]
fn wrong_lengths_name_the_argument() {
    let (rows, cols) = (4, 256);
    let words = packed(&vec![0; rows * cols], rows, cols);
    let name = |error| match error {
        KernelError::Length { argument, .. } => argument,
        other => panic!("{other}"),
    };
    for form in FORMS {
        let len = form.len(rows, cols).unwrap();
        let (mut long, mut few) = (vec![0; len + 1], vec![0; words.len() - 1]);
        assert_eq!(name(form.pack(&words, rows, cols, 1.0, &mut long).unwrap_err()), "out");
        assert_eq!(name(form.pack(&few, rows, cols, 1.0, &mut long[..len]).unwrap_err()), "words");
        let bytes = name(form.unpack(&long, rows, cols, &mut words.clone()).unwrap_err());
        assert!(["bytes", "blocks"].contains(&bytes), "{form:?}");
        form.pack(&words, rows, cols, 1.0, &mut long[..len]).unwrap();
        assert_eq!(name(form.unpack(&long[..len], rows, cols, &mut few).unwrap_err()), "words");
    }
}
