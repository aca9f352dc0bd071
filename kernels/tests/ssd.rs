//! The scalar-A scan (Mamba-2).

mod common;

use barewire_kernels::{Exec, Isa, KernelError, Scratch, ssd};
use common::{Rng, bits, for_each_isa};
use ssd::{Cotangents, Inputs, Shape};

/// Owned inputs, cotangents of the outputs, and an initial state.
#[derive(Clone)]
struct Case {
    shape: Shape,
    x: Vec<f32>,
    dt: Vec<f32>,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    d: Vec<f32>,
    dt_bias: Vec<f32>,
    optional: bool,
    h: Vec<f32>,
    y_cot: Vec<f32>,
    last_cot: Vec<f32>,
}

/// Gradients in the order of `Cotangents`, then of the initial state.
type Gradients<T> = [Vec<T>; 8];

const NAMES: [&str; 8] = ["x", "dt", "a", "b", "c", "d", "dt_bias", "h"];

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

impl Case {
    fn new(rng: &mut Rng, dims: [usize; 6], optional: bool) -> Self {
        let [batch, seq_len, n_heads, head_dim, n_groups, d_state] = dims;
        let shape = Shape { batch, seq_len, n_heads, head_dim, n_groups, d_state };
        let steps = batch * seq_len;
        let (x, h) = (steps * n_heads * head_dim, batch * n_heads * head_dim * d_state);
        Self {
            shape,
            x: rng.floats(x),
            dt: rng.floats(steps * n_heads).iter().map(|v| v * 3.0 - 1.0).collect(),
            a: rng.floats(n_heads).iter().map(|v| -v.abs() * 2.0).collect(),
            b: rng.floats(steps * n_groups * d_state),
            c: rng.floats(steps * n_groups * d_state),
            d: rng.floats(n_heads),
            dt_bias: rng.floats(n_heads),
            optional,
            h: rng.floats(h),
            y_cot: rng.floats(x),
            last_cot: rng.floats(h),
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        let Self { x, dt, a, b, c, .. } = self;
        let (d, dt_bias) = (self.optional.then_some(&self.d[..]), self.optional.then_some(&self.dt_bias[..]));
        Inputs { x, dt, a, b, c, d, dt_bias }
    }

    /// Outputs and final state in f64.
    fn exact(&self) -> [Vec<f64>; 2] {
        let [x, dt, a, b, c, d, bias] =
            [&self.x, &self.dt, &self.a, &self.b, &self.c, &self.d, &self.dt_bias].map(|v| wide(v));
        let (d, dt_bias) = (self.optional.then_some(&d[..]), self.optional.then_some(&bias[..]));
        let inputs = Inputs { x: &x[..], dt: &dt[..], a: &a[..], b: &b[..], c: &c[..], d, dt_bias };
        let (mut h, mut y) = (wide(&self.h), vec![f64::NAN; x.len()]);
        ssd::reference::forward(self.shape, &inputs, &mut h, &mut y);
        [y, h]
    }

    fn exact_gradients(&self) -> Gradients<f64> {
        let [x, dt, a, b, c, d, bias] =
            [&self.x, &self.dt, &self.a, &self.b, &self.c, &self.d, &self.dt_bias].map(|v| wide(v));
        let (d, dt_bias) = (self.optional.then_some(&d[..]), self.optional.then_some(&bias[..]));
        let inputs = Inputs { x: &x[..], dt: &dt[..], a: &a[..], b: &b[..], c: &c[..], d, dt_bias };
        let mut g = [x.len(), dt.len(), a.len(), b.len(), c.len(), a.len(), a.len(), 0].map(|len| vec![0.0; len]);
        g[7] = wide(&self.last_cot);
        let [gx, gdt, ga, gb, gc, gd, gbias, gh] = &mut g;
        let cot = Cotangents { x: &mut gx[..], dt: gdt, a: ga, b: gb, c: gc, d: Some(gd), dt_bias: Some(gbias) };
        ssd::reference::backward(self.shape, &inputs, &wide(&self.h), &wide(&self.y_cot), gh, cot);
        g
    }

    /// Outputs and final state, checkpoints thrown away or not.
    fn run(&self, exec: impl Into<Exec>, scratch: &mut Scratch) -> ([Vec<f32>; 2], Vec<f32>) {
        let (mut h, mut y) = (self.h.clone(), vec![f32::NAN; self.x.len()]);
        let mut checkpoints = vec![f32::NAN; ssd::checkpoints_len(self.shape).unwrap()];
        ssd::forward_saving_with(exec, self.shape, self.inputs(), &mut h, &mut y, &mut checkpoints, scratch).unwrap();
        ([y, h], checkpoints)
    }

    fn gradients(&self, exec: impl Into<Exec>, checkpoints: &[f32], scratch: &mut Scratch) -> Gradients<f32> {
        let heads = self.a.len();
        let mut g =
            [self.x.len(), self.dt.len(), 0, self.b.len(), self.c.len(), 0, 0, 0].map(|len| vec![f32::NAN; len]);
        for i in [2, 5, 6] {
            g[i] = vec![1.0; heads];
        }
        g[7] = self.last_cot.clone();
        let [x, dt, a, b, c, d, bias, h] = &mut g;
        let cot = Cotangents { x: &mut x[..], dt, a, b, c, d: Some(d), dt_bias: Some(bias) };
        ssd::backward_with(exec, self.shape, self.inputs(), checkpoints, &self.y_cot, h, cot, scratch).unwrap();
        g
    }
}

fn shapes() -> Vec<[usize; 6]> {
    vec![
        [1, 1, 1, 1, 1, 1],
        [2, 7, 2, 3, 1, 5],
        [1, 33, 6, 8, 2, 16],
        [2, 49, 5, 17, 5, 7],
        [1, 97, 3, 33, 1, 33],
        [1, 200, 2, 16, 1, 6],
        [1, 150, 9, 2, 1, 3],
        [1, 30, 2, 70, 1, 128],
        [3, 24, 1, 64, 1, 17],
        [1, 50, 40, 1, 40, 2],
    ]
}

fn degenerate() -> Vec<[usize; 6]> {
    vec![
        [0, 3, 2, 3, 1, 2],
        [2, 0, 2, 3, 1, 2],
        [2, 3, 0, 3, 1, 2],
        [2, 3, 2, 0, 1, 2],
        [2, 3, 2, 3, 1, 0],
        [1, 2, 0, 3, 0, 2],
    ]
}

fn max(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, v| v.abs().max(m))
}

