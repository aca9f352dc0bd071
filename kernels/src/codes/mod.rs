//! Products with packed unsigned codes of 1 to 8 bits: what [`crate::binary`] and
//! [`crate::quantized`] share.
//!
//! `W[r, c] = scale * (code[r, c] - zero)`; a row is a string of bits, lowest first, in `u64` words.
//!
//! # Blocks of 64 columns
//!
//! 64 codes of `bits` bits are exactly `bits` words, so every width is read in blocks of 64 columns
//! that start at a word. Unpacked to bytes, a block is two AVX2 registers, one of AVX-512 or four of
//! NEON. Widths that divide 8 are unpacked out of order: field `f` of all bytes comes before field
//! `f + 1`, which takes a shift and a mask. [`activations`] puts the activations into the same order,
//! once for all rows.
//!
//! # Exact sums
//!
//! Activations are int8 codes, or f32 rounded to integers below 2^15 or 2^23 times a power of two and split
//! into digits of 8 (or 12) bits, the limbs. Products of codes and limbs are integers; every path
//! adds them in integers that cannot overflow, and joins them in f64, which holds them exactly
//! (`2^22` terms below `2^8 * 2^23` are below `2^53`). The bits therefore depend neither on the
//! instruction set nor on batching or threads.
//!
//! # Files
//!
//! `activations` makes limbs; `forward` and `transposed` cut the work and finish sums; `portable`,
//! `avx2`, `avx512` and `neon` are the kernels behind the trait [`Kernels`]; `order` says where codes
//! go.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod forward;
#[cfg(target_arch = "aarch64")]
mod neon;
mod order;
mod portable;
mod transposed;

pub(crate) use activations::Grade;

use crate::columns::Columns;
use crate::error::KernelError;
use crate::ternary::MAX_DIM;
use crate::{Exec, Isa, Scratch};

/// Columns of a block.
const BLOCK: usize = 64;
/// Rows that the forward kernels take at once.
const ROWS: usize = 8;
/// Blocks after which forward sums leave i32: `1024 * 64 * 255 * 128 < 2^31`. Wide activations are
/// below 2^11 in magnitude, for them a sixteenth is: `64 * 64 * 255 * 2048 < 2^31`.
const CHUNK: usize = 1024;
/// Rows whose codes are unpacked at once for the transposed product: a multiple of 4.
const ROW_CHUNK: usize = 256;
/// Rows after which transposed sums leave i32, as for [`CHUNK`], wide or not: `4096 * 255 * 2048 < 2^31`.
const SUM_ROWS: usize = 16 * ROW_CHUNK;

/// Refuses dimensions for which the sums would not be exact.
pub(crate) fn check_dims(rows: usize, cols: usize) -> Result<(), KernelError> {
    for (argument, found) in [("rows", rows), ("cols", cols)] {
        if found > MAX_DIM {
            return Err(KernelError::TooLarge { argument, limit: MAX_DIM, found });
        }
    }
    Ok(())
}

/// One NaN or infinity in a token makes all its outputs NaN, whatever the codes are.
pub(crate) fn finite_or_nan(token: &[f32], sum: f64) -> f32 {
    if token.iter().all(|v| v.is_finite()) { sum as f32 } else { f32::NAN }
}

/// The code of token `t`, column `c` in the order of [`crate::ternary::quantize_int8`].
pub(crate) fn int8_code(codes: &[i8], cols: usize, t: usize, c: usize) -> i8 {
    codes[(t * cols.div_ceil(32) + c / 32) * 32 + c % 4 * 8 + c % 32 / 4]
}

/// A packed matrix whose lengths have been checked, not empty.
#[derive(Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub(crate) words: &'a [u64],
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// 1 to 8.
    pub(crate) bits: u32,
    pub(crate) scale: f32,
    pub(crate) zero: u8,
}

impl<'a> Codes<'a> {
    /// The words of a row, in blocks, and those of an incomplete last block.
    #[inline(always)]
    fn row<const B: usize>(&self, r: usize) -> (&'a [[u64; B]], &'a [u64]) {
        let len = (self.cols * B).div_ceil(64);
        self.words[r * len..][..len].as_chunks()
    }
}

