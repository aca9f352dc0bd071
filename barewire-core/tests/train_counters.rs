//! Digits that are read off saturating counters: the rule written out, its laws, bad input.

use barewire_core::gradient::{Representation, Signal};
use barewire_core::kernels::ternary::accumulate::reference::random_bits;
use barewire_core::train::{
    Accumulate, AccumulateLeaf, AccumulateOptions, AccumulateState, AdamWOptions, Random, Stepped, randomize_digits,
};
use barewire_core::wire::{Region, TernaryMatrix};
use barewire_derive::BareStruct;

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    #[bare(dims = [o, i], scaled_by = scale)]
    digits: TernaryMatrix,
    scale: f32,
}

struct Run {
    model: Region<Model>,
    state: Region<AccumulateState>,
    optimizer: Accumulate,
}

/// What is kept of the digits.
struct Kept {
    threshold: u8,
    counters: Vec<i8>,
    rms: Vec<f32>,
}

fn model([o, i]: [usize; 2]) -> Region<Model> {
    let digits = TernaryMatrix::from_digits(o, i, &vec![0; o * i]).unwrap();
    let mut region = Region::encode(&Model { digits, scale: 0.0 });
    randomize_digits::<Model>(region.view_mut().unwrap(), 0.67, 9).unwrap();
    region
}

impl Run {
    fn new(shape: [usize; 2], options: AccumulateOptions) -> Self {
        let mut model = model(shape);
        let state = AccumulateState::with_counters::<Model>(model.view_mut().unwrap(), 5).unwrap();
        Run { model, state: Region::encode(&state), optimizer: Accumulate::new(options) }
    }

    fn step(&mut self, grad: &mut ModelCotangent<f32>, gain: f32) -> Stepped {
        self.optimizer.step(&mut self.model, &mut self.state, grad, 0.01, gain).unwrap()
    }

    fn octets(&self) -> [Vec<u8>; 2] {
        [self.model.bytes().to_vec(), self.state.bytes().to_vec()]
    }

    fn digits(&self) -> Vec<i8> {
        self.model.decode().unwrap().digits.to_digits()
    }

    fn kept(&self) -> Kept {
        let mut state = self.state.decode().unwrap();
        let AccumulateLeaf::Counters { threshold, counters, rms, .. } = state.leaves.remove(0) else { panic!() };
        Kept { threshold, counters: counters.iter().map(|&v| v as i8).collect(), rms }
    }
}

fn gradient([o, i]: [usize; 2], seed: u64) -> ModelCotangent<f32> {
    let mut random = Random::new(seed, 1);
    let mut grad = ModelCotangent::<f32>::default();
    // steps of another size each, which an rms that remembers can tell apart
    let size = 10f32.powi(seed as i32 % 3);
    grad.digits.dense(o, i).unwrap().unwrap().iter_mut().for_each(|g| *g = size * random.normal());
    grad.scale = random.normal();
    grad
}

