//! What an equation keeps, by attribute: the gradients are the same to the bit, and the bytes are those that the words say.

mod common;

use barewire::list::Checkpointed;
use barewire::part::Leaf;
use barewire::prelude::*;
use barewire::state::State;
use barewire::testing::Rng;
use barewire::wire::{from_message, to_message};
use common::{bits, matrix, vector};

/// The same model under several attributes. Its octets are the same.
macro_rules! model {
    ($name:ident, time: [$($time:tt)*], channels: [$($channels:tt)*], model: [$($model:tt)*], layers: [$($layers:tt)*]) => {
        mod $name {
            use barewire::prelude::*;

            #[derive(BareUnion)]
            pub(super) enum Block {
                #[bare($($time)* forward = |x: [batch, time, d]| {
                    let f = sigmoid(linear(gate, x));
                    let v = (1 - f) * silu(x);
                    x + gated_linear_recurrence(f, v)
                })]
                Time {
                    #[bare(dims = [d, d])]
                    gate: Matrix<f32>,
                },
                #[bare($($channels)* forward = |x: [batch, time, d]| {
                    let wide = linear(up, x);
                    let h = tanh(wide * wide) * wide * exp(-square(wide));
                    x + linear(down, h)
                })]
                Channels {
                    #[bare(dims = [ffn, d])]
                    up: Matrix<f32>,
                    #[bare(dims = [d, ffn])]
                    down: Matrix<f32>,
                },
            }

            #[derive(BareStruct)]
            #[bare($($model)* forward = |tokens: u32[batch, time]| last(layers(embedding(table, tokens))))]
            pub(super) struct Model {
                #[bare(dims = [vocab, d])]
                pub(super) table: Matrix<f32>,
                #[bare($($layers)* axes(d = d))]
                pub(super) layers: Vec<Block>,
                #[bare(axes(d = d))]
                pub(super) last: Block,
            }
        }
    };
}

model!(plain, time: [], channels: [], model: [], layers: []);
model!(blocks, time: [recompute,], channels: [recompute,], model: [], layers: []);
model!(loops, time: [recompute = [v],], channels: [save = [h],], model: [], layers: []);
model!(less, time: [save = [v],], channels: [recompute = [h],], model: [], layers: []);
model!(whole, time: [], channels: [], model: [recompute,], layers: []);
model!(every_layer, time: [], channels: [], model: [], layers: [checkpoint = 1,]);
model!(pairs, time: [], channels: [], model: [], layers: [checkpoint = 2,]);
model!(one_segment, time: [], channels: [], model: [], layers: [checkpoint = 9,]);
model!(root, time: [], channels: [], model: [], layers: [checkpoint,]);
model!(nested, time: [recompute,], channels: [], model: [recompute,], layers: [checkpoint = 2,]);

const BATCH: usize = 2;
const TIME: usize = 6;
const D: usize = 5;
const FFN: usize = 7;
const VOCAB: usize = 4;
const LAYERS: usize = 5;

fn octets() -> Vec<u8> {
    use plain::{Block, Model};
    let rng = &mut Rng::new(11);
    let layers = (0..LAYERS).map(|i| match i % 2 {
        0 => Block::Time { gate: matrix(rng, D, D) },
        _ => Block::Channels { up: matrix(rng, FFN, D), down: matrix(rng, D, FFN) },
    });
    let layers = layers.collect();
    let model = Model { table: matrix(rng, VOCAB, D), layers, last: Block::Time { gate: matrix(rng, D, D) } };
    to_message(&model).to_vec()
}

#[derive(Debug, PartialEq)]
struct Found {
    results: Vec<u32>,
    grads: Vec<(String, Vec<u32>)>,
    /// cotangent of the state before the first chunk
    state: Vec<u32>,
}

