//! Softmax, its logarithm and cross-entropy against f64.

#![allow(clippy::needless_range_loop, reason = "an index into several rows at once")]

mod common;

use barewire_kernels::cross_entropy::{self, IGNORED};
use barewire_kernels::{Exec, Isa, KernelError, softmax};
use common::{Rng, bits, for_each_isa};

const U: f64 = 1.0 / (1 << 24) as f64;
const SHAPES: [(usize, usize); 12] =
    [(0, 4), (3, 0), (1, 1), (3, 1), (2, 7), (17, 8), (3, 15), (2, 16), (5, 33), (2, 64), (2, 131), (1, 2053)];

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

fn near(found: f32, exact: f64, bound: f64) -> bool {
    (f64::from(found) - exact).abs() <= bound + 2f64.powi(-149)
}

/// `max - x` of what is not negligible.
fn range(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::MIN, f64::max);
    x.iter().map(|x| max - x).filter(|r| *r < 104.0).fold(0.0, f64::max)
}

#[test]
fn rows_hold_their_bounds() {
    let mut rng = Rng(1);
    for (rows, d) in SHAPES {
        let x: Vec<f32> = rng.floats(rows * d).iter().map(|x| 20.0 * x).collect();
        let c = rng.floats(rows * d);
        for_each_isa(|isa| {
            let what = format!("{} {rows} x {d}", isa.name());
            let dirty = || vec![f32::NAN; x.len()];
            let (mut y, mut log, mut y_back, mut log_back) = (dirty(), dirty(), dirty(), dirty());
            softmax::forward_with(isa, &x, rows, d, &mut y).unwrap();
            softmax::log_forward_with(isa, &x, rows, d, &mut log).unwrap();
            softmax::backward_with(isa, &y, &c, rows, d, &mut y_back).unwrap();
            softmax::log_backward_with(isa, &log, &c, rows, d, &mut log_back).unwrap();
            for t in 0..rows {
                let at = t * d..(t + 1) * d;
                let [x, c, found, found_log] = [&x, &c, &y, &log].map(|v| wide(&v[at.clone()]));
                let relative = (d as f64 / 32.0 + 12.0 + 2.0 * range(&x)) * U;
                let (exact, exact_log) = (softmax::reference::row(false, &x), softmax::reference::row(true, &x));
                // The backward is judged from the results it was given.
                let back = softmax::reference::row_backward(false, &found, &c);
                let back_log = softmax::reference::row_backward(true, &found_log, &c);
                let size: f64 = found.iter().zip(&c).map(|(y, c)| (y * c).abs()).sum();
                let size_log: f64 = c.iter().map(|c| c.abs()).sum();
                let sums = (d as f64 / 32.0 + 8.0) * U;
                for i in 0..d {
                    let k = t * d + i;
                    assert!(near(y[k], exact[i], relative * exact[i]), "{what}: {} {}", y[k], exact[i]);
                    assert!(near(log[k], exact_log[i], relative + U * exact_log[i].abs()), "{what}: log");
                    assert!(near(y_back[k], back[i], sums * found[i] * (c[i].abs() + size)), "{what}: backward");
                    let bound = sums * (c[i].abs() + found_log[i].exp() * size_log);
                    assert!(near(log_back[k], back_log[i], bound), "{what}: log backward");
                }
            }
        });
    }
}

#[test]
fn losses_hold_their_bounds() {
    let mut rng = Rng(2);
    for (rows, classes) in SHAPES {
        let x: Vec<f32> = rng.floats(rows * classes).iter().map(|x| 20.0 * x).collect();
        let target = |t: usize| if t % 5 == 3 || classes == 0 { IGNORED } else { (t * 7 % classes) as u32 };
        let targets: Vec<u32> = (0..rows).map(target).collect();
        let scale = 0.3f32;
        for_each_isa(|isa| {
            let what = format!("{} {rows} x {classes}", isa.name());
            let (mut loss, mut again, mut cot) = (vec![f32::NAN; rows], vec![f32::NAN; rows], vec![f32::NAN; x.len()]);
            cross_entropy::forward_with(isa, &x, &targets, rows, classes, &mut loss).unwrap();
            cross_entropy::forward_backward_with(isa, &x, &targets, rows, classes, scale, &mut again, &mut cot)
                .unwrap();
            assert_eq!(bits(&loss), bits(&again), "{what}");
            for t in 0..rows {
                let cot = &cot[t * classes..][..classes];
                if targets[t] == IGNORED {
                    assert_eq!(loss[t], 0.0, "{what}");
                    assert!(cot.iter().all(|c| *c == 0.0), "{what}");
                    continue;
                }
                let (x, target) = (wide(&x[t * classes..][..classes]), targets[t] as usize);
                let (exact, gradient) = cross_entropy::reference::row(&x, target);
                let share = softmax::reference::row(false, &x);
                let relative = (classes as f64 / 32.0 + 14.0 + 2.0 * range(&x)) * U;
                assert!(near(loss[t], exact, relative + U * exact), "{what}: {} {exact}", loss[t]);
                for i in 0..classes {
                    let scale = f64::from(scale);
                    let bound = relative * scale * share[i] + if i == target { U * scale } else { 0.0 };
                    assert!(near(cot[i], scale * gradient[i], bound), "{what}: {} {}", cot[i], scale * gradient[i]);
                }
            }
        });
    }
}

