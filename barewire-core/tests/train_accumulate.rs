//! Accumulate and fire as an optimiser: the rule written out, its laws, bad input.

use barewire_core::gradient::{Representation, Signal};
use barewire_core::kernels::ternary::accumulate::reference::random_bits;
use barewire_core::part::Part;
use barewire_core::train::{
    Accumulate, AccumulateLeaf, AccumulateOptions, AccumulateState, AdamWOptions, Random, Stepped, randomize_digits,
};
use barewire_core::wire::{BinaryMatrix, Matrix, Region, TernaryMatrix};
use barewire_derive::BareStruct;

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    bias: Vec<f32>,
    #[bare(dims = [o, i], scaled_by = scale)]
    digits: TernaryMatrix,
    scale: f32,
    #[bare(dims = [i, o])]
    free: TernaryMatrix,
    number: f32,
    floats: Matrix<f32>,
    bits: BinaryMatrix,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Other {
    bias: Vec<f32>,
}

fn ternary(rows: usize, cols: usize) -> TernaryMatrix {
    TernaryMatrix::from_digits(rows, cols, &vec![0; rows * cols]).unwrap()
}

/// A model of `o` by `i`, its digits random.
fn model(o: usize, i: usize) -> Region<Model> {
    let model = Model {
        bias: vec![0.5, -0.25, 1.0],
        digits: ternary(o, i),
        scale: 0.0,
        free: ternary(i, o),
        number: 2.0,
        floats: Matrix::from_vec(2, 2, vec![1.0, 2.0, 3.0, 4.0]).unwrap(),
        bits: BinaryMatrix::from_bits(1, 2, &[true, false]).unwrap(),
    };
    let mut region = Region::encode(&model);
    randomize_digits::<Model>(region.view_mut().unwrap(), 0.67, 9).unwrap();
    region
}

struct Run {
    model: Region<Model>,
    state: Region<AccumulateState>,
    optimizer: Accumulate,
}

impl Run {
    fn new([o, i]: [usize; 2], bits: u32, options: AccumulateOptions) -> Self {
        let mut model = model(o, i);
        let state = AccumulateState::new::<Model>(model.view_mut().unwrap(), bits).unwrap();
        Run { model, state: Region::encode(&state), optimizer: Accumulate::new(options) }
    }

    fn step(&mut self, grad: &mut ModelCotangent<f32>, gain: f32) -> Stepped {
        self.optimizer.step(&mut self.model, &mut self.state, grad, 0.01, gain).unwrap()
    }

    fn octets(&self) -> [Vec<u8>; 2] {
        [self.model.bytes().to_vec(), self.state.bytes().to_vec()]
    }

    /// Digits and accumulators of the matrix with a scale, from the state.
    fn weights(&self) -> Vec<(i8, i32)> {
        let state = self.state.decode().unwrap();
        let digits = self.model.decode().unwrap().digits.to_digits();
        let (rows, cols) = (self.model.decode().unwrap().digits.rows(), self.model.decode().unwrap().digits.cols());
        let place = |at: usize| {
            let (r, c) = (at / cols, at % cols);
            ((r / 8 * cols.div_ceil(32) + c / 32) * 8 + r % 8, c % 32)
        };
        let weight = |at: usize| match &state.leaves[1] {
            AccumulateLeaf::Joined { states, .. } => {
                let v = i32::from(states[at]) - 91;
                let digit = (f64::from(v) / 61.0).round() as i32;
                assert_eq!(digit, i32::from(digits[at]), "the model has the digits of the state");
                (digit as i8, v - 61 * digit)
            }
            AccumulateLeaf::Separate { digits: kept, bits, accumulators, .. } => {
                assert_eq!(kept.to_digits()[at], digits[at]);
                let (word, c) = place(at);
                let a = if *bits == 4 {
                    let byte = accumulators[16 * word + c % 16];
                    (if c < 16 { byte << 4 } else { byte }) as i8 >> 4
                } else {
                    accumulators[32 * word + c] as i8
                };
                (digits[at], a.into())
            }
            other => panic!("{other:?}"),
        };
        (0..rows * cols).map(weight).collect()
    }
}

