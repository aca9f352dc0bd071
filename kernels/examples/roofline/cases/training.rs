//! The parts of a training step.

use barewire_kernels::ternary::accumulate::{self, Rounding};
use barewire_kernels::{Exec, Scratch, adam, gemm, ternary, weight_gradient};

use super::{close, floats, near};
use crate::measure::{Case, Subject, Target, Work};

/// One step of a linear layer with latent weights: quantise weights and activations, forward, cotangent of the input, gradient of the
/// weights.
struct BitLinear {
    rows: usize,
    cols: usize,
    n: usize,
    latent: Vec<f32>,
    words: Vec<u64>,
    x: Vec<f32>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    y: Vec<f32>,
    y_cot: Vec<f32>,
    x_cot: Vec<f32>,
    w_cot: Vec<f32>,
    scratch: Scratch,
}

impl BitLinear {
    fn new(rows: usize, cols: usize, n: usize) -> Self {
        Self {
            rows,
            cols,
            n,
            latent: floats(rows * cols),
            words: vec![0; ternary::words_len(rows, cols).expect("small")],
            x: floats(n * cols),
            codes: vec![0; ternary::int8_codes_len(n, cols).expect("small")],
            scales: vec![0.0; n],
            y: vec![0.0; n * rows],
            y_cot: floats(n * rows + 1)[1..].to_vec(),
            x_cot: vec![0.0; n * cols],
            w_cot: vec![0.0; rows * cols],
            scratch: Scratch::new(),
        }
    }

    fn step(&mut self, exec: Exec) -> Result<(), barewire_kernels::KernelError> {
        let Self { rows, cols, n, latent, words, x, codes, scales, y, y_cot, x_cot, w_cot, scratch } = self;
        let (rows, cols, n) = (*rows, *cols, *n);
        let scale = ternary::quantize_absmean_with(exec, latent, rows, cols, words)?;
        ternary::quantize_int8_with(exec, x, n, cols, codes, scales)?;
        ternary::forward_int8_with(exec, words, rows, cols, codes, scales, n, scale, y)?;
        ternary::transposed_fixed16_with(exec, words, rows, cols, y_cot, n, x_cot, scratch)?;
        weight_gradient::dense_with(exec, y_cot, x, n, rows, cols, scale, false, w_cot, scratch)
    }
}

impl Subject for BitLinear {
    fn run(&mut self, exec: Exec) {
        self.step(exec).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.run(exec);
        let (rows, cols) = (self.rows, self.cols);
        let mut digits = vec![0; rows * cols];
        ternary::unpack_i8(&self.words, rows, cols, &mut digits).map_err(|error| error.to_string())?;
        let exact = (0..cols.min(100))
            .map(|c| (0..rows).map(|r| f64::from(digits[r * cols + c]) * f64::from(self.y_cot[r])).sum::<f64>());
        near("x_cot", &self.x_cot, exact, rows as f64 * 2f64.powi(-14))
    }
}

/// Accumulate and fire, [`SIGNAL_ROWS`] rows of the signal at a time: fewer are not worth a second thread.
struct Fire {
    rows: usize,
    cols: usize,
    rounding: Rounding,
    states: Vec<u8>,
    signal: Vec<f32>,
    factors: Vec<f32>,
}

/// A divisor of the rows; the signals stay in the third cache level, so that memory is read for the states alone.
const SIGNAL_ROWS: usize = 128;

impl Fire {
    fn new(rows: usize, cols: usize, rounding: Rounding) -> Self {
        // Accumulators 0, digits 0.
        let states = vec![91; rows * cols];
        Self { rows, cols, rounding, states, signal: floats(SIGNAL_ROWS * cols), factors: vec![2.0; SIGNAL_ROWS] }
    }
}

impl Subject for Fire {
    fn run(&mut self, exec: Exec) {
        let Self { rows, cols, rounding, states, signal, factors } = self;
        for first in (0..*rows).step_by(SIGNAL_ROWS) {
            accumulate::fire_states_with(exec, states, None, *rows, *cols, first, signal, factors, *rounding)
                .expect("lengths");
        }
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.states.fill(91);
        self.run(exec);
        if self.rounding != Rounding::Nearest {
            return accumulate::check_states(&self.states, self.rows, self.cols).map_err(|error| error.to_string());
        }
        for (i, (state, g)) in self.states.iter().zip(self.signal.iter().cycle()).enumerate() {
            let expected = 91.0 + (-2.0 * g).round_ties_even();
            if f32::from(*state) != expected {
                return Err(format!("states[{i}] is {state}, expected {expected}"));
            }
        }
        Ok(())
    }
}

/// AdamW on latent weights with their quantisation.
struct Latent {
    rows: usize,
    cols: usize,
    w: Vec<f32>,
    g: Vec<f32>,
    m: Vec<f32>,
    v: Vec<f32>,
    words: Vec<u64>,
    scratch: Scratch,
}

const ADAM: adam::Coefficients =
    adam::Coefficients { grad: 1.0, beta1: 0.9, beta2: 0.99, rate: 1e-3, second: 1.5, eps: 1e-8, keep: 0.9999 };

impl Latent {
    fn new(rows: usize, cols: usize) -> Self {
        let len = rows * cols;
        let words = vec![0; ternary::words_len(rows, cols).expect("small")];
        let (w, g) = (floats(len), floats(len + 1)[1..].to_vec());
        Self { rows, cols, w, g, m: vec![0.0; len], v: vec![0.0; len], words, scratch: Scratch::new() }
    }
}