/// The largest difference, over the largest entry.
fn difference(found: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(found.len(), exact.len());
    let error = found.iter().zip(exact).map(|(f, e)| (f64::from(*f) - e).abs());
    let largest = error.fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { e.max(m) });
    if largest == 0.0 { 0.0 } else { largest / max(exact) }
}

/// Sums here do not cancel to less than a hundredth of their terms' sizes, and contributions are
/// carried for few steps: the stated bound, `(k + 3 m + 8) 2^-24`, with a hundred in place of both.
const BOUND: f64 = 500.0 / (1 << 24) as f64;

#[test]
fn outputs_and_states_follow_the_formula() {
    let mut rng = Rng(1);
    let mut scratch = Scratch::new();
    for (i, dims) in shapes().into_iter().chain(degenerate()).enumerate() {
        let case = Case::new(&mut rng, dims, i % 3 != 0);
        let [y, h] = case.exact();
        for_each_isa(|isa| {
            let (found, _) = case.run(isa, &mut scratch);
            assert!(difference(&found[0], &y) < BOUND, "{} {dims:?} y", isa.name());
            assert!(difference(&found[1], &h) < BOUND, "{} {dims:?} h", isa.name());
            let (mut state, mut out) = (case.h.clone(), vec![f32::NAN; y.len()]);
            ssd::forward_with(isa, case.shape, case.inputs(), &mut state, &mut out, &mut scratch).unwrap();
            assert_eq!([bits(&out), bits(&state)], found.each_ref().map(|v| bits(v)), "saving changes no bit");
            let (mut state, mut out) = (case.h.clone(), vec![f32::NAN; y.len()]);
            ssd::step_with(isa, case.shape, case.inputs(), &mut state, &mut out).unwrap();
            assert!(difference(&out, &y) < BOUND, "{} {dims:?} step y", isa.name());
            assert!(difference(&state, &h) < BOUND, "{} {dims:?} step h", isa.name());
        });
    }
}

