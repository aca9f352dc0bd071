//! Saturating counters: every instruction set against the rule on plain arrays.

mod common;

use barewire_kernels::ternary::accumulate::{self, Counts, Rounding, reference::random_bits};
use barewire_kernels::{Exec, KernelError, ternary};
use common::{Rng, for_each_isa};

const SHAPES: [[usize; 2]; 9] = [[0, 5], [5, 0], [1, 1], [7, 31], [8, 32], [9, 33], [17, 127], [16, 129], [3, 259]];

const THRESHOLDS: [u8; 5] = [0, 1, 25, 90, 127];

fn stochastic(step: u64) -> Rounding {
    Rounding::Stochastic { seed: 0x0123_4567_89AB_CDEF, step }
}

fn digit(counter: i64, threshold: u8) -> i8 {
    i8::from(counter > threshold.into()) - i8::from(counter < -i64::from(threshold))
}

/// The rule as the function states it.
fn count(
    counters: &mut [i64],
    cols: usize,
    threshold: u8,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Counts {
    let mut counts = Counts::default();
    for (i, &g) in signal.iter().enumerate() {
        let (r, c, factor) = (first + i / cols, i % cols, factors[i / cols]);
        if !g.is_finite() || !factor.is_finite() {
            counts.skipped += 1;
            continue;
        }
        let u = f64::from(-(factor * g)).clamp(-1e4, 1e4);
        let q = match rounding {
            Rounding::Nearest => u.round_ties_even() as i64,
            Rounding::Stochastic { seed, step } => {
                ((u * 65536.0).round_ties_even() as i64 + i64::from(random_bits(seed, step, r, c))) >> 16
            }
        };
        let counter = &mut counters[r * cols + c];
        let before = digit(*counter, threshold);
        *counter = (*counter + q.clamp(-127, 127)).clamp(-128, 127);
        counts.fires += u64::from(digit(*counter, threshold) != before);
    }
    counts
}

fn bytes(counters: &[i64]) -> Vec<u8> {
    counters.iter().map(|&v| v as i8 as u8).collect()
}

fn words(counters: &[i64], [rows, cols]: [usize; 2], threshold: u8) -> Vec<u64> {
    let digits: Vec<i8> = counters.iter().map(|&v| digit(v, threshold)).collect();
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, &digits, &mut words).unwrap();
    words
}

/// Mostly ordinary entries, and ties, zeros, huge and tiny ones, and some that are not finite.
fn signal(rng: &mut Rng, len: usize, finite: bool) -> Vec<f32> {
    let odd = [0.5, -0.5, 1.5, 2.5, 0.0, -0.0, 1e30, f32::MIN, 1e-40, 200.0, -127.5, f32::NAN, f32::INFINITY];
    let odd = &odd[..if finite { 11 } else { 13 }];
    let mut entry = || match rng.below(8) {
        0 => odd[rng.below(odd.len() as u64) as usize],
        _ => rng.float() * 9.0,
    };
    (0..len).map(|_| entry()).collect()
}

#[test]
fn counters_follow_the_rule_on_every_isa() {
    let mut rng = Rng(1);
    for (shape @ [rows, cols], threshold) in SHAPES.into_iter().flat_map(|shape| THRESHOLDS.map(|t| (shape, t))) {
        let start: Vec<i64> = (0..rows * cols).map(|_| rng.below(256) as i64 - 128).collect();
        let factors: Vec<f32> =
            (0..rows).map(|r| [1.0, -2.5, 0.3, f32::MAX, f32::NAN, f32::INFINITY][(r + 2 * rows) % 6]).collect();
        let signals: Vec<_> = (0..6).map(|k| signal(&mut rng, rows * cols, k % 3 > 0)).collect();
        let rounding =
            |k: usize| if k.is_multiple_of(2) { Rounding::Nearest } else { stochastic(k as u64 + (7 << 40)) };
        let mut expected = start.clone();
        let each = signals.iter().enumerate().map(|(k, s)| {
            let counts = count(&mut expected, cols, threshold, 0, s, &factors, rounding(k));
            (counts, bytes(&expected))
        });
        let all: Vec<_> = each.collect();
        let end = words(&expected, shape, threshold);
        for_each_isa(|isa| {
            let what = format!("{} {shape:?}, threshold {threshold}", isa.name());
            let (mut found, mut alone) = (bytes(&start), bytes(&start));
            let mut kept = words(&start, shape, threshold);
            for (k, (s, (counts, after))) in signals.iter().zip(&all).enumerate() {
                let rounding = rounding(k);
                let with = Some(&mut kept[..]);
                let of = accumulate::count_rows_with;
                assert_eq!(of(isa, &mut found, with, rows, cols, threshold, 0, s, &factors, rounding), Ok(*counts));
                assert_eq!(of(isa, &mut alone, None, rows, cols, threshold, 0, s, &factors, rounding), Ok(*counts));
                assert!(found == *after && alone == *after, "{what}, step {k}");
            }
            assert_eq!(kept, end, "{what}: words beside counters");
            kept.fill(9);
            accumulate::counter_words_with(isa, &found, rows, cols, threshold, &mut kept).unwrap();
            assert_eq!(kept, end, "{what}: words of counters");
        });
    }
}

