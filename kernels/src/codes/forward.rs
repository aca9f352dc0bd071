//! The forward products: eight rows at a time, against some tokens.

use super::activations::Activations;
use super::{BLOCK, CHUNK, Codes, Kernels, ROWS, RowBlocks};
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::{Exec, Isa, Kernel, vectorize};

/// Columns of activations that meet eight rows before the next eight are read: whole tokens, of one,
/// two or three columns.
const GROUP: usize = 96;

/// `out[t, r]`; lengths checked, nothing empty.
pub(super) fn run<K: Kernels, const B: usize>(
    exec: Exec,
    kernels: K,
    m: Codes<'_>,
    x: Activations<'_>,
    out: &mut [f32],
) {
    let out = ColumnsMut::new(out, m.rows);
    // 20 microseconds are a million products.
    let grain = (1 << 20) / (ROWS * m.cols * x.layout.limbs * x.steps.len()) + 1;
    exec.run(Forward::<_, B> { isa: exec.isa(), kernels, m, first: 0, x, out }, grain);
}

struct Forward<'a, K, const B: usize> {
    isa: Isa,
    kernels: K,
    m: Codes<'a>,
    /// The row that is the first column of `out`.
    first: usize,
    x: Activations<'a>,
    out: ColumnsMut<'a, f32>,
}

impl<K: Kernels, const B: usize> Job for Forward<'_, K, B> {
    fn units(&self) -> usize {
        self.out.len().div_ceil(ROWS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let rows = (units * ROWS).min(self.out.len());
        let (out, rest) = self.out.split_at(rows);
        (Self { out, ..self }, Self { out: rest, first: self.first + rows, ..self })
    }

    fn run(mut self) {
        let Activations { layout, columns, steps } = self.x;
        let chunk = if layout.wide { CHUNK / 16 } else { CHUNK };
        let bytes = BLOCK * layout.size();
        let mut panel = None;
        let mut sums = [[0; ROWS]; GROUP];
        for row in (0..self.out.len()).step_by(ROWS) {
            let rows = RowBlocks::<B, ROWS>::new(&self.m, self.first + row);
            let blocks = rows.blocks();
            for (group, steps) in steps.chunks(GROUP / layout.limbs).enumerate() {
                let first = group * (GROUP / layout.limbs) * layout.limbs;
                let sums = &mut sums[..steps.len() * layout.limbs];
                let x = columns.rows(first..first + sums.len());
                let finish =
                    Finish { limbs: layout.limbs, base: layout.base(), first: first / layout.limbs, row, steps };
                if blocks <= chunk {
                    self.kernels.forward(&rows, x, &mut panel, sums);
                    vectorize(self.isa, (finish, &*sums, &mut self.out));
                    continue;
                }
                let mut totals = [[0.0; ROWS]; GROUP];
                let totals = &mut totals[..sums.len()];
                for at in (0..blocks).step_by(chunk) {
                    let len = chunk.min(blocks - at);
                    let x = x.range(at * bytes..(at + len) * bytes);
                    self.kernels.forward(&rows.range(at, len), x, &mut panel, sums);
                    for (total, sum) in totals.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                        *total += f64::from(*sum);
                    }
                }
                vectorize(self.isa, (finish, &*totals, &mut self.out));
            }
        }
    }
}

/// Sums of the columns of some tokens to outputs of eight rows.
struct Finish<'a> {
    limbs: usize,
    /// Of the limbs.
    base: f64,
    /// First token.
    first: usize,
    row: usize,
    steps: &'a [[f64; 2]],
}

impl<S: Copy + Into<f64>> Kernel for (Finish<'_>, &[[S; ROWS]], &mut ColumnsMut<'_, f32>) {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (finish, sums, out) = self;
        let len = ROWS.min(out.len() - finish.row);
        for (t, (steps, sums)) in finish.steps.iter().zip(sums.chunks_exact(finish.limbs)).enumerate() {
            let values = match sums {
                [sums] => int8(*sums, *steps),
                [low, high] => limbs([*low, *high], finish.base, *steps),
                [low, middle, high] => limbs([*low, *middle, *high], finish.base, *steps),
                _ => [f32::NAN; ROWS],
            };
            let out = &mut out.row(finish.first + t)[finish.row..][..len];
            match out.first_chunk_mut::<ROWS>() {
                Some(out) => *out = values,
                None => out.copy_from_slice(&values[..len]),
            }
        }
    }
}

#[inline(always)]
fn int8<S: Copy + Into<f64>, const N: usize>(sums: [S; N], [step, offset]: [f64; 2]) -> [f32; N] {
    let mut out = [0.0; N];
    for i in 0..N {
        out[i] = (sums[i].into() - offset) as f32 * step as f32;
    }
    out
}

/// Exact up to the last line, see [`super`].
#[inline(always)]
pub(super) fn limbs<S: Copy + Into<f64>, const N: usize, const L: usize>(
    sums: [[S; N]; L],
    base: f64,
    [step, offset]: [f64; 2],
) -> [f32; N] {
    let mut out = [0.0; N];
    for i in 0..N {
        let mut sum = 0.0;
        for l in (0..L).rev() {
            sum = sum * base + sums[l][i].into();
        }
        out[i] = ((sum - offset) * step) as f32;
    }
    out
}
