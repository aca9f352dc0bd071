//! Weight gradients, whole and in rows: the formula, the order of summation, ranges and threads.

mod common;

use barewire_kernels::{Exec, Isa, KernelError, Scratch, gemm, weight_gradient};
use common::{Rng, bits, for_each_isa, shapes};

fn dense(exec: impl Into<Exec>, y: &[f32], x: &[f32], (n, rows, cols): (usize, usize, usize)) -> Vec<f32> {
    let mut out = vec![f32::NAN; rows * cols];
    let mut s = Scratch::new();
    weight_gradient::dense_with(exec, y, x, n, rows, cols, 0.7, false, &mut out, &mut s).unwrap();
    out
}

/// Shapes around the tiles, the blocks of tokens and the groups of rows.
fn cases() -> impl Iterator<Item = (usize, usize, usize)> {
    let more = [(300, 9, 50), (257, 40, 33), (2, 70, 144), (3, 8, 97), (1, 7, 48), (0, 9, 20), (5, 33, 0), (4, 0, 5)];
    shapes().map(|(rows, cols, n)| (n, rows, cols)).chain(more)
}

#[test]
fn errors_keep_their_bound() {
    let mut rng = Rng(1);
    for shape @ (n, rows, cols) in cases() {
        let (y, x, before) = (rng.floats(n * rows), rng.floats(n * cols), rng.floats(rows * cols));
        let (wide_y, wide_x): (Vec<f64>, Vec<f64>) =
            (y.iter().map(|&v| v.into()).collect(), x.iter().map(|&v| v.into()).collect());
        let magnitudes = |v: &[f64]| v.iter().map(|v| v.abs()).collect::<Vec<f64>>();
        let exact = weight_gradient::reference::dense(&wide_y, &wide_x, n, rows, cols, 0.7f32.into());
        let sums =
            weight_gradient::reference::dense(&magnitudes(&wide_y), &magnitudes(&wide_x), n, rows, cols, 0.7f32.into());
        let unit = (n + n / 256 + 2) as f64 / (1u64 << 24) as f64 * 1.001;
        for_each_isa(|isa| {
            let name = format!("{} {n}, {rows} x {cols}", isa.name());
            for (i, found) in dense(isa, &y, &x, shape).into_iter().enumerate() {
                assert!((f64::from(found) - exact[i]).abs() <= unit * sums[i], "{name}");
            }
            let mut out = before.clone();
            let mut s = Scratch::new();
            weight_gradient::dense_with(isa, &y, &x, n, rows, cols, 0.7, true, &mut out, &mut s).unwrap();
            for (i, found) in out.into_iter().enumerate() {
                let exact = exact[i] + f64::from(before[i]);
                assert!((f64::from(found) - exact).abs() <= unit * (sums[i] + f64::from(before[i].abs())), "{name}");
            }
        });
    }
}

/// Where there are fused multiply-adds.
#[test]
fn bits_are_those_of_gemm() {
    let mut rng = Rng(2);
    for shape @ (n, rows, cols) in cases() {
        let (y, x) = (rng.floats(n * rows), rng.floats(n * cols));
        for_each_isa(|isa| {
            if matches!(isa, Isa::Reference | Isa::Portable) {
                return;
            }
            let mut expected = vec![0.0; rows * cols];
            gemm::tn_with(isa, rows, cols, n, 0.7, &y, &x, false, &mut expected, &mut Scratch::new()).unwrap();
            assert_eq!(bits(&dense(isa, &y, &x, shape)), bits(&expected), "{} {shape:?}", isa.name());
        });
    }
}

#[test]
fn rows_are_those_of_the_whole_however_asked_for() {
    let mut rng = Rng(3);
    for shape @ (n, rows, cols) in [(5, 77, 100), (260, 40, 51), (16, 33, 200), (0, 9, 10), (1, 1, 1)] {
        let (y, x) = (rng.floats(n * rows), rng.floats(n * cols));
        for_each_isa(|isa| {
            let mut s = Scratch::new();
            let whole = dense(isa, &y, &x, shape);
            for count in [1, 2, 5, 8, 13, rows] {
                for first in (0..rows).step_by(count) {
                    let range = first..rows.min(first + count);
                    let (mut out, mut squares) = (vec![f32::NAN; range.len() * cols], vec![f64::NAN; range.len()]);
                    let at = range.clone();
                    weight_gradient::rows_with(isa, &y, &x, n, rows, cols, at, 0.7, &mut out, &mut squares, &mut s)
                        .unwrap();
                    assert_eq!(bits(&out), bits(&whole[range.start * cols..range.end * cols]), "{}", isa.name());
                    for (square, row) in squares.into_iter().zip(out.chunks(cols)) {
                        let mut partial = [0.0; 16];
                        for (c, v) in row.iter().enumerate() {
                            partial[c % 16] += f64::from(*v) * f64::from(*v);
                        }
                        let expected: f64 = partial.iter().sum();
                        let error = (square - expected).abs();
                        assert!(error == 0.0 || isa == Isa::Reference && error <= 1e-13 * expected, "{}", isa.name());
                    }
                }
            }
        });
    }
}

