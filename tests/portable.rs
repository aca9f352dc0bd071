//! A backward pass in another process: the residual goes there as a message, and the gradients are the same to the bit.

mod common;

use std::process::Command;

use barewire::part::Leaf;
use barewire::prelude::*;
use barewire::residual::{ModelId, pass_schema};
use barewire::testing::Rng;
use barewire::wire::{AlignedBuf, Pads, Types, Value, to_message};
use common::{bits, digits, matrix, vector};

/// A function whose residual travels.
#[differentiable(portable)]
fn squashed(#[bare(dims = [d, d])] w: Matrix<f32>, x: (batch, time, d)) -> (batch, time, d) {
    tanh(linear(w, x)) * softmax(x)
}

/// One whose residual is its input and the state that it started from.
#[differentiable(portable, recompute)]
fn remembered(x: (batch, time, d), #[bare(dims = [d, d])] w: Matrix<f32>) -> (batch, time, d) {
    gated_linear_recurrence(sigmoid(linear(w, x)), x)
}

/// An op a variant, or a few; every residual of this crate's ops over numbers.
#[derive(BareUnion)]
#[bare(portable)]
enum Op {
    #[bare(forward = |x: [batch, time, d]| rms_norm(x, w, 1e-6) + layer_norm(x, w, b, 1e-6) * rms_normalize(x, 1e-6))]
    Norms {
        #[bare(dims = [d])]
        w: Vec<f32>,
        #[bare(dims = [d])]
        b: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| linear_bias(w, b, silu(linear(w, x))))]
    Dense {
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
        #[bare(dims = [d])]
        b: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| scale * ternary_linear(ternary, bit_linear(ternary, scale, tanh(x))))]
    Ternary {
        #[bare(dims = [d, d], scaled_by = scale)]
        ternary: TernaryMatrix,
        scale: f32,
    },
    #[bare(forward = |x: [batch, time, d]| binary_linear(binary, quantized_linear(quantized, x)))]
    Packed {
        #[bare(dims = [d, d])]
        binary: BinaryMatrix,
        #[bare(dims = [d, d])]
        quantized: QuantizedMatrix,
    },
    #[bare(forward = |x: [batch, time, d]| {
        let (a, b): ([batch, time, half], [batch, time, half]) = split(exp(x));
        let y: [batch, time, d] = concat(b, a * b);
        y
    })]
    Halves,
    #[bare(forward = |x: [batch, time, d]| softmax(x) + log_softmax(square(x)) * top_k(x, k))]
    Softmax { k: u32 },
    #[bare(forward = |x: [batch, time, d]| x * mean(x) + sum(x) / logsumexp(x) + dot(x, silu(x)))]
    Reductions,
    #[bare(forward = |x: [batch, time, d]| {
        let f = sigmoid(x);
        gated_linear_recurrence(f, (1 - f) * x)
    })]
    Gated,
    #[bare(forward = |x: [batch, time, d]| diagonal_scan(a, b, c, skip, causal_conv1d(w, bias, x)))]
    Scan {
        #[bare(dims = [d, n])]
        a: Matrix<f32>,
        #[bare(dims = [d, n])]
        b: Matrix<f32>,
        #[bare(dims = [d, n])]
        c: Matrix<f32>,
        #[bare(dims = [d])]
        skip: Vec<f32>,
        #[bare(dims = [d, k])]
        w: Matrix<f32>,
        #[bare(dims = [d])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| {
        let a = -exp(a_log);
        let y = selective_scan(x, softplus(x), a, linear(b, x), linear(c, x), skip);
        gated_selective_scan(y, x, a, linear(b, x), linear(c, x), skip, silu(x), dt_bias)
    })]
    Selective {
        #[bare(dims = [d, n])]
        a_log: Matrix<f32>,
        #[bare(dims = [n, d])]
        b: Matrix<f32>,
        #[bare(dims = [n, d])]
        c: Matrix<f32>,
        #[bare(dims = [d])]
        skip: Vec<f32>,
        #[bare(dims = [d])]
        dt_bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| {
        let q = rope(linear(w, x), heads, 10000);
        let y = attention(q, x, silu(x), heads) + causal_attention(q, silu(x), x, heads);
        y + sliding_window_attention(q, x, y, heads, window, stride)
    })]
    Attention {
        heads: u32,
        window: u32,
        stride: u32,
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| linear_attention(exp(x), exp(linear(w, x)), x, heads, 1e-6))]
    LinearAttention {
        heads: u32,
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| {
        let (v, spikes): ([batch, time, d], [batch, time, d]) = izhikevich(8 * x, 0.02, 0.2, -65, 8, 0.5);
        let fired = lif(x, 0.5, 0.9, refractory, slope) + spike_response(x, kernel, adaptation, 0.1, 2);
        v * 0.01 + spikes + fired
    })]
    Spikes {
        #[bare(dims = [k])]
        kernel: Vec<f32>,
        #[bare(dims = [m])]
        adaptation: Vec<f32>,
        refractory: u32,
        slope: f32,
    },
    /// only its inputs, and the state
    #[bare(recompute, forward = |x: [batch, time, d]| gated_linear_recurrence(sigmoid(linear(w, x)), x))]
    Again {
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| block_diagonal_scan(transition, block_diagonal(mixing, x)))]
    Blocks {
        #[bare(dims = [d, block])]
        transition: Matrix<f32>,
        #[bare(dims = [d, half])]
        mixing: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| squashed(w, remembered(x, w)))]
    Called {
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
    },
    #[bare(forward = squashed)]
    Squashed {
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
    },
    #[bare(forward = remembered)]
    Remembered {
        #[bare(dims = [d, d])]
        w: Matrix<f32>,
    },
    /// nothing at all
    #[bare(forward = |x: [batch, time, d]| scale * x)]
    Scale {
        #[bare(fixed)]
        scale: f32,
    },
}

