//! Sums in more than `f32`, on lists whose exact sum is known: integers of 128 bits form it once more.

use barewire_core::gradient::{GradientFlow, Pattern};
use barewire_core::precision::{Adaptive, AdaptiveGradient, Arithmetic, Level, PrecisionGradient, Rule, sum};
use barewire_core::testing::{Rng, ill_conditioned_sum};

const N: usize = 16_384;

const ALL: [Arithmetic; 6] = [
    Arithmetic::Single,
    Arithmetic::Pairwise,
    Arithmetic::Planes,
    Arithmetic::Double,
    Arithmetic::DoubleDouble,
    Arithmetic::Extended,
];

/// In units of 2^-100, which all numbers here are multiples of.
fn fixed(x: f64) -> i128 {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    if x == 0.0 {
        return 0;
    }
    let m = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
    let shift = exponent - 1075 + 100;
    let m = if shift >= 0 {
        m << shift
    } else {
        assert_eq!(m & ((1 << -shift) - 1), 0, "{x:e}");
        m >> -shift
    };
    if x < 0.0 { -m } else { m }
}

fn exact(values: &[f32]) -> i128 {
    values.iter().map(|x| fixed(f64::from(*x))).sum()
}

fn magnitudes(values: &[f32]) -> f64 {
    values.iter().map(|x| f64::from(x.abs())).sum()
}

/// Whether the format can be computed with here.
fn there(arithmetic: Arithmetic) -> bool {
    arithmetic != Arithmetic::Extended || cfg!(target_arch = "x86_64")
}

#[test]
fn the_generator_says_what_its_list_sums_to() {
    for (i, n) in [2, 3, 10, 1001, N].into_iter().enumerate() {
        for condition in [1e2, 1e8, 1e16] {
            let (values, want) = ill_conditioned_sum(n, condition, i as u64);
            assert_eq!((values.len(), exact(&values)), (n, fixed(want)));
            if n > 2 {
                let found = magnitudes(&values) / want.abs();
                assert!((found / condition - 1.0).abs() < 0.01, "{found:e} for {condition:e}");
            }
        }
    }
}

#[test]
fn every_arithmetic_keeps_its_bound_from_condition_1e2_to_1e16() {
    for power in 2..=16 {
        for n in [1, 15, 16, 17, 31, 33, 257, 1000, N] {
            let (values, want) = ill_conditioned_sum(n.max(2), 10_f64.powi(power), (n + power as usize) as u64);
            let (values, want) = if n == 1 { (vec![want as f32], want) } else { (values, want) };
            for arithmetic in ALL.into_iter().filter(|a| there(*a)) {
                let found = sum(&values, arithmetic).unwrap();
                let lanes = arithmetic.lanes() as f64;
                // additions that one term goes through
                let depth = match arithmetic {
                    Arithmetic::Pairwise => 16.0 + 4.0 + (n as f64 / 256.0).max(1.0).log2() + 2.0,
                    _ => n as f64 / lanes + lanes + 1.0,
                };
                // pairs lose in each addition what is left of the rest: 2 roundings of the second order
                let rounding = match arithmetic {
                    Arithmetic::Planes | Arithmetic::DoubleDouble => 4.0 * depth * arithmetic.roundoff(),
                    _ => arithmetic.roundoff(),
                };
                let bound = 1.01 * depth * rounding * magnitudes(&values) + (-52_f64).exp2() * want.abs();
                let error = (found - want).abs();
                assert!(error <= bound, "{arithmetic:?}, {n} terms, 1e{power}: off by {error:e}, bound {bound:e}");
            }
        }
    }
    assert!(ALL.into_iter().filter(|a| there(*a)).all(|a| sum(&[], a).unwrap() == 0.0));
}

#[test]
fn eighty_bits_elsewhere_are_an_error_and_nothing_else() {
    match (sum(&[1.0], Arithmetic::Extended), PrecisionGradient::zeros(Arithmetic::Extended, 1)) {
        (Ok(one), Ok(_)) => assert!(there(Arithmetic::Extended) && one == 1.0),
        (Err(error), Err(_)) => assert!(!there(Arithmetic::Extended) && error.to_string().contains("x86-64")),
        other => panic!("{other:?}"),
    }
    if there(Arithmetic::Extended) {
        let mut acc = PrecisionGradient::zeros(Arithmetic::Extended, 1).unwrap();
        let tiny = (-60_f32).exp2();
        [1.0, tiny, -1.0].iter().for_each(|x| acc.add(&[*x]).unwrap());
        assert_eq!(acc.widened().unwrap(), [f64::from(tiny)]);
    }
}

