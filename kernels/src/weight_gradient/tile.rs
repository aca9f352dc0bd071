//! One block of tokens of some rows, in tiles of sums that stay in registers.
//!
//! Rows of `x` a power of two apart would drive each other out of the first cache level, so that
//! for more than a few rows `x` is copied first: a tile's columns of all tokens, side by side.

use core::ops::Range;

use super::{Pairs, TERMS};
use crate::Scratch;
use crate::simd::{Simd, SimdKernel};

/// Vectors across a tile. With four rows, two: twelve sums, three vectors and a factor are sixteen,
/// but compilers spill some, and a sum in memory is three times as slow.
#[inline(always)]
const fn vectors<S: Simd>() -> usize {
    if S::REGISTERS < 32 { 2 } else { 3 }
}

/// Floats of `x` that rows share: 256 KiB.
const PANEL: usize = 1 << 16;

/// Columns of a tile.
pub(super) struct Width;

impl SimdKernel for Width {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        vectors::<S>() * S::LANES
    }
}

/// `x` as `[ceil(cols / width)][n][width]`, filled up with zeros; nothing for a width of 0.
pub(super) fn packed<'s>(pairs: Pairs<'_>, width: usize, scratch: &'s mut Scratch) -> &'s [f32] {
    let Pairs { x, n, cols, .. } = pairs;
    if width == 0 || n == 0 {
        return &[];
    }
    let (packed, _) = scratch.floats(n * cols.div_ceil(width) * width, 0);
    for (i, tile) in packed.chunks_exact_mut(n * width).enumerate() {
        for (to, x) in tile.chunks_exact_mut(width).zip(x.chunks_exact(cols)) {
            let x = &x[i * width..];
            if x.len() >= width {
                to.copy_from_slice(&x[..width]);
            } else {
                to[..x.len()].copy_from_slice(x);
                to[x.len()..].fill(0.0);
            }
        }
    }
    packed
}

/// Some tokens of the rows from `row` on.
pub(super) struct Block<'a> {
    pub(super) pairs: Pairs<'a>,
    pub(super) packed: &'a [f32],
    pub(super) terms: Range<usize>,
    pub(super) row: usize,
    /// `out` holds something already.
    pub(super) add: bool,
}

/// `R` rows of `y`, token after token.
type Rows<const R: usize> = [[f32; R]];

impl Block<'_> {
    /// Whole rows of `out`.
    #[inline(always)]
    pub(super) fn run<S: Simd>(&self, s: S, out: &mut [f32]) {
        let width = vectors::<S>() * S::LANES;
        let tiles = self.pairs.cols.div_ceil(width);
        let panel = (PANEL / (self.terms.len() * width)).max(1);
        for first in (0..tiles).step_by(panel) {
            let tiles = first..tiles.min(first + panel);
            let rows = out.len() / self.pairs.cols;
            let mut row = 0;
            while row < rows {
                let out = &mut out[row * self.pairs.cols..];
                row += match rows - row {
                    left if left >= 8 && S::REGISTERS >= 32 => self.rows::<S, 8>(s, row, tiles.clone(), out),
                    left if left >= 4 && S::REGISTERS >= 16 => self.rows::<S, 4>(s, row, tiles.clone(), out),
                    _ => self.rows::<S, 1>(s, row, tiles.clone(), out),
                };
            }
        }
    }

    /// `R` rows, some tiles of columns.
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&self, s: S, row: usize, tiles: Range<usize>, out: &mut [f32]) -> usize {
        let Pairs { x, y, n, rows, cols, .. } = self.pairs;
        let width = vectors::<S>() * S::LANES;
        let mut ys = [[0.0; R]; TERMS];
        let ys = &mut ys[..self.terms.len()];
        for (to, y) in ys.iter_mut().zip(y.chunks_exact(rows).skip(self.terms.start)) {
            to.copy_from_slice(&y[self.row + row..][..R]);
        }
        for tile in tiles {
            let col = tile * width;
            let (x, stride) = if self.packed.is_empty() {
                (&x[self.terms.start * cols + col..], cols)
            } else {
                (&self.packed[(tile * n + self.terms.start) * width..], width)
            };
            let out = &mut out[col..];
            if col + width <= cols && S::REGISTERS >= 32 {
                self.tile::<S, R, 3, false>(s, ys, x, stride, width, out);
            } else if col + width <= cols {
                self.tile::<S, R, 2, false>(s, ys, x, stride, width, out);
            } else {
                self.last(s, ys, x, stride, cols - col, out);
            }
        }
        R
    }

    /// The last tile, of `width` columns.
    #[inline(always)]
    fn last<S: Simd, const R: usize>(
        &self,
        s: S,
        y: &Rows<R>,
        x: &[f32],
        stride: usize,
        width: usize,
        out: &mut [f32],
    ) {
        for at in (0..width).step_by(S::LANES) {
            let (x, out) = (&x[at..], &mut out[at..]);
            if at + S::LANES <= width {
                self.tile::<S, R, 1, false>(s, y, x, stride, S::LANES, out);
            } else {
                self.tile::<S, R, 1, true>(s, y, x, stride, width - at, out);
            }
        }
    }

    /// `R` rows by `V` vectors of columns, or by one that is not whole.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize, const PART: bool>(
        &self,
        s: S,
        y: &Rows<R>,
        x: &[f32],
        stride: usize,
        width: usize,
        out: &mut [f32],
    ) {
        let mut sums = [[s.splat(0.0); V]; R];
        for (x, y) in x.chunks(stride).zip(y) {
            let x = &x[..width];
            let mut columns = [s.splat(0.0); V];
            for v in 0..V {
                columns[v] = if PART { s.load_part(x) } else { s.load(&x[v * S::LANES..]) };
            }
            for r in 0..R {
                let y = s.splat(y[r]);
                for v in 0..V {
                    sums[r][v] = s.mul_add(y, columns[v], sums[r][v]);
                }
            }
        }
        let alpha = s.splat(self.pairs.alpha);
        for r in 0..R {
            let out = &mut out[r * self.pairs.cols..][..width];
            for v in 0..V {
                let out = &mut out[v * S::LANES..];
                let sum = sums[r][v];
                let value = match (self.add, PART) {
                    (false, _) => s.mul(alpha, sum),
                    (true, false) => s.mul_add(alpha, sum, s.load(out)),
                    (true, true) => s.mul_add(alpha, sum, s.load_part(out)),
                };
                if PART {
                    s.store_part(out, value);
                } else {
                    s.store(out, value);
                }
            }
        }
    }
}
