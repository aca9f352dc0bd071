//! Validation: mean nats a character, in blocks or with the state carried.

use anyhow::Result;
use barewire::prelude::*;
use barewire::state::State;
use barewire_models::hgrn::{HgrnObjective, HgrnObjectiveState};
use rayon::prelude::*;

/// Tasks of one evaluation, whatever the number of threads: each has a workspace, which is warm after two calls.
const TASKS: usize = 8;
/// Streams of [`carried`].
const STREAMS: usize = 16;
/// Characters of one call, about: what it works on stays in the cache.
const CALL: usize = 512;

/// Memory for evaluations, warm after the first ones.
pub(crate) struct Evaluator {
    tasks: Vec<(HgrnObjectiveState, Workspace<f32>)>,
}

impl Evaluator {
    /// No memory yet.
    pub(crate) fn new() -> Self {
        Evaluator { tasks: (0..TASKS).map(|_| Default::default()).collect() }
    }

    /// The text as windows of `seq_len` characters one after the other, each from an empty state: mean nats.
    pub(crate) fn blocks(&mut self, model: &Checked<'_, HgrnObjective>, text: &[u32], seq_len: usize) -> Result<f64> {
        let windows = (text.len() - 1) / seq_len;
        let rows = (CALL / seq_len).clamp(1, windows);
        let (tokens, targets) = (&text[..windows * seq_len], &text[1..][..windows * seq_len]);
        let calls = windows.div_ceil(rows);
        let sum = self.run(calls, |call, state, workspace| {
            let range = call * rows * seq_len..((call + 1) * rows * seq_len).min(tokens.len());
            *state = HgrnObjectiveState::default();
            nats(model, [&tokens[range.clone()], &targets[range]], seq_len, state, workspace)
        })?;
        Ok(sum / tokens.len() as f64)
    }

    /// The text as up to 16 equal streams, each read from its beginning to its end with the state carried along: mean
    /// nats.
    pub(crate) fn carried(&mut self, model: &Checked<'_, HgrnObjective>, text: &[u32]) -> Result<f64> {
        let streams = STREAMS.min(text.len() - 1);
        let length = (text.len() - 1) / streams;
        let sum = self.run(streams, |stream, state, workspace| {
            *state = HgrnObjectiveState::default();
            let tokens = &text[stream * length..][..length];
            let targets = &text[stream * length + 1..][..length];
            let mut sum = 0.0;
            for (tokens, targets) in tokens.chunks(CALL).zip(targets.chunks(CALL)) {
                sum += nats(model, [tokens, targets], tokens.len(), state, workspace)?;
            }
            Ok(sum)
        })?;
        Ok(sum / (streams * length) as f64)
    }

    /// The sum of `call(0..calls)`, cut into tasks and added up in one order, whatever the number of threads.
    fn run(
        &mut self,
        calls: usize,
        call: impl Fn(usize, &mut HgrnObjectiveState, &mut Workspace<f32>) -> Result<f64> + Sync,
    ) -> Result<f64> {
        let share = calls.div_ceil(TASKS);
        let task = |(task, (state, workspace)): (usize, &mut (HgrnObjectiveState, Workspace<f32>))| {
            let own = (task * share).min(calls)..((task + 1) * share).min(calls);
            own.map(|i| call(i, state, workspace)).sum::<Result<f64>>()
        };
        let sums: Vec<f64> = self.tasks.par_iter_mut().enumerate().map(task).collect::<Result<_>>()?;
        Ok(sums.iter().sum())
    }
}

/// What a model makes of one half of the validation text: nats a character.
#[derive(Clone, Copy, serde::Serialize)]
pub(crate) struct Half {
    /// in blocks
    pub(crate) blocks: f64,
    /// state carried
    pub(crate) carried: f64,
}

impl Evaluator {
    /// Both halves of the text by themselves: settings are chosen on the first and judged on the second.
    pub(crate) fn halves(
        &mut self,
        model: &Checked<'_, HgrnObjective>,
        text: &[u32],
        seq_len: usize,
    ) -> Result<[Half; 2]> {
        let (first, second) = text.split_at(text.len() / 2);
        let mut half = |text: &[u32]| -> Result<Half> {
            Ok(Half { blocks: self.blocks(model, text, seq_len)?, carried: self.carried(model, text)? })
        };
        Ok([half(first)?, half(second)?])
    }
}

/// Sum of nats over rows of `seq_len` characters.
fn nats(
    model: &Checked<'_, HgrnObjective>,
    [tokens, targets]: [&[u32]; 2],
    seq_len: usize,
    state: &mut HgrnObjectiveState,
    workspace: &mut Workspace<f32>,
) -> Result<f64> {
    let sizes = [tokens.len() / seq_len, seq_len];
    let mut mean = [0.0_f32];
    model.forward(&[ids(tokens, &sizes), ids(targets, &sizes)], &mut [&mut mean], state, workspace)?;
    Ok(f64::from(mean[0]) * tokens.len() as f64)
}

/// Back to the empty state, keeping the memory.
pub(crate) fn reset(state: &mut HgrnObjectiveState) {
    state.walk(&mut String::new(), &mut |_, values| values.fill(0.0));
}
