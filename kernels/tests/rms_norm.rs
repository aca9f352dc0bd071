//! Root-mean-square normalisation against f64.

mod common;

use barewire_kernels::{Exec, KernelError, Scratch, rms_norm};
use common::{Rng, bits, for_each_isa};
use rms_norm::reference::{row, row_backward};

const U: f64 = 1.0 / (1 << 24) as f64;
const SHAPES: [(usize, usize); 12] =
    [(0, 4), (3, 0), (1, 1), (3, 1), (2, 7), (65, 8), (3, 15), (2, 16), (130, 33), (5, 64), (2, 131), (1, 769)];

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

#[test]
fn rows_hold_their_bounds() {
    let mut rng = Rng(1);
    let eps = 1e-6f32;
    for (rows, d) in SHAPES {
        let (x, c, w) = (rng.floats(rows * d), rng.floats(rows * d), rng.floats(d));
        for_each_isa(|isa| {
            for w in [Some(&w[..]), None] {
                let what = format!("{} {rows} x {d}", isa.name());
                let (mut y, mut r) = (vec![f32::NAN; x.len()], vec![f32::NAN; rows]);
                rms_norm::forward_with(isa, &x, w, rows, d, eps, &mut y, &mut r).unwrap();
                let (mut x_cot, mut w_cot) = (vec![f32::NAN; x.len()], vec![f32::NAN; d]);
                let mut scratch = Scratch::new();
                rms_norm::backward_with(isa, &x, w, &r, &c, rows, d, eps, &mut x_cot, Some(&mut w_cot), &mut scratch)
                    .unwrap();
                let weights = w.map_or_else(|| vec![1.0; d], wide);
                let (mut sums, mut sizes) = (vec![0.0; d], vec![0.0; d]);
                for t in 0..rows {
                    let at = t * d..(t + 1) * d;
                    let (x, c) = (wide(&x[at.clone()]), wide(&c[at.clone()]));
                    let (exact, root) = row(&x, &weights, eps.into());
                    let relative = (d as f64 / 64.0 + 10.0) * U;
                    assert!((f64::from(r[t]) - root).abs() <= relative * root, "{what}");
                    for (y, exact) in y[at.clone()].iter().zip(&exact) {
                        assert!((f64::from(*y) - exact).abs() <= relative * exact.abs() + 1e-45, "{what}: {y} {exact}");
                    }
                    let root = f64::from(r[t]);
                    let (exact, terms) = row_backward(&x, &weights, root, &c, eps.into());
                    let mean = (0..d).map(|i| (x[i] * weights[i] * c[i]).abs()).sum::<f64>() / d as f64;
                    for i in 0..d {
                        let size = (root * weights[i] * c[i]).abs() + x[i].abs() * root.powi(3) * mean;
                        let bound = (d as f64 / 32.0 + 16.0) * U * size;
                        let found = f64::from(x_cot[t * d + i]);
                        assert!((found - exact[i]).abs() <= bound, "{what}: {found} {}", exact[i]);
                        sums[i] += terms[i];
                        sizes[i] += terms[i].abs();
                    }
                }
                for i in 0..d {
                    let bound = (rms_norm::BLOCK as f64 + 3.0) * U * sizes[i];
                    assert!((f64::from(w_cot[i]) - sums[i]).abs() <= bound, "{what}: w_cot");
                }
                // Without `w_cot` the rest is the same.
                let mut again = vec![f32::NAN; x.len()];
                rms_norm::backward_with(isa, &x, w, &r, &c, rows, d, eps, &mut again, None, &mut scratch).unwrap();
                assert_eq!(bits(&again), bits(&x_cot), "{what}");
            }
        });
    }
}

/// `r^3` is zero in f32 from 1e13 on, and what it is multiplied with is as large as that is small.
#[test]
fn rows_of_any_magnitude_have_gradients() {
    let d = 33;
    for magnitude in [1e-12f32, 1e-4, 1e6, 1e13, 1e17, 1e18] {
        let mut rng = Rng(2);
        let (x, c) = (rng.floats(d).iter().map(|x| x * magnitude).collect::<Vec<_>>(), rng.floats(d));
        for_each_isa(|isa| {
            let (mut y, mut r, mut x_cot, mut scratch) = (vec![0.0; d], [0.0], vec![f32::NAN; d], Scratch::new());
            rms_norm::forward_with(isa, &x, None, 1, d, 0.0, &mut y, &mut r).unwrap();
            rms_norm::backward_with(isa, &x, None, &r, &c, 1, d, 0.0, &mut x_cot, None, &mut scratch).unwrap();
            let (exact, _) = row_backward(&wide(&x), &vec![1.0; d], r[0].into(), &wide(&c), 0.0);
            let largest = exact.iter().fold(0.0f64, |max, v| max.max(v.abs()));
            for (found, exact) in x_cot.iter().zip(exact) {
                let error = (f64::from(*found) - exact).abs();
                assert!(error <= 1e-5 * largest, "{} at {magnitude:e}: {found} {exact}", isa.name());
            }
        });
    }
}

