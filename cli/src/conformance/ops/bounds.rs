//! How far a kernel may be off, element by element: the op's own formulas, forward and backward, over [`Rounded`] numbers.

use std::iter::zip;

use barewire::kernels::{causal_conv1d, rms_norm};
use barewire::ops;
use barewire::real::Real;
use barewire::testing::{Contribution, Given, Testable, Value};

use super::rounded::{Counts, FLUSHED, Rounded, U};
use crate::Failure;
use crate::conformance::tensors::Tensors;

/// An array's name, and a bound for each of its elements.
pub(super) type Bounds = Vec<(&'static str, Vec<f64>)>;

/// Arrays of [`Rounded`] numbers, by the names of a file.
type Arrays<R> = Vec<(&'static str, Vec<R>)>;

fn bounds<const CHUNKED: bool>(arrays: Arrays<Rounded<CHUNKED>>, counts: Counts) -> Bounds {
    let bound = |(name, values): (&'static str, Vec<Rounded<CHUNKED>>)| {
        let more = if name.starts_with("out.") { counts.forward } else { counts.backward };
        (name, values.iter().map(|value| value.bound_with(counts.longest as f64, more as f64)).collect())
    };
    arrays.into_iter().map(bound).collect()
}

fn numbers<R: Real>(t: &Tensors, name: &str) -> Result<Vec<R>, Failure> {
    Ok(t.get(name)?.values.iter().map(|&x| R::of(x)).collect())
}

fn value<R: Real>(t: &Tensors, name: &str) -> Result<Value<R>, Failure> {
    Ok(Value::new(&t.get(name)?.shape, numbers(t, name)?))
}

fn values<R: Real>(t: &Tensors, names: &[&str]) -> Result<Vec<Value<R>>, Failure> {
    names.iter().map(|name| value(t, name)).collect()
}

/// The initial state, and the cotangent of the final one.
fn states<R: Real>(t: &Tensors) -> Result<Option<[Vec<R>; 2]>, Failure> {
    Ok(Some([numbers(t, "in.h0")?, numbers(t, "cot.h_last")?]))
}

/// What is evaluated in the order of time, and what is not.
type InOrder = Rounded<false>;
type InChunks = Rounded<true>;

/// One op: what it is given, and the names of what it gives.
struct Call<'a, R> {
    arguments: Vec<Value<R>>,
    /// of the arguments' gradients, `""` for those without one
    gradients: &'a [&'static str],
    out: &'static str,
    y_cot: Vec<R>,
    /// initial state and the final one's cotangent
    state: Option<[Vec<R>; 2]>,
}

impl<R: Real> Call<'_, R> {
    fn run<O: Testable<R>>(self) -> Result<Arrays<R>, Failure> {
        let has_state = self.state.is_some();
        let [state, state_cot] = self.state.map_or([vec![], vec![]], |state| state.map(|list| vec![list]));
        let given = Given { state, outs: vec![self.y_cot], state_cot };
        let failed = |error: barewire::Error| error.to_string();
        let ran = O::run(&self.arguments, &given).map_err(failed)?;
        let back = O::pull(&self.arguments, &given, Contribution::First).map_err(failed)?;
        let mut arrays: Arrays<R> = zip([self.out], ran.outs).collect();
        arrays.extend(zip(self.gradients.iter().copied(), back.arguments).filter(|(name, _)| !name.is_empty()));
        if has_state {
            arrays.extend(zip(["out.h_last"], ran.state).chain(zip(["grad.h0"], back.state)));
        }
        Ok(arrays)
    }
}

/// A sum of `k` terms takes `k + k / 256 + 2` roundings.
pub(super) fn linear(t: &Tensors) -> Result<Bounds, Failure> {
    let ([m, k], [o, _]) = (t.shape("in.x")?, t.shape("in.w")?);
    let (longest, blocks) = (m.max(k).max(o), m.max(k).max(o) / 256);
    let arrays = Call::<InOrder> {
        arguments: values(t, &["in.w", "in.b", "in.x"])?,
        gradients: &["grad.w", "grad.b", "grad.x"],
        out: "out.y",
        y_cot: numbers(t, "cot.y")?,
        state: None,
    }
    .run::<ops::linear_bias>()?;
    Ok(bounds(arrays, Counts { longest, forward: blocks + 2, backward: blocks + 2 }))
}

