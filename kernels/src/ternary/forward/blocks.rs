//! Cuts a product into blocks that fit the caches, and turns integer sums into outputs.
//!
//! A *column* is one int8 vector: a token of int8 codes, or one limb of a token. The instruction
//! sets multiply up to [`Dot::COLUMNS`] of them with a strip of tiles; everything around that is
//! here, once:
//!
//! ```text
//! for each group of tokens, at most GROUP columns
//!   for each strip of tiles, small enough for the second cache level
//!     for each part of the words of a row, so that a block of columns stays in the first level
//!       for each block of columns: sums += strip * block
//!     outputs of the strip from its sums
//! ```
//!
//! Sums are exact, so none of these cuts, nor those between threads, changes a bit.

use core::ops::Range;

use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::ternary::activations::join;
use crate::ternary::shared::portable::sum;
use crate::ternary::{Group, Line, Matrix};
use crate::{Exec, Isa};

/// One sum for each row of a tile.
pub(super) type Sums = [i32; 8];

/// Columns of a group of tokens, at most.
const GROUP: usize = 48;
/// Sums of a strip and a group: 24 KiB.
const SUMS: usize = 768;
/// Tiles of a strip, at most.
const STRIP: usize = 128;
/// Bytes of a block of columns: half of a first level cache of 32 KiB.
const COLUMN_BYTES: usize = 16 << 10;
/// The same where there is one block only. The matrix is then read once, perhaps from memory, which
/// is fast in long runs; the block may come from the second level.
const ONLY_COLUMN_BYTES: usize = 64 << 10;
/// Bytes of the lines of a strip that several blocks of columns read.
const STRIP_BYTES: usize = 128 << 10;

/// Words in a part of a row, at most: what [`ONLY_COLUMN_BYTES`] leaves for one column. The instruction
/// sets rely on it where they count how large a sum can get.
pub(super) const PART: usize = ONLY_COLUMN_BYTES / 32;

/// Tiles that threads are not cut between.
const UNIT: usize = 4;
/// Products that are worth a thread: some 10 microseconds.
const GRAIN: usize = 1 << 21;

/// Some tiles, and a part of the words of each row, at most [`PART`].
#[derive(Clone, Copy)]
pub(super) struct Strip<'a> {
    m: Matrix<'a>,
    first: usize,
    words: (usize, usize),
}

impl<'a> Strip<'a> {
    /// Lines from one tile to the next.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn words_per_row(&self) -> usize {
        self.m.words_per_row
    }

    /// The lines of `T` tiles from `tile` on.
    #[inline(always)]
    pub(super) fn tiles<const T: usize>(&self, tile: usize) -> [&'a [Line]; T] {
        // A loop and no closure: see `shared`.
        let mut tiles: [&[_]; T] = [&[]; T];
        for (k, lines) in tiles.iter_mut().enumerate() {
            *lines = &self.m.tile(self.first + tile + k)[self.words.0..self.words.1];
        }
        tiles
    }
}

/// The inner product of an instruction set. A value of the type proves that the CPU has it, and may hold memory
/// that lasts for a product.
pub(super) trait Dot {
    /// Most columns of a block, from 3 to 6.
    const COLUMNS: usize;

    /// `sums[tile][column][row] += sum over the strip's words of code * x`, wrapping, for codes from
    /// 0 to 3. Each column has as many groups as the strip has words.
    fn add<const C: usize>(&mut self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]);
}

/// Makes outputs of the sums of the `L` columns of a token.
pub(super) trait Finish<const L: usize>: Copy + Send {
    /// What a token's sums are multiplied with.
    type Step: Copy;

    /// The step of a token.
    fn step(self, token: usize) -> Self::Step;

    /// Outputs of a tile.
    fn outputs(step: Self::Step, sums: &[Sums; L]) -> [f32; 8];
}

/// int8: scales of the tokens, scale of the weights.
#[derive(Clone, Copy)]
pub(super) struct Scaled<'a>(pub(super) &'a [f32], pub(super) f32);

