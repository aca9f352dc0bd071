//! HGRN-Bit against numbers that an independent implementation computed from the same checkpoints
//! (`fixtures/*/reference.safetensors`), and against itself: chunks, steps, allocations.

use std::path::PathBuf;

use barewire::part::{LeafMut, Part};
use barewire::prelude::*;
use barewire::state::State;
use barewire::train::AdamW;
use barewire_models::hgrn::{
    HgrnLayer, HgrnLm, HgrnLmCotangent, HgrnLmState, HgrnObjective, HgrnObjectiveCotangent, HgrnObjectiveView,
};
use safetensors::SafeTensors;

struct Fixture {
    region: Region<HgrnLm>,
    reference: Vec<u8>,
}

impl Fixture {
    fn load(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let (model, latents) = HgrnLm::load_published(&folder).unwrap();
        assert_eq!(latents.len(), model.layers.len() * 6 + 1);
        let reference = std::fs::read(folder.join("reference.safetensors")).unwrap();
        Fixture { region: Region::encode(&model), reference }
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.reference).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
        tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        let tensors = SafeTensors::deserialize(&self.reference).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        tensor.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as u32).collect()
    }

    /// Logits of one sequence, in chunks of these lengths, and the final state.
    fn logits(&self, tokens: &[u32], chunks: &[usize]) -> (Vec<f32>, HgrnLmState) {
        assert_eq!(chunks.iter().sum::<usize>(), tokens.len());
        let index = Index::new();
        let model = Checked::<HgrnLm>::new(self.region.view(&index).unwrap()).unwrap();
        let (mut state, mut workspace) = (HgrnLmState::default(), Workspace::new());
        let mut all = Vec::new();
        let mut rest = tokens;
        for &n in chunks {
            let (chunk, later) = rest.split_at(n);
            rest = later;
            let inputs = [ids(chunk, &[1, n])];
            let mut out = vec![0.0; model.result_dims::<f32>(&inputs).unwrap()[0].len()];
            model.step(&inputs, &mut [&mut out], &mut state, &mut workspace).unwrap();
            all.extend(out);
        }
        (all, state)
    }
}

/// Fails with the place of the largest excess over `absolute + relative |expected|`.
fn close(name: &str, found: &[f32], expected: &[f32], absolute: f32, relative: f32) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= absolute + relative * y.abs(), "{name}[{i}]: {x}, expected {y}");
    }
}

fn states(state: &mut HgrnLmState) -> Vec<(String, Vec<f32>)> {
    let mut all = Vec::new();
    state.walk(&mut String::new(), &mut |path, values| {
        if !values.is_empty() {
            all.push((path.to_string(), values.clone()));
        }
    });
    all
}