/// As the kernel states it: sums of rows keep 32 parts, which the loops here would not.
pub(super) fn rmsnorm(t: &Tensors) -> Result<Bounds, Failure> {
    let ([_, d], eps) = (t.shape("in.x")?, t.number::<f64>("eps")?);
    let [x, w, y_cot, y] = ["in.x", "in.w", "cot.y", "out.y"].map(|name| t.get(name).map(|array| &array.values));
    let (x, w, y_cot, y) = (x?, w?, y_cot?, y?);
    let parts = d as f64 / 32.0;
    let y = y.iter().map(|y| (parts / 2.0 + 10.0) * U * y.abs() + FLUSHED).collect();
    let (mut x_cot, mut w_cot) = (Vec::with_capacity(x.len()), vec![FLUSHED; d]);
    for (x, c) in zip(x.chunks_exact(d.max(1)), y_cot.chunks_exact(d.max(1))) {
        let mean = |of: &dyn Fn(usize) -> f64| (0..d).map(of).sum::<f64>() / d as f64;
        let r = 1.0 / (mean(&|i| x[i] * x[i]) + eps).sqrt();
        let met = mean(&|i| (x[i] * w[i] * c[i]).abs());
        for i in 0..d {
            let size = match d {
                // all but `eps` cancels, and the kernel does not form what does
                1 => eps * r.powi(3) * (w[i] * c[i]).abs(),
                _ => (r * w[i] * c[i]).abs() + x[i].abs() * r.powi(3) * met,
            };
            x_cot.push((parts + 16.0) * U * size + FLUSHED);
            // `r` itself is off by as much as `y` less two
            w_cot[i] += (rms_norm::BLOCK as f64 + 3.0 + parts / 2.0 + 8.0) * U * (x[i] * r * c[i]).abs();
        }
    }
    Ok(vec![("out.y", y), ("grad.x", x_cot), ("grad.w", w_cot)])
}

/// A sum of `k` products and the bias: `k + 1` roundings; the gradients of `w` and `b` have two more than a block has terms.
pub(super) fn causal_conv1d(t: &Tensors) -> Result<Bounds, Failure> {
    let [_, k] = t.shape("in.w")?;
    let arrays = Call::<InOrder> {
        arguments: values(t, &["in.w", "in.b", "in.x"])?,
        gradients: &["grad.w", "grad.b", "grad.x"],
        out: "out.y",
        y_cot: numbers(t, "cot.y")?,
        state: None,
    }
    .run::<ops::causal_conv1d>()?;
    Ok(bounds(arrays, Counts { longest: k.max(causal_conv1d::BLOCK), forward: 1, backward: 2 }))
}

/// A product and a sum a step, in the order of the formula; the rest is between the kernels, and sums in f64.
const RECURRENCE: Counts = Counts { longest: 1, forward: 0, backward: 1 };

pub(super) fn gated_linear_recurrence(t: &Tensors) -> Result<Bounds, Failure> {
    let arrays = Call::<InOrder> {
        arguments: vec![value(t, "in.f")?, value(t, "in.v")?],
        gradients: &["grad.f", "grad.v"],
        out: "out.h",
        y_cot: numbers(t, "cot.h")?,
        state: states(t)?,
    }
    .run::<ops::gated_linear_recurrence>()?;
    Ok(bounds(arrays, RECURRENCE))
}

