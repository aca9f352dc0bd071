//! One loop for a run of elementwise arithmetic.
//!
//! The derive writes a scalar function (straight-line arithmetic on one element) and its adjoint; the loops around
//! them live here, compiled for the best instruction set of the machine. Loops run over tiles of [`TILE`] elements:
//! every operand of a tile is a slice, whatever its [`Spread`] (which is part of its type, so nothing is decided in the loop), so the inner loop has a constant length, no branch and
//! no reduction, which is what the vectoriser takes in every build. Sums (the gradient of a scalar or a repeated
//! operand) are taken from the tile afterwards, in a fixed order.

mod operand;
mod sink;

use barewire_kernels::{Isa, Kernel, vectorize};

pub use operand::{Operand, Operands, UNUSED};
pub use sink::{Sink, Sinks};

use crate::Error;
use crate::real::Real;
use crate::shape::{Broadcast, Dims, Spread};

/// Elements of a tile.
pub const TILE: usize = 128;

/// Sizes of the result of an elementwise expression.
///
/// # Errors
/// The first operand whose sizes do not fit.
pub fn dims<const N: usize>(broadcast: &Broadcast<N>, args: [Dims; N]) -> Result<Dims, Error> {
    let mut out = Dims::SCALAR;
    for (spread, arg) in broadcast.spread.iter().zip(&args) {
        if *spread == Spread::Full {
            out = *arg;
            break;
        }
    }
    for (i, (spread, arg)) in broadcast.spread.iter().zip(&args).enumerate() {
        let (want, found) = (out.sizes(), arg.sizes());
        let fits = match spread {
            Spread::Full => want == found,
            Spread::Suffix => want.ends_with(found),
            Spread::Prefix => want.starts_with(found),
            Spread::Scalar => found.is_empty(),
        };
        if !fits {
            return Err(Error::shape(
                alloc::format!("operand {} of an elementwise expression to fit {out}", i + 1),
                alloc::format!("{arg}"),
            ));
        }
    }
    Ok(out)
}

/// Which elements a tile holds: `m` of them from `start` on, of `n` in all.
#[derive(Clone, Copy, Debug)]
pub struct At {
    n: usize,
    start: usize,
    m: usize,
}

impl At {
    /// Elements that a loop computes: a few more than there are, so that they make whole vectors.
    #[inline(always)]
    fn padded(self) -> usize {
        self.m.next_multiple_of(16).min(TILE)
    }

    /// Where the tile starts in rows of this length.
    #[inline(always)]
    fn offset_in(self, row: usize) -> usize {
        // a division takes as long as ten additions, and rows are mostly powers of two
        if row.is_power_of_two() {
            self.start & (row - 1)
        } else if row == 0 {
            0
        } else {
            self.start % row
        }
    }
}

/// Cuts a tile at the ends of rows of `inner` elements: `f(row, from, to)`.
#[inline(always)]
fn pieces(inner: usize, at: At, mut f: impl FnMut(usize, usize, usize)) {
    let inner = inner.max(1);
    let mut from = 0;
    while from < at.m {
        let row = (at.start + from) / inner;
        let to = at.m.min((row + 1) * inner - at.start);
        f(row, from, to);
        from = to;
    }
}

#[inline(always)]
fn copy_into<R: Copy>(to: &mut [R], from: &[R]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[inline(always)]
fn add_into<R: Real>(to: &mut [R], from: &[R]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}

/// Tiles on the stack, at a multiple of 64 bytes: a vector that crosses a cache line costs two accesses.
#[derive(Debug)]
#[repr(align(64))]
struct Aligned<T>(T);

/// `out[i] = f(operands at i)`
pub fn forward<R: Real, const N: usize>(out: &mut [R], operands: impl Operands<R, N>, f: impl Fn([R; N]) -> R) {
    vectorize(Isa::best(), Forward { out, operands, f });
}

struct Forward<'a, R, O, F, const N: usize> {
    out: &'a mut [R],
    operands: O,
    f: F,
}

