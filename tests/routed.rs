//! Experts behind a gate a token: against the same written out a token at a time, along every kind of gate.

mod common;

use barewire::autodiff::{Model, Wrt, grad, jvp, value, value_and_vjp, vjp};
use barewire::prelude::*;
use barewire::testing::{
    Rng, check_layer, check_layer_adjoint, check_layer_second_order, ids as sample_ids, numbers as sample,
};
use barewire::wire::{from_message, to_message};
use common::{assert_close, bits, digits, matrix, vector};

/// A part for some of the tokens.
#[derive(BareUnion)]
enum Expert {
    #[bare(forward = |x: [batch, time, d]| tanh(linear(weights, x) + bias))]
    Dense {
        #[bare(dims = [d, d])]
        weights: Matrix<f32>,
        #[bare(dims = [d])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| scale * ternary_linear(digits, x))]
    Ternary {
        #[bare(dims = [d, d], scaled_by = scale)]
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(forward = |x: [batch, time, d]| x * gain)]
    Scaled {
        #[bare(dims = [d])]
        gain: Vec<f32>,
    },
}

/// One that remembers.
#[derive(BareUnion)]
enum Memory {
    #[bare(forward = |x: [batch, time, d]| gated_linear_recurrence(sigmoid(x * gain), x))]
    Recurrence {
        #[bare(dims = [d])]
        gain: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| x + silu(x * gain))]
    Nothing {
        #[bare(dims = [d])]
        gain: Vec<f32>,
    },
}

/// By the gate's own value.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| x + experts(x, softmax(linear(router, x))))]
struct Switch {
    #[bare(dims = [n, d])]
    router: Matrix<f32>,
    #[bare(axes(d = d, experts = n))]
    experts: Routed<Expert>,
}

/// A boolean gate of two, with a slope of its own.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| {
    let on = surrogate(step(linear(gate, x)), sigmoid);
    let both: [batch, time, two] = concat(on, 1 - on);
    experts(x, both)
})]
struct Boolean {
    #[bare(dims = [one, d])]
    gate: Matrix<f32>,
    #[bare(axes(d = d, experts = two))]
    experts: Routed<Expert>,
}

/// By a tag a token: no gradient to the gate.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d], tags: u32[batch, time]| experts(x, embedding(table, tags)))]
struct Tagged {
    #[bare(dims = [tags, n], fixed)]
    table: Matrix<f32>,
    #[bare(axes(d = d, experts = n))]
    experts: Routed<Expert>,
}

/// Experts that remember what they were given, behind a gate that is stopped.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| experts(x, stop(x)))]
struct Remembering {
    #[bare(axes(d = d, experts = d))]
    experts: Routed<Memory>,
}

const BATCH: usize = 2;
const TIME: usize = 7;
const D: usize = 3;
const N: usize = BATCH * TIME;

fn experts(rng: &mut Rng) -> Routed<Expert> {
    Routed(vec![
        Expert::Dense { weights: matrix(rng, D, D), bias: vector(rng, D) },
        Expert::Ternary { digits: digits(rng, D, D), scale: 0.5 },
        Expert::Scaled { gain: vector(rng, D) },
    ])
}

/// The gates as given, so that the path can be seen.
#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d], gates: [batch, time, n]| experts(x, gates))]
struct Given {
    #[bare(axes(d = d, experts = n))]
    experts: Routed<Expert>,
}

/// Each token alone: the expert of its largest gate, times the gate.
#[test]
fn a_token_at_a_time() {
    let mut rng = Rng::new(1);
    let part = Given { experts: experts(&mut rng) };
    let index = Index::new();
    let model = Checked::<Given>::new(part.view(&index)).unwrap();
    let (x, mut gates) = (vector(&mut rng, N * D), vector(&mut rng, N * 3));
    // a tie, a NaN, and a token whose gates are all 0
    gates[..9].copy_from_slice(&[0.5, 0.5, -1.0, f32::NAN, 0.25, 0.125, 0.0, 0.0, 0.0]);
    let mut y = vec![f32::NAN; N * D];
    let inputs = [numbers(&x, &[BATCH, TIME, D]), numbers(&gates, &[BATCH, TIME, 3])];
    model.forward(&inputs, &mut [&mut y], &mut Default::default(), &mut Workspace::new()).unwrap();

    let (mut path, mut expected) = (Vec::new(), Vec::new());
    for (x, gates) in x.chunks(D).zip(gates.chunks(3)) {
        let best =
            (0..3).filter(|i| !gates[*i].is_nan()).reduce(|a, b| if gates[b] > gates[a] { b } else { a }).unwrap();
        let expert = Checked::<Expert>::new(part.experts.0[best].view(&index)).unwrap();
        let mut out = vec![0.0_f32; D];
        let input = [numbers(x, &[1, 1, D])];
        expert.forward(&input, &mut [&mut out], &mut Default::default(), &mut Workspace::new()).unwrap();
        expected.extend(out.iter().map(|e| gates[best] * e));
        path.push(best as i8);
    }
    assert_eq!(bits(&y), bits(&expected));
    assert_eq!(path[..3], [0, 1, 0]);

    let (mut state, mut workspace) = (Default::default(), Workspace::new());
    let pass = model.forward_saving(&inputs, &mut state, &mut workspace).unwrap();
    assert_eq!(bits(pass.result(0)), bits(&expected));
    let residual = pass.residual().r0;
    assert_eq!(residual.tags(), path);
    assert_eq!(residual.gates()[0], 0.5);
}

