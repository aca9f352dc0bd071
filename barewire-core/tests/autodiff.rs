//! `grad`, `jacobian`, .. on formulas and ops: closed forms, nesting, the tape, and what is refused.

use std::any::Any;
use std::cell::RefCell;

use barewire_core::autodiff::{
    Cotangents, Derivatives, Formula, Function, Grad, Jacobian, Op, Then, grad, hessian, hvp, jacobian, jvp, value,
    value_and_grad, value_and_hessian, value_and_vjp, vjp,
};
use barewire_core::real::{Dual, Real};
use barewire_core::testing::{Given, Rng, Testable, Value, compare};
use barewire_core::{Error, formula, ops};

fn close(what: &str, found: &[f64], expected: &[f64], bound: f64) {
    compare(what, found, expected, bound).unwrap_or_else(|e| panic!("{e}"));
}

/// `(1 - x)² + 100 (y - x²)²`: derivatives as in its article, and at its minimum.
#[test]
fn rosenbrock() {
    let f = formula!(for<R> |[x, y]| {
        let (a, b) = (R::ONE - x, y - x * x);
        [a * a + R::of(100.0) * b * b]
    });
    let at = |x: f64, y: f64| [x, y];
    for [x, y] in [at(-1.2, 1.0), at(1.0, 1.0), at(0.0, 0.0), at(2.5, -3.0)] {
        let (value, g) = value_and_grad(&f, &[x, y]).unwrap();
        close("value", &[value], &[(1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)], 1e-15);
        let gradient = [-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)];
        close("gradient", &g, &gradient, 1e-14);
        let (again, h) = value_and_hessian(&f, &[x, y]).unwrap();
        assert_eq!(again, value);
        close("hessian", h.values(), &[2.0 - 400.0 * (y - 3.0 * x * x), -400.0 * x, -400.0 * x, 200.0], 1e-14);
        assert_eq!(hvp(&f, &[x, y], &[1.0, 0.0]).unwrap(), [h[(0, 0)], h[(1, 0)]]);
    }
}

/// `log Σ exp x`: its gradient is the softmax `p`, its Hessian `diag p - p pᵀ`.
#[test]
fn log_sum_exp() {
    let f = formula!(for<R> |x| {
        let mut sum = R::ZERO;
        x.iter().for_each(|x| sum += x.exp());
        [sum.ln()]
    });
    for n in [1, 2, 7] {
        let x: Vec<f64> = (0..n).map(|i| (0.7 * f64::from(i)).sin()).collect();
        let sum: f64 = x.iter().map(|x| x.exp()).sum();
        let p: Vec<f64> = x.iter().map(|x| x.exp() / sum).collect();
        close("softmax", &grad(&f, &x).unwrap(), &p, 1e-15);
        let expected: Vec<f64> = (0..p.len())
            .flat_map(|i| p.iter().enumerate().map(move |(j, q)| (i, j, *q)))
            .map(|(i, j, q)| if i == j { q - q * q } else { -p[i] * q })
            .collect();
        let h = hessian(&f, &x).unwrap();
        // rounding of terms of size p, also where they cancel
        let found: Vec<f64> = h.values().iter().zip(&expected).map(|(a, b)| 1.0 + a - b).collect();
        close("hessian", &found, &vec![1.0; found.len()], 1e-15);
        // the same function as an op
        let op = Op::<ops::logsumexp>::new(vec![Value::new(&[x.len()], x.clone())]);
        close("op", &grad(&op, &x).unwrap(), &p, 1e-15);
        let difference: Vec<f64> =
            hessian(&op, &x).unwrap().values().iter().zip(h.values()).map(|(a, b)| a - b).collect();
        assert!(difference.iter().all(|d| d.abs() < 1e-15), "{difference:?}");
    }
}

