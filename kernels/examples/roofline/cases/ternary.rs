//! Products with packed ternary matrices.

use barewire_kernels::{Exec, Scratch, ternary};

use super::{digits, floats, near};
use crate::measure::{Case, Subject, Target, Work};

/// What is multiplied, and how.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int8,
    Fixed16,
    F32,
    TransposedF32,
}

impl Kind {
    /// Dot products of bytes for each weight.
    const fn limbs(self) -> f64 {
        match self {
            Self::Int8 => 1.0,
            Self::Fixed16 => 2.0,
            Self::F32 | Self::TransposedF32 => 3.0,
        }
    }

    /// Largest error of an output for terms of at most 1: half a step a term.
    fn bound(self, terms: usize) -> f64 {
        let step = match self {
            Self::Int8 => 1.0 / 127.0,
            Self::Fixed16 => 2f64.powi(-13),
            Self::F32 | Self::TransposedF32 => 2f64.powi(-21),
        };
        terms as f64 * step / 2.0 + 1e-6
    }
}

struct Product {
    kind: Kind,
    rows: usize,
    cols: usize,
    n: usize,
    words: Vec<u64>,
    x: Vec<f32>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    out: Vec<f32>,
    /// Of the first token, for its first outputs.
    exact: Vec<f64>,
    scratch: Scratch,
}

impl Product {
    fn new(kind: Kind, rows: usize, cols: usize, n: usize) -> Self {
        let digits = digits(rows * cols);
        let mut words = vec![0; ternary::words_len(rows, cols).expect("small")];
        ternary::pack_i8(rows, cols, &digits, &mut words).expect("digits");
        let transposed = kind == Kind::TransposedF32;
        let (terms, outputs) = if transposed { (rows, cols) } else { (cols, rows) };
        let x = floats(n * terms);
        // Some outputs are enough: each has its own terms.
        let exact = |o: usize| -> f64 {
            let digit = |t: usize| if transposed { digits[t * cols + o] } else { digits[o * cols + t] };
            (0..terms).map(|t| f64::from(digit(t)) * f64::from(x[t])).sum()
        };
        let exact = (0..outputs.min(200)).map(exact).collect();
        let mut codes = vec![0; ternary::int8_codes_len(n, terms).expect("small")];
        let mut scales = vec![0.0; n];
        ternary::quantize_int8(&x, n, terms, &mut codes, &mut scales).expect("lengths");
        let (out, scratch) = (vec![0.0; n * outputs], Scratch::new());
        Self { kind, rows, cols, n, words, x, codes, scales, out, exact, scratch }
    }
}

impl Subject for Product {
    fn run(&mut self, exec: Exec) {
        let Self { rows, cols, n, words, x, codes, scales, out, scratch, .. } = self;
        let (rows, cols, n) = (*rows, *cols, *n);
        match self.kind {
            Kind::Int8 => ternary::forward_int8_with(exec, words, rows, cols, codes, scales, n, 1.0, out),
            Kind::Fixed16 => ternary::forward_fixed16_with(exec, words, rows, cols, x, n, out, scratch),
            Kind::F32 => ternary::forward_f32_with(exec, words, rows, cols, x, n, out, scratch),
            Kind::TransposedF32 => ternary::transposed_f32_with(exec, words, rows, cols, x, n, out, scratch),
        }
        .expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.out.fill(f32::NAN);
        self.run(exec);
        let terms = if self.kind == Kind::TransposedF32 { self.rows } else { self.cols };
        near("out", &self.out, self.exact.iter().copied(), self.kind.bound(terms))
    }
}

/// Work of a product.
const fn work(kind: Kind, rows: usize, cols: usize, n: usize) -> Work {
    let weights = rows as f64 * cols as f64;
    Work { dot: kind.limbs() * weights * n as f64, fma: 0.0, exp: 0.0, bytes: weights / 4.0 }
}

macro_rules! product {
    ($name:literal, $kind:expr, $rows:literal, $cols:literal, $n:literal, $one:expr, $two:expr) => {
        Case {
            name: $name,
            work: work($kind, $rows, $cols, $n),
            targets: [$one, $two],
            subject: || Box::new(Product::new($kind, $rows, $cols, $n)),
        }
    };
}

pub(super) fn cases() -> Vec<Case> {
    use Kind::{F32, Fixed16, Int8, TransposedF32};
    use Target::{None, Share, Times};
    vec![
        product!("ternary int8 2560x2560", Int8, 2560, 2560, 1, Share(0.85), Share(0.80)),
        product!("ternary int8 6912x2560", Int8, 6912, 2560, 1, Share(0.85), Share(0.80)),
        product!("ternary int8 2560x6912", Int8, 2560, 6912, 1, Share(0.85), Share(0.80)),
        product!("ternary int8 16384x16384 (64 MiB)", Int8, 16384, 16384, 1, Share(0.80), Share(0.90)),
        product!("ternary int8 2560x2560 batch 4", Int8, 2560, 2560, 4, Share(0.93), None),
        product!("ternary int8 2560x2560 batch 16", Int8, 2560, 2560, 16, Share(0.93), None),
        product!("ternary int8 2560x2560 batch 128", Int8, 2560, 2560, 128, Share(0.85), None),
        product!("ternary int8 6912x2560 batch 128", Int8, 6912, 2560, 128, Share(0.85), None),
        product!("ternary 16-bit 2560x2560", Fixed16, 2560, 2560, 1, None, None),
        product!("ternary f32-grade 2560x2560", F32, 2560, 2560, 1, Share(0.95), None),
        product!(
            "ternary transposed f32-grade 2560x2560",
            TransposedF32,
            2560,
            2560,
            1,
            Times(1.0 / 0.7, "ternary f32-grade 2560x2560"),
            Times(1.0 / 0.7, "ternary f32-grade 2560x2560")
        ),
        product!("ternary transposed f32-grade 2560x2560 batch 16", TransposedF32, 2560, 2560, 16, None, None),
    ]
}