#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(4);
    for shape @ (n, rows, cols) in [(16, 300, 500), (3, 2000, 70)] {
        let (y, x) = (rng.floats(n * rows), rng.floats(n * cols));
        for_each_isa(|isa| {
            let one = dense(isa, &y, &x, shape);
            let mut squares = [vec![0.0; rows - 3], vec![0.0; rows - 3]];
            for (squares, threads) in squares.iter_mut().zip([2, 3]) {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let exec = Exec::from(isa).parallel();
                let all = pool.install(|| dense(exec, &y, &x, shape));
                assert_eq!(bits(&all), bits(&one), "{} {threads} threads", isa.name());
                let mut out = vec![f32::NAN; (rows - 3) * cols];
                let mut s = Scratch::new();
                pool.install(|| {
                    weight_gradient::rows_with(exec, &y, &x, n, rows, cols, 3..rows, 0.7, &mut out, squares, &mut s)
                })
                .unwrap();
                assert_eq!(bits(&out), bits(&one[3 * cols..]), "{} {threads} threads", isa.name());
            }
            assert_eq!(squares[0], squares[1], "{}", isa.name());
        });
    }
}

#[test]
fn nan_and_infinity_go_where_the_formula_takes_them() {
    let shape @ (n, rows, cols) = (4, 20, 60);
    let mut rng = Rng(5);
    let (mut y, mut x) = (rng.floats(n * rows), rng.floats(n * cols));
    y[2 * rows + 5] = f32::NAN;
    x[cols + 9] = f32::INFINITY;
    for_each_isa(|isa| {
        for (i, v) in dense(isa, &y, &x, shape).into_iter().enumerate() {
            assert_eq!(v.is_nan(), i / cols == 5, "{}", isa.name());
            assert_eq!(v.is_infinite(), i / cols != 5 && i % cols == 9, "{}", isa.name());
        }
    });
}

#[test]
fn wrong_arguments_are_named() {
    let (n, rows, cols) = (2, 10, 30);
    let (y, x, mut out) = (vec![0.0; n * rows], vec![0.0; n * cols], vec![7.0; rows * cols]);
    let mut squares = vec![7.0; rows];
    let mut s = Scratch::new();
    let wrong = |argument, expected| Err(KernelError::Length { argument, expected, found: expected - 1 });
    let dense = weight_gradient::dense;
    assert_eq!(dense(&y[1..], &x, n, rows, cols, 1.0, false, &mut out, &mut s), wrong("y", 20));
    assert_eq!(dense(&y, &x[1..], n, rows, cols, 1.0, false, &mut out, &mut s), wrong("x", 60));
    assert_eq!(dense(&y, &x, n, rows, cols, 1.0, false, &mut out[1..], &mut s), wrong("out", 300));
    let some = weight_gradient::rows;
    let (out, squares) = (&mut out, &mut squares);
    assert_eq!(some(&y[1..], &x, n, rows, cols, 0..10, 1.0, out, squares, &mut s), wrong("y", 20));
    assert_eq!(some(&y, &x[1..], n, rows, cols, 0..10, 1.0, out, squares, &mut s), wrong("x", 60));
    assert_eq!(some(&y, &x, n, rows, cols, 0..10, 1.0, &mut out[1..], squares, &mut s), wrong("out", 300));
    assert_eq!(some(&y, &x, n, rows, cols, 0..10, 1.0, out, &mut squares[1..], &mut s), wrong("squares", 10));
    let index = |end, found| Err(KernelError::Index { argument: "range", end, found });
    assert_eq!(some(&y, &x, n, rows, cols, 5..11, 1.0, out, squares, &mut s), index(11, 11));
    #[expect(clippy::reversed_empty_ranges, reason = "the error is what is tested")]
    let reversed = 7..5;
    assert_eq!(some(&y, &x, n, rows, cols, reversed, 1.0, out, squares, &mut s), index(6, 7));
    assert!(out.iter().all(|v| *v == 7.0) && squares.iter().all(|v| *v == 7.0), "nothing was written");
}
