//! Accumulate and fire: training of packed digits without latent weights.
//!
//! Every weight has its digit and a small signed accumulator of `bits` bits, and nothing else. One
//! step, with the signal `g[r, c]` (the gradient of the loss with respect to the weight) and a
//! `factor[r]` a row, usually `gain / rms(g[r, ..])` from [`row_factors`]:
//!
//! ```text
//! u = -factor[r] * g[r, c]               one rounding to f32; descent: against the gradient
//! q = round(u)                           ties to even, Rounding::Nearest
//!   = floor(u + random)                  Rounding::Stochastic
//! q = clamp(q, -limit, limit)            limit = 2^(bits - 1) - 1
//! a = accumulator + q
//! |a| < limit:  accumulator = a
//! else:         digit = clamp(digit + sign(a), -1, 1), accumulator = 0
//! ```
//!
//! A digit moves at most one level a step; the accumulator restarts from 0 even where the digit
//! was at the end of its range; nothing leaks. So `|accumulator| <= limit - 1` between steps.
//!
//! # Two forms of the state
//!
//! | form | bits a weight as stored, with the digit | |
//! |---|---|---|
//! | [`fire_rows`], `bits` = 4 | 4 + 2 | nibbles beside the packed words |
//! | [`fire_rows`], `bits` = 5 to 8 | 8 + 2 | bytes beside the packed words |
//! | [`fire_states`], 6 bits | 8 | digit and accumulator in one byte: 3 x 61 = 183 states |
//!
//! *Beside the words*: the accumulators of word `i` of the packed matrix are the `32 * i ..` bytes
//! of `accumulators` (two's complement, column order), or the 16 bytes from `16 * i` on (byte `j`
//! has column `j` in its low and column `16 + j` in its high half). So those of the 64 bytes of
//! words of a tile are 256 or 128 bytes in the same order. Zeroed memory is the state of all
//! accumulators 0; padding stays 0.
//!
//! *One byte*: `91 + 61 * digit + accumulator`, row-major `[rows, cols]` without padding. The
//! packed words that the products need are written by [`state_words`], or kept in step by
//! [`fire_states`] itself.
//!
//! # Counters: no firing
//!
//! [`count_rows`] takes the same increments with a byte a weight and another rule: a signed counter that saturates, of
//! which the digit is read by a threshold. It is a latent weight of 8 bits.
//!
//! # Row by row
//!
//! A call takes the signal of any range of rows, so that the gradient of a matrix never exists as a
//! whole: form some rows, fire them, reuse the buffer. Eight rows of one tile at a time (`first` a
//! multiple of 8) touch each cache line of the state once; the bits do not depend on the ranges.
//!
//! ```
//! use barewire_kernels::ternary::accumulate::{Rounding, fire_states, row_factors};
//!
//! let (rows, cols, gain) = (16, 40, 2.5);
//! // One token: the gradient is y xᵀ.
//! let (y, x) = ([-0.1f32; 16], [0.5f32; 40]);
//! let mut states = vec![91; rows * cols];
//! let (mut signal, mut factors) = (vec![0.0; 8 * cols], [0.0; 8]);
//! for first in (0..rows).step_by(8) {
//!     for (row, y) in signal.chunks_exact_mut(cols).zip(&y[first..]) {
//!         for (g, x) in row.iter_mut().zip(&x) {
//!             *g = y * x;
//!         }
//!     }
//!     row_factors(&signal, cols, gain, &mut factors)?;
//!     fire_states(&mut states, None, rows, cols, first, &signal, &factors, Rounding::Nearest)?;
//! }
//! // Every increment is the gain, 2.5, which rounds to 2.
//! assert_eq!(states, vec![93; rows * cols]);
//! # Ok::<(), barewire_kernels::KernelError>(())
//! ```
//!
//! # Random numbers
//!
//! The 16 random bits of weight `(r, c)` at step `s` are a function of `(seed, s, r, c)` alone, see
//! [`reference::random_bits`], so they need no state and no order. `u` is rounded once to
//! multiples of 2^-16, and then `floor` is exact: the mean of `q` is that multiple, its variance
//! `p (1 - p)` with `p` the fraction.
//!
//! # NaN, infinity, damaged states
//!
//! A NaN or an infinity in the signal counts as 0 and is counted in [`Counts::skipped`]; a factor
//! that is NaN or infinite leaves its row as it is, and all of its weights are counted. A finite
//! `u` beyond the range, or one that overflows, is the limit. Accumulators or states that
//! [`check_accumulators`] or [`check_states`] would refuse are defined on every path: they are an
//! accumulator beyond the limit, which the next step reduces or fires. The digit code 3 becomes +1 when its
//! accumulator fires.
//!
//! The bits of digits, accumulators and counts are the same on every instruction set, `Reference`
//! included, and for any number of threads.
//!
//! Source: the rule of Bop (Helwegen et al., "Latent weights do not exist", 2019) carried to integer
//! accumulators, with the reset on firing that keeps 61 of 63 accumulator values.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod counters;
mod factors;
mod initial;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod octets;
mod portable;
pub mod reference;
mod rows;
mod separate;
mod states;

use core::ops::{Add, AddAssign};

pub use counters::{count_rows, count_rows_with, counter_words, counter_words_with};
pub use factors::{row_factors, row_factors_with, running_row_factors_with};
pub use initial::{random_counters, random_digits};
pub use separate::{accumulators_len, check_accumulators, fire_rows, fire_rows_with};
pub use states::{
    STATES, check_states, fire_states, fire_states_with, pack_states, state_words, state_words_with, unpack_states,
};

use crate::error::KernelError;

/// How an increment becomes an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest integer, ties to even: below one half nothing is added.
    Nearest,
    /// Down after adding a random number in `[0, 1)`, so that the mean is right; on AVX2 three times
    /// the time of the other.
    Stochastic {
        /// The run's seed; another one for each matrix.
        seed: u64,
        /// The step's number.
        step: u64,
    },
}

/// What happened in a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accumulators that reached the limit.
    pub fires: u64,
    /// Those of them whose digit was at the end of its range already, and stayed.
    pub saturated: u64,
    /// Weights that were left out for a NaN or an infinity in their signal or factor.
    pub skipped: u64,
}

impl Counts {
    /// Digits that changed.
    pub const fn moved(self) -> u64 {
        self.fires - self.saturated
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            fires: self.fires + other.fires,
            saturated: self.saturated + other.saturated,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// `2^(bits - 1) - 1`, where an accumulator fires.
fn limit(bits: u32) -> Result<i8, KernelError> {
    if !(4..=8).contains(&bits) {
        return Err(KernelError::AccumulatorBits { found: bits });
    }
    Ok((i8::MAX as u8 >> (8 - bits)) as i8)
}
