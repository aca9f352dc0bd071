//! `MatmulFreeWeight` against a dense matrix with the same numbers, in f64 loops written here.

use barewire::part::Part;
use barewire::prelude::*;
use barewire_models::weight::{MatmulFreeWeight, MatmulFreeWeightCotangent};

const ROWS: usize = 9;
const COLS: usize = 37;
const BATCH: usize = 2;
const TIME: usize = 3;
const N: usize = BATCH * TIME;

/// Numbers without a pattern, in about [-1, 1].
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut random = barewire::train::Random::new(seed, 0);
    // f32 numbers, so that the f32 run has the same inputs
    (0..n).map(|_| f64::from(random.unit() * 2.0 - 1.0)).collect()
}

fn small(n: usize, seed: u64, below: u64) -> Vec<u8> {
    let mut random = barewire::train::Random::new(seed, 1);
    (0..n).map(|_| random.below(below) as u8).collect()
}

struct Case {
    name: &'static str,
    weight: MatmulFreeWeight,
    /// what stands in the matrix before its scale
    digits: Vec<f64>,
    scale: f64,
}

fn cases() -> Vec<Case> {
    let codes = |below| small(ROWS * COLS, below, below);
    let digits: Vec<i8> = codes(3).iter().map(|c| *c as i8 - 1).collect();
    let bits: Vec<bool> = codes(2).iter().map(|c| *c == 1).collect();
    let mut all = vec![
        Case {
            name: "ternary",
            digits: digits.iter().map(|d| f64::from(*d)).collect(),
            weight: MatmulFreeWeight::Ternary {
                weights: TernaryMatrix::from_digits(ROWS, COLS, &digits).unwrap(),
                scale: 0.75,
            },
            scale: 0.75,
        },
        Case {
            name: "binary",
            digits: bits.iter().map(|b| f64::from(u8::from(*b))).collect(),
            weight: MatmulFreeWeight::Binary { bits: BinaryMatrix::from_bits(ROWS, COLS, &bits).unwrap(), scale: -1.5 },
            scale: -1.5,
        },
    ];
    for (name, bits) in [("2 bits", 2), ("3 bits", 3), ("5 bits", 5), ("8 bits", 8)] {
        let (codes, zero) = (codes(1 << bits), 1.25);
        all.push(Case {
            name,
            digits: codes.iter().map(|c| f64::from(*c) - zero).collect(),
            weight: MatmulFreeWeight::Quantized {
                values: QuantizedMatrix::from_codes(ROWS, COLS, bits, 0.125, zero as f32, &codes).unwrap(),
            },
            scale: 0.125,
        });
    }
    all
}

/// `y = scale D x`
fn dense(case: &Case, x: &[f64]) -> Vec<f64> {
    let mut y = Vec::new();
    for x in x.chunks(COLS) {
        y.extend(case.digits.chunks(COLS).map(|row| case.scale * row.iter().zip(x).map(|(d, x)| d * x).sum::<f64>()));
    }
    y
}

/// `x_cot = scale D^T y_cot`
fn dense_transposed(case: &Case, y_cot: &[f64]) -> Vec<f64> {
    let mut x_cot = vec![0.0; N * COLS];
    for (x_cot, y_cot) in x_cot.chunks_mut(COLS).zip(y_cot.chunks(ROWS)) {
        for (row, c) in case.digits.chunks(COLS).zip(y_cot) {
            x_cot.iter_mut().zip(row).for_each(|(x, d)| *x += case.scale * d * c);
        }
    }
    x_cot
}

/// `sum scale y_cot x^T`: what the digits receive.
fn dense_signal(case: &Case, x: &[f64], y_cot: &[f64]) -> Vec<f64> {
    let mut signal = vec![0.0; ROWS * COLS];
    for (x, y_cot) in x.chunks(COLS).zip(y_cot.chunks(ROWS)) {
        for (row, c) in signal.chunks_mut(COLS).zip(y_cot) {
            row.iter_mut().zip(x).for_each(|(s, x)| *s += case.scale * c * x);
        }
    }
    signal
}

/// Within `bound` times the largest magnitude.
fn close<R: Real>(name: &str, found: &[R], expected: &[f64], bound: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    assert!(largest > 0.0, "{name} proves nothing");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x.value() - y).abs() <= bound * largest, "{name}[{i}]: {}, expected {y}", x.value());
    }
}

struct Ran<R: Real> {
    y: Vec<R>,
    x_cot: Vec<R>,
    grad: MatmulFreeWeightCotangent<R>,
    saved_bytes: usize,
}

fn run<R: Real>(weight: &MatmulFreeWeight, x: &[f64], y_cot: &[f64]) -> Ran<R> {
    let of = |v: &[f64]| v.iter().map(|x| R::of(*x)).collect::<Vec<R>>();
    let (x, y_cot) = (of(x), of(y_cot));
    let index = Index::new();
    let model = Checked::<MatmulFreeWeight>::new(weight.view(&index)).unwrap();
    let mut workspace = Workspace::new();
    let (mut state, mut state_cot) = (Default::default(), Default::default());
    let mut grad = MatmulFreeWeightCotangent::default();
    let mut x_cot = vec![R::ZERO; x.len()];
    let mut pass = model.forward_saving(&[numbers(&x, &[BATCH, TIME, COLS])], &mut state, &mut workspace).unwrap();
    let y = pass.result(0).to_vec();
    pass.vjp(&[&y_cot], &mut [Slot::Write(&mut x_cot)], &mut grad, &mut state_cot).unwrap();
    let saved_bytes = workspace.saved_bytes();
    Ran { y, x_cot, grad, saved_bytes }
}

