//! The loops around the tiles, the same for every instruction set.
//!
//! ```text
//! for 256 terms of k                  the law's blocks
//!   for 384 columns of c              b's part [256, 384] is packed: 384 KiB, second level cache
//!     for 8 rows of c                 a's part [8, 256] is read in place, or packed if transposed
//!       for 48 columns of c           a tile: 24 accumulators of 16 lanes
//! ```

use super::{Form, Product};
use crate::Scratch;
use crate::columns::ColumnsMut;
use crate::exec::{Exec, Job, Shares};

/// Terms that are summed in one go. Part of the law in the module's docs: changing it changes bits.
const TERMS: usize = 256;

/// Columns packed at a time; a multiple of every `LANES * VECTORS`.
const COLS: usize = 384;

/// Rows of the largest tile there is; the rows of `c` are cut between threads at multiples of it.
const MOST_ROWS: usize = 8;

/// Columns between which `c` is cut between threads: whole tiles on every instruction set.
const CUT: usize = 48;

/// Lanes of the narrowest vector: panels are whole ones of every width.
const NARROWEST: usize = 4;

/// Multiply-adds that are worth another thread, about 20 microseconds of them.
const GRAIN: usize = 1 << 20;

/// The sizes of an instruction set's tiles.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Floats in a vector; divides 16.
    pub(super) lanes: usize,
    /// Rows of the largest tile, at most [`MOST_ROWS`].
    pub(super) rows: usize,
    /// Vectors across the widest tile.
    pub(super) vectors: usize,
    /// [`Tiles::few_nt`] is faster than packing up to so many rows; at most `rows`.
    pub(super) few: usize,
}

/// What an instruction set provides. A value of the type proves that the CPU has it.
pub(super) trait Tiles: Copy + Send {
    /// The sizes that the loops go by.
    fn sizes(self) -> Sizes;

    /// One block of terms of a tile of `c`.
    fn tile(self, tile: &Tile<'_>, c: &mut ColumnsMut<'_, f32>);

    /// `out[l * width + r] = from[r][l]` for `lanes` rows; see [`Transposed::row`] for what stands
    /// for rows that are not there.
    fn transpose(self, from: Transposed<'_>, out: &mut [f32], width: usize);

    /// One block of terms of all columns of `c`, for `few` rows at most, without packing.
    fn few_nt(self, few: &FewNt<'_>, c: &mut ColumnsMut<'_, f32>);
}

/// How a block's sums go into `c`.
#[derive(Clone, Copy)]
pub(super) struct Finish {
    pub(super) alpha: f32,
    /// `c` holds something already.
    pub(super) add: bool,
}

/// `rows x cols` elements of `c`, from `(row, col)` on, one block of terms.
pub(super) struct Tile<'a> {
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) rows: usize,
    /// At most `vectors` vectors; the last may be partial.
    pub(super) cols: usize,
    pub(super) terms: usize,
    pub(super) a: Left<'a>,
    /// Row `l` starts at `l * b_stride` and has whole vectors.
    pub(super) b: &'a [f32],
    pub(super) b_stride: usize,
    pub(super) finish: Finish,
}

/// Rows of the left factor.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    /// Element `(i, l)` at `i * stride + l`.
    Rows(&'a [f32], usize),
    /// Element `(i, l)` at `l * stride + i`.
    Columns(&'a [f32], usize),
}

/// Rows of the left factor, for a tile's loop over terms.
pub(super) trait Terms: Copy {
    /// Term `l` of row `i`.
    fn at(self, l: usize, i: usize) -> f32;
}

/// Rows of as many terms as the loop has: then its index needs no check.
impl<const M: usize> Terms for [&[f32]; M] {
    #[inline(always)]
    fn at(self, l: usize, i: usize) -> f32 {
        self[i][l]
    }
}

/// `M` rows side by side, columns at a stride.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a, const M: usize>(pub(super) &'a [f32], pub(super) usize);

impl<const M: usize> Terms for Columns<'_, M> {
    #[inline(always)]
    fn at(self, l: usize, i: usize) -> f32 {
        self.0[l * self.1..][..M][i]
    }
}

/// The first `terms` elements of `M` rows that lie `stride` apart.
#[inline(always)]
pub(super) fn rows_of<const M: usize>(x: &[f32], stride: usize, terms: usize) -> [&[f32]; M] {
    let mut rows: [&[f32]; M] = [&[]; M];
    for (i, row) in rows.iter_mut().enumerate() {
        *row = &x[i * stride..][..terms];
    }
    rows
}

/// Rows of the right factor of [`super::nt`], to be turned into vectors across rows.
#[derive(Clone, Copy)]
pub(super) struct Transposed<'a> {
    /// Row `r` starts at `r * stride`.
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    /// Rows that exist, at least 1.
    pub(super) rows: usize,
    pub(super) terms: usize,
}

