//! The loops around the instruction sets' panels: blocks of columns of digits, parts for threads,
//! and outputs from integer sums.

use core::ops::Range;

use super::portable;
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::ternary::Matrix;
use crate::ternary::activations::{join, store_fields};
use crate::ternary::shared::portable::sum;
use crate::{Exec, Isa, Kernel, vectorize};

/// Columns of int8 digits of a block: 6 tokens of one limb, 3 of two, 2 of three.
pub(super) const BLOCK: usize = 6;

/// Word columns that are never parted: their outputs are whole cache lines.
const UNIT: usize = 2;

/// Products that take about 20 microseconds.
const GRAIN: usize = 1 << 20;

/// Number of i32 that [`run`] needs for `n` tokens of `limbs` limbs.
pub(super) fn sums_len(m: Matrix<'_>, limbs: usize, n: usize) -> usize {
    n * limbs + BLOCK.min(n * limbs) * m.words_per_row * 32
}

/// How the integer sums of a token become floats.
pub(super) trait Finish<const L: usize>: Copy + Send {
    /// What token `t` has for a step.
    type Step: Copy;

    /// The step of token `t`.
    fn step(self, t: usize) -> Self::Step;

    /// An output from its sums, one a limb. `#[inline(always)]`.
    fn output(sums: [i32; L], step: Self::Step) -> f32;
}

/// Steps of limbs, powers of two or NaN.
#[derive(Clone, Copy)]
pub(super) struct Limbs<'a>(pub(super) &'a [f64]);

impl<const L: usize> Finish<L> for Limbs<'_> {
    type Step = f64;

    #[inline(always)]
    fn step(self, t: usize) -> f64 {
        self.0[t]
    }

    #[inline(always)]
    fn output(sums: [i32; L], step: f64) -> f32 {
        join(sums, step)
    }
}

/// Steps of int8 tokens and of the matrix.
#[derive(Clone, Copy)]
pub(super) struct Scales<'a> {
    pub(super) scales: &'a [f32],
    pub(super) weight_scale: f32,
}

impl Finish<1> for Scales<'_> {
    type Step = f32;

    #[inline(always)]
    fn step(self, t: usize) -> f32 {
        self.scales[t] * self.weight_scale
    }

    #[inline(always)]
    fn output([sum]: [i32; 1], step: f32) -> f32 {
        sum as f32 * step
    }
}

/// All outputs, from `y` of `[n][L][tiles]` times 8 rows; `sums` has [`sums_len`] elements.
pub(super) fn run<const L: usize, F: Finish<L>>(
    exec: Exec,
    m: Matrix<'_>,
    y: &[[i8; 8]],
    finish: F,
    sums: &mut [i32],
    out: &mut [f32],
) {
    let columns = y.len() / m.tiles();
    let (y_sums, sums) = sums.split_at_mut(columns);
    for (y_sum, y) in y_sums.iter_mut().zip(y.chunks_exact(m.tiles())) {
        *y_sum = sum(y.as_flattened());
    }
    let (words, out) = (0..m.words_per_row, ColumnsMut::new(out, m.cols));
    let part = Part { isa: exec.isa(), m, y, y_sums, finish, words, sums, out };
    let unit = m.rows.saturating_mul(32 * UNIT * columns);
    exec.run(part, GRAIN.div_ceil(unit));
}

/// Some word columns of the product.
struct Part<'a, F, const L: usize> {
    isa: Isa,
    m: Matrix<'a>,
    y: &'a [[i8; 8]],
    y_sums: &'a [i32],
    finish: F,
    words: Range<usize>,
    /// 32 sums a word column for each column of a block.
    sums: &'a mut [i32],
    out: ColumnsMut<'a, f32>,
}

impl<const L: usize, F: Finish<L>> Job for Part<'_, F, L> {
    fn units(&self) -> usize {
        self.words.len().div_ceil(UNIT)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let words = units * UNIT;
        let at = self.words.start + words;
        let (sums, other_sums) = self.sums.split_at_mut(self.sums.len() / self.words.len() * words);
        let (out, other_out) = self.out.split_at(32 * words);
        let second = Part { words: at..self.words.end, sums: other_sums, out: other_out, ..self };
        (Part { words: self.words.start..at, sums, out, ..second }, second)
    }

    fn run(mut self) {
        let tiles = self.m.tiles();
        let blocks = self.y.chunks(BLOCK / L * L * tiles).zip(self.y_sums.chunks(BLOCK / L * L));
        for (block, (y, y_sums)) in blocks.enumerate() {
            let sums = &mut self.sums[..y_sums.len() * 32 * self.words.len()];
            for (sums, y_sum) in sums.chunks_exact_mut(32 * self.words.len()).zip(y_sums) {
                sums.fill(-y_sum);
            }
            add_products(self.isa, self.m, y, self.words.clone(), sums.as_chunks_mut::<8>().0.as_chunks_mut().0);
            for t in 0..y_sums.len() / L {
                let token = block * (BLOCK / L) + t;
                let len = 32 * self.words.len();
                let sums = sums[t * L * len..][..L * len].as_chunks().0.as_chunks().0;
                let out = self.out.row(token);
                vectorize(self.isa, Outputs::<F, L> { sums, step: self.finish.step(token), out });
            }
        }
    }
}

/// `sums[c][w][f][b] += codes of column 32 w + 4 b + f, times column c of y`, for the word columns
/// `words`.
fn add_products(isa: Isa, m: Matrix<'_>, y: &[[i8; 8]], words: Range<usize>, sums: &mut [[[i32; 8]; 4]]) {
    match isa {
        Isa::Reference | Isa::Portable => portable::add_products(m, y, words, sums),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { super::avx2::add_products(m, y, words, sums) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { super::avx512::add_products(m, y, words, sums) },
        // SAFETY: a `Neon` token exists only after detection found NEON and the dot products.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => unsafe { super::neon::add_products(m, y, words, sums) },
    }
}

/// One token's outputs of some word columns.
struct Outputs<'a, F: Finish<L>, const L: usize> {
    /// `L` records, one element a word column.
    sums: &'a [[[i32; 8]; 4]],
    step: F::Step,
    out: &'a mut [f32],
}

impl<F: Finish<L>, const L: usize> Kernel for Outputs<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let words = self.sums.len() / L;
        for (w, out) in self.out.chunks_mut(32).enumerate() {
            let mut fields = [[0.0; 8]; 4];
            for (f, field) in fields.iter_mut().enumerate() {
                for (b, value) in field.iter_mut().enumerate() {
                    let mut terms = [0; L];
                    for (l, term) in terms.iter_mut().enumerate() {
                        *term = self.sums[l * words + w][f][b];
                    }
                    *value = F::output(terms, self.step);
                }
            }
            store_fields(out, fields);
        }
    }
}