fn argmax(logits: &[f32]) -> u32 {
    (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap() as u32
}

/// Mean nats of each position's logits against the next token.
fn loss(logits: &[f32], tokens: &[u32]) -> f64 {
    let rows = tokens.len();
    let vocab = logits.len() / rows;
    let nats = |t: usize| {
        let row = &logits[t * vocab..][..vocab];
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        sum.ln() - f64::from(row[tokens[t + 1] as usize])
    };
    (0..rows - 1).map(nats).sum::<f64>() / (rows - 1) as f64
}

#[test]
fn tiny_agrees_with_the_published_code() {
    let fixture = Fixture::load("hgrnbit-tiny");
    let tokens = fixture.ids("input_ids");
    let (logits, mut state) = fixture.logits(&tokens, &[tokens.len()]);
    // tolerances of the fixtures' README: f32 against f32 in another order
    close("logits", &logits, &fixture.floats("logits"), 1e-4, 1e-4);
    let loss = loss(&logits, &tokens);
    assert!((loss - f64::from(fixture.floats("loss")[0])).abs() < 2e-5, "loss {loss}");
    let states = states(&mut state);
    assert_eq!(states.len(), 2);
    for (i, (path, values)) in states.iter().enumerate() {
        close(path, values, &fixture.floats(&format!("state.{i}.h")), 1e-4, 1e-4);
    }
}

/// Layer by layer from the reference's own hidden states, so that an error shows where it is made.
#[test]
fn tiny_has_the_hidden_states_of_the_published_code() {
    let fixture = Fixture::load("hgrnbit-tiny");
    let (d, tokens) = (64, fixture.ids("input_ids"));
    let index = Index::new();
    let view = fixture.region.view(&index).unwrap();
    let rows: Vec<f32> = tokens.iter().flat_map(|t| &view.embeddings.values[*t as usize * d..][..d]).copied().collect();
    assert_eq!(rows, fixture.floats("hidden.0"));
    // two layers: the softmax over them, less its first row, is 0 and then the second one's share
    let share = |k: usize| {
        let [a, b] = [0, 1].map(|layer| f64::from(view.bounds.values[layer * d + k]).exp());
        (b / (a + b)) as f32
    };
    for (i, lower) in [vec![0.0; d], (0..d).map(share).collect()].iter().enumerate() {
        let layer = Checked::<HgrnLayer>::new(view.layers[i]).unwrap();
        let x = fixture.floats(&format!("hidden.{i}"));
        let mut y = vec![0.0_f32; x.len()];
        let inputs = [numbers(&x, &[1, tokens.len(), d]), numbers(lower, &[d])];
        layer.forward(&inputs, &mut [&mut y], &mut Default::default(), &mut Workspace::new()).unwrap();
        close(&format!("hidden.{}", i + 1), &y, &fixture.floats(&format!("hidden.{}", i + 1)), 1e-4, 1e-4);
    }
}

#[test]
fn shakespeare_agrees_with_the_torch_model() {
    let fixture = Fixture::load("hgrnbit-shakespeare");
    let tokens = fixture.ids("input_ids");
    let (logits, mut state) = fixture.logits(&tokens, &[tokens.len()]);
    // this model was trained, so no seed could keep activations away from half steps of int8: single ones may round the
    // other way, which moves logits by up to 0.083 in the reference's own f64 run
    close("logits", &logits, &fixture.floats("logits"), 0.2, 0.0);
    let loss = loss(&logits, &tokens);
    assert!((loss - f64::from(fixture.floats("loss")[0])).abs() < 2e-3, "loss {loss}");
    let states = states(&mut state);
    assert_eq!(states.len(), 4);
    for (i, (path, values)) in states.iter().enumerate() {
        close(path, values, &fixture.floats(&format!("state.{i}.h")), 0.2, 0.0);
    }
}

#[test]
fn tiny_chooses_the_tokens_of_the_published_code() {
    let fixture = Fixture::load("hgrnbit-tiny");
    let tokens = fixture.ids("input_ids");
    let greedy = |logits: Vec<f32>| logits.chunks(96).map(argmax).collect::<Vec<_>>();
    let (logits, _) = fixture.logits(&tokens, &vec![1; tokens.len()]);
    assert_eq!(greedy(logits), greedy(fixture.floats("logits")));
}

#[test]
fn tiny_has_the_straight_through_gradients_of_the_published_code() {
    let mut fixture = Fixture::load("hgrnbit-tiny");
    let tokens = fixture.ids("input_ids");
    let n = tokens.len() - 1;
    let mut grad = {
        let index = Index::new();
        let view = HgrnObjectiveView { model: fixture.region.view(&index).unwrap() };
        let objective = Checked::<HgrnObjective>::new(view).unwrap();
        let (mut state, mut state_cot) = (Default::default(), Default::default());
        let mut workspace = Workspace::<f32>::new();
        let inputs = [ids(&tokens[..n], &[1, n]), ids(&tokens[1..], &[1, n])];
        let mut pass = objective.forward_saving(&inputs, &mut state, &mut workspace).unwrap();
        let loss: f32 = pass.result(0)[0];
        assert!((loss - fixture.floats("loss")[0]).abs() < 2e-5, "loss {loss}");
        let mut grad = HgrnObjectiveCotangent::default();
        pass.vjp(&[&[1.0]], &mut [Slot::Skip, Slot::Skip], &mut grad, &mut state_cot).unwrap();
        grad.model
    };

    let mut found: Vec<(String, Vec<f32>)> = Vec::new();
    let view = fixture.region.view_mut().unwrap();
    HgrnLm::walk_mut(view, &mut grad, &mut String::new(), &mut |leaf| match leaf {
        LeafMut::Float { path, grad, values, .. } => {
            found.push((path.into(), grad.dense(values.len()).unwrap().unwrap().to_vec()));
        }
        LeafMut::Ternary { path, signal, scale, .. } => {
            let scale = scale.unwrap().get();
            found.push((path.into(), signal.values().iter().map(|g| g / scale).collect()));
        }
        LeafMut::Number { path, .. } => assert!(path.ends_with(".scale"), "{path}"),
        LeafMut::Binary { path, .. } => panic!("{path}: no bits in this model"),
    })
    .unwrap();
    assert_eq!(found.len(), 35);
    for (path, grad) in found {
        let name = format!("grad.{}", HgrnLm::published_name(&path));
        let expected = fixture.floats(&name);
        let largest = expected.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        assert!(largest > 0.0, "{name} is all zeros and proves nothing");
        close(&name, &grad, &expected, 1e-4 * largest, 0.0);
    }
}

#[test]
fn any_chunks_give_the_same_bits_as_the_whole() {
    for (name, n) in [("hgrnbit-tiny", 12), ("hgrnbit-shakespeare", 97)] {
        let fixture = Fixture::load(name);
        let tokens = &fixture.ids("input_ids")[..n];
        let (whole, mut state) = fixture.logits(tokens, &[n]);
        let (head, tail) = (n / 3, n - n / 3 - 1);
        for chunks in [vec![1; n], vec![head, 1, tail], vec![tail, head, 1]] {
            let (parts, mut other) = fixture.logits(tokens, &chunks);
            assert!(whole.iter().zip(&parts).all(|(a, b)| a.to_bits() == b.to_bits()), "{name} {chunks:?}");
            assert_eq!(states(&mut state), states(&mut other), "{name} {chunks:?}");
        }
    }
}

#[test]
fn the_optimiser_starts_from_the_latent_weights_and_keeps_the_digits() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hgrnbit-tiny");
    let (model, mut latents) = HgrnLm::load_published(&folder).unwrap();
    let mut region = Region::encode(&model);
    let before = region.bytes().to_vec();
    let view = region.view_mut().unwrap();
    let mut optimizer = AdamW::new::<HgrnLm>(view, Default::default(), &mut |path| latents.remove(path)).unwrap();
    assert!(latents.is_empty(), "the paths of latent weights are those of the walk: {:?}", latents.keys());
    // with no gradient and no learning rate, requantising gives the digits and scales that were there
    optimizer.step(&mut region, &mut HgrnLmCotangent::default(), 0.0).unwrap();
    region.seal().unwrap(); // takes away the mark that the file is being changed
    assert!(region.bytes() == before);
}

