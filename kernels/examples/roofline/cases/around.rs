//! What stands between products and scans.

use barewire_kernels::{Exec, KernelError, Scratch, causal_conv1d, elementwise, rms_norm, softmax};

use super::{close, floats};
use crate::measure::{Case, Subject, Target, Work};

type Function = fn(Exec, &[f32], &mut [f32]) -> Result<(), KernelError>;

/// A function of every element.
struct Map {
    run: Function,
    exact: fn(f64) -> f64,
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Subject for Map {
    fn run(&mut self, exec: Exec) {
        (self.run)(exec, &self.x, &mut self.y).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.y.fill(f32::NAN);
        self.run(exec);
        let exact: Vec<f64> = self.x.iter().map(|&x| (self.exact)(x.into())).collect();
        close("y", &self.y, &exact, 3e-7)
    }
}

/// Elements that stay in the second cache level with their results.
const LEN: usize = 1 << 15;

macro_rules! map {
    ($name:literal, $run:expr, $exact:expr, $exps:literal) => {
        Case {
            name: $name,
            work: Work { dot: 0.0, fma: 0.0, exp: $exps * LEN as f64, bytes: 8.0 * LEN as f64 },
            targets: [Target::None, Target::None],
            subject: || {
                let x = floats(LEN).iter().map(|v| v * 10.0).collect();
                Box::new(Map { run: $run, exact: $exact, x, y: vec![0.0; LEN] })
            },
        }
    };
}

/// Rows of a token matrix.
struct Rows {
    kind: Kind,
    rows: usize,
    d: usize,
    x: Vec<f32>,
    w: Vec<f32>,
    r: Vec<f32>,
    y: Vec<f32>,
    scratch: Scratch,
}

#[derive(Clone, Copy)]
enum Kind {
    RmsNorm,
    Softmax,
    Convolution,
}

const ROWS: usize = 512;
const WIDTH: usize = 1024;
const TAPS: usize = 4;

impl Rows {
    fn new(kind: Kind) -> Self {
        let (rows, d) = (ROWS, WIDTH);
        let x = floats(rows * d);
        Self {
            kind,
            rows,
            d,
            y: vec![0.0; x.len()],
            x,
            w: floats(TAPS * d),
            r: vec![0.0; rows],
            scratch: Scratch::new(),
        }
    }

    /// The first row, or the first time steps of the first channel.
    fn exact(&self) -> Vec<f64> {
        let x: Vec<f64> = self.x[..self.d].iter().map(|&v| v.into()).collect();
        match self.kind {
            Kind::RmsNorm => {
                let mean = x.iter().map(|v| v * v).sum::<f64>() / self.d as f64;
                x.iter().zip(&self.w).map(|(v, w)| v * f64::from(*w) / (mean + 1e-6).sqrt()).collect()
            }
            Kind::Softmax => {
                let sum: f64 = x.iter().map(|v| v.exp()).sum();
                x.iter().map(|v| v.exp() / sum).collect()
            }
            Kind::Convolution => (0..self.rows)
                .map(|t| {
                    let tap = |k: usize| (t + k).checked_sub(TAPS - 1).map_or(0.0, |t| self.x[t * self.d].into());
                    (0..TAPS).map(|k| f64::from(self.w[k]) * tap(k)).sum()
                })
                .collect(),
        }
    }
}

impl Subject for Rows {
    fn run(&mut self, exec: Exec) {
        let Self { kind, rows, d, x, w, r, y, scratch } = self;
        let (rows, d) = (*rows, *d);
        match kind {
            Kind::RmsNorm => rms_norm::forward_with(exec, x, Some(&w[..d]), rows, d, 1e-6, y, r),
            Kind::Softmax => softmax::forward_with(exec, x, rows, d, y),
            Kind::Convolution => {
                let (bias, mut state) = (vec![0.0; d], vec![0.0; (TAPS - 1) * d]);
                causal_conv1d::forward_with(exec, w, &bias, x, 1, rows, d, TAPS, &mut state, y, scratch)
            }
        }
        .expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.y.fill(f32::NAN);
        self.run(exec);
        let found = match self.kind {
            Kind::Convolution => self.y.chunks(self.d).map(|row| row[0]).collect(),
            _ => self.y[..self.d].to_vec(),
        };
        close("y", &found, &self.exact(), 2e-6)
    }
}

macro_rules! rows {
    ($name:literal, $kind:expr, $fma:literal, $exp:literal) => {
        Case {
            name: $name,
            work: Work {
                dot: 0.0,
                fma: $fma * (ROWS * WIDTH) as f64,
                exp: $exp * (ROWS * WIDTH) as f64,
                bytes: 8.0 * (ROWS * WIDTH) as f64,
            },
            targets: [Target::None, Target::None],
            subject: || Box::new(Rows::new($kind)),
        }
    };
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        map!("exp 32768", |exec, x, y| elementwise::exp_with(exec, x, y), f64::exp, 1.0),
        map!("silu 32768", |exec, x, y| elementwise::silu_with(exec, x, y), |x| x / (1.0 + (-x).exp()), 1.0),
        map!(
            "softplus 32768",
            |exec, x, y| elementwise::softplus_with(exec, x, y),
            |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
            1.0
        ),
        rows!("rms norm 512x1024", Kind::RmsNorm, 3.0, 0.0),
        rows!("softmax 512x1024", Kind::Softmax, 2.0, 1.0),
        rows!("causal convolution 512x1024, 4 taps", Kind::Convolution, 4.0, 0.0),
    ]
}
