//! Accumulate and fire: every instruction set and both forms against the rule on plain arrays.

mod common;

use barewire_kernels::ternary::accumulate::{self, Counts, Rounding, reference::random_bits};
use barewire_kernels::{Exec, Isa, KernelError, ternary};
use common::{Rng, for_each_isa};

const SHAPES: [[usize; 2]; 13] = [
    [0, 5],
    [5, 0],
    [1, 1],
    [7, 31],
    [8, 32],
    [9, 33],
    [3, 128],
    [17, 127],
    [16, 129],
    [33, 65],
    [2, 352],
    [31, 200],
    [1, 259],
];

const NEAREST: Rounding = Rounding::Nearest;

fn stochastic(step: u64) -> Rounding {
    Rounding::Stochastic { seed: 0x0123_4567_89AB_CDEF, step }
}

/// Digits and accumulators, unpacked: the rule as the module states it.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    cols: usize,
    bits: u32,
    digits: Vec<i8>,
    accumulators: Vec<i32>,
}

impl Plain {
    fn new(rng: &mut Rng, [rows, cols]: [usize; 2], bits: u32) -> Self {
        Self { cols, bits, digits: rng.digits(rows * cols), accumulators: vec![0; rows * cols] }
    }

    fn limit(&self) -> i32 {
        (1 << (self.bits - 1)) - 1
    }

    fn fire(&mut self, first: usize, signal: &[f32], factors: &[f32], rounding: Rounding) -> Counts {
        let mut counts = Counts::default();
        for (i, &g) in signal.iter().enumerate() {
            let (r, c, factor) = (first + i / self.cols, i % self.cols, factors[i / self.cols]);
            if !g.is_finite() || !factor.is_finite() {
                counts.skipped += 1;
                continue;
            }
            let u = f64::from(-(factor * g)).clamp(-1e4, 1e4);
            let q = match rounding {
                Rounding::Nearest => u.round_ties_even() as i32,
                Rounding::Stochastic { seed, step } => {
                    let fixed = (u * 65536.0).round_ties_even() as i64;
                    ((fixed + i64::from(random_bits(seed, step, r, c))) >> 16) as i32
                }
            };
            let at = r * self.cols + c;
            let a = self.accumulators[at] + q.clamp(-self.limit(), self.limit());
            self.accumulators[at] = a;
            if a.abs() >= self.limit() {
                let digit = (self.digits[at] + a.signum() as i8).clamp(-1, 1);
                counts.fires += 1;
                counts.saturated += u64::from(digit == self.digits[at]);
                self.digits[at] = digit;
                self.accumulators[at] = 0;
            }
        }
        counts
    }
}

/// The stored forms of a state.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    shape: [usize; 2],
    bits: u32,
    words: Vec<u64>,
    accumulators: Vec<u8>,
}

impl Stored {
    fn of(plain: &Plain, [rows, cols]: [usize; 2]) -> Self {
        let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
        ternary::pack_i8(rows, cols, &plain.digits, &mut words).unwrap();
        let bits = plain.bits;
        let mut accumulators = vec![0u8; accumulate::accumulators_len(rows, cols, bits).unwrap()];
        for (i, &a) in plain.accumulators.iter().enumerate() {
            let (r, c) = (i / cols, i % cols);
            let word = (r / 8 * cols.div_ceil(32) + c / 32) * 8 + r % 8;
            if bits == 4 {
                accumulators[16 * word + c % 16] |= (a as u8 & 15) << (c % 32 / 16 * 4);
            } else {
                accumulators[32 * word + c % 32] = a as u8;
            }
        }
        Self { shape: [rows, cols], bits, words, accumulators }
    }

    fn fire(
        &mut self,
        exec: impl Into<Exec>,
        first: usize,
        signal: &[f32],
        factors: &[f32],
        rounding: Rounding,
    ) -> Counts {
        let ([rows, cols], bits) = (self.shape, self.bits);
        let (words, accumulators) = (&mut self.words, &mut self.accumulators);
        accumulate::fire_rows_with(exec, words, accumulators, rows, cols, bits, first, signal, factors, rounding)
            .unwrap()
    }

    fn check(&self) {
        let [rows, cols] = self.shape;
        ternary::check_codes(&self.words, rows, cols).unwrap();
        accumulate::check_accumulators(&self.accumulators, rows, cols, self.bits).unwrap();
    }

