//! Digit and 6-bit accumulator in one byte.

use super::lanes::Lanes;
use super::octets::{self, Octet, octets_len};
use super::rows::{Increments, Signals, Step, move_digits};
use super::separate::accumulator;
use super::{Counts, Rounding, accumulators_len, limit, reference};
use crate::error::{KernelError, check_len};
use crate::ternary::{Matrix, words_len};
use crate::{Exec, Isa};

/// Number of states of a weight; a larger byte is none.
pub const STATES: u8 = 183;

/// Width of the accumulators.
const BITS: u32 = 6;

/// The largest accumulator, `limit - 1`.
const LARGEST: i8 = 30;

/// States a digit.
const LEVEL: i8 = 61;

/// The state of digit 0 with accumulator 0.
const ZERO: u8 = 91;

/// Digit and accumulator of a state. Those of a byte that is none are +1 or -1 and more than the
/// largest accumulator, so that it fires sooner or later.
fn parts(state: u8) -> (i8, i8) {
    let v = state.wrapping_sub(ZERO) as i8;
    let digit = i8::from(v > LARGEST) - i8::from(v < -LARGEST);
    (digit, v - LEVEL * digit)
}

fn state(digit: i8, accumulator: i8) -> u8 {
    ZERO.wrapping_add_signed(LEVEL * digit + accumulator)
}

/// Joins packed digits and 6-bit accumulators beside them into bytes.
///
/// # Errors
/// [`KernelError::Length`] for `words`, `accumulators` or `states`; those of
/// [`crate::ternary::check_codes`] and [`super::check_accumulators`] for what they refuse, in which
/// case `states` is unchanged.
pub fn pack_states(
    words: &[u64],
    accumulators: &[u8],
    rows: usize,
    cols: usize,
    states: &mut [u8],
) -> Result<(), KernelError> {
    crate::ternary::check_codes(words, rows, cols)?;
    super::check_accumulators(accumulators, rows, cols, BITS)?;
    check_len("states", states, octets_len(rows, cols)?)?;
    let m = Matrix::new(words, rows, cols)?;
    for (i, s) in states.iter_mut().enumerate() {
        let (r, c) = (i / cols, i % cols);
        *s = state(m.code(r, c) as i8 - 1, accumulator(group(accumulators, m.words_per_row, r, c), c % 32));
    }
    Ok(())
}

/// The accumulators of the word that holds `(r, c)`.
fn group(accumulators: &[u8], words_per_row: usize, r: usize, c: usize) -> &[u8] {
    &accumulators[((r / 8 * words_per_row + c / 32) * 8 + r % 8) * 32..][..32]
}

/// Takes bytes apart into packed digits and 6-bit accumulators beside them.
///
/// # Errors
/// [`KernelError::Length`] for `words`, `accumulators` or `states`; those of [`check_states`] for
/// what it refuses, in which case nothing is written.
pub fn unpack_states(
    states: &[u8],
    rows: usize,
    cols: usize,
    words: &mut [u64],
    accumulators: &mut [u8],
) -> Result<(), KernelError> {
    check_states(states, rows, cols)?;
    check_len("accumulators", accumulators, accumulators_len(rows, cols, BITS)?)?;
    state_words(states, rows, cols, words)?;
    accumulators.fill(0);
    let words_per_row = cols.div_ceil(32);
    for (i, &s) in states.iter().enumerate() {
        let (r, c) = (i / cols, i % cols);
        accumulators[((r / 8 * words_per_row + c / 32) * 8 + r % 8) * 32 + c % 32] = parts(s).1 as u8;
    }
    Ok(())
}

/// Checks that every byte is a state.
///
/// # Errors
/// [`KernelError::Length`] for `states`; [`KernelError::State`] with the place of the first byte
/// from [`STATES`] on; the errors of [`words_len`].
pub fn check_states(states: &[u8], rows: usize, cols: usize) -> Result<(), KernelError> {
    check_len("states", states, octets_len(rows, cols)?)?;
    match states.iter().position(|&s| s >= STATES) {
        Some(i) => Err(KernelError::State { row: i / cols, col: i % cols, states: STATES, found: states[i] }),
        None => Ok(()),
    }
}

/// Writes the packed digits, padding included. A byte that is no state counts as +1 up to 218 and
/// as -1 from 219 on.
///
/// # Errors
/// [`KernelError::Length`] for `states` or `words`; the errors of [`words_len`].
pub fn state_words(states: &[u8], rows: usize, cols: usize, words: &mut [u64]) -> Result<(), KernelError> {
    state_words_with(Isa::best(), states, rows, cols, words)
}

/// [`state_words`] on a given instruction set, or with threads.
///
/// # Errors
/// As [`state_words`].
pub fn state_words_with(
    exec: impl Into<Exec>,
    states: &[u8],
    rows: usize,
    cols: usize,
    words: &mut [u64],
) -> Result<(), KernelError> {
    check_len("states", states, octets_len(rows, cols)?)?;
    octets::write_words(exec.into(), Accumulator, states, [rows, cols], words)
}

