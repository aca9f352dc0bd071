//! What a fused loop reads.

use super::{At, TILE, copy_into, for_tuples, pieces};
use crate::real::Real;
use crate::shape::Spread;

/// In place of a [`Spread`]: an operand that the loop does not read.
pub const UNUSED: u8 = u8::MAX;

const FULL: u8 = Spread::Full as u8;
const SUFFIX: u8 = Spread::Suffix as u8;
const PREFIX: u8 = Spread::Prefix as u8;
const SCALAR: u8 = Spread::Scalar as u8;

/// An operand's numbers; `SPREAD` is a [`Spread`] as a number.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a, R, const SPREAD: u8> {
    data: &'a [R],
}

impl<'a, R: Real, const SPREAD: u8> Operand<'a, R, SPREAD> {
    /// Numbers that spread in this way.
    pub fn new(data: &'a [R]) -> Self {
        Operand { data }
    }
}

impl<R> Operand<'_, R, UNUSED> {
    /// An operand that the loop does not read.
    pub fn unused() -> Self {
        Operand { data: &[] }
    }
}

impl<R: Real, const SPREAD: u8> Operand<'_, R, SPREAD> {
    /// Fills the buffer where it is the same for each tile.
    #[inline(always)]
    fn prepare(&self, buffer: &mut [R; TILE]) {
        if SPREAD == SCALAR
            && let Some(&value) = self.data.first()
        {
            buffer.fill(value);
        }
    }

    /// The elements of a tile: in place where they are contiguous, else in the buffer.
    #[inline(always)]
    fn tile<'t>(&'t self, at: At, buffer: &'t mut [R; TILE]) -> &'t [R; TILE] {
        match SPREAD {
            FULL => {
                let rest = self.data.get(at.start..).unwrap_or(&[]);
                if let Some(tile) = rest.first_chunk() {
                    return tile;
                }
                copy_into(buffer, rest);
            }
            SUFFIX => {
                let mut offset = at.offset_in(self.data.len());
                if let Some(tile) = self.data.get(offset..).and_then(|rest| rest.first_chunk()) {
                    return tile;
                }
                let mut rest = &mut buffer[..at.m];
                while let Some(run) = self.data.get(offset..).filter(|run| !run.is_empty() && !rest.is_empty()) {
                    let (to, after) = rest.split_at_mut(run.len().min(rest.len()));
                    copy_into(to, run);
                    rest = after;
                    offset = 0;
                }
            }
            PREFIX => pieces(at.n / self.data.len().max(1), at, |row, from, to| {
                if let Some(&value) = self.data.get(row) {
                    buffer[from..to].fill(value);
                }
            }),
            _ => {}
        }
        buffer
    }
}

/// A tuple of operands.
pub trait Operands<R, const N: usize> {
    /// Fills the buffers of operands that are the same for each tile.
    fn prepare(&self, buffers: &mut [[R; TILE]; N]);
    /// The elements of a tile, for each operand.
    fn tiles<'t>(&'t self, at: At, buffers: &'t mut [[R; TILE]; N]) -> [&'t [R; TILE]; N];
}

macro_rules! implement {
    ($n:literal; $($spread:ident $name:ident $i:tt),*) => {
        impl<R: Real, $(const $spread: u8),*> Operands<R, $n> for ($(Operand<'_, R, $spread>,)*) {
            #[inline(always)]
            fn prepare(&self, buffers: &mut [[R; TILE]; $n]) {
                $(self.$i.prepare(&mut buffers[$i]);)*
            }
            #[inline(always)]
            fn tiles<'t>(&'t self, at: At, buffers: &'t mut [[R; TILE]; $n]) -> [&'t [R; TILE]; $n] {
                let [$($name),*] = buffers;
                [$(self.$i.tile(at, $name)),*]
            }
        }
    };
}

for_tuples!(implement);