#[derive(BareStruct)]
#[bare(portable, forward = |tokens: u32[batch, time]| {
    let h = last(again(ops(embedding(table, tokens))));
    (linear(table, h), h)
})]
struct Model {
    #[bare(dims = [vocab, d])]
    table: Matrix<f32>,
    #[bare(axes(d = d))]
    ops: Vec<Op>,
    #[bare(axes(d = d), checkpoint = 2)]
    again: Vec<Op>,
    #[bare(axes(d = d))]
    last: Op,
}

const BATCH: usize = 2;
const TIME: usize = 5;
const D: usize = 8;
const VOCAB: usize = 6;

fn op(which: usize, rng: &mut Rng) -> Op {
    let square = |rng: &mut Rng| matrix(rng, D, D);
    match which {
        0 => Op::Norms { w: vector(rng, D), b: vector(rng, D) },
        1 => Op::Dense { w: square(rng), b: vector(rng, D) },
        2 => Op::Ternary { ternary: digits(rng, D, D), scale: 0.3 },
        3 => {
            let codes: Vec<u8> = (0..D * D).map(|i| (i * 7 % 16) as u8).collect();
            let bits: Vec<bool> = codes.iter().map(|code| code % 3 == 0).collect();
            Op::Packed {
                binary: BinaryMatrix::from_bits(D, D, &bits).unwrap(),
                quantized: QuantizedMatrix::from_codes(D, D, 4, 0.1, 8.0, &codes).unwrap(),
            }
        }
        4 => Op::Halves,
        5 => Op::Softmax { k: 3 },
        6 => Op::Reductions,
        7 => Op::Gated,
        8 => {
            let [a, b, c] = [(); 3].map(|()| matrix(rng, D, 3));
            Op::Scan { a, b, c, skip: vector(rng, D), w: matrix(rng, D, 3), bias: vector(rng, D) }
        }
        9 => {
            let (b, c) = (matrix(rng, 3, D), matrix(rng, 3, D));
            Op::Selective { a_log: matrix(rng, D, 3), b, c, skip: vector(rng, D), dt_bias: vector(rng, D) }
        }
        10 => Op::Attention { heads: 2, window: 2, stride: 1, w: square(rng) },
        11 => Op::LinearAttention { heads: 2, w: square(rng) },
        12 => Op::Spikes { kernel: vector(rng, 3), adaptation: vector(rng, 2), refractory: 1, slope: 2.0 },
        13 => Op::Again { w: square(rng) },
        14 => Op::Blocks { transition: matrix(rng, D, 2), mixing: matrix(rng, D, 4) },
        15 => Op::Called { w: square(rng) },
        16 => Op::Squashed { w: square(rng) },
        17 => Op::Remembered { w: square(rng) },
        _ => Op::Scale { scale: 0.5 },
    }
}

fn model() -> Region<Model> {
    let rng = &mut Rng::new(4);
    let table = matrix(rng, VOCAB, D);
    let ops = (0..19).map(|which| op(which, rng)).collect();
    let again = [7, 1, 8].map(|which| op(which, rng)).into();
    Region::encode(&Model { table, ops, again, last: op(7, rng) })
}