/// The estimate is of the mean error over signs and orders; kappa alone would say a thousand times more.
#[test]
fn the_error_to_expect_is_the_error_that_is_found() {
    let never_up = Rule { tolerance: f64::INFINITY, certify: false };
    let (mut found, mut expected, mut certified) = (0.0, 0.0, 0.0);
    for seed in 0..40 {
        let (values, want) = ill_conditioned_sum(N, 1e4, seed);
        let sum = Adaptive::new(never_up).sum(&values);
        assert_eq!(sum.level, Level::Stable);
        found += (sum.value - want).abs() / want.abs();
        expected += sum.error;
        certified += Adaptive::new(Rule { certify: true, ..never_up }).sum(&values).error;
    }
    println!("relative error: found {found:e}, expected {expected:e}, certified {certified:e}");
    assert!((0.25..4.0).contains(&(found / expected)), "{found:e} against {expected:e}");
    assert!(certified > 100.0 * found);
}

#[test]
fn the_level_follows_from_the_condition() {
    let rule = Rule::default();
    for power in 2..=16 {
        for seed in 0..3 {
            let (values, want) = ill_conditioned_sum(N, 10_f64.powi(power), 100 + seed);
            let sum = Adaptive::new(rule).sum(&values);
            let level = match power {
                ..=4 => Level::Stable,
                6..=12 => Level::Standard,
                15.. => Level::Critical,
                // on the border
                _ => sum.level,
            };
            assert_eq!(sum.level, level, "1e{power}: {sum:?}");
            let error = (sum.value - want).abs() / want.abs();
            // what is expected is no bound: three times as much is far out
            assert!(error <= 3.0 * rule.tolerance, "1e{power}: off by {error:e}, {sum:?}");
            // who wants a bound gets one, and pays for it earlier
            let certified = Adaptive::new(Rule { certify: true, ..rule }).sum(&values);
            assert!(certified.level >= sum.level && (certified.value - want).abs() <= rule.tolerance * want.abs());
        }
    }
    let (values, _) = ill_conditioned_sum(N, 1e2, 1);
    assert_eq!(Adaptive::new(Rule { certify: true, ..rule }).sum(&values).level, Level::Standard);
}

#[test]
fn sums_without_cancellation_and_without_numbers_stay_where_they_are() {
    let mut adaptive = Adaptive::new(Rule::default());
    for values in [&[][..], &[0.0; 100], &[-0.0], &[1e-40; 7], &[3.0; 1000]] {
        let sum = adaptive.sum(values);
        assert_eq!((sum.level, sum.value as f32), (Level::Stable, values.iter().sum::<f32>()));
    }
    let sum = adaptive.sum(&[1.0, f32::NAN]);
    assert!(sum.value.is_nan() && sum.level == Level::Critical);
    // everything cancelled: no relative error is small enough
    assert_eq!(Adaptive::new(Rule::default()).sum(&[1.0, -1.0]).level, Level::Critical);
}

#[test]
fn a_level_is_kept_until_the_numbers_are_eight_times_better() {
    // the estimate in f32 is 2.4e-8 times the condition here, and the tolerance 1e-3
    let list = |condition: f64| ill_conditioned_sum(N, condition, 9).0;
    let estimate =
        |condition: f64| Adaptive::new(Rule { tolerance: f64::INFINITY, certify: false }).sum(&list(condition)).error;
    let [bad, near, good] = [1e3 / estimate(1e6), 0.4e3 / estimate(1e6), 0.05e3 / estimate(1e6)];
    let [bad, near, good] = [3.0 * bad, near, good].map(|x| list(x.clamp(2.0, 1e9)));
    let mut adaptive = Adaptive::new(Rule::default());
    assert_eq!(adaptive.sum(&near).level, Level::Stable);
    assert_eq!(adaptive.sum(&bad).level, Level::Standard);
    for _ in 0..3 {
        assert_eq!(adaptive.sum(&near).level, Level::Standard, "good enough, but not eight times");
    }
    assert_eq!(adaptive.sum(&good).level, Level::Standard);
    assert_eq!(adaptive.sum(&good).level, Level::Stable);
}

fn integers(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.between(-1.0, 1.0) as f32).collect()
}

