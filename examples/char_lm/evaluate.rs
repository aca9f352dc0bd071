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

/// The text as windows of `seq_len` characters one after the other, each from an empty state.
pub(crate) fn blocks(model: &Checked<'_, HgrnObjective>, text: &[u32], seq_len: usize) -> Result<f64> {
    let count = (text.len() - 1) / seq_len;
    let rows = (CALL / seq_len).max(1);
    let share = count.div_ceil(TASKS).next_multiple_of(rows) * seq_len;
    let tokens = &text[..count * seq_len];
    let targets = &text[1..][..count * seq_len];
    let parts: Vec<f64> = tokens
        .par_chunks(share)
        .zip(targets.par_chunks(share))
        .map(|(tokens, targets)| {
            let (mut state, mut workspace) = (HgrnObjectiveState::default(), Workspace::new());
            let mut sum = 0.0;
            for (tokens, targets) in tokens.chunks(rows * seq_len).zip(targets.chunks(rows * seq_len)) {
                if tokens.len() == rows * seq_len {
                    reset(&mut state);
                } else {
                    // the last call has fewer rows
                    state = HgrnObjectiveState::default();
                }
                sum += nats(model, [tokens, targets], seq_len, &mut state, &mut workspace)?;
            }
            Ok(sum)
        })
        .collect::<Result<_>>()?;
    Ok(parts.iter().sum::<f64>() / tokens.len() as f64)
}

/// The text as up to 16 equal streams, each read from its beginning to its end with the state carried along.
pub(crate) fn carried(model: &Checked<'_, HgrnObjective>, text: &[u32]) -> Result<f64> {
    let streams = STREAMS.min(text.len() - 1);
    let length = (text.len() - 1) / streams;
    let rows_a_task = streams.div_ceil(TASKS);
    let chunk = CALL / rows_a_task;
    let parts: Vec<f64> = (0..streams)
        .into_par_iter()
        .step_by(rows_a_task)
        .map(|first| {
            let rows = first..(first + rows_a_task).min(streams);
            let (mut state, mut workspace) = (HgrnObjectiveState::default(), Workspace::new());
            let (mut tokens, mut targets) = (Vec::new(), Vec::new());
            let mut sum = 0.0;
            for from in (0..length).step_by(chunk) {
                let n = chunk.min(length - from);
                tokens.clear();
                targets.clear();
                for row in rows.clone() {
                    let at = row * length + from;
                    tokens.extend(&text[at..at + n]);
                    targets.extend(&text[at + 1..at + n + 1]);
                }
                sum += nats(model, [&tokens, &targets], n, &mut state, &mut workspace)?;
            }
            Ok(sum)
        })
        .collect::<Result<_>>()?;
    Ok(parts.iter().sum::<f64>() / (streams * length) as f64)
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
