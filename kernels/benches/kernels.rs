//! Speed of the kernels, one thread, every instruction set of this CPU: at the sizes of small models, then the cases
//! of the roofline example (`cargo bench -p barewire-kernels -- 'selective scan'` and the like).
//!
//! Every bench checks its answer before it is timed. `cargo bench -p barewire-kernels`; figures
//! are elements (multiply-accumulates, or weights) a second.

#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

#[path = "../examples/roofline/cases/mod.rs"]
mod cases;
#[path = "../examples/roofline/limits.rs"]
#[allow(dead_code, reason = "the limits are for the example")]
mod limits;
#[path = "../examples/roofline/measure.rs"]
#[allow(dead_code, reason = "what measures limits is for the example")]
mod measure;

use std::hint::black_box;

use barewire_kernels::{Isa, KernelError, Scratch, gated_recurrence, gemm, ternary};
use cases::floats;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// `(rows, cols, n)`: attention and channel mixer of a small model in training, then streaming.
const SHAPES: [(usize, usize, usize); 5] =
    [(128, 128, 384), (704, 128, 384), (128, 352, 384), (704, 128, 1), (2560, 2560, 1)];

fn digits(len: usize) -> Vec<i8> {
    (0..len).map(|i| (i * 7 % 11 % 3) as i8 - 1).collect()
}

fn packed(digits: &[i8], rows: usize, cols: usize) -> Vec<u64> {
    let mut words = vec![0; ternary::words_len(rows, cols).expect("small")];
    ternary::pack_i8(rows, cols, digits, &mut words).expect("digits");
    words
}

/// The native ones, then `portable` for comparison.
fn isas() -> Vec<Isa> {
    Isa::available()
        .filter(|isa| !matches!(isa, Isa::Reference | Isa::Portable))
        .chain(Isa::available().nth(1))
        .collect()
}

fn assert_near(found: &[f32], exact: impl Iterator<Item = f64>, bound: f64) {
    for (found, exact) in found.iter().zip(exact) {
        let error = (f64::from(*found) - exact).abs();
        assert!(error <= bound, "{found} for {exact}");
    }
}

fn ternary_products(c: &mut Criterion) {
    for (rows, cols, n) in SHAPES {
        let digits = digits(rows * cols);
        let words = packed(&digits, rows, cols);
        let (x, y) = (floats(n * cols), floats(n * rows));
        let mut codes = vec![0; ternary::int8_codes_len(n, cols).expect("small")];
        let mut scales = vec![0.0; n];
        let (mut out, mut back) = (vec![0.0; n * rows], vec![0.0; n * cols]);
        let mut scratch = Scratch::new();
        // One token of the oracle is enough: batching changes no bit.
        let wide = |v: &[f32]| -> Vec<f64> { v.iter().map(|&v| v.into()).collect() };
        let forward = ternary::reference::forward(&digits, rows, cols, &wide(&x[..cols]), 1);
        let turned = ternary::reference::transposed(&digits, rows, cols, &wide(&y[..rows]), 1);
        let mut group = c.benchmark_group(format!("ternary {rows}x{cols} n{n}"));
        group.throughput(Throughput::Elements((rows * cols * n) as u64));
        for isa in isas() {
            let mut int8 = |out: &mut [f32]| {
                let x = black_box(&x);
                ternary::quantize_int8_with(isa, x, n, cols, &mut codes, &mut scales)
                    .and_then(|()| ternary::forward_int8_with(isa, &words, rows, cols, &codes, &scales, n, 1.0, out))
                    .expect("lengths");
            };
            int8(&mut out);
            // Half a step of 1/127 for each column.
            assert_near(&out, forward.iter().copied(), cols as f64 * 0.5 / 126.0);
            let id = BenchmarkId::new("forward_int8 with quantize_int8", isa.name());
            group.bench_function(id, |b| b.iter(|| int8(&mut out)));

            let mut grade = |out: &mut [f32]| {
                let x = black_box(&x);
                ternary::forward_f32_with(isa, &words, rows, cols, x, n, out, &mut scratch).expect("lengths");
            };
            grade(&mut out);
            assert_near(&out, forward.iter().copied(), cols as f64 * 2f64.powi(-22));
            let id = BenchmarkId::new("forward_f32", isa.name());
            group.bench_function(id, |b| b.iter(|| grade(&mut out)));

            let mut transposed = |back: &mut [f32]| {
                let y = black_box(&y);
                ternary::transposed_f32_with(isa, &words, rows, cols, y, n, back, &mut scratch).expect("lengths");
            };
            transposed(&mut back);
            assert_near(&back, turned.iter().copied(), rows as f64 * 2f64.powi(-22));
            let id = BenchmarkId::new("transposed_f32", isa.name());
            group.bench_function(id, |b| b.iter(|| transposed(&mut back)));
        }
    }
}

fn absmean(c: &mut Criterion) {
    let (rows, cols) = (1024, 1024);
    let w = floats(rows * cols);
    let mut words = vec![0; ternary::words_len(rows, cols).expect("small")];
    let mean = w.iter().map(|v| f64::from(v.abs())).sum::<f64>() / w.len() as f64;
    let mut group = c.benchmark_group("quantize_absmean 1024x1024");
    group.throughput(Throughput::Elements(w.len() as u64));
    for isa in isas() {
        let mut run = || ternary::quantize_absmean_with(isa, black_box(&w), rows, cols, &mut words).expect("lengths");
        assert!((f64::from(run()) - mean).abs() < 1e-6);
        group.bench_function(isa.name(), |b| b.iter(&mut run));
    }
}