#[test]
fn the_reference_is_the_derivative() {
    let mut rng = Rng(2);
    for d in [1, 2, 9] {
        let [x, w, c] = [0; 3].map(|_| wide(&rng.floats(d)));
        let eps = 0.1;
        let loss = |x: &[f64], w: &[f64]| row(x, w, eps).0.iter().zip(&c).map(|(y, c)| y * c).sum::<f64>();
        let (x_cot, w_cot) = row_backward(&x, &w, row(&x, &w, eps).1, &c, eps);
        for i in 0..d {
            let central = |v: &[f64], f: &dyn Fn(&[f64]) -> f64| {
                let (mut up, mut down) = (v.to_vec(), v.to_vec());
                up[i] += 1e-5;
                down[i] -= 1e-5;
                (f(&up) - f(&down)) / 2e-5
            };
            assert!((x_cot[i] - central(&x, &|x| loss(x, &w))).abs() < 1e-7);
            assert!((w_cot[i] - central(&w, &|w| loss(&x, w))).abs() < 1e-7);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let (rows, d) = (1100, 130);
    let mut rng = Rng(3);
    let (x, c, w) = (rng.floats(rows * d), rng.floats(rows * d), rng.floats(d));
    for_each_isa(|isa| {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let exec = Exec::from(isa).parallel();
                let (mut y, mut r) = (vec![0.0; x.len()], vec![0.0; rows]);
                rms_norm::forward_with(exec, &x, Some(&w), rows, d, 1e-6, &mut y, &mut r).unwrap();
                let (mut x_cot, mut w_cot) = (vec![0.0; x.len()], vec![0.0; d]);
                let scratch = &mut Scratch::new();
                rms_norm::backward_with(
                    exec,
                    &x,
                    Some(&w),
                    &r,
                    &c,
                    rows,
                    d,
                    1e-6,
                    &mut x_cot,
                    Some(&mut w_cot),
                    scratch,
                )
                .unwrap();
                [bits(&y), bits(&r), bits(&x_cot), bits(&w_cot)]
            })
        };
        assert!(run(1) == run(2), "{}", isa.name());
    });
}

#[test]
fn special_values_stay_in_their_row() {
    let x = [1.0, f32::NAN, 1.0, f32::INFINITY, 1.0, 1.0];
    for_each_isa(|isa| {
        let (mut y, mut r) = ([0.0; 6], [0.0; 3]);
        rms_norm::forward_with(isa, &x, None, 3, 2, 0.0, &mut y, &mut r).unwrap();
        assert!(y[0].is_nan() && y[1].is_nan() && y[3].is_nan());
        assert_eq!([y[2], y[4], y[5]], [0.0, 1.0, 1.0]);
    });
}

#[test]
fn lengths_are_checked() {
    let (x, w, mut y, mut r) = ([0.0; 6], [0.0; 3], [0.0; 6], [0.0; 2]);
    let length = |argument, expected, found| Err(KernelError::Length { argument, expected, found });
    let r2 = &[0.0; 2];
    let s = &mut Scratch::new();
    assert_eq!(rms_norm::forward(&x[1..], None, 2, 3, 0.0, &mut y, &mut r), length("x", 6, 5));
    assert_eq!(rms_norm::forward(&x, Some(&w[1..]), 2, 3, 0.0, &mut y, &mut r), length("w", 3, 2));
    assert_eq!(rms_norm::forward(&x, Some(&w), 2, 3, 0.0, &mut y[1..], &mut r), length("y", 6, 5));
    assert_eq!(rms_norm::forward(&x, Some(&w), 2, 3, 0.0, &mut y, &mut r[1..]), length("r", 2, 1));
    assert_eq!(rms_norm::backward(&x[1..], None, r2, &x, 2, 3, 0.0, &mut y, None, s), length("x", 6, 5));
    assert_eq!(rms_norm::backward(&x, Some(&w[1..]), r2, &x, 2, 3, 0.0, &mut y, None, s), length("w", 3, 2));
    assert_eq!(rms_norm::backward(&x, None, &r2[1..], &x, 2, 3, 0.0, &mut y, None, s), length("r", 2, 1));
    assert_eq!(rms_norm::backward(&x, None, r2, &x[1..], 2, 3, 0.0, &mut y, None, s), length("y_cot", 6, 5));
    assert_eq!(rms_norm::backward(&x, None, r2, &x, 2, 3, 0.0, &mut y[1..], None, s), length("x_cot", 6, 5));
    let w_cot = Some(&mut [0.0; 2][..]);
    assert_eq!(rms_norm::backward(&x, None, r2, &x, 2, 3, 0.0, &mut y, w_cot, s), length("w_cot", 3, 2));
    let overflow = rms_norm::forward(&x, None, usize::MAX, 3, 0.0, &mut y, &mut r);
    assert_eq!(overflow, Err(KernelError::Overflow { argument: "x" }));
}
