//! Checkpoints in the layout of the published MatMul-free LM code (`HGRNBitForCausalLM`).

use std::path::Path;

use barewire::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::build::{Builder, HgrnConfig, Latents};
use super::{HgrnBlock, HgrnLayer, HgrnLm};
use crate::Error;

/// What `config.json` says, as far as it matters here.
#[derive(serde::Deserialize)]
struct PublishedConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    intermediate_size: Option<usize>,
    #[serde(default = "four")]
    hidden_ratio: usize,
    #[serde(default = "one")]
    expand_ratio: usize,
    #[serde(default)]
    use_short_conv: bool,
    #[serde(default = "yes")]
    use_lower_bound: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "swish")]
    hidden_act: String,
    #[serde(default = "eps")]
    rms_norm_eps: f64,
}

fn four() -> usize {
    4
}
fn one() -> usize {
    1
}
fn yes() -> bool {
    true
}
fn swish() -> String {
    "swish".into()
}
fn eps() -> f64 {
    1e-6
}

impl HgrnConfig {
    /// Reads a published `config.json`.
    ///
    /// # Errors
    /// Not such a file, or an option that [`HgrnLm`] does not have (short convolutions, tied embeddings, another
    /// activation, another epsilon).
    pub fn published(config: &str) -> Result<Self, Error> {
        let c: PublishedConfig =
            serde_json::from_str(config).map_err(|e| Error::Config(format!("config.json: {e}")))?;
        let refused = [
            (c.use_short_conv, "use_short_conv: true".to_string()),
            (!c.use_lower_bound, "use_lower_bound: false".into()),
            (c.tie_word_embeddings, "tie_word_embeddings: true".into()),
            (c.expand_ratio != 1, format!("expand_ratio: {}", c.expand_ratio)),
            (c.hidden_act != "swish" && c.hidden_act != "silu", format!("hidden_act: {}", c.hidden_act)),
            (c.rms_norm_eps != 1e-6, format!("rms_norm_eps: {}", c.rms_norm_eps)),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(refused, _)| *refused) {
            return Err(Error::Config(format!("config.json: this model has no `{what}`")));
        }
        // the rule of the published code
        let rule = (c.hidden_size * c.hidden_ratio * 2 / 3).next_multiple_of(256);
        Ok(HgrnConfig {
            vocab: c.vocab_size,
            d_model: c.hidden_size,
            layers: c.num_hidden_layers,
            ffn: c.intermediate_size.unwrap_or(rule),
            ternary: true,
        })
    }
}

