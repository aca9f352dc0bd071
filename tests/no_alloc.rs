//! From the third step on a warm workspace allocates nothing: forward, forward and backward, and streaming.
//!
//! One test in a binary of its own: the allocator counts for the whole process.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use barewire::autodiff;
use barewire::part::clear_grad;
use barewire::prelude::*;
use barewire::testing::Rng;
use common::{digits, matrix, vector};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to `System` as it is; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises to us are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` or `realloc` above, and so from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` or `realloc` above, and so from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations of each step of a loop.
fn allocations(steps: usize, mut step: impl FnMut()) -> Vec<usize> {
    let counts = (0..steps).map(|_| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        step();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    });
    counts.collect()
}

#[derive(BareUnion)]
enum Weight {
    #[bare(forward = |x: [batch, time, d_in]| linear(weights, x))]
    Dense {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d_in]| scale * ternary_linear(digits, x))]
    Ternary {
        #[bare(dims = [d_out, d_in], scaled_by = scale)]
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(forward = |x: [batch, time, d_in]| bit_linear(digits, scale, rms_norm(x, norm, 1e-6)))]
    Bit {
        #[bare(dims = [d_in])]
        norm: Vec<f32>,
        #[bare(dims = [d_out, d_in], scaled_by = scale, gradient = low_rank)]
        digits: TernaryMatrix,
        scale: f32,
    },
}

#[derive(BareUnion)]
enum Block {
    #[bare(forward = |x: [batch, time, d]| {
        let f = sigmoid(gate(x));
        x + out(gated_linear_recurrence(f, (1 - f) * silu(x)))
    })]
    Time {
        #[bare(axes(d_in = d, d_out = d))]
        gate: Weight,
        #[bare(axes(d_in = d, d_out = d))]
        out: Weight,
    },
    #[bare(forward = |x: [batch, time, d]| {
        let (gate, value): ([batch, time, ffn], [batch, time, ffn]) = split(up(x));
        x + down(silu(gate) * value)
    })]
    Channels {
        #[bare(axes(d_in = d))]
        up: Weight,
        #[bare(axes(d_in = ffn, d_out = d))]
        down: Weight,
    },
}

#[derive(BareStruct)]
#[bare(forward = |tokens: u32[batch, time]| head(blocks(embedding(table, tokens))))]
struct Model {
    #[bare(dims = [vocab, d], gradient = sparse)]
    table: Matrix<f32>,
    #[bare(axes(d = d))]
    blocks: Vec<Block>,
    #[bare(axes(d_in = d, d_out = vocab))]
    head: Weight,
}

/// The same with as little kept as can be.
#[derive(BareUnion)]
enum Lean {
    #[bare(recompute, forward = |x: [batch, time, d]| {
        let f = sigmoid(gate(x));
        x + out(gated_linear_recurrence(f, (1 - f) * silu(x)))
    })]
    Time {
        #[bare(axes(d_in = d, d_out = d))]
        gate: Weight,
        #[bare(axes(d_in = d, d_out = d))]
        out: Weight,
    },
}

#[derive(BareStruct)]
#[bare(recompute, forward = |tokens: u32[batch, time]| head(lean(blocks(embedding(table, tokens)))))]
struct LeanModel {
    #[bare(dims = [vocab, d])]
    table: Matrix<f32>,
    #[bare(axes(d = d), checkpoint = 2)]
    blocks: Vec<Block>,
    #[bare(axes(d = d), checkpoint)]
    lean: Vec<Lean>,
    #[bare(axes(d_in = d, d_out = vocab))]
    head: Weight,
}

const VOCAB: usize = 11;
const D: usize = 32;

fn model(rng: &mut Rng) -> Model {
    let dense = |rng: &mut Rng, o: usize, i: usize| Weight::Dense { weights: matrix(rng, o, i) };
    let ternary = |rng: &mut Rng, o: usize, i: usize| Weight::Ternary { digits: digits(rng, o, i), scale: 0.2 };
    let bit =
        |rng: &mut Rng, o: usize, i: usize| Weight::Bit { norm: vector(rng, i), digits: digits(rng, o, i), scale: 0.2 };
    let blocks = vec![
        Block::Time { gate: dense(rng, D, D), out: bit(rng, D, D) },
        Block::Channels { up: ternary(rng, 4 * D, D), down: dense(rng, D, 2 * D) },
        Block::Time { gate: bit(rng, D, D), out: ternary(rng, D, D) },
        Block::Channels { up: bit(rng, 2 * D, D), down: ternary(rng, D, D) },
    ];
    Model { table: matrix(rng, VOCAB, D), blocks, head: dense(rng, VOCAB, D) }
}