#[test]
fn counters_and_digits_are_those_of_the_rule() {
    for (shape, seed) in [[1, 1], [9, 33], [17, 64]].into_iter().flat_map(|s| [(s, None), (s, Some(77))]) {
        let mut run = Run::new(shape, AccumulateOptions { stochastic: seed, ..Default::default() });
        let Kept { threshold, mut counters, mut rms } = run.kept();
        let digit = |v: i8| i8::from(v > threshold as i8) - i8::from(v < -(threshold as i8));
        assert!(run.digits().iter().zip(&counters).all(|(d, v)| *d == digit(*v)), "they start with the digits");
        // another seed for each matrix: this is the first
        let seed = seed.map(|seed| Random::new(seed, 1).next_u64());
        let gain = 11.0f32;
        for step in 0..20 {
            let mut grad = gradient(shape, step);
            let signal = grad.digits.values().to_vec();
            let counts = run.step(&mut grad, gain).counts;
            let mut moved = 0;
            for (r, row) in signal.chunks(shape[1]).enumerate() {
                let mean = row.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>() / row.len() as f64;
                let decay = f64::from(0.99f32);
                rms[r] = (decay * f64::from(rms[r]).powi(2) + (1.0 - decay) * mean).sqrt() as f32;
                let missing = (1.0 - decay.powf(step as f64 + 1.0)).sqrt();
                let factor = (f64::from((f64::from(gain) * missing) as f32) / f64::from(run.kept().rms[r])) as f32;
                for (c, g) in row.iter().enumerate() {
                    let u = f64::from(-factor * g).clamp(-127.0, 127.0);
                    let q = match seed {
                        None => u.round_ties_even(),
                        Some(seed) => (((u * 65536.0).round_ties_even() + f64::from(random_bits(seed, step, r, c)))
                            / 65536.0)
                            .floor(),
                    };
                    let counter = &mut counters[r * shape[1] + c];
                    let before = digit(*counter);
                    *counter = (i32::from(*counter) + q as i32).clamp(-128, 127) as i8;
                    moved += u64::from(digit(*counter) != before);
                }
            }
            let kept = run.kept();
            assert_eq!(kept.counters, counters, "{shape:?}, step {step}, random {}", seed.is_some());
            // sums in two orders
            assert!(kept.rms.iter().zip(&rms).all(|(a, b)| (a / b - 1.0).abs() < 1e-6));
            assert_eq!(run.digits(), counters.iter().map(|v| digit(*v)).collect::<Vec<_>>());
            assert_eq!(counts.moved(), moved);
        }
    }
}

#[test]
fn a_model_and_a_state_come_back_from_their_octets() {
    let shape = [9, 40];
    let options = AccumulateOptions { stochastic: Some(3), ..Default::default() };
    let mut run = Run::new(shape, options);
    let moved: u64 = (0..7).map(|i| run.step(&mut gradient(shape, i), 20.0).counts.moved()).sum();
    assert!(moved > 0);
    run.state.seal().unwrap();
    let state = Region::<AccumulateState>::from_bytes(run.state.bytes()).unwrap();
    let mut other = model(shape);
    state.decode().unwrap().load_into::<Model>(other.view_mut().unwrap()).unwrap();
    assert_eq!(other.bytes(), run.model.bytes());
    // and both go on alike
    let mut second = Run { model: other, state, optimizer: Accumulate::new(options) };
    for run in [&mut run, &mut second] {
        run.step(&mut gradient(shape, 8), 20.0);
    }
    assert!(run.octets()[0] == second.octets()[0] && run.octets()[1] == second.octets()[1]);
}

#[test]
fn a_signal_held_as_pairs_gives_the_bits_of_a_dense_one() {
    // more rows than are formed at a time
    let (shape, tokens) = ([1030, 131], 3);
    let options = AccumulateOptions { stochastic: Some(3), ..Default::default() };
    let (mut pairs, mut dense) = (Run::new(shape, options), Run::new(shape, options));
    for step in 0..3 {
        let mut random = Random::new(step, 2);
        let [y, x] = [shape[0], shape[1]].map(|n| (0..tokens * n).map(|_| random.normal()).collect::<Vec<f32>>());
        let [mut low, mut all] = [Representation::LowRank, Representation::Any].map(|held| {
            let mut grad = ModelCotangent::<f32> { digits: Signal::held_as(held), ..Default::default() };
            grad.digits.add_outer([tokens, shape[0], shape[1]], 0.5, &y, &x).unwrap();
            grad
        });
        all.digits.dense(shape[0], shape[1]).unwrap();
        let counts = pairs.step(&mut low, 9.0).counts;
        assert_eq!(counts, dense.step(&mut all, 9.0).counts);
        assert!(low.digits.pairs().is_some() && counts.moved() > 0, "the matrix was not formed");
        assert!(pairs.octets() == dense.octets(), "step {step}");
    }
}