#[test]
fn ranges_of_rows_and_threads_change_no_bit() {
    let mut rng = Rng(3);
    // Large enough to be cut.
    let [rows, cols] = [50, 4100];
    let start: Vec<u8> = (0..rows * cols).map(|_| rng.bits() as u8).collect();
    let signal = rng.floats(rows * cols);
    let factors: Vec<f32> = (0..rows).map(|r| (r + 9) as f32).collect();
    let len = ternary::words_len(rows, cols).unwrap();
    for rounding in [Rounding::Nearest, stochastic(3)] {
        let of = accumulate::count_rows_with;
        let (mut whole, mut whole_words) = (start.clone(), vec![0; len]);
        accumulate::counter_words(&start, rows, cols, 25, &mut whole_words).unwrap();
        let first = whole_words.clone();
        let with = Some(&mut whole_words[..]);
        let counts = of(Exec::best(), &mut whole, with, rows, cols, 25, 0, &signal, &factors, rounding).unwrap();
        assert!(counts.moved() > 1000 && counts.saturated == 0);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let exec = Exec::best().parallel();
                let (mut found, mut words) = (start.clone(), first.clone());
                let with = Some(&mut words[..]);
                assert_eq!(of(exec, &mut found, with, rows, cols, 25, 0, &signal, &factors, rounding), Ok(counts));
                assert!(found == whole && words == whole_words, "{threads} threads");
                words.fill(1);
                accumulate::counter_words_with(exec, &found, rows, cols, 25, &mut words).unwrap();
                assert!(words == whole_words, "{threads} threads");
            });
        }
        let (mut found, mut words, mut at, mut sum) = (start.clone(), first.clone(), 0, Counts::default());
        for n in [3, 5, 0, 8, 16, 1, 17] {
            let (signal, factors) = (&signal[at * cols..(at + n) * cols], &factors[at..at + n]);
            let with = Some(&mut words[..]);
            sum += of(Exec::best(), &mut found, with, rows, cols, 25, at, signal, factors, rounding).unwrap();
            at += n;
        }
        assert!(found == whole && words == whole_words && sum == counts);
    }
}

#[test]
fn first_counters_have_their_digits_and_the_density_of_the_page() {
    let mut rng = Rng(5);
    for (shape @ [rows, cols], threshold) in SHAPES.into_iter().flat_map(|s| [0, 25, 126].map(|t| (s, t))) {
        let digits = rng.digits(rows * cols);
        let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
        ternary::pack_i8(rows, cols, &digits, &mut words).unwrap();
        let mut counters = vec![77; rows * cols];
        accumulate::random_counters(&words, rows, cols, threshold, 4, &mut counters).unwrap();
        let mut back = vec![0; words.len()];
        accumulate::counter_words(&counters, rows, cols, threshold, &mut back).unwrap();
        assert_eq!(back, words, "{shape:?}, threshold {threshold}");
        assert!(!counters.contains(&0x80));
    }
    let [rows, cols, threshold] = [64, 512, 25];
    let digits: Vec<i8> = (0..rows * cols).map(|i| (i % 2) as i8).collect();
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, &digits, &mut words).unwrap();
    let mut counters = vec![0; rows * cols];
    accumulate::random_counters(&words, rows, cols, threshold as u8, 4, &mut counters).unwrap();
    let n = (rows * cols / 2) as f64;
    let mean = |of: i8| {
        let values = counters.iter().zip(&digits).filter(|(_, d)| **d == of).map(|(&v, _)| f64::from(v as i8));
        values.sum::<f64>() / n
    };
    // Even over 51 values; and a third of the 102 beyond the threshold, less the half that rounding down takes, with the
    // deviation of a triangle: 102 / sqrt(18). Five standard errors.
    assert!(mean(0).abs() < 5.0 * 51.0 / 12f64.sqrt() / n.sqrt());
    assert!((mean(1) - (26.0 + 34.0 - 0.5)).abs() < 5.0 * 102.0 / 18f64.sqrt() / n.sqrt(), "{}", mean(1));
}

