//! Derivatives of derivatives: the same equations over dual numbers, parameters included.

mod common;

use barewire::prelude::*;
use barewire::real::Lift;
use barewire::testing::Rng;
use common::{assert_close, each_number, matrix, vector};

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

fn net(rng: &mut Rng) -> Net {
    let gated = Cell::Gated { weights: matrix(rng, D, D), bias: vector(rng, D), gain: 0.8 };
    Net { cells: vec![gated, Cell::Norm { norm: vector(rng, D) }] }
}

/// All that may vary: the parameters, then the input.
fn point(net: &Net, rng: &mut Rng) -> Vec<f64> {
    let (index, mut all) = (Index::new(), Vec::new());
    let mut parameters = Net::point::<f64, f32>(net.view(&index));
    each_number::<Net, f64>(&mut parameters, |x| all.push(*x));
    all.extend(direction(rng, SIZES.iter().product()));
    all
}

fn direction(rng: &mut Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| rng.between(-1.0, 1.0)).collect()
}

/// `x + h v`
fn moved(x: &[f64], h: f64, v: &[f64]) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + h * v).collect()
}

fn dual<R: Copy>(value: &[R], tangent: &[R]) -> Vec<Dual<R>> {
    value.iter().zip(tangent).map(|(&value, &tangent)| Dual { value, tangent }).collect()
}

/// Weights of the results in the loss.
fn weight(i: usize) -> f64 {
    (1.3 * i as f64).sin()
}

/// The results and the gradient of `sum(weight * result)` at `at`, in any scalar.
fn run<R: Real + Lift<R>>(net: &Net, at: &[R]) -> (Vec<R>, Vec<R>)
where
    f32: Lift<R>,
{
    let index = Index::new();
    let view = net.view(&index);
    let mut parameters = Net::point::<R, f32>(view);
    let mut rest = at.iter().copied();
    each_number::<Net, R>(&mut parameters, |x| *x = rest.next().unwrap());
    let x: Vec<R> = rest.collect();
    let laid = Index::new();
    let model = Checked::<Net, R>::new(Net::at::<R, f32>(view, &parameters, &laid).unwrap()).unwrap();
    let mut workspace = Workspace::new();
    let mut pass = model.forward_saving::<R>(&[numbers(&x, &SIZES)], &mut Default::default(), &mut workspace).unwrap();
    let y = pass.result(0).to_vec();
    let cot: Vec<R> = (0..y.len()).map(|i| R::of(weight(i))).collect();
    let (mut grad, mut x_cot) = (NetCotangent::<R>::default(), vec![R::ZERO; x.len()]);
    pass.vjp(&[&cot], &mut [Slot::Write(&mut x_cot)], &mut grad, &mut Default::default()).unwrap();
    let mut all = Vec::new();
    each_number::<Net, R>(&mut grad, |g| all.push(*g));
    all.extend(x_cot);
    (y, all)
}

/// A central difference of `f`, with the error in `h^2` taken away.
fn difference(f: impl Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    let slope = |h: f64| -> Vec<f64> { f(h).iter().zip(f(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect() };
    slope(h).iter().zip(slope(h / 2.0)).map(|(a, b)| (4.0 * b - a) / 3.0).collect()
}

#[test]
fn tangents_of_results() {
    let mut rng = Rng::new(21);
    let net = net(&mut rng);
    let x = point(&net, &mut rng);
    let v = direction(&mut rng, x.len());
    let (y, _) = run(&net, &dual(&x, &v));
    let (values, gradient) = run(&net, &x);
    assert_close("primal", &y.iter().map(|y| y.value).collect::<Vec<_>>(), &values, 1e-15);
    let tangents: Vec<f64> = y.iter().map(|y| y.tangent).collect();
    assert_close("J v against differences", &tangents, &difference(|h| run(&net, &moved(&x, h, &v)).0, 1e-3), 1e-10);
    let forward: f64 = tangents.iter().enumerate().map(|(i, t)| weight(i) * t).sum();
    let backward: f64 = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
    assert_close("⟨J v, w⟩ against ⟨v, Jᵀ w⟩", &[forward], &[backward], 1e-12);
}

#[test]
fn hessian_vector_products() {
    let mut rng = Rng::new(22);
    let net = net(&mut rng);
    let x = point(&net, &mut rng);
    let (u, v) = (direction(&mut rng, x.len()), direction(&mut rng, x.len()));
    let product = |v: &[f64]| -> Vec<f64> { run(&net, &dual(&x, v)).1.iter().map(|g| g.tangent).collect() };
    let differences = difference(|h| run(&net, &moved(&x, h, &v)).1, 1e-3);
    assert_close("H v against differences of gradients", &product(&v), &differences, 1e-9);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert_close("uᵀ H v against vᵀ H u", &[dot(&u, &product(&v))], &[dot(&v, &product(&u))], 1e-12);
}

#[test]
fn third_derivatives() {
    let mut rng = Rng::new(23);
    let net = net(&mut rng);
    let x = point(&net, &mut rng);
    let (u, v) = (direction(&mut rng, x.len()), direction(&mut rng, x.len()));
    // x + u s + v t, nested: the part with both tangents of the gradient
    let inner = dual(&x, &u);
    let outer: Vec<Dual<f64>> = v.iter().map(|&value| Dual { value, tangent: 0.0 }).collect();
    let found: Vec<f64> = run(&net, &dual(&inner, &outer)).1.iter().map(|g| g.tangent.tangent).collect();
    let product = |at: &[f64]| -> Vec<f64> { run(&net, &dual(at, &v)).1.iter().map(|g| g.tangent).collect() };
    let differences = difference(|h| product(&moved(&x, h, &u)), 1e-3);
    assert_close("T u v against differences of H v", &found, &differences, 1e-8);
}