impl<R: Real, O: Operands<R, N>, F: Fn([R; N]) -> R, const N: usize> Kernel for Forward<'_, R, O, F, N> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        let mut buffers = Aligned([[R::ZERO; TILE]; N]);
        self.operands.prepare(&mut buffers.0);
        let (tiles, tail) = self.out.as_chunks_mut::<TILE>();
        let done = tiles.len() * TILE;
        for (t, out) in tiles.iter_mut().enumerate() {
            let operands = self.operands.tiles(At { n, start: t * TILE, m: TILE }, &mut buffers.0);
            forward_tile(out, TILE, &operands, &self.f);
        }
        if !tail.is_empty() {
            let mut out = [R::ZERO; TILE];
            let at = At { n, start: done, m: tail.len() };
            let operands = self.operands.tiles(at, &mut buffers.0);
            forward_tile(&mut out, at.padded(), &operands, &self.f);
            copy_into(tail, &out);
        }
    }
}

#[inline(always)]
fn forward_tile<R: Real, const N: usize>(
    out: &mut [R; TILE],
    len: usize,
    tiles: &[&[R; TILE]; N],
    f: &impl Fn([R; N]) -> R,
) {
    for i in 0..len.min(TILE) {
        out[i] = f(tiles.map(|tile| tile[i]));
    }
}

/// As [`forward`], with `S` intermediate results put aside for the backward pass. `saved` has `S * out.len()` elements,
/// tile by tile.
pub fn forward_saving<R: Real, const N: usize, const S: usize>(
    out: &mut [R],
    saved: &mut [R],
    operands: impl Operands<R, N>,
    f: impl Fn([R; N]) -> (R, [R; S]),
) {
    vectorize(Isa::best(), ForwardSaving { out, saved, operands, f });
}

struct ForwardSaving<'a, R, O, F, const N: usize> {
    out: &'a mut [R],
    saved: &'a mut [R],
    operands: O,
    f: F,
}

impl<R: Real, O: Operands<R, N>, F: Fn([R; N]) -> (R, [R; S]), const N: usize, const S: usize> Kernel
    for ForwardSaving<'_, R, O, F, N>
{
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        let mut buffers = Aligned([[R::ZERO; TILE]; N]);
        self.operands.prepare(&mut buffers.0);
        let (tiles, tail) = self.out.as_chunks_mut::<TILE>();
        let done = tiles.len() * TILE;
        let (saved, saved_tail) = self.saved.split_at_mut(S * done);
        let saved = saved.as_chunks_mut::<TILE>().0.as_chunks_mut::<S>().0;
        for (t, (out, saved)) in tiles.iter_mut().zip(saved).enumerate() {
            let operands = self.operands.tiles(At { n, start: t * TILE, m: TILE }, &mut buffers.0);
            forward_saving_tile(out, saved, TILE, &operands, &self.f);
        }
        if !tail.is_empty() {
            let m = tail.len();
            let (mut out, mut saved) = ([R::ZERO; TILE], [[R::ZERO; TILE]; S]);
            let at = At { n, start: done, m };
            let operands = self.operands.tiles(at, &mut buffers.0);
            forward_saving_tile(&mut out, &mut saved, at.padded(), &operands, &self.f);
            copy_into(tail, &out);
            for (to, from) in saved_tail.chunks_mut(m).zip(&saved) {
                copy_into(to, from);
            }
        }
    }
}

#[inline(always)]
fn forward_saving_tile<R: Real, const N: usize, const S: usize>(
    out: &mut [R; TILE],
    saved: &mut [[R; TILE]; S],
    len: usize,
    tiles: &[&[R; TILE]; N],
    f: &impl Fn([R; N]) -> (R, [R; S]),
) {
    for i in 0..len.min(TILE) {
        let (y, kept) = f(tiles.map(|tile| tile[i]));
        out[i] = y;
        for (saved, kept) in saved.iter_mut().zip(kept) {
            saved[i] = kept;
        }
    }
}

