//! The selective scan on every instruction set against its f64 reference, and the reference's gradient
//! against central differences.

mod common;

use barewire_kernels::selective_scan::{
    Cotangents, Inputs, Shape, StepInputs, backward_with, checkpoints_len, forward_saving_with, forward_with, pack_a,
    pack_state, packed_len, reference, step_with, unpack_state,
};
use barewire_kernels::{Exec, Isa, KernelError, Scratch};
use common::{Rng, Sum, assert_within, bits, for_each_isa, wide};

/// Which optional inputs there are.
#[derive(Clone, Copy, Debug)]
struct Options {
    z: bool,
    d: bool,
    dt_bias: bool,
    softplus: bool,
}

const ALL: Options = Options { z: true, d: true, dt_bias: true, softplus: true };

fn every_option() -> impl Iterator<Item = Options> {
    (0..16).map(|i| Options { z: i & 1 != 0, d: i & 2 != 0, dt_bias: i & 4 != 0, softplus: i & 8 != 0 })
}

/// One problem, with cotangents.
#[derive(Clone)]
struct Case<T> {
    shape: Shape,
    options: Options,
    x: Vec<T>,
    dt: Vec<T>,
    z: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    c: Vec<T>,
    d: Vec<T>,
    dt_bias: Vec<T>,
    h: Vec<T>,
    y_cot: Vec<T>,
    state_cot: Vec<T>,
}

/// What comes out, gradients as in [`Cotangents`].
#[derive(Clone, Default, PartialEq, Debug)]
struct Results<T> {
    y: Vec<T>,
    h: Vec<T>,
    x: Vec<T>,
    dt: Vec<T>,
    z: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    c: Vec<T>,
    d: Vec<T>,
    dt_bias: Vec<T>,
    state: Vec<T>,
}

impl<T: Copy + Default> Case<T> {
    fn inputs(&self) -> Inputs<'_, T> {
        Inputs {
            x: &self.x,
            dt: &self.dt,
            z: self.options.z.then_some(&self.z),
            a: &self.a,
            b: &self.b,
            c: &self.c,
            d: self.options.d.then_some(&self.d),
            dt_bias: self.options.dt_bias.then_some(&self.dt_bias),
            softplus: self.options.softplus,
        }
    }
}

/// Borrows the gradients of `r`, each filled with what was there before: `activation` or 0.
fn cotangents<'a, T: Copy + Default>(case: &Case<T>, r: &'a mut Results<T>, activation: T) -> Cotangents<'a, T> {
    let Case { options, .. } = *case;
    r.x = vec![activation; case.x.len()];
    r.dt = r.x.clone();
    r.z = r.x.clone();
    r.b = vec![activation; case.b.len()];
    r.c = r.b.clone();
    r.a = vec![T::default(); case.a.len()];
    r.d = vec![T::default(); case.d.len()];
    r.dt_bias = r.d.clone();
    Cotangents {
        x: &mut r.x,
        dt: &mut r.dt,
        z: options.z.then_some(&mut r.z[..]),
        a: &mut r.a,
        b: &mut r.b,
        c: &mut r.c,
        d: options.d.then_some(&mut r.d[..]),
        dt_bias: options.dt_bias.then_some(&mut r.dt_bias[..]),
    }
}

fn shape(batch: usize, seq_len: usize, d_inner: usize, d_state: usize) -> Shape {
    Shape { batch, seq_len, d_inner, d_state }
}

impl Case<f32> {
    /// `spread` is how far `dt` goes: 1 as in a model, 18 into both tails of softplus and of the decay.
    fn new(shape: Shape, options: Options, spread: f32, seed: u64) -> Self {
        let Shape { batch, seq_len, d_inner, d_state } = shape;
        let mut rng = Rng(seed);
        let len = batch * seq_len * d_inner;
        // Without softplus the time steps have to be made positive here.
        let dt = |rng: &mut Rng| if options.softplus { spread * rng.float() - 1.0 } else { 0.5 + 0.25 * rng.float() };
        Self {
            shape,
            options,
            x: rng.floats(len),
            dt: (0..len).map(|_| dt(&mut rng)).collect(),
            z: (0..len).map(|_| 4.0 * rng.float()).collect(),
            a: (0..d_inner * d_state).map(|i| -((i % d_state) as f32 * 0.5 + 0.2) * (1.5 + rng.float())).collect(),
            b: rng.floats(batch * seq_len * d_state),
            c: rng.floats(batch * seq_len * d_state),
            d: rng.floats(d_inner),
            dt_bias: (0..d_inner).map(|_| 0.2 * rng.float()).collect(),
            h: rng.floats(batch * d_inner * d_state),
            y_cot: rng.floats(len),
            state_cot: rng.floats(batch * d_inner * d_state),
        }
    }

