//! The recurrences and linear layers against golden vectors of an independent float64 engine.
//!
//! Tolerances are those of the vectors' README: largest difference over largest magnitude, per array.

use std::path::Path;

use barewire_core::ops;
use barewire_core::real::Real;
use barewire_core::testing::{Contribution, Given, Pulled, Ran, Testable, Value, compare};
use safetensors::{Dtype, SafeTensors};

/// forward and gradients in f32, forward and gradients in f64
const BOUNDS: [f64; 4] = [5e-6, 2e-5, 1e-12, 1e-12];

struct File(Vec<u8>);

impl File {
    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    fn get(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let tensors = self.tensors();
        let tensor = tensors.tensor(name).unwrap();
        let data = tensor.data();
        let values = match tensor.dtype() {
            Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
            Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            other => panic!("{name} is {other:?}"),
        };
        (tensor.shape().to_vec(), values)
    }

    fn value(&self, name: &str) -> Value<f64> {
        let (shape, values) = self.get(name);
        Value::new(&shape, values)
    }

    fn list(&self, names: &[&str]) -> Vec<Vec<f64>> {
        names.iter().map(|name| self.get(name).1).collect()
    }
}

/// Every file whose name starts with `prefix`; there has to be one.
fn each_file(prefix: &str, f: impl Fn(&File)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ssm");
    let mut count = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(prefix) {
            println!("{}", path.display());
            f(&File(std::fs::read(path).unwrap()));
            count += 1;
        }
    }
    assert!(count > 0, "no file {prefix}*");
}

/// One op on one file: its arguments, and the names after `out.`, `grad.` and `cot.` of what it gives.
struct Golden<'a> {
    arguments: Vec<(&'a str, Value<f64>)>,
    out: &'a str,
    /// names of initial and final state
    state: Option<(&'a str, &'a str)>,
    bounds: [f64; 4],
}

impl Golden<'_> {
    fn check<O: Testable<f32> + Testable<f64>>(&self, file: &File) {
        let [forward, backward, double, double_back] = self.bounds;
        let op = core::any::type_name::<O>();
        let narrow = self.check_in::<O, f32>(file, [forward, backward]);
        let wide = self.check_in::<O, f64>(file, [double, double_back]);
        println!("{op}: f32 {narrow:.1e}, f64 {wide:.1e}");
    }

    fn check_in<O: Testable<R>, R: Real>(&self, file: &File, [forward, backward]: [f64; 2]) -> f64 {
        let cast = |lists: Vec<Vec<f64>>| lists.iter().map(|l| l.iter().map(|&x| R::of(x)).collect()).collect();
        let values: Vec<Value<R>> = self.arguments.iter().map(|(_, v)| v.map(R::of)).collect();
        let (mut state, mut state_cot) = (Vec::new(), Vec::new());
        if let Some((initial, last)) = self.state {
            state = cast(file.list(&[&format!("in.{initial}")]));
            state_cot = cast(file.list(&[&format!("cot.{last}")]));
        }
        let given = Given { state, outs: cast(file.list(&[&format!("cot.{}", self.out)])), state_cot };
        let Ran { outs, state } = O::run(&values, &given).unwrap();
        let back: Pulled<R> = O::pull(&values, &given, Contribution::First).unwrap();

        let mut worst = compare(self.out, &outs[0], &file.get(&format!("out.{}", self.out)).1, forward).unwrap();
        for ((name, _), got) in self.arguments.iter().zip(&back.arguments) {
            if !name.is_empty() {
                let want = file.get(&format!("grad.{name}")).1;
                worst = worst.max(compare(name, got, &want, backward).unwrap());
            }
        }
        if let Some((initial, last)) = self.state {
            worst = worst.max(compare(last, &state[0], &file.get(&format!("out.{last}")).1, forward).unwrap());
            let want = file.get(&format!("grad.{initial}")).1;
            worst = worst.max(compare(initial, &back.state[0], &want, backward).unwrap());
        }
        worst
    }
}

fn arguments<'a>(file: &File, names: &[&'a str]) -> Vec<(&'a str, Value<f64>)> {
    names.iter().map(|&name| (name, file.value(&format!("in.{name}")))).collect()
}

#[test]
fn gated_linear_recurrence() {
    each_file("gated_linear_recurrence_", |file| {
        Golden { arguments: arguments(file, &["f", "v"]), out: "h", state: Some(("h0", "h_last")), bounds: BOUNDS }
            .check::<ops::gated_linear_recurrence>(file);
    });
}

