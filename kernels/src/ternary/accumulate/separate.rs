//! Accumulators beside the packed words.

use super::lanes::Lanes;
use super::rows::{Form, Increments, Place, Signals, Step, fire, move_digits};
use super::{Counts, Rounding, limit, reference};
use crate::Exec;
use crate::error::{KernelError, check_len, product};
use crate::ternary::{Line, words_len};

/// Number of bytes of the accumulators of a packed matrix: 32 a word, 16 if `bits` is 4.
///
/// # Errors
/// [`KernelError::AccumulatorBits`] if `bits` is not 4 to 8; the errors of [`words_len`].
pub fn accumulators_len(rows: usize, cols: usize, bits: u32) -> Result<usize, KernelError> {
    limit(bits)?;
    product("accumulators", &[words_len(rows, cols)?, bytes_a_word(bits)])
}

fn bytes_a_word(bits: u32) -> usize {
    if bits == 4 { 16 } else { 32 }
}

/// Adds the increments of rows `first ..` to their accumulators and moves the digits of those that
/// fire, see [the module](super).
///
/// | name           | shape                | meaning                                              |
/// |----------------|----------------------|------------------------------------------------------|
/// | `words`        | [`words_len`]        | the packed digits `[rows, cols]`, changed in place   |
/// | `accumulators` | [`accumulators_len`] | zeros at first, changed in place                     |
/// | `bits`         | 4 to 8               | width of an accumulator                              |
/// | `first`        |                      | row of the matrix that the first row of `signal` is for |
/// | `signal`       | `[n, cols]`          | gradient of the loss with respect to the weights     |
/// | `factors`      | `[n]`                | step size of each row                                |
///
/// A word is written only if one of its digits fires.
///
/// ```
/// use barewire_kernels::ternary::{self, accumulate};
///
/// let (rows, cols, bits) = (8, 32, 6);
/// let mut words = [ternary::ZERO_WORD; 8];
/// let mut accumulators = vec![0; accumulate::accumulators_len(rows, cols, bits)?];
/// // The loss falls with the weight at row 2, column 5: its digit goes up once 31 is reached.
/// let mut signal = [0.0; 32];
/// signal[5] = -1.0;
/// for _ in 0..4 {
///     let rounding = accumulate::Rounding::Nearest;
///     accumulate::fire_rows(&mut words, &mut accumulators, rows, cols, bits, 2, &signal, &[10.0], rounding)?;
/// }
/// assert_eq!(ternary::get(&words, rows, cols, 2, 5)?, 1);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] for `words`, `accumulators`, `signal`, or for `factors` if there are
/// more than `rows`; [`KernelError::Index`] if `first` is too large for the number of factors;
/// the errors of [`accumulators_len`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn fire_rows(
    words: &mut [u64],
    accumulators: &mut [u8],
    rows: usize,
    cols: usize,
    bits: u32,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Result<Counts, KernelError> {
    fire_rows_with(Exec::best(), words, accumulators, rows, cols, bits, first, signal, factors, rounding)
}

/// [`fire_rows`] on a given instruction set, or with threads: cut between tiles.
///
/// # Errors
/// As [`fire_rows`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn fire_rows_with(
    exec: impl Into<Exec>,
    words: &mut [u64],
    accumulators: &mut [u8],
    rows: usize,
    cols: usize,
    bits: u32,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Result<Counts, KernelError> {
    let limit = limit(bits)?;
    check_len("words", words, words_len(rows, cols)?)?;
    check_len("accumulators", accumulators, accumulators_len(rows, cols, bits)?)?;
    let step = Step::new([rows, cols], first, signal, factors, limit, rounding)?;
    Ok(run(exec.into(), step, bits, words, accumulators))
}

/// Apart from the generic function, so that the kernels are compiled once, in this crate.
fn run(exec: Exec, step: Step<'_>, bits: u32, words: &mut [u64], accumulators: &mut [u8]) -> Counts {
    if bits == 4 {
        fire(exec, step, Separate::<16>::new(words, accumulators, &step))
    } else {
        fire(exec, step, Separate::<32>::new(words, accumulators, &step))
    }
}

/// Checks that no accumulator has reached the limit and that the padding is 0.
///
/// # Errors
/// [`KernelError::Length`] for `accumulators`; [`KernelError::Accumulator`] with the place of the
/// first wrong one in storage order; the errors of [`accumulators_len`].
pub fn check_accumulators(accumulators: &[u8], rows: usize, cols: usize, bits: u32) -> Result<(), KernelError> {
    let limit = limit(bits)?;
    check_len("accumulators", accumulators, accumulators_len(rows, cols, bits)?)?;
    let words_per_row = cols.div_ceil(32);
    for (word, group) in accumulators.chunks_exact(bytes_a_word(bits)).enumerate() {
        let row = word / 8 / words_per_row * 8 + word % 8;
        for c in 0..32 {
            let col = word / 8 % words_per_row * 32 + c;
            let max = if row < rows && col < cols { limit - 1 } else { 0 };
            let found = accumulator(group, c);
            if !(-max..=max).contains(&found) {
                return Err(KernelError::Accumulator { row, col, max, found });
            }
        }
    }
    Ok(())
}