/// A gradient of small random numbers, or of small integers, whose sums are exact.
fn gradient([o, i]: [usize; 2], seed: u64, integers: bool) -> ModelCotangent<f32> {
    let mut random = Random::new(seed, 1);
    let mut number = || if integers { random.below(9) as f32 - 4.0 } else { random.normal() };
    let mut grad = ModelCotangent::<f32>::default();
    grad.digits.dense(o, i).unwrap().unwrap().iter_mut().for_each(|g| *g = number());
    grad.free.dense(i, o).unwrap().unwrap().iter_mut().for_each(|g| *g = number());
    grad.bias.dense(3).unwrap().unwrap().iter_mut().for_each(|g| *g = number());
    grad.floats.dense(4).unwrap().unwrap().iter_mut().for_each(|g| *g = number());
    (grad.scale, grad.number) = (number(), number());
    grad
}

/// The rule for one weight, from the text of the page.
fn rule(digit: &mut i8, accumulator: &mut i32, u: f32, limit: i32, random: Option<u16>) -> bool {
    let u = f64::from(u).clamp(-f64::from(limit), f64::from(limit));
    let q = match random {
        // ties to even
        None => {
            let down = u.floor();
            let up = u - down > 0.5 || (u - down == 0.5 && down % 2.0 != 0.0);
            down + f64::from(u8::from(up))
        }
        Some(bits) => (((u * 65536.0).round_ties_even() + f64::from(bits)) / 65536.0).floor(),
    };
    *accumulator += q as i32;
    let fires = accumulator.abs() >= limit;
    if fires {
        *digit = (i32::from(*digit) + accumulator.signum()).clamp(-1, 1) as i8;
        *accumulator = 0;
    }
    fires
}

#[test]
fn digits_and_accumulators_are_those_of_the_rule() {
    let sizes = [[1, 1], [1, 40], [9, 33], [8, 64], [17, 5]];
    for bits in 4..=8 {
        let limit = (1 << (bits - 1)) - 1;
        for (shape, seed) in sizes.into_iter().flat_map(|shape| [(shape, None), (shape, Some(77))]) {
            let mut run = Run::new(shape, bits, AccumulateOptions { stochastic: seed, ..Default::default() });
            let mut expected = run.weights();
            let gain = limit as f32 / 5.0;
            // another seed for each matrix: this is the first
            let seed = seed.map(|seed| Random::new(seed, 1).next_u64());
            for step in 0..20 {
                let mut grad = gradient(shape, step, false);
                let signal = grad.digits.values().to_vec();
                let fires = run.step(&mut grad, gain).counts.fires;
                let mut fired = 0;
                for (r, row) in signal.chunks(shape[1]).enumerate() {
                    let mean = row.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>() / row.len() as f64;
                    let factor = (f64::from(gain) / mean.sqrt()) as f32;
                    for (c, g) in row.iter().enumerate() {
                        let (digit, accumulator) = &mut expected[r * shape[1] + c];
                        let before = *digit;
                        let random = seed.map(|seed| random_bits(seed, step, r, c));
                        fired += u64::from(rule(digit, accumulator, -factor * g, limit, random));
                        assert!((*digit - before).abs() <= 1 && (-1..=1).contains(digit));
                    }
                }
                let found = run.weights();
                assert_eq!(found, expected, "{bits} bits, {shape:?}, step {step}, random {}", seed.is_some());
                assert!(found.iter().all(|(_, a)| a.abs() < limit));
                assert!(fires >= fired, "the other matrix fires too");
            }
        }
    }
}

#[test]
fn a_model_and_a_state_come_back_from_their_octets() {
    for bits in 4..=8 {
        let mut run = Run::new([9, 40], bits, AccumulateOptions::default());
        (0..7).for_each(|i| assert!(run.step(&mut gradient([9, 40], i, false), 5.0).norm > 0.0));
        run.state.seal().unwrap();
        let state = Region::<AccumulateState>::from_bytes(run.state.bytes()).unwrap();
        assert_eq!(state.decode().unwrap().steps, 7);
        let mut other = model(9, 40);
        state.decode().unwrap().load_into::<Model>(other.view_mut().unwrap()).unwrap();
        assert_eq!(other.bytes(), run.model.bytes(), "{bits} bits");
        // and both go on alike
        let mut second = Run { model: other, state, optimizer: Accumulate::default() };
        for run in [&mut run, &mut second] {
            run.step(&mut gradient([9, 40], 8, false), 5.0);
        }
        assert!(run.octets()[0] == second.octets()[0] && run.octets()[1] == second.octets()[1]);
    }
}

