//! Writing text with the model, one character a step.

use std::time::Instant;

use anyhow::Result;
use barewire::prelude::*;
use barewire::train::Random;
use barewire_models::hgrn::{HgrnLm, HgrnLmState};

/// Below 1 likely characters become more likely.
const TEMPERATURE: f32 = 0.8;
/// The random stream of samples.
const SAMPLE: u64 = 1 << 33;

/// `n` characters after `start`, and characters a second. The model reads its own output, a step each, and carries its
/// state.
pub(crate) fn sample(
    model: &Checked<'_, HgrnLm>,
    vocab: usize,
    start: u32,
    n: usize,
    seed: u64,
) -> Result<(Vec<u32>, f64)> {
    let (mut state, mut workspace) = (HgrnLmState::default(), Workspace::new());
    let mut random = Random::new(seed, SAMPLE);
    let mut logits = vec![0.0; vocab];
    let mut written = Vec::with_capacity(n);
    let mut last = start;
    let begin = Instant::now();
    for _ in 0..n {
        model.step(&[ids(&[last], &[1, 1])], &mut [&mut logits], &mut state, &mut workspace)?;
        last = choose(&mut logits, random.unit());
        written.push(last);
    }
    Ok((written, n as f64 / begin.elapsed().as_secs_f64().max(1e-9)))
}

/// An id by its probability; `unit` is a random number in [0, 1).
fn choose(logits: &mut [f32], unit: f32) -> u32 {
    let max = logits.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x));
    logits.iter_mut().for_each(|x| *x = Real::exp((*x - max) / TEMPERATURE));
    let mut rest = unit * logits.iter().sum::<f32>();
    for (id, weight) in logits.iter().enumerate() {
        rest -= weight;
        if rest < 0.0 {
            return id as u32;
        }
    }
    (logits.len() - 1) as u32
}
