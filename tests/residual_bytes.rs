//! What a union keeps for its backward pass is what the taken variant needs, to the byte.

mod common;

use barewire::prelude::*;
use barewire::testing::Rng;
use common::{matrix, vector};

/// Variants that keep no array, one, and two. All read their input, which the caller has.
#[derive(BareUnion)]
enum Activation {
    /// the derivative is a number
    #[bare(forward = |x: [batch, d]| 2 * x)]
    Double,
    /// `x^2`: the input is enough
    #[bare(forward = |x: [batch, d]| square(x))]
    Square,
    /// `tanh x`: the result is enough
    #[bare(forward = |x: [batch, d]| tanh(x))]
    Tanh,
    /// keeps `sigmoid x`
    #[bare(forward = |x: [batch, d]| silu(x))]
    Silu,
    /// keeps `sigmoid x` and `exp -x^2`
    #[bare(forward = |x: [batch, d]| silu(x) * exp(-square(x)))]
    Bump,
}

const N: usize = 3 * 7;

/// Bytes that a forward pass puts aside.
fn bytes<T: Layer>(part: &T, sizes: &[usize]) -> usize {
    let index = Index::new();
    let model = Checked::<T>::new(part.view(&index)).unwrap();
    let x = vector(&mut Rng::new(1), sizes.iter().product());
    let mut workspace = Workspace::new();
    let mut seen = Vec::new();
    // cold and warm runs say the same
    for _ in 0..3 {
        model.forward_saving::<f32>(&[numbers(&x, sizes)], &mut Default::default(), &mut workspace).unwrap();
        seen.push(workspace.saved_bytes());
    }
    assert!(seen.iter().all(|bytes| *bytes == seen[0]), "{seen:?}");
    seen[0]
}

#[test]
fn only_what_the_variant_needs() {
    let found = [Activation::Double, Activation::Square, Activation::Tanh, Activation::Silu, Activation::Bump]
        .map(|activation| bytes(&activation, &[3, 7]));
    let array = N * size_of::<f32>();
    assert_eq!(found, [0, 0, 0, array, 2 * array]);
}

/// A value between two calls is kept once, whoever needs it.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| { let h = linear(weights, x); h * activation(h) })]
struct Gate {
    #[bare(dims = [d, d])]
    weights: Matrix<f32>,
    activation: Activation,
}

#[test]
fn a_value_of_several_users_is_kept_once() {
    let array = N * size_of::<f32>();
    let gate = |activation| Gate { weights: matrix(&mut Rng::new(2), 7, 7), activation };
    // `h` and `activation(h)`, which the product needs; then what the variant adds
    assert_eq!(bytes(&gate(Activation::Double), &[3, 7]), 2 * array);
    assert_eq!(bytes(&gate(Activation::Tanh), &[3, 7]), 2 * array);
    assert_eq!(bytes(&gate(Activation::Bump), &[3, 7]), 4 * array);
}

/// Layers in a list keep what their own variants need.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| layers(x))]
struct List {
    layers: Vec<Activation>,
}

#[test]
fn a_list_keeps_the_sum_of_its_layers() {
    let array = N * size_of::<f32>();
    let list = |layers| List { layers };
    // the union may need a layer's input and result, so the value behind each layer is kept
    assert_eq!(bytes(&list(vec![Activation::Double]), &[3, 7]), array);
    assert_eq!(bytes(&list(vec![Activation::Double, Activation::Bump]), &[3, 7]), 2 * array + 2 * array);
}