/// Two chunks forward, from a state that is carried, and both backward. Also the bytes that each chunk put aside.
fn run<T: Layer + Wire>(octets: &[u8]) -> (Found, [usize; 2]) {
    let part = from_message::<T>(octets).unwrap();
    let index = Index::new();
    let model = Checked::<T>::new(part.view(&index)).unwrap();
    let tokens: Vec<u32> = (0..BATCH * TIME).map(|i| (i * i + 1) as u32 % VOCAB as u32).collect();
    let (mut state, mut state_cot) = (T::State::<f32>::default(), T::State::<f32>::default());
    let mut grad = T::Grad::<f32>::default();
    let mut workspaces = [Workspace::<f32>::new(), Workspace::new()];
    let mut found = Found { results: Vec::new(), grads: Vec::new(), state: Vec::new() };
    let mut passes = Vec::new();
    for (chunk, workspace) in tokens.chunks(BATCH * TIME / 2).zip(&mut workspaces) {
        let pass = model.forward_saving(&[ids(chunk, &[BATCH, TIME / 2])], &mut state, workspace).unwrap();
        found.results.extend(bits(pass.result(0)));
        passes.push(pass);
    }
    let cot = vector(&mut Rng::new(3), BATCH * TIME / 2 * D);
    for pass in passes.iter_mut().rev() {
        pass.vjp(&[&cot], &mut [Slot::Skip], &mut grad, &mut state_cot).unwrap();
    }
    drop(passes);
    state_cot.walk(&mut String::new(), &mut |_, values| found.state.extend(bits(values)));
    T::walk::<f32, f32>(part.view(&index), &mut grad, &mut String::new(), &mut |leaf: Leaf<'_, f32>| {
        found.grads.push((leaf.path.to_owned(), bits(leaf.grad)));
    })
    .unwrap();
    (found, workspaces.map(|workspace| workspace.saved_bytes()))
}

#[test]
fn gradients_are_the_same_to_the_bit() {
    let octets = octets();
    let (expected, _) = run::<plain::Model>(&octets);
    assert!(expected.grads.iter().all(|(path, grad)| grad.iter().any(|bits| *bits != 0) || path.is_empty()));
    assert_eq!(expected.state.len(), 4 * BATCH * D, "four layers carry a state");
    for (what, found) in [
        ("blocks", run::<blocks::Model>(&octets)),
        ("loops", run::<loops::Model>(&octets)),
        ("less", run::<less::Model>(&octets)),
        ("whole", run::<whole::Model>(&octets)),
        ("every layer", run::<every_layer::Model>(&octets)),
        ("pairs", run::<pairs::Model>(&octets)),
        ("one segment", run::<one_segment::Model>(&octets)),
        ("root", run::<root::Model>(&octets)),
        ("nested", run::<nested::Model>(&octets)),
    ] {
        assert_eq!(found.0, expected, "{what}");
    }
}

/// One array over the activations of a chunk.
const ROWS: usize = BATCH * TIME / 2;
const F32: usize = size_of::<f32>();
/// a state of one layer
const STATE: usize = BATCH * D * F32;

/// What a block keeps beside its input, which the caller puts aside.
const TIME_BLOCK: usize = ROWS * D * F32 // `f`; `v` is not read again
    + ROWS * D * F32 // the sigmoid of `silu(x)`
    + ROWS * D * F32 + STATE; // the states of the recurrence, and the one before
const CHANNELS_BLOCK: usize = 2 * ROWS * FFN * F32 // `wide` and `h`
    + 2 * ROWS * FFN * F32; // `tanh` and `exp`
/// A value between two layers.
const VALUE: usize = ROWS * D * F32;
/// Ids are the caller's; the embedding's result is the first layer's input, and the last block's is the list's result.
const BETWEEN: usize = (1 + LAYERS) * VALUE + VALUE;

#[test]
fn bytes_are_what_the_words_say() {
    let octets = octets();
    let layers = 3 * TIME_BLOCK + 2 * CHANNELS_BLOCK;
    let plain = BETWEEN + layers + TIME_BLOCK;
    assert_eq!(run::<plain::Model>(&octets).1, [plain; 2]);

    // nothing but what stands between blocks; in the second chunk also the state that each of four blocks started from
    assert_eq!(run::<blocks::Model>(&octets).1, [BETWEEN, BETWEEN + 4 * STATE]);

    // the sigmoid in `v` goes; `h` keeps its one product that is read again, too
    let wide = ROWS * FFN * F32;
    let loops = plain - 4 * VALUE + 2 * wide;
    assert_eq!(run::<loops::Model>(&octets).1, [loops; 2]);

    // `v` has its two factors as well; `h` keeps no function's result
    let less = plain + 4 * 2 * VALUE - 2 * 2 * wide;
    assert_eq!(run::<less::Model>(&octets).1, [less; 2]);

    // the ids are the caller's: nothing, but for the state of four layers
    assert_eq!(run::<whole::Model>(&octets).1, [0, 4 * STATE]);
}

