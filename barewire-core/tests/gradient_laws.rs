//! The algebra of gradients: its laws hold exactly on small integers, whose sums and products have no rounding, and within
//! a bound on any floats.

use barewire_core::gradient::{
    Deferred, FlowRef, Form, GradientFlow, NoTangent, PairsRef, Pattern, RowsRef, StructuredRef, TernaryGradient,
};
use barewire_core::kernels::ternary::{self, accumulate::Rounding};
use barewire_core::part::Part;
use barewire_core::testing::Rng;
use proptest::prelude::*;

/// A matrix with blocks, bands and repeats: `[6, 6]`.
const SIDE: usize = 6;
const N: usize = SIDE * SIDE;

const PATTERNS: [Pattern; 5] = [
    Pattern::Diagonal { n: SIDE },
    Pattern::Block { blocks: 3, rows: 2, cols: 2 },
    Pattern::Banded { n: SIDE, lower: 1, upper: 2 },
    Pattern::Broadcast { outer: 2, repeats: 3, inner: SIDE },
    Pattern::Broadcast { outer: SIDE, repeats: SIDE, inner: 1 },
];

type Flow = GradientFlow<f32>;

fn stored(pattern: Pattern) -> usize {
    match pattern {
        Pattern::Diagonal { n } => n,
        Pattern::Block { blocks, rows, cols } => blocks * rows * cols,
        Pattern::Banded { n, lower, upper } => n * (lower + upper + 1),
        Pattern::Broadcast { outer, inner, .. } => outer * inner,
    }
}

/// `[outer * repeats, inner]` is not 6 x 6 for the last pattern, but as many elements.
fn structured(pattern: Pattern, number: &mut dyn FnMut() -> f32) -> Flow {
    let data = (0..stored(pattern)).map(|_| number()).collect();
    GradientFlow::structured(pattern, data).unwrap()
}

/// An element of every form.
fn elements(number: &mut dyn FnMut() -> f32) -> Vec<Flow> {
    let mut numbers = |n: usize| -> Vec<f32> { (0..n).map(|_| number()).collect() };
    let mut all = vec![
        GradientFlow::Zero,
        GradientFlow::Dense(numbers(N)),
        GradientFlow::sparse(N, 1, &[7, 3, 7, 20], &numbers(4)).unwrap(),
        GradientFlow::sparse(SIDE, SIDE, &[4, 1, 4], &numbers(3 * SIDE)).unwrap(),
        GradientFlow::low_rank([1, SIDE, SIDE], 2.0, &numbers(SIDE), &numbers(SIDE)).unwrap(),
        GradientFlow::low_rank([2, SIDE, SIDE], 1.0, &numbers(2 * SIDE), &numbers(2 * SIDE)).unwrap(),
        GradientFlow::low_rank([2, 4, 9], -1.0, &numbers(8), &numbers(18)).unwrap(),
    ];
    all.extend(PATTERNS.map(|pattern| structured(pattern, number)));
    all
}

fn integers() -> impl FnMut() -> f32 {
    let mut rng = Rng::new(7);
    move || rng.between(-8.0, 8.0).round() as f32
}

fn plus(a: &Flow, b: &Flow) -> Flow {
    let mut sum = a.clone();
    sum.add(b).unwrap();
    sum
}

fn times(a: &Flow, by: f32) -> Flow {
    let mut product = a.clone();
    product.scale(by);
    product
}

