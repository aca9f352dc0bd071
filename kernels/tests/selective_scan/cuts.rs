//! What must not change a bit: cuts of time, steps, threads, alignment; and what cotangents are added to.

use crate::bounds::bounds;
use crate::case::{ALL, Case, Options, Results, cotangents, shape};
use crate::common::{assert_within, bits, for_each_isa, wide};
use barewire_kernels::selective_scan::{
    Inputs, Shape, StepInputs, backward_with, checkpoints_len, forward_saving_with, forward_with, pack_a, pack_state,
    packed_len, step_with, unpack_state,
};
use barewire_kernels::{Exec, Isa, Scratch};

/// The final state of one call is the initial state of the next: the same bits as in one call.
#[test]
fn chunks_have_the_bits_of_one_call() {
    let whole = Case::new(shape(2, 75, 19, 3), ALL, 3.0, 17);
    for_each_isa(|isa| {
        if isa == Isa::Reference {
            return;
        }
        let mut scratch = Scratch::new();
        let expected = whole.run(isa, &mut scratch);
        for cuts in [vec![1; 75], vec![32, 1, 42], vec![20, 40, 15], vec![74, 1]] {
            let mut h = whole.h.clone();
            let mut start = 0;
            for len in cuts {
                let Shape { batch, seq_len, d_inner, d_state } = whole.shape;
                let rows = |x: &[f32], width: usize| -> Vec<f32> {
                    (0..batch).flat_map(|b| x[(b * seq_len + start) * width..][..len * width].to_vec()).collect()
                };
                let (x, dt, z) = (rows(&whole.x, d_inner), rows(&whole.dt, d_inner), rows(&whole.z, d_inner));
                let (b, c) = (rows(&whole.b, d_state), rows(&whole.c, d_state));
                let inputs = Inputs { x: &x, dt: &dt, z: Some(&z), b: &b, c: &c, ..whole.inputs() };
                let mut y = vec![f32::NAN; x.len()];
                let part = Shape { seq_len: len, ..whole.shape };
                forward_with(isa, part, &inputs, &mut h, &mut y, &mut scratch).unwrap();
                assert_eq!(bits(&y), bits(&rows(&expected.y, d_inner)), "{} {start}", isa.name());
                start += len;
            }
            assert_eq!(bits(&h), bits(&expected.h), "{}", isa.name());
        }
    });
}

#[test]
fn packed_steps_have_the_bits_of_one_call() {
    for (options, spread) in [(ALL, 1.0), (ALL, 18.0), (Options { z: false, d: false, ..ALL }, 3.0)] {
        let Shape { batch, seq_len, d_inner, d_state } = shape(2, 9, 37, 9);
        let case = Case::new(shape(batch, seq_len, d_inner, d_state), options, spread, 18);
        let len = packed_len(d_inner, d_state).unwrap();
        let bounds = bounds(&case);
        for_each_isa(|isa| {
            let expected = case.run(isa, &mut Scratch::new());
            let (mut a, mut h) = (vec![f32::NAN; len], vec![f32::NAN; batch * len]);
            pack_a(d_inner, d_state, &case.a, &mut a).unwrap();
            pack_state(batch, d_inner, d_state, &case.h, &mut h).unwrap();
            for t in 0..seq_len {
                fn rows<T: Copy>(x: &[T], of: Shape, t: usize, width: usize) -> Vec<T> {
                    (0..of.batch).flat_map(|b| x[(b * of.seq_len + t) * width..][..width].to_vec()).collect()
                }
                let row = |x: &[f32], width: usize| rows(x, case.shape, t, width);
                let (x, dt, z) = (row(&case.x, d_inner), row(&case.dt, d_inner), row(&case.z, d_inner));
                let (b, c) = (row(&case.b, d_state), row(&case.c, d_state));
                let Inputs { d, dt_bias, softplus, .. } = case.inputs();
                let z = options.z.then_some(&z[..]);
                let inputs = StepInputs { x: &x, dt: &dt, z, a_packed: &a, b: &b, c: &c, d, dt_bias, softplus };
                let mut y = vec![f32::NAN; x.len()];
                step_with(isa, batch, d_inner, d_state, &inputs, &mut h, &mut y).unwrap();
                if isa == Isa::Reference {
                    assert_within(
                        "reference",
                        &y,
                        &wide(&row(&expected.y, d_inner)),
                        &rows(&bounds.y, case.shape, t, d_inner),
                    );
                } else {
                    assert_eq!(bits(&y), bits(&row(&expected.y, d_inner)), "{} {t}", isa.name());
                }
            }
            let mut last = vec![f32::NAN; case.h.len()];
            unpack_state(batch, d_inner, d_state, &h, &mut last).unwrap();
            if isa == Isa::Reference {
                assert_within("reference", &last, &wide(&expected.h), &bounds.h);
            } else {
                assert_eq!(bits(&last), bits(&expected.h), "{}", isa.name());
            }
        });
    }
}

