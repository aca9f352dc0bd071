//! Every op against finite differences, its own tangents, and its f64 path.

mod common;

use barewire_core::primitive::{Arg, Primitive, Slot};
use barewire_core::real::Real;
use barewire_core::shape::Sig;
use barewire_core::testing::{
    Given, Mismatch, Sample, Testable, Value, binary, check_mutants, check_primitive, check_shapes, constant,
    given_ids, ids, numbers, quantized, setting, ternary,
};
use barewire_core::workspace::Arena;
use barewire_core::{Error, ops};
use common::{check, check_declared, sum_bound};

/// Sizes around lane and block multiples, and empty ones.
const ROWS: [usize; 5] = [0, 1, 2, 7, 33];
const COLS: [usize; 4] = [1, 2, 7, 33];

#[test]
fn dense_linear() {
    for n in ROWS {
        for d in COLS {
            let bound = sum_bound(33.max(n));
            check::<ops::linear>(&[numbers(&[3, d]), numbers(&[n, d])], bound);
            check::<ops::linear>(&[numbers(&[d, 3]), numbers(&[2, n, 3])], bound);
            check::<ops::linear_bias>(&[numbers(&[d, 5]), numbers(&[d]), numbers(&[n, 5])], bound);
        }
    }
}

#[test]
fn packed_linear() {
    for n in ROWS {
        for d in COLS {
            // one rounding of the inputs to 2^-23 of their row's largest, sums exact; see `barewire_kernels::ternary`
            let bound = sum_bound(33.max(n));
            check::<ops::ternary_linear>(&[ternary(d, 7), numbers(&[n, 7])], bound);
            check::<ops::ternary_linear>(&[ternary(3, d), numbers(&[n, d])], bound);
            check::<ops::binary_linear>(&[binary(d, 65), numbers(&[n, 65])], bound);
            for bits in [2, 4, 5, 8] {
                // codes are up to 2^bits times larger than what is left after the zero point cancels
                check::<ops::quantized_linear>(&[quantized(d, 7, bits), numbers(&[2, n, 7])], bound * 16.0);
            }
        }
    }
}

#[test]
fn bit_linear_is_straight_through() {
    for n in ROWS {
        for d in COLS {
            for samples in
                [[ternary(d, 7), numbers(&[]), numbers(&[n, 7])], [ternary(3, d), numbers(&[]), numbers(&[1, n, d])]]
            {
                check_declared::<ops::bit_linear>(&samples, sum_bound(33.max(n)));
            }
        }
    }
}

#[test]
fn norms() {
    for n in ROWS {
        for d in COLS {
            // large enough that steps of 1/64 are small against its root, the scale on which the result bends
            let (eps, bound) = (constant(0.1), sum_bound(n) * 4.0);
            check::<ops::rms_norm>(&[numbers(&[n, d]), numbers(&[d]), eps], bound);
            check::<ops::rms_normalize>(&[numbers(&[2, n, d]), eps], bound);
            // a row of one channel is its bias: both sides are 0 then, and rounding is all there is
            if d > 1 {
                let d = [d];
                check::<ops::layer_norm>(&[numbers(&[n, d[0]]), numbers(&d), numbers(&d), eps], bound * 4.0);
            }
        }
    }
}

#[test]
fn along_time() {
    for time in [1, 2, 7, 33, 65] {
        for (batch, d) in [(0, 3), (1, 1), (2, 7), (1, 33)] {
            let x = numbers(&[batch, time, d]);
            // errors of a step are carried on by the decay, here below 1
            let bound = sum_bound(time) * 4.0;
            check::<ops::gated_linear_recurrence>(&[x.between(0.0, 1.0), x], bound);
            for n in [1, 3, 16] {
                let m = numbers(&[d, n]);
                check::<ops::diagonal_scan>(&[m.between(-0.9, 0.9), m, m, numbers(&[d]), x], bound * 4.0);
            }
            for taps in [1, 2, 4, 7] {
                check::<ops::causal_conv1d>(&[numbers(&[d, taps]), numbers(&[d]), x], bound);
            }
        }
    }
    check::<ops::gated_linear_recurrence>(&[numbers(&[2, 0, 3]), numbers(&[2, 0, 3])], 1e-6);
    check::<ops::causal_conv1d>(&[numbers(&[3, 4]), numbers(&[3]), numbers(&[2, 0, 3])], 1e-6);
}

