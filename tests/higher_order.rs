//! Derivatives of every order, by parameters, inputs and the initial state: the functions of `autodiff` on a model.

mod common;

use barewire::autodiff::{
    Derivatives, Formula, Grad, Jacobian, Model, Then, Wrt, grad, hessian, hvp, jacobian, jvp, value, value_and_grad,
    value_and_hessian, value_and_hvp, value_and_jacobian, value_and_jvp, value_and_vjp, vjp,
};
use barewire::prelude::*;
use barewire::testing::Rng;
use common::{assert_close, matrix, vector};

#[derive(BareUnion)]
enum Cell {
    #[bare(forward = |x: [batch, time, d]| {
        let h = tanh(gain * linear(weights, x) + bias);
        gated_linear_recurrence(sigmoid(h), h * silu(x))
    })]
    Gated {
        #[bare(dims = [d, d])]
        weights: Matrix<f32>,
        #[bare(dims = [d])]
        bias: Vec<f32>,
        gain: f32,
    },
    #[bare(forward = |x: [batch, time, d]| x + softmax(rms_norm(x, norm, 1e-3)) * exp(-square(x)))]
    Norm {
        #[bare(dims = [d])]
        norm: Vec<f32>,
    },
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| cells(x))]
struct Net {
    #[bare(axes(d = d))]
    cells: Vec<Cell>,
}

const SIZES: [usize; 3] = [2, 3, 4];
const D: usize = SIZES[2];
const N: usize = SIZES[0] * SIZES[1] * SIZES[2];
/// `weights`, `bias`, `gain`, `norm`
const PARAMETERS: usize = D * D + D + 1 + D;
const EVERYTHING: [Wrt; 3] = [Wrt::Parameters, Wrt::Inputs, Wrt::State];

fn net(rng: &mut Rng) -> Net {
    let gated = Cell::Gated { weights: matrix(rng, D, D), bias: vector(rng, D), gain: 0.8 };
    Net { cells: vec![gated, Cell::Norm { norm: vector(rng, D) }] }
}

fn random(rng: &mut Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| rng.between(-1.0, 1.0)).collect()
}

fn checked<'w>(net: &'w Net, index: &'w Index) -> Checked<'w, Net> {
    Checked::new(net.view(index)).unwrap()
}

/// By everything, from a random state, with the final state behind the results.
fn everything<'w>(checked: Checked<'w, Net>, rng: &mut Rng) -> Model<'w, Net> {
    let x = random(rng, N);
    let (inputs, mut state) = ([numbers(&x, &SIZES)], Default::default());
    checked.forward_saving(&inputs, &mut state, &mut Workspace::new()).unwrap();
    Model::new(checked, &inputs).unwrap().by(&EVERYTHING).from_state(&mut state).with_final_state()
}

/// `sum_i sin(1.3 i) y_i^2`: a loss whose second derivatives are not zero.
struct Weighted;

impl Formula for Weighted {
    fn eval<R: Real>(&self, y: &[R], loss: &mut Vec<R>) -> Result<(), barewire::Error> {
        let mut sum = R::ZERO;
        for (i, y) in y.iter().enumerate() {
            sum += R::of((1.3 * i as f64).sin()) * *y * *y;
        }
        loss.push(sum);
        Ok(())
    }
}

/// `x + h v`
fn moved(x: &[f64], h: f64, v: &[f64]) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + h * v).collect()
}

