//! The forward product with activations as they are: checks, blocks, and the choice of a path.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
pub(super) mod reference;

use core::ops::Range;

use super::Matrix;
use crate::columns::ColumnsMut;
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::{Exec, Isa};

entry_points! {
    /// Product with f32 activations that are not rounded: additions and subtractions only.
    ///
    /// `out[t, r] = sum over c of T[r, c] * x[t, c]`
    ///
    /// # The order of additions
    ///
    /// A term is `-x`, `+0`, `x` (or `x + x` for the code 3, which is no digit). With `x` and digits
    /// followed by zeros up to a multiple of 32 columns, all sums from left to right, each addition
    /// rounded to f32:
    ///
    /// ```text
    /// pair[k]  = term[2 k] + term[2 k + 1]
    /// word[w]  = pair[16 w] + pair[16 w + 1] + .. + pair[16 w + 15]
    /// block[i] = word[8 i] + word[8 i + 1] + ..                        8 words, fewer in the last
    /// out      = block[0] + block[1] + ..
    /// ```
    ///
    /// This is so on every instruction set but `Reference` (f64 inside), for any batching and any
    /// threads: they all give the same bits, up to the payload of NaNs.
    ///
    /// # Error
    ///
    /// A term passes through at most `a = 22 + ceil(cols / 256)` additions, so with `u = 2^-24`
    ///
    /// `|error| <= a u / (1 - a u) * sum of |x[t, c]| over the digits that are not 0`
    ///
    /// unless a sum overflows. No quantiser is involved: an element of `x` that is far smaller than the
    /// others counts in full. A NaN or an infinity reaches the rows whose digit is not 0 there, and no
    /// others.
    ///
    /// | name    | shape                |
    /// |---------|----------------------|
    /// | `words` | [`super::words_len`] |
    /// | `x`     | `[n, cols]`          |
    /// | `out`   | `[n, rows]`          |
    ///
    /// Needs no scratch. With AVX2 it runs at half the speed of [`super::forward_f32`] for one token and
    /// at three quarters for a batch.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `x` or `out`; the errors of [`super::words_len`].
    ///
    /// ```
    /// use barewire_kernels::ternary;
    ///
    /// let mut words = [0; 8];
    /// ternary::pack_i8(2, 3, &[1, 0, -1, 0, 1, 1], &mut words)?;
    /// let mut out = [0.0; 2];
    /// ternary::forward_unquantized(&words, 2, 3, &[1.0, f32::NAN, 1e-30], 1, &mut out)?;
    /// assert_eq!(out[0], 1.0);
    /// assert!(out[1].is_nan());
    /// # Ok::<(), barewire_kernels::KernelError>(())
    /// ```
    pub fn forward_unquantized and forward_unquantized_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        x: &[f32],
        n: usize,
        out: &mut [f32],
    ) on exec {
        let m = Matrix::new(words, rows, cols)?;
        check_len("x", x, product("x", &[n, cols])?)?;
        check_len("out", out, product("out", &[n, rows])?)?;
        if m.trivial(n) {
            out.fill(0.0);
            return Ok(());
        }
        if exec.isa() == Isa::Reference {
            reference::forward(m, x, out);
            return Ok(());
        }
        let part = Part { isa: exec.isa(), m, x, tiles: 0..m.tiles(), out: ColumnsMut::new(out, rows) };
        exec.run(part, GRAIN.div_ceil(x.len().saturating_mul(8 * UNIT)));
        Ok(())
    }
}

/// Words of a block. Part of the order in the docs: changing it changes bits.
const WORDS: usize = 8;

/// Tokens that share an unpacked word, at most.
const TOKENS: usize = 4;

/// Tiles that are never parted: what the widest vectors hold.
const UNIT: usize = 2;

/// Products that take about 20 microseconds.
const GRAIN: usize = 1 << 18;

/// Some rows of the product.
struct Part<'a> {
    isa: Isa,
    m: Matrix<'a>,
    x: &'a [f32],
    tiles: Range<usize>,
    out: ColumnsMut<'a, f32>,
}

impl Job for Part<'_> {
    fn units(&self) -> usize {
        self.tiles.len().div_ceil(UNIT)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let at = self.tiles.start + units * UNIT;
        let (out, other_out) = self.out.split_at(units * UNIT * 8);
        let second = Part { tiles: at..self.tiles.end, out: other_out, ..self };
        (Part { tiles: self.tiles.start..at, out, ..second }, second)
    }

    fn run(mut self) {
        let (cols, words) = (self.m.cols, self.m.words_per_row);
        let pairs = core::hint::black_box(8);
        for (i, x) in self.x.chunks(TOKENS * cols).enumerate() {
            for first in (0..words).step_by(WORDS) {
                let block = Block {
                    m: self.m,
                    tiles: self.tiles.clone(),
                    words: first..words.min(first + WORDS),
                    x,
                    token: i * TOKENS,
                    pairs,
                };
                run_block(self.isa, &block, &mut self.out);
            }
        }
    }
}

/// One block of columns of some tokens and tiles.
struct Block<'a> {
    m: Matrix<'a>,
    tiles: Range<usize>,
    words: Range<usize>,
    /// The tokens, all columns.
    x: &'a [f32],
    /// Number of the first token.
    token: usize,
    /// 8, the pairs of half a word, in a way that the compiler cannot see: it would unroll the loop
    /// over them, and then the tiles' sums no longer alternate but wait for themselves.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pairs: usize,
}

impl Block<'_> {
    /// Activations of the block of token `c`.
    #[inline(always)]
    fn columns(&self, c: usize) -> &[f32] {
        let cols = self.m.cols;
        &self.x[c * cols..][..cols][self.words.start * 32..cols.min(self.words.end * 32)]
    }

    /// Takes the sums of one tile and one token to the outputs.
    #[inline(always)]
    fn store(&self, out: &mut ColumnsMut<'_, f32>, tile: usize, c: usize, sums: [f32; 8]) {
        let out = &mut out.row(self.token + c)[(tile - self.tiles.start) * 8..];
        let first = self.words.start == 0;
        match out.first_chunk_mut::<8>() {
            Some(out) => take(out, &sums, first),
            None => take(out, &sums, first),
        }
    }
}

/// `out = sums` at first, then `out += sums`.
#[inline(always)]
fn take(out: &mut [f32], sums: &[f32; 8], first: bool) {
    if first {
        out.copy_from_slice(&sums[..out.len()]);
    } else {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += sum;
        }
    }
}

fn run_block(isa: Isa, block: &Block<'_>, out: &mut ColumnsMut<'_, f32>) {
    match isa {
        Isa::Reference | Isa::Portable => portable::run(block, out),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::run(block, out) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::run(block, out) },
        // NEON is part of the target, and the portable loops are plain vector code.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => portable::run(block, out),
    }
}
