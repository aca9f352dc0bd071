//! A stream in any chunks gives the same bits, forwards; and gradients that are carried over the cuts, backwards.

mod common;

use barewire::error::ErrorKind;
use barewire::prelude::*;
use barewire::testing::{Rng, check_layer, numbers as sample};
use common::{assert_close, bits, each_number, matrix, vector};

/// Ways to mix along time, and one that does not.
#[derive(BareUnion)]
enum Mixer {
    #[bare(forward = |x: [batch, time, d]| {
        let f = sigmoid(linear(gate, x));
        x + gated_linear_recurrence(f, (1 - f) * x)
    })]
    Gated {
        #[bare(dims = [d, d])]
        gate: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| tanh(diagonal_scan(a, b, c, skip, x)))]
    Scan {
        #[bare(dims = [d, n])]
        a: Matrix<f32>,
        #[bare(dims = [d, n])]
        b: Matrix<f32>,
        #[bare(dims = [d, n])]
        c: Matrix<f32>,
        #[bare(dims = [d])]
        skip: Vec<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| gain * silu(x))]
    Pointwise { gain: f32 },
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| linear(read, last(layers(x))))]
struct Stack {
    #[bare(axes(d = d))]
    layers: Vec<Mixer>,
    #[bare(axes(d = d))]
    last: Mixer,
    #[bare(dims = [d_out, d])]
    read: Matrix<f32>,
}

const BATCH: usize = 2;
const TIME: usize = 12;
const D: usize = 5;
const OUT: usize = 3;

fn gated(rng: &mut Rng) -> Mixer {
    Mixer::Gated { gate: matrix(rng, D, D) }
}

fn scan(rng: &mut Rng) -> Mixer {
    Mixer::Scan { a: matrix(rng, D, 4), b: matrix(rng, D, 4), c: matrix(rng, D, 4), skip: vector(rng, D) }
}

fn stack(rng: &mut Rng) -> Stack {
    let layers = vec![gated(rng), Mixer::Pointwise { gain: 1.2 }, scan(rng)];
    Stack { layers, last: gated(rng), read: matrix(rng, OUT, D) }
}

/// The steps `from..to` of `[batch, time, width]`.
fn cut<T: Copy>(values: &[T], width: usize, from: usize, to: usize) -> Vec<T> {
    let rows = values.chunks(TIME * width);
    rows.flat_map(|row| row[from * width..to * width].iter().copied()).collect()
}

/// Puts the steps `from..to` back.
fn paste<T: Copy>(values: &mut [T], width: usize, from: usize, part: &[T]) {
    let steps = part.len() / (BATCH * width);
    for (row, part) in values.chunks_mut(TIME * width).zip(part.chunks(steps * width)) {
        row[from * width..][..steps * width].copy_from_slice(part);
    }
}

#[test]
fn any_chunks_give_the_same_bits() {
    let mut rng = Rng::new(5);
    let stack = stack(&mut rng);
    let x = vector(&mut rng, BATCH * TIME * D);
    let index = Index::new();
    let model = Checked::<Stack>::new(stack.view(&index)).unwrap();
    let run = |chunks: &[usize]| {
        let (mut state, mut workspace) = (StackState::default(), Workspace::new());
        let (mut all, mut from) = (vec![0.0_f32; BATCH * TIME * OUT], 0);
        for &steps in chunks {
            let part = cut(&x, D, from, from + steps);
            let mut y = vec![0.0; BATCH * steps * OUT];
            model.step(&[numbers(&part, &[BATCH, steps, D])], &mut [&mut y], &mut state, &mut workspace).unwrap();
            paste(&mut all, OUT, from, &y);
            from += steps;
        }
        assert_eq!(from, TIME);
        (bits(&all), states(&mut state))
    };
    let whole = run(&[TIME]);
    assert_eq!(whole, run(&[1; TIME]), "single steps");
    assert_eq!(whole, run(&[5, 4, 3]), "chunks of 5, 4 and 3");
    // saving for a backward pass changes nothing
    let (mut state, mut workspace) = (StackState::default(), Workspace::new());
    let pass = model.forward_saving(&[numbers(&x, &[BATCH, TIME, D])], &mut state, &mut workspace).unwrap();
    assert_eq!(whole, (bits(pass.result(0)), states(&mut state)), "saving");
    // what is carried: one array for each recurrence, by its path
    let paths: Vec<_> = whole.1.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["layers.0.gated_linear_recurrence", "layers.2.diagonal_scan", "last.gated_linear_recurrence"]);
}

/// Arrays of a state, with their paths.
fn states(state: &mut StackState) -> Vec<(String, Vec<u32>)> {
    let mut all = Vec::new();
    barewire::state::State::walk(state, &mut String::new(), &mut |path, values: &mut Vec<f32>| {
        all.push((path.to_owned(), bits(values)));
    });
    all
}