#[test]
fn diagonal_scan() {
    each_file("diag_scan_", |file| {
        Golden {
            arguments: arguments(file, &["a", "b", "c", "d", "x"]),
            out: "y",
            state: Some(("h0", "h_last")),
            bounds: BOUNDS,
        }
        .check::<ops::diagonal_scan>(file);
    });
}

#[test]
fn linear() {
    each_file("linear_", |file| {
        Golden { arguments: arguments(file, &["w", "b", "x"]), out: "y", state: None, bounds: BOUNDS }
            .check::<ops::linear_bias>(file);
    });
}

#[test]
fn rms_norm() {
    each_file("rmsnorm_", |file| {
        let mut arguments = arguments(file, &["x", "w"]);
        arguments.push(("", Value::constant(1e-5)));
        // with one channel the engine's own gradient is the small rest of two terms that are 1e5 times larger
        let bounds = [BOUNDS[0], BOUNDS[1], BOUNDS[2], 1e-11];
        Golden { arguments, out: "y", state: None, bounds }.check::<ops::rms_norm>(file);
    });
}

#[test]
fn causal_conv1d() {
    each_file("causal_conv1d_", |file| {
        // the vectors start from zeros and give no cotangent of the last inputs
        Golden { arguments: arguments(file, &["w", "b", "x"]), out: "y", state: None, bounds: BOUNDS }
            .check::<ops::causal_conv1d>(file);
    });
}

/// The whole gated layer of HGRN: elementwise parts by hand, the recurrence by its op.
#[test]
fn hgrn() {
    each_file("hgrn_", |file| {
        hgrn_in::<f32>(file, [BOUNDS[0], BOUNDS[1]]);
        hgrn_in::<f64>(file, [BOUNDS[2], BOUNDS[3]]);
    });
}

fn hgrn_in<R: Real>(file: &File, [forward, backward]: [f64; 2])
where
    ops::gated_linear_recurrence: Testable<R>,
{
    let read = |name: &str| -> Vec<R> { file.get(name).1.iter().map(|&x| R::of(x)).collect() };
    let (shape, _) = file.get("in.f");
    let [i, f, g, lb] = ["in.i", "in.f", "in.g", "in.lb"].map(read);
    let y_cot = read("cot.y");
    let (n, d) = (f.len(), lb.len());
    let lower = |k: usize| lb[k % d];
    let silu = |x: R| x * x.sigmoid();
    let silu_slope = |x: R| x.sigmoid() * (R::ONE + x * (R::ONE - x.sigmoid()));
    let gate: Vec<R> = (0..n).map(|k| lower(k) + (R::ONE - lower(k)) * f[k].sigmoid()).collect();
    let value: Vec<R> = (0..n).map(|k| (R::ONE - gate[k]) * silu(i[k])).collect();
    let values = [Value::new(&shape, gate.clone()), Value::new(&shape, value)];
    let given = Given {
        state: vec![read("in.h0")],
        outs: vec![(0..n).map(|k| y_cot[k] * silu(g[k])).collect()],
        state_cot: vec![read("cot.h_last")],
    };
    let run = ops::gated_linear_recurrence::run(&values, &given).unwrap();
    let back = ops::gated_linear_recurrence::pull(&values, &given, Contribution::First).unwrap();
    let h = &run.outs[0];
    let y: Vec<R> = (0..n).map(|k| h[k] * silu(g[k])).collect();
    let gate_cot: Vec<R> = (0..n).map(|k| back.arguments[0][k] - back.arguments[1][k] * silu(i[k])).collect();
    let mut lb_cot = vec![R::ZERO; d];
    for k in 0..n {
        lb_cot[k % d] += gate_cot[k] * (R::ONE - f[k].sigmoid());
    }
    let check = |name: &str, got: &[R], bound: f64| {
        println!("{name}: {:.1e}", compare(name, got, &file.get(name).1, bound).unwrap());
    };
    check("out.y", &y, forward);
    check("out.h_last", &run.state[0], forward);
    check("grad.h0", &back.state[0], backward);
    check("grad.lb", &lb_cot, backward);
    let slope = |k: usize| f[k].sigmoid() * (R::ONE - f[k].sigmoid()) * (R::ONE - lower(k));
    check("grad.f", &(0..n).map(|k| gate_cot[k] * slope(k)).collect::<Vec<_>>(), backward);
    let i_cot = |k: usize| back.arguments[1][k] * (R::ONE - gate[k]) * silu_slope(i[k]);
    check("grad.i", &(0..n).map(i_cot).collect::<Vec<_>>(), backward);
    let g_cot = |k: usize| y_cot[k] * h[k] * silu_slope(g[k]);
    check("grad.g", &(0..n).map(g_cot).collect::<Vec<_>>(), backward);
}
