//! The walk over rows that both forms share: increments, ranges of rows, threads.

use core::sync::atomic::{AtomicU64, Ordering};

use super::lanes::{Lanes, Pass, RandomWord, dispatch};
use super::{Counts, Rounding, reference};
use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::random::{self, Keys};
use crate::ternary::absmean::spread;
use crate::{Exec, Isa};

/// Some 20 microseconds of work.
const GRAIN: usize = 1 << 16;

/// Rows to fire, and how. Lengths are checked.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    /// The first row's number in the matrix.
    first: usize,
    cols: usize,
    /// `[factors.len(), cols]`
    signal: &'a [f32],
    factors: &'a [f32],
    limit: i8,
    rounding: Rounding,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        [rows, cols]: [usize; 2],
        first: usize,
        signal: &'a [f32],
        factors: &'a [f32],
        limit: i8,
        rounding: Rounding,
    ) -> Result<Self, KernelError> {
        let n = factors.len();
        if n > rows {
            return Err(KernelError::Length { argument: "factors", expected: rows, found: n });
        }
        if first > rows - n {
            return Err(KernelError::Index { argument: "first", end: rows - n + 1, found: first });
        }
        check_len("signal", signal, product("signal", &[n, cols])?)?;
        Ok(Self { first, cols, signal, factors, limit, rounding })
    }

    /// The tiles with rows to fire.
    pub(super) fn tiles(&self) -> core::ops::Range<usize> {
        self.first / 8..self.end().div_ceil(8)
    }

    /// Past the last row to fire.
    pub(super) fn end(&self) -> usize {
        self.first + self.factors.len()
    }

    pub(super) fn first(&self) -> usize {
        self.first
    }

    pub(super) fn cols(&self) -> usize {
        self.cols
    }

    /// Numbers of rows in the first `tiles` of [`Self::tiles`].
    fn rows_in(&self, tiles: usize) -> usize {
        ((self.first / 8 + tiles) * 8).clamp(self.first, self.end()) - self.first
    }

    /// The first rows, and the others.
    fn split_at(self, rows: usize) -> (Self, Self) {
        let (signal, rest) = self.signal.split_at(rows * self.cols);
        let (factors, others) = self.factors.split_at(rows);
        (
            Self { signal, factors, ..self },
            Self { first: self.first + rows, signal: rest, factors: others, ..self },
        )
    }

    /// Row `i` of the signal.
    #[inline(always)]
    fn row(&self, i: usize) -> &'a [f32] {
        &self.signal[i * self.cols..][..self.cols]
    }
}

/// A word of the matrix.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its line, from the first tile of the step on.
    pub(super) line: usize,
    /// Its place in the line.
    pub(super) lane: usize,
    /// Its row, from the first row of the step on.
    pub(super) row: usize,
    /// The first of its columns.
    pub(super) col: usize,
}

/// A stored state: digits and accumulators of the tiles and rows of a [`Step`].
pub(super) trait Form: Send + Sized {
    /// Cuts where the first `tiles` tiles, or their `rows` rows, end.
    fn split_at(self, tiles: usize, rows: usize) -> (Self, Self);

    /// Adds increments to the accumulators of a word and fires.
    fn add<L: Lanes>(&mut self, lanes: L, place: Place, q: L::B, limit: i8, counts: &mut Counts);

    /// The same for column `place.col + c` only.
    fn add_one(&mut self, place: Place, c: usize, q: i32, limit: i8, counts: &mut Counts);
}

/// Fires all rows of a step.
pub(super) fn fire<F: Form>(exec: Exec, step: Step<'_>, form: F) -> Counts {
    if step.cols == 0 {
        return Counts::default();
    }
    let totals = Default::default();
    let seed = if let Rounding::Stochastic { seed, .. } = step.rounding { seed } else { 0 };
    let job = Fire { isa: exec.isa(), step, keys: Keys::new(seed), form, totals: &totals };
    exec.run(job, (GRAIN / (8 * step.cols)).max(1));
    let [fires, saturated, skipped] = totals.map(AtomicU64::into_inner);
    Counts { fires, saturated, skipped }
}

struct Fire<'a, F> {
    isa: Isa,
    step: Step<'a>,
    keys: Keys,
    form: F,
    /// Integers, so the order of additions is of no matter.
    totals: &'a [AtomicU64; 3],
}

impl<F: Form> Job for Fire<'_, F> {
    fn units(&self) -> usize {
        self.step.tiles().len()
    }

    fn split_at(self, tiles: usize) -> (Self, Self) {
        let rows = self.step.rows_in(tiles);
        let (step, others) = self.step.split_at(rows);
        let (form, rest) = self.form.split_at(tiles, rows);
        (Self { step, form, ..self }, Self { step: others, form: rest, ..self })
    }

    fn run(self) {
        let totals = self.totals;
        let counts = match self.isa {
            Isa::Reference => self.one_by_one(),
            isa => dispatch(isa, self),
        };
        for (total, n) in totals.iter().zip([counts.fires, counts.saturated, counts.skipped]) {
            total.fetch_add(n, Ordering::Relaxed);
        }
    }
}

