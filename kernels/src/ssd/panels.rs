//! Small matrix products on matrices stored in blocks of 16 columns.
//!
//! Element `(r, c)` of a matrix with `rows` rows stands at `[(c / 16) * rows + r][c % 16]`. As a right
//! factor, a block is a run of vectors; as a left factor, six rows of a block are six times sixteen
//! broadcasts at fixed distances. So every matrix here serves on both sides as it is, and what one
//! product writes the next one reads.
//!
//! Sums stay in registers: six rows by 16 columns (two vectors of AVX2, four of NEON), or by up to 64
//! on AVX-512. A term of AVX2 costs 2 loads and 6 broadcasts for 12 multiply-adds, one of AVX-512 4 and
//! 6 for 24: the multipliers are the limit.

use core::ops::Range;

use crate::simd::Simd;

/// Columns of a block.
pub(super) const BLOCK: usize = 16;

/// Rows of a tile.
pub(super) const ROWS: usize = 6;

/// One row of a block.
pub(super) type Row = [f32; BLOCK];

/// Rows rounded up to whole tiles.
pub(super) const fn tile_rows(rows: usize) -> usize {
    rows.next_multiple_of(ROWS)
}

/// Sums of a tile: `[row][block][vector of the block]`.
pub(super) type Sums<S, const NB: usize, const VB: usize> = [[[<S as Simd>::F; VB]; NB]; ROWS];

#[inline(always)]
pub(super) fn zeros<S: Simd, const NB: usize, const VB: usize>(s: S) -> Sums<S, NB, VB> {
    [[[s.splat(0.0); VB]; NB]; ROWS]
}

/// A matrix in blocks.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) data: &'a [Row],
    /// Rows of each block, as stored.
    pub(super) rows: usize,
}

impl<'a> Blocks<'a> {
    /// Block `i`.
    #[inline(always)]
    pub(super) fn block(self, i: usize) -> &'a [Row] {
        &self.data[i * self.rows..][..self.rows]
    }
}

/// Columns of a product that are computed together: `NB` blocks of `VB` vectors.
pub(super) trait Tiles<S: Simd> {
    /// The columns of blocks `block..block + NB`.
    fn run<const NB: usize, const VB: usize>(&mut self, s: S, block: usize);
}

/// Runs over blocks `0..blocks`, as many at a time as the registers hold.
#[inline(always)]
pub(super) fn each<S: Simd>(s: S, blocks: usize, tiles: &mut impl Tiles<S>) {
    let mut block = 0;
    if S::LANES == 16 {
        while block + 4 <= blocks {
            tiles.run::<4, 1>(s, block);
            block += 4;
        }
        if block + 2 <= blocks {
            tiles.run::<2, 1>(s, block);
            block += 2;
        }
        if block < blocks {
            tiles.run::<1, 1>(s, block);
        }
    } else {
        while block < blocks {
            if S::LANES == 8 {
                tiles.run::<1, 2>(s, block);
            } else {
                tiles.run::<1, 4>(s, block);
            }
            block += 1;
        }
    }
}

/// Adds `Σ_k a[row + r, k] · b[k, block..]` to a tile, over `terms`, in order; `terms` starts at a
/// multiple of 16.
#[inline(always)]
pub(super) fn accumulate<S: Simd, const NB: usize, const VB: usize>(
    s: S,
    mut sums: Sums<S, NB, VB>,
    a: Blocks<'_>,
    row: usize,
    b: Blocks<'_>,
    block: usize,
    terms: Range<usize>,
) -> Sums<S, NB, VB> {
    let mut k = terms.start;
    // Whole blocks of terms have a length that the compiler knows.
    while k + BLOCK <= terms.end {
        let a = rows_of(a, k, row);
        let mut from: [&[Row; BLOCK]; NB] = [&[[0.0; BLOCK]; BLOCK]; NB];
        for n in 0..NB {
            from[n] = b.block(block + n)[k..].first_chunk().expect("the right factor has the terms");
        }
        for j in 0..BLOCK {
            let mut rows = [&from[0][j]; NB];
            for n in 0..NB {
                rows[n] = &from[n][j];
            }
            sums = term(s, sums, a, j, rows);
        }
        k += BLOCK;
    }
    if k < terms.end {
        let a = rows_of(a, k, row);
        let len = terms.end - k;
        let mut from: [&[Row]; NB] = [&[]; NB];
        for n in 0..NB {
            from[n] = &b.block(block + n)[k..][..len];
        }
        for j in 0..len.min(BLOCK) {
            let mut rows = [&from[0][j]; NB];
            for n in 1..NB {
                rows[n] = &from[n][j];
            }
            sums = term(s, sums, a, j, rows);
        }
    }
    sums
}

/// Six rows of the block of a left factor that has column `k`.
#[inline(always)]
fn rows_of(a: Blocks<'_>, k: usize, row: usize) -> &[Row; ROWS] {
    a.block(k / BLOCK)[row..].first_chunk().expect("left factors have whole tiles of rows")
}

/// One term of every sum of a tile.
#[inline(always)]
fn term<S: Simd, const NB: usize, const VB: usize>(
    s: S,
    mut sums: Sums<S, NB, VB>,
    a: &[Row; ROWS],
    j: usize,
    b: [&Row; NB],
) -> Sums<S, NB, VB> {
    let mut v = [[s.splat(0.0); VB]; NB];
    for n in 0..NB {
        for i in 0..VB {
            v[n][i] = s.load(&b[n][i * S::LANES..]);
        }
    }
    for r in 0..ROWS {
        let x = s.splat(a[r][j]);
        for n in 0..NB {
            for i in 0..VB {
                sums[r][n][i] = s.mul_add(x, v[n][i], sums[r][n][i]);
            }
        }
    }
    sums
}
