//! HGRN-Bit, the MatMul-free language model: every projection ternary, a gated linear recurrence in place of attention.
//!
//! Source: Zhu et al., "Scalable MatMul-free Language Modeling" (2024), and the arithmetic of its published code.

use barewire::prelude::*;

mod build;
mod published;

pub use build::{HgrnConfig, Latents};

/// A projection with an RMS norm of its own in front, as the published `BitLinear` has it.
#[derive(BareUnion)]
#[bare(portable)]
pub enum Projection {
    /// int8 activations per token, ternary digits with their absmean scale; gradients pass straight through both
    /// roundings
    #[bare(tag = 0, forward = |x: [batch, time, d_in]| bit_linear(digits, scale, rms_norm(x, norm, 1e-6)))]
    Bit {
        /// gain of the norm
        #[bare(dims = [d_in])]
        norm: Vec<f32>,
        /// packed digits
        #[bare(dims = [d_out, d_in], scaled_by = scale)]
        digits: TernaryMatrix,
        /// absmean of the weights that the digits stand for
        scale: f32,
    },
    /// the f32 twin
    #[bare(tag = 1, forward = |x: [batch, time, d_in]| linear(weights, rms_norm(x, norm, 1e-6)))]
    Dense {
        /// gain of the norm
        #[bare(dims = [d_in])]
        norm: Vec<f32>,
        /// weights
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
    },
}

/// One of the two halves of a layer. Both take the residual stream and the layer's lower bound of the forget gate.
#[derive(BareUnion)]
#[bare(portable)]
pub enum HgrnBlock {
    /// Mixes along time: `h[t] = f[t] h[t-1] + (1 - f[t]) silu(i[t])`.
    #[bare(tag = 0, forward = |x: [batch, time, d_model], lower: [d_model]| {
        let n = rms_norm(x, norm, 1e-6);
        let f = lower + (1 - lower) * sigmoid(f_proj(n));
        let v = (1 - f) * silu(i_proj(n));
        let h = gated_linear_recurrence(f, v);
        x + o_proj(rms_norm(g_proj(n), g_norm, 1e-6) * silu(h))
    })]
    TokenMixer {
        /// gain of the norm in front
        #[bare(dims = [d_model])]
        norm: Vec<f32>,
        /// input
        #[bare(axes(d_in = d_model, d_out = d_model))]
        i_proj: Projection,
        /// forget gate
        #[bare(axes(d_in = d_model, d_out = d_model))]
        f_proj: Projection,
        /// output gate
        #[bare(axes(d_in = d_model, d_out = d_model))]
        g_proj: Projection,
        /// gain of the output gate's norm
        #[bare(dims = [d_model])]
        g_norm: Vec<f32>,
        /// output
        #[bare(axes(d_in = d_model, d_out = d_model))]
        o_proj: Projection,
    },
    /// Mixes channels: a gated linear unit.
    #[bare(tag = 1, forward = |x: [batch, time, d_model], _lower: [d_model]| {
        let (gate, up): ([batch, time, ffn], [batch, time, ffn]) = split(gate_proj(rms_norm(x, norm, 1e-6)));
        x + down_proj(silu(gate) * up)
    })]
    ChannelMixer {
        /// gain of the norm in front
        #[bare(dims = [d_model])]
        norm: Vec<f32>,
        /// gate and input in one matrix, the gate first
        #[bare(axes(d_in = d_model))]
        gate_proj: Projection,
        /// output
        #[bare(axes(d_in = ffn, d_out = d_model))]
        down_proj: Projection,
    },
}

/// A layer: token mixer, then channel mixer.
#[derive(BareStruct)]
#[bare(portable, forward = |x: [batch, time, d_model], lower: [d_model]| channel_mixer(token_mixer(x, lower), lower))]
pub struct HgrnLayer {
    /// a [`HgrnBlock::TokenMixer`]
    #[bare(axes(d_model = d_model))]
    pub token_mixer: HgrnBlock,
    /// a [`HgrnBlock::ChannelMixer`]
    #[bare(axes(d_model = d_model))]
    pub channel_mixer: HgrnBlock,
}

/// The language model: token ids in, logits out.
#[derive(BareStruct)]
#[bare(portable, forward = |tokens: u32[batch, time]| {
    let h = layers(embedding(embeddings, tokens), lower_bounds(bounds));
    head(rms_norm(h, norm, 1e-6))
})]
pub struct HgrnLm {
    /// a vector a token
    #[bare(dims = [vocab, d_model])]
    pub embeddings: Matrix<f32>,
    /// raw lower bounds of the forget gates, a row a layer
    #[bare(dims = [layers, d_model])]
    pub bounds: Matrix<f32>,
    /// the layers, in turn
    #[bare(axes(d_model = d_model))]
    pub layers: Vec<HgrnLayer>,
    /// gain of the last norm
    #[bare(dims = [d_model])]
    pub norm: Vec<f32>,
    /// logits
    #[bare(axes(d_in = d_model, d_out = vocab))]
    pub head: Projection,
}

/// The language model with its training objective: token ids and the ids that follow them in, mean nats out.
#[derive(BareStruct)]
#[bare(portable, forward = |tokens: u32[batch, time], targets: u32[batch, time]| cross_entropy(model(tokens), targets))]
pub struct HgrnObjective {
    /// the model
    pub model: HgrnLm,
}