/// A central difference of `f` at `h` = 0, with the errors in `h^2` and `h^4` taken away.
fn difference(f: impl Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    let slope = |h: f64| -> Vec<f64> { f(h).iter().zip(f(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect() };
    let next = |a: &[f64], b: &[f64], by: f64| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| (by * b - a) / (by - 1.0)).collect()
    };
    let [a, b, c] = [slope(h), slope(h / 2.0), slope(h / 4.0)];
    next(&next(&a, &b, 4.0), &next(&b, &c, 4.0), 16.0)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn first_derivatives_by_everything() {
    let (mut rng, index) = (Rng::new(21), Index::new());
    let net = net(&mut rng);
    let model = everything(checked(&net, &index), &mut rng);
    let x: Vec<f64> = model.point();
    assert_eq!(x.len(), PARAMETERS + N + SIZES[0] * D);
    let (y, v) = (value(&model, &x).unwrap(), random(&mut rng, x.len()));
    let w = random(&mut rng, y.len());
    assert_eq!(y.len(), N + SIZES[0] * D);

    let (again, tangents) = value_and_jvp(&model, &x, &v).unwrap();
    assert_close("primal", &again, &y, 1e-15);
    assert_eq!(jvp(&model, &x, &v).unwrap(), tangents);
    let along = |h: f64| value(&model, &moved(&x, h, &v)).unwrap();
    assert_close("J v against differences", &tangents, &difference(along, 4e-3), 1e-11);

    let (again, pulled) = value_and_vjp(&model, &x, &w).unwrap();
    assert_eq!((&again, vjp(&model, &x, &w).unwrap()), (&y, pulled.clone()));
    assert_close("⟨J v, w⟩ against ⟨v, Jᵀ w⟩", &[dot(&tangents, &w)], &[dot(&v, &pulled)], 1e-12);

    let (loss, gradient) = value_and_grad(&Then(&model, &Weighted), &x).unwrap();
    assert_eq!([loss][..], value(&Then(&model, &Weighted), &x).unwrap());
    assert_eq!(gradient, grad(&Then(&model, &Weighted), &x).unwrap());
    let weights: Vec<f64> = y.iter().enumerate().map(|(i, y)| 2.0 * (1.3 * i as f64).sin() * y).collect();
    assert_close("chain rule", &gradient, &vjp(&model, &x, &weights).unwrap(), 1e-14);
}

#[test]
fn second_derivatives_by_everything() {
    let (mut rng, index) = (Rng::new(22), Index::new());
    let net = net(&mut rng);
    let model = everything(checked(&net, &index), &mut rng);
    let loss = Then(&model, &Weighted);
    let x: Vec<f64> = model.point();
    let (u, v) = (random(&mut rng, x.len()), random(&mut rng, x.len()));
    let (value, product) = value_and_hvp(&loss, &x, &v).unwrap();
    assert_eq!(product, hvp(&loss, &x, &v).unwrap());
    let along = |h: f64| grad(&loss, &moved(&x, h, &v)).unwrap();
    assert_close("H v against differences of gradients", &product, &difference(along, 1e-2), 1e-10);
    assert_close("uᵀ H v against vᵀ H u", &[dot(&u, &product)], &[dot(&v, &hvp(&loss, &x, &u).unwrap())], 1e-12);
    assert_close("the gradient as a function", &vjp(&Grad(&loss), &x, &v).unwrap(), &product, 1e-14);

    let (again, h) = value_and_hessian(&loss, &x).unwrap();
    assert_close("value", &[again], &[value], 1e-14);
    assert_eq!((h.rows(), h.cols()), (x.len(), x.len()));
    let transposed: Vec<f64> = (0..x.len()).flat_map(|i| (0..x.len()).map(move |j| (j, i))).map(|at| h[at]).collect();
    assert_close("H against its transpose", h.values(), &transposed, 1e-13);
    let rows: Vec<f64> = (0..x.len()).map(|i| dot(h.row(i), &v)).collect();
    assert_close("H times v", &rows, &product, 1e-13);
    assert_eq!(hessian(&loss, &x).unwrap(), h);
}

#[test]
fn third_derivatives() {
    let (mut rng, index) = (Rng::new(23), Index::new());
    let net = net(&mut rng);
    let model = everything(checked(&net, &index), &mut rng);
    let loss = Then(&model, &Weighted);
    let x: Vec<f64> = model.point();
    let (u, v) = (random(&mut rng, x.len()), random(&mut rng, x.len()));
    // dual numbers of dual numbers: the tangent of H v along u
    let found = jvp(&Grad(&Then(&Grad(&loss), &Along(&v))), &x, &u).unwrap();
    let directly = {
        let nested: Vec<Dual<f64>> = x.iter().zip(&u).map(|(&value, &tangent)| Dual { value, tangent }).collect();
        let v: Vec<Dual<f64>> = v.iter().map(|v| Dual::of(*v)).collect();
        hvp(&loss, &nested, &v).unwrap().iter().map(|product| product.tangent).collect::<Vec<_>>()
    };
    let along = |h: f64| hvp(&loss, &moved(&x, h, &u), &v).unwrap();
    assert_close("T u v against differences of H v", &directly, &difference(along, 1e-2), 1e-9);
    assert_close("the same by `Grad` of `Grad`", &found, &directly, 1e-12);
}

/// `⟨x, v⟩`
struct Along<'v>(&'v [f64]);

