//! Published checkpoints with the answers that other implementations gave: a folder each, with `config.json`,
//! `model.safetensors` and `reference.safetensors`.

use std::path::{Path, PathBuf};

use barewire::part::LeafMut;
use barewire::prelude::*;
use barewire::state::State;
use barewire_models::hgrn::{HgrnLm, HgrnLmState, HgrnObjective, HgrnObjectiveCotangent, HgrnObjectiveView};
use serde_json::Value as Json;

use super::report::{Report, Worst};
use super::tensors::Tensors;
use crate::Failure;

/// Checks a folder against the answers that came with it.
type Check = fn(&Path, &Tensors, &mut Report);

/// Named arrays.
type Named = Vec<(String, Vec<f32>)>;

/// Architectures that have an importer, by the name in `config.json`.
const KNOWN: &[(&str, Check)] = &[("HGRNBitForCausalLM", hgrn)];

pub(super) fn run(path: &Path, report: &mut Report) -> Result<(), Failure> {
    for folder in folders(path)? {
        let name = name(&folder);
        let config = folder.join("config.json");
        if !config.exists() {
            report.skipped(&name, "no config.json: not a model (for storage forms there is `conformance packings`)");
            continue;
        }
        match architecture(&config) {
            Err(why) => report.checked(&name, Err(why)),
            Ok(architecture) => match KNOWN.iter().find(|(known, _)| *known == architecture) {
                None => report.skipped(&name, &format!("no importer for `{architecture}` yet")),
                Some((_, check)) => match Tensors::read(&folder.join("reference.safetensors")) {
                    Ok(reference) => check(&folder, &reference, report),
                    Err(why) => report.checked(&name, Err(why)),
                },
            },
        }
    }
    Ok(())
}

/// The folder itself, if it holds a model, or the folders in it by name.
fn folders(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.join("config.json").exists() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut folders: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).filter(|path| path.is_dir()).collect();
    folders.sort();
    if folders.is_empty() { Err(format!("{}: no folder of a model", path.display())) } else { Ok(folders) }
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn architecture(config: &Path) -> Result<String, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", config.display());
    let text = std::fs::read_to_string(config).map_err(|error| failed(&error))?;
    let json: Json = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    json["architectures"][0].as_str().map(str::to_owned).ok_or_else(|| failed(&"no `architectures`"))
}

/// Allowed differences, from the notes of the vectors: f32 against f32 in another order. A trained model has activations near half
/// steps of int8, and single ones may round the other way; a random one with a chosen seed has none.
struct Bounds {
    /// of logits and states, absolute
    logits: f64,
    /// and relative
    relative: f64,
    loss: f64,
    /// of gradients, of the largest entry of each
    gradients: f64,
}

const EXACT_ROUNDING: Bounds = Bounds { logits: 1e-4, relative: 1e-4, loss: 2e-5, gradients: 1e-4 };
const ANY_ROUNDING: Bounds = Bounds { logits: 0.2, relative: 0.0, loss: 2e-3, gradients: 1e-4 };

/// Logits, loss, states, gradients and greedy choices: a line each, for what the reference has.
fn hgrn(folder: &Path, reference: &Tensors, report: &mut Report) {
    let name = name(folder);
    match Hgrn::load(folder, reference) {
        Err(why) => report.checked(&name, Err(why)),
        Ok(mut model) => model.compare(&name, reference, report),
    }
}

/// A model and the sequence that it is run on.
struct Hgrn {
    region: Region<HgrnLm>,
    tokens: Vec<u32>,
    bounds: Bounds,
}

impl Hgrn {
    fn load(folder: &Path, reference: &Tensors) -> Result<Self, String> {
        let (model, _) = HgrnLm::load_published(folder).map_err(|error| error.to_string())?;
        let [batch, _] = reference.shape("input_ids")?;
        if batch != 1 {
            return Err(format!("expected one sequence in `input_ids`, found {batch}"));
        }
        let tokens = &reference.get("input_ids")?.values;
        // trained weights come with the losses of a whole text, random ones with gradients
        let trained = !reference.names("val_loss").is_empty();
        let bounds = if trained { ANY_ROUNDING } else { EXACT_ROUNDING };
        Ok(Self { region: Region::encode(&model), tokens: tokens.iter().map(|id| *id as u32).collect(), bounds })
    }

    fn compare(&mut self, name: &str, reference: &Tensors, report: &mut Report) {
        let (logits, mut state) = match self.logits(&self.tokens) {
            Ok(run) => run,
            Err(error) => return report.checked(name, Err(error.to_string())),
        };
        let Bounds { logits: bound, relative, loss: loss_bound, .. } = self.bounds;
        report.measured(&format!("{name} logits"), close("logits", &logits, reference, bound, relative));
        let loss = mean_nats(&logits, &self.tokens);
        let found = reference.get("loss").map(|expected| Worst {
            array: "loss".to_owned(),
            error: (loss - expected.values.first().copied().unwrap_or(f64::NAN)).abs(),
            bound: loss_bound,
        });
        report.measured(&format!("{name} loss"), found);
        let mut layer = 0;
        state.walk(&mut String::new(), &mut |_, values| {
            if !values.is_empty() {
                let array = format!("state.{layer}.h");
                report.measured(&format!("{name} {array}"), close(&array, values, reference, bound, relative));
                layer += 1;
            }
        });
        if !reference.names("grad.").is_empty() {
            self.compare_gradients(name, reference, report);
        }
        if reference.get("greedy").is_ok() {
            report.checked(&format!("{name} greedy"), self.compare_choices(reference));
        }
    }