impl HgrnLm {
    /// Loads `config.json` and `model.safetensors` of a folder.
    ///
    /// # Errors
    /// As [`HgrnLm::published`], and files that cannot be read.
    pub fn load_published(folder: &Path) -> Result<(HgrnLm, Latents), Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|e| Error::Config(format!("{}: {e}", path.display())))
        };
        let config = read("config.json")?;
        let config = std::str::from_utf8(&config).map_err(|e| Error::Config(format!("config.json: {e}")))?;
        Self::published(&HgrnConfig::published(config)?, &read("model.safetensors")?)
    }

    /// A model from the tensors of a published checkpoint, and the latent weights that its digits stand for.
    ///
    /// Projections are ternarised by absmean (`config.ternary`), as the published code does on each call; the f32
    /// weights are kept as latent ones for further training.
    ///
    /// # Errors
    /// Bytes that are no safetensors file; a tensor that is missing, has another shape, or is neither f32 nor bf16.
    pub fn published(config: &HgrnConfig, tensors: &[u8]) -> Result<(HgrnLm, Latents), Error> {
        let tensors =
            SafeTensors::deserialize(tensors).map_err(|e| Error::Config(format!("model.safetensors: {e}")))?;
        let HgrnConfig { vocab, d_model, layers, ffn, ternary } = *config;
        let mut made = Builder { ternary, latents: Latents::new() };
        let list = |name: String, size: usize| floats(&tensors, &name, &[size]);
        let table = |name: String, rows: usize, cols: usize| -> Result<Matrix<f32>, Error> {
            Ok(Matrix::from_vec(rows, cols, floats(&tensors, &name, &[rows, cols])?)?)
        };
        let mut projection = |ours: String, theirs: String, rows: usize, cols: usize| {
            let norm = list(format!("{theirs}.norm.weight"), cols)?;
            made.projection(&ours, norm, rows, cols, floats(&tensors, &format!("{theirs}.weight"), &[rows, cols])?)
        };
        let mut all = Vec::with_capacity(layers);
        for k in 0..layers {
            let (ours, theirs) = (format!("layers.{k}"), format!("model.layers.{k}"));
            let mut square = |name: &str| {
                projection(format!("{ours}.token_mixer.{name}"), format!("{theirs}.attn.{name}"), d_model, d_model)
            };
            let token_mixer = HgrnBlock::TokenMixer {
                norm: list(format!("{theirs}.attn_norm.weight"), d_model)?,
                i_proj: square("i_proj")?,
                f_proj: square("f_proj")?,
                g_proj: square("g_proj")?,
                g_norm: list(format!("{theirs}.attn.g_norm.weight"), d_model)?,
                o_proj: square("o_proj")?,
            };
            let mut mlp = |name: &str, rows: usize, cols: usize| {
                projection(format!("{ours}.channel_mixer.{name}"), format!("{theirs}.mlp.{name}"), rows, cols)
            };
            let channel_mixer = HgrnBlock::ChannelMixer {
                norm: list(format!("{theirs}.mlp_norm.weight"), d_model)?,
                gate_proj: mlp("gate_proj", 2 * ffn, d_model)?,
                down_proj: mlp("down_proj", d_model, ffn)?,
            };
            all.push(HgrnLayer { token_mixer, channel_mixer });
        }
        let model = HgrnLm {
            embeddings: table("model.embeddings.weight".into(), vocab, d_model)?,
            bounds: table("model.lower_bounds".into(), layers, d_model)?,
            layers: all,
            norm: list("model.norm.weight".into(), d_model)?,
            head: projection("head".into(), "lm_head".into(), vocab, d_model)?,
        };
        Ok((model, made.latents))
    }

    /// The name that the published layout gives to the parameter at one of our paths.
    ///
    /// ```
    /// use barewire_models::hgrn::HgrnLm;
    ///
    /// let name = HgrnLm::published_name("layers.3.token_mixer.i_proj.digits");
    /// assert_eq!(name, "model.layers.3.attn.i_proj.weight");
    /// ```
    pub fn published_name(path: &str) -> String {
        let path = match path.strip_prefix("head.") {
            Some(rest) => format!("lm_head.{rest}"),
            None if path == "bounds" => "model.lower_bounds".into(),
            None => format!("model.{path}"),
        };
        let path = path.replace(".token_mixer.norm", ".attn_norm").replace(".channel_mixer.norm", ".mlp_norm");
        let path = path.replace(".token_mixer.", ".attn.").replace(".channel_mixer.", ".mlp.");
        match path.strip_suffix(".digits").or(path.strip_suffix(".weights")) {
            Some(projection) => format!("{projection}.weight"),
            None if path == "model.lower_bounds" => path,
            None => format!("{path}.weight"),
        }
    }
}

/// A tensor as f32.
fn floats(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
    let wrong = |why: String| Error::Config(format!("model.safetensors: tensor `{name}` {why}"));
    let tensor = tensors.tensor(name).map_err(|_| wrong("is missing".into()))?;
    if tensor.shape() != shape {
        return Err(wrong(format!("has shape {:?}, but config.json asks for {shape:?}", tensor.shape())));
    }
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F32 => Ok(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::BF16 => Ok(data
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16))
            .collect()),
        other => Err(wrong(format!("is {other:?}; f32 and bf16 are read"))),
    }
}