    /// As bytes; 6 bits only.
    fn states(&self) -> Vec<u8> {
        let [rows, cols] = self.shape;
        let mut states = vec![7; rows * cols];
        accumulate::pack_states(&self.words, &self.accumulators, rows, cols, &mut states).unwrap();
        states
    }
}

/// Mostly ordinary entries, and ties, zeros, huge and tiny ones.
fn signal(rng: &mut Rng, len: usize) -> Vec<f32> {
    let odd = [0.5, -0.5, 1.5, 2.5, 0.0, -0.0, 1e30, -1e30, f32::MAX, f32::MIN, 1e-40, 200.0, -127.5, 30.5];
    (0..len)
        .map(|_| match rng.below(8) {
            0 => odd[rng.below(odd.len() as u64) as usize],
            _ => rng.float() * 4.0,
        })
        .collect()
}

#[test]
fn every_width_follows_the_rule_on_every_isa() {
    let mut rng = Rng(1);
    for shape in SHAPES {
        for bits in 4..=8 {
            let start = Plain::new(&mut rng, shape, bits);
            let steps: Vec<_> = (0..12)
                .map(|step| {
                    let signal = signal(&mut rng, shape[0] * shape[1]);
                    let scale = 0.4 * (1 << (bits - 4)) as f32;
                    // Exactly 1 lets ties through; the largest float makes most increments overflow.
                    let factor = |r: usize| match (r + step) % 7 {
                        0 => 1.0,
                        1 => -scale,
                        2 if step % 5 == 0 => f32::MAX,
                        _ => scale,
                    };
                    let factors: Vec<f32> = (0..shape[0]).map(factor).collect();
                    let rounding = if step % 2 == 0 { NEAREST } else { stochastic(step as u64 + (5 << 40)) };
                    (signal, factors, rounding)
                })
                .collect();
            let mut expected = start.clone();
            let all: Vec<Counts> = steps.iter().map(|(s, f, r)| expected.fire(0, s, f, *r)).collect();
            let end = Stored::of(&expected, shape);
            for_each_isa(|isa| {
                let what = format!("{} {shape:?}, {bits} bits", isa.name());
                let mut found = Stored::of(&start, shape);
                let mut states = if bits == 6 { found.states() } else { vec![] };
                let mut words = found.words.clone();
                let [rows, cols] = shape;
                for ((signal, factors, rounding), counts) in steps.iter().zip(&all) {
                    assert_eq!(found.fire(isa, 0, signal, factors, *rounding), *counts, "{what}");
                    if bits == 6 {
                        let words = Some(&mut words[..]);
                        let found = accumulate::fire_states_with(
                            isa,
                            &mut states,
                            words,
                            rows,
                            cols,
                            0,
                            signal,
                            factors,
                            *rounding,
                        );
                        assert_eq!(found, Ok(*counts), "{what}, states");
                    }
                }
                found.check();
                assert_eq!(found, end, "{what}");
                if bits == 6 {
                    assert_eq!(states, end.states(), "{what}");
                    assert_eq!(words, end.words, "{what}: words beside states");
                }
            });
            if bits == 4 && shape == [33, 65] {
                let sum: Counts = all.into_iter().fold(Counts::default(), |a, b| a + b);
                assert!(sum.fires > 1000 && sum.saturated > 100 && sum.moved() > 1000, "{sum:?} tests little");
            }
        }
    }
}

#[test]
fn states_go_out_and_in() {
    let mut rng = Rng(2);
    for shape @ [rows, cols] in SHAPES {
        let mut plain = Plain::new(&mut rng, shape, 6);
        for a in &mut plain.accumulators {
            *a = rng.below(61) as i32 - 30;
        }
        let stored = Stored::of(&plain, shape);
        let states = stored.states();
        for (s, (d, a)) in states.iter().zip(plain.digits.iter().zip(&plain.accumulators)) {
            assert_eq!(i32::from(*s), 91 + 61 * i32::from(*d) + a);
        }
        accumulate::check_states(&states, rows, cols).unwrap();
        for_each_isa(|isa| {
            let mut words = vec![9; stored.words.len()];
            accumulate::state_words_with(isa, &states, rows, cols, &mut words).unwrap();
            assert_eq!(words, stored.words, "{} {shape:?}", isa.name());
        });
        let mut back = Stored { words: vec![3; stored.words.len()], ..stored.clone() };
        back.accumulators.fill(9);
        accumulate::unpack_states(&states, rows, cols, &mut back.words, &mut back.accumulators).unwrap();
        assert_eq!(back, stored);
    }
}