impl<'a> Transposed<'a> {
    /// Row `r`; the last one again where there are no more, since its columns of the product are
    /// never stored.
    #[inline(always)]
    pub(super) fn row(self, r: usize) -> &'a [f32] {
        &self.values[r.min(self.rows - 1) * self.stride..][..self.terms]
    }

    /// The rows from `first` on, which exists.
    #[inline(always)]
    pub(super) fn from(self, first: usize) -> Self {
        Self { values: &self.values[first * self.stride..], rows: self.rows - first, ..self }
    }
}

/// A product of few rows, one block of terms.
pub(super) struct FewNt<'a> {
    pub(super) m: usize,
    /// Row `i` starts at `i * stride`.
    pub(super) a: &'a [f32],
    pub(super) stride: usize,
    /// All rows of the right factor.
    pub(super) b: Transposed<'a>,
    pub(super) finish: Finish,
}

/// Lengths checked; `c` is not empty.
pub(super) fn run<T: Tiles>(exec: Exec, tiles: T, p: Product<'_, f32>, c: &mut [f32], scratch: &mut Scratch) {
    let Product { m, n, k, .. } = p;
    let cut = if n > 2 * CUT { Cut::Columns } else { Cut::Rows };
    let unit = match cut {
        Cut::Columns => m * CUT * k,
        Cut::Rows => MOST_ROWS * n * k,
    };
    let grain = (GRAIN / unit.max(1)).max(1);
    let c = ColumnsMut::new(c, n);
    let parts = exec.parts(cut.units(&p), grain);
    let work = Shares::new(scratch.aligned(parts * WORK, 0).0, parts);
    exec.run(Part { tiles, p, cut, c, work }, grain);
}

/// Floats of working memory a thread: a packed part of `b`, and packed rows of `a`.
const WORK: usize = (COLS + MOST_ROWS) * TERMS;

/// How `c` is cut between threads.
#[derive(Clone, Copy)]
enum Cut {
    /// Each packs other columns of `b`.
    Columns,
    /// Where there are few columns: each packs all of `b`.
    Rows,
}

impl Cut {
    fn units(self, p: &Product<'_, f32>) -> usize {
        match self {
            Self::Columns => p.n.div_ceil(CUT),
            Self::Rows => p.m.div_ceil(MOST_ROWS),
        }
    }
}

/// Some rows and columns of `c`.
struct Part<'a, T> {
    tiles: T,
    p: Product<'a, f32>,
    cut: Cut,
    c: ColumnsMut<'a, f32>,
    /// Each of [`WORK`] floats.
    work: Shares<'a, f32>,
}

impl<T: Tiles> Job for Part<'_, T> {
    fn units(&self) -> usize {
        self.cut.units(&self.p)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { tiles, p, cut, c, work } = self;
        let ((first, second), (c, c_rest)) = match cut {
            Cut::Columns => (p.split_columns(units * CUT), c.split_at(units * CUT)),
            Cut::Rows => (p.split_rows(units * MOST_ROWS), c.split_rows_at(units * MOST_ROWS)),
        };
        let (work, work_rest) = work.split();
        (Self { tiles, p: first, cut, c, work }, Self { tiles, p: second, cut, c: c_rest, work: work_rest })
    }

    fn run(self) {
        let Self { tiles, p, mut c, mut work, .. } = self;
        let work = work.own();
        let sizes = tiles.sizes();
        if p.k == 0 && !p.accumulate {
            for r in 0..p.m {
                c.row(r).fill(0.0);
            }
        }
        for first in (0..p.k).step_by(TERMS) {
            let block = Block {
                p,
                sizes,
                first,
                terms: TERMS.min(p.k - first),
                finish: Finish { alpha: p.alpha, add: p.accumulate || first > 0 },
            };
            if p.form == Form::Nt && p.m <= sizes.few {
                let b = block.right_rows(0, p.n);
                let few = FewNt { m: p.m, a: &p.a[first..], stride: p.a_stride, b, finish: block.finish };
                tiles.few_nt(&few, &mut c);
            } else {
                for col in (0..p.n).step_by(COLS) {
                    block.columns(tiles, col, COLS.min(p.n - col), &mut c, work);
                }
            }
        }
    }
}

/// One block of terms.
struct Block<'a> {
    p: Product<'a, f32>,
    sizes: Sizes,
    first: usize,
    terms: usize,
    finish: Finish,
}

