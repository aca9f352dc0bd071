//! The transposed products: 64 columns at a time, against some tokens.
//!
//! Sums run over rows, so four rows are brought side by side, byte by byte; a product of dwords then
//! adds four rows of a column, and no sum is ever taken across a register.

use super::activations::Activations;
use super::forward::limbs;
use super::{BLOCK, Codes, Kernels, Panel, ROW_CHUNK, order};
use crate::columns::ColumnsMut;
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
        let mut totals = [[0.0; BLOCK]; GROUP];
        for block in 0..self.units() {
            for (group, steps) in steps.chunks(tokens).enumerate() {
                let first = group * tokens;
                let used = steps.len() * layout.limbs;
                let y = columns.rows(first * layout.limbs..first * layout.limbs + used);
                let (sums, totals) = (&mut sums[..used], &mut totals[..used]);
                totals.as_flattened_mut().fill(0.0);
                for row in (0..self.m.rows).step_by(ROW_CHUNK) {
                    let end = self.m.rows.min(row + ROW_CHUNK);
                    // The padding of `y` is 0.
                    let y = y.range(row * layout.size()..end.next_multiple_of(4) * layout.size());
                    self.kernels.transposed::<B>(&self.m, self.first + block, row..end, y, &mut panel, sums);
                    vectorize(self.isa, Add { totals, sums });
                }
                let out = &mut self.out;
                vectorize(self.isa, Finish { bits: B as u32, limbs: layout.limbs, first, block, steps, totals, out });
            }
        }
    }
}

struct Add<'a> {
    totals: &'a mut [[f64; BLOCK]],
    sums: &'a [[i32; BLOCK]],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (total, sum) in self.totals.as_flattened_mut().iter_mut().zip(self.sums.as_flattened()) {
            *total += f64::from(*sum);
        }
    }
}

struct Finish<'a, 'o> {
    bits: u32,
    limbs: usize,
    first: usize,
    block: usize,
    steps: &'a [[f64; 2]],
    totals: &'a [[f64; BLOCK]],
    out: &'a mut ColumnsMut<'o, f32>,
}

impl Kernel for Finish<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let column = self.block * BLOCK;
        let len = BLOCK.min(self.out.len() - column);
        for (t, (steps, totals)) in self.steps.iter().zip(self.totals.chunks_exact(self.limbs)).enumerate() {
            let values = match totals {
                [low, high] => limbs([*low, *high], 4096.0, *steps),
                [low, middle, high] => limbs([*low, *middle, *high], 256.0, *steps),
                _ => [f32::NAN; BLOCK],
            };
            let mut natural = [0.0; BLOCK];
            for (at, value) in values.into_iter().enumerate() {
                natural[order::column(self.bits, at)] = value;
            }
            self.out.row(self.first + t)[column..][..len].copy_from_slice(&natural[..len]);
        }
    }
}