#[test]
fn bad_lengths_and_thresholds_are_errors() {
    let mut counters = vec![0; 40];
    let mut words = vec![ternary::ZERO_WORD; ternary::words_len(1, 40).unwrap()];
    let (signal, factors) = (vec![0.0; 40], [1.0]);
    let mut of = |len: usize, words: &mut [u64], signal: &[f32], factors: &[f32], first| {
        let counters = &mut counters[..len];
        accumulate::count_rows(counters, Some(words), 1, 40, 25, first, signal, factors, Rounding::Nearest)
    };
    assert_eq!(of(40, &mut words, &signal, &factors, 0), Ok(Counts::default()));
    let length = |argument, expected, found| Err(KernelError::Length { argument, expected, found });
    assert_eq!(of(39, &mut words, &signal, &factors, 0), length("counters", 40, 39));
    assert_eq!(of(40, &mut words[1..], &signal, &factors, 0), length("words", 16, 15));
    assert_eq!(of(40, &mut words, &signal[1..], &factors, 0), length("signal", 40, 39));
    assert!(matches!(of(40, &mut words, &signal, &factors, 1), Err(KernelError::Index { argument: "first", .. })));
    let error = accumulate::random_counters(&words, 1, 40, 127, 0, &mut counters);
    assert_eq!(error, Err(KernelError::Value { index: 0, min: 0, max: 126, found: 127 }));
    let error = accumulate::counter_words(&counters, 1, 40, 128, &mut words);
    assert_eq!(error, Err(KernelError::Value { index: 0, min: 0, max: 127, found: 128 }));
    let nearest = Rounding::Nearest;
    let error = accumulate::count_rows(&mut counters, None, 1, 40, 255, 0, &signal, &factors, nearest);
    assert_eq!(error, Err(KernelError::Value { index: 0, min: 0, max: 127, found: 255 }));
}

#[test]
fn running_factors_are_those_of_the_formula() {
    let mut rng = Rng(6);
    let (rows, cols, gain, decay) = (5, 70, 2.5f32, 0.9f32);
    let steps: Vec<Vec<f32>> = (0..4)
        .map(|k| {
            let mut signal = rng.floats(rows * cols);
            signal[cols + 3] = f32::NAN;
            signal[2 * cols..3 * cols].fill([0.0, f32::INFINITY, 0.0, 0.0][k]);
            signal[3 * cols..4 * cols].fill(f32::MAX);
            signal
        })
        .collect();
    for_each_isa(|isa| {
        let (mut rms, mut factors, mut expected) = (vec![0.0; rows], vec![9.0; rows], vec![0.0f32; rows]);
        for signal in &steps {
            accumulate::running_row_factors_with(isa, signal, cols, gain, decay, &mut rms, &mut factors).unwrap();
            for (r, row) in signal.chunks(cols).enumerate() {
                let finite: Vec<f64> = row.iter().filter(|g| g.is_finite()).map(|&g| g.into()).collect();
                let mean = finite.iter().map(|g| g * g).sum::<f64>() / finite.len().max(1) as f64;
                let decay = f64::from(decay);
                expected[r] = (decay * f64::from(expected[r]).powi(2) + (1.0 - decay) * mean).sqrt() as f32;
                // f64 sums in two orders, one rounding to f32 each.
                assert!((rms[r] / expected[r] - 1.0).abs() < 1e-6 || rms[r] == expected[r], "{} row {r}", isa.name());
                let factor = if rms[r] == 0.0 { 0.0 } else { (f64::from(gain) / f64::from(rms[r])) as f32 };
                assert_eq!(factors[r], factor);
            }
        }
        assert!(factors[2] == 0.0 && factors[3] > 0.0);
        // without a memory it is the rms of the step
        let mut plain = vec![0.0; rows];
        accumulate::row_factors_with(isa, &steps[0], cols, gain, &mut plain).unwrap();
        accumulate::running_row_factors_with(isa, &steps[0], cols, gain, 0.0, &mut rms, &mut factors).unwrap();
        assert!(plain.iter().zip(&factors).all(|(a, b)| (a - b).abs() <= 1e-6 * a));
    });
    let (mut rms, mut factors) = ([0.0; 2], [0.0; 3]);
    let error = accumulate::running_row_factors_with(
        barewire_kernels::Isa::best(),
        &[0.0; 12],
        4,
        1.0,
        0.9,
        &mut rms,
        &mut factors,
    );
    assert_eq!(error, Err(KernelError::Length { argument: "rms", expected: 3, found: 2 }));
}
