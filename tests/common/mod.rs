//! What several test files need.
#![allow(dead_code, reason = "each test file uses a part of it")]

use barewire::part::GradLeaf;
use barewire::prelude::*;
use barewire::testing::Rng;

/// Random numbers in (-1, 1).
pub(crate) fn vector(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.between(-1.0, 1.0) as f32).collect()
}

/// A random matrix.
pub(crate) fn matrix(rng: &mut Rng, rows: usize, cols: usize) -> Matrix<f32> {
    Matrix::from_vec(rows, cols, vector(rng, rows * cols)).unwrap()
}

/// Random digits.
pub(crate) fn digits(rng: &mut Rng, rows: usize, cols: usize) -> TernaryMatrix {
    let digits: Vec<i8> = (0..rows * cols).map(|_| rng.between(-1.5, 1.5).round() as i8).collect();
    TernaryMatrix::from_digits(rows, cols, &digits).unwrap()
}

/// Every number of a point or gradient, in the order of its walk.
pub(crate) fn each_number<T: Part, R: Real>(point: &mut T::Grad<R>, mut f: impl FnMut(&mut R)) {
    T::walk_grad::<R>(point, &mut |leaf| match leaf {
        GradLeaf::Number(x) => f(x),
        GradLeaf::Float(g) => g.values_mut().iter_mut().for_each(&mut f),
        GradLeaf::Signal(_) => {}
    });
}

/// The bits of numbers, for comparisons without a tolerance.
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Asserts that two lists of numbers agree, relative to the largest magnitude in them.
#[track_caller]
pub(crate) fn assert_close(what: &str, found: &[f64], expected: &[f64], bound: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = found.iter().chain(expected).fold(0.0_f64, |m, x| m.max(x.abs()));
    let worst = found.iter().zip(expected).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    println!("{what}: {worst:.1e} of {size:.1e}");
    assert!(size > 0.0 && worst <= bound * size, "{what}: {worst:e} apart, at most {:e} allowed", bound * size);
}