/// `sin`, derived five times by nesting formulas, by `Grad` of `Grad`, and by dual numbers of dual numbers.
#[test]
fn every_order() {
    let sin = formula!(for<R> |[x]| [x.sin()]);
    let x = [0.3_f64];
    let by_grad = Grad(&sin);
    close("2", &grad(&by_grad, &x).unwrap(), &[-x[0].sin()], 1e-15);
    close("3", &grad(&Grad(&by_grad), &x).unwrap(), &[-x[0].cos()], 1e-15);
    close("3", jacobian(&Grad(&by_grad), &x).unwrap().values(), &[-x[0].cos()], 1e-15);

    let nested = formula!(for<A> |x| {
        let inner = formula!(for<B> |x| grad(&formula!(for<C> |[x]| [x.sin()]), x)?);
        grad(&inner, x)?
    });
    close("2", &value(&nested, &x).unwrap(), &[-x[0].sin()], 1e-15);
    close("3", &grad(&nested, &x).unwrap(), &[-x[0].cos()], 1e-15);
    close("4", hessian(&nested, &x).unwrap().values(), &[x[0].sin()], 1e-15);

    let one = Dual { value: Dual { value: x[0], tangent: 1.0 }, tangent: Dual::of(1.0) };
    close("3 of 3 ways", &[grad(&sin, &[one]).unwrap()[0].tangent.tangent], &[-x[0].cos()], 1e-15);
}

/// The derivative of an outer variable inside an inner derivative: `d/dx (x · d/dy (x + y))` is 1, and 2 for whoever mixes
/// up the two (Siskind & Pearlmutter, "Perturbation confusion", 2005).
#[test]
fn levels_are_not_confused() {
    /// `y -> x + y`, with `x` from outside
    struct Plus<S>(S);
    impl Function<Dual<f64>> for Plus<Dual<f64>> {
        type Memory = ();
        fn run(&self, y: &[Dual<f64>], to: &mut Vec<Dual<f64>>, (): &mut ()) -> Result<(), Error> {
            to.clear();
            to.push(self.0 + y[0]);
            Ok(())
        }
        fn pull(
            &self,
            y: &[Dual<f64>],
            cot: Cotangents<'_, Dual<f64>>,
            g: &mut Vec<Dual<f64>>,
            (): &mut (),
        ) -> Result<(), Error> {
            let mut w = [Dual::ZERO];
            cot(&[self.0 + y[0]], &mut w)?;
            g.clear();
            g.push(w[0]);
            Ok(())
        }
    }
    let x = Dual { value: 1.0, tangent: 1.0 };
    let inner = grad(&Plus(x), &[Dual::of(1.0)]).unwrap()[0];
    assert_eq!((x * inner).tangent, 1.0);

    let outer = formula!(for<R> |[x]| {
        // y -> x y, where `x` is a constant of the inner function: its second argument
        let inner = formula!(for<S> |[y, x]| [x * y]);
        [x * grad(&inner, &[R::ONE, x])?[0]]
    });
    assert_eq!(grad(&outer, &[3.0_f64]).unwrap(), [6.0]);
}

/// The recorded gradient of an op's forward pass is the gradient of its rule.
#[test]
fn the_tape_agrees_with_rules() {
    /// the op's forward pass as a formula
    struct Recorded;
    impl Formula for Recorded {
        fn eval<R: Real>(&self, x: &[R], y: &mut Vec<R>) -> Result<(), Error> {
            let (f, v) = x.split_at(x.len() / 2);
            let arguments = [f, v].map(|x| Value::new(&SIZES, x.to_vec()));
            y.extend(ops::gated_linear_recurrence::run_plain(&arguments, &Given::default())?.outs.concat());
            Ok(())
        }
    }
    const SIZES: [usize; 3] = [2, 5, 3];
    let mut rng = Rng::new(4);
    let mut list = |low| Value::new(&SIZES, (0..30).map(|_| rng.between(low, 1.0)).collect());
    let arguments = vec![list(0.0), list(-1.0)];
    let op = Op::<ops::gated_linear_recurrence>::new(arguments);
    let x: Vec<f64> = op.point();
    let w: Vec<f64> = (0..30).map(|_| rng.between(-1.0, 1.0)).collect();
    let (by_rule, by_tape) = (value_and_vjp(&op, &x, &w).unwrap(), value_and_vjp(&Recorded, &x, &w).unwrap());
    close("value", &by_tape.0, &by_rule.0, 1e-15);
    close("gradient", &by_tape.1, &by_rule.1, 1e-14);
    // and forward mode, which knows nothing of either
    let j = jacobian(&op, &x).unwrap();
    let by_columns: Vec<f64> = (0..j.cols()).map(|k| (0..j.rows()).map(|i| j[(i, k)] * w[i]).sum()).collect();
    close("columns", &by_columns, &by_rule.1, 1e-14);
}