#[test]
fn ranges_of_rows_and_threads_change_no_bit() {
    let mut rng = Rng(3);
    // Large enough to be cut.
    let shape @ [rows, cols] = [50, 4100];
    for (bits, rounding) in [(4, NEAREST), (6, stochastic(3)), (8, NEAREST)] {
        let plain = Plain::new(&mut rng, shape, bits);
        let signal = rng.floats(rows * cols);
        let factors: Vec<f32> = (0..rows).map(|r| (4 * r + 80) as f32).collect();
        let start = Stored::of(&plain, shape);
        let mut whole = start.clone();
        let counts = whole.fire(Exec::best(), 0, &signal, &factors, rounding);
        assert!(counts.fires > 0);
        let mut states = if bits == 6 { start.states() } else { vec![] };
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let exec = Exec::best().parallel();
                let mut found = start.clone();
                assert_eq!(found.fire(exec, 0, &signal, &factors, rounding), counts);
                assert!(found == whole, "{threads} threads, {bits} bits");
                if bits == 6 {
                    let mut states = states.clone();
                    let mut words = start.words.clone();
                    let same = accumulate::fire_states_with(
                        exec,
                        &mut states,
                        Some(&mut words),
                        rows,
                        cols,
                        0,
                        &signal,
                        &factors,
                        rounding,
                    );
                    assert_eq!(same, Ok(counts));
                    assert!(states == whole.states() && words == whole.words, "{threads} threads");
                    words.fill(1);
                    accumulate::state_words_with(exec, &states, rows, cols, &mut words).unwrap();
                    assert!(words == whole.words, "{threads} threads");
                }
            });
        }
        for ranges in [vec![1; rows], vec![3, 5, 8, 16, 1, 17], vec![0, 47, 0, 3]] {
            let mut found = start.clone();
            let (mut first, mut sum) = (0, Counts::default());
            for n in ranges {
                let part = first * cols..(first + n) * cols;
                sum += found.fire(Exec::best(), first, &signal[part.clone()], &factors[first..first + n], rounding);
                if bits == 6 {
                    let (signal, factors) = (&signal[part], &factors[first..first + n]);
                    accumulate::fire_states(&mut states, None, rows, cols, first, signal, factors, rounding).unwrap();
                }
                first += n;
            }
            assert!(found == whole && sum == counts);
            if bits == 6 {
                assert!(states == whole.states());
                states = start.states();
            }
        }
    }
}

#[test]
fn what_is_not_finite_is_left_alone_and_counted() {
    let mut rng = Rng(4);
    let shape @ [rows, cols] = [11, 70];
    for bits in [4, 6, 8] {
        let mut plain = Plain::new(&mut rng, shape, bits);
        let start = Stored::of(&plain, shape);
        let mut signal = rng.floats(rows * cols);
        for (i, v) in [(0, f32::NAN), (33, f32::INFINITY), (69, f32::NEG_INFINITY), (140, -f32::NAN), (769, f32::NAN)] {
            signal[i] = v;
        }
        let mut factors = vec![100.0; rows];
        factors[5] = f32::NAN;
        factors[8] = f32::INFINITY;
        // A factor that is not finite and signals that are not: counted once.
        signal[5 * cols] = f32::NAN;
        for rounding in [NEAREST, stochastic(0)] {
            let counts = plain.fire(0, &signal, &factors, rounding);
            assert_eq!(counts.skipped, 5 + 2 * cols as u64);
            for_each_isa(|isa| {
                let mut found = start.clone();
                assert_eq!(found.fire(isa, 0, &signal, &factors, rounding), counts, "{}", isa.name());
                assert_eq!(found, Stored::of(&plain, shape), "{}", isa.name());
                if bits == 6 {
                    let mut states = start.states();
                    let same = accumulate::fire_states_with(
                        isa,
                        &mut states,
                        None,
                        rows,
                        cols,
                        0,
                        &signal,
                        &factors,
                        rounding,
                    );
                    assert_eq!(same, Ok(counts));
                    assert_eq!(states, found.states());
                }
            });
            plain = Plain { accumulators: vec![0; rows * cols], digits: plain.digits, ..plain };
            ternary::unpack_i8(&start.words, rows, cols, &mut plain.digits).unwrap();
        }
    }
}

