//! What one block of HGRN-Bit keeps for its backward pass, to the byte, and the list of it.

use barewire::prelude::*;
use barewire_models::hgrn::{HgrnBlock, Projection};

const BATCH: usize = 2;
const TIME: usize = 3;
const D: usize = 32;
const FFN: usize = 64;

fn dense(d_out: usize, d_in: usize) -> Projection {
    Projection::Dense {
        norm: vec![1.0; d_in],
        weights: Matrix::from_vec(d_out, d_in, vec![0.1; d_out * d_in]).unwrap(),
    }
}

fn bit(d_out: usize, d_in: usize) -> Projection {
    let digits: Vec<i8> = (0..d_out * d_in).map(|i| (i % 3) as i8 - 1).collect();
    Projection::Bit {
        norm: vec![1.0; d_in],
        digits: TernaryMatrix::from_digits(d_out, d_in, &digits).unwrap(),
        scale: 0.1,
    }
}

fn token_mixer(projection: fn(usize, usize) -> Projection) -> HgrnBlock {
    HgrnBlock::TokenMixer {
        norm: vec![1.0; D],
        i_proj: projection(D, D),
        f_proj: projection(D, D),
        g_proj: projection(D, D),
        g_norm: vec![1.0; D],
        o_proj: projection(D, D),
    }
}

fn channel_mixer(projection: fn(usize, usize) -> Projection) -> HgrnBlock {
    HgrnBlock::ChannelMixer { norm: vec![1.0; D], gate_proj: projection(2 * FFN, D), down_proj: projection(D, FFN) }
}

/// Bytes that the block's forward pass puts aside.
fn bytes(block: &HgrnBlock) -> usize {
    let index = Index::new();
    let model = Checked::<HgrnBlock>::new(block.view(&index)).unwrap();
    let x: Vec<f32> = (0..BATCH * TIME * D).map(|i| (i as f32).sin()).collect();
    let inputs = [numbers(&x, &[BATCH, TIME, D]), numbers(&[0.5; D], &[D])];
    let mut workspace = Workspace::new();
    let _pass = model.forward_saving::<f32>(&inputs, &mut Default::default(), &mut workspace).unwrap();
    workspace.saved_bytes()
}

/// Rows of the residual stream.
const ROWS: usize = BATCH * TIME;
const F32: usize = size_of::<f32>();

/// One projection over rows of `d_in`: a factor for each row of its norm, and what its linear map was given.
fn kept_by_dense(d_in: usize) -> usize {
    ROWS * F32 + ROWS * d_in * F32
}

/// The same in int8: a code for each number that the linear map was given, and the step of each row.
fn kept_by_bit(d_in: usize) -> usize {
    ROWS * F32 + ROWS * d_in + ROWS * F32
}

/// What the token mixer keeps beside its projections, with their inputs: the inputs of the block are the caller's.
const TOKEN_MIXER: usize = ROWS * F32 // factors of the norm in front
    + ROWS * D * F32 // `n`
    + 2 * ROWS * D * F32 // `f`, and the sigmoid in it
    + 2 * ROWS * D * F32 // `i_proj(n)`, and the sigmoid of its silu
    + ROWS * D * F32 + BATCH * D * F32 // `h`, and the state before the first step
    + ROWS * F32 + ROWS * D * F32 // factors of the gate's norm, and `g_proj(n)`
    + 2 * ROWS * D * F32 // the gate, and the sigmoid of `silu(h)`
    + ROWS * D * F32; // what `o_proj` is given

const CHANNEL_MIXER: usize = ROWS * F32 // factors of the norm in front
    + ROWS * D * F32 // its result, which `gate_proj` is given
    + 2 * ROWS * FFN * F32 // `gate` and `up`
    + ROWS * FFN * F32 // the sigmoid of `silu(gate)`
    + ROWS * FFN * F32; // what `down_proj` is given

#[test]
fn token_mixer_keeps() {
    assert_eq!(bytes(&token_mixer(dense)), TOKEN_MIXER + 4 * kept_by_dense(D));
    assert_eq!(bytes(&token_mixer(bit)), TOKEN_MIXER + 4 * kept_by_bit(D));
}

#[test]
fn channel_mixer_keeps() {
    assert_eq!(bytes(&channel_mixer(dense)), CHANNEL_MIXER + kept_by_dense(D) + kept_by_dense(FFN));
    assert_eq!(bytes(&channel_mixer(bit)), CHANNEL_MIXER + kept_by_bit(D) + kept_by_bit(FFN));
}