impl Subject for Latent {
    fn run(&mut self, exec: Exec) {
        let Self { rows, cols, w, g, m, v, words, scratch } = self;
        adam::update_latent_with(exec, ADAM, w, g, m, v, *rows, *cols, words, scratch).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.w = floats(self.rows * self.cols);
        self.m.fill(0.0);
        self.v.fill(0.0);
        let before = self.w.clone();
        self.run(exec);
        let exact: Vec<f64> = before
            .iter()
            .zip(&self.g)
            .map(|(w, g)| {
                let (w, g) = (f64::from(*w), f64::from(*g));
                let (m, v) = (0.1 * g, 0.01 * g * g);
                w * 0.9999 - 1e-3 * m / ((1.5 * v).sqrt() + 1e-8)
            })
            .collect();
        close("w", &self.w, &exact, 1e-5)
    }
}

/// The absmean quantiser alone.
struct Absmean {
    rows: usize,
    cols: usize,
    w: Vec<f32>,
    words: Vec<u64>,
    scale: f32,
}

impl Subject for Absmean {
    fn run(&mut self, exec: Exec) {
        self.scale =
            ternary::quantize_absmean_with(exec, &self.w, self.rows, self.cols, &mut self.words).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.run(exec);
        let mean = self.w.iter().map(|v| f64::from(v.abs())).sum::<f64>() / self.w.len() as f64;
        close("scale", &[self.scale], &[mean], 1e-6)
    }
}

/// A dense product.
struct Gemm {
    sizes: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    scratch: Scratch,
}

impl Subject for Gemm {
    fn run(&mut self, exec: Exec) {
        let Self { sizes: [m, n, k], a, b, c, scratch } = self;
        gemm::nt_with(exec, *m, *n, *k, a, b, false, c, scratch).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.c.fill(f32::NAN);
        self.run(exec);
        let [_, n, k] = self.sizes;
        let exact = (0..n).map(|j| (0..k).map(|l| f64::from(self.a[l]) * f64::from(self.b[j * k + l])).sum::<f64>());
        near("c", &self.c, exact, (k * k) as f64 * 2f64.powi(-24))
    }
}

macro_rules! gemm {
    ($name:literal, $m:literal, $n:literal, $k:literal) => {
        Case {
            name: $name,
            work: Work {
                dot: 0.0,
                fma: ($m * $n * $k) as f64,
                exp: 0.0,
                bytes: (4 * ($n * $k + $m * $k + $m * $n)) as f64,
            },
            targets: [Target::None, Target::None],
            subject: || {
                let (a, b, c) = (floats($m * $k), floats($n * $k), vec![0.0; $m * $n]);
                Box::new(Gemm { sizes: [$m, $n, $k], a, b, c, scratch: Scratch::new() })
            },
        }
    };
}

/// 17.7 million weights.
const MANY: f64 = (6912 * 2560) as f64;
const SQUARE: f64 = (2560 * 2560) as f64;

/// The part of the target's 17.6 ms that a step needs at the limits of the machine it was set on: 16 tokens at 59 billion
/// multiply-adds and 236 billion byte products a second.
const BIT_LINEAR: f64 = (16.0 * SQUARE / 59e9) / 17.6e-3;

pub(super) fn cases() -> Vec<Case> {
    use Target::{None, Share};
    vec![
        Case {
            name: "bit-linear step 2560x2560 batch 16",
            work: Work { dot: 48.0 * SQUARE, fma: 16.0 * SQUARE, exp: 0.0, bytes: 12.0 * SQUARE },
            targets: [Share(BIT_LINEAR), None],
            subject: || Box::new(BitLinear::new(2560, 2560, 16)),
        },
        Case {
            name: "absmean quantiser 6912x2560",
            work: Work { dot: 0.0, fma: 2.0 * MANY, exp: 0.0, bytes: 8.25 * MANY },
            targets: [None, None],
            subject: || {
                let words = vec![0; ternary::words_len(6912, 2560).expect("small")];
                Box::new(Absmean { rows: 6912, cols: 2560, w: floats(6912 * 2560), words, scale: 0.0 })
            },
        },
        Case {
            name: "AdamW with quantiser 6912x2560",
            work: Work { dot: 0.0, fma: 12.0 * MANY, exp: 0.0, bytes: 32.25 * MANY },
            targets: [None, None],
            subject: || Box::new(Latent::new(6912, 2560)),
        },
        Case {
            name: "fire, digit and accumulator in a byte, rounded, 6912x2560",
            work: Work { dot: 0.0, fma: 2.0 * MANY, exp: 0.0, bytes: 2.0 * MANY },
            targets: [None, None],
            subject: || Box::new(Fire::new(6912, 2560, Rounding::Nearest)),
        },
        Case {
            name: "fire, digit and accumulator in a byte, stochastic, 6912x2560",
            work: Work { dot: 0.0, fma: 2.0 * MANY, exp: 0.0, bytes: 2.0 * MANY },
            targets: [None, None],
            subject: || Box::new(Fire::new(6912, 2560, Rounding::Stochastic { seed: 1, step: 2 })),
        },
        gemm!("dense 384x704x128", 384, 704, 128),
        gemm!("dense 128x2560x2560", 128, 2560, 2560),
        gemm!("dense 1x2560x2560", 1, 2560, 2560),
    ]
}
