//! The scalar-A scan (Mamba-2).

mod common;

use barewire_kernels::{Exec, Isa, KernelError, Scratch, ssd};
use common::{Rng, Sum, assert_within, bits, for_each_isa, shifted, wide};
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
        [1, 1, 2, 3, 1, 127],
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

/// Bounds of the outputs and the final state, then of the gradients.
///
/// These are the reference's loops on [`Sum`]s, with the roundings that the module's docs count.
struct Bounds {
    outputs: [Vec<f64>; 2],
    gradients: Gradients<f64>,
}

/// A time step of a head.
struct TimeStep {
    delta: f64,
    decay: f64,
    /// Roundings of `delta`: two ulp of softplus, and what rounding its argument does to it.
    of_delta: f64,
    /// Roundings of a step carried: the product, two ulp of the exponential, and those of its argument, which it turns
    /// into as many times the argument.
    carried: f64,
}

impl TimeStep {
    fn new(raw: f64, a: f64) -> Self {
        let delta = raw.max(0.0) + (-raw.abs()).exp().ln_1p();
        let of_delta = 4.0 + raw.abs();
        // Decays below 2^-149 are 0 on both sides.
        let carried = 5.0 + (of_delta + 1.0) * (delta * a).abs().min(104.0);
        Self { delta, decay: (delta * a).exp(), of_delta, carried }
    }
}

impl Bounds {
    fn new(case: &Case) -> Self {
        let Shape { batch, seq_len, n_heads, head_dim, n_groups, d_state } = case.shape;
        let [x, dt, a, b, c, d, bias] =
            [&case.x, &case.dt, &case.a, &case.b, &case.c, &case.d, &case.dt_bias].map(|v| wide(v));
        let zero = Sum::default();
        let mut y = vec![zero; x.len()];
        let mut last = vec![zero; case.h.len()];
        let mut g = [&x, &dt, &a, &b, &c, &a, &a, &wide(&case.h)].map(|v| vec![zero; v.len()]);
        for (entry, head) in (0..batch).flat_map(|b| (0..n_heads).map(move |h| (b, h))) {
            let dt_at = |t: usize| (entry * seq_len + t) * n_heads + head;
            let b_at = |t: usize| ((entry * seq_len + t) * n_groups + head / (n_heads / n_groups)) * d_state;
            let (bias, skip) = if case.optional { (bias[head], d[head]) } else { (0.0, 0.0) };
            let steps: Vec<TimeStep> = (0..seq_len).map(|t| TimeStep::new(dt[dt_at(t)] + bias, a[head])).collect();
            let [mut log_cots, mut delta_cots] = [0; 2].map(|_| vec![zero; seq_len]);
            for p in 0..head_dim {
                let x_at = |t: usize| dt_at(t) * head_dim + p;
                let u = |t: usize| Sum::of(x[x_at(t)]).times(steps[t].delta, steps[t].of_delta + 1.0);
                let y_cot = |t: usize| Sum::of(case.y_cot[x_at(t)].into());
                for t in 0..seq_len {
                    y[x_at(t)] = Sum::of(x[x_at(t)]).times(skip, 1.0);
                    g[0][x_at(t)] = y_cot(t).times(skip, 1.0);
                    g[5][head] = g[5][head].plus(y_cot(t).times(x[x_at(t)], 1.0));
                }
                for n in 0..d_state {
                    let at = ((entry * n_heads + head) * head_dim + p) * d_state + n;
                    let (b, c) = (|t: usize| b[b_at(t) + n], |t: usize| c[b_at(t) + n]);
                    let mut h = vec![Sum::of(case.h[at].into())];
                    for t in 0..seq_len {
                        h.push(h[t].times(steps[t].decay, steps[t].carried).plus(u(t).times(b(t), 1.0)));
                        y[x_at(t)] = y[x_at(t)].plus(h[t + 1].times(c(t), 1.0));
                    }
                    last[at] = h[seq_len];
                    let mut cot = Sum::of(case.last_cot[at].into());
                    for t in (0..seq_len).rev() {
                        let TimeStep { delta, decay, of_delta, carried } = steps[t];
                        cot = cot.plus(y_cot(t).times(c(t), 1.0));
                        g[4][b_at(t) + n] = g[4][b_at(t) + n].plus(y_cot(t).product(h[t + 1]));
                        g[3][b_at(t) + n] = g[3][b_at(t) + n].plus(u(t).product(cot));
                        g[0][x_at(t)] = g[0][x_at(t)].plus(cot.times(b(t), 1.0).times(delta, of_delta + 1.0));
                        delta_cots[t] = delta_cots[t].plus(cot.times(b(t), 1.0).times(x[x_at(t)], 1.0));
                        cot = cot.times(decay, carried);
                        log_cots[t] = log_cots[t].plus(cot.product(h[t]));
                    }
                    g[7][at] = cot;
                }
            }
            for (t, step) in steps.iter().enumerate() {
                g[2][head] = g[2][head].plus(log_cots[t].times(step.delta, step.of_delta + 1.0));
                let raw = dt[dt_at(t)] + bias;
                // The slope of softplus: two ulp, and what rounding its argument does to it.
                let dt_cot = delta_cots[t].plus(log_cots[t].times(a[head], 1.0));
                g[1][dt_at(t)] = dt_cot.times(1.0 / (1.0 + (-raw).exp()), 5.0 + raw.abs());
                g[6][head] = g[6][head].plus(g[1][dt_at(t)]);
            }
        }
        // Sums: of the states and the steps of a chunk; of both, the channels and the heads.
        let (forward, backward) = (d_state + 24, 2 * d_state + 2 * head_dim + n_heads + 2 * 48);
        let bounds = |sums: &[Sum], terms| sums.iter().map(|sum| sum.bound(terms)).collect();
        Self { outputs: [bounds(&y, forward), bounds(&last, forward)], gradients: g.map(|g| bounds(&g, backward)) }
    }