impl<F: Form> Fire<'_, F> {
    fn one_by_one(mut self) -> Counts {
        let step = self.step;
        let mut counts = Counts::default();
        for (i, &factor) in step.factors.iter().enumerate() {
            let r = step.first + i;
            let tile = r / 8 - step.first / 8;
            for (c, &g) in step.row(i).iter().enumerate() {
                let line = tile * step.cols.div_ceil(32) + c / 32;
                let place = Place { line, lane: r % 8, row: i, col: c / 32 * 32 };
                let q = reference::increment(g, factor, step.limit, step.rounding, r, c);
                counts.skipped += u64::from(q.is_none());
                if factor.is_finite() {
                    self.form.add_one(place, c % 32, q.unwrap_or(0), step.limit, &mut counts);
                }
            }
        }
        counts
    }
}

impl<F: Form> Pass for Fire<'_, F> {
    type Output = Counts;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Counts {
        match self.step.rounding {
            Rounding::Nearest => walk::<L, F, false>(lanes, self.step, 0, &self.keys, self.form),
            Rounding::Stochastic { step, .. } => walk::<L, F, true>(lanes, self.step, step, &self.keys, self.form),
        }
    }
}

/// Tile by tile, in a tile word column by word column, so that lines of the state are taken in the
/// order of memory and once.
#[inline(always)]
fn walk<L: Lanes, F: Form, const STOCHASTIC: bool>(
    lanes: L,
    step: Step<'_>,
    number: u64,
    keys: &Keys,
    mut form: F,
) -> Counts {
    let mut counts = Counts::default();
    let words_per_row = step.cols.div_ceil(32);
    let mut random = [[[0; 8]; 4]; 8];
    let mut done = 0;
    while done < step.factors.len() {
        let first = step.first + done;
        let n = (8 - first % 8).min(step.factors.len() - done);
        let tile = (first / 8 - step.first / 8) * words_per_row;
        let factors = &step.factors[done..done + n];
        counts.skipped += (factors.iter().filter(|f| !f.is_finite()).count() * step.cols) as u64;
        for w in 0..words_per_row {
            if STOCHASTIC && w % 4 == 0 {
                for i in 0..n {
                    let rest = [(first + i) as u32, number as u32, (number >> 32) as u32];
                    random::blocks((w / 4 * 16) as u32, rest, keys, &mut random[i]);
                }
            }
            for (i, factor) in factors.iter().enumerate() {
                if !factor.is_finite() {
                    continue;
                }
                let part = &step.row(done + i)[32 * w..];
                let random = &random[i][w % 4];
                let q = increments::<L, STOCHASTIC>(lanes, part, -factor, step.limit, random, &mut counts);
                let place = Place { line: tile + w, lane: (first + i) % 8, row: done + i, col: 32 * w };
                form.add(lanes, place, q, step.limit, &mut counts);
            }
        }
        done += n;
    }
    counts
}

/// The increments of the first 32 columns of `part`, 0 past its end.
#[inline(always)]
fn increments<L: Lanes, const STOCHASTIC: bool>(
    lanes: L,
    part: &[f32],
    scale: f32,
    limit: i8,
    random: &RandomWord,
    counts: &mut Counts,
) -> L::B {
    let copy;
    let g = match part.first_chunk::<32>() {
        Some(g) if lanes.all_finite(g) => g,
        _ => {
            copy = padded(part, &mut counts.skipped);
            &copy
        }
    };
    if STOCHASTIC { lanes.stochastic(g, scale, limit, random) } else { lanes.nearest(g, scale, limit) }
}

/// 32 columns with 0 past the end and in place of what is not finite.
#[cold]
fn padded(part: &[f32], skipped: &mut u64) -> [f32; 32] {
    let mut out = [0.0; 32];
    for (out, &g) in out.iter_mut().zip(part) {
        if g.is_finite() {
            *out = g;
        } else {
            *skipped += 1;
        }
    }
    out
}

/// Moves digits of a word one level: `up` and `down` have a bit a column, and none in common.
/// Code 3 moves to +1.
#[inline(always)]
pub(super) fn move_digits(word: &mut u64, up: u32, down: u32, counts: &mut Counts) {
    let (up, down) = (spread(up), spread(down));
    let low = *word & 0x5555_5555_5555_5555;
    let high = *word >> 1 & 0x5555_5555_5555_5555;
    let new_low = up & !(high | low) | down & high & !low;
    let new_high = up & (high | low) | down & high & low;
    let fired = up | down;
    *word = *word & !(fired | fired << 1) | new_low | new_high << 1;
    counts.fires += u64::from(fired.count_ones());
    counts.saturated += u64::from((up & high | down & !(high | low)).count_ones());
}