#[test]
fn micro_batches_and_then_a_step_are_a_batch_and_then_a_step() {
    let shape = [9, 33];
    for (bits, stochastic) in [(4, None), (6, None), (6, Some(3)), (8, Some(3))] {
        let options = AccumulateOptions { stochastic, ..Default::default() };
        let (mut parts, mut whole) = (Run::new(shape, bits, options), Run::new(shape, bits, options));
        for step in 0..12 {
            let mut batches: Vec<_> = (0..5).map(|k| gradient(shape, 100 * step + k, true)).collect();
            // the batch as one gradient, summed here; integers, so that no sum is rounded
            let mut sum = gradient(shape, 0, true);
            for (at, g) in sum.digits.dense(9, 33).unwrap().unwrap().iter_mut().enumerate() {
                *g = batches.iter().map(|b| b.digits.values()[at]).sum();
            }
            for (at, g) in sum.free.dense(33, 9).unwrap().unwrap().iter_mut().enumerate() {
                *g = batches.iter().map(|b| b.free.values()[at]).sum();
            }
            for (at, g) in sum.bias.dense(3).unwrap().unwrap().iter_mut().enumerate() {
                *g = batches.iter().map(|b| b.bias.values()[at]).sum();
            }
            for (at, g) in sum.floats.dense(4).unwrap().unwrap().iter_mut().enumerate() {
                *g = batches.iter().map(|b| b.floats.values()[at]).sum();
            }
            sum.scale = batches.iter().map(|b| b.scale).sum();
            sum.number = batches.iter().map(|b| b.number).sum();
            let mut total = batches.remove(3);
            batches.iter().for_each(|b| Model::add_grad(&mut total, b).unwrap());
            assert_eq!(parts.step(&mut total, 3.0), whole.step(&mut sum, 3.0));
            assert_eq!(parts.octets(), whole.octets(), "{bits} bits, step {step}");
        }
    }
}

#[test]
fn threads_do_not_change_the_bits() {
    // more weights than one thread takes at once, with an odd tail
    let shape = [264, 515];
    let mut grads: Vec<_> = (0..2).map(|step| gradient(shape, step, false)).collect();
    for (bits, stochastic) in [(6, None), (6, Some(5)), (4, Some(5)), (8, None)] {
        let mut run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut run = Run::new(shape, bits, AccumulateOptions { stochastic, ..Default::default() });
            pool.install(|| grads.iter_mut().for_each(|grad| assert!(run.step(grad, 90.0).counts.fires > 0)));
            run.octets()
        };
        assert!(run(1) == run(2), "{bits} bits, random {}", stochastic.is_some());
    }
}

#[test]
fn a_signal_held_as_pairs_gives_the_bits_of_a_dense_one() {
    // more rows than are formed at a time; more pairs than would fit into the matrix
    for (shape, tokens, held, bits, stochastic) in [
        ([1030, 131], 3, Representation::LowRank, 6, None),
        ([1030, 131], 3, Representation::Ternary, 4, Some(5)),
        ([9, 40], 30, Representation::Ternary, 6, None),
    ] {
        let options = AccumulateOptions { stochastic, ..Default::default() };
        let (mut pairs, mut dense) = (Run::new(shape, bits, options), Run::new(shape, bits, options));
        for step in 0..3 {
            let mut random = Random::new(step, 2);
            let [y, x] = [shape[0], shape[1]].map(|n| (0..tokens * n).map(|_| random.normal()).collect::<Vec<f32>>());
            let sizes = [tokens, shape[0], shape[1]];
            let [mut low, mut all] = [held, Representation::Any].map(|held| {
                let mut grad = ModelCotangent::<f32> { digits: Signal::held_as(held), ..Default::default() };
                grad.digits.add_outer(sizes, 0.5, &y, &x).unwrap();
                grad
            });
            all.digits.dense(shape[0], shape[1]).unwrap().unwrap();
            assert!(low.digits.pairs().is_some() && all.digits.pairs().is_none());
            let counts = pairs.step(&mut low, 9.0).counts;
            assert_eq!(counts, dense.step(&mut all, 9.0).counts);
            assert!(low.digits.pairs().is_some(), "the matrix was not formed");
            assert!(step == 0 || counts.fires > 0);
            assert!(pairs.octets() == dense.octets(), "{bits} bits, step {step}");
        }
    }
}