/// A byte and a gate a token, what the experts gave, and what they keep: here their own input.
#[test]
fn the_residual_is_the_path_and_what_the_taken_experts_keep() {
    let mut rng = Rng::new(8);
    let dense = |rng: &mut Rng| Expert::Dense { weights: matrix(rng, D, D), bias: vector(rng, D) };
    let part = Given { experts: Routed(vec![dense(&mut rng), dense(&mut rng)]) };
    let index = Index::new();
    let model = Checked::<Given>::new(part.view(&index)).unwrap();
    let (x, gates) = (vector(&mut rng, N * D), vector(&mut rng, N * 2));
    let inputs = [numbers(&x, &[BATCH, TIME, D]), numbers(&gates, &[BATCH, TIME, 2])];
    let mut workspace = Workspace::new();
    model.forward_saving(&inputs, &mut Default::default(), &mut workspace).unwrap();
    assert_eq!(workspace.saved_bytes(), N + 4 * N + 4 * N * D + 4 * N * D);
}

#[test]
fn gradients_of_every_gate() {
    let mut rng = Rng::new(2);
    let index = Index::new();
    let x = sample(&[BATCH, TIME, D]);
    let switch = Switch { router: matrix(&mut rng, 3, D), experts: experts(&mut rng) };
    check_layer::<Switch>(switch.view(&index), &[x], 1).unwrap();
    check_layer_second_order::<Switch>(switch.view(&index), &[x], 1).unwrap();
    let Routed(mut two) = experts(&mut rng);
    two.pop();
    let boolean = Boolean { gate: matrix(&mut rng, 1, D), experts: Routed(two) };
    check_layer_adjoint::<Boolean>(boolean.view(&index), &[x], 1).unwrap();
    let table = Matrix::from_vec(4, 3, vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]).unwrap();
    let tagged = Tagged { table, experts: experts(&mut rng) };
    check_layer::<Tagged>(tagged.view(&index), &[x, sample_ids(&[BATCH, TIME], 4)], 1).unwrap();
    let remembering = Remembering { experts: Routed(memories(&mut rng)) };
    check_layer_adjoint::<Remembering>(remembering.view(&index), &[x], 1).unwrap();
    check_layer_second_order::<Remembering>(remembering.view(&index), &[x], 1).unwrap();
    // no token, and one
    for sizes in [[0, 3, D], [2, 0, D], [1, 1, D]] {
        check_layer::<Switch>(switch.view(&index), &[sample(&sizes)], 1).unwrap();
    }
}

fn memories(rng: &mut Rng) -> Vec<Memory> {
    vec![
        Memory::Recurrence { gain: vector(rng, D) },
        Memory::Nothing { gain: vector(rng, D) },
        Memory::Recurrence { gain: vector(rng, D) },
    ]
}

/// An expert that no token took gets no gradient, and the gate only that of the path.
#[test]
fn gradients_flow_along_the_path() {
    let mut rng = Rng::new(3);
    let part = Given { experts: experts(&mut rng) };
    let index = Index::new();
    let checked = Checked::<Given>::new(part.view(&index)).unwrap();
    let (x, gates) = (vector(&mut rng, 2 * D), [0.1, 0.9, 0.2, 0.3, 0.0, 0.8]);
    let inputs = [numbers(&x, &[1, 2, D]), numbers(&gates, &[1, 2, 3])];
    let mut workspace = Workspace::new();
    let mut pass = checked.forward_saving(&inputs, &mut Default::default(), &mut workspace).unwrap();
    let (mut gates_cot, mut grad) = (vec![f32::NAN; 6], GivenCotangent::default());
    let cot = [1.0; 2 * D];
    pass.vjp(&[&cot], &mut [Slot::Skip, Slot::Write(&mut gates_cot)], &mut grad, &mut Default::default()).unwrap();
    assert!(matches!(
        &grad.experts[..],
        [ExpertCotangent::Zero, ExpertCotangent::Ternary { .. }, ExpertCotangent::Scaled { .. }]
    ));
    assert_eq!([gates_cot[0], gates_cot[2], gates_cot[3], gates_cot[4]], [0.0; 4]);
    let ExpertCotangent::Scaled { gain } = &grad.experts[2] else { unreachable!() };
    let expected: Vec<f32> = x[D..].iter().map(|x| 0.8 * x).collect();
    assert_eq!(gain.values(), expected);
}

