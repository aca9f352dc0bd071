//! Saturating counters in one byte, from which digits are read by a threshold.

use super::lanes::Lanes;
use super::octets::{self, Octet, octets_len, word};
use super::rows::{Increments, Signals, Step};
use super::{Counts, Rounding, reference};
use crate::error::{KernelError, check_len};
use crate::ternary::words_len;
use crate::{Exec, Isa};

/// The largest increment.
const LIMIT: i8 = i8::MAX;

/// Adds the increments of rows `first ..` to saturating counters, see [the module](super), and brings the packed digits
/// in line with them.
///
/// ```text
/// counter = clamp(counter + q, -128, 127)       q as for accumulators of 8 bits
/// digit   = +1 if counter > threshold, -1 if counter < -threshold, else 0
/// ```
///
/// Nothing restarts: a counter that went far out takes as long to come back, and one at the threshold can turn at once.
/// [`Counts::fires`] are the digits that changed here, and [`Counts::saturated`] is 0.
///
/// | name        | shape             | meaning                                                          |
/// |-------------|-------------------|------------------------------------------------------------------|
/// | `counters`  | `[rows, cols]`    | two's complement, changed in place; every byte is one             |
/// | `words`     | [`words_len`]     | if given: the packed digits of the rows, written anew            |
/// | `threshold` |                   | 0 to 127                                                         |
/// | `first`     |                   | row of the matrix that the first row of `signal` is for          |
/// | `signal`    | `[n, cols]`       | gradient of the loss with respect to the weights                 |
/// | `factors`   | `[n]`             | step size of each row                                            |
///
/// A signal or a factor that is not finite leaves its counters as they are, and is counted.
///
/// ```
/// use barewire_kernels::ternary::{self, accumulate::{Rounding, count_rows}};
///
/// // a digit at the end of the middle, one far out, and one that saturates
/// let mut counters = [25, 120, 120];
/// let mut words = vec![0; ternary::words_len(1, 3)?];
/// let signal = [-1.0, 4.0, -4.0];
/// let counts = count_rows(&mut counters, Some(&mut words), 1, 3, 25, 0, &signal, &[3.0], Rounding::Nearest)?;
/// assert_eq!((counters, counts.moved()), ([28, 108, 127], 1));
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// Those of [`fire_states`](super::fire_states); [`KernelError::Value`] for the threshold.
///
/// Source: Zhao et al., "Direct Quantized Training of Language Models with Stochastic Rounding" (2024), for weights that
/// are small integers and nothing beside; here the forward pass sees a digit of them.
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn count_rows(
    counters: &mut [u8],
    words: Option<&mut [u64]>,
    rows: usize,
    cols: usize,
    threshold: u8,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Result<Counts, KernelError> {
    count_rows_with(Exec::best(), counters, words, rows, cols, threshold, first, signal, factors, rounding)
}

/// [`count_rows`] on a given instruction set, or with threads: cut between tiles.
///
/// # Errors
/// As [`count_rows`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn count_rows_with(
    exec: impl Into<Exec>,
    counters: &mut [u8],
    words: Option<&mut [u64]>,
    rows: usize,
    cols: usize,
    threshold: u8,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Result<Counts, KernelError> {
    check_len("counters", counters, octets_len(rows, cols)?)?;
    if let Some(words) = &words {
        check_len("words", words, words_len(rows, cols)?)?;
    }
    let step = Step::new([rows, cols], first, signal, factors, LIMIT, rounding)?;
    Ok(octets::step(exec.into(), Counter::new(threshold)?, step, counters, words))
}

/// Writes the packed digits of counters, padding included.
///
/// # Errors
/// [`KernelError::Length`] for `counters` or `words`; [`KernelError::Value`] for the threshold; the errors of [`words_len`].
pub fn counter_words(
    counters: &[u8],
    rows: usize,
    cols: usize,
    threshold: u8,
    words: &mut [u64],
) -> Result<(), KernelError> {
    counter_words_with(Isa::best(), counters, rows, cols, threshold, words)
}

/// [`counter_words`] on a given instruction set, or with threads.
///
/// # Errors
/// As [`counter_words`].
pub fn counter_words_with(
    exec: impl Into<Exec>,
    counters: &[u8],
    rows: usize,
    cols: usize,
    threshold: u8,
    words: &mut [u64],
) -> Result<(), KernelError> {
    check_len("counters", counters, octets_len(rows, cols)?)?;
    octets::write_words(exec.into(), Counter::new(threshold)?, counters, [rows, cols], words)
}

/// A byte that is a counter.
#[derive(Clone, Copy)]
struct Counter {
    threshold: i8,
}

impl Counter {
    fn new(threshold: u8) -> Result<Self, KernelError> {
        let wrong = KernelError::Value { index: 0, min: 0, max: 127, found: threshold.into() };
        Ok(Self { threshold: i8::try_from(threshold).map_err(|_| wrong)? })
    }
}

impl Octet for Counter {
    const ZERO: u8 = 0;

    #[inline(always)]
    fn digits<L: Lanes>(self, l: L, counters: &[u8; 32]) -> (L::M, L::M) {
        let v = l.load(counters);
        (l.gt(v, l.splat(self.threshold)), l.gt(l.splat(-self.threshold), v))
    }

    #[inline(always)]
    fn add<L: Lanes, const STOCHASTIC: bool>(
        self,
        l: L,
        counters: &mut [u8; 32],
        packed: Option<&mut u64>,
        increments: Increments<'_, STOCHASTIC>,
        (w, signals): (usize, &Signals),
        counts: &mut Counts,
    ) {
        let q = increments.rough(l, w, signals);
        let q = increments.exact(l, w, signals, q, &mut counts.skipped);
        let before = self.digits(l, counters);
        let v = l.add_saturating(l.load(counters), q);
        l.store(counters, v);
        let after = self.digits(l, counters);
        let [before, after] = [before, after].map(|(plus, minus)| (l.bits(plus), l.bits(minus)));
        counts.fires += u64::from((before.0 ^ after.0 | before.1 ^ after.1).count_ones());
        if let Some(packed) = packed {
            *packed = word(l, self, counters);
        }
    }

    fn add_one(self, counter: &mut u8, packed: Option<&mut u64>, c: usize, q: i32, counts: &mut Counts) {
        let (next, digit) = reference::count(*counter as i8, q, self.threshold, counts);
        *counter = next as u8;
        if let Some(packed) = packed {
            *packed = *packed & !(3 << (2 * c)) | ((digit + 1) as u64) << (2 * c);
        }
    }
}