/// The whole validation text. `BAREWIRE_TEXT=tinyshakespeare.txt cargo test -p barewire-models -- --ignored`
#[test]
#[ignore = "needs tinyshakespeare.txt, which is not in the repository: its path in BAREWIRE_TEXT"]
fn shakespeare_has_the_validation_losses_of_the_torch_model() {
    let fixture = Fixture::load("hgrnbit-shakespeare");
    let text = std::fs::read_to_string(std::env::var_os("BAREWIRE_TEXT").unwrap()).unwrap();
    let mut vocab: Vec<char> = text.chars().collect();
    vocab.sort_unstable();
    vocab.dedup();
    let text: Vec<u32> = text.chars().map(|c| vocab.binary_search(&c).unwrap() as u32).collect();
    let text = &text[text.len() * 9 / 10..];

    let index = Index::new();
    let view = HgrnObjectiveView { model: fixture.region.view(&index).unwrap() };
    let objective = Checked::<HgrnObjective>::new(view).unwrap();
    let mut workspace = Workspace::<f32>::new();
    // rows of `time` characters, `shift` later each chunk; the sum of nats
    let mut nats = |tokens: &[u32], targets: &[u32], time: usize, state: &mut _| {
        let sizes = [tokens.len() / time, time];
        let mut mean = [0.0_f32];
        let inputs = [ids(tokens, &sizes), ids(targets, &sizes)];
        objective.forward(&inputs, &mut [&mut mean], state, &mut workspace).unwrap();
        f64::from(mean[0]) * tokens.len() as f64
    };
    let n = (text.len() - 1) / 64 * 64;
    let sum: f64 = (0..n / 64)
        .map(|i| i * 64)
        .map(|at| nats(&text[at..at + 64], &text[at + 1..at + 65], 64, &mut Default::default()))
        .sum();
    let blocks = sum / n as f64;

    let length = (text.len() - 1) / 16;
    let mut sum = 0.0;
    for stream in 0..16 {
        let mut state = Default::default();
        for at in (stream * length..(stream + 1) * length).step_by(499) {
            let end = (at + 499).min((stream + 1) * length);
            sum += nats(&text[at..end], &text[at + 1..end + 1], end - at, &mut state);
        }
    }
    let carried = sum / (16 * length) as f64;
    println!("blocks {blocks:.5}, carried {carried:.5}");
    // single activations may round the other way: the tolerance of the fixtures' README
    assert!((blocks - f64::from(fixture.floats("val_loss_block64")[0])).abs() < 3e-4, "{blocks}");
    assert!((carried - f64::from(fixture.floats("val_loss_carried")[0])).abs() < 3e-4, "{carried}");
}
