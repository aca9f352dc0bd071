//! Attention, its features and positions: derivatives, the formulas written out, and streams.

mod common;

use barewire_core::ops;
use barewire_core::testing::{
    Given, Rng, Sample, Testable, Value, check_mutants, check_primitive, compare, constant, numbers, setting,
};
use common::{check, sum_bound};

/// `q` of `heads` of 4, `k` and `v` of `kv_heads`.
fn queries([batch, time]: [usize; 2], heads: u32, kv_heads: usize) -> [Sample; 4] {
    let kv = numbers(&[batch, time, 4 * kv_heads]);
    [numbers(&[batch, time, 4 * heads as usize]), kv, kv, setting(heads)]
}

#[test]
fn softmax_attention() {
    for (sizes @ [_, time], heads, kv_heads) in [([1, 1], 1, 1), ([2, 7], 4, 2), ([1, 35], 2, 1), ([0, 3], 2, 2)] {
        let (samples, bound) = (queries(sizes, heads, kv_heads), sum_bound(4 * time) * 4.0);
        check::<ops::attention>(&samples, bound);
        check::<ops::causal_attention>(&samples, bound);
        for (window, stride) in [(1, 1), (3, 1), (5, 2), (100, 3)] {
            let [q, k, v, heads] = samples;
            let samples = [q, k, v, heads, setting(window), setting(stride)];
            check::<ops::sliding_window_attention>(&samples, bound);
        }
    }
}

#[test]
fn attention_by_features() {
    for ([batch, time], heads, d, e) in [([1, 1], 1, 1, 1), ([2, 7], 2, 3, 4), ([1, 33], 1, 2, 5), ([0, 2], 1, 2, 2)] {
        let q = numbers(&[batch, time, heads * d]).between(0.1, 1.0);
        let v = numbers(&[batch, time, heads * e]);
        // the state stands under a fraction: a sample of it around 0 must not bring the denominator there
        let samples = [q, q, v, setting(heads as u32), constant(100.0)];
        check::<ops::linear_attention>(&samples, sum_bound(time * d) * 4.0);
    }
    for (n, m, d, heads) in [(1, 1, 1, 1), (7, 5, 3, 2), (2, 33, 4, 1), (0, 3, 2, 1)] {
        check::<ops::random_features>(&[numbers(&[m, d]), numbers(&[2, n, heads * d])], sum_bound(m + d + 2 * n));
    }
}

#[test]
fn rotary_positions() {
    for ([batch, time, d], heads) in [([1, 1, 2], 1), ([2, 7, 12], 3), ([1, 33, 8], 2), ([0, 2, 4], 1)] {
        check::<ops::rope>(&[numbers(&[batch, time, d]), setting(heads), constant(100.0)], sum_bound(2));
    }
    assert!(check_primitive::<ops::rope>(&[numbers(&[1, 2, 6]), setting(2), constant(100.0)], 1).is_err());
    assert!(check_primitive::<ops::rope>(&[numbers(&[1, 2, 6]), setting(0), constant(100.0)], 1).is_err());
}

#[test]
fn flipped_signs_are_caught() {
    let samples @ [q, k, v, heads] = queries([1, 3], 2, 1);
    assert_eq!(check_mutants::<ops::attention>(&samples, 1), Ok(3));
    // the cached keys and values are one more
    assert_eq!(check_mutants::<ops::causal_attention>(&samples, 1), Ok(4));
    let windowed = [q, k, v, heads, setting(2), setting(1)];
    assert_eq!(check_mutants::<ops::sliding_window_attention>(&windowed, 1), Ok(4));
    let features = q.between(0.1, 1.0);
    let linear = [features, features, v, setting(2), constant(100.0)];
    assert_eq!(check_mutants::<ops::linear_attention>(&linear, 1), Ok(4));
    assert_eq!(check_mutants::<ops::random_features>(&[numbers(&[3, 4]), q], 1), Ok(2));
    assert_eq!(check_mutants::<ops::rope>(&[q, setting(2), constant(100.0)], 1), Ok(1));
}

fn random(sizes: &[usize], rng: &mut Rng) -> Value<f64> {
    Value::new(sizes, values(sizes.iter().product(), rng))
}

fn values(n: usize, rng: &mut Rng) -> Vec<f64> {
    (0..n).map(|_| rng.between(-1.0, 1.0)).collect()
}