#[test]
fn gradients_follow_the_formula() {
    let mut rng = Rng(2);
    let mut scratch = Scratch::new();
    for (i, dims) in shapes().into_iter().chain(degenerate()).enumerate() {
        let case = Case::new(&mut rng, dims, i % 3 != 0);
        let exact = case.exact_gradients();
        for_each_isa(|isa| {
            let (_, checkpoints) = case.run(isa, &mut scratch);
            let mut found = case.gradients(isa, &checkpoints, &mut scratch);
            for i in [2, 5, 6] {
                found[i].iter_mut().for_each(|v| *v -= 1.0);
            }
            for ((found, exact), name) in found.iter().zip(&exact).zip(NAMES) {
                let error = difference(found, exact);
                // The 1.0 that was there before takes a place of its own.
                let before =
                    if ["a", "d", "dt_bias"].contains(&name) { 2f64.powi(-23) / max(exact).max(1e-300) } else { 0.0 };
                assert!(error < BOUND + before, "{} {dims:?} {name}: {error}", isa.name());
            }
        });
    }
}

#[test]
fn the_reference_gradient_is_the_derivative() {
    let mut rng = Rng(3);
    let case = Case::new(&mut rng, [2, 5, 4, 2, 2, 3], true);
    let exact = case.exact_gradients();
    let Case { x, dt, a, b, c, d, dt_bias, h, .. } = &case;
    let point = [x, dt, a, b, c, d, dt_bias, h].map(|v| wide(v));
    let value = |point: &[Vec<f64>; 8]| {
        let [x, dt, a, b, c, d, bias, h] = point;
        let (d, dt_bias) = (Some(&d[..]), Some(&bias[..]));
        let inputs = Inputs { x: &x[..], dt, a, b, c, d, dt_bias };
        let (mut h, mut y) = (h.clone(), vec![0.0; x.len()]);
        ssd::reference::forward(case.shape, &inputs, &mut h, &mut y);
        let dot = |a: &[f64], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * f64::from(*b)).sum::<f64>();
        dot(&y, &case.y_cot) + dot(&h, &case.last_cot)
    };
    for (i, name) in NAMES.iter().enumerate() {
        for j in 0..point[i].len() {
            let moved = |by: f64| {
                let mut point = point.clone();
                point[i][j] += by;
                value(&point)
            };
            let step = 1e-4;
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            // Third derivatives here are below 100: the step squared, and rounding over the step.
            let bound = 100.0 * step * step + 1e-13 / step;
            assert!((difference - exact[i][j]).abs() < bound, "{name}[{j}]: {difference} {}", exact[i][j]);
        }
    }
}

