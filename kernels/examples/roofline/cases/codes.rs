//! Products with binary and k-bit matrices, and with ternary ones in other forms.

use barewire_kernels::{Exec, Scratch, binary, quantized, ternary};

use super::{digits, floats, near};
use crate::measure::{Case, Subject, Target, Work};

/// What is multiplied.
#[derive(Clone, Copy)]
enum Kind {
    Binary,
    Bits(u32),
    Base3,
    Unquantized,
}

struct Product {
    kind: Kind,
    n: usize,
    words: Vec<u64>,
    x: Vec<f32>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    out: Vec<f32>,
    exact: Vec<f64>,
    scratch: Scratch,
}

const SIDE: usize = 2560;

/// Zero of 8-bit codes and the like: the middle.
fn format(bits: u32) -> quantized::Format {
    quantized::Format { bits, scale: 1.0 / f32::from(1u16 << bits), zero: 1 << (bits - 1) }
}

impl Product {
    fn new(kind: Kind, n: usize) -> Self {
        let x = floats(n * SIDE);
        let ternary = digits(SIDE * SIDE);
        let mut tiles = vec![0; ternary::words_len(SIDE, SIDE).expect("small")];
        ternary::pack_i8(SIDE, SIDE, &ternary, &mut tiles).expect("digits");
        let value = |bits: u32| -> Vec<u8> {
            (0..SIDE * SIDE).map(|i| (i as u64 * 2_654_435_761 % 7_919) as u8 & ((1u16 << bits) - 1) as u8).collect()
        };
        let (words, weight): (Vec<u64>, Box<dyn Fn(usize) -> f64>) = match kind {
            Kind::Binary => {
                let mut words = vec![0; binary::words_len(SIDE, SIDE).expect("small")];
                let bits = value(1);
                binary::pack_u8(SIDE, SIDE, &bits, &mut words).expect("bits");
                (words, Box::new(move |i| bits[i].into()))
            }
            Kind::Bits(bits) => {
                let mut words = vec![0; quantized::words_len(SIDE, SIDE, bits).expect("small")];
                let codes = value(bits);
                quantized::pack_u8(SIDE, SIDE, bits, &codes, &mut words).expect("codes");
                (words, Box::new(move |i| format(bits).value(codes[i]).into()))
            }
            Kind::Base3 => {
                let mut words = vec![0; ternary::base3::words_len(SIDE, SIDE).expect("small")];
                ternary::base3::pack(&tiles, SIDE, SIDE, &mut words).expect("digits");
                (words, Box::new(move |i| ternary[i].into()))
            }
            Kind::Unquantized => (tiles, Box::new(move |i| ternary[i].into())),
        };
        let exact = |r: usize| (0..SIDE).map(|c| weight(r * SIDE + c) * f64::from(x[c])).sum();
        let exact = (0..200).map(exact).collect();
        let mut codes = vec![0; ternary::int8_codes_len(n, SIDE).expect("small")];
        let mut scales = vec![0.0; n];
        ternary::quantize_int8(&x, n, SIDE, &mut codes, &mut scales).expect("lengths");
        Self { kind, n, words, x, codes, scales, out: vec![0.0; n * SIDE], exact, scratch: Scratch::new() }
    }
}

impl Subject for Product {
    fn run(&mut self, exec: Exec) {
        let Self { kind, n, words, x, codes, scales, out, scratch, .. } = self;
        let n = *n;
        match *kind {
            Kind::Binary => binary::forward_int8_with(exec, words, SIDE, SIDE, codes, scales, n, 1.0, out, scratch),
            Kind::Bits(bits) => {
                quantized::forward_int8_with(exec, words, SIDE, SIDE, format(bits), codes, scales, n, out, scratch)
            }
            Kind::Base3 => {
                ternary::base3::forward_int8_with(exec, words, SIDE, SIDE, codes, scales, n, 1.0, out, scratch)
            }
            Kind::Unquantized => ternary::forward_unquantized_with(exec, words, SIDE, SIDE, x, n, out),
        }
        .expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.out.fill(f32::NAN);
        self.run(exec);
        // Half a step of 1/127 a term.
        near("out", &self.out, self.exact.iter().copied(), SIDE as f64 / 252.0)
    }
}

macro_rules! product {
    ($name:literal, $kind:expr, $n:literal, $work:expr) => {
        Case {
            name: $name,
            work: $work,
            targets: [Target::None, Target::None],
            subject: || Box::new(Product::new($kind, $n)),
        }
    };
}

/// Byte products for each weight and token, and bits a weight.
const fn work(n: usize, bits: f64) -> Work {
    let weights = (SIDE * SIDE) as f64;
    Work { dot: weights * n as f64, fma: 0.0, exp: 0.0, bytes: weights * bits / 8.0 }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        product!("binary int8 2560x2560", Kind::Binary, 1, work(1, 1.0)),
        product!("binary int8 2560x2560 batch 16", Kind::Binary, 16, work(16, 1.0)),
        product!("4-bit int8 2560x2560", Kind::Bits(4), 1, work(1, 4.0)),
        product!("4-bit int8 2560x2560 batch 16", Kind::Bits(4), 16, work(16, 4.0)),
        product!("5-bit int8 2560x2560 batch 16", Kind::Bits(5), 16, work(16, 5.0)),
        product!("8-bit int8 2560x2560", Kind::Bits(8), 1, work(1, 8.0)),
        product!("ternary 1.6 bits int8 2560x2560", Kind::Base3, 1, work(1, 1.6)),
        product!(
            "ternary unquantized 2560x2560",
            Kind::Unquantized,
            1,
            Work { dot: 0.0, fma: (SIDE * SIDE) as f64, exp: 0.0, bytes: (SIDE * SIDE) as f64 / 4.0 }
        ),
    ]
}