/// Gradients of everything, and cotangents of the state.
fn gradients(pass: &mut Pass<'_, Model, f32>, region: &Region<Model>) -> Vec<u32> {
    let index = Index::new();
    let cots = [0, 1].map(|i| vector(&mut Rng::new(9), pass.dims(i).len()));
    let (mut grad, mut state) = (ModelCotangent::default(), ModelState::default());
    pass.vjp(&[&cots[0], &cots[1]], &mut [Slot::Skip], &mut grad, &mut state).unwrap();
    let mut found = Vec::new();
    Model::walk::<f32, f32>(region.view(&index).unwrap(), &mut grad, &mut String::new(), &mut |leaf: Leaf<'_, f32>| {
        found.extend(bits(leaf.grad));
    })
    .unwrap();
    barewire::state::State::arrays(&mut state, &mut |values| found.extend(bits(values)));
    found
}

/// The second chunk of a text, whose state is not empty, as a message; and its gradients.
fn sent(region: &Region<Model>) -> (AlignedBuf, Vec<u32>) {
    let index = Index::new();
    let model = Checked::<Model>::new(region.view(&index).unwrap()).unwrap();
    let tokens: Vec<u32> = (0..BATCH * TIME).map(|i| (i * i % VOCAB) as u32).collect();
    let (mut state, mut workspace) = (ModelState::default(), Workspace::<f32>::new());
    let mut results = [vec![0.0; BATCH * TIME * VOCAB], vec![0.0; BATCH * TIME * D]];
    let [y, h] = &mut results;
    model.forward(&[ids(&tokens, &[BATCH, TIME])], &mut [y, h], &mut state, &mut workspace).unwrap();
    let mut pass = model.forward_saving(&[ids(&tokens, &[BATCH, TIME])], &mut state, &mut workspace).unwrap();
    let mut message = AlignedBuf::new();
    pass.send(ModelId::of(region.bytes()), &mut message).unwrap();
    let found = gradients(&mut pass, region);
    (message, found)
}

const MOST: usize = 1 << 10;

#[test]
fn the_same_process_gets_the_same_gradients() {
    let region = model();
    let (message, expected) = sent(&region);
    let index = Index::new();
    let receiver = Checked::<Model>::new(region.view(&index).unwrap()).unwrap();
    let mut workspace = Workspace::new();
    // cold and warm
    for _ in 0..3 {
        let mut pass = receiver.receive(&message, ModelId::of(region.bytes()), MOST, &mut workspace).unwrap();
        assert_eq!(pass.input_dims(0).sizes(), [BATCH, TIME]);
        assert_eq!(gradients(&mut pass, &region), expected);
        // what was received can be sent on
        let mut again = AlignedBuf::new();
        pass.send(ModelId::of(region.bytes()), &mut again).unwrap();
        assert_eq!(again[..], message[..]);
    }
}

const HANDED_OVER: &str = "BAREWIRE_TEST_PASS";