/// Backpropagation through time in chunks, the state's cotangent handed from each chunk to the one before it.
#[test]
fn chunks_with_carried_cotangents_give_the_whole_gradient() {
    let mut rng = Rng::new(6);
    let stack = stack(&mut rng);
    let numbers64 = |rng: &mut Rng, n: usize| -> Vec<f64> { (0..n).map(|_| rng.between(-1.0, 1.0)).collect() };
    let (x, cot) = (numbers64(&mut rng, BATCH * TIME * D), numbers64(&mut rng, BATCH * TIME * OUT));
    let index = Index::new();
    let model = Checked::<Stack>::new(stack.view(&index)).unwrap();
    let gradients = |chunks: &[usize]| {
        let mut workspaces: Vec<_> = chunks.iter().map(|_| Workspace::<f64>::new()).collect();
        let starts: Vec<_> = chunks.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect();
        let parts: Vec<_> = starts.iter().zip(chunks).map(|(at, n)| cut(&x, D, *at, at + n)).collect();
        let mut state = StackState::<f64>::default();
        let mut passes = Vec::new();
        for ((part, steps), workspace) in parts.iter().zip(chunks).zip(&mut workspaces) {
            let inputs = [numbers(part, &[BATCH, *steps, D])];
            passes.push(model.forward_saving(&inputs, &mut state, workspace).unwrap());
        }
        let (mut grad, mut state_cot) = (StackCotangent::<f64>::default(), StackState::default());
        let mut x_cot = vec![0.0; x.len()];
        for ((pass, &steps), &from) in passes.iter_mut().zip(chunks).zip(&starts).rev() {
            let mut part = vec![f64::NAN; BATCH * steps * D];
            let y_cot = cut(&cot, OUT, from, from + steps);
            pass.vjp(&[&y_cot], &mut [Slot::Write(&mut part)], &mut grad, &mut state_cot).unwrap();
            paste(&mut x_cot, D, from, &part);
        }
        let mut all = Vec::new();
        each_number::<Stack, f64>(&mut grad, |g| all.push(*g));
        barewire::state::State::walk(&mut state_cot, &mut String::new(), &mut |_, values: &mut Vec<f64>| {
            all.extend_from_slice(values);
        });
        all.extend(x_cot);
        all
    };
    let whole = gradients(&[TIME]);
    // sums over time are taken in another order, each of at most BATCH * TIME terms
    assert_close("chunks of 5, 4 and 3", &gradients(&[5, 4, 3]), &whole, 1e-14);
    assert_close("single steps", &gradients(&[1; TIME]), &whole, 1e-14);
}

#[test]
fn gradients_of_the_initial_state() {
    let mut rng = Rng::new(7);
    let stack = stack(&mut rng);
    // the initial state is part of what `check_layer` varies
    check_layer::<Stack>(stack.view(&Index::new()), &[sample(&[BATCH, 7, D])], 3).unwrap();
}

#[test]
fn a_state_of_another_variant_is_an_error() {
    let mut rng = Rng::new(8);
    let (one, other) = (stack(&mut rng), Stack { last: scan(&mut rng), ..stack(&mut rng) });
    let (one_index, other_index) = (Index::new(), Index::new());
    let one = Checked::<Stack>::new(one.view(&one_index)).unwrap();
    let other = Checked::<Stack>::new(other.view(&other_index)).unwrap();
    let x = vector(&mut rng, D);
    let (mut state, mut workspace, mut y) = (StackState::default(), Workspace::new(), [0.0; OUT]);
    let inputs = [numbers(&x, &[1, 1, D])];
    one.step(&inputs, &mut [&mut y], &mut state, &mut workspace).unwrap();
    let error = other.step(&inputs, &mut [&mut y], &mut state, &mut workspace).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Tag, "last"));
    assert_eq!(error.to_string(), "in `last`: expected variant `Scan`, found `the state of another variant`");
    // and of another batch
    let x = vector(&mut rng, 2 * D);
    let mut y = [0.0; 2 * OUT];
    let error = one.step(&[numbers(&x, &[2, 1, D])], &mut [&mut y], &mut state, &mut workspace).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Shape, "layers.0.gated_linear_recurrence"));
}

#[test]
fn a_gradient_of_another_variant_is_an_error() {
    let mut rng = Rng::new(9);
    let (index, x, cot) = (Index::new(), vector(&mut rng, D), [1.0; D]);
    let mixer = gated(&mut rng);
    let model = Checked::<Mixer>::new(mixer.view(&index)).unwrap();
    let mut workspace = Workspace::new();
    let mut pass =
        model.forward_saving(&[numbers(&x, &[1, 1, D])], &mut MixerState::default(), &mut workspace).unwrap();
    let mut vjp = |mut grad: MixerCotangent, mut state: MixerState| {
        pass.vjp(&[&cot], &mut [Slot::Skip], &mut grad, &mut state).map_err(|e| (e.kind(), e.to_string()))
    };
    let tag = |found: &str| Err((ErrorKind::Tag, format!("expected variant `Gated`, found `{found}`")));
    assert_eq!(
        vjp(MixerCotangent::Pointwise { gain: 0.0 }, MixerState::default()),
        tag("the gradient of another variant")
    );
    let state = MixerState::Pointwise(Default::default());
    assert_eq!(vjp(MixerCotangent::default(), state), tag("the state of another variant"));
    assert_eq!(vjp(MixerCotangent::default(), MixerState::default()), Ok(()));
}