/// The formula for every pair, with `weight(i, j, q · k)`, which is 0 where a pair does not count; heads of 4.
fn all_pairs(
    [q, k, v]: [&[f64]; 3],
    [time, heads, kv_heads]: [usize; 3],
    weight: impl Fn(usize, usize, f64) -> f64,
) -> Vec<f64> {
    let mut y = vec![0.0; q.len()];
    let row = |x: usize, i: usize, of: usize| (x / time * time + i) * 4 * of;
    for at in 0..q.len() / 4 / heads {
        for head in 0..heads {
            let kv = head / (heads / kv_heads);
            let own = at * 4 * heads + head * 4;
            let mut sum = 0.0;
            for j in 0..time {
                let other = row(at, j, kv_heads) + kv * 4;
                let score: f64 = (0..4).map(|c| q[own + c] * k[other + c]).sum();
                let w = weight(at % time, j, score);
                sum += w;
                (0..4).for_each(|c| y[own + c] += w * v[other + c]);
            }
            (0..4).for_each(|c| y[own + c] /= sum);
        }
    }
    y
}

#[test]
fn agrees_with_the_formula() {
    let ([batch, time], heads, kv_heads) = ([2, 41], 4, 2);
    let mut rng = Rng::new(3);
    let (q, k, v) = (
        values(batch * time * 4 * heads, &mut rng),
        values(batch * time * 4 * kv_heads, &mut rng),
        values(batch * time * 4 * kv_heads, &mut rng),
    );
    let wide = |x: &[f64], of: usize| Value::new(&[batch, time, 4 * of], x.to_vec());
    let args = [wide(&q, heads), wide(&k, kv_heads), wide(&v, kv_heads), Value::setting(heads as u32)];
    let (given, sizes) = (Given::default(), [time, heads, kv_heads]);
    let exp = |score: f64| (score / 2.0).exp();
    let want = all_pairs([&q, &k, &v], sizes, |_, _, score| exp(score));
    compare("all", &ops::attention::run(&args, &given).unwrap().outs[0], &want, 1e-13).unwrap();
    let want = all_pairs([&q, &k, &v], sizes, |i, j, score| if j <= i { exp(score) } else { 0.0 });
    compare("causal", &ops::causal_attention::run(&args, &given).unwrap().outs[0], &want, 1e-13).unwrap();
    for (window, stride) in [(1, 1), (4, 1), (7, 3), (99, 2)] {
        let sees = |i: usize, j: usize| j <= i && i - j < window && (i - j).is_multiple_of(stride);
        let want = all_pairs([&q, &k, &v], sizes, |i, j, score| if sees(i, j) { exp(score) } else { 0.0 });
        let mut args = args.to_vec();
        args.extend([Value::setting(window as u32), Value::setting(stride as u32)]);
        let got = ops::sliding_window_attention::run(&args, &given).unwrap();
        compare("window", &got.outs[0], &want, 1e-13).unwrap();
        assert_eq!(got.state[0].len(), (window - 1).min(time) * batch * 2 * 4 * kv_heads);
    }
    // features above 0; the sum of the weights has a share for eps
    let [q, k] = [&q, &k].map(|x| x.iter().map(|x| x.abs() + 0.1).collect::<Vec<f64>>());
    let v = values(q.len(), &mut rng);
    let k: Vec<f64> = (0..q.len()).map(|i| k[i % k.len()]).collect();
    let want = all_pairs([&q, &k, &v], [time, heads, heads], |i, j, score| if j <= i { score } else { 0.0 });
    let args = [wide(&q, heads), wide(&k, heads), wide(&v, heads), Value::setting(heads as u32), Value::constant(0.0)];
    compare("linear", &ops::linear_attention::run(&args, &given).unwrap().outs[0], &want, 1e-13).unwrap();
}