    fn wide(&self) -> Case<f64> {
        Case {
            shape: self.shape,
            options: self.options,
            x: wide(&self.x),
            dt: wide(&self.dt),
            z: wide(&self.z),
            a: wide(&self.a),
            b: wide(&self.b),
            c: wide(&self.c),
            d: wide(&self.d),
            dt_bias: wide(&self.dt_bias),
            h: wide(&self.h),
            y_cot: wide(&self.y_cot),
            state_cot: wide(&self.state_cot),
        }
    }

    fn run(&self, exec: impl Into<Exec>, scratch: &mut Scratch) -> Results<f32> {
        let exec = exec.into();
        let inputs = self.inputs();
        let mut r = Results { y: vec![f32::NAN; self.x.len()], h: self.h.clone(), ..Results::default() };
        let mut checkpoints = vec![f32::NAN; checkpoints_len(self.shape).unwrap()];
        forward_saving_with(exec, self.shape, &inputs, &mut r.h, &mut r.y, &mut checkpoints, scratch).unwrap();
        let (mut y, mut h) = (vec![f32::NAN; self.x.len()], self.h.clone());
        forward_with(exec, self.shape, &inputs, &mut h, &mut y, scratch).unwrap();
        assert_eq!((bits(&y), bits(&h)), (bits(&r.y), bits(&r.h)), "checkpoints change nothing");
        let mut state = self.state_cot.clone();
        let cots = cotangents(self, &mut r, f32::NAN);
        backward_with(exec, self.shape, &inputs, &checkpoints, &self.y_cot, &mut state, cots, scratch).unwrap();
        r.state = state;
        r
    }
}

impl Case<f64> {
    fn forward(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut y, mut h) = (vec![0.0; self.x.len()], self.h.clone());
        reference::forward(self.shape, &self.inputs(), &mut h, &mut y);
        (y, h)
    }

    fn run(&self) -> Results<f64> {
        let (y, h) = self.forward();
        let mut r = Results { y, h, ..Results::default() };
        let mut state = self.state_cot.clone();
        let mut cots = cotangents(self, &mut r, 0.0);
        reference::backward(self.shape, &self.inputs(), &self.h, &self.y_cot, &mut state, &mut cots);
        r.state = state;
        r
    }

    /// The number that the cotangents are the gradient of.
    fn objective(&self) -> f64 {
        let (y, h) = self.forward();
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        dot(&y, &self.y_cot) + dot(&h, &self.state_cot)
    }
}