impl Formula for Along<'_> {
    fn eval<R: Real>(&self, x: &[R], y: &mut Vec<R>) -> Result<(), barewire::Error> {
        let mut sum = R::ZERO;
        x.iter().zip(self.0).for_each(|(x, v)| sum += *x * R::of(*v));
        y.push(sum);
        Ok(())
    }
}

#[test]
fn jacobians_of_both_shapes() {
    let (mut rng, index) = (Rng::new(24), Index::new());
    let net = net(&mut rng);
    let x = random(&mut rng, N);
    // more results than parameters, and fewer results than everything
    let wide = everything(checked(&net, &index), &mut rng);
    let tall = Model::new(checked(&net, &index), &[numbers(&x, &SIZES)]).unwrap();
    for (model, forward) in [(&wide, false), (&tall, PARAMETERS <= N)] {
        let at: Vec<f64> = model.point();
        let (y, j) = value_and_jacobian(model, &at).unwrap();
        assert_eq!((y.len(), at.len(), forward), (j.rows(), j.cols(), j.cols() <= j.rows()));
        assert_eq!(jacobian(model, &at).unwrap(), j);
        let (v, w) = (random(&mut rng, at.len()), random(&mut rng, y.len()));
        let product: Vec<f64> = (0..j.rows()).map(|i| dot(j.row(i), &v)).collect();
        assert_close("J v", &product, &jvp(model, &at, &v).unwrap(), 1e-13);
        let product: Vec<f64> = (0..j.cols()).map(|k| (0..j.rows()).map(|i| j[(i, k)] * w[i]).sum::<f64>()).collect();
        assert_close("Jᵀ w", &product, &vjp(model, &at, &w).unwrap(), 1e-13);
    }
}

#[test]
fn gradients_have_the_type_and_the_places_of_the_model() {
    let (mut rng, index) = (Rng::new(25), Index::new());
    let net = net(&mut rng);
    let model = everything(checked(&net, &index), &mut rng);
    let x: Vec<f64> = model.point();
    let gradient = grad(&Then(&model, &Weighted), &x).unwrap();
    let leaves = model.leaves().unwrap();
    let found: Vec<_> = leaves.iter().map(|leaf| (leaf.path.as_str(), leaf.range.clone())).collect();
    let expected =
        [("cells.0.weights", 0..16), ("cells.0.bias", 16..20), ("cells.0.gain", 20..21), ("cells.1.norm", 21..25)];
    assert_eq!(found, expected);

    let NetCotangent { cells } = model.cotangent(&gradient).unwrap();
    let [CellCotangent::Gated { weights, bias, gain }, CellCotangent::Norm { norm }] = &cells[..] else {
        panic!("the variants of the model")
    };
    let parts = model.parts(&gradient).unwrap();
    assert_eq!([weights.values(), bias.values(), &[*gain], norm.values()].concat(), parts.parameters);
    assert_eq!((parts.inputs.len(), parts.inputs[0].len(), parts.state.len()), (1, N, SIZES[0] * D));
    assert_eq!([parts.parameters, parts.inputs[0], parts.state].concat(), gradient);
}