/// The meaning of an element, by loops that share nothing with the library.
fn meaning(flow: &Flow) -> Vec<f64> {
    let mut all = vec![0.0; N];
    match flow.as_ref() {
        FlowRef::Zero => {}
        FlowRef::Dense(values) => values.iter().zip(&mut all).for_each(|(x, to)| *to = f64::from(*x)),
        FlowRef::Sparse(rows) => {
            for (i, number) in rows.numbers().iter().enumerate() {
                for c in 0..rows.width() {
                    all[*number as usize * rows.width() + c] = f64::from(rows.values()[i * rows.width() + c]);
                }
            }
        }
        FlowRef::LowRank(pairs) => {
            let [rank, rows, cols] = pairs.sizes();
            for (t, r, c) in (0..rank).flat_map(|t| (0..rows).flat_map(move |r| (0..cols).map(move |c| (t, r, c)))) {
                let product = f64::from(pairs.y()[t * rows + r]) * f64::from(pairs.x()[t * cols + c]);
                all[r * cols + c] += f64::from(pairs.alpha()) * product;
            }
        }
        FlowRef::Structured(s) => {
            let data = s.data();
            for at in 0..N {
                let (r, c) = (at / SIDE, at % SIDE);
                all[at] = match s.pattern() {
                    Pattern::Diagonal { .. } if r == c => f64::from(data[r]),
                    Pattern::Block { rows, cols, .. } if r / rows == c / cols => {
                        f64::from(data[(r / rows) * rows * cols + (r % rows) * cols + c % cols])
                    }
                    Pattern::Banded { lower, upper, .. } if c + lower >= r && c <= r + upper => {
                        f64::from(data[r * (lower + upper + 1) + c + lower - r])
                    }
                    Pattern::Broadcast { repeats, inner, .. } => {
                        f64::from(data[at / inner / repeats * inner + at % inner])
                    }
                    _ => 0.0,
                };
            }
        }
    }
    all
}

fn dense(flow: &Flow) -> Vec<f32> {
    flow.to_dense(N).unwrap()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

/// Whether two elements have one pattern, so that their sum keeps it.
fn alike(a: &Flow, b: &Flow) -> bool {
    match (a.as_ref(), b.as_ref()) {
        (FlowRef::Structured(a), FlowRef::Structured(b)) => a.pattern() == b.pattern(),
        (FlowRef::Sparse(a), FlowRef::Sparse(b)) => (a.count(), a.width()) == (b.count(), b.width()),
        (FlowRef::LowRank(a), FlowRef::LowRank(b)) => a.sizes()[1..] == b.sizes()[1..],
        _ => true,
    }
}

#[test]
fn an_element_means_what_its_form_says() {
    for flow in elements(&mut integers()) {
        assert_eq!(wide(&dense(&flow)), meaning(&flow), "{:?}", flow.form());
    }
}

#[test]
fn sums_are_sums_of_all_elements_in_every_pair_of_forms() {
    let all = elements(&mut integers());
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        let sum = plus(a, b);
        let want: Vec<f64> = meaning(a).iter().zip(meaning(b)).map(|(a, b)| a + b).collect();
        assert_eq!(meaning(&sum), want, "{:?} + {:?}", a.form(), b.form());
        assert_eq!(dense(&sum), dense(&plus(b, a)), "commutative");
        let joined = if alike(a, b) { a.form().join(b.form()) } else { Form::Dense };
        let promoted = [Form::Sparse, Form::LowRank].contains(&joined) && sum.form() == Form::Dense;
        assert!(sum.form() == joined || promoted, "{:?} + {:?} is {:?}", a.form(), b.form(), sum.form());
        assert_eq!(sum.form(), plus(b, a).form(), "the tag does not depend on the order");
    }
}

#[test]
fn three_terms_have_one_sum_and_one_tag_in_every_order() {
    let all = elements(&mut integers());
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all.iter().enumerate() {
            for c in &all[..=i.min(j)] {
                let (left, right) = (plus(&plus(a, b), c), plus(a, &plus(b, c)));
                assert_eq!(dense(&left), dense(&right), "{:?} {:?} {:?}", a.form(), b.form(), c.form());
                assert_eq!(left.form(), right.form(), "{:?} {:?} {:?}", a.form(), b.form(), c.form());
            }
        }
    }
}

#[test]
fn scaling_is_linear_and_zero_makes_zero() {
    let all = elements(&mut integers());
    for a in &all {
        assert_eq!(times(a, 1.0), *a);
        assert_eq!(times(a, 0.0), GradientFlow::Zero);
        assert_eq!(dense(&times(a, 6.0)), dense(&times(&times(a, 3.0), 2.0)));
        assert_eq!(times(a, 3.0).form(), a.form());
        for b in &all {
            assert_eq!(dense(&times(&plus(a, b), 3.0)), dense(&plus(&times(a, 3.0), &times(b, 3.0))));
        }
    }
    assert_eq!(times(&GradientFlow::Dense(vec![f32::INFINITY]), 0.0), GradientFlow::Zero);
}