struct MeanSquare;

impl autodiff::Formula for MeanSquare {
    fn eval<R: Real>(&self, y: &[R], loss: &mut Vec<R>) -> Result<(), barewire::Error> {
        let mut sum = R::ZERO;
        y.iter().for_each(|y| sum += *y * *y);
        loss.push(sum / R::of(y.len() as f64));
        Ok(())
    }
}

#[test]
fn warm_steps_allocate_nothing() {
    let mut rng = Rng::new(3);
    let part = model(&mut rng);
    runs::<Model>("model", &part);
    derivatives(&part);
    let Model { table, blocks, head } = part;
    let dense = |rng: &mut Rng| Weight::Dense { weights: matrix(rng, D, D) };
    let lean = (0..3).map(|_| Lean::Time { gate: dense(&mut rng), out: dense(&mut rng) }).collect();
    runs::<LeanModel>("lean model", &LeanModel { table, blocks, lean, head });
}

fn runs<T: Layer>(name: &str, part: &T) {
    let region = Region::encode(part);
    let index = Index::new();
    let model = Checked::<T>::new(region.view(&index).unwrap()).unwrap();
    let (batch, time) = (2, 9);
    let tokens: Vec<u32> = (0..batch * time).map(|i| (7 * i % VOCAB) as u32).collect();
    let inputs = [ids(&tokens, &[batch, time])];
    let mut results = vec![0.0_f32; batch * time * VOCAB];

    let (mut state, mut workspace) = (T::State::<f32>::default(), Workspace::new());
    let forward = allocations(6, || {
        model.forward(&inputs, &mut [&mut results], &mut state, &mut workspace).unwrap();
    });

    let (mut state, mut state_cot, mut workspace) =
        (T::State::<f32>::default(), T::State::<f32>::default(), Workspace::new());
    let mut grad = T::Grad::<f32>::default();
    let backward = allocations(6, || {
        let mut pass = model.forward_saving(&inputs, &mut state, &mut workspace).unwrap();
        clear_grad::<T, f32>(&mut grad);
        pass.vjp(&[&results], &mut [Slot::Skip], &mut grad, &mut state_cot).unwrap();
    });

    let (mut state, mut workspace) = (T::State::<f32>::default(), Workspace::new());
    let mut at = 0;
    let step = allocations(6, || {
        let token = [ids(&tokens[at..at + 1], &[1, 1])];
        model.step(&token, &mut [&mut results[..VOCAB]], &mut state, &mut workspace).unwrap();
        at += 1;
    });

    println!(
        "{name}: allocations in steps 1, 2 ..: forward {forward:?}, forward and backward {backward:?}, step {step:?}"
    );
    for (what, counts) in [("forward", forward), ("forward and backward", backward), ("step", step)] {
        assert!(counts[2..].iter().all(|n| *n == 0), "{name}, {what}: {counts:?}");
    }
}

fn derivatives(part: &Model) {
    let region = Region::encode(part);
    let index = Index::new();
    let model = Checked::<Model>::new(region.view(&index).unwrap()).unwrap();
    let tokens: Vec<u32> = (0..18).map(|i| (7 * i % VOCAB) as u32).collect();
    let inputs: [Input<'_, '_, f32>; 1] = [ids(&tokens, &[2, 9])];
    let function = autodiff::Model::new(model, &inputs).unwrap();
    let loss = autodiff::Then(&function, &MeanSquare);
    let (point, mut of) = (function.point::<f32>(), autodiff::Derivatives::new(&loss));
    let gradient = allocations(6, || {
        of.value_and_grad(&point).unwrap();
    });
    let product = allocations(6, || {
        of.value_grad_and_hvp(&point, &point).unwrap();
    });
    println!("allocations in steps 1, 2 ..: `value_and_grad` {gradient:?}, `value_grad_and_hvp` {product:?}");
    for (what, counts) in [("value_and_grad", gradient), ("value_grad_and_hvp", product)] {
        assert!(counts[2..].iter().all(|n| *n == 0), "{what}: {counts:?}");
    }
}