/// The adjoint: `f(operands at i, saved at i, cotangent at i)` gives a contribution for each operand.
pub fn backward<R: Real, const N: usize, const S: usize>(
    cot: &[R],
    saved: &[R],
    operands: impl Operands<R, N>,
    sinks: impl Sinks<R, N>,
    f: impl Fn([R; N], [R; S], R) -> [R; N],
) {
    vectorize(Isa::best(), Backward { cot, saved, operands, sinks, f, results: [(); S] });
}

struct Backward<'a, R, O, K, F, const N: usize, const S: usize> {
    cot: &'a [R],
    saved: &'a [R],
    operands: O,
    sinks: K,
    f: F,
    /// gives the type its `S`
    results: [(); S],
}

impl<R: Real, O: Operands<R, N>, K: Sinks<R, N>, F: Fn([R; N], [R; S], R) -> [R; N], const N: usize, const S: usize>
    Kernel for Backward<'_, R, O, K, F, N, S>
{
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Backward { cot, saved, operands, mut sinks, f, results } = self;
        let n = cot.len();
        let mut buffers = Aligned([[R::ZERO; TILE]; N]);
        operands.prepare(&mut buffers.0);
        let (tiles, tail) = cot.as_chunks::<TILE>();
        let done = tiles.len() * TILE;
        let (saved, saved_tail) = saved.split_at(S * done);
        let saved = saved.as_chunks::<TILE>().0;
        let mut contributions = Aligned([[R::ZERO; TILE]; N]);
        for (t, cot) in tiles.iter().enumerate() {
            let at = At { n, start: t * TILE, m: TILE };
            let Some(saved) = saved.get(t * S..).and_then(|rest| rest.first_chunk::<S>()) else { return };
            let tiles = operands.tiles(at, &mut buffers.0);
            sinks.take_tile(at, &mut contributions.0, back_at(&tiles, saved, cot, &f));
        }
        if !tail.is_empty() {
            let m = tail.len();
            let at = At { n, start: done, m };
            let (mut cot, mut saved) = ([R::ZERO; TILE], results.map(|()| [R::ZERO; TILE]));
            copy_into(&mut cot, tail);
            for (to, from) in saved.iter_mut().zip(saved_tail.chunks(m)) {
                copy_into(to, from);
            }
            let tiles = operands.tiles(at, &mut buffers.0);
            sinks.take_tail(at, &mut contributions.0, back_at(&tiles, &saved, &cot, &f));
        }
        sinks.finish();
    }
}

/// The contributions of element `i` of a tile.
#[inline(always)]
fn back_at<'t, R: Real, const N: usize, const S: usize>(
    tiles: &'t [&'t [R; TILE]; N],
    saved: &'t [[R; TILE]; S],
    cot: &'t [R; TILE],
    f: &'t impl Fn([R; N], [R; S], R) -> [R; N],
) -> impl Fn(usize) -> [R; N] + 't {
    #[inline(always)]
    move |i| f(tiles.map(|tile| tile[i]), saved.each_ref().map(|saved| saved[i]), cot[i])
}

/// Implements a trait for tuples of one to twelve operands or sinks.
macro_rules! for_tuples {
    ($implement:ident) => {
        $implement!(1; A a 0);
        $implement!(2; A a 0, B b 1);
        $implement!(3; A a 0, B b 1, C c 2);
        $implement!(4; A a 0, B b 1, C c 2, D d 3);
        $implement!(5; A a 0, B b 1, C c 2, D d 3, E e 4);
        $implement!(6; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5);
        $implement!(7; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6);
        $implement!(8; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7);
        $implement!(9; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8);
        $implement!(10; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8, J j 9);
        $implement!(11; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8, J j 9, K k 10);
        $implement!(12; A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8, J j 9, K k 10, L l 11);
    };
}
use for_tuples;