#[test]
fn a_cut_sequence_agrees() {
    let mut rng = Rng(4);
    let mut scratch = Scratch::new();
    let case = Case::new(&mut rng, [1, 60, 4, 9, 2, 10], true);
    let [y, h] = case.exact();
    for_each_isa(|isa| {
        for cut in [1, 5, 24, 30, 59] {
            let mut state = case.h.clone();
            let mut out = Vec::new();
            for (from, to) in [(0, cut), (cut, 60)] {
                let shape = Shape { seq_len: to - from, ..case.shape };
                let inputs = case.inputs();
                let inputs = Inputs {
                    x: &inputs.x[from * 36..to * 36],
                    dt: &inputs.dt[from * 4..to * 4],
                    b: &inputs.b[from * 20..to * 20],
                    c: &inputs.c[from * 20..to * 20],
                    ..inputs
                };
                let mut part = vec![0.0; (to - from) * 36];
                ssd::forward_with(isa, shape, inputs, &mut state, &mut part, &mut scratch).unwrap();
                out.extend(part);
            }
            assert!(difference(&out, &y) < BOUND && difference(&state, &h) < BOUND, "{} {cut}", isa.name());
        }
    });
}

#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(5);
    for dims in [[2, 100, 6, 20, 2, 24], [1, 120, 18, 8, 2, 9]] {
        // Enough work for several parts.
        let case = Case::new(&mut rng, dims, true);
        for_each_isa(|isa| {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let exec = Exec::from(isa).parallel();
                    let mut scratch = Scratch::new();
                    let (out, checkpoints) = case.run(exec, &mut scratch);
                    let gradients = case.gradients(exec, &checkpoints, &mut scratch);
                    out.iter().chain(&gradients).map(|v| bits(v)).collect::<Vec<_>>()
                })
            };
            let one = run(1);
            assert!(one == run(2) && one == run(3), "{}", isa.name());
        });
    }
}

#[test]
fn hard_decays() {
    let mut rng = Rng(6);
    let mut scratch = Scratch::new();
    let mut case = Case::new(&mut rng, [1, 70, 4, 5, 1, 8], true);
    // No decay; decays that underflow at once, in turns with weak ones; steps that vanish; growth.
    case.a = vec![-0.0, -30.0, -1.0, 0.02];
    for (i, dt) in case.dt.iter_mut().enumerate() {
        *dt = match (i % 4, i / 4 % 3) {
            (1, 0) => 90.0,
            (1, _) => -6.0,
            (2, 0) => -200.0,
            (3, _) => -1.0,
            _ => 0.3,
        };
    }
    let [y, h] = case.exact();
    let exact = case.exact_gradients();
    for_each_isa(|isa| {
        let (found, checkpoints) = case.run(isa, &mut scratch);
        assert!(difference(&found[0], &y) < BOUND, "{} y", isa.name());
        assert!(difference(&found[1], &h) < BOUND, "{} h", isa.name());
        let mut gradients = case.gradients(isa, &checkpoints, &mut scratch);
        for i in [2, 5, 6] {
            gradients[i].iter_mut().for_each(|v| *v -= 1.0);
        }
        for ((found, exact), name) in gradients.iter().zip(&exact).zip(NAMES) {
            assert!(difference(found, exact) < BOUND, "{} {name}", isa.name());
        }
    });
}

#[test]
fn nan_reaches_what_depends_on_it() {
    let mut rng = Rng(7);
    let mut scratch = Scratch::new();
    let mut case = Case::new(&mut rng, [1, 40, 2, 5, 1, 4], true);
    // Head 0, channel 1, step 20.
    case.x[20 * 10 + 1] = f32::NAN;
    for_each_isa(|isa| {
        let ([y, h], _) = case.run(isa, &mut scratch);
        let (mut state, mut stepped) = (case.h.clone(), vec![0.0; y.len()]);
        ssd::step_with(isa, case.shape, case.inputs(), &mut state, &mut stepped).unwrap();
        for (i, v) in y.iter().enumerate() {
            let (t, channel) = (i / 10, i % 10);
            if channel == 1 && t >= 20 {
                assert!(v.is_nan() && stepped[i].is_nan(), "{} {t}", isa.name());
            } else {
                assert!(stepped[i].is_finite());
                assert!(v.is_finite() || channel == 1 && t + 5 >= 20, "{} {t} {channel}", isa.name());
            }
        }
        for (i, v) in h.iter().enumerate() {
            assert_eq!(v.is_nan(), i / 4 == 1, "{} {i}", isa.name());
        }
        // An infinite time step empties the state, times an infinite input.
        let mut other = Case::new(&mut Rng(8), [1, 3, 1, 2, 1, 2], true);
        other.dt[1] = f32::INFINITY;
        let ([y, _], _) = other.run(isa, &mut scratch);
        assert!(y[..2].iter().all(|v| v.is_finite()), "{}", isa.name());
        assert!(y[2..].iter().all(|v| !v.is_finite()), "{}", isa.name());
    });
}