/// Blocks of some rows. Rows past the end of the matrix repeat its last one.
struct RowBlocks<'a, const B: usize, const R: usize> {
    full: [&'a [[u64; B]]; R],
    /// The last block, if its words are not all there; missing words are 0.
    tail: Option<[[u64; B]; R]>,
}

impl<'a, const B: usize, const R: usize> RowBlocks<'a, B, R> {
    #[inline(always)]
    fn new(m: &Codes<'a>, first: usize) -> Self {
        let mut full: [&[[u64; B]]; R] = [&[]; R];
        let mut rests: [&[u64]; R] = [&[]; R];
        for (r, (full, rest)) in full.iter_mut().zip(&mut rests).enumerate() {
            (*full, *rest) = m.row::<B>((first + r).min(m.rows - 1));
        }
        let mut tail = None;
        if !rests[0].is_empty() {
            let mut blocks = [[0; B]; R];
            for (block, rest) in blocks.iter_mut().zip(rests) {
                block[..rest.len()].copy_from_slice(rest);
            }
            tail = Some(blocks);
        }
        Self { full, tail }
    }

    fn blocks(&self) -> usize {
        self.full[0].len() + usize::from(self.tail.is_some())
    }

    /// `len` blocks from `first` on.
    #[inline(always)]
    fn range(&self, first: usize, len: usize) -> Self {
        let whole = self.full[0].len();
        let mut full: [&[[u64; B]]; R] = [&[]; R];
        for (part, full) in full.iter_mut().zip(self.full) {
            *part = &full[first.min(whole)..whole.min(first + len)];
        }
        Self { full, tail: if first + len > whole { self.tail } else { None } }
    }
}

/// The kernels of an instruction set. A value proves that the CPU has it.
trait Kernels: Copy + Send + Sync {
    /// Whether the CPU rounds floats to even in one instruction.
    const ROUNDS: bool;

    /// Whether activations for this width are i16, and limbs have 12 bits.
    fn wide(self, bits: u32) -> bool;

    /// What is taken from every code before it is multiplied.
    fn offset(self, bits: u32) -> u8;

    /// `sums[k][r] = sum over columns of (code[r] - offset) * x[k]`, for at most [`CHUNK`] blocks
    /// (or their share if wide). Row `k` of `x` is column `k` of activations, in the order of
    /// [`order`]. `panel` is made when it is first needed: for a small product that takes a while.
    fn forward<const B: usize>(
        self,
        rows: &RowBlocks<'_, B, ROWS>,
        x: Columns<'_, i8>,
        panel: &mut Option<Panel>,
        sums: &mut [[i32; ROWS]],
    );

    /// `sums[k][p] += sum over rows of (code[r, p] - offset) * y[k][r]`, for block `block`
    /// of the at most [`ROW_CHUNK`] rows from `first` on. Row `k` of `y` has as many elements as there
    /// are rows, rounded up to a multiple of 4. Sums are in the order of [`order`].
    fn transposed<const B: usize>(
        self,
        m: &Codes<'_>,
        block: usize,
        rows: core::ops::Range<usize>,
        y: Columns<'_, i8>,
        panel: &mut Panel,
        sums: &mut [[i32; BLOCK]],
    );
}

/// Blocks of a [`Panel`]: 24 KiB, so that with some activations it fills the first cache level.
const PANEL_BLOCKS: usize = 48 * ROWS;

/// Room for unpacked codes: 48 blocks of [`ROWS`] rows, or one block of [`ROW_CHUNK`] rows.
#[repr(align(64))]
struct Panel([[u64; 8]; PANEL_BLOCKS]);

impl Panel {
    const EMPTY: Self = Self([[0; 8]; PANEL_BLOCKS]);

