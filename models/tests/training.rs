//! Training HGRN-Bit: the same bits on any number of threads and after a restart, and digits that learn.

use barewire::part::{LeafMut, Part};
use barewire::prelude::*;
use barewire::state::State;
use barewire::train::{AdamW, AdamWOptions, Random, Schedule, Shard, Shards};
use barewire_models::hgrn::{
    HgrnConfig, HgrnLm, HgrnLmCotangent, HgrnObjective, HgrnObjectiveState, HgrnObjectiveView,
};

const BATCH: usize = 6;
const TIME: usize = 24;
const VOCAB: u32 = 12;

struct Run {
    region: Region<HgrnLm>,
    optimizer: AdamW,
    shards: Shards<HgrnObjective>,
    schedule: Schedule,
}

impl Run {
    fn new(options: AdamWOptions, ternary: bool) -> Self {
        let config = HgrnConfig { ternary, ..HgrnConfig::new(VOCAB as usize, 32, 2) };
        let (model, mut latents) = HgrnLm::random(&config, 5).unwrap();
        let mut region = Region::encode(&model);
        let view = region.view_mut().unwrap();
        let optimizer = AdamW::new::<HgrnLm>(view, options, &mut |path| latents.remove(path)).unwrap();
        let schedule = Schedule { peak: 1e-2, warmup: 10, steps: 120, floor: 0.1 };
        Run { region, optimizer, shards: Shards::new(4), schedule }
    }

    /// One step; gives the loss. The text repeats `(7 i + i / 4) mod 12` from a random start.
    fn step(&mut self) -> f64 {
        let step = self.optimizer.steps();
        let mut random = Random::new(3, step);
        let mut text = [Vec::new(), Vec::new()];
        for _ in 0..BATCH {
            let start = random.below(48) as u32;
            for (shift, text) in (0..).zip(&mut text) {
                text.extend((start + shift..).take(TIME).map(|i| (7 * i + i / 4) % VOCAB));
            }
        }
        let index = Index::new();
        let view = HgrnObjectiveView { model: self.region.view(&index).unwrap() };
        let model = Checked::<HgrnObjective>::new(view).unwrap();
        let parts: Vec<_> = (0..4).map(|i| self.shards.rows(i, BATCH)).collect();
        assert_eq!(parts, [0..2, 2..4, 4..5, 5..6]);
        let reset = |state: &mut HgrnObjectiveState| state.walk(&mut String::new(), &mut |_, values| values.fill(0.0));
        self.shards
            .run(|i, Shard { workspace, state, state_cot, grad, loss }| {
                let (rows, share) = (parts[i].len(), parts[i].len() as f32 / BATCH as f32);
                let [tokens, targets] = [0, 1].map(|k| &text[k][parts[i].start * TIME..parts[i].end * TIME]);
                reset(state);
                reset(state_cot);
                let inputs = [ids(tokens, &[rows, TIME]), ids(targets, &[rows, TIME])];
                let mut pass = model.forward_saving(&inputs, state, workspace)?;
                *loss = f64::from(share * pass.result(0)[0]);
                pass.vjp(&[&[share]], &mut [Slot::Skip, Slot::Skip], grad, state_cot)
            })
            .unwrap();
        let (loss, grad) = self.shards.reduce().unwrap();
        self.optimizer.step(&mut self.region, &mut grad.model, self.schedule.at(step)).unwrap();
        loss
    }

    fn steps(&mut self, n: usize, threads: usize) -> Vec<f64> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (0..n).map(|_| self.step()).collect())
    }
}

#[test]
fn one_thread_and_many_give_the_same_bits() {
    for ternary in [true, false] {
        let run = |threads| {
            let mut run = Run::new(AdamWOptions::default(), ternary);
            let losses = run.steps(12, threads);
            (losses, run.region.bytes().to_vec(), run.optimizer.state())
        };
        let one = run(1);
        assert_eq!(one.0.len(), 12);
        for threads in [2, 3] {
            assert!(one == run(threads), "ternary {ternary}, {threads} threads");
        }
    }
}

