//! What linear layers with packed weights share.
//!
//! With `f32` the kernels multiply packed words. Any other scalar unpacks the digits into scratch memory and takes the
//! dense product: that is the path of checks, not of training.

use barewire_kernels::{binary, quantized, ternary};

use super::support::{Overwritten, length, numbers, rows, times, times_transposed, with_kernel_scratch};
use crate::Error;
use crate::gradient::Signal;
use crate::primitive::{Arg, Slot};
use crate::real::Real;
use crate::residual::Arrays;
use crate::wire::{BinaryView, TernaryView};
use crate::workspace::Arena;

/// A packed matrix of small integers.
pub trait Packed: Copy {
    /// `[rows, cols]`
    fn sizes(self) -> [usize; 2];
    /// The digit at a place.
    fn digit(self, row: usize, col: usize) -> Result<i32, Error>;
    /// `y[n, rows] = M x`
    fn forward_f32(self, x: &[f32], n: usize, y: &mut [f32]) -> Result<(), Error>;
    /// `x_cot[n, cols] = Mᵀ y_cot`
    fn transposed_f32(self, y_cot: &[f32], n: usize, x_cot: &mut [f32]) -> Result<(), Error>;
}

impl Packed for TernaryView<'_> {
    fn sizes(self) -> [usize; 2] {
        [self.rows, self.cols]
    }
    fn digit(self, row: usize, col: usize) -> Result<i32, Error> {
        Ok(ternary::get(self.words, self.rows, self.cols, row, col)?.into())
    }
    fn forward_f32(self, x: &[f32], n: usize, y: &mut [f32]) -> Result<(), Error> {
        Ok(with_kernel_scratch(|s| ternary::forward_f32(self.words, self.rows, self.cols, x, n, y, s))?)
    }
    fn transposed_f32(self, y: &[f32], n: usize, x: &mut [f32]) -> Result<(), Error> {
        Ok(with_kernel_scratch(|s| ternary::transposed_f32(self.words, self.rows, self.cols, y, n, x, s))?)
    }
}

impl Packed for BinaryView<'_> {
    fn sizes(self) -> [usize; 2] {
        [self.rows, self.cols]
    }
    fn digit(self, row: usize, col: usize) -> Result<i32, Error> {
        Ok(binary::get(self.words, self.rows, self.cols, row, col)?.into())
    }
    fn forward_f32(self, x: &[f32], n: usize, y: &mut [f32]) -> Result<(), Error> {
        Ok(with_kernel_scratch(|s| binary::forward_f32(self.words, self.rows, self.cols, x, n, y, s))?)
    }
    fn transposed_f32(self, y: &[f32], n: usize, x: &mut [f32]) -> Result<(), Error> {
        Ok(with_kernel_scratch(|s| binary::transposed_f32(self.words, self.rows, self.cols, y, n, x, s))?)
    }
}

/// Codes of 2 to 8 bits less a whole zero point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codes<'w> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) bits: u8,
    pub(super) zero: u8,
    pub(super) words: &'w [u64],
}

impl Codes<'_> {
    fn format(self) -> quantized::Format {
        quantized::Format { bits: self.bits.into(), scale: 1.0, zero: self.zero }
    }
}

impl Packed for Codes<'_> {
    fn sizes(self) -> [usize; 2] {
        [self.rows, self.cols]
    }
    fn digit(self, row: usize, col: usize) -> Result<i32, Error> {
        let code = quantized::get(self.words, self.rows, self.cols, self.bits.into(), row, col)?;
        Ok(i32::from(code) - i32::from(self.zero))
    }
    fn forward_f32(self, x: &[f32], n: usize, y: &mut [f32]) -> Result<(), Error> {
        let format = self.format();
        Ok(with_kernel_scratch(|s| quantized::forward_f32(self.words, self.rows, self.cols, format, x, n, y, s))?)
    }
    fn transposed_f32(self, y: &[f32], n: usize, x: &mut [f32]) -> Result<(), Error> {
        let format = self.format();
        Ok(with_kernel_scratch(|s| quantized::transposed_f32(self.words, self.rows, self.cols, format, y, n, x, s))?)
    }
}

/// `y[n, rows] = M x`
pub(super) fn forward<R: Real>(
    m: impl Packed,
    x: &[R],
    n: usize,
    y: &mut [R],
    scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let [o, i] = m.sizes();
    if let (Some(x), Some(y)) = (R::as_f32(x), R::as_f32_mut(y)) {
        return m.forward_f32(x, n, y);
    }
    times_transposed([n, o, i], x, unpacked(m, scratch)?, false, y)
}

/// `x_cot[n, cols] = Mᵀ y_cot`
pub(super) fn transposed<R: Real>(
    m: impl Packed,
    y_cot: &[R],
    n: usize,
    x_cot: &mut [R],
    scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let [o, i] = m.sizes();
    if let (Some(y_cot), Some(x_cot)) = (R::as_f32(y_cot), R::as_f32_mut(x_cot)) {
        return m.transposed_f32(y_cot, n, x_cot);
    }
    times([n, o, i], y_cot, unpacked(m, scratch)?, false, x_cot)
}

fn unpacked<'s, R: Real>(m: impl Packed, mut scratch: Arena<'s, R>) -> Result<&'s [R], Error> {
    let [o, i] = m.sizes();
    let digits = scratch.take(o.saturating_mul(i));
    for (row, digits) in digits.chunks_exact_mut(i.max(1)).enumerate() {
        for (col, digit) in digits.iter_mut().enumerate() {
            *digit = R::of(m.digit(row, col)?.into());
        }
    }
    Ok(digits)
}

/// What a linear layer keeps whose weights are its digits alone.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, M, R> {
    digits: M,
    x: &'r [R],
    n: usize,
}

impl<'r, M: Packed> Residual<'r, M, f32> {
    pub(super) fn read(digits: M, x: Arg<'r, 'r, f32>, from: &Arrays<'_, 'r>) -> Result<Self, Error> {
        Ok(Residual { digits, n: rows("x", x.dims(), digits.sizes()[1])?, x: from.kept(x)? })
    }
}

impl<'r, M: Packed, R: Real> Residual<'r, M, R> {
    pub(super) fn forward(
        digits: M,
        x: Arg<'r, '_, R>,
        y: &mut [R],
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self, Error> {
        let n = rows("x", x.dims(), digits.sizes()[1])?;
        forward(digits, numbers("x", x)?, n, y, scratch)?;
        Ok(Residual { digits, x: x.keep(saved), n })
    }

    pub(super) fn backward(
        self,
        c: &[R],
        signal: &mut Signal<R>,
        slot: Slot<'_, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let [o, i] = self.digits.sizes();
        length("cotangent", self.n.saturating_mul(o), c.len())?;
        if slot.size().is_some() {
            let mut scratch = scratch.lend();
            let x_cot = Overwritten::new("x", slot, self.x.len(), &mut scratch)?;
            transposed(self.digits, c, self.n, x_cot.values, scratch)?;
            x_cot.finish();
        }
        signal.add_outer([self.n, o, i], R::ONE, c, self.x)
    }
}