    /// The same memory as bytes.
    fn bytes(&mut self) -> &mut [u8; 64 * PANEL_BLOCKS] {
        // SAFETY: arrays of integers without padding, of the same size; every value of the one is
        // a value of the other, and `u8` has no alignment to keep.
        unsafe { &mut *self.0.as_mut_ptr().cast() }
    }
}

/// `N` rows of `len` elements.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn rows_of<T, const N: usize>(records: &[T], len: usize) -> [&[T]; N] {
    let mut rows: [&[T]; N] = [&[]; N];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &records[r * len..][..len];
    }
    rows
}

/// Runs an expression with `$kernels` bound to the kernels of an instruction set.
macro_rules! with_kernels {
    ($isa:expr, $kernels:ident => $body:expr) => {
        match $isa {
            Isa::Reference | Isa::Portable => {
                let $kernels = portable::Portable;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2($kernels) => $body,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512($kernels) => $body,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon($kernels) => $body,
        }
    };
}

/// Runs an expression with the constant `$b` bound to the width of the codes.
macro_rules! with_bits {
    ($bits:expr, $b:ident => $body:expr) => {
        with_bits!(@ $bits, $b => $body; 1 2 3 4 5 6 7)
    };
    (@ $bits:expr, $b:ident => $body:expr; $($n:literal)*) => {
        match $bits {
            $($n => { const $b: usize = $n; $body })*
            _ => { const $b: usize = 8; $body }
        }
    };
}

/// `out[t, r] = (sum over c of (code[r, c] - zero) * q[t, c]) as f32 * (scales[t] * scale)`, with
/// int8 codes `q` in the order of [`crate::ternary::quantize_int8`]; lengths checked, nothing empty.
pub(crate) fn forward_int8(
    exec: Exec,
    m: Codes<'_>,
    codes: &[i8],
    scales: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    with_kernels!(exec.isa(), kernels => {
        let layout = activations::Layout::int8(m.bits, m.cols, kernels.wide(m.bits));
        let zero = i32::from(m.zero) - i32::from(kernels.offset(m.bits));
        let (out_codes, steps) = layout.parts(scratch, scales.len())?;
        let x = activations::reorder_int8(exec, layout, (m.scale, zero), (codes, scales), m.cols, out_codes, steps);
        with_bits!(m.bits, B => forward::run::<_, B>(exec, kernels, m, x, out));
    });
    Ok(())
}

/// `out[t, r] = sum over c of W[r, c] * x[t, c]`; lengths checked, nothing empty.
pub(crate) fn forward_floats(
    exec: Exec,
    grade: Grade,
    m: Codes<'_>,
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    with_kernels!(exec.isa(), kernels => {
        let n = x.len() / m.cols;
        let layout = activations::Layout::limbs(grade, m.bits, m.cols, kernels.wide(m.bits));
        let zero = i32::from(m.zero) - i32::from(kernels.offset(m.bits));
        let (codes, steps) = layout.parts(scratch, n)?;
        let x = activations::split_limbs(kernels, exec, (layout, grade), (m.scale, zero), x, m.cols, codes, steps);
        with_bits!(m.bits, B => forward::run::<_, B>(exec, kernels, m, x, out));
    });
    Ok(())
}

/// `out[t, c] = sum over r of W[r, c] * y[t, r]`; lengths checked, nothing empty.
pub(crate) fn transposed_floats(
    exec: Exec,
    grade: Grade,
    m: Codes<'_>,
    y: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    with_kernels!(exec.isa(), kernels => {
        let n = y.len() / m.rows;
        // One value a row, in order: the layout of widths that are not reordered.
        let layout = activations::Layout::limbs(grade, 8, m.rows, kernels.wide(m.bits));
        let zero = i32::from(m.zero) - i32::from(kernels.offset(m.bits));
        let (codes, steps) = layout.parts(scratch, n)?;
        let y = activations::split_limbs(kernels, exec, (layout, grade), (m.scale, zero), y, m.rows, codes, steps);
        with_bits!(m.bits, B => transposed::run::<_, B>(exec, kernels, m, y, out));
    });
    Ok(())
}
