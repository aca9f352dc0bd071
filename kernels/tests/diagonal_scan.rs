//! The time-invariant diagonal scan.

mod common;

use barewire_kernels::{Exec, Isa, KernelError, Scratch, diagonal_scan};
use common::{Rng, Sum, assert_within, bits, for_each_isa, shifted, wide};
use diagonal_scan::{Cotangents, Inputs, Shape};

/// Owned inputs, cotangents of the outputs, and an initial state.
struct Case {
    shape: Shape,
    /// `x`, `a`, `b`, `c`, `d`
    arrays: [Vec<f32>; 5],
    skip: bool,
    h: Vec<f32>,
    y_cot: Vec<f32>,
    last_cot: Vec<f32>,
}

/// Gradients in the order of `Cotangents`, then of the initial state.
type Gradients<T> = [Vec<T>; 6];

const NAMES: [&str; 6] = ["x", "a", "b", "c", "d", "h"];

fn inputs<T>(arrays: &[Vec<T>; 5], skip: bool) -> Inputs<'_, T> {
    let [x, a, b, c, d] = arrays;
    Inputs { x, a, b, c, d: skip.then_some(&d[..]) }
}

fn cotangents<T>(g: &mut Gradients<T>) -> (Cotangents<'_, T>, &mut [T]) {
    let [x, a, b, c, d, h] = g;
    (Cotangents { x, a, b, c, d: Some(d) }, h)
}