/// The accumulator of column `c` of a word, from its 32 bytes or 16 bytes of nibbles.
pub(super) fn accumulator(group: &[u8], c: usize) -> i8 {
    match group.len() {
        16 if c < 16 => (group[c] << 4) as i8 >> 4,
        16 => group[c - 16] as i8 >> 4,
        _ => group[c] as i8,
    }
}

fn set_accumulator(group: &mut [u8], c: usize, a: i8) {
    match group.len() {
        16 if c < 16 => group[c] = group[c] & 0xF0 | a as u8 & 15,
        16 => group[c - 16] = group[c - 16] & 15 | (a as u8) << 4,
        _ => group[c] = a as u8,
    }
}

/// The tiles of a step: lines of words, and of `N` bytes for each word.
struct Separate<'a, const N: usize> {
    lines: &'a mut [Line],
    groups: &'a mut [[[u8; N]; 8]],
    words_per_row: usize,
}

impl<'a, const N: usize> Separate<'a, N> {
    fn new(words: &'a mut [u64], accumulators: &'a mut [u8], step: &Step<'_>) -> Self {
        let groups = accumulators.as_chunks_mut::<N>().0.as_chunks_mut::<8>().0;
        Self {
            lines: &mut words.as_chunks_mut::<8>().0[step.lines()],
            groups: &mut groups[step.lines()],
            words_per_row: step.cols().div_ceil(32),
        }
    }
}

/// Loads and stores of the accumulators of a word.
trait Group {
    fn load<L: Lanes>(&self, lanes: L) -> L::B;
    fn store<L: Lanes>(&mut self, lanes: L, v: L::B);
}

impl Group for [u8; 32] {
    #[inline(always)]
    fn load<L: Lanes>(&self, lanes: L) -> L::B {
        lanes.load(self)
    }

    #[inline(always)]
    fn store<L: Lanes>(&mut self, lanes: L, v: L::B) {
        lanes.store(self, v);
    }
}

impl Group for [u8; 16] {
    #[inline(always)]
    fn load<L: Lanes>(&self, lanes: L) -> L::B {
        lanes.load_nibbles(self)
    }

    #[inline(always)]
    fn store<L: Lanes>(&mut self, lanes: L, v: L::B) {
        lanes.store_nibbles(self, v);
    }
}

impl<const N: usize> Form for Separate<'_, N>
where
    [u8; N]: Group,
{
    fn split_at(self, tiles: usize, _: usize) -> (Self, Self) {
        let at = tiles * self.words_per_row;
        let (lines, other_lines) = self.lines.split_at_mut(at);
        let (groups, other_groups) = self.groups.split_at_mut(at);
        (Self { lines, groups, ..self }, Self { lines: other_lines, groups: other_groups, ..self })
    }

    // 4 KiB of bytes, 1 KiB of words, and the signals.
    const RUN: usize = 16;

    #[inline(always)]
    fn add<L: Lanes, const STOCHASTIC: bool>(
        &mut self,
        l: L,
        place: Place,
        signal: &[Signals],
        increments: &Increments<'_, STOCHASTIC>,
        counts: &mut Counts,
    ) {
        let limit = l.splat(increments.limit);
        let groups = &mut self.groups[place.line..][..signal.len()];
        let lines = &mut self.lines[place.line..][..signal.len()];
        let lane = place.lane % 8;
        for (w, signals) in signal.iter().enumerate() {
            let group = &mut groups[w][lane];
            let old = group.load(l);
            let q = increments.rough(l, w, signals);
            // Saturation only matters to accumulators of 8 bits and damaged ones: it keeps them
            // beyond the limit.
            let a = l.add_saturating(old, q);
            if !l.any_reaches(a, q, limit) {
                group.store(l, a);
                continue;
            }
            let q = increments.exact(l, w, signals, q, &mut counts.skipped);
            let a = l.add_saturating(old, q);
            let up = l.gt(a, l.splat(increments.limit - 1));
            let down = l.gt(l.splat(1 - increments.limit), a);
            group.store(l, l.without(l.or(up, down), a));
            move_digits(&mut lines[w][lane], l.bits(up), l.bits(down), counts);
        }
    }

    fn add_one(&mut self, place: Place, c: usize, q: i32, limit: i8, counts: &mut Counts) {
        let group = &mut self.groups[place.line][place.lane];
        let word = &mut self.lines[place.line][place.lane];
        let code = (*word >> (2 * c) & 3) as u8;
        let (code, a) = reference::step(code, accumulator(group, c), q, limit, counts);
        *word = *word & !(3 << (2 * c)) | u64::from(code) << (2 * c);
        set_accumulator(group, c, a);
    }
}
