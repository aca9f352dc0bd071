//! The transposed products: 64 columns at a time, against some tokens.
//!
//! Sums run over rows, so four rows are brought side by side, byte by byte; a product of dwords then
//! adds four rows of a column, and no sum is ever taken across a register.

use core::ops::Range;

use super::activations::Activations;
use super::forward::limbs;
use super::{BLOCK, Codes, Kernels, Panel, ROW_CHUNK, SUM_ROWS, order};
use crate::columns::{Columns, ColumnsMut};
use crate::exec::Job;
use crate::{Exec, Isa, Kernel, vectorize};

/// Columns of cotangents that meet the unpacked codes of 64 columns: whole tokens.
const GROUP: usize = 24;

/// `out[t, c]`; lengths checked, nothing empty.
pub(super) fn run<K: Kernels, const B: usize>(
    exec: Exec,
    kernels: K,
    m: Codes<'_>,
    y: Activations<'_>,
    out: &mut [f32],
) {
    let out = ColumnsMut::new(out, m.cols);
    let grain = (1 << 20) / (BLOCK * m.rows * y.layout.limbs * y.steps.len()) + 1;
    exec.run(Transposed::<_, B> { isa: exec.isa(), kernels, m, first: 0, y, out }, grain);
}

struct Transposed<'a, K, const B: usize> {
    isa: Isa,
    kernels: K,
    m: Codes<'a>,
    /// The block that starts at the first column of `out`.
    first: usize,
    y: Activations<'a>,
    out: ColumnsMut<'a, f32>,
}

impl<K: Kernels, const B: usize> Job for Transposed<'_, K, B> {
    fn units(&self) -> usize {
        self.out.len().div_ceil(BLOCK)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let cols = (units * BLOCK).min(self.out.len());
        let (out, rest) = self.out.split_at(cols);
        (Self { out, ..self }, Self { out: rest, first: self.first + units, ..self })
    }

    fn run(mut self) {
        let Activations { layout, columns, steps } = self.y;
        let tokens = GROUP / layout.limbs;
        let mut panel = Panel::EMPTY;
        let mut sums = [[0; BLOCK]; GROUP];
        for block in 0..self.units() {
            for (group, steps) in steps.chunks(tokens).enumerate() {
                let first = group * tokens;
                let used = steps.len() * layout.limbs;
                let y = columns.rows(first * layout.limbs..first * layout.limbs + used);
                let sums = &mut sums[..used];
                let finish = Finish::<B> { limbs: layout.limbs, base: layout.base(), first, block, steps };
                if self.m.rows <= SUM_ROWS {
                    self.sum(block, 0..self.m.rows, y, &mut panel, sums);
                    vectorize(self.isa, (finish, &*sums, &mut self.out));
                    continue;
                }
                let mut totals = [[0.0; BLOCK]; GROUP];
                let totals = &mut totals[..used];
                for row in (0..self.m.rows).step_by(SUM_ROWS) {
                    self.sum(block, row..self.m.rows.min(row + SUM_ROWS), y, &mut panel, sums);
                    for (total, sum) in totals.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                        *total += f64::from(*sum);
                    }
                }
                vectorize(self.isa, (finish, &*totals, &mut self.out));
            }
        }
    }
}

impl<K: Kernels, const B: usize> Transposed<'_, K, B> {
    /// Sums over at most [`SUM_ROWS`] rows.
    fn sum(&self, block: usize, rows: Range<usize>, y: Columns<'_, i8>, panel: &mut Panel, sums: &mut [[i32; BLOCK]]) {
        let size = self.y.layout.size();
        sums.as_flattened_mut().fill(0);
        for row in rows.clone().step_by(ROW_CHUNK) {
            let end = rows.end.min(row + ROW_CHUNK);
            // The padding of `y` is 0.
            let y = y.range(row * size..end.next_multiple_of(4) * size);
            self.kernels.transposed::<B>(&self.m, self.first + block, row..end, y, panel, sums);
        }
    }
}

/// Sums of the columns of some tokens to outputs of a block.
struct Finish<'a, const B: usize> {
    limbs: usize,
    /// Of the limbs.
    base: f64,
    /// First token.
    first: usize,
    block: usize,
    steps: &'a [[f64; 2]],
}

impl<const B: usize, S: Copy + Into<f64>> Kernel for (Finish<'_, B>, &[[S; BLOCK]], &mut ColumnsMut<'_, f32>) {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (finish, sums, out) = self;
        let column = finish.block * BLOCK;
        let len = BLOCK.min(out.len() - column);
        for (t, (steps, sums)) in finish.steps.iter().zip(sums.chunks_exact(finish.limbs)).enumerate() {
            let values = match sums {
                [low, high] => limbs([*low, *high], finish.base, *steps),
                [low, middle, high] => limbs([*low, *middle, *high], finish.base, *steps),
                _ => [f32::NAN; BLOCK],
            };
            let values = order::natural::<B, _>(values);
            let out = &mut out.row(finish.first + t)[column..][..len];
            match out.first_chunk_mut::<BLOCK>() {
                Some(out) => *out = values,
                None => out.copy_from_slice(&values[..len]),
            }
        }
    }
}