#[test]
fn damaged_states_are_the_same_everywhere_and_refused_by_the_checks() {
    let mut rng = Rng(5);
    let shape @ [rows, cols] = [9, 100];
    let signal: Vec<f32> = rng.floats(rows * cols).iter().map(|v| v * 40.0).collect();
    let factors = [1.0; 9];
    type State = (Vec<u64>, Vec<u8>, Counts);
    let mut first: Option<[State; 6]> = None;
    let noise = Stored {
        shape,
        bits: 8,
        words: (0..ternary::words_len(rows, cols).unwrap()).map(|_| rng.bits()).collect(),
        accumulators: (0..accumulate::accumulators_len(rows, cols, 8).unwrap()).map(|_| rng.bits() as u8).collect(),
    };
    for_each_isa(|isa| {
        let found = [4, 5, 6, 7, 8, 0].map(|bits| {
            if bits == 0 {
                let (mut states, mut words) = (noise.accumulators[..rows * cols].to_vec(), noise.words.clone());
                let counts = accumulate::fire_states_with(
                    isa,
                    &mut states,
                    Some(&mut words),
                    rows,
                    cols,
                    0,
                    &signal,
                    &factors,
                    NEAREST,
                );
                accumulate::state_words_with(isa, &noise.accumulators[..rows * cols], rows, cols, &mut words).unwrap();
                ternary::check_codes(&words, rows, cols).unwrap();
                return (words, states, counts.unwrap());
            }
            let mut found = Stored { bits, ..noise.clone() };
            found.accumulators.truncate(accumulate::accumulators_len(rows, cols, bits).unwrap());
            let counts = found.fire(isa, 0, &signal, &factors, NEAREST);
            // Used columns only: what padding does is no promise, as long as it is defined.
            (found.words, found.accumulators, counts)
        });
        for (k, (found, first)) in found.iter().zip(first.get_or_insert(found.clone())).enumerate() {
            assert_eq!(found.1.len(), first.1.len());
            if k == 5 {
                assert_eq!(found, first, "{} states", isa.name());
            }
            for r in 0..rows {
                for c in 0..cols {
                    let at = |words: &[u64]| words[(r / 8 * 4 + c / 32) * 8 + r % 8] >> (2 * (c % 32)) & 3;
                    assert_eq!(at(&found.0), at(&first.0), "{} case {k}, {r} {c}", isa.name());
                }
            }
        }
    });

    let (mut accumulators, mut states) = (vec![0u8; 2 * 4 * 8 * 32], vec![91u8; rows * cols]);
    accumulate::check_accumulators(&accumulators, rows, cols, 6).unwrap();
    // Row 8, column 35: tile 1, word column 1, lane 0.
    accumulators[(4 + 1) * 8 * 32 + 3] = -31i8 as u8;
    let error = accumulate::check_accumulators(&accumulators, rows, cols, 6).unwrap_err();
    assert_eq!(error, KernelError::Accumulator { row: 8, col: 35, max: 30, found: -31 });
    assert_eq!(error.to_string(), "accumulator -31 at row 8, column 35 is outside -30..=30");
    accumulate::check_accumulators(&accumulators, rows, cols, 7).unwrap();
    accumulators[3 * 8 * 32 + 4] = 1;
    let error = accumulate::check_accumulators(&accumulators, rows, cols, 6).unwrap_err();
    assert_eq!(error.to_string(), "accumulator 1 at row 0, column 100 is outside -0..=0");
    let mut nibbles = vec![0u8; 2 * 4 * 8 * 16];
    nibbles[15] = 0x90;
    let error = accumulate::check_accumulators(&nibbles, rows, cols, 4).unwrap_err();
    assert_eq!(error, KernelError::Accumulator { row: 0, col: 31, max: 6, found: -7 });

    states[8 * cols + 99] = 183;
    let error = accumulate::check_states(&states, rows, cols).unwrap_err();
    assert_eq!(error, KernelError::State { row: 8, col: 99, states: 183, found: 183 });
    assert_eq!(error.to_string(), "byte 183 at row 8, column 99 is no state, expected less than 183");
    let mut words = vec![1; 64];
    let refused = accumulate::unpack_states(&states, rows, cols, &mut words, &mut accumulators);
    assert_eq!((refused, words), (Err(error), vec![1; 64]), "nothing is written");
}

