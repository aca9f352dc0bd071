//! What the test files share: instruction sets, shapes, numbers.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part, and none is a library")]

use barewire_kernels::Isa;

/// Runs a case on every instruction set of this CPU and says which are absent.
pub fn for_each_isa(mut case: impl FnMut(Isa)) {
    let available: Vec<Isa> = Isa::available().collect();
    for name in Isa::NAMES {
        if !available.iter().any(|isa| isa.name() == name) {
            println!("instruction set {name} is absent here: NOT tested");
        }
    }
    for isa in available {
        case(isa);
    }
}

/// Lengths around the lanes, words and tiles of every path.
pub const LENGTHS: [usize; 17] = [1, 2, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65, 95, 127, 128, 200, 352];

/// Numbers of tokens around every block size.
pub const TOKENS: [usize; 9] = [0, 1, 2, 3, 4, 5, 7, 16, 17];

/// Shapes `(rows, cols, n)`: every length as rows and as columns, against a few of the other,
/// and all numbers of tokens.
pub fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let fixed = [1, 8, 33, 40];
    let pairs = LENGTHS.into_iter().flat_map(move |a| fixed.into_iter().flat_map(move |b| [(a, b), (b, a)]));
    pairs
        .enumerate()
        .map(|(i, (rows, cols))| (rows, cols, TOKENS[i % TOKENS.len()]))
        .chain(TOKENS.into_iter().map(|n| (65, 70, n)))
        .chain([(0, 5, 3), (5, 0, 3), (0, 0, 0), (0, 0, 2)])
}

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// In [-1, 1), 24 bits.
    pub fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }

    pub fn digits(&mut self, len: usize) -> Vec<i8> {
        (0..len).map(|_| self.below(3) as i8 - 1).collect()
    }
}

pub fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().copied().map(f64::from).collect()
}

/// A sum that a kernel makes in f32, as its bound sees it: what its terms come to if all are made positive, and the
/// same with each term times the roundings it has gone through. Made by the reference's loops, so that the bound is that
/// of these numbers and no other.
#[derive(Clone, Copy, Default)]
pub struct Sum {
    size: f64,
    roundings: f64,
}

impl Sum {
    /// An input: exact.
    pub fn of(x: f64) -> Self {
        Self { size: x.abs(), roundings: 0.0 }
    }

    /// Times a number, which costs every term so many roundings: those of the number and that of the product.
    pub fn times(self, by: f64, roundings: f64) -> Self {
        Self { size: self.size * by.abs(), roundings: (self.roundings + roundings * self.size) * by.abs() }
    }

    /// Times another sum.
    pub fn product(self, other: Self) -> Self {
        let roundings = self.roundings * other.size + other.roundings * self.size + self.size * other.size;
        Self { size: self.size * other.size, roundings }
    }

    pub fn plus(self, other: Self) -> Self {
        Self { size: self.size + other.size, roundings: self.roundings + other.roundings }
    }

    /// The largest error to first order, `terms` roundings of the summation itself included. What is left of subnormal
    /// numbers may be flushed.
    pub fn bound(self, terms: usize) -> f64 {
        (self.roundings + terms as f64 * self.size) / f64::from(1 << 24) + f64::from(f32::MIN_POSITIVE) * 64.0
    }
}

/// Compares each number with its own bound; gives the largest share of a bound that was used.
#[track_caller]
pub fn assert_within(what: &str, found: &[f32], exact: &[f64], bounds: &[f64]) -> f64 {
    assert!(found.len() == exact.len() && exact.len() == bounds.len(), "{what}: lengths");
    let mut used = 0.0f64;
    for (i, ((found, exact), bound)) in found.iter().zip(exact).zip(bounds).enumerate() {
        let error = (f64::from(*found) - exact).abs();
        assert!(error <= *bound, "{what}[{i}] is {found}, expected {exact}: off by {error:e}, bound {bound:e}");
        used = used.max(error / bound);
    }
    used
}

/// The numbers behind so many others, so that they do not start where an allocation does.
pub fn shifted(x: &[f32], by: usize) -> Vec<f32> {
    [&vec![f32::NAN; by][..], x].concat()
}

/// Bits, so that NaNs and signed zeros compare.
pub fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

pub fn max_abs(x: &[f32]) -> f64 {
    x.iter().fold(0.0, |m, v| f64::from(v.abs()).max(m))
}