#[test]
fn signals_that_are_not_finite_or_not_there_and_frozen_digits_move_nothing() {
    let shape = [9, 40];
    let (mut run, mut clean) = (Run::new(shape, Default::default()), Run::new(shape, Default::default()));
    let (mut grad, mut zeroed) = (gradient(shape, 1), gradient(shape, 1));
    grad.digits.dense(9, 40).unwrap().unwrap()[80..120].fill(f32::NAN);
    zeroed.digits.dense(9, 40).unwrap().unwrap()[80..120].fill(0.0);
    assert_eq!(run.step(&mut grad, 9.0).counts.skipped, 40);
    clean.step(&mut zeroed, 9.0);
    assert_eq!(run.octets(), clean.octets(), "as a row of zeros");

    let before = run.digits();
    assert_eq!(run.step(&mut ModelCotangent::default(), 30.0).counts, Default::default());
    assert_eq!(run.digits(), before);
    let floats = AdamWOptions { frozen_digits: true, ..Default::default() };
    let mut run = Run::new(shape, AccumulateOptions { floats, ..Default::default() });
    let before = run.model.decode().unwrap();
    assert_eq!(run.step(&mut gradient(shape, 2), 90.0).counts, Default::default());
    assert_eq!(run.model.decode().unwrap(), before);
}

#[test]
fn bits_per_digit_are_those_of_the_storage() {
    let state = AccumulateState::with_counters::<Model>(model([64, 128]).view_mut().unwrap(), 5).unwrap();
    assert_eq!(state.bits_per_digit(), Some(8.0 + 32.0 / 128.0), "a byte, and a float a row");
    for shape in [[0, 5], [5, 0]] {
        let mut run = Run::new(shape, Default::default());
        assert_eq!(run.step(&mut gradient(shape, 1), 3.0).counts, Default::default());
    }
}

#[test]
fn a_state_that_contradicts_itself_or_the_model_is_refused() {
    let shape = [9, 40];
    let state = AccumulateState::with_counters::<Model>(model(shape).view_mut().unwrap(), 5).unwrap();
    type Change = fn(&mut u64, &mut u8, &mut Vec<u8>, &mut Vec<f32>);
    let changes: [(Change, &str); 5] = [
        (|rows, _, _, _| *rows = 8, "[8, 40]"),
        (|_, threshold, _, _| *threshold = 128, "128"),
        (|_, _, counters, _| counters.truncate(359), "360"),
        (|_, _, _, rms| rms.truncate(8), "rms"),
        (|_, _, _, rms| rms.push(0.0), "rms"),
    ];
    for (change, word) in changes {
        let mut state = state.clone();
        let AccumulateLeaf::Counters { rows, threshold, counters, rms, .. } = &mut state.leaves[0] else { panic!() };
        change(rows, threshold, counters, rms);
        let mut to = model(shape);
        let error = state.load_into::<Model>(to.view_mut().unwrap()).unwrap_err();
        assert!(error.path() == "digits" && error.to_string().contains(word), "{error}");
        let mut run = Run { model: to, state: Region::encode(&state), optimizer: Accumulate::default() };
        let stepped = run.optimizer.step(&mut run.model, &mut run.state, &mut gradient(shape, 1), 0.01, 1.0);
        assert!(stepped.unwrap_err().to_string().contains(word));
    }
    // an rms that nobody can have measured: no row moves, and nothing panics
    for bad in [f32::NAN, f32::INFINITY] {
        let mut run = Run::new(shape, Default::default());
        let before = run.digits();
        let mut state = run.state.decode().unwrap();
        let AccumulateLeaf::Counters { rms, .. } = &mut state.leaves[0] else { panic!() };
        rms.fill(bad);
        run.state = Region::encode(&state);
        run.step(&mut gradient(shape, 1), 90.0);
        assert_eq!(run.digits(), before);
    }
}