    /// Logits of a sequence from its start.
    fn logits(&self, tokens: &[u32]) -> Result<(Vec<f32>, HgrnLmState), Box<dyn std::error::Error>> {
        let index = Index::new();
        let model = Checked::<HgrnLm>::new(self.region.view(&index)?)?;
        let (mut state, mut workspace) = (HgrnLmState::default(), Workspace::new());
        let inputs = [ids(tokens, &[1, tokens.len()])];
        let mut out = vec![0.0; model.result_dims::<f32>(&inputs)?[0].len()];
        model.step(&inputs, &mut [&mut out], &mut state, &mut workspace)?;
        Ok((out, state))
    }

    /// The next tokens, each fed back.
    fn compare_choices(&self, reference: &Tensors) -> Result<(), String> {
        let expected = &reference.get("greedy")?.values;
        let mut tokens = self.tokens.clone();
        for (i, expected) in expected.iter().enumerate() {
            let (logits, _) = self.logits(&tokens).map_err(|error| error.to_string())?;
            let last = &logits[logits.len() / tokens.len() * (tokens.len() - 1)..];
            let best = (0..last.len()).max_by(|a, b| last[*a].total_cmp(&last[*b])).unwrap_or(0);
            if best as f64 != *expected {
                return Err(format!("token {i} is {best}, expected {expected}"));
            }
            tokens.push(best as u32);
        }
        Ok(())
    }

    fn compare_gradients(&mut self, name: &str, reference: &Tensors, report: &mut Report) {
        match self.gradients() {
            Err(error) => report.checked(&format!("{name} gradients"), Err(error.to_string())),
            Ok(gradients) => {
                for (array, values) in &gradients {
                    let bound = self.bounds.gradients;
                    let largest = reference
                        .get(array)
                        .map(|expected| expected.values.iter().fold(0.0f64, |max, value| max.max(value.abs())));
                    let compared = largest.and_then(|largest| close(array, values, reference, bound * largest, 0.0));
                    report.measured(&format!("{name} {array}"), compared);
                }
                // every gradient of the reference must have been computed
                for array in reference.names("grad.") {
                    if !gradients.iter().any(|(found, _)| found == array) {
                        report.checked(&format!("{name} {array}"), Err("was not computed".to_owned()));
                    }
                }
            }
        }
    }

    /// Straight-through gradients of the mean loss, by their published names.
    fn gradients(&mut self) -> Result<Named, Box<dyn std::error::Error>> {
        let mut grad = {
            let (index, n) = (Index::new(), self.tokens.len() - 1);
            let view = HgrnObjectiveView { model: self.region.view(&index)? };
            let objective = Checked::<HgrnObjective>::new(view)?;
            let (mut state, mut state_cot) = (Default::default(), Default::default());
            let mut workspace = Workspace::<f32>::new();
            let inputs = [ids(&self.tokens[..n], &[1, n]), ids(&self.tokens[1..], &[1, n])];
            let mut pass = objective.forward_saving(&inputs, &mut state, &mut workspace)?;
            let mut grad = HgrnObjectiveCotangent::default();
            pass.vjp(&[&[1.0]], &mut [Slot::Skip, Slot::Skip], &mut grad, &mut state_cot)?;
            grad.model
        };
        let mut found = Vec::new();
        let view = self.region.view_mut()?;
        HgrnLm::walk_mut(view, &mut grad, &mut String::new(), &mut |leaf| {
            let (path, values) = match leaf {
                // a gradient that is ignored or of another size has no numbers, and then the comparison says so
                LeafMut::Float { path, grad, values, .. } => {
                    let dense = grad.dense(values.len()).ok().flatten();
                    (path.to_owned(), dense.map_or_else(Vec::new, |dense| dense.to_vec()))
                }
                // the gradient of the weights that the digits stand for
                LeafMut::Ternary { path, signal, scale: Some(scale), .. } => {
                    (path.to_owned(), signal.values().iter().map(|value| value / scale.get()).collect())
                }
                _ => return,
            };
            found.push((format!("grad.{}", HgrnLm::published_name(&path)), values));
        })?;
        Ok(found)
    }
}

/// The element that uses most of what is allowed.
fn close(array: &str, found: &[f32], reference: &Tensors, absolute: f64, relative: f64) -> Result<Worst, String> {
    let expected = &reference.get(array)?.values;
    if found.len() != expected.len() {
        return Err(format!("`{array}` has {} elements, expected {}", found.len(), expected.len()));
    }
    // an array of zeros has to be met exactly
    let absolute = absolute.max(f64::MIN_POSITIVE);
    let mut worst = Worst { array: array.to_owned(), error: 0.0, bound: absolute };
    for (found, expected) in found.iter().zip(expected) {
        let (error, bound) = ((f64::from(*found) - expected).abs(), absolute + relative * expected.abs());
        if error.is_nan() || error / bound > worst.error / worst.bound {
            (worst.error, worst.bound) = (error, bound);
        }
        if error.is_nan() {
            break;
        }
    }
    Ok(worst)
}

/// Mean nats of each position's logits against the next token.
fn mean_nats(logits: &[f32], tokens: &[u32]) -> f64 {
    let vocab = logits.len() / tokens.len();
    let nats = |(row, next): (&[f32], &u32)| {
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        sum.ln() - row.get(*next as usize).map_or(f64::NAN, |x| f64::from(*x))
    };
    logits.chunks(vocab).zip(&tokens[1..]).map(nats).sum::<f64>() / (tokens.len() - 1) as f64
}