impl<'a> Block<'a> {
    /// The columns `col..col + cols` of `c`.
    fn columns<T: Tiles>(&self, tiles: T, col: usize, cols: usize, c: &mut ColumnsMut<'_, f32>, work: &mut [f32]) {
        let Product { form, m, b_stride, .. } = self.p;
        let sizes = self.sizes;
        // With one row of tiles a packed panel would be read once only.
        let in_place = |panel: Panel| form != Form::Nt && m <= sizes.rows && panel.cols.is_multiple_of(sizes.lanes);
        // The packed panels come first, on a cache line: a vector that crosses one costs two loads.
        let (right, left) = work.split_at_mut(COLS * TERMS);
        for panel in sizes.panels(cols).filter(|&panel| !in_place(panel)) {
            let to = &mut right[panel.col * self.terms..][..panel.width * self.terms];
            match form {
                Form::Nt => {
                    let rows = self.right_rows(col + panel.col, panel.cols);
                    for at in (0..panel.width).step_by(sizes.lanes) {
                        tiles.transpose(rows.from(at), &mut to[at..], panel.width);
                    }
                }
                Form::Nn | Form::Tn => self.pack(col + panel.col, panel, to),
            }
        }
        for row in (0..m).step_by(sizes.rows) {
            let rows = sizes.rows.min(m - row);
            let a = self.left(row, rows, left);
            for panel in sizes.panels(cols) {
                let at = col + panel.col;
                let (b, b_stride) = if in_place(panel) {
                    (&self.p.b[self.first * b_stride + at..], b_stride)
                } else {
                    (&right[panel.col * self.terms..], panel.width)
                };
                let (terms, finish) = (self.terms, self.finish);
                let tile = Tile { row, col: at, rows, cols: panel.cols, terms, a, b, b_stride, finish };
                tiles.tile(&tile, c);
            }
        }
    }

    /// Rows of the left factor: as they lie, or, where they are columns, side by side in `to`.
    fn left<'s>(&self, row: usize, rows: usize, to: &'s mut [f32]) -> Left<'s>
    where
        'a: 's,
    {
        let Product { form, a, a_stride, .. } = self.p;
        if form != Form::Tn {
            return Left::Rows(&a[row * a_stride + self.first..], a_stride);
        }
        let columns = a[self.first * a_stride..].chunks(a_stride).take(self.terms);
        if rows == 8 {
            for (to, column) in to.as_chunks_mut::<8>().0.iter_mut().zip(columns) {
                to.copy_from_slice(&column[row..][..8]);
            }
        } else {
            for (to, column) in to.chunks_exact_mut(rows).zip(columns) {
                to.copy_from_slice(&column[row..][..rows]);
            }
        }
        Left::Columns(to, rows)
    }

    /// Rows of the right factor of [`super::nt`], that is columns of `c`.
    fn right_rows(&self, row: usize, rows: usize) -> Transposed<'a> {
        let (stride, terms) = (self.p.b_stride, self.terms);
        Transposed { values: &self.p.b[row * stride + self.first..], stride, rows, terms }
    }

    /// Copies a panel of the right factor; partial vectors are filled up with zeros.
    fn pack(&self, col: usize, panel: Panel, to: &mut [f32]) {
        let stride = self.p.b_stride;
        let rows = self.p.b[self.first * stride..].chunks(stride).take(self.terms);
        for (to, row) in to.chunks_exact_mut(panel.width).zip(rows) {
            let row = &row[col..][..panel.cols];
            // Chunks of a length known here: a call of `memcpy` a row would take half the time.
            let (to_full, to_rest) = to.as_chunks_mut::<NARROWEST>();
            let (full, rest) = row.as_chunks::<NARROWEST>();
            for (to, from) in to_full.iter_mut().zip(full) {
                *to = *from;
            }
            if full.len() < to_full.len() {
                let last = &mut to_full[full.len()..];
                last.fill([0.0; NARROWEST]);
                last[0][..rest.len()].copy_from_slice(rest);
            }
            debug_assert!(to_rest.is_empty(), "panels are whole vectors");
        }
    }
}

/// Columns of one tile.
#[derive(Clone, Copy)]
struct Panel {
    col: usize,
    cols: usize,
    /// `cols` rounded up to whole vectors.
    width: usize,
}

impl Sizes {
    /// Splits columns into tiles. A single vector at the end is avoided: it keeps the multipliers half
    /// idle, so four vectors become two and two.
    fn panels(self, cols: usize) -> impl Iterator<Item = Panel> {
        let mut col = 0;
        core::iter::from_fn(move || {
            let vectors = (cols - col).div_ceil(self.lanes);
            if vectors == 0 {
                return None;
            }
            let take = if vectors == self.vectors + 1 { self.vectors - 1 } else { vectors.min(self.vectors) };
            let width = take * self.lanes;
            let panel = Panel { col, cols: width.min(cols - col), width };
            col += panel.cols;
            Some(panel)
        })
    }
}