#[test]
fn a_restored_run_goes_on_to_the_same_bits() {
    let mut whole = Run::new(AdamWOptions::default(), true);
    whole.steps(12, 1);

    let mut first = Run::new(AdamWOptions::default(), true);
    first.steps(7, 2);
    let (model, state) = (first.region.decode().unwrap(), first.optimizer.state());
    drop(first);
    let mut second = Run::new(AdamWOptions::default(), true);
    second.region = Region::encode(&model);
    let view = second.region.view_mut().unwrap();
    second.optimizer = AdamW::restore::<HgrnLm>(view, AdamWOptions::default(), state).unwrap();
    second.steps(5, 2);

    whole.region.seal().unwrap();
    second.region.seal().unwrap();
    assert_eq!(whole.region.bytes(), second.region.bytes());
    assert_eq!(whole.optimizer.state(), second.optimizer.state());
}

#[test]
fn a_state_of_another_model_is_refused() {
    let state = Run::new(AdamWOptions::default(), true).optimizer.state();
    let mut other = Run::new(AdamWOptions::default(), false);
    let restored = AdamW::restore::<HgrnLm>(other.region.view_mut().unwrap(), AdamWOptions::default(), state);
    assert!(restored.is_err());
}

#[test]
fn digits_and_scale_are_the_absmean_of_the_latent_weights() {
    let mut run = Run::new(AdamWOptions::default(), true);
    run.steps(5, 1);
    let optimizer = &run.optimizer;
    let mut matrices = 0;
    let view = run.region.view_mut().unwrap();
    HgrnLm::walk_mut(view, &mut HgrnLmCotangent::default(), &mut String::new(), &mut |leaf| {
        let LeafMut::Ternary { path, rows, cols, words, scale, .. } = leaf else { return };
        matrices += 1;
        let latent = optimizer.latent(path).unwrap();
        let mean = latent.iter().map(|w| f64::from(w.abs())).sum::<f64>() / latent.len() as f64;
        let scale = scale.unwrap().get();
        // the f64 mean, rounded once
        assert!((f64::from(scale) - mean).abs() <= mean * 1e-7, "{path}: {scale} against {mean}");
        let mut digits = vec![0; rows * cols];
        barewire::kernels::ternary::unpack_i8(words, rows, cols, &mut digits).unwrap();
        for (w, digit) in latent.iter().zip(digits) {
            assert_eq!((w * (1.0 / scale)).round_ties_even().clamp(-1.0, 1.0) as i8, digit, "{path}");
        }
    })
    .unwrap();
    assert_eq!(matrices, 13);
}

#[test]
fn digits_learn() {
    let last = |options| {
        let losses = Run::new(options, true).steps(120, 2);
        losses[100..].iter().sum::<f64>() / 20.0
    };
    let learned = last(AdamWOptions::default());
    let frozen = last(AdamWOptions { frozen_digits: true, ..AdamWOptions::default() });
    assert!(learned < 0.7 * frozen, "{learned} nats, with frozen digits {frozen}");
}

#[test]
fn frozen_digits_stay_and_gradients_that_are_not_finite_change_nothing() {
    let digits = |run: &Run| -> Vec<_> {
        let model = run.region.decode().unwrap();
        match model.head {
            barewire_models::hgrn::Projection::Bit { digits, scale, .. } => vec![(digits, scale)],
            barewire_models::hgrn::Projection::Dense { .. } => vec![],
        }
    };
    let mut run = Run::new(AdamWOptions { frozen_digits: true, ..AdamWOptions::default() }, true);
    let before = (digits(&run), run.region.bytes().to_vec());
    run.steps(3, 1);
    assert_eq!(digits(&run), before.0);
    assert_ne!(run.region.bytes(), before.1, "floats learn");

    let before = run.region.bytes().to_vec();
    let mut grad = HgrnLmCotangent::<f32>::default();
    grad.norm.dense(32).unwrap().unwrap()[3] = f32::NAN;
    assert!(run.optimizer.step(&mut run.region, &mut grad, 1e-3).is_err());
    assert_eq!(run.region.bytes(), before);
}
