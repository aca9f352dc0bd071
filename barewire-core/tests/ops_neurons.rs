//! Spiking neurons: tangents of the declared derivatives, traces by hand, and streams.

mod common;

use barewire_core::ops;
use barewire_core::testing::{Given, Rng, Testable, Value, check_mutants, check_primitive, constant, numbers, setting};
use common::{check_declared, sum_bound};

#[test]
fn declared_derivatives() {
    for [batch, time, d] in [[1, 1, 1], [2, 7, 3], [1, 33, 5], [0, 2, 2], [2, 0, 3]] {
        let i = numbers(&[batch, time, d]).between(-0.5, 1.5);
        let (threshold, decay) = (numbers(&[]).between(0.4, 0.8), numbers(&[]).between(0.5, 0.9));
        let bound = sum_bound(batch * time * d + 8) * 4.0;
        for refractory in [0, 2] {
            let samples = [i, threshold, decay, setting(refractory), constant(2.0)];
            check_declared::<ops::lif>(&samples, bound);
        }
        for (taps, ages) in [(1, 0), (4, 3), (2, 9)] {
            let samples = [i, numbers(&[taps]), numbers(&[ages]), threshold, constant(2.0)];
            check_declared::<ops::spike_response>(&samples, bound);
        }
        let [a, b] = [numbers(&[]).between(0.01, 0.1), numbers(&[]).between(0.1, 0.3)];
        let [c, jump] = [numbers(&[]).between(-70.0, -50.0), numbers(&[]).between(2.0, 8.0)];
        let samples = [numbers(&[batch, time, d]).between(200.0, 400.0), a, b, c, jump, constant(0.5)];
        // potentials of 100 mV are squared: their rounding grows before a spike, by the derivative of a step each time
        check_declared::<ops::izhikevich>(&samples, 1e-3);
    }
}

/// Below the threshold nothing is declared: differences and symmetry hold too.
#[test]
fn without_spikes_the_derivative_is_the_true_one() {
    let quiet = numbers(&[2, 5, 3]).between(-0.1, 0.1);
    let samples = [numbers(&[2, 5, 3]), numbers(&[]), numbers(&[]), numbers(&[]), numbers(&[]), constant(0.01)];
    // a state near rest, and steps so short that 30 mV are far; the spike's slope there is below 1e-40
    check_primitive::<ops::izhikevich>(&samples, 1).unwrap();
    let linear = [quiet, numbers(&[]).between(50.0, 60.0), numbers(&[]), setting(0), constant(10.0)];
    check_primitive::<ops::lif>(&linear, 1).unwrap();
}

#[test]
fn flipped_signs_are_caught() {
    let i = numbers(&[2, 4, 3]).between(-0.5, 1.5);
    let (threshold, decay) = (numbers(&[]).between(0.4, 0.8), numbers(&[]).between(0.5, 0.9));
    // the state's cotangent is one more each
    let samples = [i, threshold, decay, setting(1), constant(2.0)];
    assert_eq!(check_mutants::<ops::lif>(&samples, 1), Ok(4));
    let samples = [i, numbers(&[3]), numbers(&[2]), threshold, constant(2.0)];
    assert_eq!(check_mutants::<ops::spike_response>(&samples, 1), Ok(5));
    let [a, b] = [numbers(&[]).between(0.01, 0.1), numbers(&[]).between(0.1, 0.3)];
    let [c, d] = [numbers(&[]).between(-70.0, -50.0), numbers(&[]).between(2.0, 8.0)];
    // potentials end near the threshold, since the slope of a spike vanishes far from it, and with it the effect of a wrong sign
    for time in [1, 2] {
        let samples = [numbers(&[2, time, 3]).between(196.0, 216.0), a, b, c, d, constant(0.5)];
        assert_eq!(check_mutants::<ops::izhikevich>(&samples, 1), Ok(6));
    }
}

fn one(values: &[f64]) -> Value<f64> {
    Value::new(&[1, values.len(), 1], values.to_vec())
}