impl Finish<1> for Scaled<'_> {
    type Step = f32;

    #[inline(always)]
    fn step(self, token: usize) -> f32 {
        self.0[token] * self.1
    }

    #[inline(always)]
    fn outputs(step: f32, [sums]: &[Sums; 1]) -> [f32; 8] {
        let mut out = [0.0; 8];
        for (out, &sum) in out.iter_mut().zip(sums) {
            *out = sum as f32 * step;
        }
        out
    }
}

/// Limbs: steps of the tokens.
#[derive(Clone, Copy)]
pub(super) struct Joined<'a>(pub(super) &'a [f64]);

impl<const L: usize> Finish<L> for Joined<'_> {
    type Step = f64;

    #[inline(always)]
    fn step(self, token: usize) -> f64 {
        self.0[token]
    }

    #[inline(always)]
    fn outputs(step: f64, sums: &[Sums; L]) -> [f32; 8] {
        let mut out = [0.0; 8];
        for (row, out) in out.iter_mut().enumerate() {
            let mut limbs = [0; L];
            for (limb, sums) in limbs.iter_mut().zip(sums) {
                *limb = sums[row];
            }
            *out = join(limbs, step);
        }
        out
    }
}

/// A product, or its part for one thread. `x` has `n * L` columns.
pub(super) struct Product<'a, F, const L: usize> {
    isa: Isa,
    m: Matrix<'a>,
    x: &'a [Group],
    n: usize,
    finish: F,
    out: ColumnsMut<'a, f32>,
}

impl<'a, F: Finish<L>, const L: usize> Product<'a, F, L> {
    /// Computes `out`; lengths checked, nothing empty.
    pub(super) fn compute(exec: Exec, m: Matrix<'a>, x: &'a [Group], n: usize, finish: F, out: &'a mut [f32]) {
        let out = ColumnsMut::new(out, m.rows);
        let unit = UNIT * 256 * m.words_per_row * n * L;
        exec.run(Self { isa: exec.isa(), m, x, n, finish, out }, GRAIN.div_ceil(unit));
    }

    /// The product on one thread, compiled for the instruction set of `dot`.
    #[inline(always)]
    pub(super) fn on<D: Dot>(mut self, mut dot: D) {
        // Sums live on the stack; a small product should not clear all of the largest size.
        let need = (self.m.tiles() * self.n * L).min(SUMS);
        let (mut small, mut middle, mut large);
        let sums: &mut [Sums] = match need {
            ..=16 => {
                small = [[0; 8]; 16];
                &mut small
            }
            17..=128 => {
                middle = [[0; 8]; 128];
                &mut middle
            }
            _ => {
                large = [[0; 8]; SUMS];
                &mut large
            }
        };
        let group = GROUP / L;
        for first in (0..self.n).step_by(group) {
            let tokens = first..self.n.min(first + group);
            self.group(&mut dot, tokens, sums);
        }
    }