/// The recurrence between elementwise functions, each of which rounds.
pub(super) fn hgrn(t: &Tensors) -> Result<Bounds, Failure> {
    let shape = &t.get("in.f")?.shape;
    let [i, f, g, lb] = ["in.i", "in.f", "in.g", "in.lb"].map(|name| numbers::<InOrder>(t, name));
    let (i, f, g, lb, y_cot) = (i?, f?, g?, lb?, numbers::<InOrder>(t, "cot.y")?);
    let (len, d, one) = (f.len(), lb.len(), InOrder::ONE);
    let each = |of: &dyn Fn(usize) -> InOrder| (0..len).map(of).collect::<Vec<_>>();
    let silu = |x: InOrder| x * x.sigmoid();
    let silu_slope = |x: InOrder| x.sigmoid() * (one + x * (-x).sigmoid());

    let forget = each(&|k| lb[k % d] + (one - lb[k % d]) * f[k].sigmoid());
    let added = each(&|k| (one - forget[k]) * silu(i[k]));
    let ran = Call::<InOrder> {
        arguments: vec![Value::new(shape, forget.clone()), Value::new(shape, added)],
        gradients: &["grad.forget", "grad.added"],
        out: "out.h",
        y_cot: each(&|k| y_cot[k] * silu(g[k])),
        state: states(t)?,
    }
    .run::<ops::gated_linear_recurrence>()?;
    let mut kept = Arrays::<InOrder>::new();
    let [mut h, mut forget_cot, mut added_cot] = [const { Vec::new() }; 3];
    for (name, values) in ran {
        match name {
            "out.h" => h = values,
            "grad.forget" => forget_cot = values,
            "grad.added" => added_cot = values,
            _ => kept.push((name, values)),
        }
    }
    let forget_cot = each(&|k| forget_cot[k] - silu(i[k]) * added_cot[k]);
    let mut lb_cot = vec![InOrder::ZERO; d];
    for k in 0..len {
        lb_cot[k % d] += forget_cot[k] * (one - f[k].sigmoid());
    }
    kept.extend([
        ("out.y", each(&|k| h[k] * silu(g[k]))),
        ("grad.i", each(&|k| (one - forget[k]) * added_cot[k] * silu_slope(i[k]))),
        ("grad.f", each(&|k| (one - lb[k % d]) * forget_cot[k] * f[k].sigmoid() * (-f[k]).sigmoid())),
        ("grad.g", each(&|k| y_cot[k] * h[k] * silu_slope(g[k]))),
        ("grad.lb", lb_cot),
    ]);
    Ok(bounds(kept, RECURRENCE))
}

/// `(d_state + 2 m + 3) u` of a contribution that is carried over `m` steps; sums over steps are f32 over tiles of 32.
pub(super) fn diag_scan(t: &Tensors) -> Result<Bounds, Failure> {
    let [_, n] = t.shape("in.a")?;
    let arrays = Call::<InOrder> {
        arguments: values(t, &["in.a", "in.b", "in.c", "in.d", "in.x"])?,
        gradients: &["grad.a", "grad.b", "grad.c", "grad.d", "grad.x"],
        out: "out.y",
        y_cot: numbers(t, "cot.y")?,
        state: states(t)?,
    }
    .run::<ops::diagonal_scan>()?;
    Ok(bounds(arrays, Counts { longest: n.max(TILE), forward: 3, backward: 3 }))
}

/// Steps that are summed in f32; tiles of them are summed in f64.
const TILE: usize = 32;

/// The sum of the states and the skip takes `d_state + 12`. Gradients are sums over the states, over those of both factors of
/// the decay's logarithm, over tiles, and over channels.
fn selective(t: &Tensors) -> Result<Counts, Failure> {
    let [d, n] = t.shape("in.A")?;
    Ok(Counts { longest: d.max(2 * n + 2).max(TILE), forward: 12, backward: 12 })
}

pub(super) fn selective_scan(t: &Tensors) -> Result<Bounds, Failure> {
    let arrays = Call::<InOrder> {
        arguments: values(t, &["in.x", "in.dt", "in.A", "in.Bm", "in.Cm", "in.D", "in.z", "in.dt_bias"])?,
        gradients: &["grad.x", "grad.dt", "grad.A", "grad.Bm", "grad.Cm", "grad.D", "grad.z", "grad.dt_bias"],
        out: "out.y",
        y_cot: numbers(t, "cot.y")?,
        state: states(t)?,
    }
    .run::<ops::gated_selective_scan>()?;
    Ok(bounds(arrays, selective(t)?))
}