/// All that `Real` can do, recorded against dual numbers and against differences.
#[test]
fn every_operation_of_scalars() {
    let f = formula!(for<R> |[x, y]| [
        x + y,
        x - y,
        x * y,
        x / y,
        -x,
        x.exp(),
        y.ln(),
        y.sqrt(),
        x.tanh(),
        x.sigmoid(),
        x.softplus(),
        x.normal_cdf(),
        x.sin(),
        x.cos(),
        x.abs(),
        x.max(y),
        y.max(x),
        x.round_ste(),
        x.sign_ste(),
        x.step_with_slope(y),
        {
            let mut z = x;
            z += y;
            z -= x * x;
            z *= y;
            z
        },
    ]);
    for x in [[-0.7, 1.3], [0.4, 0.2], [2.0, 2.5]] {
        let count = value(&f, &x).unwrap().len();
        for i in 0..count {
            let w: Vec<f64> = (0..count).map(|k| f64::from(u8::from(k == i))).collect();
            let recorded = vjp(&f, &x, &w).unwrap();
            let forward: Vec<f64> = [[1.0, 0.0], [0.0, 1.0]].iter().map(|v| jvp(&f, &x, v).unwrap()[i]).collect();
            assert!(recorded.iter().zip(&forward).all(|(a, b)| (a - b).abs() <= 1e-15 * b.abs()), "{i}: {recorded:?}");
            // straight-through and surrogate rules are no differences
            if !(17..20).contains(&i) {
                let h = 1e-4;
                let along = |k: usize, h: f64| {
                    let mut moved = x;
                    moved[k] += h;
                    value(&f, &moved).unwrap()[i]
                };
                let slopes: Vec<f64> = (0..2).map(|k| (along(k, h) - along(k, -h)) / (2.0 * h)).collect();
                assert!(slopes.iter().zip(&forward).all(|(a, b)| (a - b).abs() < 1e-6 * (1.0 + b.abs())), "{i}");
            }
        }
    }
}