/// The arguments of [`ops::selective_scan`]; the last two make them those of [`ops::gated_selective_scan`].
fn selective([batch, time, d, n]: [usize; 4]) -> [Sample; 8] {
    let (x, bc, parameter) = (numbers(&[batch, time, d]), numbers(&[batch, time, n]), numbers(&[d]));
    [x, x.between(0.05, 0.5), numbers(&[d, n]).between(-2.0, -0.1), bc, bc, parameter, x.between(-2.0, 2.0), parameter]
}

/// The arguments of [`ops::ssd`].
fn mamba2([batch, time, heads, head_dim]: [usize; 4], [groups, n]: [usize; 2]) -> [Sample; 8] {
    let (x, bc) = (numbers(&[batch, time, heads * head_dim]), numbers(&[batch, time, groups * n]));
    let (dt, head) = (numbers(&[batch, time, heads]), numbers(&[heads]));
    [x, dt.between(-2.0, 1.0), head.between(-2.0, -0.1), bc, bc, head, head, setting(groups as u32)]
}

#[test]
fn selective_scans() {
    for sizes @ [_, time, d, n] in
        [[1, 1, 1, 1], [2, 7, 5, 3], [1, 33, 2, 16], [2, 2, 17, 8], [0, 3, 2, 2], [1, 40, 3, 1], [2, 0, 3, 2]]
    {
        let samples = selective(sizes);
        // softplus, sigmoid and exp are within 4 ulp, and a state forgets them: see `barewire_kernels::selective_scan`
        let bound = sum_bound(time + d + n) * 4.0;
        check::<ops::selective_scan>(&samples[..6], bound);
        check::<ops::gated_selective_scan>(&samples, bound);
    }
}

#[test]
fn mamba2_scans() {
    for (sizes @ [_, time, heads, head_dim], groups @ [_, n]) in [
        ([1, 1, 1, 1], [1, 1]),
        ([2, 7, 4, 3], [2, 5]),
        ([1, 50, 2, 2], [1, 3]),
        ([1, 98, 3, 1], [3, 2]),
        ([0, 3, 2, 2], [1, 2]),
        ([2, 0, 2, 2], [1, 2]),
    ] {
        let bound = sum_bound(time + n + heads * head_dim) * 4.0;
        check::<ops::ssd>(&mamba2(sizes, groups), bound);
    }
}

#[test]
fn rows_of_classes() {
    for n in ROWS {
        for d in COLS {
            let (x, bound) = (numbers(&[n, d]).between(-4.0, 4.0), sum_bound(d) * 4.0);
            check::<ops::softmax>(&[x], bound);
            check::<ops::log_softmax>(&[x], bound);
            // logits - onehot cancels; the gradient of a certain row is then all rounding
            if d > 1 {
                check::<ops::cross_entropy>(&[x, ids(&[n], d as u32)], bound + sum_bound(n));
            }
        }
    }
}

#[test]
fn tables() {
    for n in ROWS {
        for d in COLS {
            check::<ops::embedding>(&[numbers(&[5, d]), ids(&[2, n], 5)], sum_bound(n));
            check::<ops::lower_bounds>(&[numbers(&[n.max(1), d])], sum_bound(n) * 4.0);
            check::<ops::concat>(&[numbers(&[n, d]), numbers(&[n, 3])], 0.0);
            check::<ops::split>(&[numbers(&[n, 2 * d])], 0.0);
        }
    }
    // few rows of a large table: the sparse form
    check::<ops::embedding>(&[numbers(&[99, 3]), ids(&[4], 99)], 0.0);
}