#[test]
fn a_pairing_is_that_of_all_elements_and_adjoint_to_every_map() {
    let mut number = integers();
    let v: Vec<f32> = (0..N).map(|_| number()).collect();
    for flow in elements(&mut number) {
        let want: f64 = meaning(&flow).iter().zip(&v).map(|(g, v)| g * f64::from(*v)).sum();
        assert_eq!(f64::from(flow.pairing(&v).unwrap()), want, "{:?}", flow.form());
    }
    // y = W x has the cotangent ȳ xᵀ for W: <ȳ, dW x> = <ȳ xᵀ, dW>
    let [y, x] = [(); 2].map(|()| (0..SIDE).map(|_| number()).collect::<Vec<f32>>());
    let product: Vec<f32> = v.chunks(SIDE).map(|row| row.iter().zip(&x).map(|(w, x)| w * x).sum()).collect();
    let pushed: f32 = product.iter().zip(&y).map(|(a, b)| a * b).sum();
    let pulled = GradientFlow::low_rank([1, SIDE, SIDE], 1.0, &y, &x).unwrap();
    assert_eq!(pulled.pairing(&v).unwrap(), pushed);
}

#[test]
fn a_projection_is_idempotent_and_self_adjoint() {
    // multiples of all repeats, so that means are whole numbers
    let mut number = integers();
    let [a, b] = [(); 2].map(|()| (0..N).map(|_| 36.0 * number()).collect::<Vec<f32>>());
    for pattern in PATTERNS {
        let once = GradientFlow::project(&a, pattern).unwrap();
        assert_eq!(GradientFlow::project(&dense(&once), pattern).unwrap(), once, "{pattern:?}");
        let other = GradientFlow::project(&b, pattern).unwrap();
        assert_eq!(once.pairing(&b).unwrap(), other.pairing(&a).unwrap(), "{pattern:?}");
        // and what has the pattern already is left alone
        let held = structured(pattern, &mut || 36.0 * number());
        assert_eq!(dense(&GradientFlow::project(&dense(&held), pattern).unwrap()), dense(&held), "{pattern:?}");
    }
}

#[test]
fn rows_and_pairs_become_dense_where_that_is_smaller() {
    // 8 octets an entry against 4 an element
    let entries = |n: usize| GradientFlow::sparse(10, 1, &(0..n as u32).collect::<Vec<_>>(), &vec![1.0; n]).unwrap();
    assert_eq!([4, 5].map(|n| entries(n).form()), [Form::Sparse, Form::Dense]);
    // cancelled entries stay entries
    let mut gone = entries(4);
    gone.add(&times(&entries(4), -1.0)).unwrap();
    assert_eq!((gone.form(), gone.to_dense(10).unwrap()), (Form::Sparse, vec![0.0; 10]));
    // rank (4 + 12) against 48
    let pairs =
        |rank: usize| GradientFlow::low_rank([rank, 4, 12], 1.0, &vec![1.0; 4 * rank], &vec![1.0; 12 * rank]).unwrap();
    assert_eq!([2, 3].map(|rank| pairs(rank).form()), [Form::LowRank, Form::Dense]);
    assert_eq!(plus(&pairs(1), &pairs(1)).form(), Form::LowRank);
    assert_eq!(plus(&pairs(2), &pairs(1)), GradientFlow::Dense(vec![3.0; 48]));
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    for flow in elements(&mut integers()) {
        let mut sum = flow.clone();
        let other = GradientFlow::Dense(vec![1.0; N + 1]);
        if flow != GradientFlow::Zero {
            let error = sum.add(&other).unwrap_err().to_string();
            assert!(error.contains("36") && error.contains("37"), "{error}");
            assert!(flow.pairing(&[0.0; N + 1]).is_err() && flow.to_dense(N - 1).is_err());
        }
        assert!(sum.add(FlowRef::Zero).is_ok());
        assert_eq!(sum, flow);
    }
    assert!(RowsRef::new(4, 2, &[1, 1], &[0.0; 4]).unwrap_err().to_string().contains("rise"));
    assert!(RowsRef::new(4, 2, &[2, 4], &[0.0; 4]).unwrap_err().to_string().contains("below 4"));
    assert!(RowsRef::new(4, 2, &[2], &[0.0; 3]).is_err());
    assert!(PairsRef::new([2, 3, 4], 1.0, &[0.0; 6], &[0.0; 7]).is_err());
    assert!(PairsRef::<f32>::new([usize::MAX, 3, 4], 1.0, &[], &[]).is_err());
    let huge = Pattern::Block { blocks: usize::MAX, rows: 2, cols: 2 };
    assert!(StructuredRef::<f32>::new(huge, &[]).is_err());
    assert!(StructuredRef::<f32>::new(Pattern::Banded { n: 2, lower: usize::MAX, upper: 1 }, &[]).is_err());
    assert!(GradientFlow::<f32>::sparse(3, 1, &[3], &[1.0]).is_err());
    assert!(GradientFlow::project(&[0.0_f32; 5], Pattern::Diagonal { n: 2 }).is_err());
}