/// The bound of every number that comes out: the reference's loops on [`Sum`]s, with the roundings that the module's
/// docs count.
fn bounds(case: &Case<f32>) -> Results<f64> {
    let Shape { batch, seq_len, d_inner, d_state } = case.shape;
    let Case { x, dt, z, a, b, c, d, dt_bias, h, y_cot, state_cot, .. } = case.wide();
    let options = case.options;
    let zero = |like: &[f64]| vec![Sum::default(); like.len()];
    let mut r = Results {
        y: zero(&x),
        h: zero(&h),
        x: zero(&x),
        dt: zero(&x),
        z: zero(&x),
        a: zero(&a),
        b: zero(&b),
        c: zero(&b),
        d: zero(&d),
        dt_bias: zero(&d),
        state: zero(&h),
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (entry, ch) in (0..batch).flat_map(|entry| (0..d_inner).map(move |ch| (entry, ch))) {
        let at = |t: usize| (entry * seq_len + t) * d_inner + ch;
        let raw = |t: usize| dt[at(t)] + if options.dt_bias { dt_bias[ch] } else { 0.0 };
        // The time step with its roundings: 4 ulp of softplus, and what rounding its argument does to it.
        let delta = |t: usize| match options.softplus {
            true => (raw(t).max(0.0) + (-raw(t).abs()).exp().ln_1p(), 8.0 + raw(t).abs()),
            false => (raw(t), 1.0),
        };
        let gate = |t: usize| if options.z { (z[at(t)] * sigmoid(z[at(t)]), 10.0) } else { (1.0, 0.0) };
        let added = |t: usize| Sum::of(x[at(t)]).times(delta(t).0, delta(t).1 + 1.0);
        let skip = if options.d { d[ch] } else { 0.0 };
        // Of `c h + d x`: cotangents, and the sum itself.
        let cot = |t: usize| Sum::of(y_cot[at(t)]).times(gate(t).0, gate(t).1 + 1.0);
        let mut inner: Vec<Sum> = (0..seq_len).map(|t| Sum::of(x[at(t)]).times(skip, 1.0)).collect();
        let mut delta_cot = vec![Sum::default(); seq_len];
        for t in 0..seq_len {
            r.x[at(t)] = cot(t).times(skip, 1.0);
            r.d[ch] = r.d[ch].plus(cot(t).times(x[at(t)], 1.0));
        }
        for n in 0..d_state {
            let (i, state) = (ch * d_state + n, (entry * d_inner + ch) * d_state + n);
            let token = |t: usize| (entry * seq_len + t) * d_state + n;
            // A decay: its product, the 3 of `Exp2`, and the roundings of its argument times that.
            let decay = |t: usize| {
                let (delta, of_delta) = delta(t);
                ((delta * a[i]).exp(), 4.0 + (of_delta + 3.0) * (delta * a[i]).abs().min(104.0))
            };
            let mut states = vec![Sum::of(h[state])];
            for t in 0..seq_len {
                let carried = states[t].times(decay(t).0, decay(t).1);
                states.push(carried.plus(added(t).times(b[token(t)], 1.0)));
                inner[t] = inner[t].plus(states[t + 1].times(c[token(t)], 1.0));
            }
            r.h[state] = states[seq_len];
            let mut l = Sum::of(state_cot[state]);
            for t in (0..seq_len).rev() {
                l = l.plus(cot(t).times(c[token(t)], 1.0));
                r.c[token(t)] = r.c[token(t)].plus(cot(t).product(states[t + 1]));
                r.b[token(t)] = r.b[token(t)].plus(l.product(added(t)));
                r.x[at(t)] = r.x[at(t)].plus(l.times(b[token(t)], 1.0).times(delta(t).0, delta(t).1 + 1.0));
                delta_cot[t] = delta_cot[t].plus(l.times(b[token(t)], 1.0).times(x[at(t)], 1.0));
                l = l.times(decay(t).0, decay(t).1);
                let p = l.product(states[t]);
                r.a[i] = r.a[i].plus(p.times(delta(t).0, delta(t).1 + 1.0));
                // Twice more, as `a` is kept times log2(e).
                delta_cot[t] = delta_cot[t].plus(p.times(a[i], 4.0));
            }
            r.state[state] = l;
        }
        for t in 0..seq_len {
            let slope = if options.softplus { (sigmoid(raw(t)), 9.0 + raw(t).abs()) } else { (1.0, 1.0) };
            r.dt[at(t)] = delta_cot[t].times(slope.0, slope.1);
            r.dt_bias[ch] = r.dt_bias[ch].plus(r.dt[at(t)]);
            r.y[at(t)] = inner[t].times(gate(t).0, gate(t).1 + 1.0);
            // silu' = g (1 + z (1 - g)), where the errors of both `g` count.
            let silu_slope = sigmoid(z[at(t)]) * (1.0 + z[at(t)].abs());
            r.z[at(t)] = inner[t].times(silu_slope, 20.0).times(y_cot[at(t)], 2.0);
        }
    }
    // Sums over states; over the steps of a tile, then f64; over channels.
    let of = |sums: Vec<Sum>, terms| sums.iter().map(|sum| sum.bound(terms)).collect();
    Results {
        y: of(r.y, d_state + 1),
        h: of(r.h, 0),
        x: of(r.x, d_state + 1),
        dt: of(r.dt, 2 * d_state + 2),
        z: of(r.z, d_state + 1),
        a: of(r.a, 34),
        b: of(r.b, d_inner),
        c: of(r.c, d_inner),
        d: of(r.d, 34),
        dt_bias: of(r.dt_bias, 2 * d_state + 36),
        state: of(r.state, 0),
    }
}

#[track_caller]
fn check(what: &str, found: &Results<f32>, case: &Case<f32>, expected: &Results<f64>) {
    let bounds = bounds(case);
    let within = |name: &str, found: &[f32], expected: &[f64], bounds: &[f64]| {
        assert_within(&format!("{what}: {name}"), found, expected, bounds);
    };
    within("y", &found.y, &expected.y, &bounds.y);
    within("h", &found.h, &expected.h, &bounds.h);
    within("x_cot", &found.x, &expected.x, &bounds.x);
    within("dt_cot", &found.dt, &expected.dt, &bounds.dt);
    within("a_cot", &found.a, &expected.a, &bounds.a);
    within("b_cot", &found.b, &expected.b, &bounds.b);
    within("c_cot", &found.c, &expected.c, &bounds.c);
    within("state_cot", &found.state, &expected.state, &bounds.state);
    if case.options.z {
        within("z_cot", &found.z, &expected.z, &bounds.z);
    }
    within("d_cot", &found.d, &expected.d, &bounds.d);
    within("dt_bias_cot", &found.dt_bias, &expected.dt_bias, &bounds.dt_bias);
}

fn shapes() -> Vec<Shape> {
    let mut shapes = vec![shape(2, 33, 33, 16), shape(1, 40, 130, 3), shape(1, 140, 17, 5), shape(1, 3, 320, 4)];
    shapes.extend([1, 2, 7, 16, 31, 32, 63, 64, 65].map(|d_inner| shape(1, 5, d_inner, 7)));
    shapes.extend([1, 2, 3, 4, 5, 8, 15, 17, 33, 64, 128].map(|d_state| shape(1, 3, 19, d_state)));
    shapes.extend([1, 2, 31, 32, 33, 64, 97].map(|seq_len| shape(1, seq_len, 9, 6)));
    shapes.push(shape(5, 2, 3, 2));
    shapes
}

#[test]
fn every_shape_matches_the_reference() {
    let mut scratch = Scratch::new();
    for (i, shape) in shapes().into_iter().enumerate() {
        let case = Case::new(shape, ALL, 1.0, i as u64);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} {shape:?}", isa.name()), &case.run(isa, &mut scratch), &case, &expected);
        });
    }
}

