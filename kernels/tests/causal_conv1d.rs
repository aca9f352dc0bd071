//! The causal convolution against f64, over any cut of time.

mod common;

use barewire_kernels::causal_conv1d::{self, reference};
use barewire_kernels::{Exec, Isa, KernelError, Scratch};
use common::{Rng, bits, for_each_isa};

const U: f64 = 1.0 / (1 << 24) as f64;
/// `(batch, time, d, k)`
const SHAPES: [[usize; 4]; 15] = [
    [1, 1, 1, 1],
    [2, 9, 3, 1],
    [1, 1, 8, 4],
    [2, 2, 7, 4],
    [2, 13, 16, 2],
    [1, 30, 17, 3],
    [2, 75, 33, 4],
    [1, 140, 5, 4],
    [3, 8, 31, 5],
    [1, 70, 15, 7],
    [1, 3, 40, 6],
    [0, 4, 4, 4],
    [2, 0, 3, 4],
    [2, 3, 0, 2],
    [1, 4, 64, 4],
];

struct Case {
    shape: [usize; 4],
    w: Vec<f32>,
    b: Vec<f32>,
    x: Vec<f32>,
    state: Vec<f32>,
    c: Vec<f32>,
    last: Vec<f32>,
}

impl Case {
    fn new(shape @ [batch, time, d, k]: [usize; 4]) -> Self {
        let mut rng = Rng((batch + 10 * time + 1000 * d + 100_000 * k) as u64);
        let mut floats = |n| rng.floats(n);
        let (len, states) = (batch * time * d, batch * (k - 1) * d);
        let [w, b, x, state, c, last] = [d * k, d, len, states, len, states].map(&mut floats);
        Self { shape, w, b, x, state, c, last }
    }

    /// `(y, final state)`
    fn forward(&self, exec: impl Into<Exec>) -> [Vec<f32>; 2] {
        let [batch, time, d, k] = self.shape;
        let (mut state, mut y) = (self.state.clone(), vec![f32::NAN; self.x.len()]);
        let scratch = &mut Scratch::new();
        causal_conv1d::forward_with(exec, &self.w, &self.b, &self.x, batch, time, d, k, &mut state, &mut y, scratch)
            .unwrap();
        [y, state]
    }

    /// `(x_cot, state_cot, w_cot, b_cot)`
    fn backward(&self, exec: impl Into<Exec>) -> [Vec<f32>; 4] {
        let [batch, time, d, k] = self.shape;
        let mut state_cot = self.last.clone();
        let [mut x_cot, mut w_cot, mut b_cot] = [self.x.len(), d * k, d].map(|n| vec![f32::NAN; n]);
        causal_conv1d::backward_with(
            exec,
            &self.w,
            &self.x,
            &self.state,
            &self.c,
            batch,
            time,
            d,
            k,
            &mut state_cot,
            &mut x_cot,
            &mut w_cot,
            &mut b_cot,
            &mut Scratch::new(),
        )
        .unwrap();
        [x_cot, state_cot, w_cot, b_cot]
    }

    fn column(&self, x: &[f32], rows: usize, e: usize, i: usize) -> Vec<f64> {
        let d = self.shape[2];
        (0..rows).map(|r| f64::from(x[(e * rows + r) * d + i])).collect()
    }
}

fn absolute(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| x.abs()).collect()
}

