//! What more precision costs: nanoseconds an element for each arithmetic, and how often plain `f32` fits in.
//!
//! Lists of 16,384 numbers, in the cache. All forms of a table run in turns, so that a busy machine slows all of them. Before
//! that each form's answer is checked, on a list whose exact sum is known.

use std::hint::black_box;
use std::time::{Duration, Instant};

use barewire::precision::{Adaptive, AdaptiveGradient, Arithmetic, PrecisionGradient, Rule, sum};
use barewire::testing::ill_conditioned_sum;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const N: usize = 16_384;

const ARITHMETICS: [Arithmetic; 6] = [
    Arithmetic::Single,
    Arithmetic::Pairwise,
    Arithmetic::Planes,
    Arithmetic::Double,
    Arithmetic::DoubleDouble,
    Arithmetic::Extended,
];

/// One form of a table.
struct Form<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
}

fn sums<'a>(values: &'a [f32]) -> Vec<Form<'a>> {
    let mut forms: Vec<Form<'a>> = ARITHMETICS
        .into_iter()
        .filter(|a| sum(&[], *a).is_ok())
        .map(|a| Form { name: format!("{a:?}"), run: Box::new(move || drop(black_box(sum(black_box(values), a)))) })
        .collect();
    // a list that needs no more than `f32`: what the rule costs
    let mut adaptive = Adaptive::new(Rule { tolerance: f64::INFINITY, certify: false });
    forms.push(Form {
        name: "Adaptive, stable".into(),
        run: Box::new(move || {
            black_box(adaptive.sum(black_box(values)));
        }),
    });
    forms
}

fn gradients<'a>(values: &'a [f32]) -> Vec<Form<'a>> {
    let mut forms: Vec<Form<'a>> = ARITHMETICS
        .into_iter()
        .filter_map(|a| Some((a, PrecisionGradient::zeros(a, values.len()).ok()?)))
        .map(|(a, mut sum)| Form {
            name: format!("{a:?}"),
            run: Box::new(move || sum.add(black_box(values)).expect("as many elements")),
        })
        .collect();
    let mut adaptive = AdaptiveGradient::zeros(values.len(), Rule { tolerance: f64::INFINITY, certify: false });
    forms.push(Form {
        name: "Adaptive".into(),
        run: Box::new(move || adaptive.add(black_box(values)).expect("as many elements")),
    });
    forms
}

/// Every arithmetic forms the sum that the list is made to have, as well as it can.
fn check(values: &[f32], want: f64, condition: f64) {
    println!("{:<18} {:>14}", "sum", "relative error");
    for arithmetic in ARITHMETICS {
        let Ok(found) = sum(values, arithmetic) else { continue };
        let error = (found - want).abs() / want.abs();
        println!("{:<18} {error:>14.1e}", format!("{arithmetic:?}"));
        let depth = N as f64 / arithmetic.lanes() as f64 + 32.0;
        assert!(
            error <= depth * depth * arithmetic.roundoff() * condition + 1e-15,
            "{arithmetic:?} is off by {error:e}"
        );
    }
}

/// Median and least time of many short turns, all forms one after the other in each.
fn table(title: &str, mut forms: Vec<Form<'_>>) {
    const TURNS: usize = 300;
    let mut times = vec![Vec::with_capacity(TURNS); forms.len()];
    for _ in 0..TURNS {
        for (form, times) in forms.iter_mut().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..4 {
                (form.run)();
            }
            times.push(start.elapsed().as_nanos() as f64 / (4 * N) as f64);
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    println!("{title:<18} {:>12} {:>12} {:>8}", "median ns", "least ns", "ratio");
    let plain = times[0][TURNS / 2];
    for (form, times) in forms.iter().zip(&times) {
        let median = times[TURNS / 2];
        println!("{:<18} {median:>12.3} {:>12.3} {:>8.2}", form.name, times[0], median / plain);
    }
}

fn precision(c: &mut Criterion) {
    let condition = 1.7e7;
    let (values, want) = ill_conditioned_sum(N, condition, 1);
    check(&values, want, condition);
    table("sum of a list", sums(&values));
    table("gradient += f32", gradients(&values));
    for (group, forms) in [("sum", sums(&values)), ("accumulate", gradients(&values))] {
        let mut group = c.benchmark_group(group);
        group.throughput(Throughput::Elements(N as u64)).measurement_time(Duration::from_secs(2));
        for mut form in forms {
            group.bench_function(BenchmarkId::from_parameter(&form.name), |b| b.iter(|| (form.run)()));
        }
    }
}

criterion_group!(benches, precision);
criterion_main!(benches);
