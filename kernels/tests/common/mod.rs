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

/// Bits, so that NaNs and signed zeros compare.
pub fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

pub fn max_abs(x: &[f32]) -> f64 {
    x.iter().fold(0.0, |m, v| f64::from(v.abs()).max(m))
}