impl Case {
    fn new(rng: &mut Rng, [batch, seq_len, d_inner, d_state]: [usize; 4], skip: bool) -> Self {
        let shape = Shape { batch, seq_len, d_inner, d_state };
        let (x, a, h) = (batch * seq_len * d_inner, d_inner * d_state, batch * d_inner * d_state);
        Self {
            shape,
            arrays: [x, a, a, a, d_inner].map(|len| rng.floats(len)),
            skip,
            h: rng.floats(h),
            y_cot: rng.floats(x),
            last_cot: rng.floats(h),
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        inputs(&self.arrays, self.skip)
    }

    /// Outputs and final state in f64.
    fn exact(&self) -> [Vec<f64>; 2] {
        let arrays = self.arrays.each_ref().map(|v| wide(v));
        let (mut h, mut y) = (wide(&self.h), vec![f64::NAN; self.y_cot.len()]);
        diagonal_scan::reference::forward(self.shape, &inputs(&arrays, self.skip), &mut h, &mut y);
        [y, h]
    }

    fn exact_gradients(&self) -> Gradients<f64> {
        let arrays = self.arrays.each_ref().map(|v| wide(v));
        let [x, a, b, c, d] = arrays.each_ref().map(|v| vec![0.0; v.len()]);
        let mut g = [x, a, b, c, d, wide(&self.last_cot)];
        let (cot, state) = cotangents(&mut g);
        let (h, y_cot) = (wide(&self.h), wide(&self.y_cot));
        diagonal_scan::reference::backward(self.shape, &inputs(&arrays, self.skip), &h, &y_cot, state, cot);
        g
    }

    /// The stated bound of each output and of the final state: two roundings for each step carried, one each of
    /// `b x`, `c h` and `d x`, and those of the sum over states.
    fn bounds(&self) -> [Vec<f64>; 2] {
        let Shape { batch, seq_len, d_inner, d_state } = self.shape;
        let [x, a, b, c, d] = self.arrays.each_ref().map(|v| wide(v));
        let mut h: Vec<Sum> = self.h.iter().map(|h| Sum::of((*h).into())).collect();
        let mut y = Vec::new();
        for (step, x) in x.chunks_exact(d_inner.max(1)).enumerate() {
            for (channel, x) in x.iter().enumerate() {
                let mut sum = if self.skip { Sum::of(d[channel]).times(*x, 1.0) } else { Sum::default() };
                for n in 0..d_state {
                    let i = channel * d_state + n;
                    let h = &mut h[step / seq_len * d_inner * d_state + i];
                    *h = h.times(a[i], 2.0).plus(Sum::of(b[i]).times(*x, 2.0));
                    sum = sum.plus(h.times(c[i], 1.0));
                }
                y.push(sum.bound(d_state));
            }
        }
        assert_eq!(y.len(), batch * seq_len * d_inner);
        [y, h.iter().map(|h| h.bound(0)).collect()]
    }

    /// The same of the gradients, sums over steps in blocks of 32; `before` is what they are added to.
    fn gradient_bounds(&self, before: f32) -> Gradients<f64> {
        let Shape { batch, seq_len, d_inner, d_state } = self.shape;
        let [x, a, b, c, d] = self.arrays.each_ref().map(|v| wide(v));
        let mut g = [x.len(), a.len(), a.len(), a.len(), d.len(), self.h.len()].map(|len| vec![Sum::default(); len]);
        let [gx, ga, gb, gc, gd, gh] = &mut g;
        for entry in 0..batch {
            for channel in 0..d_inner {
                let at = |t: usize| (entry * seq_len + t) * d_inner + channel;
                let y_cot = |t: usize| Sum::of(self.y_cot[at(t)].into());
                for t in 0..seq_len {
                    gx[at(t)] = if self.skip { y_cot(t).times(d[channel], 1.0) } else { Sum::default() };
                    gd[channel] = gd[channel].plus(y_cot(t).times(x[at(t)], 1.0));
                }
                for n in 0..d_state {
                    let i = channel * d_state + n;
                    let state = entry * d_inner * d_state + i;
                    let mut h = vec![Sum::of(self.h[state].into())];
                    for t in 0..seq_len {
                        h.push(h[t].times(a[i], 2.0).plus(Sum::of(b[i]).times(x[at(t)], 2.0)));
                    }
                    let mut cot = Sum::of(self.last_cot[state].into());
                    for t in (0..seq_len).rev() {
                        cot = cot.plus(y_cot(t).times(c[i], 2.0));
                        gc[i] = gc[i].plus(h[t + 1].product(y_cot(t)));
                        gb[i] = gb[i].plus(cot.times(x[at(t)], 1.0));
                        ga[i] = ga[i].plus(cot.product(h[t]));
                        gx[at(t)] = gx[at(t)].plus(cot.times(b[i], 1.0));
                        cot = cot.times(a[i], 2.0);
                    }
                    gh[state] = cot;
                }
            }
        }
        let mut bounds = g.each_ref().map(|sums| sums.iter().map(|sum| sum.bound(d_state)).collect::<Vec<_>>());
        for i in 1..5 {
            // The rounding of the sum to f32, and of its addition to what was there.
            let bound = |sum: &Sum| sum.bound(32 + 2) + f64::from(before) / f64::from(1 << 24);
            bounds[i] = g[i].iter().map(bound).collect();
        }
        bounds
    }

    /// Outputs and final state, and checkpoints.
    fn run(&self, exec: impl Into<Exec>, scratch: &mut Scratch) -> ([Vec<f32>; 2], Vec<f32>) {
        let (mut h, mut y) = (self.h.clone(), vec![f32::NAN; self.y_cot.len()]);
        let mut saved = vec![f32::NAN; diagonal_scan::checkpoints_len(self.shape).unwrap()];
        diagonal_scan::forward_saving_with(exec, self.shape, self.inputs(), &mut h, &mut y, &mut saved, scratch)
            .unwrap();
        ([y, h], saved)
    }

    /// Gradients; those that are added start at `before`.
    fn gradients(&self, exec: impl Into<Exec>, saved: &[f32], before: f32, scratch: &mut Scratch) -> Gradients<f32> {
        let [_, a, b, c, d] = self.arrays.each_ref().map(|v| vec![before; v.len()]);
        let mut g = [vec![f32::NAN; self.y_cot.len()], a, b, c, d, self.last_cot.clone()];
        let (cot, state) = cotangents(&mut g);
        diagonal_scan::backward_with(exec, self.shape, self.inputs(), saved, &self.y_cot, state, cot, scratch).unwrap();
        g
    }
}

fn shapes() -> Vec<[usize; 4]> {
    vec![
        [1, 1, 1, 1],
        [2, 17, 5, 3],
        [1, 33, 16, 4],
        [2, 65, 17, 7],
        [1, 70, 130, 5],
        [1, 5, 64, 16],
        [3, 40, 65, 2],
        [1, 31, 3, 33],
        [0, 3, 2, 2],
        [2, 0, 2, 2],
        [2, 3, 0, 2],
        [1, 4, 2, 127],
        [1, 2, 17, 128],
        [2, 9, 3, 0],
        [1, 9, 3, 0],
    ]
}

#[test]
fn outputs_and_states_follow_the_formula_in_any_chunks() {
    let mut rng = Rng(1);
    let mut scratch = Scratch::new();
    for (i, dims) in shapes().into_iter().enumerate() {
        let case = Case::new(&mut rng, dims, i % 3 != 0);
        let Shape { batch, seq_len, d_inner, .. } = case.shape;
        let [y, h] = case.exact();
        let [y_bounds, h_bounds] = case.bounds();
        let mut first = None;
        for_each_isa(|isa| {
            let ([out, state], _) = case.run(isa, &mut scratch);
            assert_within(&format!("{} {dims:?} y", isa.name()), &out, &y, &y_bounds);
            assert_within(&format!("{} {dims:?} h", isa.name()), &state, &h, &h_bounds);
            if isa == Isa::Reference {
                return;
            }
            let found = [bits(&out), bits(&state)];
            if isa != Isa::Portable {
                assert!(*first.get_or_insert(found.clone()) == found, "{} {dims:?}", isa.name());
            }
            if batch != 1 {
                return;
            }
            for cut in [1, 3, 8, 32, 33] {
                let mut state = case.h.clone();
                let mut out = vec![f32::NAN; y.len()];
                for from in (0..seq_len).step_by(cut) {
                    let shape = Shape { seq_len: cut.min(seq_len - from), ..case.shape };
                    let part = from * d_inner..(from + shape.seq_len) * d_inner;
                    let inputs = Inputs { x: &case.arrays[0][part.clone()], ..case.inputs() };
                    let out = &mut out[part];
                    if cut == 1 {
                        diagonal_scan::step_with(isa, shape, inputs, &mut state, out).unwrap();
                    } else {
                        diagonal_scan::forward_with(isa, shape, inputs, &mut state, out, &mut scratch).unwrap();
                    }
                }
                assert!([bits(&out), bits(&state)] == found, "{} {dims:?} in parts of {cut}", isa.name());
            }
        });
    }
}

#[test]
fn gradients_follow_the_formula() {
    let mut rng = Rng(2);
    let mut scratch = Scratch::new();
    for (i, dims) in shapes().into_iter().enumerate() {
        let case = Case::new(&mut rng, dims, i % 3 != 0);
        let exact = case.exact_gradients();
        for_each_isa(|isa| {
            let (_, saved) = case.run(isa, &mut scratch);
            // Parameters' cotangents are added to what is there.
            for before in [0.0, 1.0] {
                let found = case.gradients(isa, &saved, before, &mut scratch);
                let bounds = case.gradient_bounds(before);
                for i in 0..6 {
                    let before = if (1..5).contains(&i) { f64::from(before) } else { 0.0 };
                    let exact: Vec<f64> = exact[i].iter().map(|v| v + before).collect();
                    assert_within(&format!("{} {dims:?} {}", isa.name(), NAMES[i]), &found[i], &exact, &bounds[i]);
                }
            }
        });
    }
}

#[test]
fn the_reference_gradient_is_the_derivative() {
    let case = Case::new(&mut Rng(3), [2, 5, 3, 2], true);
    let exact = case.exact_gradients();
    let [x, a, b, c, d] = case.arrays.each_ref().map(|v| wide(v));
    let point = [x, a, b, c, d, wide(&case.h)];
    let value = |point: &Gradients<f64>| {
        let [x, a, b, c, d, h] = point;
        let (mut h, mut y) = (h.clone(), vec![0.0; x.len()]);
        diagonal_scan::reference::forward(case.shape, &Inputs { x, a, b, c, d: Some(d) }, &mut h, &mut y);
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
            // Third derivatives (of `a` only) are below 100.
            let step = 1e-4;
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            let bound = 100.0 * step * step + 1e-13 / step;
            assert!((slope - exact[i][j]).abs() < bound, "{name}[{j}]: {slope} {}", exact[i][j]);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let case = Case::new(&mut Rng(4), [2, 200, 330, 8], true);
    for_each_isa(|isa| {
        if isa == Isa::Reference {
            return;
        }
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let exec = Exec::from(isa).parallel();
                let mut scratch = Scratch::new();
                let (out, saved) = case.run(exec, &mut scratch);
                let gradients = case.gradients(exec, &saved, 0.5, &mut scratch);
                out.iter().chain(&gradients).map(|v| bits(v)).collect::<Vec<_>>()
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{}", isa.name());
    });
}

#[test]
fn nan_and_infinity_reach_what_depends_on_them() {
    let mut scratch = Scratch::new();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut case = Case::new(&mut Rng(5), [1, 40, 20, 3], false);
        // Step 10, channel 4.
        case.arrays[0][10 * 20 + 4] = bad;
        for_each_isa(|isa| {
            let ([y, h], _) = case.run(isa, &mut scratch);
            for (i, v) in y.iter().enumerate() {
                assert_eq!(v.is_finite(), i % 20 != 4 || i / 20 < 10, "{} {i}", isa.name());
            }
            for (i, v) in h.iter().enumerate() {
                assert_eq!(v.is_finite(), i / 3 != 4, "{} {i}", isa.name());
            }
        });
    }
}

#[test]
fn slices_may_start_anywhere() {
    let case = Case::new(&mut Rng(7), [1, 40, 37, 7], true);
    for_each_isa(|isa| {
        let mut scratch = Scratch::new();
        let ([y, h], saved) = case.run(isa, &mut scratch);
        for by in [1, 3] {
            let [x, a, b, c, d] = case.arrays.each_ref().map(|v| shifted(v, by));
            let inputs = Inputs { x: &x[by..], a: &a[by..], b: &b[by..], c: &c[by..], d: Some(&d[by..]) };
            let [mut state, mut out, mut again] = [&case.h, &y, &saved].map(|v| shifted(v, by));
            let (state, out, again) = (&mut state[by..], &mut out[by..], &mut again[by..]);
            diagonal_scan::forward_saving_with(isa, case.shape, inputs, state, out, again, &mut scratch).unwrap();
            assert!(bits(out) == bits(&y) && bits(state) == bits(&h) && bits(again) == bits(&saved), "{}", isa.name());
        }
    });
}

#[test]
fn wrong_lengths_are_named() {
    let case = Case::new(&mut Rng(6), [1, 3, 2, 2], true);
    let mut scratch = Scratch::new();
    let (_, saved) = case.run(Isa::Portable, &mut scratch);
    let named = |error: KernelError, wrong: &str| {
        assert!(matches!(error, KernelError::Length { argument, .. } if argument == wrong), "{error} for {wrong}");
    };
    for wrong in ["x", "a", "b", "c", "d", "h", "y", "checkpoints"] {
        let mut inputs = case.inputs();
        let (mut h, mut y, mut saved) = (case.h.clone(), case.y_cot.clone(), saved.clone());
        match wrong {
            "x" => inputs.x = &[],
            "a" => inputs.a = &[],
            "b" => inputs.b = &[],
            "c" => inputs.c = &[],
            "d" => inputs.d = Some(&[]),
            "h" => h.push(0.0),
            "y" => y.push(0.0),
            _ => saved.push(0.0),
        }
        let error = diagonal_scan::forward_saving(case.shape, inputs, &mut h, &mut y, &mut saved, &mut scratch);
        named(error.unwrap_err(), wrong);
        if wrong != "checkpoints" {
            named(diagonal_scan::step(case.shape, inputs, &mut h, &mut y).unwrap_err(), wrong);
        }
    }
    let names = ["x_cot", "a_cot", "b_cot", "c_cot", "d_cot", "state_cot", "checkpoints", "y_cot"];
    for (i, wrong) in names.into_iter().enumerate() {
        let [x, a, b, c, d] = case.arrays.each_ref().map(|v| vec![0.0; v.len()]);
        let mut g = [x, a, b, c, d, case.last_cot.clone()];
        if let Some(wrong) = g.get_mut(i) {
            wrong.push(0.0);
        }
        let (cot, state) = cotangents(&mut g);
        let saved = if i == 6 { &[] } else { &saved[..] };
        let y_cot = if i == 7 { &[] } else { &case.y_cot[..] };
        let error = diagonal_scan::backward(case.shape, case.inputs(), saved, y_cot, state, cot, &mut scratch);
        named(error.unwrap_err(), wrong);
    }
    let shape = Shape { batch: usize::MAX, seq_len: 2, ..case.shape };
    assert!(matches!(diagonal_scan::checkpoints_len(shape), Err(KernelError::Overflow { .. })));
}