#[test]
fn reductions() {
    check_shapes::<ops::sum>(|n, d| vec![numbers(&[n, d])], 1).unwrap();
    check_shapes::<ops::mean>(|n, d| vec![numbers(&[2, n, d])], 1).unwrap();
    check_shapes::<ops::dot>(|n, d| vec![numbers(&[n, d]), numbers(&[n, d])], 1).unwrap();
    check_shapes::<ops::logsumexp>(|n, d| vec![numbers(&[n, d]).between(-4.0, 4.0)], 1).unwrap();
    check::<ops::dot>(&[numbers(&[3, 65]), numbers(&[3, 65])], sum_bound(65));
    check::<ops::logsumexp>(&[numbers(&[3, 65])], sum_bound(65));
    let given = Given::default();
    let rows = [Value::new(&[2, 3], vec![1.0, 2.0, 3.0, -1.0, 0.5, 0.0])];
    assert_eq!(ops::sum::run(&rows, &given).unwrap().outs, [[6.0, -0.5]]);
    assert_eq!(ops::mean::run(&rows, &given).unwrap().outs, [[2.0, -0.5 * (1.0 / 3.0)]]);
    // no overflow, and a mask
    let far = [Value::new(&[2], vec![1000.0, f64::NEG_INFINITY])];
    assert_eq!(ops::logsumexp::run(&far, &given).unwrap().outs, [[1000.0]]);
}

#[test]
fn largest_elements() {
    let x = Value::new(&[2, 4], vec![1.0, 3.0, 2.0, 3.0, f64::NAN, -1.0, -2.0, -3.0]);
    let kept = |k| ops::top_k::run(&[x.clone(), Value::setting(k)], &Given::default()).unwrap().outs.remove(0);
    assert_eq!(kept(0), [0.0; 8]);
    assert_eq!(kept(1), [0.0, 3.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0]);
    assert_eq!(kept(2), [0.0, 3.0, 0.0, 3.0, 0.0, -1.0, -2.0, 0.0]);
    assert_eq!(kept(9)[..4], [1.0, 3.0, 2.0, 3.0]);
    for (n, d) in [(0, 3), (1, 1), (7, 5), (2, 33)] {
        // a difference that changes the order is none of the taken branch
        check_declared::<ops::top_k>(&[numbers(&[n, d]), setting(3)], 0.0);
    }
}