    #[track_caller]
    fn check_outputs(&self, what: &str, found: [&[f32]; 2], exact: &[Vec<f64>; 2]) {
        for i in 0..2 {
            assert_within(&format!("{what} {}", ["y", "h"][i]), found[i], &exact[i], &self.outputs[i]);
        }
    }

    /// Of gradients that were added to 1 where they are added.
    #[track_caller]
    fn check_gradients(&self, what: &str, found: &Gradients<f32>, exact: &Gradients<f64>) {
        for i in 0..8 {
            let before = if [2, 5, 6].contains(&i) { 1.0 } else { 0.0 };
            let exact: Vec<f64> = exact[i].iter().map(|v| v + before).collect();
            // The sum to f32, and its addition.
            let bound = |(b, e): (&f64, &f64)| b + 2.0 * before * (1.0 + e.abs()) / f64::from(1 << 24);
            let bounds: Vec<f64> = self.gradients[i].iter().zip(&exact).map(bound).collect();
            assert_within(&format!("{what} {}", NAMES[i]), &found[i], &exact, &bounds);
        }
    }
}

#[test]
fn outputs_and_states_follow_the_formula() {
    let mut rng = Rng(1);
    let mut scratch = Scratch::new();
    for (i, dims) in shapes().into_iter().chain(degenerate()).enumerate() {
        let case = Case::new(&mut rng, dims, i % 3 != 0);
        let (exact, bounds) = (case.exact(), Bounds::new(&case));
        for_each_isa(|isa| {
            let (found, _) = case.run(isa, &mut scratch);
            bounds.check_outputs(&format!("{} {dims:?}", isa.name()), found.each_ref().map(|v| &v[..]), &exact);
            let (mut state, mut out) = (case.h.clone(), vec![f32::NAN; case.x.len()]);
            ssd::forward_with(isa, case.shape, case.inputs(), &mut state, &mut out, &mut scratch).unwrap();
            assert_eq!([bits(&out), bits(&state)], found.each_ref().map(|v| bits(v)), "saving changes no bit");
            let (mut state, mut out) = (case.h.clone(), vec![f32::NAN; case.x.len()]);
            ssd::step_with(isa, case.shape, case.inputs(), &mut state, &mut out).unwrap();
            bounds.check_outputs(&format!("{} {dims:?} step", isa.name()), [&out, &state], &exact);
        });
    }
}

#[test]
fn gradients_follow_the_formula() {
    let mut rng = Rng(2);
    let mut scratch = Scratch::new();
    for (i, dims) in shapes().into_iter().chain(degenerate()).enumerate() {
        let case = Case::new(&mut rng, dims, i % 3 != 0);
        let (exact, bounds) = (case.exact_gradients(), Bounds::new(&case));
        for_each_isa(|isa| {
            let (_, checkpoints) = case.run(isa, &mut scratch);
            let found = case.gradients(isa, &checkpoints, &mut scratch);
            bounds.check_gradients(&format!("{} {dims:?}", isa.name()), &found, &exact);
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
    let (exact, bounds) = (case.exact(), Bounds::new(&case));
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
            bounds.check_outputs(&format!("{} cut at {cut}", isa.name()), [&out, &state], &exact);
        }
    });
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
    let (outputs, gradients, bounds) = (case.exact(), case.exact_gradients(), Bounds::new(&case));
    for_each_isa(|isa| {
        let (found, checkpoints) = case.run(isa, &mut scratch);
        bounds.check_outputs(isa.name(), found.each_ref().map(|v| &v[..]), &outputs);
        bounds.check_gradients(isa.name(), &case.gradients(isa, &checkpoints, &mut scratch), &gradients);
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
fn slices_may_start_anywhere() {
    let case = Case::new(&mut Rng(10), [1, 50, 3, 33, 1, 17], true);
    for_each_isa(|isa| {
        let mut scratch = Scratch::new();
        let ([y, h], checkpoints) = case.run(isa, &mut scratch);
        for by in [1, 3] {
            let [x, dt, b, c] = [&case.x, &case.dt, &case.b, &case.c].map(|v| shifted(v, by));
            let inputs = Inputs { x: &x[by..], dt: &dt[by..], b: &b[by..], c: &c[by..], ..case.inputs() };
            let [mut state, mut out, mut saved] = [&case.h, &case.x, &checkpoints].map(|v| shifted(v, by));
            let (state, out, saved) = (&mut state[by..], &mut out[by..], &mut saved[by..]);
            ssd::forward_saving_with(isa, case.shape, inputs, state, out, saved, &mut scratch).unwrap();
            assert!(bits(out) == bits(&y) && bits(state) == bits(&h), "{}", isa.name());
            assert_eq!(bits(saved), bits(&checkpoints), "{}", isa.name());
        }
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