#[test]
fn threads_have_the_bits_of_one() {
    let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    let case = Case::new(shape(2, 34, 290, 3), ALL, 1.0, 19);
    for isa in Isa::available().filter(|isa| *isa != Isa::Reference) {
        let expected = case.run(isa, &mut Scratch::new());
        for pool in &pools {
            let found = pool.install(|| case.run(Exec::from(isa).parallel(), &mut Scratch::new()));
            assert!(found == expected, "{} {} threads", isa.name(), pool.current_num_threads());
        }
    }
}

/// Slices that start anywhere, and scratch used by other shapes before.
#[test]
fn unaligned_slices_and_used_scratch() {
    let case = Case::new(shape(1, 34, 50, 16), ALL, 1.0, 20);
    for isa in Isa::available() {
        let expected = case.run(isa, &mut Scratch::new());
        let mut scratch = Scratch::new();
        Case::new(shape(2, 50, 90, 3), ALL, 1.0, 21).run(isa, &mut scratch);
        for shift in [1, 3] {
            let moved = |x: &[f32]| [&vec![f32::NAN; shift][..], x].concat();
            let (x, dt, z) = (moved(&case.x), moved(&case.dt), moved(&case.z));
            let inputs = Inputs { x: &x[shift..], dt: &dt[shift..], z: Some(&z[shift..]), ..case.inputs() };
            let (mut y, mut h) = (vec![0.0; x.len()], case.h.clone());
            forward_with(isa, case.shape, &inputs, &mut h, &mut y[shift..], &mut scratch).unwrap();
            assert_eq!(bits(&y[shift..]), bits(&expected.y), "{}", isa.name());
        }
        assert!(case.run(isa, &mut scratch) == expected, "{}", isa.name());
    }
}

#[test]
fn parameter_cotangents_are_added_to() {
    let case = Case::new(shape(1, 10, 20, 4), ALL, 1.0, 22);
    for_each_isa(|isa| {
        let (mut scratch, inputs) = (Scratch::new(), case.inputs());
        let (mut y, mut h) = (vec![0.0; case.x.len()], case.h.clone());
        let mut checkpoints = vec![0.0; checkpoints_len(case.shape).unwrap()];
        forward_saving_with(isa, case.shape, &inputs, &mut h, &mut y, &mut checkpoints, &mut scratch).unwrap();
        let mut r = Results::default();
        let mut cots = cotangents(&case, &mut r, 0.0);
        cots.a.fill(1.0);
        cots.d.as_mut().unwrap().fill(2.0);
        cots.dt_bias.as_mut().unwrap().fill(3.0);
        let mut state = case.state_cot.clone();
        backward_with(isa, case.shape, &inputs, &checkpoints, &case.y_cot, &mut state, cots, &mut scratch).unwrap();
        let expected = case.run(isa, &mut scratch);
        for (found, expected, before) in
            [(&r.a, &expected.a, 1.0), (&r.d, &expected.d, 2.0), (&r.dt_bias, &expected.dt_bias, 3.0)]
        {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected - before).abs() < 1e-5, "{} {found} {expected}", isa.name());
            }
        }
    });
}
