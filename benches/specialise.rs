//! What it saves to have the variants in the type: a chain of small unions, run with a `match` a call and without any.

use barewire::prelude::*;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// Cheap variants, so that what surrounds them shows.
#[derive(BareUnion)]
#[bare(specialise)]
enum Stage {
    #[bare(forward = |x: [n]| gain * x)]
    Scale { gain: f32 },
    #[bare(forward = |x: [n]| x + bias)]
    Shift { bias: f32 },
    #[bare(forward = |x: [n]| gain * x + bias)]
    Affine { gain: f32, bias: f32 },
    #[bare(forward = |x: [n]| relu(x))]
    Relu,
}

#[derive(BareStruct)]
#[bare(specialise, forward = |x: [n]| h(g(f(e(d(c(b(a(x)))))))))]
struct Chain {
    a: Stage,
    b: Stage,
    c: Stage,
    d: Stage,
    e: Stage,
    f: Stage,
    g: Stage,
    h: Stage,
}

type Fast = chain::Of<
    stage::Affine,
    stage::Relu,
    stage::Scale,
    stage::Shift,
    stage::Affine,
    stage::Relu,
    stage::Scale,
    stage::Shift,
>;

/// Median of the ratio of two times, taken in turns so that a neighbour's load falls on both.
fn ratio(mut a: impl FnMut(), mut b: impl FnMut()) -> f64 {
    let time = |f: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        for _ in 0..200 {
            f();
        }
        start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..300).map(|_| time(&mut a) / time(&mut b)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn specialised(criterion: &mut Criterion) {
    let affine = || Stage::Affine { gain: 0.9, bias: 0.1 };
    let (scale, shift) = (|| Stage::Scale { gain: 1.1 }, || Stage::Shift { bias: -0.2 });
    let [a, b, c, d] = [affine(), Stage::Relu, scale(), shift()];
    let [e, f, g, h] = [affine(), Stage::Relu, scale(), shift()];
    let part = Chain { a, b, c, d, e, f, g, h };
    let index = Index::new();
    let model = Checked::<Chain>::new(part.view(&index)).expect("sizes fit");
    let fixed = model.specialised::<Fast>().expect("these are its variants");
    for n in [1, 16, 256] {
        let x: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin() * 2.0).collect();
        let (mut y, mut y_fixed) = (vec![0.0_f32; n], vec![0.0_f32; n]);
        let (mut ws, mut state, mut state_cot) = (Workspace::new(), Default::default(), Default::default());
        let (mut ws_fixed, mut state_fixed, mut state_cot_fixed) =
            (Workspace::new(), Default::default(), Default::default());
        let (mut grad, mut grad_fixed) = (ChainCotangent::default(), ChainCotangent::default());
        let (mut x_cot, mut x_cot_fixed) = (vec![0.0_f32; n], vec![0.0_f32; n]);

        let mut forward = || model.forward(&[numbers(&x, &[n])], &mut [&mut y], &mut state, &mut ws).expect("fits");
        let mut forward_fixed = || {
            fixed.forward(&[numbers(&x, &[n])], &mut [&mut y_fixed], &mut state_fixed, &mut ws_fixed).expect("fits");
        };
        forward();
        forward_fixed();
        let ratio_forward = ratio(&mut forward, &mut forward_fixed);
        let mut group = criterion.benchmark_group(format!("chain of 8 unions, {n} floats, forward"));
        group.bench_function("a match a call", |bencher| bencher.iter(&mut forward));
        group.bench_function("specialised", |bencher| bencher.iter(&mut forward_fixed));
        group.finish();
        assert_eq!(y, y_fixed);

        let mut both = || {
            let mut pass = model.forward_saving(&[numbers(&x, &[n])], &mut state, &mut ws).expect("fits");
            pass.vjp(&[&x], &mut [Slot::Write(&mut x_cot)], &mut grad, &mut state_cot).expect("fits");
            black_box(pass.result(0));
        };
        let mut both_fixed = || {
            let mut pass = fixed.forward_saving(&[numbers(&x, &[n])], &mut state_fixed, &mut ws_fixed).expect("fits");
            pass.vjp(&[&x], &mut [Slot::Write(&mut x_cot_fixed)], &mut grad_fixed, &mut state_cot_fixed).expect("fits");
            black_box(pass.result(0));
        };
        both();
        both_fixed();
        let ratio_both = ratio(&mut both, &mut both_fixed);
        println!(
            "chain of 8 unions, {n} floats, a match a call over specialised: forward {ratio_forward:.3}, forward and backward {ratio_both:.3}"
        );
        let mut group = criterion.benchmark_group(format!("chain of 8 unions, {n} floats, forward and backward"));
        group.bench_function("a match a call", |bencher| bencher.iter(&mut both));
        group.bench_function("specialised", |bencher| bencher.iter(&mut both_fixed));
        group.finish();
        assert_eq!(x_cot, x_cot_fixed);
    }
}

criterion_group!(benches, specialised);
criterion_main!(benches);