/// By less, the same numbers; over `f32`, the same to its precision; the gradient that a `Pass` gives.
#[test]
fn parts_of_the_gradient_alone() {
    let (mut rng, index) = (Rng::new(26), Index::new());
    let net = net(&mut rng);
    let whole = everything(checked(&net, &index), &mut rng);
    let x: Vec<f64> = whole.point();
    let all = grad(&Then(&whole, &Weighted), &x).unwrap();
    let [parameters, inputs] = [&all[..PARAMETERS], &all[PARAMETERS..PARAMETERS + N]];
    for (wrt, expected) in [(Wrt::Parameters, parameters), (Wrt::Inputs, inputs), (Wrt::State, &all[PARAMETERS + N..])]
    {
        let mut rng = Rng::new(26);
        let _ = self::net(&mut rng);
        let one = everything(checked(&net, &index), &mut rng).by(&[wrt]);
        let at: Vec<f64> = one.point();
        assert_close("f64", &grad(&Then(&one, &Weighted), &at).unwrap(), expected, 1e-14);
        let at: Vec<f32> = one.point();
        let narrow = grad(&Then(&one, &Weighted), &at).unwrap();
        assert_close("f32", &narrow.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(), expected, 1e-5);
    }

    let input: Vec<f32> = x[PARAMETERS..PARAMETERS + N].iter().map(|x| *x as f32).collect();
    let start = Model::new(checked(&net, &index), &[numbers(&input, &SIZES)]).unwrap();
    let by_function = grad(&Then(&start, &Weighted), &start.point::<f32>()).unwrap();
    let (mut workspace, mut gradient) = (Workspace::new(), NetCotangent::default());
    let mut pass = checked(&net, &index)
        .forward_saving(&[numbers(&input, &SIZES)], &mut Default::default(), &mut workspace)
        .unwrap();
    let cot = grad(&Weighted, pass.result(0)).unwrap();
    pass.vjp(&[&cot], &mut [Slot::Skip], &mut gradient, &mut Default::default()).unwrap();
    assert_eq!(by_function, barewire::autodiff::flatten::<Net, f32>(&mut gradient));
}

