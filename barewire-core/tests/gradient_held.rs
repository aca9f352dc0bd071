//! Gradients as a training step holds them: sizes that contradict each other, rows in every form, edges, numbers that are not
//! finite, and the memory of optimisers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Range;

use barewire_core::gradient::{
    Deferred, FlowRef, Form, Gradient, GradientFlow, Pattern, QuantizedGrad, Representation, Signal,
};
use barewire_core::testing::Rng;
use barewire_core::train::{
    Accumulate, AccumulateOptions, AccumulateState, AdamW, AdamWOptions, default_gain, randomize_digits,
};
use barewire_core::wire::{Matrix, Region, TernaryMatrix};
use barewire_derive::BareStruct;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// Remembers the largest piece that a thread allocated.
struct Largest;

// SAFETY: every call goes to the system allocator unchanged; the note of its size touches a thread-local `Cell` without a
// destructor, which does not allocate.
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `System.alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Largest = Largest;

const ALL: [Representation; 6] = [
    Representation::Any,
    Representation::Dense,
    Representation::Sparse,
    Representation::LowRank,
    Representation::Ternary,
    Representation::Diagonal,
];

const SIDE: usize = 6;
const N: usize = SIDE * SIDE;

/// An element of every form, of a matrix `[6, 6]` or of as many elements.
fn elements(number: &mut dyn FnMut() -> f32) -> Vec<GradientFlow<f32>> {
    let mut numbers = |n: usize| -> Vec<f32> { (0..n).map(|_| number()).collect() };
    let mut all = vec![
        GradientFlow::Zero,
        GradientFlow::Dense(numbers(N)),
        GradientFlow::sparse(N, 1, &[7, 3, 7, 20], &numbers(4)).unwrap(),
        GradientFlow::sparse(SIDE, SIDE, &[4, 1, 4], &numbers(3 * SIDE)).unwrap(),
        GradientFlow::sparse(4, 9, &[3, 0], &numbers(18)).unwrap(),
        GradientFlow::low_rank([1, SIDE, SIDE], 2.0, &numbers(SIDE), &numbers(SIDE)).unwrap(),
        GradientFlow::low_rank([2, SIDE, SIDE], -1.0, &numbers(2 * SIDE), &numbers(2 * SIDE)).unwrap(),
        GradientFlow::low_rank([0, SIDE, SIDE], 1.0, &[], &[]).unwrap(),
    ];
    for (pattern, stored) in [
        (Pattern::Diagonal { n: SIDE }, SIDE),
        (Pattern::Block { blocks: 3, rows: 2, cols: 2 }, 12),
        (Pattern::Block { blocks: 2, rows: 3, cols: 6 }, 36),
        (Pattern::Banded { n: SIDE, lower: 1, upper: 2 }, 24),
        (Pattern::Broadcast { outer: 2, repeats: 3, inner: SIDE }, 12),
        (Pattern::Broadcast { outer: SIDE, repeats: SIDE, inner: 1 }, SIDE),
    ] {
        // two blocks of [3, 6] are [6, 12], which is no [6, 6]
        if pattern.sizes().unwrap().iter().product::<usize>() == N {
            all.push(GradientFlow::structured(pattern, numbers(stored)).unwrap());
        }
    }
    all
}

fn integers(seed: u64) -> impl FnMut() -> f32 {
    let mut rng = Rng::new(seed);
    move || rng.between(-8.0, 8.0).round() as f32
}

fn bits(values: &[f32]) -> Vec<u32> {
    // zeros of both signs are one number, and NaNs too
    values.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { (x + 0.0).to_bits() }).collect()
}

#[test]
fn a_gradient_of_another_size_is_refused_and_kept() {
    for held in ALL {
        for flow in elements(&mut integers(1)) {
            let mut gradient = Gradient::<f32>::held_as(held);
            gradient.add_flow(flow.as_ref()).unwrap();
            let before = gradient.clone().as_flow().pairing(&[1.0; N]).unwrap();
            let zero = gradient.form() == Form::Zero;
            for n in [0, N - 1, N + 1, 49] {
                let refused = gradient.dense(n);
                if zero && (held != Representation::Diagonal || n.isqrt().pow(2) == n) {
                    // nothing is there that could be lost
                    assert!(refused.is_ok(), "{held:?} {n}");
                    gradient.clear();
                    continue;
                }
                let error = refused.unwrap_err().to_string();
                assert!(!error.is_empty(), "{held:?} {:?} {n}: {error}", flow.form());
            }
            if zero {
                continue;
            }
            assert!(gradient.add_rows(SIDE, SIDE + 1, &[1], &[1.0; SIDE + 1]).is_err(), "{held:?}");
            assert!(gradient.add_outer([1, SIDE, SIDE + 1], 1.0, &[1.0; SIDE], &[1.0; SIDE + 1]).is_err(), "{held:?}");
            assert!(gradient.add(&Gradient::from_values(vec![1.0; N + 1])).is_err(), "{held:?}");
            assert!(gradient.read_rows([SIDE, SIDE + 1], 0..1, &mut [0.0; SIDE + 1]).is_err(), "{held:?}");
            assert_eq!(gradient.as_flow().pairing(&[1.0; N]).unwrap(), before, "{held:?} {:?}", flow.form());
            assert!(gradient.dense(N).unwrap().is_some());
        }
    }
    let mut nobody = Gradient::<f32>::ignored();
    nobody.add_outer([1, 2, 2], 1.0, &[1.0; 2], &[1.0; 2]).unwrap();
    assert!(nobody.dense(5).unwrap().is_none());
    let mut signal = Signal::<f32>::default();
    signal.dense(2, 3).unwrap().unwrap()[0] = 1.0;
    assert!(signal.dense(2, 4).unwrap_err().to_string().contains('8'));
    let mut codes = QuantizedGrad::<f32>::default();
    codes.signal.dense(2, 3).unwrap();
    assert!(
        codes
            .add(&{
                let mut other = QuantizedGrad::<f32>::default();
                other.signal.dense(3, 3).unwrap();
                other
            })
            .is_err()
    );
}

#[test]
fn rows_are_those_of_all_elements_in_every_form() {
    for flow in elements(&mut integers(2)) {
        let all = flow.to_dense(N).unwrap();
        let mut gradient = Gradient::<f32>::held_as(Representation::Sparse);
        gradient.add_flow(flow.as_ref()).unwrap();
        for [rows, cols] in [[6, 6], [4, 9], [36, 1], [1, 36], [9, 4]] {
            let mut out = vec![9.0; N];
            if let FlowRef::LowRank(pairs) = gradient.as_flow()
                && pairs.sizes()[1..] != [rows, cols]
            {
                let error = gradient.read_rows([rows, cols], 0..rows, &mut out).unwrap_err().to_string();
                assert!(error.contains("[6, 6]"), "{error}");
                continue;
            }
            for (from, to) in (0..=rows).flat_map(|from| (from..=rows).map(move |to| (from, to))) {
                let out = &mut out[..(to - from) * cols];
                gradient.read_rows([rows, cols], from..to, out).unwrap();
                assert_eq!(bits(out), bits(&all[from * cols..to * cols]), "{:?} {rows} {cols}", flow.form());
            }
        }
        let squares: f64 = all.iter().map(|x| f64::from(*x).powi(2)).sum();
        assert_eq!(gradient.norm_squared(), squares, "{:?}", flow.form());
    }
}

#[test]
fn sizes_that_nobody_can_count_are_refused() {
    let mut nothing = Gradient::<f32>::default();
    for (sizes, range) in [
        ([usize::MAX, 2], 0..usize::MAX),
        ([usize::MAX, usize::MAX], usize::MAX - 1..usize::MAX),
        ([usize::MAX, 2], usize::MAX - 1..usize::MAX - 1),
        ([3, 2], 2..4),
        ([3, 2], Range { start: 2, end: 1 }),
    ] {
        assert!(nothing.read_rows(sizes, range.clone(), &mut []).is_err(), "{sizes:?} {range:?}");
    }
    // rows without elements are as many as somebody says
    nothing.read_rows([usize::MAX, 0], 5..usize::MAX, &mut []).unwrap();
    assert!(nothing.add_outer([usize::MAX, 2, 2], 1.0, &[], &[]).is_err());
    assert!(nothing.add_rows(usize::MAX, usize::MAX, &[1], &[1.0]).is_err());
    assert_eq!(nothing.form(), Form::Zero);
}

#[test]
fn empty_and_single_matrices_are_gradients_like_any() {
    for held in ALL {
        for [rows, cols] in [[0, 0], [0, 5], [5, 0], [1, 1], [1, 7], [7, 1], [3, 3]] {
            if held == Representation::Diagonal && rows != cols {
                continue;
            }
            let mut gradient = Gradient::<f32>::held_as(held);
            let mut want = vec![0.0_f32; rows * cols];
            // no tokens, one, and more than the matrix has elements
            for n in [0, 1, 12] {
                let (y, x) = (vec![2.0; n * rows], vec![3.0; n * cols]);
                gradient.add_outer([n, rows, cols], 0.5, &y, &x).unwrap();
                want.iter_mut().for_each(|w| *w += 3.0 * n as f32);
            }
            // unsorted and repeated rows
            let ids: Vec<u32> = [2, 0, 2].into_iter().filter(|id| (*id as usize) < rows).collect();
            gradient.add_rows(rows, cols, &ids, &vec![1.0; ids.len() * cols]).unwrap();
            ids.iter().for_each(|id| want[*id as usize * cols..][..cols].iter_mut().for_each(|w| *w += 1.0));
            if held == Representation::Diagonal {
                want.iter_mut().enumerate().filter(|(at, _)| at % (cols + 1) != 0).for_each(|(_, w)| *w = 0.0);
            }
            let norm: f64 = want.iter().map(|w| f64::from(*w).powi(2)).sum();
            assert_eq!(gradient.norm_squared(), norm, "{held:?} [{rows}, {cols}]");
            assert_eq!(gradient.dense(rows * cols).unwrap().unwrap(), want, "{held:?} [{rows}, {cols}]");
            gradient.scale(0.0);
            assert_eq!((gradient.form(), gradient.norm_squared()), (Form::Zero, 0.0));
        }
    }
}

#[test]
fn the_signal_of_accumulators_stays_pairs_however_many() {
    let (rows, cols, tokens) = (5, 4, 7);
    let mut number = integers(3);
    let [y, x] = [rows, cols].map(|n| (0..tokens * n).map(|_| number()).collect::<Vec<f32>>());
    let [mut ternary, mut low_rank, mut dense] =
        [Representation::Ternary, Representation::LowRank, Representation::Dense].map(|held| {
            let mut signal = Signal::<f32>::held_as(held);
            signal.add_outer([tokens, rows, cols], 2.0, &y, &x).unwrap();
            // shards put theirs together
            let other = signal.clone();
            signal.add(&other).unwrap();
            signal
        });
    assert_eq!((low_rank.form(), dense.form()), (Form::Dense, Form::Dense), "dense is smaller");
    assert_eq!(ternary.pairs().unwrap().sizes(), [2 * tokens, rows, cols]);
    assert_eq!(ternary.norm_squared(), dense.norm_squared());
    assert_eq!(ternary.form(), Form::LowRank);
    // and is still what it was, when somebody asks for all of it
    let want = dense.dense(rows, cols).unwrap().unwrap().to_vec();
    assert_eq!(ternary.dense(rows, cols).unwrap().unwrap(), want);
    assert_eq!(low_rank.dense(rows, cols).unwrap().unwrap(), want);
}

/// Where a term has a number that is not finite, the sum has what IEEE arithmetic makes of it, in every form.
#[test]
fn numbers_that_are_not_finite_stay_where_they_are() {
    let mut rng = Rng::new(5);
    let mut number = || match rng.below(7) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => -0.0,
        _ => rng.between(-8.0, 8.0).round() as f32,
    };
    let all = elements(&mut number);
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        let mut sum = a.clone();
        sum.add(b).unwrap();
        let want: Vec<f32> = a.to_dense(N).unwrap().iter().zip(b.to_dense(N).unwrap()).map(|(a, b)| a + b).collect();
        assert_eq!(bits(&sum.to_dense(N).unwrap()), bits(&want), "{:?} + {:?}", a.form(), b.form());
        let mut nothing = sum.clone();
        nothing.scale(0.0);
        assert_eq!(nothing, GradientFlow::Zero);
        // an optimiser refuses it by its norm
        let mut gradient = Gradient::<f32>::held_as(Representation::Ternary);
        gradient.add_flow(sum.as_ref()).unwrap();
        assert_eq!(gradient.norm_squared().is_finite(), want.iter().all(|x| x.is_finite()));
    }
    // NaN has an order as well
    let sum = |terms: &mut dyn Iterator<Item = &GradientFlow<f32>>| {
        let mut sum = Deferred::new();
        terms.for_each(|term| sum.push(term.clone()));
        bits(&sum.force().unwrap().to_dense(N).unwrap())
    };
    assert_eq!(sum(&mut all.iter()), sum(&mut all.iter().rev()));
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    #[bare(dims = [vocab, d])]
    table: Matrix<f32>,
    #[bare(dims = [o, i], scaled_by = scale)]
    digits: TernaryMatrix,
    scale: f32,
    #[bare(dims = [o, i])]
    head: Matrix<f32>,
}

/// Elements of a matrix: 1 MiB of `f32`, four times of what is formed at a time.
const ROWS: usize = 1 << 9;
const COLS: usize = 1 << 9;

/// A row of the table, and two pairs of each of the others.
fn gradient(step: u64) -> ModelCotangent<f32> {
    let mut number = integers(step);
    let mut numbers = |n: usize| -> Vec<f32> { (0..n).map(|_| number()).collect() };
    let mut grad = ModelCotangent::<f32> {
        table: Gradient::held_as(Representation::Sparse),
        digits: Signal::held_as(Representation::Ternary),
        scale: 1.0,
        head: Gradient::held_as(Representation::LowRank),
    };
    grad.table.add_rows(ROWS, COLS, &[7, 3], &numbers(2 * COLS)).unwrap();
    let sizes = [2, ROWS, COLS];
    grad.digits.add_outer(sizes, 1.0, &numbers(2 * ROWS), &numbers(2 * COLS)).unwrap();
    grad.head.add_outer(sizes, 1.0, &numbers(2 * ROWS), &numbers(2 * COLS)).unwrap();
    grad
}

#[test]
fn optimisers_form_no_dense_matrix() {
    let matrix = || Matrix::from_vec(ROWS, COLS, vec![0.5; ROWS * COLS]).unwrap();
    let digits = TernaryMatrix::from_digits(ROWS, COLS, &vec![0; ROWS * COLS]).unwrap();
    let model = Model { table: matrix(), digits, scale: 0.1, head: matrix() };
    let [mut model, mut other] = [(); 2].map(|()| Region::encode(&model));
    for region in [&mut model, &mut other] {
        randomize_digits::<Model>(region.view_mut().unwrap(), 0.67, 1).unwrap();
    }
    let mut adam = AdamW::new::<Model>(model.view_mut().unwrap(), AdamWOptions::default(), &mut |_| None).unwrap();
    check("AdamW", &mut |grad| {
        adam.step(&mut model, grad, 1e-3).unwrap();
    });
    let state = AccumulateState::new::<Model>(other.view_mut().unwrap(), 6).unwrap();
    let mut state = Region::encode(&state);
    let (mut accumulate, gain) = (Accumulate::new(AccumulateOptions::default()), default_gain(6).0 as f32);
    check("Accumulate", &mut |grad| {
        accumulate.step(&mut other, &mut state, grad, 1e-3, gain).unwrap();
    });
    assert!(model.bytes() != other.bytes());
}

fn check(name: &str, step: &mut dyn FnMut(&mut ModelCotangent<f32>)) {
    for number in 0..3 {
        let mut grad = gradient(number);
        LARGEST.set(0);
        step(&mut grad);
        let largest = LARGEST.get();
        println!("{name}, step {number}: at most {largest} octets at once");
        assert!(largest > 0 && largest <= 4 * ROWS * COLS / 4, "{name}, step {number}: {largest} octets at once");
        assert_eq!(
            (grad.table.form(), grad.head.form(), grad.digits.form()),
            (Form::Sparse, Form::LowRank, Form::LowRank)
        );
    }
}
