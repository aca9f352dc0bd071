//! Second derivatives of every model block, over dual numbers of dual numbers.

use barewire::prelude::*;
use barewire::testing::{ADJOINT, Rng, Sample, check_layer_second_order, ids, numbers};
use barewire_models::hgrn::{HgrnBlock, HgrnConfig, HgrnLayer, HgrnLm, HgrnObjective, Projection};
use barewire_models::weight::MatmulFreeWeight;

const BATCH: usize = 2;
const TIME: usize = 3;
const D: usize = 8;
const VOCAB: usize = 5;

fn check<T: Layer>(what: &str, part: &T, inputs: &[Sample]) {
    let index = Index::new();
    match check_layer_second_order::<T>(part.view(&index), inputs, 7) {
        Ok(worst) => println!("{what}: {:.1e} of the bound", worst / ADJOINT),
        Err(e) => panic!("{what}: {e}"),
    }
}

/// A small model whose gains and bounds are random, too.
fn model(ternary: bool) -> HgrnLm {
    let config = HgrnConfig { vocab: VOCAB, d_model: D, layers: 2, ffn: 6, ternary };
    let (mut model, _) = HgrnLm::random(&config, 3).unwrap();
    let mut rng = Rng::new(4);
    let mut list = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.between(0.5, 1.5) as f32).collect() };
    model.embeddings = Matrix::from_vec(VOCAB, D, list(VOCAB * D)).unwrap();
    model.bounds = Matrix::from_vec(2, D, list(2 * D)).unwrap();
    model.norm = list(D);
    for layer in &mut model.layers {
        for block in [&mut layer.token_mixer, &mut layer.channel_mixer] {
            match block {
                HgrnBlock::TokenMixer { norm, g_norm, .. } => (*norm, *g_norm) = (list(D), list(D)),
                HgrnBlock::ChannelMixer { norm, .. } => *norm = list(D),
            }
        }
    }
    model
}

#[test]
fn weights() {
    let x = numbers(&[BATCH, TIME, D]);
    let mut rng = Rng::new(1);
    let mut below = |n: u32, count: usize| -> Vec<u8> { (0..count).map(|_| rng.below(n) as u8).collect() };
    let digits: Vec<i8> = below(3, 4 * D).iter().map(|c| *c as i8 - 1).collect();
    let bits: Vec<bool> = below(2, 4 * D).iter().map(|c| *c == 1).collect();
    let weights = TernaryMatrix::from_digits(4, D, &digits).unwrap();
    check("ternary", &MatmulFreeWeight::Ternary { weights, scale: 0.75 }, &[x]);
    let bits = BinaryMatrix::from_bits(4, D, &bits).unwrap();
    check("binary", &MatmulFreeWeight::Binary { bits, scale: -1.5 }, &[x]);
    let values = QuantizedMatrix::from_codes(4, D, 4, 0.125, 7.5, &below(16, 4 * D)).unwrap();
    check("quantized", &MatmulFreeWeight::Quantized { values }, &[x]);
}

#[test]
fn hgrn_from_the_projections_to_the_objective() {
    for ternary in [true, false] {
        let HgrnLm { layers, head, .. } = model(ternary);
        let (x, lower) = (numbers(&[BATCH, TIME, D]), numbers(&[D]).between(0.1, 0.9));
        check::<Projection>("projection", &head, &[x]);
        for layer in layers {
            check::<HgrnBlock>("token mixer", &layer.token_mixer, &[x, lower]);
            check::<HgrnBlock>("channel mixer", &layer.channel_mixer, &[x, lower]);
            check::<HgrnLayer>("layer", &layer, &[x, lower]);
        }
        let tokens = ids(&[BATCH, TIME], VOCAB as u32);
        check::<HgrnLm>("language model", &model(ternary), &[tokens]);
        check::<HgrnObjective>("objective", &HgrnObjective { model: model(ternary) }, &[tokens, tokens]);
    }
}