#[test]
fn a_scale_learns_by_its_logarithm() {
    let shape = [4, 16];
    let options = AdamWOptions { clip: f32::INFINITY, ..Default::default() };
    let mut run = Run::new(shape, 6, AccumulateOptions { floats: options, ..Default::default() });
    let scale = |run: &Run| f64::from(run.model.decode().unwrap().scale);
    assert_eq!(scale(&run), 0.25, "1 / sqrt(fan-in)");
    let (mut s, mut m, mut v) = (0.25f64, 0.0, 0.0);
    for t in 1..=40 {
        let mut grad = gradient(shape, t, false);
        let g = f64::from(grad.scale) * s;
        run.step(&mut grad, 1.0);
        m = 0.9 * m + 0.1 * g;
        v = 0.99 * v + 0.01 * g * g;
        let (m, v) = (m / (1.0 - 0.9f64.powi(t as i32)), v / (1.0 - 0.99f64.powi(t as i32)));
        s = (s.ln() - 0.01 * m / (v.sqrt() + 1e-8)).exp();
        assert!((scale(&run) / s - 1.0).abs() < 1e-5, "step {t}: {} against {s}", scale(&run));
        let AccumulateLeaf::Floats { values, .. } = &run.state.decode().unwrap().leaves[2] else { panic!() };
        assert_eq!(f64::from(values[0]), scale(&run), "the state has the parameter");
    }
}

#[test]
fn signals_that_are_not_finite_move_nothing_and_are_counted() {
    let shape = [9, 40];
    for bits in [4, 6, 8] {
        let (mut run, mut clean) =
            (Run::new(shape, bits, Default::default()), Run::new(shape, bits, Default::default()));
        let (mut grad, mut zeroed) = (gradient(shape, 1, false), gradient(shape, 1, false));
        let bad = [(0, f32::NAN), (41, f32::INFINITY), (359, f32::NEG_INFINITY)];
        for (at, value) in bad {
            grad.digits.dense(9, 40).unwrap().unwrap()[at] = value;
        }
        // a whole row, which has no rms
        grad.digits.dense(9, 40).unwrap().unwrap()[80..120].fill(f32::NAN);
        zeroed.digits.dense(9, 40).unwrap().unwrap()[80..120].fill(0.0);
        let before = run.weights();
        let counts = run.step(&mut grad, 3.0).counts;
        assert_eq!(counts.skipped, 43);
        clean.step(&mut zeroed, 3.0);
        let (after, clean) = (run.weights(), clean.weights());
        assert_eq!(after[120..320], clean[120..320], "other rows are not affected");
        for at in bad.map(|(at, _)| at).into_iter().chain(80..120) {
            assert_eq!(after[at], before[at]);
        }
        assert_ne!(after[1], before[1], "the rest of the row learns");
    }
}

#[test]
fn gradients_of_floats_that_are_not_finite_change_nothing() {
    let mut run = Run::new([9, 40], 6, Default::default());
    run.step(&mut gradient([9, 40], 1, false), 3.0);
    let before = run.octets();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut grad = gradient([9, 40], 2, false);
        grad.bias.dense(3).unwrap().unwrap()[1] = bad;
        let error = run.optimizer.step(&mut run.model, &mut run.state, &mut grad, 0.01, 3.0).unwrap_err();
        assert!(error.to_string().contains("finite"), "{error}");
        assert_eq!(run.octets(), before);
    }
}

#[test]
fn frozen_digits_and_signals_that_nobody_sent_move_nothing() {
    let frozen = AdamWOptions { frozen_digits: true, ..Default::default() };
    let mut run = Run::new([9, 40], 6, AccumulateOptions { floats: frozen, ..Default::default() });
    let before = run.model.decode().unwrap();
    (0..9).for_each(|i| assert_eq!(run.step(&mut gradient([9, 40], i, false), 30.0).counts, Default::default()));
    let after = run.model.decode().unwrap();
    assert_eq!((&after.digits, &after.free, after.scale), (&before.digits, &before.free, before.scale));
    assert!(after.bias != before.bias && after.floats != before.floats && after.number != before.number);

    let mut run = Run::new([9, 40], 6, Default::default());
    assert_eq!(run.step(&mut ModelCotangent::default(), 30.0), Stepped::default());
    assert_eq!(run.model.decode().unwrap().digits, before.digits);
}