/// Single steps and chunks give the bits of the whole, also where experts remember.
#[test]
fn streams() {
    let mut rng = Rng::new(4);
    let part = Remembering { experts: Routed(memories(&mut rng)) };
    let index = Index::new();
    let model = Checked::<Remembering>::new(part.view(&index)).unwrap();
    let x = vector(&mut rng, N * D);
    let mut whole = vec![0.0; N * D];
    let input = [numbers(&x, &[BATCH, TIME, D])];
    model.forward(&input, &mut [&mut whole], &mut Default::default(), &mut Workspace::new()).unwrap();
    for lengths in [vec![1; TIME], vec![3, 0, 4]] {
        let (mut state, mut workspace, mut start) = (Default::default(), Workspace::new(), 0);
        let mut found = vec![0.0; N * D];
        for length in lengths {
            let rows = |b: usize| (b * TIME + start) * D..(b * TIME + start + length) * D;
            let part: Vec<f32> = (0..BATCH).flat_map(|b| x[rows(b)].to_vec()).collect();
            let mut y = vec![0.0; BATCH * length * D];
            model.step(&[numbers(&part, &[BATCH, length, D])], &mut [&mut y], &mut state, &mut workspace).unwrap();
            for b in 0..BATCH {
                found[rows(b)].copy_from_slice(&y[b * length * D..][..length * D]);
            }
            start += length;
        }
        assert_eq!(bits(&found), bits(&whole));
    }
}

/// What an expert remembers are its own tokens: its run over them alone.
#[test]
fn a_memory_is_of_its_own_tokens() {
    let mut rng = Rng::new(5);
    let part = Remembering { experts: Routed(memories(&mut rng)) };
    let index = Index::new();
    let model = Model::new(
        Checked::<Remembering>::new(part.view(&index)).unwrap(),
        &[numbers(&[0.0_f64; N * D], &[BATCH, TIME, D])],
    );
    let model = model.unwrap().by(&[Wrt::Inputs]);
    let x: Vec<f64> = (0..N * D).map(|_| rng.between(-1.0, 1.0)).collect();
    let y = value(&model, &x).unwrap();
    for (x, y) in x.chunks(TIME * D).zip(y.chunks(TIME * D)) {
        for (expert, memory) in part.experts.0.iter().enumerate() {
            let largest = |row: &[f64]| (0..D).reduce(|a, b| if row[b] > row[a] { b } else { a }).unwrap();
            let own: Vec<usize> = (0..TIME).filter(|t| largest(&x[t * D..][..D]) == expert).collect();
            let given: Vec<f64> = own.iter().flat_map(|t| x[t * D..][..D].to_vec()).collect();
            let alone = Checked::<Memory>::new(memory.view(&index)).unwrap();
            let mut out = vec![0.0; given.len()];
            let input = [numbers(&given, &[1, own.len(), D])];
            alone.forward(&input, &mut [&mut out], &mut Default::default(), &mut Workspace::new()).unwrap();
            for (t, out) in own.iter().zip(out.chunks(D)) {
                let gate = x[t * D + expert];
                let expected: Vec<f64> = out.iter().map(|e| gate * e).collect();
                assert_eq!(y[t * D..][..D], expected);
            }
        }
    }
    // and forward mode agrees with reverse mode across the gate
    let (v, w) = (y.iter().map(|y| y.cos()).collect::<Vec<f64>>(), y.iter().map(|y| y.sin()).collect::<Vec<f64>>());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (_, pulled) = value_and_vjp(&model, &x, &w).unwrap();
    assert_close("adjoint", &[dot(&jvp(&model, &x, &v).unwrap(), &w)], &[dot(&v, &pulled)], 1e-12);
    assert_eq!(vjp(&model, &x, &w).unwrap(), pulled);
    assert!(grad(&model, &x).is_err());
}

#[test]
fn what_does_not_fit_is_said_at_load() {
    let mut rng = Rng::new(6);
    let index = Index::new();
    let said = |part: &Switch| Checked::<Switch>::new(part.view(&index)).err().unwrap().to_string();
    let wrong = Switch { router: matrix(&mut rng, 2, D), experts: experts(&mut rng) };
    assert_eq!(said(&wrong), "expected `n` = 2 as in `router`, found 3 in `experts.experts`");
    let mut wrong = Switch { router: matrix(&mut rng, 3, D), experts: experts(&mut rng) };
    wrong.experts.0[1] = Expert::Scaled { gain: vector(&mut rng, D + 1) };
    assert!(said(&wrong).contains("`d` = 3 as in `0.d`, found 4 in `1.d`"), "{}", said(&wrong));
    let none = Switch { router: matrix(&mut rng, 0, D), experts: Routed(Vec::new()) };
    assert!(said(&none).contains("1 to 127 experts"), "{}", said(&none));
    let many = Routed((0..128).map(|_| Expert::Scaled { gain: vector(&mut rng, D) }).collect());
    let many = Switch { router: matrix(&mut rng, 128, D), experts: many };
    assert!(said(&many).contains("1 to 127 experts"), "{}", said(&many));
}

#[test]
fn on_the_wire_it_is_a_list() {
    let mut rng = Rng::new(7);
    let part = experts(&mut rng);
    let message = to_message(&part);
    assert_eq!(message[..], to_message(&part.0)[..]);
    assert_eq!(to_message(&from_message::<Routed<Expert>>(&message).unwrap())[..], message[..]);
}