fn recurrence(c: &mut Criterion) {
    for (batch, time, d) in [(12, 64, 128), (1, 2048, 2048)] {
        let len = batch * time * d;
        let f: Vec<f32> = floats(len).iter().map(|v| v.abs()).collect();
        let v = floats(len);
        let zero = vec![0.0; batch * d];
        let mut h = vec![0.0; len];
        let (mut f_cot, mut v_cot) = (vec![0.0; len], vec![0.0; len]);
        let mut group = c.benchmark_group(format!("gated_recurrence {batch}x{time}x{d}"));
        for isa in isas() {
            let mut state = zero.clone();
            let mut forward = |h: &mut [f32]| {
                state.fill(0.0);
                let f = black_box(&f);
                gated_recurrence::forward_with(isa, f, &v, batch, time, d, &mut state, h).expect("lengths");
            };
            forward(&mut h);
            for t in 1..time {
                assert_eq!(h[t * d], f[t * d] * h[(t - 1) * d] + v[t * d]);
            }
            group.throughput(Throughput::Bytes(12 * len as u64));
            let id = BenchmarkId::new("forward", isa.name());
            group.bench_function(id, |b| b.iter(|| forward(&mut h)));

            let mut state_cot = zero.clone();
            let mut backward = |f_cot: &mut [f32], v_cot: &mut [f32]| {
                state_cot.fill(0.0);
                let f = black_box(&f);
                gated_recurrence::backward_with(isa, f, &h, &zero, &v, batch, time, d, &mut state_cot, f_cot, v_cot)
                    .expect("lengths");
            };
            backward(&mut f_cot, &mut v_cot);
            assert_eq!(v_cot[len - 1], v[len - 1]);
            assert_eq!(f_cot[len - 1], v[len - 1] * h[len - 1 - d]);
            group.throughput(Throughput::Bytes(20 * len as u64));
            let id = BenchmarkId::new("backward", isa.name());
            group.bench_function(id, |b| b.iter(|| backward(&mut f_cot, &mut v_cot)));
        }
    }
}

/// Weight gradients, outputs and input cotangents in training, then streaming.
fn dense(c: &mut Criterion) {
    let mut scratch = Scratch::new();
    for (m, n, k) in [(128, 128, 384), (704, 128, 384), (128, 352, 384), (256, 256, 768)] {
        let (a, b) = (floats(k * m), floats(k * n));
        dense_case(
            c,
            "tn",
            (m, n, k),
            (&a, &b),
            |l, j| (l * m, l * n + j),
            |isa, a, b, out| gemm::tn_with(isa, m, n, k, 1.0, a, b, false, out, &mut scratch),
        );
    }
    for (m, n, k) in [(384, 65, 128), (384, 704, 128), (384, 128, 352), (1, 128, 128), (1, 704, 128)] {
        let (a, b) = (floats(m * k), floats(k * n));
        dense_case(
            c,
            "nt",
            (m, n, k),
            (&a, &b),
            |l, j| (l, j * k + l),
            |isa, a, b, out| gemm::nt_with(isa, m, n, k, a, b, false, out, &mut scratch),
        );
        dense_case(
            c,
            "nn",
            (m, n, k),
            (&a, &b),
            |l, j| (l, l * n + j),
            |isa, a, b, out| gemm::nn_with(isa, m, n, k, a, b, false, out, &mut scratch),
        );
    }
}

/// `at(l, j)`: where term `l` of the first row's element `j` lies in the two factors.
fn dense_case(
    c: &mut Criterion,
    name: &str,
    (m, n, k): (usize, usize, usize),
    (a, b): (&[f32], &[f32]),
    at: impl Fn(usize, usize) -> (usize, usize),
    mut run: impl FnMut(Isa, &[f32], &[f32], &mut [f32]) -> Result<(), KernelError>,
) {
    let mut group = c.benchmark_group(format!("gemm f32 {name} {m}x{n}x{k}"));
    group.throughput(Throughput::Elements((m * n * k) as u64));
    let mut out = vec![0.0; m * n];
    for isa in isas().into_iter().filter(|isa| *isa != Isa::Portable) {
        run(isa, a, b, &mut out).expect("lengths");
        let first = (0..n).map(|j| {
            let term = |(at_a, at_b): (usize, usize)| f64::from(a[at_a]) * f64::from(b[at_b]);
            (0..k).map(|l| term(at(l, j))).sum::<f64>()
        });
        assert_near(&out, first, (k * k) as f64 * 2f64.powi(-24));
        group.bench_function(isa.name(), |bench| {
            bench.iter(|| run(isa, black_box(a), b, &mut out));
        });
    }
}

/// The cases of the roofline example, each checked before it is timed.
fn roofline(c: &mut Criterion) {
    for case in cases::all() {
        let mut subject = None;
        let mut group = c.benchmark_group(case.name);
        for isa in isas() {
            group.bench_function(isa.name(), |b| {
                // Made when it is needed, since a filter may leave most cases out.
                let subject = subject.get_or_insert_with(case.subject);
                if let Err(why) = subject.check(isa.into()) {
                    panic!("{} on {}: {why}", case.name, isa.name());
                }
                b.iter(|| subject.run(isa.into()));
            });
        }
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_millis(600));
    targets = ternary_products, absmean, recurrence, dense, roofline
}
criterion_main!(kernels);