#[test]
fn stochastic_rounding_has_the_right_mean_and_variance() {
    let (rows, cols) = (64, 640);
    let n = (rows * cols) as f64;
    for (i, u) in [0.3f32, -0.3, 1.75, -2.0625, 0.001, 5.5].into_iter().enumerate() {
        let mut words = vec![ternary::ZERO_WORD; ternary::words_len(rows, cols).unwrap()];
        let mut accumulators = vec![0u8; accumulate::accumulators_len(rows, cols, 8).unwrap()];
        let signal = vec![-u; rows * cols];
        let rounding = stochastic(i as u64);
        let factors = vec![1.0; rows];
        accumulate::fire_rows(&mut words, &mut accumulators, rows, cols, 8, 0, &signal, &factors, rounding).unwrap();
        let q = || accumulators.iter().map(|&a| f64::from(a as i8));
        let p = f64::from(u) - f64::from(u).floor();
        let variance = p * (1.0 - p);
        let mean = q().sum::<f64>() / n;
        let found = q().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        // Four standard errors, and what 16 bits round.
        assert!((mean - f64::from(u)).abs() <= 4.0 * (variance / n).sqrt() + 2f64.powi(-17), "{u}: mean {mean}");
        // Of a two-valued variable with fourth central moment p (1 - p) (1 - 3 p (1 - p)).
        let spread = (variance * (1.0 - 3.0 * variance) - variance * variance).max(0.0);
        assert!((found - variance).abs() <= 4.0 * (spread / n).sqrt() + 1e-4, "{u}: variance {found}, not {variance}");
    }
}

#[test]
fn random_bits_are_uniform_and_differ_in_every_coordinate() {
    let bits: Vec<u16> = (0..4096).map(|i| random_bits(1, 2, i / 256, i % 256)).collect();
    let mean = bits.iter().map(|&b| f64::from(b)).sum::<f64>() / 4096.0;
    assert!((mean / 65536.0 - 0.5).abs() < 4.0 * (1.0f64 / 12.0 / 4096.0).sqrt());
    let mut distinct = bits.clone();
    distinct.sort_unstable();
    distinct.dedup();
    // 4096 of 65536: about 124 collisions are expected.
    assert!(distinct.len() > 3900, "{}", distinct.len());
    let change = |f: &dyn Fn(usize) -> u16| (0..256).filter(|&c| f(c) != bits[c]).count();
    assert!(change(&|c| random_bits(2, 2, 0, c)) > 250);
    assert!(change(&|c| random_bits(1 + (1 << 32), 2, 0, c)) > 250);
    assert!(change(&|c| random_bits(1, 3, 0, c)) > 250);
    assert!(change(&|c| random_bits(1, 2 + (1 << 32), 0, c)) > 250);
    assert!(change(&|c| random_bits(1, 2, 1, c)) > 250);
}

#[test]
fn random_digits_have_the_density_and_follow_the_formula() {
    for (rows, cols, density) in
        [(40, 500, 0.67), (9, 33, 0.5), (3, 129, 0.0), (8, 32, 1.0), (2, 5, f32::NAN), (0, 3, 1.0)]
    {
        let mut words = vec![7; ternary::words_len(rows, cols).unwrap()];
        accumulate::random_digits(&mut words, rows, cols, density, 11).unwrap();
        ternary::check_codes(&words, rows, cols).unwrap();
        let mut digits = vec![9; rows * cols];
        ternary::unpack_i8(&words, rows, cols, &mut digits).unwrap();
        let threshold = (f64::from(density) * 32768.0).round();
        for (i, digit) in digits.iter().enumerate() {
            let bits = random_bits(11, u64::MAX, i / cols, i % cols);
            let expected = if f64::from(bits / 2) < threshold { 1 - 2 * (bits % 2) as i8 } else { 0 };
            assert_eq!(*digit, expected);
        }
        if density == 0.67 {
            let n = digits.len() as f64;
            let found = digits.iter().filter(|d| **d != 0).count() as f64 / n;
            assert!((found - 0.67).abs() < 4.0 * (0.67 * 0.33 / n).sqrt(), "{found}");
            let sum = digits.iter().map(|&d| f64::from(d)).sum::<f64>();
            assert!(sum.abs() < 4.0 * (0.67 * n).sqrt(), "{sum}");
        }
    }
    let short = accumulate::random_digits(&mut [0; 7], 8, 32, 0.5, 1);
    assert_eq!(short.unwrap_err().to_string(), "`words` has length 7, expected 8");
}