#[test]
fn every_option_matches_the_reference() {
    let mut scratch = Scratch::new();
    for options in every_option() {
        let case = Case::new(shape(2, 35, 21, 3), options, 1.0, 11);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} {options:?}", isa.name()), &case.run(isa, &mut scratch), &case, &expected);
        });
    }
}

/// Time steps from 1e-8 to 18, so that decays underflow and both tails of softplus are reached.
#[test]
fn wide_time_steps_match_the_reference() {
    let mut scratch = Scratch::new();
    for d_state in [5, 16, 32] {
        let case = Case::new(shape(1, 67, 40, d_state), ALL, 18.0, 12);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} wide {d_state}", isa.name()), &case.run(isa, &mut scratch), &case, &expected);
        });
    }
}

#[test]
fn decay_underflows_to_zero() {
    let options = Options { softplus: false, ..ALL };
    let mut case = Case::new(shape(1, 2, 20, 16), options, 1.0, 13);
    case.dt.fill(1.0);
    case.dt_bias.fill(0.0);
    case.x.fill(0.0);
    for a in [-110.0, -1e4, -1e30, f32::MIN] {
        case.a.fill(a);
        for_each_isa(|isa| {
            let r = case.run(isa, &mut Scratch::new());
            assert!(r.h.iter().all(|h| *h == 0.0), "{} {a}: {:?}", isa.name(), r.h);
            assert!(r.state.iter().all(|h| *h == 0.0), "{} {a}: {:?}", isa.name(), r.state);
            assert!(r.a.iter().chain(&r.dt).chain(&r.x).all(|v| v.is_finite()), "{} {a}", isa.name());
        });
    }
}