#[test]
fn gradients_add_up_in_every_arithmetic() {
    let rng = &mut Rng::new(4);
    for n in [0, 1, 7, 16, 100] {
        let terms: Vec<Vec<f32>> = (0..200).map(|_| integers(rng, n)).collect();
        let held = ALL.into_iter().filter(|a| there(*a) && *a != Arithmetic::Pairwise);
        let mut sums: Vec<PrecisionGradient> = held.map(|a| PrecisionGradient::zeros(a, n).unwrap()).collect();
        sums.push(PrecisionGradient::lazy(n));
        for sum in &mut sums {
            terms.iter().for_each(|term| sum.add(term).unwrap());
            assert_eq!(sum.size(), n);
            let (wide, narrow) = (sum.widened().unwrap(), sum.rounded().unwrap());
            for i in 0..n {
                let want = terms.iter().map(|term| fixed(term[i].into())).sum::<i128>() as f64 * (-100_f64).exp2();
                let u = sum.arithmetic().map_or((-106_f64).exp2(), Arithmetic::roundoff);
                // partial sums stay below 50
                let bound = 200.0 * 50.0 * u + (-52_f64).exp2() * want.abs();
                assert!((wide[i] - want).abs() <= bound, "{:?}: {} for {want}", sum.arithmetic(), wide[i]);
                if sum.arithmetic() != Some(Arithmetic::Single) {
                    assert_eq!(narrow[i], want as f32, "{:?}", sum.arithmetic());
                }
            }
        }
    }
    assert!(PrecisionGradient::zeros(Arithmetic::Pairwise, 3).is_err());
    assert!(PrecisionGradient::lazy(3).add(&[1.0]).is_err());
    // put together by hand
    for mut odd in [
        PrecisionGradient::Planes(vec![1.0; 3], vec![0.0; 2]),
        PrecisionGradient::DoubleDouble(vec![1.0; 3], vec![0.0; 4]),
    ] {
        assert!(odd.add(&[1.0; 3]).unwrap_err().to_string().contains("lo"));
        assert!(odd.rounded().is_err() && odd.widened().is_err() && odd.promote(Arithmetic::DoubleDouble).is_err());
    }
}

#[test]
fn contributions_come_in_every_form() {
    let flows = [
        GradientFlow::Zero,
        GradientFlow::sparse(3, 2, &[2, 0], &[1.0, 2.0, 3.0, 4.0]).unwrap(),
        GradientFlow::low_rank([1, 2, 3], 2.0, &[1.0, -1.0], &[1.0, 2.0, 3.0]).unwrap(),
        GradientFlow::structured(Pattern::Broadcast { outer: 1, repeats: 3, inner: 2 }, vec![5.0, 6.0]).unwrap(),
        GradientFlow::Dense(vec![1.0; 6]),
    ];
    let mut want = vec![0.0; 6];
    flows.iter().for_each(|flow| flow.as_ref().add_to(&mut want).unwrap());
    for mut sum in [PrecisionGradient::zeros(Arithmetic::Planes, 6).unwrap(), PrecisionGradient::lazy(6)] {
        flows.iter().for_each(|flow| sum.add_flow(flow.as_ref()).unwrap());
        assert_eq!(sum.rounded().unwrap(), want);
        assert!(sum.add_flow(GradientFlow::Dense(vec![1.0; 7]).as_ref()).is_err());
        assert_eq!(sum.rounded().unwrap(), want);
    }
}

#[test]
fn the_first_plane_is_the_gradient_and_promotion_loses_nothing() {
    let rng = &mut Rng::new(6);
    let mut planes = PrecisionGradient::zeros(Arithmetic::Single, 9).unwrap().promote(Arithmetic::Planes).unwrap();
    for _ in 0..50 {
        planes.add(&integers(rng, 9)).unwrap();
    }
    let before = planes.widened().unwrap();
    assert_eq!(planes.plane().unwrap(), before.iter().map(|x| *x as f32).collect::<Vec<_>>());
    let pairs = planes.clone().promote(Arithmetic::DoubleDouble).unwrap();
    assert_eq!((pairs.widened().unwrap(), pairs.plane()), (before, None));
    let error = planes.promote(Arithmetic::Double).unwrap_err().to_string();
    assert!(error.contains("Planes") && error.contains("Double"), "{error}");
    // a pair beside a tie of f32 is rounded once
    let tie = 1.0 + (-24_f64).exp2();
    let near = |lo: f64| PrecisionGradient::DoubleDouble(vec![tie], vec![lo]).rounded().unwrap()[0];
    assert_eq!([near(0.0), near(1e-20), near(-1e-20)], [1.0, 1.0 + f32::EPSILON, 1.0]);
}