#[test]
fn what_has_no_elements_ends_at_once() {
    let endless = Pattern::Broadcast { outer: 1, repeats: usize::MAX, inner: 0 };
    let flow = GradientFlow::<f32>::structured(endless, Vec::new()).unwrap();
    assert_eq!((flow.to_dense(0).unwrap(), flow.pairing(&[]).unwrap()), (Vec::new(), 0.0));
    let pairs = PairsRef::<f32>::new([usize::MAX, 0, 0], 1.0, &[], &[]).unwrap();
    assert_eq!(FlowRef::LowRank(pairs).pairing(&[]).unwrap(), 0.0);
    let none = GradientFlow::<f32>::sparse(0, 5, &[], &[]).unwrap();
    assert_eq!((none.form(), none.size()), (Form::Dense, Some(0)));
    let one = GradientFlow::sparse(1, 1, &[0], &[2.0_f32]).unwrap();
    assert_eq!(one, GradientFlow::Dense(vec![2.0]));
}

#[test]
fn a_deferred_sum_has_the_same_bits_in_every_order() {
    let mut rng = Rng::new(3);
    let mut all = elements(&mut || rng.between(-1e6, 1e6) as f32);
    for flow in &all {
        assert_eq!(flow.clone().defer().force().unwrap(), *flow);
    }
    let sum = |order: &[Flow]| {
        let mut sum = Deferred::new();
        let (left, right) = order.split_at(order.len() / 2);
        left.iter().for_each(|term| sum.push(term.clone()));
        let mut rest = Deferred::new();
        right.iter().for_each(|term| rest.push(term.clone()));
        sum.append(rest);
        sum.force().unwrap()
    };
    // several of one form, so that their numbers decide
    all.extend(elements(&mut || rng.between(-1.0, 1.0) as f32));
    let want = sum(&all);
    let mut shuffle = Rng::new(5);
    for _ in 0..20 {
        for i in (1..all.len()).rev() {
            all.swap(i, shuffle.below(i as u32 + 1) as usize);
        }
        assert_eq!(sum(&all), want);
    }
    assert_eq!(Deferred::<f32>::new().force().unwrap(), GradientFlow::Zero);
    let mut wrong = GradientFlow::Dense(vec![1.0_f32]).defer();
    wrong.push(GradientFlow::Dense(vec![1.0; 2]));
    assert!(wrong.force().is_err());
}

/// A step along a gradient keeps a parameter's form, and two steps are the step along the sum.
#[test]
fn moving_a_parameter_is_an_action_of_sums() {
    let mut number = integers();
    let start: Vec<f32> = (0..N).map(|_| number()).collect();
    let moved = |x: &[f32], by: &Flow| {
        let mut x = x.to_vec();
        by.as_ref().add_to(&mut x).unwrap();
        x
    };
    let all = elements(&mut number);
    for (v, w) in all.iter().flat_map(|v| all.iter().map(move |w| (v, w))) {
        assert_eq!(moved(&start, &GradientFlow::Zero), start);
        assert_eq!(moved(&moved(&start, v), w), moved(&start, &plus(v, w)));
    }
}