/// A positive exponent is allowed; past the range of f32 it gives infinity.
#[test]
fn growth_overflows_to_infinity() {
    let mut case = Case::new(shape(1, 1, 20, 16), Options { softplus: false, ..ALL }, 1.0, 14);
    case.dt.fill(1.0);
    case.dt_bias.fill(0.0);
    case.h.fill(1.0);
    case.a.fill(100.0);
    for_each_isa(|isa| {
        let r = case.run(isa, &mut Scratch::new());
        assert!(r.h.iter().all(|h| *h == f32::INFINITY), "{}: {:?}", isa.name(), r.h);
    });
    case.a.fill(5.0);
    let expected = case.wide().run();
    let bounds = bounds(&case);
    for_each_isa(|isa| {
        assert_within(isa.name(), &case.run(isa, &mut Scratch::new()).h, &expected.h, &bounds.h);
    });
}

/// NaN and infinity reach what depends on them, and nothing else: not other channels, nor earlier steps.
#[test]
fn nan_and_infinity_reach_what_depends_on_them() {
    let clean = Case::new(shape(1, 9, 37, 3), ALL, 1.0, 15);
    let (t, d) = (4, 21);
    let at = t * 37 + d;
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0x7FC0_0001), f32::from_bits(0xFFFF_FFFF)] {
        for_each_isa(|isa| {
            let before = clean.run(isa, &mut Scratch::new());
            for input in ["x", "dt", "z"] {
                let mut case = clean.clone();
                let hit = match input {
                    "x" => &mut case.x,
                    "dt" => &mut case.dt,
                    _ => &mut case.z,
                };
                hit[at] = bad;
                let r = case.run(isa, &mut Scratch::new());
                let what = format!("{} {input} {bad}", isa.name());
                if !(bad == f32::NEG_INFINITY && input != "x") {
                    assert!(!r.y[at].is_finite(), "{what}: {}", r.y[at]);
                }
                for i in (0..r.y.len()).filter(|i| i % 37 != d || *i < at) {
                    assert_eq!(r.y[i].to_bits(), before.y[i].to_bits(), "{what} {i}");
                }
                for i in (0..r.x.len()).filter(|i| i % 37 != d) {
                    assert_eq!(r.x[i].to_bits(), before.x[i].to_bits(), "{what} x_cot {i}");
                }
            }
        });
    }
}

