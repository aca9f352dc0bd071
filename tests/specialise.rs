//! Variants in the type: the same numbers as with a test of the tag, to the bit.

mod common;

use barewire::prelude::*;
use barewire::specialise;
use barewire::specialise::{Any, Variant};
use barewire::state::State;
use barewire::testing::Rng;
use common::{bits, matrix, vector};

#[derive(BareUnion)]
#[bare(specialise)]
enum Weight {
    #[bare(forward = |x: [batch, time, d_in]| linear(weights, x))]
    Dense {
        #[bare(dims = [d_out, d_in])]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d_in]| linear(up, linear(down, x)))]
    LowRank {
        #[bare(dims = [d_out, r])]
        up: Matrix<f32>,
        #[bare(dims = [r, d_in])]
        down: Matrix<f32>,
    },
}

#[derive(BareUnion)]
#[bare(specialise)]
enum Mixer {
    #[bare(forward = |x: [batch, time, d]| gated_linear_recurrence(sigmoid(x), x))]
    Gated,
    #[bare(forward = |x: [batch, time, d]| tanh(gain * x))]
    Pointwise { gain: f32 },
}

#[derive(BareStruct)]
#[bare(specialise, forward = |x: [batch, time, d]| x + bias * weight(mixer(weight(x))))]
struct Net {
    #[bare(axes(d_in = d, d_out = d))]
    weight: Weight,
    #[bare(dims = [d])]
    bias: Vec<f32>,
    #[bare(axes(d = d))]
    mixer: Mixer,
}

/// A specialised struct is a layer of another.
#[derive(BareStruct)]
#[bare(specialise, forward = |x: [batch, time, d]| last(rest(first(x))))]
struct Outer {
    #[bare(axes(d = d))]
    first: Net,
    #[bare(axes(d = d))]
    rest: Vec<Mixer>,
    #[bare(axes(d = d), fixed)]
    last: Mixer,
}

const SIZES: [usize; 3] = [2, 3, 4];
const D: usize = SIZES[2];

fn weight(low_rank: bool, rng: &mut Rng) -> Weight {
    match low_rank {
        false => Weight::Dense { weights: matrix(rng, D, D) },
        true => Weight::LowRank { up: matrix(rng, D, 2), down: matrix(rng, 2, D) },
    }
}

fn mixer(pointwise: bool) -> Mixer {
    if pointwise { Mixer::Pointwise { gain: 0.7 } } else { Mixer::Gated }
}

fn net(low_rank: bool, pointwise: bool) -> Net {
    let rng = &mut Rng::new(7);
    Net { weight: weight(low_rank, rng), bias: vector(rng, D), mixer: mixer(pointwise) }
}

/// Results, cotangents of the input, of the state and of the parameters, of the second of two chunks.
#[derive(Debug, PartialEq)]
struct Found(Vec<u32>);

fn x(seed: u64) -> Vec<f32> {
    vector(&mut Rng::new(seed), SIZES.iter().product())
}

fn of<T: Layer>(part: &T) -> Found {
    let index = Index::new();
    let model = Checked::<T>::new(part.view(&index)).unwrap();
    let (first, second) = (x(1), x(2));
    let (mut state, mut state_cot, mut ws) = (T::State::<f32>::default(), T::State::<f32>::default(), Workspace::new());
    let mut y = vec![0.0; first.len()];
    model.forward(&[numbers(&first, &SIZES)], &mut [&mut y], &mut state, &mut ws).unwrap();
    let mut found = bits(&y);
    let (mut x_cot, mut grad) = (vec![0.0; y.len()], T::Grad::<f32>::default());
    let mut pass = model.forward_saving(&[numbers(&second, &SIZES)], &mut state, &mut ws).unwrap();
    found.extend(bits(pass.result(0)));
    pass.vjp(&[&first], &mut [Slot::Write(&mut x_cot)], &mut grad, &mut state_cot).unwrap();
    end::<T>(part, found, &x_cot, grad, &mut state_cot)
}

fn fixed<V: Variant>(part: &V::Of) -> Found {
    let index = Index::new();
    let model = Checked::<V::Of>::new(part.view(&index)).unwrap().specialised::<V>().unwrap();
    let (first, second) = (x(1), x(2));
    let (mut state, mut state_cot, mut ws) = (V::State::<f32>::default(), V::State::<f32>::default(), Workspace::new());
    let mut y = vec![0.0; first.len()];
    model.forward(&[numbers(&first, &SIZES)], &mut [&mut y], &mut state, &mut ws).unwrap();
    let mut found = bits(&y);
    let (mut x_cot, mut grad) = (vec![0.0; y.len()], <V::Of as Part>::Grad::<f32>::default());
    let mut pass = model.forward_saving(&[numbers(&second, &SIZES)], &mut state, &mut ws).unwrap();
    found.extend(bits(pass.result(0)));
    pass.vjp(&[&first], &mut [Slot::Write(&mut x_cot)], &mut grad, &mut state_cot).unwrap();
    end::<V::Of>(part, found, &x_cot, grad, &mut state_cot)
}

fn end<T: Layer>(
    part: &T,
    mut found: Vec<u32>,
    x: &[f32],
    mut grad: T::Grad<f32>,
    state: &mut impl State<f32>,
) -> Found {
    found.extend(bits(x));
    state.arrays(&mut |values| found.extend(bits(values)));
    let index = Index::new();
    T::walk::<f32, f32>(part.view(&index), &mut grad, &mut String::new(), &mut |leaf| found.extend(bits(leaf.grad)))
        .unwrap();
    Found(found)
}

#[test]
fn variants_and_combinations_give_the_same_bits() {
    let rng = &mut Rng::new(3);
    assert_eq!(fixed::<weight::Dense>(&weight(false, rng)).0.len(), 3 * 24 + 16);
    for part in [weight(false, rng), weight(true, rng)] {
        let expected = of(&part);
        match part {
            Weight::Dense { .. } => assert_eq!(fixed::<weight::Dense>(&part), expected),
            Weight::LowRank { .. } => assert_eq!(fixed::<weight::LowRank>(&part), expected),
        }
        assert_eq!(fixed::<Any<Weight>>(&part), expected);
    }
    assert_eq!(fixed::<net::Of<weight::Dense, mixer::Gated>>(&net(false, false)), of(&net(false, false)));
    assert_eq!(fixed::<net::Of<weight::Dense, mixer::Pointwise>>(&net(false, true)), of(&net(false, true)));
    assert_eq!(fixed::<net::Of<weight::LowRank, mixer::Gated>>(&net(true, false)), of(&net(true, false)));
    assert_eq!(fixed::<net::Of<weight::LowRank, Any<Mixer>>>(&net(true, true)), of(&net(true, true)));
}

#[test]
fn combinations_nest() {
    let outer = Outer { first: net(true, false), rest: vec![mixer(true), mixer(false)], last: mixer(true) };
    type Inner = net::Of<weight::LowRank, mixer::Gated>;
    assert_eq!(fixed::<outer::Of<Inner, Any<Vec<Mixer>>, mixer::Pointwise>>(&outer), of(&outer));
}

#[test]
fn other_variants_are_none() {
    let part = net(false, true);
    let index = Index::new();
    let model = Checked::<Net>::new(part.view(&index)).unwrap();
    assert!(model.specialised::<net::Of<weight::Dense, mixer::Pointwise>>().is_some());
    assert!(model.specialised::<net::Of<weight::Dense, mixer::Gated>>().is_none());
    assert!(model.specialised::<net::Of<weight::LowRank, mixer::Pointwise>>().is_none());
    assert!(model.specialised::<net::Of<Any<Weight>, mixer::Pointwise>>().is_some());
}

#[test]
fn a_match_picks_once() {
    let run = |part: &Net| {
        let index = Index::new();
        let model = Checked::<Net>::new(part.view(&index)).unwrap();
        let (given, mut y) = (x(5), x(5));
        specialise!(model, [net::Of<weight::Dense, mixer::Gated>, net::Of<weight::LowRank, mixer::Gated>], |net| {
            net.forward(&[numbers(&given, &SIZES)], &mut [&mut y], &mut Default::default(), &mut Workspace::new()).unwrap()
        });
        let mut expected = given.clone();
        let given = [numbers(&given, &SIZES)];
        model.forward(&given, &mut [&mut expected], &mut Default::default(), &mut Workspace::new()).unwrap();
        assert_eq!(bits(&y), bits(&expected));
    };
    for (low_rank, pointwise) in [(false, false), (true, false), (true, true)] {
        run(&net(low_rank, pointwise));
    }
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let part = net(false, false);
    let index = Index::new();
    let model = Checked::<Net>::new(part.view(&index)).unwrap();
    let fixed = model.specialised::<net::Of<weight::Dense, mixer::Gated>>().unwrap();
    let x = x(1);
    let mut short = vec![0.0; 3];
    let run = |results: &mut [&mut [f32]], sizes: &[usize]| {
        fixed.forward(&[numbers(&x, sizes)], results, &mut Default::default(), &mut Workspace::new())
    };
    let general = |results: &mut [&mut [f32]], sizes: &[usize]| {
        model.forward(&[numbers(&x, sizes)], results, &mut Default::default(), &mut Workspace::new())
    };
    assert_eq!(run(&mut [&mut short], &SIZES), general(&mut [&mut short], &SIZES));
    assert_eq!(run(&mut [], &SIZES), general(&mut [], &SIZES));
    assert_eq!(run(&mut [&mut short], &[2, 4, 3]), general(&mut [&mut short], &[2, 4, 3]));
    assert!(run(&mut [&mut short], &SIZES).is_err());
}