#[test]
fn row_factors_follow_the_formula() {
    let mut rng = Rng(6);
    for cols in [0, 1, 7, 31, 32, 33, 100, 1000] {
        let mut signal = rng.floats(6 * cols);
        if cols > 2 {
            signal[cols..2 * cols].fill(0.0);
            signal[2 * cols] = f32::NAN;
            signal[2 * cols + 2] = f32::INFINITY;
            signal[3 * cols..4 * cols].fill(f32::NEG_INFINITY);
            signal[4 * cols..5 * cols].iter_mut().for_each(|v| *v *= 3e38);
            signal[5 * cols..].fill(1e-44);
        }
        let mut first: Option<Vec<u32>> = None;
        for_each_isa(|isa| {
            let mut factors = [f32::NAN; 6];
            accumulate::row_factors_with(isa, &signal, cols, 2.5, &mut factors).unwrap();
            for (r, factor) in factors.iter().enumerate() {
                let row = &signal[r * cols..][..cols];
                let finite: Vec<f64> = row.iter().filter(|v| v.is_finite()).map(|&v| v.into()).collect();
                let rms = (finite.iter().map(|v| v * v).sum::<f64>() / finite.len() as f64).sqrt();
                let expected = if rms > 0.0 { (2.5 / rms).min(f32::MAX.into()) } else { 0.0 };
                // A sum of n squares is within n 2^-53 of the exact one, in either order; then one rounding.
                let bound = expected * (2f64.powi(-24) + cols as f64 * 2f64.powi(-52)) + 1e-45;
                assert!((f64::from(*factor) - expected).abs() <= bound, "{} row {r}: {factor} {expected}", isa.name());
            }
            let found = common::bits(&factors);
            assert_eq!(*first.get_or_insert(found.clone()), found, "{} cols {cols}", isa.name());
        });
    }
}

#[test]
fn a_known_matrix_is_learned_from_noisy_signals() {
    // y = T x + noise with T unknown. The signal is the gradient of the squared error,
    // (W x - y) x^T, summed over a few samples; the gain falls by a cosine to 0.
    let shape @ [rows, cols] = [9, 40];
    let (steps, samples) = (200, 40);
    let mut rng = Rng(7);
    let target = rng.digits(rows * cols);
    for (bits, gain, random) in [(6, 2.5, false), (8, 10.0, false), (6, 2.5, true), (4, 0.5, true)] {
        let mut stored = Stored::of(&Plain::new(&mut rng, shape, bits), shape);
        let mut digits = vec![0; rows * cols];
        let (mut wrong, mut fewest) = (0, usize::MAX);
        for step in 0..=steps {
            ternary::unpack_i8(&stored.words, rows, cols, &mut digits).unwrap();
            wrong = digits.iter().zip(&target).filter(|(a, b)| a != b).count();
            fewest = fewest.min(wrong);
            if step == 0 {
                assert!(wrong > rows * cols / 2, "nothing to learn");
            }
            let mut signal = vec![0.0; rows * cols];
            for _ in 0..samples {
                let x: Vec<f32> = rng.floats(cols);
                for (r, signal) in signal.chunks_exact_mut(cols).enumerate() {
                    let error = |c: usize| f32::from(digits[r * cols + c] - target[r * cols + c]) * x[c];
                    let error = (0..cols).map(error).sum::<f32>() + 0.2 * rng.float();
                    for (s, x) in signal.iter_mut().zip(&x) {
                        *s += error * x;
                    }
                }
            }
            let cosine = (std::f32::consts::PI * step as f32 / steps as f32).cos();
            let mut factors = vec![0.0; rows];
            accumulate::row_factors(&signal, cols, gain * (0.5 + 0.5 * cosine), &mut factors).unwrap();
            let rounding = if random { stochastic(step) } else { NEAREST };
            stored.fire(Exec::best(), 0, &signal, &factors, rounding);
        }
        assert!(fewest * 100 <= digits.len(), "{bits} bits, stochastic {random}: never less than {fewest} wrong");
        // The noise of a row without a wrong digit is scaled to the same rms, and may move some late.
        assert!(
            wrong * 20 <= digits.len(),
            "{bits} bits, stochastic {random}: {wrong} of {} digits wrong",
            digits.len()
        );
    }
}

