//! The walk over rows that both forms share: increments, ranges of rows, threads.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use super::lanes::{Lanes, Pass, RandomWord, dispatch};
use super::portable::Portable;
use super::{Counts, Rounding, reference};
use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::random::Keys;
use crate::ternary::absmean::spread;
use crate::{Exec, Isa};

/// Weights that are some 20 microseconds of work, without random numbers and with them.
const GRAINS: [usize; 2] = [1 << 17, 1 << 15];

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
    fn tiles(&self) -> Range<usize> {
        self.first / 8..self.end().div_ceil(8)
    }

    /// Their lines in the matrix.
    pub(super) fn lines(&self) -> Range<usize> {
        let words_per_row = self.cols.div_ceil(32);
        self.tiles().start * words_per_row..self.tiles().end * words_per_row
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
        (Self { signal, factors, ..self }, Self { first: self.first + rows, signal: rest, factors: others, ..self })
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

    /// Words of a row that are taken before the next row of the tile: what they touch should stay in
    /// the first cache level until the tile's last row.
    const RUN: usize;

    /// Adds increments to the accumulators of the words from `place` on, one for each group of
    /// signals, and fires. Groups are whole but for columns past the end of the row, which hold 0.
    fn add<L: Lanes, const STOCHASTIC: bool>(
        &mut self,
        lanes: L,
        place: Place,
        signal: &[Signals],
        increments: &Increments<'_, STOCHASTIC>,
        counts: &mut Counts,
    );

    /// The same for column `place.col + c` only.
    fn add_one(&mut self, place: Place, c: usize, q: i32, limit: i8, counts: &mut Counts);
}

/// Fires all rows of a step.
pub(super) fn fire<F: Form>(exec: Exec, step: Step<'_>, form: F) -> Counts {
    if step.cols == 0 {
        return Counts::default();
    }
    let totals = Default::default();
    let (seed, grain) = match step.rounding {
        Rounding::Nearest => (0, GRAINS[0]),
        Rounding::Stochastic { seed, .. } => (seed, GRAINS[1]),
    };
    let job = Fire { isa: exec.isa(), step, keys: Keys::new(seed), form, totals: &totals };
    exec.run(job, grain / (8 * step.cols));
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

/// Signals of the columns of a word.
pub(super) type Signals = [f32; 32];

/// Words of a row for which random numbers are made at once, a multiple of the 4 that share blocks.
const DRAWN: usize = 16;

/// Tile by tile; in a tile some words of each row, then the next ones: lines of the state come from
/// memory nearly in order, and once.
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
    let run = if STOCHASTIC { DRAWN } else { F::RUN };
    let mut random = [[0; 8]; DRAWN];
    let mut done = 0;
    while done < step.factors.len() {
        let first = step.first + done;
        let n = (8 - first % 8).min(step.factors.len() - done);
        let tile = (first / 8 - step.first / 8) * words_per_row;
        let mut w = 0;
        while w < words_per_row {
            for i in done..done + n {
                let (row, factor) = (step.first + i, step.factors[i]);
                let signal = step.row(i);
                let signal = &signal[32 * w..signal.len().min(32 * (w + run))];
                if !factor.is_finite() {
                    counts.skipped += signal.len() as u64;
                    continue;
                }
                if STOCHASTIC {
                    let rest = [row as u32, number as u32, (number >> 32) as u32];
                    let (blocks, _) = random.as_chunks_mut::<4>();
                    for (k, blocks) in blocks.iter_mut().enumerate().take(signal.len().div_ceil(128)) {
                        lanes.random((w / 4 + k) as u32 * 16, rest, keys, blocks);
                    }
                }
                let place = Place { line: tile + w, lane: row % 8, row: i, col: 32 * w };
                let increments = Increments::<STOCHASTIC> { scale: -factor, limit: step.limit, random: &random };
                let (full, rest) = signal.as_chunks();
                form.add(lanes, place, full, &increments, &mut counts);
                if !rest.is_empty() {
                    let place = Place { line: place.line + full.len(), col: place.col + 32 * full.len(), ..place };
                    let random = if STOCHASTIC { &random[full.len()..] } else { &[] };
                    let increments = Increments { random, ..increments };
                    let mut last = [0.0; 32];
                    last[..rest.len()].copy_from_slice(rest);
                    form.add(lanes, place, &[last], &increments, &mut counts);
                }
            }
            w += run;
        }
        done += n;
    }
    counts
}

/// From signals to integers, for one row.
#[derive(Clone, Copy)]
pub(super) struct Increments<'a, const STOCHASTIC: bool> {
    scale: f32,
    pub(super) limit: i8,
    /// If stochastic, of as many words as there are signals.
    random: &'a [RandomWord],
}

impl<const STOCHASTIC: bool> Increments<'_, STOCHASTIC> {
    /// Those of word `w` from the place on, if none reaches the limit and every signal is finite. If
    /// not, at least one lane has the magnitude of the limit or more.
    #[inline(always)]
    pub(super) fn rough<L: Lanes>(&self, lanes: L, w: usize, signals: &Signals) -> L::B {
        if STOCHASTIC {
            lanes.stochastic(signals, self.scale, &self.random[w])
        } else {
            lanes.nearest(signals, self.scale)
        }
    }

    /// Those of word `w` in any case, given what [`Self::rough`] gave.
    #[inline(always)]
    pub(super) fn exact<L: Lanes>(
        &self,
        lanes: L,
        w: usize,
        signals: &Signals,
        rough: L::B,
        skipped: &mut u64,
    ) -> L::B {
        if lanes.any_reaches(rough, rough, lanes.splat(self.limit)) {
            lanes.load(&self.clamped(w, signals, skipped))
        } else {
            rough
        }
    }

    /// Within the limit, and 0 where the signal is not finite.
    #[cold]
    #[inline(never)]
    fn clamped(&self, w: usize, signals: &Signals, skipped: &mut u64) -> [u8; 32] {
        *skipped += signals.iter().filter(|g| !g.is_finite()).count() as u64;
        let finite = signals.map(|g| if g.is_finite() { g } else { 0.0 });
        let increments = self.rough(Portable, w, &finite);
        increments.map(|q| q.clamp(-self.limit, self.limit) as u8)
    }
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