#[test]
fn the_reference_gradient_is_that_of_central_differences() {
    for options in every_option() {
        let case = Case::new(shape(2, 4, 3, 2), options, 3.0, 16).wide();
        let gradient = case.run();
        type Field = fn(&mut Case<f64>) -> &mut Vec<f64>;
        let fields: [(&str, Field, &[f64], bool); 9] = [
            ("x", |c| &mut c.x, &gradient.x, true),
            ("dt", |c| &mut c.dt, &gradient.dt, true),
            ("z", |c| &mut c.z, &gradient.z, options.z),
            ("a", |c| &mut c.a, &gradient.a, true),
            ("b", |c| &mut c.b, &gradient.b, true),
            ("c", |c| &mut c.c, &gradient.c, true),
            ("d", |c| &mut c.d, &gradient.d, options.d),
            ("dt_bias", |c| &mut c.dt_bias, &gradient.dt_bias, options.dt_bias),
            ("h", |c| &mut c.h, &gradient.state, true),
        ];
        for (name, field, gradient, _) in fields.into_iter().filter(|f| f.3) {
            for (i, found) in gradient.iter().enumerate() {
                let at = |delta: f64| {
                    let mut moved = case.clone();
                    field(&mut moved)[i] += delta;
                    moved.objective()
                };
                let step = 1e-4;
                // Fourth order: the error is of the size of step^4.
                let slope = (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
                assert!((found - slope).abs() < 1e-9 * (1.0 + slope.abs()), "{options:?} {name}[{i}]: {found} {slope}");
            }
        }
    }
}

/// The final state of one call is the initial state of the next: the same bits as in one call.
#[test]
fn chunks_have_the_bits_of_one_call() {
    let whole = Case::new(shape(2, 75, 19, 3), ALL, 3.0, 17);
    for_each_isa(|isa| {
        if isa == Isa::Reference {
            return;
        }
        let mut scratch = Scratch::new();
        let expected = whole.run(isa, &mut scratch);
        for cuts in [vec![1; 75], vec![32, 1, 42], vec![20, 40, 15], vec![74, 1]] {
            let mut h = whole.h.clone();
            let mut start = 0;
            for len in cuts {
                let Shape { batch, seq_len, d_inner, d_state } = whole.shape;
                let rows = |x: &[f32], width: usize| -> Vec<f32> {
                    (0..batch).flat_map(|b| x[(b * seq_len + start) * width..][..len * width].to_vec()).collect()
                };
                let (x, dt, z) = (rows(&whole.x, d_inner), rows(&whole.dt, d_inner), rows(&whole.z, d_inner));
                let (b, c) = (rows(&whole.b, d_state), rows(&whole.c, d_state));
                let inputs = Inputs { x: &x, dt: &dt, z: Some(&z), b: &b, c: &c, ..whole.inputs() };
                let mut y = vec![f32::NAN; x.len()];
                let part = Shape { seq_len: len, ..whole.shape };
                forward_with(isa, part, &inputs, &mut h, &mut y, &mut scratch).unwrap();
                assert_eq!(bits(&y), bits(&rows(&expected.y, d_inner)), "{} {start}", isa.name());
                start += len;
            }
            assert_eq!(bits(&h), bits(&expected.h), "{}", isa.name());
        }
    });
}

#[test]
fn packed_steps_have_the_bits_of_one_call() {
    for (options, spread) in [(ALL, 1.0), (ALL, 18.0), (Options { z: false, d: false, ..ALL }, 3.0)] {
        let Shape { batch, seq_len, d_inner, d_state } = shape(2, 9, 37, 9);
        let case = Case::new(shape(batch, seq_len, d_inner, d_state), options, spread, 18);
        let len = packed_len(d_inner, d_state).unwrap();
        let bounds = bounds(&case);
        for_each_isa(|isa| {
            let expected = case.run(isa, &mut Scratch::new());
            let (mut a, mut h) = (vec![f32::NAN; len], vec![f32::NAN; batch * len]);
            pack_a(d_inner, d_state, &case.a, &mut a).unwrap();
            pack_state(batch, d_inner, d_state, &case.h, &mut h).unwrap();
            for t in 0..seq_len {
                fn rows<T: Copy>(x: &[T], of: Shape, t: usize, width: usize) -> Vec<T> {
                    (0..of.batch).flat_map(|b| x[(b * of.seq_len + t) * width..][..width].to_vec()).collect()
                }
                let row = |x: &[f32], width: usize| rows(x, case.shape, t, width);
                let (x, dt, z) = (row(&case.x, d_inner), row(&case.dt, d_inner), row(&case.z, d_inner));
                let (b, c) = (row(&case.b, d_state), row(&case.c, d_state));
                let Inputs { d, dt_bias, softplus, .. } = case.inputs();
                let z = options.z.then_some(&z[..]);
                let inputs = StepInputs { x: &x, dt: &dt, z, a_packed: &a, b: &b, c: &c, d, dt_bias, softplus };
                let mut y = vec![f32::NAN; x.len()];
                step_with(isa, batch, d_inner, d_state, &inputs, &mut h, &mut y).unwrap();
                if isa == Isa::Reference {
                    assert_within(
                        "reference",
                        &y,
                        &wide(&row(&expected.y, d_inner)),
                        &rows(&bounds.y, case.shape, t, d_inner),
                    );
                } else {
                    assert_eq!(bits(&y), bits(&row(&expected.y, d_inner)), "{} {t}", isa.name());
                }
            }
            let mut last = vec![f32::NAN; case.h.len()];
            unpack_state(batch, d_inner, d_state, &h, &mut last).unwrap();
            if isa == Isa::Reference {
                assert_within("reference", &last, &wide(&expected.h), &bounds.h);
            } else {
                assert_eq!(bits(&last), bits(&expected.h), "{}", isa.name());
            }
        });
    }
}

#[test]
fn threads_have_the_bits_of_one() {
    let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    let case = Case::new(shape(2, 34, 290, 3), ALL, 1.0, 19);
    for isa in Isa::available().filter(|isa| *isa != Isa::Reference) {
        let expected = case.run(isa, &mut Scratch::new());
        for pool in &pools {
            let found = pool.install(|| case.run(Exec::from(isa).parallel(), &mut Scratch::new()));
            assert!(found == expected, "{} {} threads", isa.name(), pool.current_num_threads());
        }
    }
}

/// Slices that start anywhere, and scratch used by other shapes before.
#[test]
fn unaligned_slices_and_used_scratch() {
    let case = Case::new(shape(1, 34, 50, 16), ALL, 1.0, 20);
    for isa in Isa::available() {
        let expected = case.run(isa, &mut Scratch::new());
        let mut scratch = Scratch::new();
        Case::new(shape(2, 50, 90, 3), ALL, 1.0, 21).run(isa, &mut scratch);
        for shift in [1, 3] {
            let moved = |x: &[f32]| [&vec![f32::NAN; shift][..], x].concat();
            let (x, dt, z) = (moved(&case.x), moved(&case.dt), moved(&case.z));
            let inputs = Inputs { x: &x[shift..], dt: &dt[shift..], z: Some(&z[shift..]), ..case.inputs() };
            let (mut y, mut h) = (vec![0.0; x.len()], case.h.clone());
            forward_with(isa, case.shape, &inputs, &mut h, &mut y[shift..], &mut scratch).unwrap();
            assert_eq!(bits(&y[shift..]), bits(&expected.y), "{}", isa.name());
        }
        assert!(case.run(isa, &mut scratch) == expected, "{}", isa.name());
    }
}

#[test]
fn parameter_cotangents_are_added_to() {
    let case = Case::new(shape(1, 10, 20, 4), ALL, 1.0, 22);
    for_each_isa(|isa| {
        let (mut scratch, inputs) = (Scratch::new(), case.inputs());
        let (mut y, mut h) = (vec![0.0; case.x.len()], case.h.clone());
        let mut checkpoints = vec![0.0; checkpoints_len(case.shape).unwrap()];
        forward_saving_with(isa, case.shape, &inputs, &mut h, &mut y, &mut checkpoints, &mut scratch).unwrap();
        let mut r = Results::default();
        let mut cots = cotangents(&case, &mut r, 0.0);
        cots.a.fill(1.0);
        cots.d.as_mut().unwrap().fill(2.0);
        cots.dt_bias.as_mut().unwrap().fill(3.0);
        let mut state = case.state_cot.clone();
        backward_with(isa, case.shape, &inputs, &checkpoints, &case.y_cot, &mut state, cots, &mut scratch).unwrap();
        let expected = case.run(isa, &mut scratch);
        for (found, expected, before) in
            [(&r.a, &expected.a, 1.0), (&r.d, &expected.d, 2.0), (&r.dt_bias, &expected.dt_bias, 3.0)]
        {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected - before).abs() < 1e-5, "{} {found} {expected}", isa.name());
            }
        }
    });
}

