//! Plain Rust. `f32::mul_add` is one instruction where the target has it (all of AArch64), else a
//! call: slow, with the same bits.

#![expect(clippy::needless_range_loop, reason = "sums are arrays with constant bounds; indices say which one")]

use super::blocked::{Columns, FewNt, Left, Sizes, Terms, Tile, Tiles, Transposed, rows_of};
use crate::columns::ColumnsMut;

/// The instruction set that every CPU has.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// Floats that the compiler may put into vectors.
const LANES: usize = 8;

impl Tiles for Portable {
    fn sizes(self) -> Sizes {
        Sizes { lanes: LANES, rows: 4, vectors: 2, few: 0 }
    }

    fn tile(self, t: &Tile<'_>, c: &mut ColumnsMut<'_, f32>) {
        let mut row = 0;
        while row < t.rows {
            row += match t.rows - row {
                4.. => left::<4>(t, row, c),
                _ => left::<1>(t, row, c),
            };
        }
    }

    fn transpose(self, from: Transposed<'_>, out: &mut [f32], width: usize) {
        for r in 0..LANES {
            for (out, x) in out.chunks_mut(width).zip(from.row(r)) {
                out[r] = *x;
            }
        }
    }

    fn few_nt(self, _: &FewNt<'_>, _: &mut ColumnsMut<'_, f32>) {
        debug_assert!(false, "`few` is 0");
    }
}

/// Rows `row..row + M`; gives `M`.
fn left<const M: usize>(t: &Tile<'_>, row: usize, c: &mut ColumnsMut<'_, f32>) -> usize {
    for col in (0..t.cols).step_by(LANES) {
        match t.a {
            Left::Rows(a, stride) => {
                let rows = rows_of::<M>(&a[row * stride..], stride, t.terms);
                product::<M>(t, row, rows, col, c);
            }
            Left::Columns(a, stride) => {
                product::<M>(t, row, Columns::<M>(&a[row..], stride), col, c);
            }
        }
    }
    M
}

/// `M` rows, from `row` of the tile on, by one vector of columns, from `col` on.
#[inline(always)]
fn product<const M: usize>(t: &Tile<'_>, row: usize, a: impl Terms, col: usize, c: &mut ColumnsMut<'_, f32>) {
    let mut sums = [[0.0_f32; LANES]; M];
    for l in 0..t.terms {
        let Some(b) = t.b[l * t.b_stride + col..].first_chunk::<LANES>() else { return };
        for i in 0..M {
            let a = a.at(l, i);
            for lane in 0..LANES {
                sums[i][lane] = a.mul_add(b[lane], sums[i][lane]);
            }
        }
    }
    let cols = (t.cols - col).min(LANES);
    let alpha = t.finish.alpha;
    for (i, sums) in sums.iter().enumerate() {
        for (c, sum) in c.row(t.row + row + i)[t.col + col..][..cols].iter_mut().zip(sums) {
            *c = if t.finish.add { alpha.mul_add(*sum, *c) } else { alpha * sum };
        }
    }
}
