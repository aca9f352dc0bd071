//! Equations written by the derive: gradients against differences and tangents, streaming, unions, lists, errors.
// the types here are fixtures
#![allow(missing_docs, unreachable_pub)]

use barewire::prelude::*;
use barewire::testing::{Rng, check_layer, check_layer_adjoint, ids as sample_ids, numbers as sample};

/// Elementwise arithmetic with every kind of operand.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d], rows: [batch, time]| {
    let a = tanh(gain * x + bias) * sigmoid(x) - rows / 3;
    silu(a) + exp(-square(x)) * sqrt(a * a + 1) + gelu(a * 0.5) + softplus(bias) + ln(x * x + 2) * recip(1.5 + cos(x))
})]
pub struct Chain {
    gain: f32,
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

/// Functions with corners, roundings, a choice and a stop.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| {
    let corner = max(x, bias) - min(x, 0.25 * bias) * relu(x) + abs(x);
    let corner = corner + clamp(x, -0.5, bias) * relu2(x);
    let chosen = if x > bias { x * x } else { stop(x) * bias };
    corner + chosen + ste(round(4 * x)) / 4 + ste(sign(x)) * bias + surrogate(step(x - bias), sigmoid)
        + surrogate(step(x), triangle) + surrogate(step(x), arctan) * x + stop(round(x))
})]
pub struct Corners {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

/// Two sub-layers and a value that is used twice.
#[derive(BareUnion)]
pub enum Map {
    #[bare(tag = 0, forward = |x: [batch, d_in]| linear(weights, x))]
    Full {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
    },
    #[bare(tag = 1, forward = |x: [batch, d_in]| {
        let h = tanh(linear(down, x));
        gain * linear(up, h * h + h)
    })]
    LowRank {
        #[bare(dims = [rank, d_in])]
        down: Matrix<f32>,
        #[bare(dims = [d_out, rank])]
        up: Matrix<f32>,
        gain: f32,
    },
    #[bare(tag = 3, forward = |x: [batch, d_in]| linear(f0, x) / 2)]
    Half(#[bare(dims = [d_out, d_in])] Matrix<f32>),
}

/// A residual block: the same axes in and out.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, d], scale: [d]| x + inner(x * scale))]
pub struct Block {
    #[bare(axes(d_in = d, d_out = d))]
    inner: Map,
}

/// A list of layers, each with its row of a second input; two results.
#[derive(BareStruct)]
#[bare(forward = |tokens: u32[batch]| {
    let h = layers(embedding(table, tokens), scales);
    (head(h), h)
})]
pub struct Net {
    #[bare(dims = [vocab, d])]
    table: Matrix<f32>,
    #[bare(dims = [layers, d])]
    scales: Matrix<f32>,
    #[bare(axes(d = d))]
    layers: Vec<Block>,
    #[bare(axes(d_in = d, d_out = classes))]
    head: Map,
}

fn matrix(rng: &mut Rng, rows: usize, cols: usize) -> Matrix<f32> {
    let values: Vec<f32> = (0..rows * cols).map(|_| rng.between(-1.0, 1.0) as f32).collect();
    Matrix::from_vec(rows, cols, values).unwrap()
}

fn vector(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.between(-1.0, 1.0) as f32).collect()
}

fn low_rank(rng: &mut Rng, d_out: usize, d_in: usize) -> Map {
    Map::LowRank { down: matrix(rng, 2, d_in), up: matrix(rng, d_out, 2), gain: 1.5 }
}

#[test]
fn elementwise_chain_over_all_spreads() {
    let mut rng = Rng::new(3);
    for d in [1, 2, 7, 64, 65, 130] {
        let chain = Chain { gain: 0.7, bias: vector(&mut rng, d) };
        let index = Index::new();
        let worst = check_layer::<Chain>(chain.view(&index), &[sample(&[2, 3, d]), sample(&[2, 3])], 5).unwrap();
        println!("d {d}: {worst:?}");
    }
}

#[test]
fn corners_and_declared_derivatives() {
    let mut rng = Rng::new(8);
    for d in [1, 9, 64, 100] {
        let corners = Corners { bias: vector(&mut rng, d) };
        check_layer_adjoint::<Corners>(corners.view(&Index::new()), &[sample(&[3, d])], 6).unwrap();
    }
}

#[test]
fn unions_lists_and_tuples() {
    let mut rng = Rng::new(4);
    let layers = [
        Block { inner: low_rank(&mut rng, 5, 5) },
        Block { inner: Map::Full { weights: matrix(&mut rng, 5, 5) } },
        Block { inner: Map::Half(matrix(&mut rng, 5, 5)) },
    ];
    for head in
        [low_rank(&mut rng, 3, 5), Map::Full { weights: matrix(&mut rng, 3, 5) }, Map::Half(matrix(&mut rng, 3, 5))]
    {
        let net = Net {
            table: matrix(&mut rng, 11, 5),
            scales: matrix(&mut rng, 3, 5),
            layers: layers.iter().map(copy).collect(),
            head,
        };
        let index = Index::new();
        let worst = check_layer::<Net>(net.view(&index), &[sample_ids(&[4], 11)], 9).unwrap();
        println!("{worst:?}");
    }
}

fn copy(block: &Block) -> Block {
    let message = barewire::wire::to_message(block);
    barewire::wire::from_message(&message).unwrap()
}

/// A gated linear unit that several variants share.
#[differentiable]
fn swiglu(gate: (batch, f), up: (batch, f)) -> (batch, f) {
    silu(gate) * up
}

/// A whole variant's equation: its parameters have the names of the fields.
#[differentiable]
fn gated(
    #[bare(dims = [d_out, d_in])] weights: Matrix<f32>,
    #[bare(dims = [d_out])] bias: Vec<f32>,
    x: (batch, d_in),
) -> (batch, d_out) {
    let h = linear(weights, x);
    swiglu(h + bias, h)
}

#[derive(BareUnion)]
pub enum Shared {
    #[bare(forward = gated)]
    ByPath {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
        #[bare(dims = [d_out])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d_in]| gated(weights, bias, x) * gain)]
    ByCall {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
        #[bare(dims = [d_out])]
        bias: Vec<f32>,
        gain: f32,
    },
}

#[test]
fn shared_equations() {
    let mut rng = Rng::new(12);
    let (weights, bias) = (matrix(&mut rng, 4, 3), vector(&mut rng, 4));
    let index = Index::new();
    let by_path = Shared::ByPath { weights: matrix(&mut rng, 4, 3), bias: bias.clone() };
    check_layer::<Shared>(by_path.view(&index), &[sample(&[5, 3])], 2).unwrap();
    check_layer::<Shared>(Shared::ByCall { weights, bias, gain: 0.3 }.view(&index), &[sample(&[5, 3])], 2).unwrap();
}
