//! Where the contributions of a backward loop go.

use super::{Aligned, At, TILE, UNUSED, add_into, copy_into, for_tuples, pieces};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::Slot;
use crate::real::{Real, fold_lanes};
use crate::shape::Spread;

/// Partial sums of a single number's gradient: enough to hide the latency of an addition.
const LANES: usize = 32;

const FULL: u8 = Spread::Full as u8;
const SUFFIX: u8 = Spread::Suffix as u8;
const PREFIX: u8 = Spread::Prefix as u8;
const SCALAR: u8 = Spread::Scalar as u8;

/// Where the gradient of an operand goes; `SPREAD` is how the operand spreads.
#[derive(Debug)]
pub struct Sink<'a, R, const SPREAD: u8> {
    to: Slot<'a, R>,
    lanes: Aligned<[R; LANES]>,
}

impl<R: Real> Sink<'_, R, UNUSED> {
    /// An operand that carries no gradient.
    pub fn nowhere() -> Self {
        Sink { to: Slot::Skip, lanes: Aligned([R::ZERO; LANES]) }
    }
}

impl<'a, R: Real, const SPREAD: u8> Sink<'a, R, SPREAD> {
    /// The gradient of a parameter of `n` numbers.
    ///
    /// # Errors
    /// It is held with another size.
    pub fn parameter(gradient: &'a mut Gradient<R>, n: usize) -> Result<Self, Error> {
        let to = gradient.dense(n)?.map_or(Slot::Skip, Slot::Add);
        Ok(Sink { to, lanes: Aligned([R::ZERO; LANES]) })
    }

    /// The gradient of a parameter that is a single number.
    pub fn number(gradient: &'a mut R) -> Self {
        Sink { to: Slot::Add(core::slice::from_mut(gradient)), lanes: Aligned([R::ZERO; LANES]) }
    }

    /// The gradient of an activation.
    pub fn slot(slot: Slot<'a, R>) -> Self {
        let to = match slot {
            // contributions to repeated elements add up
            Slot::Write(g) if SPREAD != FULL => {
                g.fill(R::ZERO);
                Slot::Add(g)
            }
            other => other,
        };
        Sink { to, lanes: Aligned([R::ZERO; LANES]) }
    }

    /// Where the contributions of a whole tile are written: in place where they are contiguous and nothing is there yet, else to the
    /// buffer.
    #[inline(always)]
    fn target<'t>(&'t mut self, at: At, buffer: &'t mut [R; TILE]) -> &'t mut [R; TILE] {
        if SPREAD == FULL
            && let Slot::Write(g) = &mut self.to
            && let Some(g) = g.get_mut(at.start..).and_then(|rest| rest.first_chunk_mut())
        {
            return g;
        }
        buffer
    }

    /// The contributions of a whole tile, where they are in the buffer.
    #[inline(always)]
    fn take_tile(&mut self, at: At, tile: &[R; TILE]) {
        match SPREAD {
            FULL => {
                if let Slot::Add(g) = &mut self.to
                    && let Some(g) = g.get_mut(at.start..).and_then(|rest| rest.first_chunk_mut::<TILE>())
                {
                    add_into(g, tile);
                }
            }
            SUFFIX => {
                if let Slot::Add(g) = &mut self.to {
                    let offset = at.offset_in(g.len());
                    match g.get_mut(offset..).and_then(|rest| rest.first_chunk_mut::<TILE>()) {
                        Some(g) => add_into(g, tile),
                        None => self.take_tail(at, tile),
                    }
                }
            }
            SCALAR => {
                let mut lanes = self.lanes.0;
                for chunk in tile.as_chunks::<LANES>().0 {
                    add_into(&mut lanes, chunk);
                }
                self.lanes.0 = lanes;
            }
            PREFIX => self.take_tail(at, tile),
            _ => {}
        }
    }

    /// The contributions of a tile of any size; those beyond its `m` elements are zero.
    fn take_tail(&mut self, at: At, tile: &[R; TILE]) {
        let At { n, start, m } = at;
        match (&mut self.to, SPREAD) {
            (Slot::Skip, _) => {}
            (Slot::Write(g), FULL) => copy_into(&mut g[start..start + m], tile),
            (Slot::Add(g), FULL) => add_into(&mut g[start..start + m], tile),
            (Slot::Add(g), SUFFIX) => {
                let mut offset = at.offset_in(g.len());
                let mut rest = &tile[..m];
                while let Some(run) = g.get_mut(offset..).filter(|run| !run.is_empty() && !rest.is_empty()) {
                    let (from, after) = rest.split_at(run.len().min(rest.len()));
                    add_into(run, from);
                    rest = after;
                    offset = 0;
                }
            }
            (Slot::Add(g), PREFIX) => pieces(n / g.len().max(1), at, |row, from, to| {
                let mut sum = R::ZERO;
                for &x in &tile[from..to] {
                    sum += x;
                }
                g[row] += sum;
            }),
            (_, SCALAR) => self.take_tile(at, tile),
            _ => {}
        }
    }

    #[inline(always)]
    fn finish(mut self) {
        if SPREAD != SCALAR {
            return;
        }
        if let Some(g) = self.to.accumulate().and_then(|g| g.first_mut()) {
            *g += fold_lanes(self.lanes.0, |a, b| a + b);
        }
    }
}

/// A tuple of sinks.
pub trait Sinks<R, const N: usize> {
    /// Takes the contributions of a whole tile, those of element `i` being `back(i)`.
    fn take_tile(&mut self, at: At, buffers: &mut [[R; TILE]; N], back: impl Fn(usize) -> [R; N]);
    /// The same for the last tile, of which the first `m` elements count.
    fn take_tail(&mut self, at: At, buffers: &mut [[R; TILE]; N], back: impl Fn(usize) -> [R; N]);
    /// Adds the partial sums.
    fn finish(self);
}

/// Writes each operand's contributions of a tile to its target. As parameters of their own the targets are known to overlap nothing,
/// which the vectoriser needs.
macro_rules! write_tile {
    ($n:literal, $len:expr, $back:expr; $($name:ident $i:tt $target:expr),*) => {{
        #[inline(always)]
        #[allow(clippy::too_many_arguments, reason = "one an operand")]
        fn run<R: Copy>(len: usize, $($name: &mut [R; TILE],)* back: impl Fn(usize) -> [R; $n]) {
            for at in 0..len.min(TILE) {
                let all = back(at);
                $($name[at] = all[$i];)*
            }
        }
        run($len, $($target,)* $back);
    }};
}

macro_rules! implement {
    ($n:literal; $($spread:ident $name:ident $i:tt),*) => {
        impl<R: Real, $(const $spread: u8),*> Sinks<R, $n> for ($(Sink<'_, R, $spread>,)*) {
            #[inline(always)]
            fn take_tile(&mut self, at: At, buffers: &mut [[R; TILE]; $n], back: impl Fn(usize) -> [R; $n]) {
                let [$($name),*] = buffers;
                write_tile!($n, TILE, back; $($name $i self.$i.target(at, $name)),*);
                $(self.$i.take_tile(at, $name);)*
            }
            #[inline(always)]
            fn take_tail(&mut self, at: At, buffers: &mut [[R; TILE]; $n], back: impl Fn(usize) -> [R; $n]) {
                let [$($name),*] = buffers;
                write_tile!($n, at.padded(), back; $($name $i $name),*);
                $($name[at.m..].fill(R::ZERO);)*
                $(self.$i.take_tail(at, $name);)*
            }
            #[inline(always)]
            fn finish(self) {
                $(self.$i.finish();)*
            }
        }
    };
}

for_tuples!(implement);