/// Adds the increments of rows `first ..` to the accumulators and moves the digits of those that
/// fire, see [the module](super).
///
/// | name      | shape             | meaning                                                       |
/// |-----------|-------------------|---------------------------------------------------------------|
/// | `states`  | `[rows, cols]`    | digits and accumulators, changed in place; 91 is 0 and 0      |
/// | `words`   | [`words_len`]     | if given: the packed digits of `states`, changed where they change |
/// | `first`   |                   | row of the matrix that the first row of `signal` is for       |
/// | `signal`  | `[n, cols]`       | gradient of the loss with respect to the weights              |
/// | `factors` | `[n]`             | step size of each row                                         |
///
/// `words` that do not hold the digits of `states` move one level where those fire.
///
/// # Errors
/// [`KernelError::Length`] for `states`, `words`, `signal`, or for `factors` if there are more than
/// `rows`; [`KernelError::Index`] if `first` is too large for the number of factors; the errors of
/// [`words_len`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn fire_states(
    states: &mut [u8],
    words: Option<&mut [u64]>,
    rows: usize,
    cols: usize,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Result<Counts, KernelError> {
    fire_states_with(Exec::best(), states, words, rows, cols, first, signal, factors, rounding)
}

/// [`fire_states`] on a given instruction set, or with threads: cut between tiles.
///
/// # Errors
/// As [`fire_states`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn fire_states_with(
    exec: impl Into<Exec>,
    states: &mut [u8],
    words: Option<&mut [u64]>,
    rows: usize,
    cols: usize,
    first: usize,
    signal: &[f32],
    factors: &[f32],
    rounding: Rounding,
) -> Result<Counts, KernelError> {
    check_len("states", states, octets_len(rows, cols)?)?;
    if let Some(words) = &words {
        check_len("words", words, words_len(rows, cols)?)?;
    }
    let step = Step::new([rows, cols], first, signal, factors, limit(BITS)?, rounding)?;
    Ok(octets::step(exec.into(), Accumulator, step, states, words))
}

/// A byte that is a digit and an accumulator.
#[derive(Clone, Copy)]
struct Accumulator;

impl Octet for Accumulator {
    const ZERO: u8 = ZERO;

    #[inline(always)]
    fn digits<L: Lanes>(self, l: L, states: &[u8; 32]) -> (L::M, L::M) {
        let (_, plus, minus) = split(l, states);
        (plus, minus)
    }

    #[inline(always)]
    fn add<L: Lanes, const STOCHASTIC: bool>(
        self,
        l: L,
        states: &mut [u8; 32],
        word: Option<&mut u64>,
        increments: Increments<'_, STOCHASTIC>,
        (w, signals): (usize, &Signals),
        counts: &mut Counts,
    ) {
        let q = increments.rough(l, w, signals);
        if within(l, states, q) {
            return;
        }
        let q = increments.exact(l, w, signals, q, &mut counts.skipped);
        let (up, down) = add(l, states, q, counts);
        if let Some(word) = word {
            move_digits(word, up, down, &mut Counts::default());
        }
    }

    fn add_one(self, s: &mut u8, word: Option<&mut u64>, c: usize, q: i32, counts: &mut Counts) {
        let (digit, a) = parts(*s);
        let fires = counts.fires;
        let (code, next) = reference::step((digit + 1) as u8, a, q, LARGEST + 1, counts);
        *s = state(code as i8 - 1, next);
        if counts.fires > fires {
            let up = i32::from(a) + q > 0;
            if let Some(word) = word {
                move_digits(word, u32::from(up) << c, u32::from(!up) << c, &mut Counts::default());
            }
        }
    }
}

/// Where states stand from the state of digit 0 with accumulator 0 on, and what their digits take of
/// that: `v = 61 * digit + accumulator`.
#[inline(always)]
fn split<L: Lanes>(l: L, states: &[u8; 32]) -> (L::B, L::M, L::M) {
    let v = l.sub(l.load(states), l.splat(ZERO as i8));
    (v, l.gt(v, l.splat(LARGEST)), l.gt(l.splat(-LARGEST), v))
}

/// `v` without the part of its digit.
#[inline(always)]
fn accumulators<L: Lanes>(l: L, v: L::B, plus: L::M, minus: L::M) -> L::B {
    let level = l.splat(LEVEL);
    l.add(l.sub(v, l.only(plus, level)), l.only(minus, level))
}

/// Adds increments to 32 states if none reaches the limit or fires.
#[inline(always)]
fn within<L: Lanes>(l: L, states: &mut [u8; 32], q: L::B) -> bool {
    let (v, plus, minus) = split(l, states);
    let a = l.add(accumulators(l, v, plus, minus), q);
    if l.any_reaches(a, q, l.splat(LARGEST + 1)) {
        return false;
    }
    // The digit stays, so the byte moves by the increment.
    l.store(states, l.add(l.load(states), q));
    true
}

/// Adds increments to 32 states; gives the columns that fired upwards, and downwards.
#[inline(always)]
fn add<L: Lanes>(l: L, states: &mut [u8; 32], q: L::B, counts: &mut Counts) -> (u32, u32) {
    let level = l.splat(LEVEL);
    let (v, plus, minus) = split(l, states);
    let a = l.add(accumulators(l, v, plus, minus), q);
    let (up, down) = (l.gt(a, l.splat(LARGEST)), l.gt(l.splat(-LARGEST), a));
    // Up from 0 or +1 ends at +1, from -1 at 0; and the other way round.
    let high = l.only(l.and_not(up, minus), level);
    let low = l.only(l.and_not(down, plus), level);
    let next = l.add(l.without(l.or(up, down), l.add(v, q)), l.sub(high, low));
    l.store(states, l.add(next, l.splat(ZERO as i8)));
    let [up, down, plus, minus] = [up, down, plus, minus].map(|m| l.bits(m));
    counts.fires += u64::from((up | down).count_ones());
    counts.saturated += u64::from((up & plus | down & minus).count_ones());
    (up, down)
}