#[test]
fn more_than_one_percent_of_lost_contributions_is_too_much() {
    let n = 1000;
    let step = |lost: usize| {
        // sums of 1, and numbers below 2^-24 of them
        let mut sums = AdaptiveGradient::zeros(n, Rule::default());
        sums.add(&vec![1.0; n]).unwrap();
        let small: Vec<f32> = (0..n).map(|i| if i < lost { (-26_f32).exp2() } else { 0.25 }).collect();
        for _ in 0..8 {
            sums.add(&small).unwrap();
        }
        sums
    };
    assert_eq!((step(10).level(), step(11).level()), (Level::Stable, Level::Standard));
    let sums = step(11);
    let want = 1.0 + 8.0 * (-26_f64).exp2();
    // the contribution that showed it is in there as well
    assert_eq!(sums.sums().widened().unwrap()[0], want);
    assert_eq!(sums.plane().unwrap()[0], want as f32);
    // zeros lose nothing
    let mut zeros = AdaptiveGradient::zeros(n, Rule::default());
    zeros.add(&vec![1.0; n]).unwrap();
    zeros.add(&vec![0.0; n]).unwrap();
    assert_eq!(zeros.level(), Level::Stable);
    assert!(zeros.add(&[1.0]).is_err());
}

#[test]
fn planes_that_lose_contributions_become_pairs() {
    let mut sums = AdaptiveGradient::zeros(4, Rule::default());
    for x in [1.0, (-30_f32).exp2(), (-60_f32).exp2()] {
        sums.add(&[x; 4]).unwrap();
    }
    assert_eq!((sums.level(), sums.plane()), (Level::Critical, None));
    for x in [-1.0, -(-30_f32).exp2()] {
        sums.add(&[x; 4]).unwrap();
    }
    assert_eq!(sums.sums().rounded().unwrap(), [(-60_f32).exp2(); 4]);
}

#[test]
fn sums_that_cancel_go_up_and_come_down_again() {
    let (n, terms) = (64, 4000);
    let rng = &mut Rng::new(8);
    let mut sums = AdaptiveGradient::zeros(n, Rule { tolerance: 1e-6, certify: false });
    let mut want = vec![0_i128; n];
    for _ in 0..terms {
        let term = integers(rng, n);
        want.iter_mut().zip(&term).for_each(|(sum, x)| *sum += fixed((*x).into()));
        sums.add(&term).unwrap();
    }
    assert_eq!(sums.level(), Level::Standard);
    let size = want.iter().map(|x| (*x as f64).abs()).fold(0.0, f64::max);
    for (found, want) in sums.sums().widened().unwrap().iter().zip(&want) {
        let want = *want as f64;
        // sums of f32 before it went up are off by what is expected of them, and none after
        assert!((found * 100_f64.exp2() - want).abs() <= 3e-6 * size, "{found}");
    }
    // the next sum begins where this one ended, and after few terms there is no need of it
    sums.clear();
    assert_eq!(sums.level(), Level::Standard);
    sums.add(&[1.0; 64]).unwrap();
    sums.clear();
    assert_eq!((sums.level(), sums.plane()), (Level::Stable, Some(&[0.0; 64][..])));
}

/// What the rule sees are ratios: numbers of another unit need the same arithmetic, also where the squares of `f32` end.
#[test]
fn levels_do_not_depend_on_the_unit() {
    let n = 100;
    let levels = |unit: f32, certify: bool| {
        let rng = &mut Rng::new(12);
        let rule = Rule { tolerance: 1e-7, certify };
        let (mut sums, mut adaptive, mut list) = (AdaptiveGradient::zeros(n, rule), Adaptive::new(rule), Vec::new());
        let mut levels = Vec::new();
        for _ in 0..40 {
            let term: Vec<f32> = integers(rng, n).iter().map(|x| x * unit).collect();
            sums.add(&term).unwrap();
            list.extend_from_slice(&term);
            levels.push((sums.level(), adaptive.sum(&list).level));
        }
        sums.clear();
        levels.push((sums.level(), adaptive.level()));
        levels
    };
    for certify in [false, true] {
        let want = levels(1.0, certify);
        assert!(want.iter().any(|level| level.0 > Level::Stable) && want.iter().any(|level| level.1 > Level::Stable));
        for exponent in [-80, -60, 50, 60] {
            assert_eq!(levels((exponent as f32).exp2(), certify), want, "2^{exponent}");
        }
    }
}