#[test]
fn empty_extents() {
    for shape in [shape(0, 3, 4, 2), shape(2, 0, 4, 2), shape(2, 3, 0, 2), shape(2, 3, 40, 0), shape(0, 0, 0, 0)] {
        let case = Case::new(shape, ALL, 1.0, 23);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} {shape:?}", isa.name()), &case.run(isa, &mut Scratch::new()), &case, &expected);
        });
    }
}

#[test]
fn wrong_lengths_name_the_argument() {
    let case = Case::new(shape(1, 3, 5, 2), ALL, 1.0, 24);
    let mut scratch = Scratch::new();
    let name = |error: Result<(), KernelError>| match error {
        Err(KernelError::Length { argument, .. }) => argument,
        other => panic!("{other:?}"),
    };
    let good = case.inputs();
    let long = [0.0; 31];
    let inputs = [
        ("x", Inputs { x: &case.x[1..], ..good }),
        ("dt", Inputs { dt: &long, ..good }),
        ("z", Inputs { z: Some(&[]), ..good }),
        ("a", Inputs { a: &long, ..good }),
        ("b", Inputs { b: &long, ..good }),
        ("c", Inputs { c: &[], ..good }),
        ("d", Inputs { d: Some(&long), ..good }),
        ("dt_bias", Inputs { dt_bias: Some(&[]), ..good }),
    ];
    let checkpoints = vec![0.0; checkpoints_len(case.shape).unwrap()];
    for (expected, inputs) in &inputs {
        let (mut h, mut y) = (case.h.clone(), case.y_cot.clone());
        let found = forward_with(Isa::best(), case.shape, inputs, &mut h, &mut y, &mut scratch);
        assert_eq!(name(found), *expected);
        let mut r = Results::default();
        let cots = cotangents(&case, &mut r, 0.0);
        let found =
            backward_with(Isa::best(), case.shape, inputs, &checkpoints, &case.y_cot, &mut h, cots, &mut scratch);
        assert_eq!(name(found), *expected);
    }
    let (mut h, mut y) = (case.h.clone(), case.y_cot.clone());
    let isa = Isa::best();
    assert_eq!(name(forward_with(isa, case.shape, &good, &mut h[1..], &mut y, &mut scratch)), "h");
    assert_eq!(name(forward_with(isa, case.shape, &good, &mut h, &mut y[1..], &mut scratch)), "y");
    let mut short = vec![0.0; checkpoints.len() - 1];
    let found = forward_saving_with(isa, case.shape, &good, &mut h, &mut y, &mut short, &mut scratch);
    assert_eq!(name(found), "checkpoints");
    assert_eq!((h, y), (case.h.clone(), case.y_cot.clone()), "nothing was written");
    wrong_lengths_of_the_backward(&case, &checkpoints, name);
    wrong_lengths_of_a_step(&case, name);
}