#[test]
fn wrong_lengths_are_named() {
    let case = Case::new(&mut Rng(9), [1, 3, 2, 2, 1, 2], true);
    let mut scratch = Scratch::new();
    let (_, checkpoints) = case.run(Isa::Portable, &mut scratch);
    for wrong in ["x", "dt", "a", "b", "c", "d", "dt_bias"] {
        let mut inputs = case.inputs();
        match wrong {
            "x" => inputs.x = &[],
            "dt" => inputs.dt = &[],
            "a" => inputs.a = &[],
            "b" => inputs.b = &[],
            "c" => inputs.c = &[],
            "d" => inputs.d = Some(&[]),
            _ => inputs.dt_bias = Some(&[]),
        }
        let (mut h, mut y) = (case.h.clone(), case.x.clone());
        let error = ssd::forward(case.shape, inputs, &mut h, &mut y, &mut scratch).unwrap_err();
        assert!(matches!(error, KernelError::Length { argument, .. } if argument == wrong), "{error}");
    }
    let (mut h, mut y) = (case.h.clone(), case.x.clone());
    let error = ssd::forward(case.shape, case.inputs(), &mut h[1..], &mut y, &mut scratch).unwrap_err();
    assert!(error.to_string().contains("`h`"));
    let error = ssd::step(case.shape, case.inputs(), &mut h, &mut y[1..]).unwrap_err();
    assert!(error.to_string().contains("`y`"));
    let error = ssd::forward_saving(case.shape, case.inputs(), &mut h, &mut y, &mut [0.0], &mut scratch).unwrap_err();
    assert!(error.to_string().contains("`checkpoints`"));
    let shape = Shape { n_groups: 3, ..case.shape };
    let error = ssd::forward(shape, case.inputs(), &mut h, &mut y, &mut scratch).unwrap_err();
    assert!(matches!(error, KernelError::Multiple { argument: "n_heads", of: 3, found: 2 }));
    let shape = Shape { batch: usize::MAX, seq_len: 2, ..case.shape };
    assert!(matches!(ssd::checkpoints_len(shape), Err(KernelError::Overflow { .. })));

    let names =
        ["checkpoints", "y_cot", "state_cot", "x_cot", "dt_cot", "a_cot", "b_cot", "c_cot", "d_cot", "dt_bias_cot"];
    for (i, wrong) in names.into_iter().enumerate() {
        let lens = [case.x.len(), case.dt.len(), 2, case.b.len(), case.c.len(), 2, 2];
        let mut arrays = lens.map(|len| vec![0.0; len]);
        if i > 2 {
            arrays[i - 3].push(0.0);
        }
        let [x, dt, a, b, c, d, bias] = &mut arrays;
        let cot = Cotangents { x: &mut x[..], dt, a, b, c, d: Some(d), dt_bias: Some(bias) };
        let checkpoints = if i == 0 { &[] } else { &checkpoints[..] };
        let y_cot = if i == 1 { &[] } else { &case.y_cot[..] };
        let mut state = if i == 2 { vec![] } else { case.last_cot.clone() };
        let error =
            ssd::backward(case.shape, case.inputs(), checkpoints, y_cot, &mut state, cot, &mut scratch).unwrap_err();
        assert!(matches!(error, KernelError::Length { argument, .. } if argument == wrong), "{error} for {wrong}");
    }
}