#[test]
fn sparse_matrices() {
    let (starts, columns) = (given_ids(&[0, 2, 2, 5, 6]), given_ids(&[3, 0, 1, 1, 4, 2]));
    for n in [0, 1, 7] {
        check::<ops::sparse_linear>(&[starts, columns, numbers(&[6]), numbers(&[2, n, 5])], sum_bound(16));
    }
    check::<ops::sparse_linear>(&[given_ids(&[0]), given_ids(&[]), numbers(&[0]), numbers(&[2, 5])], 0.0);
    let run = |starts, columns| {
        let samples = [given_ids(starts), given_ids(columns), numbers(&[2]), numbers(&[5])];
        check_primitive::<ops::sparse_linear>(&samples, 1).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(run(&[0, 1, 2], &[4, 4]), Ok(()));
    for (starts, columns, said) in [
        (&[0, 1, 2][..], &[4, 5][..], "`columns` below 5, found 5"),
        (&[0, 3, 2], &[1, 1], "`starts` that rise from 0 to 2"),
        (&[1, 2], &[1, 1], "`starts` that rise from 0 to 2"),
        (&[0, 1], &[1, 1], "`starts` that rise from 0 to 2"),
        (&[], &[1, 1], "at least one id"),
    ] {
        let error = run(starts, columns).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn discretised_systems() {
    for [batch, time, d, n] in [[1, 1, 1, 1], [2, 7, 3, 5], [1, 2, 17, 2], [0, 1, 2, 2]] {
        let (delta, a) = (numbers(&[batch, time, d]).between(0.05, 0.5), numbers(&[d, n]).between(-2.0, -0.1));
        let samples = [delta, a, numbers(&[batch, time, n]), numbers(&[batch, time, d])];
        check::<ops::discretise>(&samples, sum_bound(n + d * time));
    }
}

/// Every op with the number of its cotangents: none may have a wrong sign unnoticed, not even in one element.
#[test]
fn flipped_signs_are_caught() {
    let (x, w, d) = (numbers(&[2, 3, 4]), numbers(&[4, 3]), numbers(&[4]));
    let positive = x.between(0.1, 0.9);
    let list: [(usize, Result<usize, Mismatch>); 19] = [
        (2, check_mutants::<ops::linear>(&[numbers(&[3, 4]), x], 1)),
        (3, check_mutants::<ops::linear_bias>(&[numbers(&[3, 4]), numbers(&[3]), x], 1)),
        (1, check_mutants::<ops::ternary_linear>(&[ternary(3, 4), x], 1)),
        (1, check_mutants::<ops::binary_linear>(&[binary(3, 4), x], 1)),
        // scale and zero point are one argument
        (2, check_mutants::<ops::quantized_linear>(&[quantized(3, 4, 4), x], 1)),
        (2, check_mutants::<ops::bit_linear>(&[ternary(3, 4), numbers(&[]), x], 1)),
        (2, check_mutants::<ops::rms_norm>(&[x, d, constant(0.1)], 1)),
        (1, check_mutants::<ops::rms_normalize>(&[x, constant(0.1)], 1)),
        (1, check_mutants::<ops::softmax>(&[x], 1)),
        (1, check_mutants::<ops::log_softmax>(&[x], 1)),
        (1, check_mutants::<ops::cross_entropy>(&[x, ids(&[2, 3], 4)], 1)),
        (3, check_mutants::<ops::gated_linear_recurrence>(&[positive, x], 1)),
        (6, check_mutants::<ops::diagonal_scan>(&[w, w, w, d, x], 1)),
        (4, check_mutants::<ops::causal_conv1d>(&[w, d, x], 1)),
        (7, check_mutants::<ops::selective_scan>(&selective([2, 3, 4, 3])[..6], 1)),
        (9, check_mutants::<ops::gated_selective_scan>(&selective([2, 3, 4, 3]), 1)),
        (8, check_mutants::<ops::ssd>(&mamba2([2, 3, 2, 2], [2, 3]), 1)),
        (1, check_mutants::<ops::embedding>(&[numbers(&[5, 4]), ids(&[2, 3], 5)], 1)),
        (1, check_mutants::<ops::lower_bounds>(&[w], 1)),
    ];
    for (i, (expected, found)) in list.into_iter().enumerate() {
        assert_eq!(found, Ok(expected), "entry {i}");
    }
    assert_eq!(check_mutants::<ops::concat>(&[x, numbers(&[2, 3, 2])], 1), Ok(2));
    assert_eq!(check_mutants::<ops::split>(&[x], 1), Ok(1));
    assert_eq!(check_mutants::<ops::layer_norm>(&[x, d, d, constant(0.1)], 1), Ok(3));
    assert_eq!(check_mutants::<ops::sum>(&[x], 1), Ok(1));
    assert_eq!(check_mutants::<ops::mean>(&[x], 1), Ok(1));
    assert_eq!(check_mutants::<ops::dot>(&[x, x], 1), Ok(2));
    assert_eq!(check_mutants::<ops::logsumexp>(&[x], 1), Ok(1));
    assert_eq!(check_mutants::<ops::top_k>(&[x, setting(2)], 1), Ok(1));
    assert_eq!(check_mutants::<ops::discretise>(&[positive, w, numbers(&[2, 3, 3]), x], 1), Ok(4));
    let sparse = [given_ids(&[0, 1, 3]), given_ids(&[3, 0, 1]), numbers(&[3]), x];
    assert_eq!(check_mutants::<ops::sparse_linear>(&sparse, 1), Ok(2));
}

/// The checks see what is wrong: a rule that forgets a factor, and one that overwrites where it should add.
#[test]
fn wrong_rules_are_caught() {
    let wrong = check_primitive::<Square<false, true>>(&[numbers(&[3])], 1).unwrap_err().to_string();
    assert!(wrong.contains("⟨v, Jᵀw⟩"), "{wrong}");
    let wrong = check_primitive::<Square<true, false>>(&[numbers(&[3])], 1).unwrap_err().to_string();
    assert!(wrong.contains("gradient of argument 1 is not added"), "{wrong}");
    check_primitive::<Square<true, true>>(&[numbers(&[3])], 1).unwrap();
}

/// `y = x^2`, with the factor 2 in its rule or without, adding to its slot or overwriting.
struct Square<const FACTOR: bool, const ADDS: bool>;

impl<const FACTOR: bool, const ADDS: bool> Primitive for Square<FACTOR, ADDS> {
    const SIG: Sig = Sig::new("(..) -> (..)");
    const KEEPS: &'static [bool] = &[true];
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
    type Cots<'a, R: Real> = (Slot<'a, R>,);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = &'r [R];
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x,): (Arg<'r, '_, R>,),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<&'r [R], Error> {
        y.iter_mut().zip(x.data()).for_each(|(y, &x)| *y = x * x);
        Ok(x.keep(saved))
    }

    fn vjp<R: Real>(
        x: &[R],
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (mut slot,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        let factor = R::of(if FACTOR { 2.0 } else { 1.0 });
        let element = |i: usize| factor * x[i] * c[i];
        match &mut slot {
            Slot::Add(g) if !ADDS => Slot::Write(g).each(element),
            slot => slot.each(element),
        }
        Ok(())
    }
}

/// Against the dense matrix with the same blocks: products, and a recurrence a step at a time.
#[test]
fn blocks_along_the_diagonal() {
    for (n, blocks, k) in [(0, 2, 2), (1, 1, 1), (7, 3, 2), (2, 1, 5), (5, 4, 1), (3, 2, 7)] {
        let d = blocks * k;
        check::<ops::block_diagonal>(&[numbers(&[d, k]), numbers(&[2, n, d])], sum_bound(2 * n + k));
        let a = numbers(&[d, k]).between(-0.9 / k as f64, 0.9 / k as f64);
        check::<ops::block_diagonal_scan>(&[a, numbers(&[2, n, d])], sum_bound(2 * n + k) * 4.0);
    }
    let w = [1.0, 2.0, 3.0, 4.0, -1.0, 0.5, 0.25, 2.0];
    let dense = |i: usize, j: usize| if i / 2 == j / 2 { w[i * 2 + j % 2] } else { 0.0 };
    let times = |x: &[f64]| -> Vec<f64> { (0..4).map(|i| (0..4).map(|j| dense(i, j) * x[j]).sum()).collect() };
    let x = [[1.0, -1.0, 2.0, 0.5], [0.0, 3.0, -2.0, 1.0]];
    let args = [Value::new(&[4, 2], w.to_vec()), Value::new(&[1, 2, 4], x.concat())];
    let given = Given { state: vec![vec![0.5, 1.0, -1.0, 2.0]], ..Given::default() };
    let product = ops::block_diagonal::run(&args, &Given::default()).unwrap().outs;
    assert_eq!(product, [[times(&x[0]), times(&x[1])].concat()]);
    let mut h = given.state[0].clone();
    let mut steps = Vec::new();
    for x in x {
        h = times(&h).iter().zip(x).map(|(h, x)| h + x).collect();
        steps.extend(h.clone());
    }
    let ran = ops::block_diagonal_scan::run(&args, &given).unwrap();
    assert_eq!((ran.outs, ran.state), (vec![steps], vec![h]));

    let samples = [numbers(&[4, 2]), numbers(&[2, 3, 4])];
    assert_eq!(check_mutants::<ops::block_diagonal>(&samples, 1), Ok(2));
    assert_eq!(check_mutants::<ops::block_diagonal_scan>(&samples, 1), Ok(3));
    for wrong in [[numbers(&[4, 3]), numbers(&[1, 1, 4])], [numbers(&[4, 0]), numbers(&[1, 1, 4])]] {
        let error = check_primitive::<ops::block_diagonal>(&wrong, 1).unwrap_err().to_string();
        assert!(error.contains("whose size divides 4"), "{error}");
        assert!(check_primitive::<ops::block_diagonal_scan>(&wrong, 1).is_err());
    }
    assert!(check_primitive::<ops::block_diagonal_scan>(&[numbers(&[4, 2]), numbers(&[1, 1, 6])], 1).is_err());
}