fn wrong_lengths_of_the_backward(
    case: &Case<f32>,
    checkpoints: &[f32],
    name: impl Fn(Result<(), KernelError>) -> &'static str,
) {
    let mut scratch = Scratch::new();
    for expected in [
        "checkpoints",
        "y_cot",
        "state_cot",
        "x_cot",
        "dt_cot",
        "z_cot",
        "a_cot",
        "b_cot",
        "c_cot",
        "d_cot",
        "dt_bias_cot",
    ] {
        let wrong = |argument| usize::from(argument == expected);
        let mut r = Results::default();
        let mut state = case.state_cot.clone();
        let mut cots = cotangents(case, &mut r, 0.0);
        let mut other = [0.0; 7];
        match expected {
            "x_cot" => cots.x = &mut other,
            "dt_cot" => cots.dt = &mut other,
            "z_cot" => cots.z = None,
            "a_cot" => cots.a = &mut other,
            "b_cot" => cots.b = &mut other,
            "c_cot" => cots.c = &mut other,
            "d_cot" => cots.d = Some(&mut other),
            "dt_bias_cot" => cots.dt_bias = None,
            _ => {}
        }
        let found = backward_with(
            Isa::best(),
            case.shape,
            &case.inputs(),
            &checkpoints[wrong("checkpoints")..],
            &case.y_cot[wrong("y_cot")..],
            &mut state[wrong("state_cot")..],
            cots,
            &mut scratch,
        );
        assert_eq!(name(found), expected);
    }
}

fn wrong_lengths_of_a_step(case: &Case<f32>, name: impl Fn(Result<(), KernelError>) -> &'static str) {
    let (x, a, y) = ([0.0; 5], [0.0; 32], [0.0; 5]);
    let good = StepInputs {
        x: &x,
        dt: &x,
        z: None,
        a_packed: &a,
        b: &x[..2],
        c: &x[..2],
        d: None,
        dt_bias: None,
        softplus: true,
    };
    let inputs = [
        ("x", StepInputs { x: &x[1..], ..good }),
        ("dt", StepInputs { dt: &[], ..good }),
        ("z", StepInputs { z: Some(&a), ..good }),
        ("a_packed", StepInputs { a_packed: &case.a, ..good }),
        ("b", StepInputs { b: &x, ..good }),
        ("c", StepInputs { c: &x, ..good }),
        ("d", StepInputs { d: Some(&a), ..good }),
        ("dt_bias", StepInputs { dt_bias: Some(&a), ..good }),
        ("h_packed", good),
        ("y", good),
    ];
    for (expected, inputs) in &inputs {
        let (mut h, mut y) = (a, y);
        let h = &mut h[usize::from(*expected == "h_packed")..];
        let y = &mut y[usize::from(*expected == "y")..];
        assert_eq!(name(step_with(Isa::best(), 1, 5, 2, inputs, h, y)), *expected);
    }
    assert_eq!(name(pack_a(5, 2, &x, &mut [0.0; 32])), "a");
    assert_eq!(name(pack_a(5, 2, &[0.0; 10], &mut [0.0; 31])), "packed");
    assert_eq!(name(pack_state(1, 5, 2, &x, &mut [0.0; 32])), "h");
    assert_eq!(name(unpack_state(1, 5, 2, &x, &mut [0.0; 10])), "packed");
    let huge = Shape { batch: usize::MAX, seq_len: 2, d_inner: 2, d_state: 2 };
    assert!(matches!(checkpoints_len(huge), Err(KernelError::Overflow { .. })));
}