    /// All tiles for a group of tokens.
    #[inline(always)]
    fn group<D: Dot>(&mut self, dot: &mut D, tokens: Range<usize>, sums: &mut [Sums]) {
        let words = self.m.words_per_row;
        let columns = tokens.len() * L;
        let x = &self.x[tokens.start * L * words..][..columns * words];
        let mut x_sums = [0; GROUP];
        for (sum_of, column) in x_sums.iter_mut().zip(x.chunks_exact(words)) {
            *sum_of = sum(column.as_flattened().as_flattened());
        }
        let blocks = Blocks::<L>::new::<D>(tokens.len());
        let bytes = if blocks.count > 1 { COLUMN_BYTES } else { ONLY_COLUMN_BYTES };
        let parts = (blocks.most * L * words * 32).div_ceil(bytes);
        let part = words.div_ceil(parts);
        let mut strip = (sums.len() / columns).min(STRIP);
        if blocks.count > 1 {
            strip = strip.min((STRIP_BYTES / 64 / part).next_multiple_of(4));
        }
        for first in (0..self.m.tiles()).step_by(strip) {
            let tiles = strip.min(self.m.tiles() - first);
            let sums = &mut sums[..tiles * columns];
            // Codes are digits plus one: the sum of the column is taken away first.
            for block in blocks.all() {
                let x_sums = &x_sums[block.start * L..block.end * L];
                let sums = &mut sums[tiles * block.start * L..][..tiles * x_sums.len()];
                for sums in sums.chunks_exact_mut(x_sums.len()) {
                    for (sums, x_sum) in sums.iter_mut().zip(x_sums) {
                        *sums = [-x_sum; 8];
                    }
                }
            }
            for start in (0..words).step_by(part) {
                let strip = Strip { m: self.m, first, words: (start, words.min(start + part)) };
                for block in blocks.all() {
                    let (start, len) = (block.start * L, block.len() * L);
                    let sums = &mut sums[tiles * start..][..tiles * len];
                    add_block(dot, strip, &x[start * words..], words, len, sums);
                }
            }
            for block in blocks.all() {
                let sums = &sums[tiles * block.start * L..][..tiles * block.len() * L];
                for (k, token) in block.clone().enumerate() {
                    let token = tokens.start + token;
                    let out = &mut self.out.row(token)[first * 8..];
                    let len = out.len().min(tiles * 8);
                    let sums = &sums.as_chunks::<L>().0[k..];
                    outputs::<F, L>(self.finish.step(token), sums, block.len(), &mut out[..len]);
                }
            }
        }
    }
}

/// Outputs of one token: a tile of `sums` in `stride` is its.
#[inline(always)]
fn outputs<F: Finish<L>, const L: usize>(step: F::Step, sums: &[[Sums; L]], stride: usize, out: &mut [f32]) {
    // Whole tiles apart from the last: a store of a length known only at run time is a call.
    let (full, rest) = out.as_chunks_mut::<8>();
    for (tile, out) in full.iter_mut().enumerate() {
        *out = F::outputs(step, &sums[tile * stride]);
    }
    if !rest.is_empty() {
        let len = rest.len();
        rest.copy_from_slice(&F::outputs(step, &sums[full.len() * stride])[..len]);
    }
}

/// Tokens of a group in blocks of nearly equal size: the last of them is then never a poor one.
#[derive(Clone, Copy)]
struct Blocks<const L: usize> {
    tokens: usize,
    count: usize,
    /// Tokens of the largest.
    most: usize,
}

impl<const L: usize> Blocks<L> {
    #[inline(always)]
    fn new<D: Dot>(tokens: usize) -> Self {
        let count = tokens.div_ceil(D::COLUMNS / L);
        Self { tokens, count, most: tokens.div_ceil(count) }
    }

    #[inline(always)]
    fn all(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count).map(move |k| self.tokens * k / self.count..self.tokens * (k + 1) / self.count)
    }
}

/// [`Dot::add`] for a number of columns known at run time.
#[inline(always)]
fn add_block<D: Dot>(dot: &mut D, strip: Strip<'_>, x: &[Group], words: usize, columns: usize, sums: &mut [Sums]) {
    match columns {
        1 => add::<D, 1>(dot, strip, x, words, sums),
        2 => add::<D, 2>(dot, strip, x, words, sums),
        3 => add::<D, 3>(dot, strip, x, words, sums),
        4 => add::<D, 4>(dot, strip, x, words, sums),
        5 => add::<D, 5>(dot, strip, x, words, sums),
        _ => add::<D, 6>(dot, strip, x, words, sums),
    }
}

#[inline(always)]
fn add<D: Dot, const C: usize>(dot: &mut D, strip: Strip<'_>, x: &[Group], words: usize, sums: &mut [Sums]) {
    if C > D::COLUMNS {
        return; // Known at compile time: such blocks are not made, nor compiled.
    }
    let mut columns: [&[Group]; C] = [&[]; C];
    for (c, column) in columns.iter_mut().enumerate() {
        *column = &x[c * words..][strip.words.0..strip.words.1];
    }
    dot.add(strip, columns, sums.as_chunks_mut().0);
}

impl<F: Finish<L>, const L: usize> Job for Product<'_, F, L> {
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