/// The scan whose time step is given, with the softplus around it.
pub(super) fn selective_scan_nogate(t: &Tensors) -> Result<Bounds, Failure> {
    let shape = &t.get("in.dt")?.shape;
    let (dt, dt_bias) = (numbers::<InOrder>(t, "in.dt")?, numbers::<InOrder>(t, "in.dt_bias")?);
    let d = dt_bias.len();
    let raw: Vec<InOrder> = dt.iter().enumerate().map(|(k, &dt)| dt + dt_bias[k % d]).collect();
    let delta = Value::new(shape, raw.iter().map(|raw| raw.softplus()).collect());
    let [x, a, b, c, skip] = ["in.x", "in.A", "in.Bm", "in.Cm", "in.D"].map(|name| value(t, name));
    let mut arrays = Call::<InOrder> {
        arguments: vec![x?, delta, a?, b?, c?, skip?],
        gradients: &["grad.x", "grad.dt", "grad.A", "grad.Bm", "grad.Cm", "grad.D"],
        out: "out.y",
        y_cot: numbers(t, "cot.y")?,
        state: states(t)?,
    }
    .run::<ops::selective_scan>()?;
    let mut bias_cot = vec![InOrder::ZERO; d];
    for (name, values) in &mut arrays {
        if *name == "grad.dt" {
            for (k, (dt_cot, raw)) in zip(values, &raw).enumerate() {
                *dt_cot *= raw.sigmoid();
                bias_cot[k % d] += *dt_cot;
            }
        }
    }
    arrays.push(("grad.dt_bias", bias_cot));
    Ok(bounds(arrays, selective(t)?))
}

/// Sums go over the states and the 24 steps of a chunk; backward over twice as many states, twice 48 steps, and the channels and
/// heads of a group. 8 more are of the time step.
pub(super) fn ssd(t: &Tensors) -> Result<Bounds, Failure> {
    let ([batch, time, heads, width], [_, _, groups, n]) = (t.shape("in.x")?, t.shape("in.Bm")?);
    let flat = |name: &str, last: usize| Ok::<_, Failure>(Value::new(&[batch, time, last], numbers(t, name)?));
    let groups_of = u32::try_from(groups).map_err(|_| format!("{groups} groups"))?;
    let arrays = Call::<InChunks> {
        arguments: vec![
            flat("in.x", heads * width)?,
            value(t, "in.dt")?,
            value(t, "in.A")?,
            flat("in.Bm", groups * n)?,
            flat("in.Cm", groups * n)?,
            value(t, "in.D")?,
            value(t, "in.dt_bias")?,
            Value::setting(groups_of),
        ],
        gradients: &["grad.x", "grad.dt", "grad.A", "grad.Bm", "grad.Cm", "grad.D", "grad.dt_bias", ""],
        out: "out.y",
        y_cot: numbers(t, "cot.y")?,
        state: states(t)?,
    }
    .run::<ops::ssd>()?;
    let longest = 2 * (n + width) + heads;
    Ok(bounds(arrays, Counts { longest, forward: 24 + 8, backward: 2 * 48 + 8 }))
}

/// 2 ulp, and 2.5 of its product with a cotangent. Near `x = -1.278`, where the derivative is 0, those are of an eighth of the
/// cotangent; and a product below 2^-122 may be off by 4, or by `2 |x|`.
pub(super) fn silu(t: &Tensors) -> Result<Bounds, Failure> {
    let (x, y_cot, x_cot) = (&t.get("in.x")?.values, &t.get("cot.y")?.values, &t.get("grad.x")?.values);
    let bound = |((&x, &c), &g): ((&f64, &f64), &f64)| match g.abs() < SMALL {
        true => ulp(g) * (2.0 * x.abs()).max(4.0),
        false if -2.0 < x && x < 0.0 => 2.5 * ulp(g.abs().max(c.abs() / 8.0)),
        false => 2.5 * ulp(g),
    };
    Ok(vec![("out.y", two_ulp(t)?), ("grad.x", zip(zip(x, y_cot), x_cot).map(bound).collect())])
}

/// 2 ulp, also of its product with a cotangent; 4 where that is below 2^-122.
pub(super) fn softplus(t: &Tensors) -> Result<Bounds, Failure> {
    let bound = |g: &f64| if g.abs() < SMALL { 4.0 * ulp(*g) } else { 2.0 * ulp(*g) };
    Ok(vec![("out.y", two_ulp(t)?), ("grad.x", t.get("grad.x")?.values.iter().map(bound).collect())])
}

fn two_ulp(t: &Tensors) -> Result<Vec<f64>, Failure> {
    Ok(t.get("out.y")?.values.iter().map(|&y| 2.0 * ulp(y)).collect())
}

/// Products with a cotangent below this may be rounded as subnormal numbers on the way.
const SMALL: f64 = 1.0 / (1u128 << 122) as f64;

/// The unit in the last place of the nearest f32.
fn ulp(y: f64) -> f64 {
    // the largest number has the unit of the one before it
    let y = (y.abs() as f32).min(f32::MAX.next_down());
    f64::from(y.next_up()) - f64::from(y)
}
