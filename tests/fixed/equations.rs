//! Equations over columns: each element by its own numbers, against the union's own `forward` one element at a time.

use barewire::columns::ColumnsCotangent;
use barewire::prelude::*;
use proptest::prelude::*;

/// Three kinds of response to an input current.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Unit {
    #[bare(forward = |x: [time, unit], drive: [time, unit]| gain * tanh(x - threshold) + drive)]
    Soft { threshold: f32, gain: f32 },
    #[bare(forward = |x: [time, unit], drive: [time, unit]| x * drive)]
    Product,
    #[bare(tag = 9, forward = |x: [time, unit], drive: [time, unit]| {
        let s = sigmoid(slope * x);
        offset + s * (1.0 - s) * drive / scale
    })]
    Bump { slope: f32, offset: f32, scale: f32 },
}

fn units(n: usize) -> Vec<Unit> {
    let x = |i: usize, k: usize| ((i * 7 + k * 3) % 11) as f32 * 0.2 - 0.9;
    (0..n)
        .map(|i| match (i * i / 5) % 3 {
            0 => Unit::Soft { threshold: x(i, 0), gain: x(i, 1) },
            1 => Unit::Product,
            _ => Unit::Bump { slope: x(i, 0), offset: x(i, 1), scale: x(i, 2) + 2.5 },
        })
        .collect()
}

/// One element by itself, through the union's own equation.
fn alone(unit: &Unit, x: &[f32], drive: &[f32]) -> Vec<f32> {
    let index = Index::new();
    let model = Checked::<Unit>::new(unit.view(&index)).unwrap();
    let mut out = vec![0.0; x.len()];
    let sizes = [x.len(), 1];
    model
        .forward(
            &[numbers(x, &sizes), numbers(drive, &sizes)],
            &mut [&mut out],
            &mut Default::default(),
            &mut Workspace::new(),
        )
        .unwrap();
    out
}

fn wave(n: usize, k: f32) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * k).sin() * 1.5).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// To the bit: the same arithmetic in the same order, whatever stands beside an element.
    #[test]
    fn forward_is_that_of_each_element(n in 1usize..300, rows in 1usize..4) {
        let units = units(n);
        let columns = Columns::from_vec(units.clone());
        let (x, drive) = (wave(n * rows, 0.37), wave(n * rows, 0.11));
        let mut y = vec![0.0; n * rows];
        columns.as_view().forward(&[&x, &drive], &mut y, &mut Workspace::new()).unwrap();
        for (i, unit) in units.iter().enumerate() {
            let of = |all: &[f32]| all.iter().skip(i).step_by(n).copied().collect::<Vec<_>>();
            prop_assert_eq!(of(&y), alone(unit, &of(&x), &of(&drive)), "{}", i);
        }
    }
}

/// Against differences of the forward pass in f64, for inputs and for every number of every element.
#[test]
fn the_backward_pass_is_the_derivative() {
    let (n, rows) = (23, 2);
    let mut units = units(n);
    let (x, drive) = (wave(n * rows, 0.37), wave(n * rows, 0.11));
    let up = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let (x, drive, cot) = (up(&x), up(&drive), up(&wave(n * rows, 0.23)));
    let loss = |units: &[Unit], x: &[f64], drive: &[f64]| -> f64 {
        let mut y = vec![0.0; n * rows];
        Columns::from_slice(units).as_view().forward(&[x, drive], &mut y, &mut Workspace::new()).unwrap();
        y.iter().zip(&cot).map(|(y, c)| y * c).sum()
    };
    let mut grad = ColumnsCotangent::<Unit, f64>::zeros(n);
    let (mut x_cot, mut drive_cot) = (vec![7.0; n * rows], vec![1.0; n * rows]);
    Columns::from_slice(&units)
        .as_view()
        .vjp(
            &[&x, &drive],
            &cot,
            &mut [Slot::Write(&mut x_cot), Slot::Add(&mut drive_cot)],
            &mut grad,
            &mut Workspace::new(),
        )
        .unwrap();

    // third derivatives here are below 30, so a central difference of h = 1e-5 is off by less than 1e-8
    let (h, bound) = (1e-5, 1e-7);
    for i in 0..n * rows {
        for (input, found) in [(0, x_cot[i]), (1, drive_cot[i] - 1.0)] {
            let shifted = |h: f64| {
                let (mut x, mut drive) = (x.clone(), drive.clone());
                if input == 0 {
                    x[i] += h
                } else {
                    drive[i] += h
                }
                loss(&units, &x, &drive)
            };
            let expected = (shifted(h) - shifted(-h)) / (2.0 * h);
            assert!((expected - found).abs() < bound, "input {input}, element {i}: {expected} {found}");
        }
    }
    // stored numbers are f32, so the step is what the change really was
    for i in 0..n {
        for (name, k) in
            [("Soft.threshold", 0), ("Soft.gain", 1), ("Bump.slope", 0), ("Bump.offset", 1), ("Bump.scale", 2)]
        {
            let found = grad.column(name).unwrap()[i];
            let original = units[i].clone();
            let mut at = |h: f32| {
                units[i] = original.clone();
                let number = match (&mut units[i], name.starts_with("Soft")) {
                    (Unit::Soft { threshold, gain }, true) => [threshold, gain].into_iter().nth(k),
                    (Unit::Bump { slope, offset, scale }, false) => [slope, offset, scale].into_iter().nth(k),
                    _ => None,
                }?;
                *number += h;
                let number = f64::from(*number);
                Some((loss(&units, &x, &drive), number))
            };
            let (Some((above, high)), Some((below, low))) = (at(1e-3), at(-1e-3)) else { continue };
            units[i] = original;
            let expected = (above - below) / (high - low);
            // h = 1e-3 leaves h * h / 6 of the third derivative
            assert!((expected - found).abs() < 2e-5, "{name} of element {i}: {expected} {found}");
        }
    }
    // what no field is in has no gradient
    let silent = units.iter().position(|unit| *unit == Unit::Product).unwrap();
    assert_eq!(grad.column("Soft.gain").unwrap()[silent], 0.0);
    assert!(grad.column("Soft.nothing").is_none());
}

#[test]
fn sizes_are_checked() {
    let columns = Columns::from_vec(units(5));
    let (view, mut workspace) = (columns.as_view(), Workspace::new());
    let (x, mut y) = (vec![0.0f32; 10], vec![0.0f32; 10]);
    view.forward(&[&x, &x], &mut y, &mut workspace).unwrap();
    let mut forward =
        |inputs: &[&[f32]], y: &mut [f32]| view.forward(inputs, y, &mut workspace).unwrap_err().to_string();
    assert!(forward(&[&x], &mut y).contains("2 inputs"));
    assert!(forward(&[&x, &x[..5]], &mut y).contains("input 2"));
    assert!(forward(&[&x, &x], &mut y[..9]).contains("result"));
    let mut grad = ColumnsCotangent::zeros(4);
    let error = view.vjp(&[&x, &x], &y, &mut [Slot::Skip, Slot::Skip], &mut grad, &mut Workspace::new()).unwrap_err();
    assert!(error.to_string().contains("gradient"), "{error}");
    let none = Columns::<Unit>::new();
    none.as_view().forward::<f32>(&[&[], &[]], &mut [], &mut Workspace::new()).unwrap();
}
