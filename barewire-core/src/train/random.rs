//! Random numbers that need no state in a checkpoint.

/// A counter-based generator: number `i` of the stream `(seed, stream)` is a function of `i` alone.
///
/// A training step asks for the numbers of *its* stream (the step's number), so a resumed run needs no generator state
/// and draws what the uninterrupted one would have drawn. Each output is the finaliser of SplitMix64 over a Weyl
/// sequence, which passes BigCrush; it is not for cryptography.
///
/// ```
/// use barewire_core::train::Random;
///
/// let draw = || { let mut r = Random::new(1337, 42); [r.next_u64(), r.next_u64()] };
/// assert_eq!(draw(), draw());
/// ```
///
/// Source: Steele, Lea & Flood, "Fast Splittable Pseudorandom Number Generators" (2014), with the constants of
/// Stafford's variant 13.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

const WEYL: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The stream `stream` of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        Random { state: mix(mix(seed.wrapping_add(WEYL)) ^ stream.wrapping_mul(WEYL)) }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(WEYL);
        mix(self.state)
    }

    /// A number in `[0, n)`; 0 if `n` is 0. The bias is below `n / 2^64`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `[0, 1)`, a multiple of `2^-24`.
    pub fn unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// A number of the standard normal distribution, to within what twelve uniform ones add up to (never beyond 6).
    ///
    /// Sums and differences only, so the bits are the same on every machine; a logarithm and a cosine would not be.
    pub fn normal(&mut self) -> f32 {
        let sum: u64 = (0..12).map(|_| self.next_u64() >> 40).sum();
        (sum as f64 / f64::from(1u32 << 24) - 6.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut r = Random::new(7, 0);
        let n = 200_000;
        let (mut unit, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            unit += f64::from(r.unit());
            let x = f64::from(r.normal());
            sum += x;
            squares += x * x;
        }
        let n = f64::from(n);
        // five standard errors: 0.289, 1 and 1.42 (1.5 with room) over the root of n
        let bound = 5.0 / n.sqrt();
        assert!((unit / n - 0.5).abs() < 0.289 * bound);
        assert!((sum / n).abs() < bound);
        assert!((squares / n - 1.0).abs() < 1.5 * bound);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, stream| Random::new(seed, stream).next_u64();
        assert_eq!(first(1, 2), first(1, 2));
        assert!(first(1, 2) != first(2, 1) && first(0, 0) != first(0, 1) && first(0, 0) != first(1, 0));
        assert!((0..1000).all(|_| Random::new(3, 3).below(10) < 10));
        assert_eq!(Random::new(3, 3).below(0), 0);
    }
}