#[test]
fn wrong_arguments_are_named() {
    let (mut words, mut accumulators, mut states) = ([ternary::ZERO_WORD; 16], [0u8; 512], [91u8; 200]);
    let (signal, factors) = ([1.0; 60], [1.0; 3]);
    let mut fire = |words: usize, accumulators_len: usize, bits, first, signal_len: usize, n: usize| {
        let words = &mut [ternary::ZERO_WORD; 16][..words];
        accumulate::fire_rows(
            words,
            &mut accumulators[..accumulators_len],
            10,
            20,
            bits,
            first,
            &signal[..signal_len],
            &factors[..n],
            NEAREST,
        )
        .map_err(|error| error.to_string())
    };
    assert!(fire(16, 512, 8, 7, 60, 3).is_ok());
    assert!(fire(16, 256, 4, 10, 0, 0).is_ok());
    let names = |result: Result<Counts, String>, message: &str| assert_eq!(result.unwrap_err(), message);
    names(fire(15, 512, 8, 0, 60, 3), "`words` has length 15, expected 16");
    names(fire(16, 511, 8, 0, 60, 3), "`accumulators` has length 511, expected 512");
    names(fire(16, 512, 4, 0, 60, 3), "`accumulators` has length 512, expected 256");
    names(fire(16, 512, 8, 0, 59, 3), "`signal` has length 59, expected 60");
    names(fire(16, 512, 8, 8, 60, 3), "index `first` is 8, expected less than 8");
    names(fire(16, 512, 3, 0, 60, 3), "`bits` is 3, expected 4 to 8");
    names(fire(16, 512, 9, 0, 60, 3), "`bits` is 9, expected 4 to 8");
    let few = accumulate::fire_states(&mut states[..40], None, 2, 20, 0, &signal, &factors, NEAREST);
    assert_eq!(few.unwrap_err().to_string(), "`factors` has length 3, expected 2");
    let short = accumulate::fire_states(&mut states[..199], None, 10, 20, 0, &signal, &factors, NEAREST);
    assert_eq!(short.unwrap_err().to_string(), "`states` has length 199, expected 200");
    let short = accumulate::fire_states(&mut states, Some(&mut words[1..]), 10, 20, 0, &signal, &factors, NEAREST);
    assert_eq!(short.unwrap_err().to_string(), "`words` has length 15, expected 16");
    let short = accumulate::state_words(&states, 10, 20, &mut words[1..]);
    assert_eq!(short.unwrap_err().to_string(), "`words` has length 15, expected 16");
    let short = accumulate::pack_states(&words, &[0; 511], 10, 20, &mut states);
    assert_eq!(short.unwrap_err().to_string(), "`accumulators` has length 511, expected 512");
    let short = accumulate::pack_states(&words, &[0; 512], 10, 20, &mut states[1..]);
    assert_eq!(short.unwrap_err().to_string(), "`states` has length 199, expected 200");
    let short = accumulate::row_factors(&signal, 19, 1.0, &mut [0.0; 3]);
    assert_eq!(short.unwrap_err().to_string(), "`signal` has length 60, expected 57");
    assert_eq!(accumulate::accumulators_len(10, 20, 4), Ok(256));
    assert_eq!(
        accumulate::accumulators_len(ternary::MAX_DIM + 1, 20, 4).unwrap_err().to_string(),
        "`rows` is 4194305, the largest allowed is 4194304"
    );
    // Isa converts into an Exec.
    assert!(accumulate::state_words_with(Isa::Portable, &states, 10, 20, &mut words).is_ok());
}