fn check<R: Real>(bound: f64) {
    let (x, y_cot) = (noise(N * COLS, 1), noise(N * ROWS, 2));
    for case in &cases() {
        let name = case.name;
        let ran = run::<R>(&case.weight, &x, &y_cot);
        let y = dense(case, &x);
        close(&format!("{name} y"), &ran.y, &y, bound);
        close(&format!("{name} x_cot"), &ran.x_cot, &dense_transposed(case, &y_cot), bound);
        let scale_cot = y.iter().zip(&y_cot).map(|(y, c)| y * c).sum::<f64>() / case.scale;
        let signal = dense_signal(case, &x, &y_cot);
        let (signal_found, scale_found) = match &ran.grad {
            MatmulFreeWeightCotangent::Ternary { weights, scale } => (weights.values(), *scale),
            MatmulFreeWeightCotangent::Binary { bits, scale } => (bits.values(), *scale),
            MatmulFreeWeightCotangent::Quantized { values } => (values.signal.values(), values.scale),
            _ => panic!("{name}: no gradient"),
        };
        close(&format!("{name} signal"), signal_found, &signal, bound);
        // a sum over all outputs, which cancels: compared with the sum of magnitudes
        let size = y.iter().zip(&y_cot).map(|(y, c)| (y * c).abs()).sum::<f64>() / case.scale.abs();
        let scale_found: f64 = scale_found.value();
        assert!((scale_found - scale_cot).abs() <= bound * size, "{name} scale: {scale_found}, {scale_cot}");
    }
}

#[test]
fn f32_agrees_with_dense_loops() {
    // 37 terms at most, each with a rounding of 6e-8
    check::<f32>(3e-6);
}

#[test]
fn f64_agrees_with_dense_loops() {
    check::<f64>(1e-14);
}

#[test]
fn residuals_hold_what_the_taken_variant_needs() {
    let (x, y_cot) = (noise(N * COLS, 1), noise(N * ROWS, 2));
    for case in &cases() {
        // a learned scale needs the product before it; x is borrowed from the caller
        let expected = match case.weight {
            MatmulFreeWeight::Ternary { .. } | MatmulFreeWeight::Binary { .. } => N * ROWS,
            MatmulFreeWeight::Quantized { .. } => 0,
        };
        assert_eq!(run::<f32>(&case.weight, &x, &y_cot).saved_bytes, 4 * expected, "{}", case.name);
        assert_eq!(run::<f64>(&case.weight, &x, &y_cot).saved_bytes, 8 * expected, "{}", case.name);
    }
}

/// For `L = |s D x|^2 / 2`: `dL/ds = s |D x|^2`, `dL/dx = s^2 D^T D x`. Along a direction `(ds, dx)` the tangents of
/// the gradient, forward over reverse, are the Hessian times the direction.
#[test]
fn forward_over_reverse_gives_hessian_vector_products() {
    for case in cases().iter().take(2) {
        let (x, dx, ds) = (noise(N * COLS, 3), noise(N * COLS, 4), 0.3);
        let with_tangents: Vec<Dual<f64>> =
            x.iter().zip(&dx).map(|(&value, &tangent)| Dual { value, tangent }).collect();
        let index = Index::new();
        let view = case.weight.view(&index);
        let mut point = MatmulFreeWeight::point::<Dual<f64>, f32>(view);
        match &mut point {
            MatmulFreeWeightCotangent::Ternary { scale, .. } | MatmulFreeWeightCotangent::Binary { scale, .. } => {
                scale.tangent = ds;
            }
            _ => unreachable!("two variants with a scale"),
        }
        let view = MatmulFreeWeight::at::<Dual<f64>, f32>(view, &point, &index).unwrap();
        let model = Checked::<MatmulFreeWeight, Dual<f64>>::new(view).unwrap();
        let mut workspace = Workspace::new();
        let (mut state, mut state_cot) = (Default::default(), Default::default());
        let inputs = [numbers(&with_tangents, &[BATCH, TIME, COLS])];
        let mut pass = model.forward_saving(&inputs, &mut state, &mut workspace).unwrap();
        let y = pass.result(0).to_vec();
        let (mut grad, mut x_cot) = (MatmulFreeWeightCotangent::default(), vec![Dual::default(); N * COLS]);
        pass.vjp(&[&y], &mut [Slot::Write(&mut x_cot)], &mut grad, &mut state_cot).unwrap();

        // y = s D x, so y' = s D dx + ds D x
        let (y, s) = (dense(case, &x), case.scale);
        let y_tan: Vec<f64> = dense(case, &dx).iter().zip(&y).map(|(a, y)| a + ds * y / s).collect();
        // (s D^T y)' = s D^T y' + ds D^T y
        let back = dense_transposed(case, &y);
        let expected: Vec<f64> =
            dense_transposed(case, &y_tan).iter().zip(&back).map(|(a, b)| a + ds * b / s).collect();
        let tangents: Vec<f64> = x_cot.iter().map(|g| g.tangent).collect();
        close(case.name, &tangents, &expected, 1e-13);
        // (<y, y> / s)' = 2 <y', y> / s - ds <y, y> / s^2
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let expected = 2.0 * dot(&y_tan, &y) / s - ds * dot(&y, &y) / (s * s);
        let (MatmulFreeWeightCotangent::Ternary { scale, .. } | MatmulFreeWeightCotangent::Binary { scale, .. }) = grad
        else {
            panic!("{}: a gradient of another variant", case.name)
        };
        assert!((scale.tangent - expected).abs() <= 1e-12 * expected.abs(), "{}: {scale:?}, {expected}", case.name);
    }
}