#[test]
fn empty_matrices_are_no_trouble() {
    for shape in [[0, 5], [5, 0], [0, 0]] {
        for bits in [4, 6, 8] {
            let mut run = Run::new(shape, bits, AccumulateOptions::default());
            assert_eq!(run.step(&mut gradient(shape, 1, false), 3.0).counts, Default::default());
            let state = run.state.decode().unwrap();
            state.load_into::<Model>(run.model.view_mut().unwrap()).unwrap();
            assert_eq!(state.bits_per_digit(), None);
        }
    }
}

#[test]
fn bits_per_digit_are_those_of_the_storage() {
    let bits = |bits| {
        let state = AccumulateState::new::<Model>(model(64, 128).view_mut().unwrap(), bits).unwrap();
        state.bits_per_digit().unwrap()
    };
    assert_eq!([4, 5, 6, 7, 8].map(bits), [6.0, 10.0, 8.0, 10.0, 10.0]);
    for wrong in [0, 3, 9, u32::MAX] {
        assert!(AccumulateState::new::<Model>(model(8, 32).view_mut().unwrap(), wrong).is_err());
    }
}

#[test]
fn the_state_of_another_model_is_refused() {
    let state = |shape: [usize; 2], bits| {
        AccumulateState::new::<Model>(model(shape[0], shape[1]).view_mut().unwrap(), bits).unwrap()
    };
    let load = |state: &AccumulateState| {
        let mut to = model(9, 40);
        let loaded = state.load_into::<Model>(to.view_mut().unwrap());
        let mut run = Run { model: to, state: Region::encode(state), optimizer: Accumulate::default() };
        let mut grad = gradient([9, 40], 1, false);
        let stepped = run.optimizer.step(&mut run.model, &mut run.state, &mut grad, 0.01, 1.0);
        assert_eq!(loaded.is_ok(), stepped.is_ok(), "{loaded:?} {stepped:?}");
        loaded.map_err(|error| error.to_string())
    };
    assert_eq!(load(&state([9, 40], 6)), Ok(()));
    for bits in [4, 6, 8] {
        let problem = load(&state([40, 9], bits)).unwrap_err();
        assert!(problem.contains("digits") && problem.contains("[9, 40]"), "{problem}");
    }
    let mut other = Region::encode(&Other { bias: vec![0.0; 3] });
    let short = AccumulateState::new::<Other>(other.view_mut().unwrap(), 6).unwrap();
    assert!(load(&short).unwrap_err().contains("nothing"));
    let good = state([9, 40], 6);
    assert!(good.load_into::<Other>(other.view_mut().unwrap()).is_err());
    let altered = |change: &dyn Fn(&mut Vec<AccumulateLeaf>)| {
        let mut state = good.clone();
        change(&mut state.leaves);
        load(&state).unwrap_err()
    };
    assert!(altered(&|leaves| leaves.swap(0, 1)).contains("`bias`"));
    assert!(altered(&|leaves| leaves[0] = AccumulateLeaf::Fixed { path: "bias".into() }).contains("`bias`"));
    assert!(altered(&|leaves| drop(leaves.pop())).contains("`bits`"));
    let no_moments = altered(&|leaves| {
        let AccumulateLeaf::Floats { first, .. } = &mut leaves[0] else { panic!() };
        first.clear();
    });
    assert!(no_moments.contains("3"), "{no_moments}");
}

#[test]
fn bytes_that_are_no_state_are_refused_by_a_model() {
    let mut state = AccumulateState::new::<Model>(model(9, 40).view_mut().unwrap(), 6).unwrap();
    let AccumulateLeaf::Joined { states, .. } = &mut state.leaves[1] else { panic!() };
    states[77] = 183;
    let problem = state.load_into::<Model>(model(9, 40).view_mut().unwrap()).unwrap_err();
    assert!(problem.path() == "digits" && problem.to_string().contains("183"), "{problem}");
}
