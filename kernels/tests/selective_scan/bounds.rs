//! How far from the reference a result may be.

use crate::case::{Case, Results};
use crate::common::{Sum, assert_within};
use barewire_kernels::selective_scan::Shape;

/// The bound of every number that comes out: the reference's loops on [`Sum`]s, with the roundings that the module's
/// docs count.
pub(crate) fn bounds(case: &Case<f32>) -> Results<f64> {
    let Shape { batch, seq_len, d_inner, d_state } = case.shape;
    let Case { x, dt, z, a, b, c, d, dt_bias, h, y_cot, state_cot, .. } = case.wide();
    let options = case.options;
    let zero = |like: &[f64]| vec![Sum::default(); like.len()];
    let mut r = Results {
        y: zero(&x),
        h: zero(&h),
        x: zero(&x),
        dt: zero(&x),
        z: zero(&x),
        a: zero(&a),
        b: zero(&b),
        c: zero(&b),
        d: zero(&d),
        dt_bias: zero(&d),
        state: zero(&h),
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (entry, ch) in (0..batch).flat_map(|entry| (0..d_inner).map(move |ch| (entry, ch))) {
        let at = |t: usize| (entry * seq_len + t) * d_inner + ch;
        let raw = |t: usize| dt[at(t)] + if options.dt_bias { dt_bias[ch] } else { 0.0 };
        // The time step with its roundings: 4 ulp of softplus, and what rounding its argument does to it.
        let delta = |t: usize| match options.softplus {
            true => (raw(t).max(0.0) + (-raw(t).abs()).exp().ln_1p(), 8.0 + raw(t).abs()),
            false => (raw(t), 1.0),
        };
        let gate = |t: usize| if options.z { (z[at(t)] * sigmoid(z[at(t)]), 10.0) } else { (1.0, 0.0) };
        let added = |t: usize| Sum::of(x[at(t)]).times(delta(t).0, delta(t).1 + 1.0);
        let skip = if options.d { d[ch] } else { 0.0 };
        // Of `c h + d x`: cotangents, and the sum itself.
        let cot = |t: usize| Sum::of(y_cot[at(t)]).times(gate(t).0, gate(t).1 + 1.0);
        let mut inner: Vec<Sum> = (0..seq_len).map(|t| Sum::of(x[at(t)]).times(skip, 1.0)).collect();
        let mut delta_cot = vec![Sum::default(); seq_len];
        for t in 0..seq_len {
            r.x[at(t)] = cot(t).times(skip, 1.0);
            r.d[ch] = r.d[ch].plus(cot(t).times(x[at(t)], 1.0));
        }
        for n in 0..d_state {
            let (i, state) = (ch * d_state + n, (entry * d_inner + ch) * d_state + n);
            let token = |t: usize| (entry * seq_len + t) * d_state + n;
            // A decay: its product, the 3 of `Exp2`, and the roundings of its argument times that.
            let decay = |t: usize| {
                let (delta, of_delta) = delta(t);
                ((delta * a[i]).exp(), 4.0 + (of_delta + 3.0) * (delta * a[i]).abs().min(104.0))
            };
            let mut states = vec![Sum::of(h[state])];
            for t in 0..seq_len {
                let carried = states[t].times(decay(t).0, decay(t).1);
                states.push(carried.plus(added(t).times(b[token(t)], 1.0)));
                inner[t] = inner[t].plus(states[t + 1].times(c[token(t)], 1.0));
            }
            r.h[state] = states[seq_len];
            let mut l = Sum::of(state_cot[state]);
            for t in (0..seq_len).rev() {
                l = l.plus(cot(t).times(c[token(t)], 1.0));
                r.c[token(t)] = r.c[token(t)].plus(cot(t).product(states[t + 1]));
                r.b[token(t)] = r.b[token(t)].plus(l.product(added(t)));
                r.x[at(t)] = r.x[at(t)].plus(l.times(b[token(t)], 1.0).times(delta(t).0, delta(t).1 + 1.0));
                delta_cot[t] = delta_cot[t].plus(l.times(b[token(t)], 1.0).times(x[at(t)], 1.0));
                l = l.times(decay(t).0, decay(t).1);
                let p = l.product(states[t]);
                r.a[i] = r.a[i].plus(p.times(delta(t).0, delta(t).1 + 1.0));
                // Twice more, as `a` is kept times log2(e).
                delta_cot[t] = delta_cot[t].plus(p.times(a[i], 4.0));
            }
            r.state[state] = l;
        }
        for t in 0..seq_len {
            let slope = if options.softplus { (sigmoid(raw(t)), 9.0 + raw(t).abs()) } else { (1.0, 1.0) };
            r.dt[at(t)] = delta_cot[t].times(slope.0, slope.1);
            r.dt_bias[ch] = r.dt_bias[ch].plus(r.dt[at(t)]);
            r.y[at(t)] = inner[t].times(gate(t).0, gate(t).1 + 1.0);
            // silu' = g (1 + z (1 - g)), where the errors of both `g` count.
            let silu_slope = sigmoid(z[at(t)]) * (1.0 + z[at(t)].abs());
            r.z[at(t)] = inner[t].times(silu_slope, 20.0).times(y_cot[at(t)], 2.0);
        }
    }
    // Sums over states; over the steps of a tile, then f64; over channels.
    let of = |sums: Vec<Sum>, terms| sums.iter().map(|sum| sum.bound(terms)).collect();
    Results {
        y: of(r.y, d_state + 1),
        h: of(r.h, 0),
        x: of(r.x, d_state + 1),
        dt: of(r.dt, 2 * d_state + 2),
        z: of(r.z, d_state + 1),
        a: of(r.a, 34),
        b: of(r.b, d_inner),
        c: of(r.c, d_inner),
        d: of(r.d, 34),
        dt_bias: of(r.dt_bias, 2 * d_state + 36),
        state: of(r.state, 0),
    }
}

#[track_caller]
pub(crate) fn check(what: &str, found: &Results<f32>, case: &Case<f32>, expected: &Results<f64>) {
    let bounds = bounds(case);
    let within = |name: &str, found: &[f32], expected: &[f64], bounds: &[f64]| {
        assert_within(&format!("{what}: {name}"), found, expected, bounds);
    };
    within("y", &found.y, &expected.y, &bounds.y);
    within("h", &found.h, &expected.h, &bounds.h);
    within("x_cot", &found.x, &expected.x, &bounds.x);
    within("dt_cot", &found.dt, &expected.dt, &bounds.dt);
    within("a_cot", &found.a, &expected.a, &bounds.a);
    within("b_cot", &found.b, &expected.b, &bounds.b);
    within("c_cot", &found.c, &expected.c, &bounds.c);
    within("state_cot", &found.state, &expected.state, &bounds.state);
    if case.options.z {
        within("z_cot", &found.z, &expected.z, &bounds.z);
    }
    within("d_cot", &found.d, &expected.d, &bounds.d);
    within("dt_bias_cot", &found.dt_bias, &expected.dt_bias, &bounds.dt_bias);
}