#[test]
fn a_checkpointed_list_keeps_the_inputs_of_its_segments() {
    let octets = octets();
    // the embedding's result, the list's, the last block; and inputs of segments after the first
    let around = 2 * VALUE + TIME_BLOCK;
    let bytes = |segments: usize| [around + (segments - 1) * VALUE, around + (segments - 1) * VALUE + 3 * STATE];
    assert_eq!(run::<every_layer::Model>(&octets).1, bytes(5));
    assert_eq!(run::<pairs::Model>(&octets).1, bytes(3));
    assert_eq!(run::<one_segment::Model>(&octets).1, bytes(1));
    // the square root of 5, rounded down
    assert_eq!(run::<root::Model>(&octets).1, bytes(3));
}

/// The same function under several attributes, called and as an equation.
macro_rules! function {
    ($name:ident, [$($keys:tt)*]) => {
        mod $name {
            use barewire::prelude::*;

            #[differentiable($($keys)*)]
            pub(super) fn mixed(
                #[bare(dims = [d, d])] gate: Matrix<f32>,
                x: (batch, time, d),
            ) -> (batch, time, d) {
                let wide = linear(gate, x);
                let h = tanh(wide * wide) * wide * exp(-square(wide));
                x + gated_linear_recurrence(sigmoid(wide), h)
            }

            #[derive(BareStruct)]
            #[bare(forward = mixed)]
            pub(super) struct Whole {
                #[bare(dims = [d, d])]
                pub(super) gate: Matrix<f32>,
            }

            #[derive(BareStruct)]
            #[bare(forward = |tokens: u32[batch, time]| whole(mixed(gate, embedding(table, tokens))))]
            pub(super) struct Model {
                #[bare(dims = [vocab, d])]
                pub(super) table: Matrix<f32>,
                #[bare(dims = [d, d])]
                pub(super) gate: Matrix<f32>,
                #[bare(axes(d = d))]
                pub(super) whole: Whole,
            }
        }
    };
}

function!(function, []);
function!(function_again, [recompute]);
function!(function_less, [recompute = [h]]);
function!(function_more, [save = [h]]);

#[test]
fn a_function_keeps_what_its_words_say() {
    let rng = &mut Rng::new(7);
    let whole = function::Whole { gate: matrix(rng, D, D) };
    let octets = to_message(&function::Model { table: matrix(rng, VOCAB, D), gate: matrix(rng, D, D), whole });
    let (expected, _) = run::<function::Model>(&octets);
    assert!(expected.grads.len() == 3 && expected.state.len() == 2 * BATCH * D);

    // the input of each; `wide`, the result of `sigmoid`, the states of the recurrence, and the one before; `tanh` and `exp`
    let (inputs, each, functions) = (2 * VALUE, 3 * VALUE + STATE, 2 * VALUE);
    for (what, (found, bytes), kept) in [
        ("as it is", run::<function::Model>(&octets), [inputs + 2 * (each + functions); 2]),
        ("again", run::<function_again::Model>(&octets), [inputs, inputs + 2 * STATE]),
        ("less", run::<function_less::Model>(&octets), [inputs + 2 * each; 2]),
        // and the one product that is read again
        ("more", run::<function_more::Model>(&octets), [inputs + 2 * (each + functions + VALUE); 2]),
    ] {
        assert_eq!(found, expected, "{what}");
        assert_eq!(bytes, kept, "{what}");
    }
    let told = function_again::mixed_equation::EXPLAINED;
    assert_eq!(told.kept.iter().map(|kept| (kept.what, kept.borrowed)).collect::<Vec<_>>(), [("x", true)]);
}

/// By type in place of the attribute.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| layers(x))]
struct ByType {
    #[bare(axes(d = d))]
    layers: Checkpointed<Vec<plain::Block>, 2>,
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| layers(x))]
struct Plainly {
    #[bare(axes(d = d))]
    layers: Vec<plain::Block>,
}

