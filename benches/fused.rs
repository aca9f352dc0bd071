//! Generated elementwise loops against loops written by hand: the ratio that the derive must keep near 1.
//!
//! The chain has ten operations, one scalar and one vector parameter, on 1,024 floats. The hand-written code does what
//! a careful engineer would: one pass forward that stores what the backward pass needs, one pass backward, the scalar's
//! gradient through tiles into eight lanes, compiled for the same instruction set.

use barewire::kernels::{Isa, Kernel, vectorize};
use barewire::prelude::*;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const N: usize = 1024;
const D: usize = 128;

/// `tanh(gain * x + bias) * sigmoid(x) + x * x * 0.5 - bias`
#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| tanh(gain * x + bias) * sigmoid(x) + x * x * 0.5 - bias / 2)]
pub struct Chain {
    gain: f32,
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

struct HandForward<'a> {
    x: &'a [f32],
    gain: f32,
    bias: &'a [f32],
    out: &'a mut [f32],
    tanh: &'a mut [f32],
    sigmoid: &'a mut [f32],
}

impl Kernel for HandForward<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let HandForward { x, gain, bias, out, tanh, sigmoid } = self;
        let rows = x.chunks_exact(D).zip(out.chunks_exact_mut(D));
        for ((x, out), (tanh, sigmoid)) in rows.zip(tanh.chunks_exact_mut(D).zip(sigmoid.chunks_exact_mut(D))) {
            let bias = &bias[..D];
            for i in 0..D {
                let t = Real::tanh(gain * x[i] + bias[i]);
                let s = Real::sigmoid(x[i]);
                tanh[i] = t;
                sigmoid[i] = s;
                out[i] = t * s + x[i] * x[i] * 0.5 - bias[i] / 2.0;
            }
        }
    }
}

struct HandBackward<'a> {
    x: &'a [f32],
    gain: f32,
    c: &'a [f32],
    tanh: &'a [f32],
    sigmoid: &'a [f32],
    x_cot: &'a mut [f32],
    gain_cot: &'a mut f32,
    bias_cot: &'a mut [f32],
}

impl Kernel for HandBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let HandBackward { x, gain, c, tanh, sigmoid, x_cot, gain_cot, bias_cot } = self;
        let mut lanes = [0.0_f32; 8];
        for start in (0..x.len()).step_by(64) {
            let (x, c, t, s) = (&x[start..][..64], &c[start..][..64], &tanh[start..][..64], &sigmoid[start..][..64]);
            let x_cot = &mut x_cot[start..][..64];
            let bias_cot = &mut bias_cot[start % D..][..64];
            let mut tile = [0.0_f32; 64];
            for i in 0..64 {
                let u = (1.0 - t[i] * t[i]) * (s[i] * c[i]);
                x_cot[i] = u * gain + (s[i] - s[i] * s[i]) * (t[i] * c[i]) + x[i] * c[i];
                bias_cot[i] += u - c[i] / 2.0;
                tile[i] = u * x[i];
            }
            for chunk in tile.chunks_exact(8) {
                for (lane, v) in lanes.iter_mut().zip(chunk) {
                    *lane += v;
                }
            }
        }
        *gain_cot += lanes.iter().sum::<f32>();
    }
}

fn fused(criterion: &mut Criterion) {
    let x: Vec<f32> = (0..N).map(|i| (i as f32 * 0.37).sin() * 2.0).collect();
    let c: Vec<f32> = (0..N).map(|i| (i as f32 * 0.11).cos()).collect();
    let chain = Chain { gain: 0.8, bias: (0..D).map(|i| i as f32 * 0.01 - 0.5).collect() };
    let index = Index::new();
    let model = Checked::<Chain>::new(chain.view(&index)).expect("sizes fit");
    let (mut workspace, mut state, mut state_cot) = (Workspace::new(), Default::default(), Default::default());
    let (mut grad, mut x_cot) = (ChainCotangent::default(), vec![0.0_f32; N]);
    let mut generated = |x_cot: &mut Vec<f32>, grad: &mut ChainCotangent| -> f32 {
        let mut pass =
            model.forward_saving(&[numbers(&x, &[N / D, D])], &mut state, &mut workspace).expect("sizes fit");
        pass.vjp(&[&c], &mut [Slot::Write(x_cot)], grad, &mut state_cot).expect("sizes fit");
        pass.result(0)[N - 1]
    };

    let (mut out, mut tanh, mut sigmoid) = (vec![0.0_f32; N], vec![0.0_f32; N], vec![0.0_f32; N]);
    let (mut hand_x_cot, mut gain_cot, mut bias_cot) = (vec![0.0_f32; N], 0.0_f32, vec![0.0_f32; D]);
    let mut hand = |x_cot: &mut Vec<f32>, gain_cot: &mut f32, bias_cot: &mut Vec<f32>| -> f32 {
        let isa = Isa::best();
        let (bias, gain) = (&chain.bias[..], chain.gain);
        vectorize(isa, HandForward { x: &x, gain, bias, out: &mut out, tanh: &mut tanh, sigmoid: &mut sigmoid });
        vectorize(isa, HandBackward { x: &x, gain, c: &c, tanh: &tanh, sigmoid: &sigmoid, x_cot, gain_cot, bias_cot });
        out[N - 1]
    };

    // the two agree before they are timed
    assert_eq!(generated(&mut x_cot, &mut grad), hand(&mut hand_x_cot, &mut gain_cot, &mut bias_cot));
    for (a, b) in x_cot.iter().zip(&hand_x_cot).chain(grad.bias.values().iter().zip(&bias_cot)) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} {b}");
    }
    assert!((grad.gain - gain_cot).abs() <= 1e-4 * gain_cot.abs(), "{} {gain_cot}", grad.gain);

    // interleaved, so that a neighbour's load falls on both
    let mut ratios: Vec<f64> = (0..200)
        .map(|_| {
            let time = |f: &mut dyn FnMut()| {
                let start = std::time::Instant::now();
                for _ in 0..20 {
                    f();
                }
                start.elapsed().as_secs_f64()
            };
            let g = time(&mut || {
                black_box(generated(&mut x_cot, &mut grad));
            });
            let h = time(&mut || {
                black_box(hand(&mut hand_x_cot, &mut gain_cot, &mut bias_cot));
            });
            g / h
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "fused chain, generated over hand-written, {}: median {:.3}",
        Isa::best().name(),
        ratios[ratios.len() / 2]
    );

    let mut group = criterion.benchmark_group("fused chain, 1024 floats, forward and backward");
    group.bench_function("generated", |b| b.iter(|| generated(&mut x_cot, &mut grad)));
    group.bench_function("by hand", |b| b.iter(|| hand(&mut hand_x_cot, &mut gain_cot, &mut bias_cot)));
    group.finish();
}

criterion_group!(benches, fused);
criterion_main!(benches);