#[test]
fn what_no_result_depends_on_has_no_gradient() {
    // 0 · ∞ is no NaN here
    let f = formula!(for<R> |[x, y]| {
        let _unused = x.sqrt().ln();
        [if x.value() > 0.0 { x.sqrt() } else { y }]
    });
    assert_eq!(grad(&f, &[0.0_f64, 2.0]).unwrap(), [0.0, 1.0]);
    let constant = formula!(for<R> |[_x]| [R::of(4.0)]);
    assert_eq!(value_and_grad(&constant, &[1.0_f64]).unwrap(), (4.0, vec![0.0]));
    let itself = formula!(for<R> |x| x.to_vec());
    assert_eq!(jacobian(&itself, &[1.0_f64, 2.0]).unwrap().values(), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn sizes_and_errors() {
    let said = |e: Error| e.to_string();
    let two = formula!(for<R> |[x, y]| [x, y, x * y]);
    assert_eq!(said(value(&two, &[1.0_f64]).unwrap_err()), "expected 2 arguments, found 1");
    assert_eq!(said(grad(&two, &[1.0_f64; 2]).unwrap_err()), "expected a function with one result, found one with 3");
    assert_eq!(
        said(hvp(&two, &[1.0_f64; 2], &[1.0; 2]).unwrap_err()),
        "expected a function with one result, found one with 3"
    );
    assert_eq!(said(jvp(&two, &[1.0_f64; 2], &[1.0]).unwrap_err()), "expected `tangent` of 2 elements, found 1");
    assert_eq!(said(vjp(&two, &[1.0_f64; 2], &[1.0]).unwrap_err()), "expected `cotangent` of 3 elements, found 1");
    assert!(jvp(&Then(&two, &two), &[1.0_f64; 2], &[1.0; 2]).is_err());

    let nothing = formula!(for<R> |x| x.iter().take(0).copied().collect::<Vec<R>>());
    assert!(grad(&nothing, &[1.0_f64]).is_err() && hessian(&nothing, &[0.0_f64; 0]).is_err());
    let j = jacobian(&nothing, &[1.0_f64, 2.0]).unwrap();
    assert_eq!((j.rows(), j.cols(), j.values(), j.row(0), j.row(usize::MAX / 2)), (0, 2, &[][..], &[][..], &[][..]));
    let of_nothing = formula!(for<R> |_x| [R::of(2.0)]);
    assert_eq!(value_and_grad(&of_nothing, &[0.0_f64; 0]).unwrap(), (2.0, vec![]));
    assert_eq!(hessian(&of_nothing, &[0.0_f64; 0]).unwrap().values(), [0.0_f64; 0]);

    let op = Op::<ops::linear>::new(vec![Value::new(&[2, 3], vec![1.0; 6]), Value::new(&[1, 4], vec![1.0; 4])]);
    assert!(value(&op, &op.point::<f64>()).is_err());
    let op = Op::<ops::linear>::new(vec![Value::new(&[2, 3], vec![1.0; 6]), Value::new(&[1, 3], vec![1.0; 3])]);
    assert_eq!(said(value(&op, &[0.0_f64; 3]).unwrap_err()), "expected `x` of 9 elements, found 3");
    assert_eq!(vjp(&op.by(&[1]), &[0.0_f64; 3], &[1.0, 2.0]).unwrap(), [3.0; 3]);
    let too_few = Op::<ops::linear>::new(vec![Value::new(&[2, 3], vec![1.0; 6])]);
    assert!(value(&too_few, &[0.0_f64; 6]).is_err());
}

/// An error inside a formula leaves no tape behind, and one that comes back from another call is no constant.
#[test]
fn tapes_are_told_apart() {
    /// keeps the first argument of its first call, and computes with it for ever
    struct Leaks(RefCell<Option<Box<dyn Any>>>);
    impl Formula for Leaks {
        fn eval<R: Real>(&self, x: &[R], y: &mut Vec<R>) -> Result<(), Error> {
            let mut kept = self.0.borrow_mut();
            let first = kept.get_or_insert_with(|| Box::new(x[0]));
            y.push(first.downcast_ref::<R>().copied().unwrap_or(x[0]) * x[0]);
            Ok(())
        }
    }
    let leaks = Leaks(RefCell::default());
    assert_eq!(grad(&leaks, &[3.0_f64]).unwrap(), [6.0]);
    let error = grad(&leaks, &[3.0_f64]).unwrap_err().to_string();
    assert!(error.contains("found a result of another call or thread"), "{error}");

    let fails = formula!(for<R> |[x]| {
        let _recorded = x * x;
        if x.value() < 0.0 {
            return Err(Error::input("a number above 0", "another"));
        }
        [x.sqrt()]
    });
    let mut of = Derivatives::new(&fails);
    for _ in 0..3 {
        assert!(of.value_and_grad(&[-1.0_f64]).is_err());
        assert_eq!(of.value_and_grad(&[4.0]).unwrap(), (2.0, &[0.25][..]));
    }

    // another thread has tapes of its own
    let threads: Vec<_> = (0..4)
        .map(|i| {
            std::thread::spawn(move || {
                let cube = formula!(for<R> |[x]| [x * x * x]);
                grad(&cube, &[f64::from(i)]).unwrap()[0]
            })
        })
        .collect();
    let found: Vec<f64> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert_eq!(found, [0.0, 3.0, 12.0, 27.0]);

    let mut matrix = Jacobian::default();
    let square = formula!(for<R> |[x, y]| [x * y]);
    let mut of = Derivatives::new(&square);
    assert_eq!(of.value_and_hessian(&[2.0_f64, 5.0], &mut matrix).unwrap(), 10.0);
    assert_eq!(matrix.values(), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(of.value_and_jacobian(&[2.0_f64, 5.0], &mut matrix).unwrap(), [10.0]);
    assert_eq!(matrix.values(), [5.0, 2.0]);
}