#[test]
fn the_type_says_the_same_and_has_the_octets_of_the_list() {
    let blocks = |n: u64| -> Vec<plain::Block> {
        (0..n).map(|i| plain::Block::Time { gate: matrix(&mut Rng::new(i), D, D) }).collect()
    };
    for n in [0, 1, 4] {
        let (by_type, plainly) = (ByType { layers: Checkpointed(blocks(n)) }, Plainly { layers: blocks(n) });
        assert_eq!(to_message(&by_type)[..], to_message(&plainly)[..]);
        let x = vector(&mut Rng::new(2), BATCH * TIME * D);
        let x_cot = |found: &mut [f32], run: &mut dyn FnMut(&mut [Slot<'_, f32>])| run(&mut [Slot::Write(found)]);
        let index = Index::new();
        let (a, b) = (
            Checked::<ByType>::new(by_type.view(&index)).unwrap(),
            Checked::<Plainly>::new(plainly.view(&index)).unwrap(),
        );
        let (mut found, mut expected) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let given = [numbers(&x, &[BATCH, TIME, D])];
        let (mut ws_a, mut ws_b) = (Workspace::new(), Workspace::new());
        let mut pass = a.forward_saving(&given, &mut Default::default(), &mut ws_a).unwrap();
        x_cot(&mut found, &mut |slots| {
            pass.vjp(&[&x], slots, &mut Default::default(), &mut Default::default()).unwrap();
        });
        let mut pass = b.forward_saving(&given, &mut Default::default(), &mut ws_b).unwrap();
        x_cot(&mut expected, &mut |slots| {
            pass.vjp(&[&x], slots, &mut Default::default(), &mut Default::default()).unwrap();
        });
        assert_eq!(bits(&found), bits(&expected), "{n} layers");
    }
}

#[test]
fn readers_are_told() {
    let equation = &plain::block::channels::EXPLAINED;
    let names = |kept: &[barewire::explain::Kept]| -> Vec<String> {
        kept.iter().filter(|kept| kept.arrays > 0).map(|kept| format!("{} {}", kept.arrays, kept.what)).collect()
    };
    assert_eq!(names(equation.kept), ["1 x", "1 wide", "2 t1, t4 of h", "1 h"]);
    assert_eq!(names(less::block::channels::EXPLAINED.kept), ["1 x", "1 wide", "1 h"]);
    assert_eq!(names(loops::block::channels::EXPLAINED.kept), ["1 x", "1 wide", "3 t1, t2, t4 of h", "1 h"]);
    let blocks = &blocks::block::channels::EXPLAINED;
    assert_eq!(names(blocks.kept), ["1 x"]);
    assert!(blocks.backward[0].starts_with("// the forward program runs again, from the inputs\n"));
    assert!(pairs::model::EXPLAINED.backward[1].starts_with("// its layers run again, 2 at a time\n"));
}

/// A state that grows along time, and one whose first chunk of the backward pass has no run to learn from.
#[derive(BareUnion)]
enum Attention {
    #[bare(recompute, forward = |x: [batch, time, d]| causal_attention(x, linear(keys, x), silu(x), heads))]
    Causal {
        heads: u32,
        #[bare(dims = [d, d])]
        keys: Matrix<f32>,
    },
}

#[derive(BareUnion)]
enum Kept {
    #[bare(forward = |x: [batch, time, d]| causal_attention(x, linear(keys, x), silu(x), heads))]
    Causal {
        heads: u32,
        #[bare(dims = [d, d])]
        keys: Matrix<f32>,
    },
}

#[test]
fn a_chunk_alone_starts_from_the_state_that_it_had() {
    fn second_chunk<T: Layer + Wire>(octets: &[u8]) -> Vec<u32> {
        let part = from_message::<T>(octets).unwrap();
        let index = Index::new();
        let model = Checked::<T>::new(part.view(&index)).unwrap();
        let x = vector(&mut Rng::new(5), BATCH * TIME * D);
        let half = x.len() / 2;
        let mut state = Default::default();
        let mut y = vec![0.0; half];
        let mut workspace = Workspace::new();
        let chunk = |x| [numbers(x, &[BATCH, TIME / 2, D])];
        model.forward(&chunk(&x[..half]), &mut [&mut y], &mut state, &mut workspace).unwrap();
        let mut pass = model.forward_saving(&chunk(&x[half..]), &mut state, &mut workspace).unwrap();
        // only this chunk backward: its run in the backward pass has never seen a state
        let mut found = vec![0.0; half];
        pass.vjp(&[&y], &mut [Slot::Write(&mut found)], &mut Default::default(), &mut Default::default()).unwrap();
        bits(&found)
    }
    let octets = to_message(&Kept::Causal { heads: 1, keys: matrix(&mut Rng::new(8), D, D) });
    assert_eq!(second_chunk::<Attention>(&octets), second_chunk::<Kept>(&octets));
}
