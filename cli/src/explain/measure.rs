//! Bytes that a forward pass puts aside for its backward pass: a part of the given sizes is made and run, since what an op keeps
//! only the op knows.

use barewire::prelude::*;
use barewire_models::hgrn::{HgrnConfig, HgrnLayer, HgrnLm, HgrnObjective, Projection};
use barewire_models::weight::MatmulFreeWeight;

use super::Sizes;
use crate::Failure;

type Measured = Result<Vec<usize>, Failure>;

fn size(sizes: &Sizes, axis: &str) -> usize {
    sizes.get(axis).copied().unwrap_or(1)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    format!("with these sizes: {error}")
}

/// An input of the equation: its axes; ids or numbers.
enum Given<'a> {
    Numbers(&'a [&'a str]),
    Ids,
}

fn saved<T: Layer>(part: &T, sizes: &Sizes, inputs: &[Given<'_>]) -> Result<usize, Failure> {
    let index = Index::new();
    let model = Checked::<T>::new(part.view(&index)).map_err(failed)?;
    let dims = |axes: &[&str]| axes.iter().map(|axis| size(sizes, axis)).collect::<Vec<usize>>();
    let zeros: Vec<(Vec<f32>, Vec<u32>, Vec<usize>)> = inputs
        .iter()
        .map(|input| {
            let dims = dims(match input {
                Given::Numbers(axes) => axes,
                Given::Ids => &["batch", "time"][..],
            });
            let n = dims.iter().product();
            (vec![0.5; n], vec![0; n], dims)
        })
        .collect();
    let given: Vec<Input<'_, '_, f32>> = inputs
        .iter()
        .zip(&zeros)
        .map(|(input, (reals, tokens, dims))| match input {
            Given::Numbers(_) => numbers(reals, dims),
            Given::Ids => ids(tokens, dims),
        })
        .collect();
    let mut workspace = Workspace::new();
    model.forward_saving::<f32>(&given, &mut Default::default(), &mut workspace).map_err(failed)?;
    Ok(workspace.saved_bytes())
}

const STREAM: Given<'_> = Given::Numbers(&["batch", "time", "d_model"]);
const LOWER: Given<'_> = Given::Numbers(&["d_model"]);
const X: Given<'_> = Given::Numbers(&["batch", "time", "d_in"]);

pub(super) fn matmul_free_weight(sizes: &Sizes) -> Measured {
    let (rows, cols) = (size(sizes, "d_out"), size(sizes, "d_in"));
    let variants = [
        MatmulFreeWeight::Ternary {
            weights: TernaryMatrix::from_digits(rows, cols, &vec![1; rows * cols]).map_err(failed)?,
            scale: 1.0,
        },
        MatmulFreeWeight::Binary {
            bits: BinaryMatrix::from_bits(rows, cols, &vec![true; rows * cols]).map_err(failed)?,
            scale: 1.0,
        },
        MatmulFreeWeight::Quantized {
            values: QuantizedMatrix::from_codes(rows, cols, 4, 1.0, 0.0, &vec![1; rows * cols]).map_err(failed)?,
        },
    ];
    variants.iter().map(|weight| saved(weight, sizes, &[X])).collect()
}

/// A random model of these sizes.
fn model(sizes: &Sizes, ternary: bool) -> Result<HgrnLm, Failure> {
    let [vocab, d_model, layers, ffn] = ["vocab", "d_model", "layers", "ffn"].map(|axis| size(sizes, axis));
    let config = HgrnConfig { vocab, d_model, layers, ffn, ternary };
    Ok(HgrnLm::random(&config, 1).map_err(failed)?.0)
}

pub(super) fn projection(sizes: &Sizes) -> Measured {
    let mut as_head = sizes.clone();
    let resized = [("vocab", size(sizes, "d_out")), ("d_model", size(sizes, "d_in")), ("layers", 1), ("ffn", 1)];
    as_head.extend(resized.map(|(axis, size)| (axis.to_owned(), size)));
    let heads: [Projection; 2] = [model(&as_head, true)?.head, model(&as_head, false)?.head];
    heads.iter().map(|head| saved(head, sizes, &[X])).collect()
}

/// The first layer, with ternary projections.
fn layer(sizes: &Sizes) -> Result<HgrnLayer, Failure> {
    model(sizes, true)?.layers.into_iter().next().ok_or_else(|| "a model has a layer".to_owned())
}

pub(super) fn hgrn_block(sizes: &Sizes) -> Measured {
    let layer = layer(sizes)?;
    [&layer.token_mixer, &layer.channel_mixer].map(|block| saved(block, sizes, &[STREAM, LOWER])).into_iter().collect()
}

pub(super) fn hgrn_layer(sizes: &Sizes) -> Measured {
    Ok(vec![saved(&layer(sizes)?, sizes, &[STREAM, LOWER])?])
}

pub(super) fn hgrn_lm(sizes: &Sizes) -> Measured {
    Ok(vec![saved(&model(sizes, true)?, sizes, &[Given::Ids])?])
}

pub(super) fn hgrn_objective(sizes: &Sizes) -> Measured {
    let objective = HgrnObjective { model: model(sizes, true)? };
    Ok(vec![saved(&objective, sizes, &[Given::Ids, Given::Ids])?])
}
