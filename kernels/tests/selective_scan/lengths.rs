//! A wrong length is an error that names the argument.

use crate::case::{ALL, Case, Results, cotangents, shape};
use barewire_kernels::selective_scan::{
    Inputs, Shape, StepInputs, backward_with, checkpoints_len, forward_saving_with, forward_with, pack_a, pack_state,
    step_with, unpack_state,
};
use barewire_kernels::{Isa, KernelError, Scratch};

#[test]
fn wrong_lengths_name_the_argument() {
    let case = Case::new(shape(1, 3, 5, 2), ALL, 1.0, 24);
    let mut scratch = Scratch::new();
    let name = |error: Result<(), KernelError>| match error {
        Err(KernelError::Length { argument, .. }) => argument,
        other => panic!("{other:?}"),
    };
    let good = case.inputs();
    let long = [0.0; 31];
    let inputs = [
        ("x", Inputs { x: &case.x[1..], ..good }),
        ("dt", Inputs { dt: &long, ..good }),
        ("z", Inputs { z: Some(&[]), ..good }),
        ("a", Inputs { a: &long, ..good }),
        ("b", Inputs { b: &long, ..good }),
        ("c", Inputs { c: &[], ..good }),
        ("d", Inputs { d: Some(&long), ..good }),
        ("dt_bias", Inputs { dt_bias: Some(&[]), ..good }),
    ];
    let checkpoints = vec![0.0; checkpoints_len(case.shape).unwrap()];
    for (expected, inputs) in &inputs {
        let (mut h, mut y) = (case.h.clone(), case.y_cot.clone());
        let found = forward_with(Isa::best(), case.shape, inputs, &mut h, &mut y, &mut scratch);
        assert_eq!(name(found), *expected);
        let mut r = Results::default();
        let cots = cotangents(&case, &mut r, 0.0);
        let found =
            backward_with(Isa::best(), case.shape, inputs, &checkpoints, &case.y_cot, &mut h, cots, &mut scratch);
        assert_eq!(name(found), *expected);
    }
    let (mut h, mut y) = (case.h.clone(), case.y_cot.clone());
    let isa = Isa::best();
    assert_eq!(name(forward_with(isa, case.shape, &good, &mut h[1..], &mut y, &mut scratch)), "h");
    assert_eq!(name(forward_with(isa, case.shape, &good, &mut h, &mut y[1..], &mut scratch)), "y");
    let mut short = vec![0.0; checkpoints.len() - 1];
    let found = forward_saving_with(isa, case.shape, &good, &mut h, &mut y, &mut short, &mut scratch);
    assert_eq!(name(found), "checkpoints");
    assert_eq!((h, y), (case.h.clone(), case.y_cot.clone()), "nothing was written");
    wrong_lengths_of_the_backward(&case, &checkpoints, name);
    wrong_lengths_of_a_step(&case, name);
}

fn wrong_lengths_of_the_backward(
    case: &Case<f32>,
    checkpoints: &[f32],
    name: impl Fn(Result<(), KernelError>) -> &'static str,
) {
    let mut scratch = Scratch::new();
    for expected in [
        "checkpoints",
        "y_cot",
        "state_cot",
        "x_cot",
        "dt_cot",
        "z_cot",
        "a_cot",
        "b_cot",
        "c_cot",
        "d_cot",
        "dt_bias_cot",
    ] {
        let wrong = |argument| usize::from(argument == expected);
        let mut r = Results::default();
        let mut state = case.state_cot.clone();
        let mut cots = cotangents(case, &mut r, 0.0);
        let mut other = [0.0; 7];
        match expected {
            "x_cot" => cots.x = &mut other,
            "dt_cot" => cots.dt = &mut other,
            "z_cot" => cots.z = None,
            "a_cot" => cots.a = &mut other,
            "b_cot" => cots.b = &mut other,
            "c_cot" => cots.c = &mut other,
            "d_cot" => cots.d = Some(&mut other),
            "dt_bias_cot" => cots.dt_bias = None,
            _ => {}
        }
        let found = backward_with(
            Isa::best(),
            case.shape,
            &case.inputs(),
            &checkpoints[wrong("checkpoints")..],
            &case.y_cot[wrong("y_cot")..],
            &mut state[wrong("state_cot")..],
            cots,
            &mut scratch,
        );
        assert_eq!(name(found), expected);
    }
}

fn wrong_lengths_of_a_step(case: &Case<f32>, name: impl Fn(Result<(), KernelError>) -> &'static str) {
    let (x, a, y) = ([0.0; 5], [0.0; 32], [0.0; 5]);
    let good = StepInputs {
        x: &x,
        dt: &x,
        z: None,
        a_packed: &a,
        b: &x[..2],
        c: &x[..2],
        d: None,
        dt_bias: None,
        softplus: true,
    };
    let inputs = [
        ("x", StepInputs { x: &x[1..], ..good }),
        ("dt", StepInputs { dt: &[], ..good }),
        ("z", StepInputs { z: Some(&a), ..good }),
        ("a_packed", StepInputs { a_packed: &case.a, ..good }),
        ("b", StepInputs { b: &x, ..good }),
        ("c", StepInputs { c: &x, ..good }),
        ("d", StepInputs { d: Some(&a), ..good }),
        ("dt_bias", StepInputs { dt_bias: Some(&a), ..good }),
        ("h_packed", good),
        ("y", good),
    ];
    for (expected, inputs) in &inputs {
        let (mut h, mut y) = (a, y);
        let h = &mut h[usize::from(*expected == "h_packed")..];
        let y = &mut y[usize::from(*expected == "y")..];
        assert_eq!(name(step_with(Isa::best(), 1, 5, 2, inputs, h, y)), *expected);
    }
    assert_eq!(name(pack_a(5, 2, &x, &mut [0.0; 32])), "a");
    assert_eq!(name(pack_a(5, 2, &[0.0; 10], &mut [0.0; 31])), "packed");
    assert_eq!(name(pack_state(1, 5, 2, &x, &mut [0.0; 32])), "h");
    assert_eq!(name(unpack_state(1, 5, 2, &x, &mut [0.0; 10])), "packed");
    let huge = Shape { batch: usize::MAX, seq_len: 2, d_inner: 2, d_state: 2 };
    assert!(matches!(checkpoints_len(huge), Err(KernelError::Overflow { .. })));
}
