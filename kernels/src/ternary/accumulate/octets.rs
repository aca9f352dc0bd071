//! The walk over digits that share a byte with what is kept of them.

use super::Counts;
use super::lanes::{Lanes, Pass, dispatch};
use super::rows::{Form, Increments, Place, Signals, Step, fire};
use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::ternary::{Line, ZERO_WORD, words_len};
use crate::{Exec, Isa};

/// What a byte stands for, and how it moves.
pub(super) trait Octet: Copy + Send + Sync {
    /// Digit 0, and nothing beside it.
    const ZERO: u8;

    /// Which digits are +1, and which are -1.
    fn digits<L: Lanes>(self, lanes: L, bytes: &[u8; 32]) -> (L::M, L::M);

    /// Adds the increments of word `w` to 32 bytes, and brings the packed digits in line with them.
    fn add<L: Lanes, const STOCHASTIC: bool>(
        self,
        lanes: L,
        bytes: &mut [u8; 32],
        word: Option<&mut u64>,
        increments: Increments<'_, STOCHASTIC>,
        at: (usize, &Signals),
        counts: &mut Counts,
    );

    /// The same for column `c` only, by the formula.
    fn add_one(self, byte: &mut u8, word: Option<&mut u64>, c: usize, q: i32, counts: &mut Counts);
}

/// Length of the bytes of a matrix.
pub(super) fn octets_len(rows: usize, cols: usize) -> Result<usize, KernelError> {
    words_len(rows, cols)?;
    product("states", &[rows, cols])
}

/// Adds the increments of a step. `bytes` and `words` are those of the whole matrix.
pub(super) fn step<O: Octet>(
    exec: Exec,
    octet: O,
    step: Step<'_>,
    bytes: &mut [u8],
    words: Option<&mut [u64]>,
) -> Counts {
    let cols = step.cols();
    let bytes = &mut bytes[step.first() * cols..step.end() * cols];
    let lines = words.map(|words| &mut words.as_chunks_mut::<8>().0[step.lines()]);
    fire(exec, step, Bytes { octet, bytes, lines, cols })
}

/// The rows of a step, and perhaps the lines of words of its tiles.
struct Bytes<'a, O> {
    octet: O,
    bytes: &'a mut [u8],
    lines: Option<&'a mut [Line]>,
    cols: usize,
}

impl<O: Octet> Form for Bytes<'_, O> {
    fn split_at(self, tiles: usize, rows: usize) -> (Self, Self) {
        let (bytes, other_bytes) = self.bytes.split_at_mut(rows * self.cols);
        let at = tiles * self.cols.div_ceil(32);
        let (lines, other_lines) = match self.lines.map(|lines| lines.split_at_mut(at)) {
            Some((lines, others)) => (Some(lines), Some(others)),
            None => (None, None),
        };
        (Self { bytes, lines, ..self }, Self { bytes: other_bytes, lines: other_lines, ..self })
    }

    // Rows are contiguous.
    const RUN: usize = usize::MAX / 64;

    #[inline(always)]
    fn add<L: Lanes, const STOCHASTIC: bool>(
        &mut self,
        l: L,
        place: Place,
        signal: &[Signals],
        increments: &Increments<'_, STOCHASTIC>,
        counts: &mut Counts,
    ) {
        let start = place.row * self.cols + place.col;
        let len = (32 * signal.len()).min(self.cols - place.col);
        let (full, rest) = self.bytes[start..start + len].as_chunks_mut::<32>();
        let mut lines = self.lines.as_mut().map(|lines| &mut lines[place.line..][..signal.len()]);
        for (w, (bytes, signals)) in full.iter_mut().zip(signal).enumerate() {
            let word = lines.as_mut().map(|lines| &mut lines[w][place.lane % 8]);
            self.octet.add(l, bytes, word, *increments, (w, signals), counts);
        }
        if !rest.is_empty() {
            // The only word: past the end of the row the increment is 0, and nothing moves.
            let mut bytes = [O::ZERO; 32];
            bytes[..rest.len()].copy_from_slice(rest);
            let word = lines.as_mut().map(|lines| &mut lines[0][place.lane % 8]);
            self.octet.add(l, &mut bytes, word, *increments, (0, &signal[0]), counts);
            rest.copy_from_slice(&bytes[..rest.len()]);
        }
    }

    fn add_one(&mut self, place: Place, c: usize, q: i32, _: i8, counts: &mut Counts) {
        let byte = &mut self.bytes[place.row * self.cols + place.col + c];
        let word = self.lines.as_mut().map(|lines| &mut lines[place.line][place.lane]);
        self.octet.add_one(byte, word, c, q, counts);
    }
}

/// Writes the packed digits of bytes, whose length is checked, padding included.
pub(super) fn write_words<O: Octet>(
    exec: Exec,
    octet: O,
    bytes: &[u8],
    [rows, cols]: [usize; 2],
    words: &mut [u64],
) -> Result<(), KernelError> {
    check_len("words", words, words_len(rows, cols)?)?;
    let lines = words.as_chunks_mut().0;
    if !lines.is_empty() {
        exec.run(Digits { isa: exec.isa(), octet, bytes, cols, lines }, ((1 << 18) / (8 * cols)).max(1));
    }
    Ok(())
}

/// Packs the digits of the bytes of whole tiles (the last of them may be short).
struct Digits<'a, O> {
    isa: Isa,
    octet: O,
    bytes: &'a [u8],
    cols: usize,
    lines: &'a mut [Line],
}

impl<O: Octet> Job for Digits<'_, O> {
    fn units(&self) -> usize {
        self.lines.len() / self.cols.div_ceil(32)
    }

    fn split_at(self, tiles: usize) -> (Self, Self) {
        let (bytes, others) = self.bytes.split_at(tiles * 8 * self.cols);
        let (lines, rest) = self.lines.split_at_mut(tiles * self.cols.div_ceil(32));
        (Self { bytes, lines, ..self }, Self { bytes: others, lines: rest, ..self })
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl<O: Octet> Pass for Digits<'_, O> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let words_per_row = self.cols.div_ceil(32);
        let tiles = self.lines.chunks_exact_mut(words_per_row);
        for (tile, bytes) in tiles.zip(self.bytes.chunks(8 * self.cols)) {
            if bytes.len() < 8 * self.cols {
                tile.fill([ZERO_WORD; 8]);
            }
            for (k, row) in bytes.chunks_exact(self.cols).enumerate() {
                for (w, line) in tile.iter_mut().enumerate() {
                    let part = &row[32 * w..];
                    line[k % 8] = match part.first_chunk::<32>() {
                        Some(bytes) => word(lanes, self.octet, bytes),
                        None => {
                            let mut bytes = [O::ZERO; 32];
                            bytes[..part.len()].copy_from_slice(part);
                            word(lanes, self.octet, &bytes)
                        }
                    };
                }
            }
        }
    }
}

/// The packed digits of 32 bytes.
#[inline(always)]
pub(super) fn word<L: Lanes, O: Octet>(l: L, octet: O, bytes: &[u8; 32]) -> u64 {
    let (plus, minus) = octet.digits(l, bytes);
    let one = l.splat(1);
    l.pack_codes(l.sub(l.add(one, l.only(plus, one)), l.only(minus, one)))
}
