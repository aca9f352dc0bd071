//! Forward products: the 16-bit grade, the fused int8 call, every cut that caches and threads make.

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

/// A matrix, its digits unpacked, and tokens.
struct Case {
    rows: usize,
    cols: usize,
    n: usize,
    words: Vec<u64>,
    digits: Vec<i8>,
    x: Vec<f32>,
}

impl Case {
    fn new(rng: &mut Rng, (rows, cols, n): (usize, usize, usize)) -> Self {
        let digits = rng.digits(rows * cols);
        let words = packed(&digits, rows, cols);
        Self { rows, cols, n, words, digits, x: rng.floats(n * cols) }
    }

    fn int8(&self, exec: Exec, s: &mut Scratch) -> Vec<u32> {
        let mut out = vec![f32::NAN; self.n * self.rows];
        let Self { rows, cols, n, words, x, .. } = self;
        ternary::quantize_forward_int8_with(exec, words, *rows, *cols, x, *n, 0.3, &mut out, s).unwrap();
        bits(&out)
    }

    fn fixed16(&self, exec: Exec, s: &mut Scratch) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.n * self.rows];
        let Self { rows, cols, n, words, x, .. } = self;
        ternary::forward_fixed16_with(exec, words, *rows, *cols, x, *n, &mut out, s).unwrap();
        out
    }

    fn f32(&self, exec: Exec, s: &mut Scratch) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.n * self.rows];
        let Self { rows, cols, n, words, x, .. } = self;
        ternary::forward_f32_with(exec, words, *rows, *cols, x, *n, &mut out, s).unwrap();
        out
    }

    fn exact(&self) -> Vec<f64> {
        ternary::reference::forward(&self.digits, self.rows, self.cols, &as_f64(&self.x), self.n)
    }

    /// Rounding of `x` to the limbs' grid, at most half a step of `1.004 * 2^-unit * max` for each
    /// digit that is not 0, and one rounding of the result to f32.
    fn assert_bound(&self, out: &[f32], exact: &[f64], unit: i32, what: &str) {
        for (i, (&found, exact)) in out.iter().zip(exact).enumerate() {
            let row = &self.digits[i % self.rows * self.cols..][..self.cols];
            let nonzero = row.iter().filter(|d| **d != 0).count() as f64;
            let max = max_abs(&self.x[i / self.rows * self.cols..][..self.cols]);
            let half_step = (1.004 * max * 2f64.powi(-unit)).max(2f64.powi(-127));
            let bound = nonzero * half_step + exact.abs() * 2f64.powi(-24) + 1e-45;
            let error = (f64::from(found) - exact).abs();
            assert!(error <= bound, "{what}: {found} for {exact}, {error:e} > {bound:e}");
        }
    }
}

#[test]
fn sixteen_bits_keep_their_bound_and_agree() {
    let mut rng = Rng(31);
    let mut s = Scratch::new();
    for (i, shape) in shapes().step_by(2).enumerate() {
        let mut case = Case::new(&mut rng, shape);
        // From subnormal to near the largest float.
        let size = [1.0, 1e-40, 3e-37, 1e36, 1.0, 1e-6][i % 6];
        case.x.iter_mut().for_each(|v| *v *= size);
        let (exact, mut first) = (case.exact(), None);
        for_each_isa(|isa| {
            let what = format!("{} {shape:?}", isa.name());
            let out = case.fixed16(isa.into(), &mut s);
            case.assert_bound(&out, &exact, 15, &what);
            if isa != Isa::Reference {
                assert!(*first.get_or_insert(bits(&out)) == bits(&out), "{what}");
            }
        });
    }
}

#[test]
fn sixteen_bits_multiply_integers_exactly() {
    let mut rng = Rng(32);
    let mut s = Scratch::new();
    // The largest value of two limbs, those past it (the step doubles), the smallest.
    for max in [32_639, 32_640, 32_766, 1 << 14, 1000, 1] {
        let mut case = Case::new(&mut rng, (9, 100, 1));
        for (c, v) in case.x.iter_mut().enumerate() {
            // Even numbers are on the grid of 2.
            *v = [max as f32, -max as f32].get(c).copied().unwrap_or((rng.below(max as u64) / 2 * 2) as f32);
        }
        if max > 32_639 {
            case.x[..2].iter_mut().for_each(|v| *v = (*v / 2.0).floor() * 2.0);
        }
        let exact = case.exact();
        for_each_isa(|isa| {
            let out = as_f64(&case.fixed16(isa.into(), &mut s));
            assert_eq!(out, exact, "{} max {max}", isa.name());
        });
    }
}

#[test]
fn the_fused_call_is_the_two_calls() {
    let mut rng = Rng(33);
    let mut s = Scratch::new();
    for shape in shapes().step_by(3) {
        let case = Case::new(&mut rng, shape);
        let (rows, cols, n) = shape;
        for_each_isa(|isa| {
            let mut codes = vec![77; ternary::int8_codes_len(n, cols).unwrap()];
            let (mut scales, mut out) = (vec![-1.0; n], vec![f32::NAN; n * rows]);
            ternary::quantize_int8_with(isa, &case.x, n, cols, &mut codes, &mut scales).unwrap();
            ternary::forward_int8_with(isa, &case.words, rows, cols, &codes, &scales, n, 0.3, &mut out).unwrap();
            assert_eq!(case.int8(isa.into(), &mut s), bits(&out), "{} {shape:?}", isa.name());
        });
    }
}