#[test]
fn every_shape_holds_its_bounds() {
    for shape @ [batch, time, d, k] in SHAPES {
        let case = Case::new(shape);
        for_each_isa(|isa| {
            let [y, state] = case.forward(isa);
            let [x_cot, state_cot, w_cot, b_cot] = case.backward(isa);
            let near = |found: &[f64], exact: &[f64], size: &[f64], roundings: usize| {
                for ((found, exact), size) in found.iter().zip(exact).zip(size) {
                    let bound = roundings as f64 * U * size;
                    assert!((found - exact).abs() <= bound, "{} {shape:?}: {found} {exact}", isa.name());
                }
            };
            for i in 0..d {
                let w: Vec<f64> = case.w[i * k..][..k].iter().map(|w| f64::from(*w)).collect();
                let (mut sums, mut sizes) = (vec![0.0; k + 1], vec![0.0; k + 1]);
                for e in 0..batch {
                    let mut padded = case.column(&case.state, k - 1, e, i);
                    padded.extend(case.column(&case.x, time, e, i));
                    let exact = reference::channel(&w, case.b[i].into(), &padded);
                    let size = reference::channel(&absolute(&w), case.b[i].abs().into(), &absolute(&padded));
                    near(&case.column(&y, time, e, i), &exact, &size, k + 1);
                    assert_eq!(case.column(&state, k - 1, e, i), padded[time..], "{} {shape:?}", isa.name());

                    let (c, last) = (case.column(&case.c, time, e, i), case.column(&case.last, k - 1, e, i));
                    let (exact, terms) = reference::channel_backward(&w, &padded, &c, &last);
                    let (size, term_sizes) =
                        reference::channel_backward(&absolute(&w), &absolute(&padded), &absolute(&c), &absolute(&last));
                    let mut found = case.column(&state_cot, k - 1, e, i);
                    found.extend(case.column(&x_cot, time, e, i));
                    near(&found, &exact, &size, k + 1);
                    for j in 0..k {
                        sums[j] += terms[j];
                        sizes[j] += term_sizes[j];
                    }
                    sums[k] += c.iter().sum::<f64>();
                    sizes[k] += absolute(&c).iter().sum::<f64>();
                }
                let mut found: Vec<f64> = w_cot[i * k..][..k].iter().map(|w| f64::from(*w)).collect();
                found.push(b_cot[i].into());
                near(&found, &sums, &sizes, causal_conv1d::BLOCK + 2);
            }
        });
    }
}

#[test]
fn any_cut_of_time_gives_the_same_bits() {
    for shape @ [batch, time, d, k] in [[1, 40, 19, 4], [1, 21, 16, 2], [1, 20, 9, 3], [1, 15, 8, 6]] {
        let case = Case::new(shape);
        for_each_isa(|isa| {
            let [y, last_state] = case.forward(isa);
            let [x_cot, state_cot, ..] = case.backward(isa);
            for step in [1, 2, 5, 7, 13] {
                let scratch = &mut Scratch::new();
                let (mut state, mut chunks) = (case.state.clone(), Vec::new());
                let mut starts = Vec::new();
                for (x, t) in case.x.chunks(step * d).zip((0..).step_by(step)) {
                    starts.push((t, state.clone()));
                    let mut y = vec![f32::NAN; x.len()];
                    if step == 1 {
                        causal_conv1d::step_with(isa, &case.w, &case.b, x, batch, d, k, &mut state, &mut y, scratch)
                    } else {
                        let time = x.len() / d;
                        causal_conv1d::forward_with(
                            isa, &case.w, &case.b, x, batch, time, d, k, &mut state, &mut y, scratch,
                        )
                    }
                    .unwrap();
                    chunks.extend(y);
                }
                assert_eq!(bits(&chunks), bits(&y), "{} {shape:?}", isa.name());
                assert_eq!(bits(&state), bits(&last_state), "{} {shape:?}", isa.name());
                if isa == Isa::Reference {
                    // It adds in f64 within a call.
                    continue;
                }
                let (mut carry, mut cots) = (case.last.clone(), vec![f32::NAN; case.x.len()]);
                for (t, before) in starts.into_iter().rev() {
                    let part = t * d..(time * d).min((t + step) * d);
                    let (x, c, x_cot) = (&case.x[part.clone()], &case.c[part.clone()], &mut cots[part]);
                    let time = x.len() / d;
                    let [mut w_cot, mut b_cot] = [d * k, d].map(|n| vec![0.0; n]);
                    causal_conv1d::backward_with(
                        isa, &case.w, x, &before, c, 1, time, d, k, &mut carry, x_cot, &mut w_cot, &mut b_cot, scratch,
                    )
                    .unwrap();
                }
                assert_eq!(bits(&cots), bits(&x_cot), "{} {shape:?}", isa.name());
                assert_eq!(bits(&carry), bits(&state_cot), "{} {shape:?}", isa.name());
            }
        });
    }
}