/// One after the other or at once: the signal adds up, and only the step rounds and fires.
#[test]
fn micro_batches_and_one_step_are_one_batch_and_one_step() {
    let (rows, cols, bits) = (SIDE, SIDE, 4);
    let blank = || {
        let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
        ternary::pack_i8(rows, cols, &[0; N], &mut words).unwrap();
        (TernaryGradient::new(rows, cols, bits).unwrap(), words)
    };
    let ((mut many, mut a), (mut one, mut b)) = (blank(), blank());
    let mut before = vec![0_i8; N];
    let mut number = integers();
    let mut moved = 0;
    for step in 0..30 {
        let batch = elements(&mut number);
        batch.iter().for_each(|signal| many.act(signal.as_ref()).unwrap());
        let whole = batch.iter().fold(GradientFlow::Zero, |sum, signal| plus(&sum, signal));
        one.act(whole.as_ref()).unwrap();
        let rounding = Rounding::Stochastic { seed: 1, step };
        let counts = [many.step(&mut a, 2.0, rounding).unwrap(), one.step(&mut b, 2.0, rounding).unwrap()];
        assert_eq!((counts[0], many.accumulated(), &a), (counts[1], one.accumulated(), &b));
        // nothing is left of the signal, so nothing fires again
        assert_eq!(many.signal(), FlowRef::Zero);
        let mut digits = vec![0_i8; N];
        ternary::unpack_i8(&a, rows, cols, &mut digits).unwrap();
        assert!(digits.iter().zip(&before).all(|(new, old)| (new - old).abs() <= 1 && new.abs() <= 1));
        before = digits;
        moved += counts[0].moved();
    }
    assert!(moved > 0);
    assert!(one.act(FlowRef::Dense(&[0.0; N + 1])).is_err());
    assert!(TernaryGradient::new(4, 4, 9).is_err());
    assert!(TernaryGradient::from_accumulated(rows, cols, bits, vec![7; 3]).is_err());
}

#[test]
fn what_is_discrete_has_no_tangent() {
    // by type: a function of it takes nothing
    fn cotangent<T: Part<Grad<f32> = NoTangent>>() {}
    cotangent::<u32>();
    cotangent::<bool>();
    cotangent::<String>();
    cotangent::<Vec<u8>>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each element is a sum of at most 8 products here, so it is off by at most 16 roundings of the sum of magnitudes.
    #[test]
    fn sums_of_floats_agree_to_rounding(numbers in prop::collection::vec(-1.0e3_f32..1.0e3, 400), by in -4.0_f32..4.0) {
        let mut next = numbers.iter().cycle();
        let mut number = || *next.next().unwrap();
        let all = elements(&mut number);
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            let sum = dense(&times(&plus(a, b), by));
            let (a, b) = (meaning(a), meaning(b));
            // products of pairs are up to 1e6, of which rounding sees the magnitude and not the sum
            for i in 0..N {
                let want = f64::from(by) * (a[i] + b[i]);
                let bound = 16.0 * f64::from(f32::EPSILON) * f64::from(by.abs()) * (a[i].abs() + b[i].abs() + 6.0e6);
                prop_assert!((f64::from(sum[i]) - want).abs() <= bound, "{} {want}", sum[i]);
            }
        }
    }

    #[test]
    fn entries_in_any_order_are_one_gradient(
        entries in prop::collection::vec((0_u32..40, -9_i8..9), 0..30),
        seed in any::<u64>(),
    ) {
        let flow = |entries: &[(u32, i8)]| {
            let ids: Vec<u32> = entries.iter().map(|e| e.0).collect();
            let values: Vec<f32> = entries.iter().map(|e| f32::from(e.1)).collect();
            GradientFlow::sparse(40, 1, &ids, &values).unwrap()
        };
        let mut shuffled = entries.clone();
        let mut rng = Rng::new(seed);
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, rng.below(i as u32 + 1) as usize);
        }
        prop_assert_eq!(flow(&entries), flow(&shuffled));
        let mut want = [0.0_f32; 40];
        entries.iter().for_each(|(i, x)| want[*i as usize] += f32::from(*x));
        prop_assert_eq!(flow(&entries).to_dense(40).unwrap(), want.to_vec());
    }
}
