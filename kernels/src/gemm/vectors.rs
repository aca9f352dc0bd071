//! Tiles on the vectors of [`simd`](crate::simd), for every instruction set with fused multiply-adds.
//!
//! With 32 registers a tile is 8 rows by 3 vectors, 24 sums: a term costs 3 loads and 8 broadcasts for 24
//! multiply-adds. With 16 it is 4 rows by 3. The multipliers are the limit.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use super::blocked::{Columns, FewNt, Finish, Left, Sizes, Terms, Tile, Tiles, Transposed, rows_of};
use crate::Isa;
use crate::columns::ColumnsMut;
use crate::simd::{Simd, SimdKernel, dispatch};

/// An instruction set that [`dispatch`] knows.
#[derive(Clone, Copy)]
pub(super) struct Vectors(pub(super) Isa);

impl Tiles for Vectors {
    fn sizes(self) -> Sizes {
        dispatch(self.0, OwnSizes)
    }

    fn tile(self, tile: &Tile<'_>, c: &mut ColumnsMut<'_, f32>) {
        dispatch(self.0, OneTile(tile, c));
    }

    fn transpose(self, from: Transposed<'_>, out: &mut [f32], width: usize) {
        dispatch(self.0, Transpose(from, out, width));
    }

    fn few_nt(self, few: &FewNt<'_>, c: &mut ColumnsMut<'_, f32>) {
        dispatch(self.0, Few(few, c));
    }
}

struct OwnSizes;

impl SimdKernel for OwnSizes {
    type Output = Sizes;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Sizes {
        Sizes { lanes: S::LANES, rows: if S::REGISTERS >= 32 { 8 } else { 4 }, vectors: 3, few: 4 }
    }
}

/// What `c` becomes with the sums of a block.
#[inline(always)]
fn finished<S: Simd>(s: S, finish: Finish, sum: S::F, c: S::F) -> S::F {
    let alpha = s.splat(finish.alpha);
    if finish.add { s.mul_add(alpha, sum, c) } else { s.mul(alpha, sum) }
}

/// Puts vectors of sums into a row of `c`, of which the last vector may be partial.
#[inline(always)]
fn put<S: Simd, const W: usize>(s: S, finish: Finish, sums: [S::F; W], c: &mut [f32]) {
    if c.len() == W * S::LANES {
        // Constant lengths keep the sums in registers.
        let c = &mut c[..W * S::LANES];
        for w in 0..W {
            let before = s.load(&c[w * S::LANES..]);
            s.store(&mut c[w * S::LANES..], finished(s, finish, sums[w], before));
        }
    } else {
        for (w, c) in c.chunks_mut(S::LANES).enumerate().take(W) {
            let before = s.load_part(c);
            s.store_part(c, finished(s, finish, sums[w], before));
        }
    }
}

struct OneTile<'a, 't, 'c>(&'a Tile<'t>, &'a mut ColumnsMut<'c, f32>);

impl SimdKernel for OneTile<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self(t, c) = self;
        match t.cols.div_ceil(S::LANES) {
            1 => rows::<S, 1>(s, t, c),
            2 => rows::<S, 2>(s, t, c),
            _ => rows::<S, 3>(s, t, c),
        }
    }
}

/// Splits the rows of a tile; tails go down in powers of two, so that there are few variants.
#[inline(always)]
fn rows<S: Simd, const W: usize>(s: S, t: &Tile<'_>, c: &mut ColumnsMut<'_, f32>) {
    let mut row = 0;
    while row < t.rows {
        row += match t.rows - row {
            8.. if S::REGISTERS >= 32 => left::<S, 8, W>(s, t, row, c),
            4.. => left::<S, 4, W>(s, t, row, c),
            2.. => left::<S, 2, W>(s, t, row, c),
            _ => left::<S, 1, W>(s, t, row, c),
        };
    }
}

/// Rows `row..row + M`; gives `M`.
#[inline(always)]
fn left<S: Simd, const M: usize, const W: usize>(s: S, t: &Tile<'_>, row: usize, c: &mut ColumnsMut<'_, f32>) -> usize {
    match t.a {
        Left::Rows(a, stride) => {
            product::<S, M, W>(s, t, row, rows_of::<M>(&a[row * stride..], stride, t.terms), c);
        }
        Left::Columns(a, stride) => product::<S, M, W>(s, t, row, Columns::<M>(&a[row..], stride), c),
    }
    M
}

#[inline(always)]
fn product<S: Simd, const M: usize, const W: usize>(
    s: S,
    t: &Tile<'_>,
    row: usize,
    a: impl Terms,
    c: &mut ColumnsMut<'_, f32>,
) {
    let mut sums = [[s.splat(0.0); W]; M];
    for l in 0..t.terms {
        let from = &t.b[l * t.b_stride..][..W * S::LANES];
        let mut b = [s.splat(0.0); W];
        for w in 0..W {
            b[w] = s.load(&from[w * S::LANES..]);
        }
        for i in 0..M {
            let a = s.splat(a.at(l, i));
            for w in 0..W {
                sums[i][w] = s.mul_add(a, b[w], sums[i][w]);
            }
        }
    }
    for i in 0..M {
        put(s, t.finish, sums[i], &mut c.row(t.row + row + i)[t.col..][..t.cols]);
    }
}