#[test]
fn traces_by_hand() {
    let given = Given::default();
    let number = |x| Value::new(&[], vec![x]);
    let lif = |refractory| {
        let i = one(&[0.5, 0.75, 1.0, 0.0, 4.0, 0.0]);
        let args = [i, number(1.0), number(0.5), Value::setting(refractory), Value::constant(1.0)];
        ops::lif::run(&args, &given).unwrap()
    };
    // u: 0.5, 1, 1.5 (spike), -0.25, 3.875 (spike), 0.9375
    let free = lif(0);
    assert_eq!(free.outs, [[0.0, 0.0, 1.0, 0.0, 1.0, 0.0]]);
    assert_eq!(free.state, [[0.9375, 0.0, 0.0]]);
    // rests for two steps: no spike at 3.875, but one at 1.9375
    let resting = lif(2);
    assert_eq!(resting.outs, [[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]]);
    assert_eq!(resting.state, [[1.9375, 1.0, 2.0]]);

    let kernels = [Value::new(&[2], vec![1.0, 0.5]), Value::new(&[2], vec![-1.0, -0.25])];
    let [kernel, adaptation] = kernels;
    let args = [one(&[1.0, 1.0, 1.0, 1.0]), kernel, adaptation, number(0.9), Value::constant(1.0)];
    // u: 1 (spike), 1.5 - 1 = 0.5, 1.5 - 0.25 = 1.25 (spike), 1.5 - 1 = 0.5
    let ran = ops::spike_response::run(&args, &given).unwrap();
    assert_eq!(ran.outs, [[1.0, 0.0, 1.0, 0.0]]);
    assert_eq!(ran.state, [[1.0, 1.0, 0.0]]);

    // from -65 with dt 1: slope 0.04 * 4225 - 325 + 140 + i = i - 16
    let args = [one(&[17.0, 115.0]), number(0.5), number(0.2), number(-60.0), number(8.0), Value::constant(1.0)];
    let ran = ops::izhikevich::run(&args, &given).unwrap();
    // v -64, u -6.5; then w = -64 + (163.84 - 320 + 140 + 6.5 + 115) = 41.34: a spike, u = -6.5 + 0.5 (-12.8 + 6.5) + 8
    let near = |found: f64, want: f64| assert!((found - want).abs() < 1e-12, "{found} against {want}");
    near(ran.outs[0][0], -64.0);
    near(ran.outs[0][1], -60.0);
    assert_eq!(ran.outs[1], [0.0, 1.0]);
    near(ran.state[0][0], 5.0);
    near(ran.state[0][1], -1.65);
}

/// Any split into calls gives the same bits.
#[test]
fn streams() {
    fn split<O: Testable<f32>>(i: &Value<f32>, rest: &[Value<f32>], lengths: &[usize]) -> Vec<Vec<Vec<f32>>> {
        let (mut state, mut start, mut all) = (Vec::new(), 0, Vec::new());
        for &length in lengths {
            let mut args = vec![i.steps(start..start + length)];
            args.extend_from_slice(rest);
            let ran = O::run_plain(&args, &Given { state, ..Given::default() }).unwrap();
            all.extend(ran.outs[0].chunks(2).map(|step| vec![step.to_vec()]));
            state = ran.state;
            start += length;
        }
        all.push(state);
        all
    }
    let mut rng = Rng::new(8);
    let time = 30;
    let mut current =
        |low, high| Value::new(&[1, time, 2], (0..2 * time).map(|_| rng.between(low, high) as f32).collect());
    let (weak, strong) = (current(-0.5, 1.5), current(200.0, 400.0));
    let number = |x| Value::new(&[], vec![x]);
    let slope = Value::constant(2.0);
    let lif = [number(0.6), number(0.8), Value::setting(2), slope.clone()];
    let list = |values: &[f32]| Value::new(&[values.len()], values.to_vec());
    let response = [list(&[0.5, 0.25, 0.125]), list(&[-1.0, -0.5]), number(0.6), slope];
    let spiking = [number(0.02), number(0.2), number(-65.0), number(8.0), Value::constant(0.5)];
    for lengths in [vec![1; time], vec![7, 0, 22, 1]] {
        assert_eq!(split::<ops::lif>(&weak, &lif, &lengths), split::<ops::lif>(&weak, &lif, &[time]));
        let whole = split::<ops::spike_response>(&weak, &response, &[time]);
        assert_eq!(split::<ops::spike_response>(&weak, &response, &lengths), whole);
        let whole = split::<ops::izhikevich>(&strong, &spiking, &[time]);
        assert_eq!(split::<ops::izhikevich>(&strong, &spiking, &lengths), whole);
    }
}