#[test]
fn the_reference_is_the_derivative() {
    let mut rng = Rng(9);
    let [w, padded, c, last] = [3, 7, 5, 2].map(|n| rng.floats(n).iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let loss = |w: &[f64], p: &[f64]| dot(&reference::channel(w, 0.5, p), &c) + dot(&p[5..], &last);
    let (x_cot, w_cot) = reference::channel_backward(&w, &padded, &c, &last);
    let moved = |v: &[f64], i: usize, h: f64| {
        let mut v = v.to_vec();
        v[i] += h;
        v
    };
    for (i, x_cot) in x_cot.iter().enumerate().take(7) {
        let central = (loss(&w, &moved(&padded, i, 0.5)) - loss(&w, &moved(&padded, i, -0.5))) / 1.0;
        assert!((x_cot - central).abs() < 1e-12);
    }
    for (j, w_cot) in w_cot.iter().enumerate().take(3) {
        let central = (loss(&moved(&w, j, 0.5), &padded) - loss(&moved(&w, j, -0.5), &padded)) / 1.0;
        assert!((w_cot - central).abs() < 1e-12);
    }
}

#[test]
fn threads_change_no_bit() {
    let case = Case::new([2, 300, 530, 4]);
    for isa in Isa::available().filter(|isa| *isa != Isa::Reference) {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let exec = Exec::from(isa).parallel();
            pool.install(|| (case.forward(exec).map(|v| bits(&v)), case.backward(exec).map(|v| bits(&v))))
        };
        assert!(run(1) == run(2), "{}", isa.name());
    }
}

#[test]
fn a_nan_reaches_the_outputs_it_is_a_term_of() {
    let mut case = Case::new([1, 12, 9, 4]);
    case.x[2 * 9 + 3] = f32::NAN;
    for_each_isa(|isa| {
        let [y, _] = case.forward(isa);
        for (at, y) in y.iter().enumerate() {
            let (t, i) = (at / 9, at % 9);
            assert_eq!(y.is_nan(), i == 3 && (2..6).contains(&t), "{} {t} {i}", isa.name());
        }
    });
}

#[test]
fn lengths_are_checked() {
    let length = |argument, expected, found| Err(KernelError::Length { argument, expected, found });
    let s = &mut Scratch::new();
    let (w, b, x, state) = ([0.0; 6], [0.0; 2], [0.0; 8], [0.0; 8]);
    let (y, st) = (&mut [0.0; 8], &mut [0.0; 8]);
    let forward = causal_conv1d::forward;
    assert_eq!(forward(&w[1..], &b, &x, 2, 2, 2, 3, st, y, s), length("w", 6, 5));
    assert_eq!(forward(&w, &b[1..], &x, 2, 2, 2, 3, st, y, s), length("b", 2, 1));
    assert_eq!(forward(&w, &b, &x[1..], 2, 2, 2, 3, st, y, s), length("x", 8, 7));
    assert_eq!(forward(&w, &b, &x, 2, 2, 2, 3, &mut st[1..], y, s), length("state", 8, 7));
    assert_eq!(forward(&w, &b, &x, 2, 2, 2, 3, st, &mut y[1..], s), length("y", 8, 7));
    assert_eq!(forward(&[], &b, &x, 2, 2, 2, 0, &mut [], y, s), length("w", 2, 0));
    let huge = forward(&w, &b, &x, usize::MAX, 2, 2, 3, st, y, s);
    assert_eq!(huge, Err(KernelError::Overflow { argument: "state" }));
    let mut backward = |w: &[f32], x: &[f32], state: &[f32], c: &[f32], n: [usize; 4]| {
        let (a, b, c2, d) =
            (&mut [0.0; 8][n[0]..], &mut [0.0; 8][n[1]..], &mut [0.0; 6][n[2]..], &mut [0.0; 2][n[3]..]);
        causal_conv1d::backward(w, x, state, c, 2, 2, 2, 3, a, b, c2, d, s)
    };
    assert_eq!(backward(&w[1..], &x, &state, &x, [0; 4]), length("w", 6, 5));
    assert_eq!(backward(&w, &x[1..], &state, &x, [0; 4]), length("x", 8, 7));
    assert_eq!(backward(&w, &x, &state[1..], &x, [0; 4]), length("state_initial", 8, 7));
    assert_eq!(backward(&w, &x, &state, &x[1..], [0; 4]), length("y_cot", 8, 7));
    assert_eq!(backward(&w, &x, &state, &x, [1, 0, 0, 0]), length("state_cot", 8, 7));
    assert_eq!(backward(&w, &x, &state, &x, [0, 1, 0, 0]), length("x_cot", 8, 7));
    assert_eq!(backward(&w, &x, &state, &x, [0, 0, 1, 0]), length("w_cot", 6, 5));
    assert_eq!(backward(&w, &x, &state, &x, [0, 0, 0, 1]), length("b_cot", 2, 1));
    assert_eq!(backward(&w, &x, &state, &x, [0; 4]), Ok(()));
}