#[test]
fn the_references_are_the_derivatives() {
    let mut rng = Rng(3);
    for d in [1, 2, 9] {
        let [x, c] = [0; 2].map(|_| wide(&rng.floats(d)));
        let central = |f: &dyn Fn(&[f64]) -> f64, i: usize| {
            let (mut up, mut down) = (x.clone(), x.clone());
            up[i] += 1e-5;
            down[i] -= 1e-5;
            (f(&up) - f(&down)) / 2e-5
        };
        for log in [false, true] {
            let dot = |x: &[f64]| softmax::reference::row(log, x).iter().zip(&c).map(|(y, c)| y * c).sum::<f64>();
            let x_cot = softmax::reference::row_backward(log, &softmax::reference::row(log, &x), &c);
            for i in 0..d {
                assert!((x_cot[i] - central(&dot, i)).abs() < 1e-8);
            }
        }
        let gradient = cross_entropy::reference::row(&x, d - 1).1;
        for i in 0..d {
            assert!((gradient[i] - central(&|x| cross_entropy::reference::row(x, d - 1).0, i)).abs() < 1e-8);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let (rows, d) = (700, 131);
    let mut rng = Rng(4);
    let (x, c) = (rng.floats(rows * d), rng.floats(rows * d));
    let targets: Vec<u32> = (0..rows as u32).map(|t| t % 131).collect();
    for_each_isa(|isa| {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let exec = Exec::from(isa).parallel();
                let (mut y, mut x_cot, mut cot) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len()]);
                let mut loss = vec![0.0; rows];
                softmax::forward_with(exec, &x, rows, d, &mut y).unwrap();
                softmax::backward_with(exec, &y, &c, rows, d, &mut x_cot).unwrap();
                cross_entropy::forward_backward_with(exec, &x, &targets, rows, d, 1.0, &mut loss, &mut cot).unwrap();
                [bits(&y), bits(&x_cot), bits(&cot), bits(&loss)]
            })
        };
        assert!(run(1) == run(2), "{}", isa.name());
    });
}

#[test]
fn special_values_stay_in_their_row() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let x = [0.0, nan, 0.0, inf, -inf, -inf, -inf, 2.0, 3e38, -3e38];
    for_each_isa(|isa| {
        let mut y = [7.0; 10];
        softmax::forward_with(isa, &x, 5, 2, &mut y).unwrap();
        assert!(y[..6].iter().all(|y| y.is_nan()), "{y:?}");
        assert_eq!(y[6..], [0.0, 1.0, 1.0, 0.0]);
        let (mut loss, mut cot) = ([7.0; 5], [7.0; 10]);
        let targets = [0, 0, 0, 0, 1];
        cross_entropy::forward_backward_with(isa, &x, &targets, 5, 2, 1.0, &mut loss, &mut cot).unwrap();
        assert!(loss[..3].iter().chain(&cot[..6]).all(|v| v.is_nan()), "{loss:?} {cot:?}");
        assert_eq!((loss[3], &cot[6..]), (inf, &[-1.0, 1.0, 1.0, -1.0][..]));
        assert!(loss[4] == inf || isa == Isa::Reference && loss[4] > 3e38, "{}", loss[4]);
    });
}

#[test]
fn arguments_are_checked() {
    let length = |argument, expected, found| Err(KernelError::Length { argument, expected, found });
    let (x, mut y) = ([0.0; 6], [0.0; 6]);
    assert_eq!(softmax::forward(&x[1..], 2, 3, &mut y), length("x", 6, 5));
    assert_eq!(softmax::log_forward(&x, 2, 3, &mut y[1..]), length("y", 6, 5));
    assert_eq!(softmax::backward(&x[1..], &x, 2, 3, &mut y), length("y", 6, 5));
    assert_eq!(softmax::backward(&x, &x[1..], 2, 3, &mut y), length("y_cot", 6, 5));
    assert_eq!(softmax::log_backward(&x, &x, 2, 3, &mut y[1..]), length("x_cot", 6, 5));
    let run = cross_entropy::forward_backward;
    let (loss, ids) = (&mut [0.0; 2], [0, 2]);
    assert_eq!(run(&x[1..], &ids, 2, 3, 1.0, loss, &mut y), length("logits", 6, 5));
    assert_eq!(run(&x, &ids[1..], 2, 3, 1.0, loss, &mut y), length("targets", 2, 1));
    assert_eq!(run(&x, &ids, 2, 3, 1.0, &mut loss[1..], &mut y), length("loss", 2, 1));
    assert_eq!(run(&x, &ids, 2, 3, 1.0, loss, &mut y[1..]), length("logits_cot", 6, 5));
    let index = Err(KernelError::Index { argument: "targets", end: 3, found: 3 });
    assert_eq!(run(&x, &[IGNORED, 3], 2, 3, 1.0, loss, &mut y), index);
    assert_eq!(softmax::forward(&x, usize::MAX, 3, &mut y), Err(KernelError::Overflow { argument: "x" }));
}
