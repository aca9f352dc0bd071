//! Cuts a product into strips of tiles and blocks of tokens, and turns integer sums into outputs.
//!
//! ```text
//! for each strip of tiles, small enough for the second cache level
//!   for each block of tokens: sums of the strip and the block, then their outputs
//! ```
//!
//! Sums are exact, so neither these cuts nor those between threads change a bit.

use super::{COLUMNS, Matrix, Planes};
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::ternary::{Line, MAX_DIM};
use crate::{Exec, Isa};

/// One sum for each row of a tile.
pub(super) type Sums = [i32; 8];

// A code is at most 2 and an activation at least -128; the sum of the activations is taken away.
const _: () = assert!(3 * 128 * MAX_DIM < i32::MAX as usize);

/// Tiles of a strip, at most: the sums of a block of tokens are then 2 KiB.
const STRIP: usize = 16;
/// Bytes of a strip that several blocks of tokens read.
const STRIP_BYTES: usize = 128 << 10;

/// Tiles that threads are not cut between.
const UNIT: usize = 4;
/// Products that are worth a thread: some 20 microseconds.
const GRAIN: usize = 1 << 21;

/// Some tiles of a matrix.
#[derive(Clone, Copy)]
pub(super) struct Strip<'a> {
    m: Matrix<'a>,
    first: usize,
}

impl<'a> Strip<'a> {
    /// The lines of `T` tiles from `tile` on.
    #[inline(always)]
    pub(super) fn tiles<const T: usize>(&self, tile: usize) -> [&'a [Line]; T] {
        // A loop and no closure: see `ternary::shared`.
        let mut tiles: [&[_]; T] = [&[]; T];
        for (k, lines) in tiles.iter_mut().enumerate() {
            *lines = self.m.tile(self.first + tile + k);
        }
        tiles
    }
}

/// The inner product of an instruction set. A value of the type proves that the CPU has it.
pub(super) trait Dot: Copy + Send {
    /// Sets `sums[tile][token][row]` to the sum of digits times `x`, which is that of codes less `x_sums`.
    fn dot<const C: usize>(self, strip: Strip<'_>, x: [&[Planes]; C], x_sums: [i32; C], sums: &mut [[Sums; C]]);
}

/// Most tokens of a block.
const TOKENS: usize = 4;

/// Activations.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    /// As many for each token as a row has words.
    pub(super) x: &'a [Planes],
    pub(super) sums: &'a [i32],
    pub(super) scales: &'a [f32],
}

/// A product, or its part for one thread.
pub(super) struct Product<'a> {
    isa: Isa,
    m: Matrix<'a>,
    tokens: Tokens<'a>,
    weight_scale: f32,
    out: ColumnsMut<'a, f32>,
}

impl<'a> Product<'a> {
    /// Computes `out`; lengths checked, nothing empty.
    pub(super) fn compute(exec: Exec, m: Matrix<'a>, tokens: Tokens<'a>, weight_scale: f32, out: &'a mut [f32]) {
        let out = ColumnsMut::new(out, m.rows);
        let unit = UNIT * 8 * COLUMNS * m.words_per_row * tokens.scales.len();
        exec.run(Self { isa: exec.isa(), m, tokens, weight_scale, out }, GRAIN.div_ceil(unit));
    }

    /// The product on one thread, compiled for the instruction set of `dot`.
    #[inline(always)]
    pub(super) fn on<D: Dot>(mut self, dot: D) {
        let (tiles, n) = (self.m.tiles(), self.tokens.scales.len());
        // Blocks of nearly equal size: the last of them is then never a poor one.
        let blocks = n.div_ceil(TOKENS);
        let strip = if blocks == 1 { STRIP } else { (STRIP_BYTES / 64 / self.m.words_per_row).clamp(UNIT, STRIP) };
        for first in (0..tiles).step_by(strip) {
            let len = strip.min(tiles - first);
            for block in 0..blocks {
                let (start, end) = (n * block / blocks, n * (block + 1) / blocks);
                match end - start {
                    1 => self.block::<D, 1>(dot, first, len, start),
                    2 => self.block::<D, 2>(dot, first, len, start),
                    3 => self.block::<D, 3>(dot, first, len, start),
                    _ => self.block::<D, TOKENS>(dot, first, len, start),
                }
            }
        }
    }

    /// `tiles` tiles from `first` on and `C` tokens from `token` on.
    #[inline(always)]
    fn block<D: Dot, const C: usize>(&mut self, dot: D, first: usize, tiles: usize, token: usize) {
        let words = self.m.words_per_row;
        let mut x: [&[Planes]; C] = [&[]; C];
        let mut x_sums = [0; C];
        for c in 0..C {
            x[c] = &self.tokens.x[(token + c) * words..][..words];
            x_sums[c] = self.tokens.sums[token + c];
        }
        let mut sums = [[[0; 8]; C]; STRIP];
        let sums = &mut sums[..tiles];
        dot.dot(Strip { m: self.m, first }, x, x_sums, sums);
        for c in 0..C {
            let step = self.tokens.scales[token + c] * self.weight_scale;
            let out = &mut self.out.row(token + c)[first * 8..];
            for (sums, out) in sums.iter().zip(out.chunks_mut(8)) {
                for (sum, out) in sums[c].iter().zip(out) {
                    *out = *sum as f32 * step;
                }
            }
        }
    }
}

impl Job for Product<'_> {
    fn units(&self) -> usize {
        self.m.tiles().div_ceil(UNIT)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (first, second) = self.m.split_at(units * UNIT);
        let (a, b) = self.out.split_at(first.rows);
        (Self { m: first, out: a, ..self }, Self { m: second, out: b, ..self })
    }

    fn run(self) {
        match self.isa {
            Isa::Reference | Isa::Portable => self.on(super::portable::Portable),
            // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(token) => unsafe { super::avx2::run(token, self) },
            // SAFETY: an `Avx512` token exists only after detection found all features asked for.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(token) => unsafe { super::avx512::run(token, self) },
            // SAFETY: a `Neon` token exists only after detection found all features asked for.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(token) => unsafe { super::neon::run(token, self) },
        }
    }
}

impl Matrix<'_> {
    /// The first `tiles` tiles, and the others.
    fn split_at(self, tiles: usize) -> (Self, Self) {
        let (a, b) = self.lines.split_at(tiles * self.words_per_row);
        let rows = self.rows.min(tiles * 8);
        (Self { lines: a, rows, ..self }, Self { lines: b, rows: self.rows - rows, ..self })
    }
}
