//! New models: sizes in, weights of a seeded start out.

use std::collections::BTreeMap;

use barewire::prelude::*;
use barewire::train::Random;

use super::{HgrnBlock, HgrnLayer, HgrnLm, Projection};
use crate::Error;

/// Latent f32 weights of packed digits, row-major, by the path of the digits: what training starts from.
pub type Latents = BTreeMap<String, Vec<f32>>;

/// Sizes of an [`HgrnLm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HgrnConfig {
    /// number of token ids
    pub vocab: usize,
    /// width of the residual stream
    pub d_model: usize,
    /// token mixers, and as many channel mixers
    pub layers: usize,
    /// width inside the channel mixer
    pub ffn: usize,
    /// ternary projections ([`Projection::Bit`]), or f32 ones ([`Projection::Dense`])
    pub ternary: bool,
}

impl HgrnConfig {
    /// A ternary model with the published ratio of widths.
    ///
    /// ```
    /// use barewire_models::hgrn::HgrnConfig;
    ///
    /// assert_eq!(HgrnConfig::new(65, 128, 4).ffn, 352);
    /// ```
    pub fn new(vocab: usize, d_model: usize, layers: usize) -> Self {
        HgrnConfig { vocab, d_model, layers, ffn: Self::ffn_of(d_model), ternary: true }
    }

    /// `8/3 d_model`, rounded up to a multiple of 32 (the published code rounds up to 256, which is coarse for small
    /// models; 32 digits are one packed word).
    pub fn ffn_of(d_model: usize) -> usize {
        (d_model * 8 / 3).next_multiple_of(32)
    }
}

impl HgrnLm {
    /// A model with random weights, and the latent weights of its digits (none if it is not ternary).
    ///
    /// Weights are normal with deviation 0.02 for embeddings, as published, and `0.5 / sqrt(d_in)` for projections. For
    /// ternary projections only the ratio of that deviation to the learning rate matters, since the norm in front and
    /// absmean quantisation both drop scales. Gains are 1 and the raw lower bounds of the forget gates are 0.
    ///
    /// # Errors
    /// A size of 0, or one that a packed matrix cannot have.
    pub fn random(config: &HgrnConfig, seed: u64) -> Result<(HgrnLm, Latents), Error> {
        let HgrnConfig { vocab, d_model, layers, ffn, .. } = *config;
        if [vocab, d_model, layers, ffn].contains(&0) {
            return Err(Error::Config(format!("sizes above 0 are needed, found {config:?}")));
        }
        let mut made = Builder { ternary: config.ternary, latents: Latents::new() };
        let mut stream = 0;
        let mut weights = |rows: usize, cols: usize, deviation: f32| {
            stream += 1;
            let mut random = Random::new(seed, stream);
            (0..rows * cols).map(|_| deviation * random.normal()).collect::<Vec<f32>>()
        };
        let deviation = |d_in: usize| 0.5 / (d_in as f32).sqrt();
        let embeddings = Matrix::from_vec(vocab, d_model, weights(vocab, d_model, 0.02))?;

        let mut all = Vec::with_capacity(layers);
        for layer in 0..layers {
            let mut projection = |name: &str, rows: usize, cols: usize| {
                let path = format!("layers.{layer}.{name}");
                made.projection(&path, vec![1.0; cols], rows, cols, weights(rows, cols, deviation(cols)))
            };
            let token_mixer = HgrnBlock::TokenMixer {
                norm: vec![1.0; d_model],
                i_proj: projection("token_mixer.i_proj", d_model, d_model)?,
                f_proj: projection("token_mixer.f_proj", d_model, d_model)?,
                g_proj: projection("token_mixer.g_proj", d_model, d_model)?,
                g_norm: vec![1.0; d_model],
                o_proj: projection("token_mixer.o_proj", d_model, d_model)?,
            };
            let channel_mixer = HgrnBlock::ChannelMixer {
                norm: vec![1.0; d_model],
                gate_proj: projection("channel_mixer.gate_proj", 2 * ffn, d_model)?,
                down_proj: projection("channel_mixer.down_proj", d_model, ffn)?,
            };
            all.push(HgrnLayer { token_mixer, channel_mixer });
        }
        let head = weights(vocab, d_model, deviation(d_model));
        let model = HgrnLm {
            embeddings,
            bounds: Matrix::from_vec(layers, d_model, vec![0.0; layers * d_model])?,
            layers: all,
            norm: vec![1.0; d_model],
            head: made.projection("head", vec![1.0; d_model], vocab, d_model, head)?,
        };
        Ok((model, made.latents))
    }
}

/// Makes projections of one kind and keeps the latent weights of packed ones.
pub(super) struct Builder {
    pub(super) ternary: bool,
    pub(super) latents: Latents,
}

impl Builder {
    /// A projection from f32 weights `[rows, cols]`; `path` is where it stands in the model.
    pub(super) fn projection(
        &mut self,
        path: &str,
        norm: Vec<f32>,
        rows: usize,
        cols: usize,
        weights: Vec<f32>,
    ) -> Result<Projection, Error> {
        if !self.ternary {
            return Ok(Projection::Dense { norm, weights: Matrix::from_vec(rows, cols, weights)? });
        }
        let mut words = vec![0; barewire::kernels::ternary::words_len(rows, cols)?];
        let scale = barewire::kernels::ternary::quantize_absmean(&weights, rows, cols, &mut words)?;
        self.latents.insert(format!("{path}.digits"), weights);
        Ok(Projection::Bit { norm, digits: TernaryMatrix::from_words(rows, cols, words)?, scale })
    }
}
