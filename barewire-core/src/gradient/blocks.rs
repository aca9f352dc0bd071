//! A gradient some rows at a time, in whatever form it is held: never a whole matrix that was not there before.

use alloc::vec::Vec;
use core::ops::Range;

use barewire_kernels::Exec;

use super::{FlowRef, Gradient, Representation};
use crate::Error;
use crate::real::Real;

/// Numbers that are formed at a time: 256 KiB of `f32`, which the second cache level holds.
const BLOCK: usize = 1 << 16;

impl<R: Real> FlowRef<'_, R> {
    /// `take` for all rows of the matrix `[rows, cols]` in order: those of a dense gradient at once and where they lie, of
    /// any other form some at a time, formed in `room`. Their number is a multiple of `unit`, but for the last ones.
    pub(super) fn each_block(
        self,
        exec: Exec,
        [rows, cols]: [usize; 2],
        unit: usize,
        room: &mut Vec<R>,
        mut take: impl FnMut(Range<usize>, &[R]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check_size(rows.saturating_mul(cols))?;
        if let FlowRef::Dense(all) = self {
            return take(0..rows, all);
        }
        // any number of rows may be empty
        let rows = if cols == 0 { 0 } else { rows };
        let step = (BLOCK / cols.max(1) / unit).max(1) * unit;
        for first in (0..rows).step_by(step) {
            let range = first..rows.min(first + step);
            room.resize(range.len() * cols, R::ZERO);
            self.read_rows(exec, [rows, cols], range.clone(), room)?;
            take(range, room)?;
        }
        Ok(())
    }
}

impl<R: Real> Gradient<R> {
    /// `take` for all rows of the matrix `[rows, cols]` in order, some at a time; for none if nobody wants them. Without a
    /// contribution they are zeros.
    pub(crate) fn each_block(
        &mut self,
        exec: Exec,
        sizes: [usize; 2],
        unit: usize,
        room: &mut Vec<R>,
        take: impl FnMut(Range<usize>, &[R]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self.representation() {
            Representation::Ignored => Ok(()),
            _ => self.as_flow().each_block(exec, sizes, unit, room, take),
        }
    }
}