/// Runs this binary once more, as the process that has the model's file, the message, and nothing else.
#[test]
fn another_process_gets_the_same_gradients() {
    if let Some(folder) = std::env::var_os(HANDED_OVER) {
        return other_process(folder.as_ref());
    }
    let folder = std::env::temp_dir().join(format!("barewire-pass-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let region = model();
    region.save(folder.join("model.bare")).unwrap();
    let (message, expected) = sent(&region);
    std::fs::write(folder.join("message"), &message[..]).unwrap();
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "another_process_gets_the_same_gradients", "--nocapture"])
        .env(HANDED_OVER, &folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let found = std::fs::read(folder.join("gradients")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let expected: Vec<u8> = expected.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    assert!(expected.len() > 1000 && found == expected);
}

fn other_process(folder: &std::path::Path) {
    let region = Region::<Model>::open(folder.join("model.bare")).unwrap();
    let message = AlignedBuf::copy_from(&std::fs::read(folder.join("message")).unwrap());
    let index = Index::new();
    let model = Checked::<Model>::new(region.view(&index).unwrap()).unwrap();
    let mut workspace = Workspace::new();
    let mut pass = model.receive(&message, ModelId::of(region.bytes()), MOST, &mut workspace).unwrap();
    let found: Vec<u8> = gradients(&mut pass, &region).iter().flat_map(|bits| bits.to_le_bytes()).collect();
    std::fs::write(folder.join("gradients"), found).unwrap();
}

/// Receives, and if that succeeds runs the backward pass, which must not panic either.
fn hostile(message: &[u8], region: &Region<Model>) -> Result<(), barewire::Error> {
    let index = Index::new();
    let model = Checked::<Model>::new(region.view(&index).unwrap()).unwrap();
    let mut workspace = Workspace::new();
    let aligned = AlignedBuf::copy_from(message);
    let mut pass = model.receive(&aligned, ModelId::of(region.bytes()), MOST, &mut workspace)?;
    let cots = [0, 1].map(|i| vec![1.0; pass.dims(i).len()]);
    pass.vjp(&[&cots[0], &cots[1]], &mut [Slot::Skip], &mut ModelCotangent::default(), &mut ModelState::default())
}

#[test]
fn hostile_octets_are_errors() {
    let region = model();
    let (message, _) = sent(&region);
    assert!(hostile(&message, &region).is_ok());
    let tail = [&message[..], &[0]].concat();
    assert!(hostile(&tail, &region).is_err());
    for end in (0..message.len()).step_by(message.len() / 40).chain([48, 49, 50]) {
        assert!(hostile(&message[..end], &region).is_err(), "{end} octets");
    }
    // one octet changed: an error, or other numbers
    let mut rng = Rng::new(6);
    let (mut refused, mut other) = (0, 0);
    for at in (48..message.len()).step_by(message.len() / 60) {
        let mut changed = message.to_vec();
        changed[at] ^= 1 << (rng.next_u64() % 8);
        match hostile(&changed, &region) {
            Ok(()) => other += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0 && other > 0, "{refused} refused, {other} not");
}

#[test]
fn errors_say_what_does_not_fit() {
    let region = model();
    let (message, _) = sent(&region);
    let index = Index::new();
    let model = Checked::<Model>::new(region.view(&index).unwrap()).unwrap();
    let id = ModelId::of(region.bytes());
    let error = |message: &[u8], id, most| {
        let aligned = AlignedBuf::copy_from(message);
        let mut workspace = Workspace::new();
        let error = model.receive(&aligned, id, most, &mut workspace).err().unwrap();
        error.to_string()
    };
    let other = error(&message, ModelId::of(b"another model"), MOST);
    assert!(other.contains("a pass of this model"), "{other}");
    let small = error(&message, id, 9);
    assert!(small.contains("at most 9 elements") && small.contains("10"), "{small}");
    let mut changed = message.to_vec();
    changed[0] ^= 1;
    let schema = error(&changed, id, MOST);
    assert!(schema.contains("a pass of these equations"), "{schema}");
}

/// Another variant than the message has, in a model of the same schema.
#[test]
fn a_residual_of_another_variant_is_refused() {
    #[track_caller]
    fn refused(error: Option<barewire::Error>) {
        let error = error.unwrap().to_string();
        assert!(error.contains("the residual of `Scale`, tag 18") && error.contains("tag 7"), "{error}");
    }
    let x = vector(&mut Rng::new(1), BATCH * TIME * D);
    let given = [numbers(&x, &[BATCH, TIME, D])];
    let (gated, scale) = (Op::Gated, Op::Scale { scale: 0.5 });
    let index = Index::new();
    let (from, to) = (Checked::<Op>::new(gated.view(&index)).unwrap(), Checked::<Op>::new(scale.view(&index)).unwrap());
    let (mut workspace, mut message) = (Workspace::new(), AlignedBuf::new());
    let id = ModelId::of(b"both claim to be the same");
    from.forward_saving::<f32>(&given, &mut Default::default(), &mut workspace)
        .unwrap()
        .send(id, &mut message)
        .unwrap();
    let mut workspace = Workspace::new();
    refused(to.receive(&message, id, MOST, &mut workspace).err());
}

/// What any BARE reader sees.
#[test]
fn a_message_is_a_value_of_its_schema() {
    let region = model();
    let (message, _) = sent(&region);
    let schema = pass_schema::<Model>();
    schema.check().unwrap();
    let text = schema.text();
    for line in [
        "type OpScaleResidual void\n",
        "type OpAgainResidual struct { state: list<F32Array> }\n",
        "type OpResidual union {",
        "type ModelResidual struct {",
        "type Pass struct {",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    let types = Types::new(schema).unwrap();
    Value::decode(types.root(), &message, Pads::Aligned).unwrap();
    // no parameters: the file of the model is about as large, and none of its matrices is in here
    let weights = to_message(&region.decode().unwrap().table);
    let numbers = &weights[weights.len() - VOCAB * D * 4..];
    assert!(!message.windows(numbers.len()).any(|window| window == numbers));
}