/// One inner step of gradient descent, then the loss on other data: the meta-gradient against differences of all of it.
#[test]
fn an_inner_step_is_differentiated_through() {
    struct Adapted<'m, 'w> {
        train: &'m Model<'w, Net>,
        test: &'m Model<'w, Net>,
    }
    impl Formula for Adapted<'_, '_> {
        fn eval<R: Real>(&self, x: &[R], y: &mut Vec<R>) -> Result<(), barewire::Error> {
            let g = grad(&Then(self.train, &Weighted), x)?;
            let adapted: Vec<R> = x.iter().zip(g).map(|(x, g)| *x - R::of(0.1) * g).collect();
            y.extend(value(&Then(self.test, &Weighted), &adapted)?);
            Ok(())
        }
    }
    let (mut rng, index) = (Rng::new(27), Index::new());
    let net = net(&mut rng);
    let data = [random(&mut rng, N), random(&mut rng, N)];
    let [train, test] = [0, 1].map(|i| Model::new(checked(&net, &index), &[numbers(&data[i], &SIZES)]).unwrap());
    let (meta, x) = (Adapted { train: &train, test: &test }, train.point::<f64>());
    let found = grad(&meta, &x).unwrap();
    let expected: Vec<f64> = (0..x.len())
        .map(|i| {
            let axis: Vec<f64> = (0..x.len()).map(|k| f64::from(u8::from(k == i))).collect();
            difference(|h| value(&meta, &moved(&x, h, &axis)).unwrap(), 1e-2)[0]
        })
        .collect();
    assert_close("meta-gradient against differences", &found, &expected, 1e-9);

    // the chain rule by hand: (I - 0.1 H) times the gradient after the step
    let (train, test) = (Then(&train, &Weighted), Then(&test, &Weighted));
    let after = grad(&test, &moved(&x, -0.1, &grad(&train, &x).unwrap())).unwrap();
    assert_close("by hand", &found, &moved(&after, -0.1, &hvp(&train, &x, &after).unwrap()), 1e-12);
    // and the first-order approximation is another number
    assert!(after.iter().zip(&found).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn wrong_sizes_are_errors() {
    let (mut rng, index) = (Rng::new(28), Index::new());
    let net = net(&mut rng);
    let input = random(&mut rng, N);
    let model = Model::new(checked(&net, &index), &[numbers(&input, &SIZES)]).unwrap();
    let x: Vec<f64> = model.point();
    let said = |error: barewire::Error| error.to_string();
    assert_eq!(said(value(&model, &x[1..]).unwrap_err()), "expected `x` of 25 elements, found 24");
    assert_eq!(said(jvp(&model, &x, &x[1..]).unwrap_err()), "expected `tangent` of 25 elements, found 24");
    assert_eq!(said(vjp(&model, &x, &x).unwrap_err()), "expected `cotangent` of 24 elements, found 25");
    assert_eq!(said(grad(&model, &x).unwrap_err()), "expected a function with one result, found one with 24");
    assert_eq!(said(hessian(&model, &x).unwrap_err()), "expected a function with one result, found one with 24");
    assert!(model.cotangent(&x[1..]).is_err() && model.parts(&x[1..]).is_err());
    let short = Model::new(checked(&net, &index), &[numbers(&input[1..], &SIZES)]);
    assert!(short.is_err());
    let stateless = Model::new(checked(&net, &index), &[numbers(&input, &SIZES)]).unwrap().by(&[Wrt::State]);
    assert!(said(value(&stateless, &[0.0_f64]).unwrap_err()).contains("an initial state, by `from_state`"));

    // by nothing: a function of no numbers
    let constant = Model::new(checked(&net, &index), &[numbers(&input, &SIZES)]).unwrap().by(&[]);
    assert_eq!(grad(&Then(&constant, &Weighted), &[0.0_f64; 0]).unwrap(), [0.0_f64; 0]);
    assert_eq!(jacobian(&constant, &[0.0_f64; 0]).unwrap().rows(), N);
    // an empty batch
    let empty = Model::new(checked(&net, &index), &[numbers(&[0.0_f64; 0], &[0, 3, D])]).unwrap();
    assert_eq!(grad(&Then(&empty, &Weighted), &x).unwrap(), vec![0.0; x.len()]);
    assert_eq!(jacobian(&empty, &x).unwrap().values(), [0.0_f64; 0]);
}

/// Kept memory gives what fresh memory gives, also when the point and the kind of call change.
#[test]
fn kept_memory_gives_the_same_bits() {
    let (mut rng, index) = (Rng::new(29), Index::new());
    let net = net(&mut rng);
    let model = everything(checked(&net, &index), &mut rng);
    let loss = Then(&model, &Weighted);
    let (mut of, mut matrix) = (Derivatives::new(&loss), Jacobian::default());
    for _ in 0..3 {
        let x = random(&mut rng, model.point::<f64>().len());
        let v = random(&mut rng, x.len());
        assert_eq!(of.value(&x).unwrap(), value(&loss, &x).unwrap());
        let (f, g) = of.value_and_grad(&x).unwrap();
        assert_eq!((f, g.to_vec()), value_and_grad(&loss, &x).unwrap());
        let (_, g, product) = of.value_grad_and_hvp(&x, &v).unwrap();
        assert_eq!(product, hvp(&loss, &x, &v).unwrap());
        // over dual numbers a matrix product adds in another order
        assert_close("gradient beside H v", g, &grad(&loss, &x).unwrap(), 1e-14);
        let (_, tangent) = of.value_and_jvp(&x, &v).unwrap();
        assert_eq!(tangent, jvp(&loss, &x, &v).unwrap());
        let (_, g) = of.value_and_vjp(&x, &[2.0]).unwrap();
        assert_eq!(g, vjp(&loss, &x, &[2.0]).unwrap());
        of.value_and_jacobian(&x, &mut matrix).unwrap();
        assert_eq!(matrix, jacobian(&loss, &x).unwrap());
    }
}
