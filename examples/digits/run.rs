//! One training run.

use std::fmt;

use anyhow::Result;
use barewire::prelude::*;
use barewire::train::{
    Accumulate, AccumulateOptions, AccumulateState, AdamW, AdamWOptions, Random, Schedule, randomize_digits,
};

use crate::data::{Data, Part};
use crate::network::{Network, Objective, ObjectiveCotangent, ObjectiveView, PIXELS};

/// Digits a step.
const BATCH: usize = 50;

/// How the ternary weights learn, and how fast.
#[derive(Clone, Copy)]
pub(crate) enum Method {
    /// latent f32 weights, straight through
    Latent { lr: f64 },
    /// accumulators
    Accumulate { bits: u32, gain: f64, stochastic: bool, lr: f64 },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Latent { lr } => write!(f, "latent, lr {lr}"),
            Method::Accumulate { bits, gain, stochastic, .. } => {
                write!(f, "{bits} bits, gain {gain}, {}", if *stochastic { "stochastic" } else { "nearest" })
            }
        }
    }
}

/// Shares of digits that are named rightly.
#[derive(Clone, Copy)]
pub(crate) struct Accuracy {
    chosen: f64,
    reported: f64,
}

impl Accuracy {
    /// Of those that settings are chosen by.
    pub(crate) fn chosen(&self) -> f64 {
        self.chosen
    }

    /// Of those that are reported.
    pub(crate) fn reported(&self) -> f64 {
        self.reported
    }
}

enum Optimizer {
    Latent(AdamW),
    Accumulate(Accumulate, Region<AccumulateState>),
}

/// Trains a network and says how good it is.
pub(crate) fn train(data: &Data, method: Method, epochs: u64, seed: u64) -> Result<Accuracy> {
    let (network, mut latents) = Network::random(seed)?;
    let mut region = Region::encode(&network);
    let floats = AdamWOptions { weight_decay: 0.0, ..AdamWOptions::default() };
    let mut optimizer = match method {
        Method::Latent { .. } => {
            Optimizer::Latent(AdamW::new::<Network>(region.view_mut()?, floats, &mut |path| latents.remove(path))?)
        }
        Method::Accumulate { bits, stochastic, .. } => {
            randomize_digits::<Network>(region.view_mut()?, 0.67, seed)?;
            let state = AccumulateState::new::<Network>(region.view_mut()?, bits)?;
            let options = AccumulateOptions { stochastic: stochastic.then_some(seed), floats };
            Optimizer::Accumulate(Accumulate::new(options), Region::encode(&state))
        }
    };
    let (lr, gain) = match method {
        Method::Latent { lr } => (lr, 0.0),
        Method::Accumulate { lr, gain, .. } => (lr, gain),
    };
    let batches = data.train.len() / BATCH;
    let steps = epochs * batches as u64;
    let rate = |peak, floor, step| Schedule { peak, warmup: 0, steps, floor }.at(step);

    let (mut workspace, mut state) = (Workspace::new(), Default::default());
    let mut grad = ObjectiveCotangent::<f32>::default();
    let mut batch = Part::default();
    let mut order: Vec<usize> = (0..data.train.len()).collect();
    for step in 0..steps {
        let number = step as usize % batches;
        if number == 0 {
            shuffle(&mut order, &mut Random::new(seed, 1 << 32 | step));
        }
        batch.pixels.clear();
        batch.classes.clear();
        for &i in &order[number * BATCH..][..BATCH] {
            batch.pixels.extend(&data.train.pixels[i * PIXELS..][..PIXELS]);
            batch.classes.push(data.train.classes[i]);
        }
        barewire::part::clear_grad::<Objective, f32>(&mut grad);
        {
            let index = Index::new();
            let model = Checked::<Objective>::new(ObjectiveView { network: region.view(&index)? })?;
            let inputs = [numbers(&batch.pixels, &[BATCH, PIXELS]), ids(&batch.classes, &[BATCH])];
            let mut pass = model.forward_saving(&inputs, &mut state, &mut workspace)?;
            pass.vjp(&[&[1.0]], &mut [Slot::Skip, Slot::Skip], &mut grad, &mut Default::default())?;
        }
        let lr = rate(lr, 0.02, step);
        match &mut optimizer {
            Optimizer::Latent(optimizer) => drop(optimizer.step(&mut region, &mut grad.network, lr)?),
            Optimizer::Accumulate(optimizer, state) => {
                optimizer.step(&mut region, state, &mut grad.network, lr, rate(gain, 0.02, step))?;
            }
        }
    }
    let index = Index::new();
    let network = Checked::<Network>::new(region.view(&index)?)?;
    let [chosen, reported] = [&data.choose, &data.report].map(|part| accuracy(&network, part));
    Ok(Accuracy { chosen: chosen?, reported: reported? })
}

fn shuffle(order: &mut [usize], random: &mut Random) {
    for i in (1..order.len()).rev() {
        order.swap(i, random.below(i as u64 + 1) as usize);
    }
}

/// The share of digits whose class has the largest score.
fn accuracy(network: &Checked<'_, Network>, part: &Part) -> Result<f64> {
    let n = part.len();
    let mut scores = vec![0.0_f32; 10 * n];
    let inputs = [numbers(&part.pixels, &[n, PIXELS])];
    network.forward(&inputs, &mut [&mut scores], &mut Default::default(), &mut Workspace::new())?;
    let right = scores.chunks(10).zip(&part.classes).filter(|(scores, class)| {
        let best = (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
        best == **class as usize
    });
    Ok(right.count() as f64 / n as f64)
}
