//! The network: three ternary matrices with norms between them.

use std::collections::BTreeMap;

use anyhow::Result;
use barewire::kernels::ternary;
use barewire::prelude::*;
use barewire::train::Random;

/// Pixels of a digit.
pub(crate) const PIXELS: usize = 784;
/// Width inside.
const WIDTH: usize = 256;

/// Class scores of digits.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, pixels]| {
    let a = relu(rms_norm(bit_linear(first, first_scale, x), first_gain, 1e-6));
    let b = relu(rms_norm(bit_linear(second, second_scale, a), second_gain, 1e-6));
    bit_linear(third, third_scale, b)
})]
pub(crate) struct Network {
    #[bare(dims = [width, pixels], scaled_by = first_scale)]
    first: TernaryMatrix,
    first_scale: f32,
    #[bare(dims = [width])]
    first_gain: Vec<f32>,
    #[bare(dims = [width, width], scaled_by = second_scale)]
    second: TernaryMatrix,
    second_scale: f32,
    #[bare(dims = [width])]
    second_gain: Vec<f32>,
    #[bare(dims = [classes, width], scaled_by = third_scale)]
    third: TernaryMatrix,
    third_scale: f32,
}

/// The network and what it is to make small.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, pixels], classes: u32[batch]| cross_entropy(network(x), classes))]
pub(crate) struct Objective {
    #[bare(axes(pixels = pixels))]
    pub(crate) network: Network,
}

impl Network {
    /// A network of normal weights, quantised, and these weights by the path of the digits.
    pub(crate) fn random(seed: u64) -> Result<(Self, BTreeMap<&'static str, Vec<f32>>)> {
        let weights = |stream, rows: usize, cols: usize| {
            let mut random = Random::new(seed, stream);
            let deviation = 1.0 / (cols as f32).sqrt();
            let weights: Vec<f32> = (0..rows * cols).map(|_| deviation * random.normal()).collect();
            let mut words = vec![0; ternary::words_len(rows, cols)?];
            let scale = ternary::quantize_absmean(&weights, rows, cols, &mut words)?;
            Ok::<_, anyhow::Error>((TernaryMatrix::from_words(rows, cols, words)?, scale, weights))
        };
        let (first, first_scale, a) = weights(1, WIDTH, PIXELS)?;
        let (second, second_scale, b) = weights(2, WIDTH, WIDTH)?;
        let (third, third_scale, c) = weights(3, 10, WIDTH)?;
        let gain = || vec![1.0; WIDTH];
        let (first_gain, second_gain) = (gain(), gain());
        let network = Network { first, first_scale, first_gain, second, second_scale, second_gain, third, third_scale };
        Ok((network, BTreeMap::from([("first", a), ("second", b), ("third", c)])))
    }
}