/// The largest number of lanes.
const MOST: usize = 16;

/// `LANES` rows of the right factor.
#[derive(Clone, Copy)]
struct Square<'a> {
    rows: [&'a [f32]; MOST],
    terms: usize,
}

impl<'a> Square<'a> {
    /// The first `LANES` rows.
    #[inline(always)]
    fn new<S: Simd>(_: S, from: Transposed<'a>) -> Self {
        let mut rows: [&[f32]; MOST] = [&[]; MOST];
        for r in 0..S::LANES {
            rows[r] = from.row(r);
        }
        Self { rows, terms: from.terms }
    }

    /// Terms `LANES * at..` of each row, which has `LANES` of them, a vector across the rows each.
    #[inline(always)]
    fn turned<S: Simd>(&self, s: S, at: usize) -> [S::F; MOST] {
        let mut x = [s.splat(0.0); MOST];
        for r in 0..S::LANES {
            x[r] = s.load(&self.rows[r][at * S::LANES..]);
        }
        s.transpose(&mut x);
        x
    }

    /// The terms after the last `LANES`, then zeros. A function of its own: chosen by a branch, the
    /// vectors of both would pass through memory.
    #[inline(always)]
    fn turned_rest<S: Simd>(&self, s: S) -> [S::F; MOST] {
        let mut x = [s.splat(0.0); MOST];
        for r in 0..S::LANES {
            x[r] = s.load_part(&self.rows[r][self.terms / S::LANES * S::LANES..]);
        }
        s.transpose(&mut x);
        x
    }
}

struct Transpose<'a>(Transposed<'a>, &'a mut [f32], usize);

impl SimdKernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self(from, out, width) = self;
        let square = Square::new(s, from);
        let whole = from.terms / S::LANES;
        for (at, out) in out.chunks_mut(width * S::LANES).enumerate().take(from.terms.div_ceil(S::LANES)) {
            if at < whole {
                let x = square.turned(s, at);
                for l in 0..S::LANES {
                    s.store(&mut out[l * width..], x[l]);
                }
            } else {
                let x = square.turned_rest(s);
                for l in 0..from.terms - whole * S::LANES {
                    s.store(&mut out[l * width..], x[l]);
                }
            }
        }
    }
}

struct Few<'a, 't, 'c>(&'a FewNt<'t>, &'a mut ColumnsMut<'c, f32>);

impl SimdKernel for Few<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self(few, c) = self;
        match few.m {
            1 => few_rows::<S, 1>(s, few, c),
            2 => few_rows::<S, 2>(s, few, c),
            3 => few_rows::<S, 3>(s, few, c),
            _ => few_rows::<S, 4>(s, few, c),
        }
    }
}

/// `M` rows of `c`. Two vectors of columns at once, since a term's multiply-adds wait for those of
/// the term before; with four, so many rows of `b` are open that long ones leave the first cache
/// level before their lines are used up.
#[inline(always)]
fn few_rows<S: Simd, const M: usize>(s: S, few: &FewNt<'_>, c: &mut ColumnsMut<'_, f32>) {
    let n = few.b.rows;
    let full = n / (2 * S::LANES) * (2 * S::LANES);
    for col in (0..full).step_by(2 * S::LANES) {
        few_columns::<S, M, 2>(s, few, col, n, c);
    }
    for col in (full..n).step_by(S::LANES) {
        few_columns::<S, M, 1>(s, few, col, n, c);
    }
}

/// `M` rows by `G` vectors of columns.
#[inline(always)]
fn few_columns<S: Simd, const M: usize, const G: usize>(
    s: S,
    few: &FewNt<'_>,
    col: usize,
    n: usize,
    c: &mut ColumnsMut<'_, f32>,
) {
    let terms = few.b.terms;
    let a = rows_of::<M>(few.a, few.stride, terms);
    let mut squares = [Square { rows: [&[]; MOST], terms }; G];
    for g in 0..G {
        squares[g] = Square::new(s, few.b.from(col + g * S::LANES));
    }
    let mut sums = [[s.splat(0.0); G]; M];
    for at in 0..terms / S::LANES {
        for g in 0..G {
            let b = squares[g].turned(s, at);
            for i in 0..M {
                let a = &a[i][at * S::LANES..][..S::LANES];
                for l in 0..S::LANES {
                    sums[i][g] = s.mul_add(s.splat(a[l]), b[l], sums[i][g]);
                }
            }
        }
    }
    let rest = terms / S::LANES * S::LANES;
    if rest < terms {
        for g in 0..G {
            let b = squares[g].turned_rest(s);
            for i in 0..M {
                for (a, b) in a[i][rest..].iter().zip(b) {
                    sums[i][g] = s.mul_add(s.splat(*a), b, sums[i][g]);
                }
            }
        }
    }
    let cols = (n - col).min(G * S::LANES);
    for i in 0..M {
        put(s, few.finish, sums[i], &mut c.row(i)[col..][..cols]);
    }
}