/// More tiles than a strip, more words than a part (of one column, of a block), more columns than a
/// group (of one, two and three limbs), and every size of the last block.
const CUTS: [(usize, usize, usize); 8] = [
    (1100, 40, 1),
    (530, 70, 3),
    (12, 66_000, 1),
    (12, 22_000, 1),
    (20, 3000, 7),
    (30, 40, 50),
    (17, 33, 97),
    (70, 300, 11),
];

#[test]
fn cuts_for_the_caches_change_no_bit() {
    let mut rng = Rng(34);
    let mut s = Scratch::new();
    for shape in CUTS {
        let case = Case::new(&mut rng, shape);
        let (exact, mut first) = (case.exact(), None);
        for_each_isa(|isa| {
            let (a, b, c) =
                (case.int8(isa.into(), &mut s), case.fixed16(isa.into(), &mut s), case.f32(isa.into(), &mut s));
            // Far from every bound: a wrong cut is wrong by much more.
            for (i, exact) in exact.iter().enumerate() {
                let error = (f64::from(c[i]) - exact).abs();
                assert!(error < 0.01, "{} {shape:?}", isa.name());
            }
            if isa != Isa::Reference {
                let all = [a, bits(&b), bits(&c)];
                assert!(*first.get_or_insert(all.clone()) == all, "{} {shape:?}", isa.name());
            }
        });
    }
}

#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(35);
    let mut s = Scratch::new();
    // Work for several threads: one token with many rows, many tokens with few rows.
    let cases = [(1100, 4000, 1), (70, 600, 230)].map(|shape| Case::new(&mut rng, shape));
    let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for case in &cases {
        for_each_isa(|isa| {
            // Slow paths have nothing of their own that depends on threads.
            if matches!(isa, Isa::Reference | Isa::Portable) && cfg!(debug_assertions) {
                return;
            }
            let exec = Exec::from(isa);
            let alone = [case.int8(exec, &mut s), bits(&case.fixed16(exec, &mut s)), bits(&case.f32(exec, &mut s))];
            for pool in &pools {
                let shared = pool.install(|| {
                    let exec = exec.parallel();
                    [case.int8(exec, &mut s), bits(&case.fixed16(exec, &mut s)), bits(&case.f32(exec, &mut s))]
                });
                assert!(alone == shared, "{}, {} threads", isa.name(), pool.current_num_threads());
            }
        });
    }
}

/// Code 3 everywhere and codes of -128: the sums that accumulators must hold between two folds, in
/// blocks of every size.
#[test]
fn largest_sums_of_every_block() {
    for (rows, cols) in [(40, 640), (8, 20_000)] {
        let words = vec![u64::MAX; ternary::words_len(rows, cols).unwrap()];
        for n in 1..=7 {
            for code in [-128i8, 127] {
                let codes = vec![code; ternary::int8_codes_len(n, cols).unwrap()];
                for_each_isa(|isa| {
                    let mut out = vec![0.0; n * rows];
                    ternary::forward_int8_with(isa, &words, rows, cols, &codes, &vec![1.0; n], n, 1.0, &mut out)
                        .unwrap();
                    let expected = (cols as i32 * 2 * i32::from(code)) as f32;
                    assert!(out.iter().all(|v| *v == expected), "{} {n} of {code}", isa.name());
                });
            }
        }
    }
}

#[test]
fn a_token_that_is_not_finite_is_nan_alone() {
    let mut rng = Rng(36);
    let mut s = Scratch::new();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut case = Case::new(&mut rng, (19, 40, 5));
        case.x[2 * 40 + 7] = bad;
        for_each_isa(|isa| {
            for (i, v) in case.fixed16(isa.into(), &mut s).iter().enumerate() {
                assert_eq!(v.is_nan(), i / 19 == 2, "{} {bad}", isa.name());
            }
            for (i, v) in case.int8(isa.into(), &mut s).iter().enumerate() {
                assert_eq!(f32::from_bits(*v).is_nan(), i / 19 == 2, "{} {bad}", isa.name());
            }
        });
    }
}

#[test]
fn wrong_lengths_are_named() {
    let (rows, cols, n) = (10, 40, 2);
    let (words, x) = (vec![ternary::ZERO_WORD; 32], vec![0.0; n * cols]);
    let mut s = Scratch::new();
    let mut out = vec![0.0; n * rows];
    let argument = |result: Result<(), KernelError>| match result {
        Err(KernelError::Length { argument, .. }) => argument,
        other => panic!("{other:?}"),
    };
    let short = n * rows - 1;
    for_each_isa(|isa| {
        let mut fixed16 = |words: &[u64], x: &[f32], out: &mut [f32]| {
            argument(ternary::forward_fixed16_with(isa, words, rows, cols, x, n, out, &mut s))
        };
        assert_eq!(fixed16(&words[1..], &x, &mut out), "words");
        assert_eq!(fixed16(&words, &x[1..], &mut out), "x");
        assert_eq!(fixed16(&words, &x, &mut out[..short]), "out");
        let mut fused = |words: &[u64], x: &[f32], out: &mut [f32]| {
            argument(ternary::quantize_forward_int8_with(isa, words, rows, cols, x, n, 1.0, out, &mut s))
        };
        assert_eq!(fused(&words[1..], &x, &mut out), "words");
        assert_eq!(fused(&words, &x[1..], &mut out), "x");
        assert_eq!(fused(&words, &x, &mut out[..short]), "out");
    });
}