/// `exp(W x - x·x / 2) / sqrt m`, and what it is for: the mean of many products is near `exp(x·y)`.
#[test]
fn features_estimate_the_exponential() {
    let (m, d) = (1 << 14, 2);
    let mut rng = Rng::new(4);
    // the sum of 12 uniform numbers in (-1/2, 1/2) is close to a standard normal
    let w: Vec<f64> = (0..m * d).map(|_| (0..12).map(|_| rng.between(-0.5, 0.5)).sum()).collect();
    let (x, y) = ([0.3, -0.4], [0.5, 0.2]);
    let given = Given::default();
    let args = [Value::new(&[m, d], w.clone()), Value::new(&[2, d], [x, y].concat())];
    let out = ops::random_features::run(&args, &given).unwrap().outs.remove(0);
    let first = (w[0] * x[0] + w[1] * x[1] - 0.125).exp() / (m as f64).sqrt();
    assert!((out[0] - first).abs() < 1e-15 * (m as f64));
    let estimate: f64 = out[..m].iter().zip(&out[m..]).map(|(a, b)| a * b).sum();
    let exact = f64::exp(x[0] * y[0] + x[1] * y[1]);
    // a deviation below 2 over the root of m, four times
    assert!((estimate - exact).abs() < 8.0 / (m as f64).sqrt(), "{estimate} against {exact}");
}

/// Lengths stay, products depend on the distance alone, and a stream goes on where it stopped.
#[test]
fn rotations_are_relative() {
    let (time, d) = (9, 6);
    let mut rng = Rng::new(5);
    let (one, other) = (values(d, &mut rng), values(d, &mut rng));
    let turned = |row: &[f64]| {
        let args = [Value::new(&[1, time, d], row.repeat(time)), Value::setting(1), Value::constant(50.0)];
        ops::rope::run(&args, &Given::default()).unwrap()
    };
    let (q, k) = (turned(&one), turned(&other));
    let product = |i: usize, j: usize| -> f64 {
        q.outs[0][i * d..][..d].iter().zip(&k.outs[0][j * d..][..d]).map(|(a, b)| a * b).sum()
    };
    assert_eq!(q.outs[0][..d], one);
    for i in 3..time {
        assert!((product(i, i - 3) - product(3, 0)).abs() < 1e-13);
    }
    // position 1, the fastest pair: one radian
    let want = one[0] * f64::cos(1.0) - one[3] * f64::sin(1.0);
    assert!((q.outs[0][d] - want).abs() < 1e-15);
    assert_eq!(q.state, [[time as f64]]);
    let args = [Value::new(&[1, 1, d], one), Value::setting(1), Value::constant(50.0)];
    let later = ops::rope::run(&args, &Given { state: vec![vec![4.0]], ..Given::default() }).unwrap();
    assert_eq!(later.outs[0], q.outs[0][4 * d..5 * d]);
}

/// Any split into calls agrees with the whole sequence, to rounding.
#[test]
fn streams() {
    let ([batch, time], heads) = ([2, 45], 2);
    let mut rng = Rng::new(6);
    let (d, e) = (4 * heads, 4);
    let [q, k, v] =
        [random(&[batch, time, d], &mut rng), random(&[batch, time, e], &mut rng), random(&[batch, time, e], &mut rng)];
    let settings = [heads as u32, 6, 2].map(Value::<f64>::setting);
    fn split<O: Testable<f32>>(x: &[Value<f64>], settings: &[Value<f64>], lengths: &[usize], time: usize) -> Vec<f64> {
        let (mut state, mut start, mut rows) = (Vec::new(), 0, Vec::new());
        for &length in lengths {
            let mut args: Vec<Value<f32>> =
                x.iter().map(|x| x.steps(start..start + length).map(|x| x as f32)).collect();
            args.extend(settings.iter().map(|s| s.map(|x| x as f32)));
            let ran = O::run_plain(&args, &Given { state, ..Given::default() }).unwrap();
            let width = ran.outs[0].len() / (2 * length).max(1);
            rows.extend((0..length).map(|t| [t, length + t].map(|row| ran.outs[0][row * width..][..width].to_vec())));
            state = ran.state;
            start += length;
        }
        assert_eq!(rows.len(), time);
        (0..2).flat_map(|entry| rows.iter().flat_map(move |row| row[entry].clone())).map(f64::from).collect()
    }
    let args = [q, k, v];
    for lengths in [vec![1; time], vec![20, 1, 0, 24], vec![40, 5]] {
        let causal = |lengths: &[usize]| split::<ops::causal_attention>(&args, &settings[..1], lengths, time);
        compare("causal", &causal(&lengths), &causal(&[time]), sum_bound(time)).unwrap();
        let window = |lengths: &[usize]| split::<ops::sliding_window_attention>(&args, &settings, lengths, time);
        compare("window", &window(&lengths), &window(&[time]), sum_bound(6)).unwrap();
    }
}
