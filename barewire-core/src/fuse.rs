//! One loop for a run of elementwise arithmetic.
//!
//! The derive writes a scalar function (straight-line arithmetic on one element) and its adjoint; the loops around
//! them live here, compiled for the best instruction set of the machine. Loops run over tiles of [`TILE`] elements:
//! every operand of a tile is a slice, whatever its [`Spread`], so the inner loop has a constant length, no branch and
//! no reduction, which is what the vectoriser takes in every build. Sums (the gradient of a scalar or a repeated
//! operand) are taken from the tile afterwards, in a fixed order.

use barewire_kernels::{Isa, Kernel, vectorize};

use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::Slot;
use crate::real::Real;
use crate::shape::{Broadcast, Dims, Spread};

/// Partial sums of a repeated operand's gradient: enough to hide the latency of an addition.
const LANES: usize = 32;

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

/// An operand's numbers and how they spread over the result.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a, R> {
    data: &'a [R],
    spread: Spread,
}

impl<'a, R: Real> Operand<'a, R> {
    /// Numbers that spread in this way.
    pub fn new(spread: Spread, data: &'a [R]) -> Self {
        Operand { data, spread }
    }

    /// An operand that the loop does not read.
    pub fn unused() -> Self {
        Operand { data: &[], spread: Spread::Scalar }
    }

    /// The elements `start..start + TILE` of the operand, or the first `m` of them, in place where they are contiguous.
    #[inline(always)]
    fn tile<'t>(&self, at: At, buffer: &'t mut [R; TILE]) -> &'t [R; TILE]
    where
        'a: 't,
    {
        let At { start, m, .. } = at;
        match self.spread {
            Spread::Full => {
                if let Some(tile) = self.data.get(start..).and_then(|rest| rest.first_chunk()) {
                    return tile;
                }
                copy_into(&mut buffer[..m], self.data.get(start..).unwrap_or(&[]));
            }
            Spread::Suffix => {
                let mut offset = at.offset_in(self.data.len());
                if let Some(tile) = self.data.get(offset..).and_then(|rest| rest.first_chunk()) {
                    return tile;
                }
                let mut rest = &mut buffer[..m];
                while let Some(run) = self.data.get(offset..).filter(|run| !run.is_empty() && !rest.is_empty()) {
                    let len = run.len().min(rest.len());
                    let (to, after) = rest.split_at_mut(len);
                    copy_into(to, run);
                    rest = after;
                    offset = 0;
                }
            }
            Spread::Prefix => {
                pieces(at.n / self.data.len().max(1), start, m, |row, from, to| {
                    if let Some(&value) = self.data.get(row) {
                        buffer[from..to].fill(value);
                    }
                });
            }
            // filled once, by `prepared`
            Spread::Scalar => {}
        }
        buffer
    }
}

/// Which elements a tile holds: `m` of them from `start` on, of `n` in all.
#[derive(Clone, Copy)]
struct At {
    n: usize,
    start: usize,
    m: usize,
}

impl At {
    /// Where the tile starts in rows of this length.
    #[inline(always)]
    fn offset_in(self, row: usize) -> usize {
        // rows of whole tiles or tiles of whole rows are the rule, and a division takes as long as ten additions
        if row.is_power_of_two() {
            self.start & (row - 1)
        } else if row == 0 {
            0
        } else {
            self.start % row
        }
    }
}

#[inline(always)]
fn copy_into<R: Copy>(to: &mut [R], from: &[R]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Cuts a tile at the ends of rows of `inner` elements: `f(row, from, to)`.
#[inline(always)]
fn pieces(inner: usize, start: usize, m: usize, mut f: impl FnMut(usize, usize, usize)) {
    let inner = inner.max(1);
    let mut from = 0;
    while from < m {
        let row = (start + from) / inner;
        let to = m.min((row + 1) * inner - start);
        f(row, from, to);
        from = to;
    }
}

/// Where the gradient of an operand goes.
#[derive(Debug)]
pub struct Sink<'a, R> {
    to: To<'a, R>,
    spread: Spread,
    lanes: [R; LANES],
}

#[derive(Debug)]
enum To<'a, R> {
    Nowhere,
    Write(&'a mut [R]),
    Add(&'a mut [R]),
    Scalar(&'a mut R),
}

impl<'a, R: Real> Sink<'a, R> {
    fn new(to: To<'a, R>, spread: Spread) -> Self {
        Sink { to, spread, lanes: [R::ZERO; LANES] }
    }

    /// An operand that carries no gradient.
    pub fn nowhere() -> Self {
        Self::new(To::Nowhere, Spread::Scalar)
    }

    /// The gradient of a parameter of `n` numbers.
    pub fn parameter(spread: Spread, gradient: &'a mut Gradient<R>, n: usize) -> Self {
        Self::new(gradient.dense(n).map_or(To::Nowhere, To::Add), spread)
    }

    /// The gradient of a single number.
    pub fn scalar(gradient: &'a mut R) -> Self {
        Self::new(To::Scalar(gradient), Spread::Scalar)
    }

    /// The gradient of an activation.
    pub fn slot(spread: Spread, slot: Slot<'a, R>) -> Self {
        let to = match slot {
            Slot::Skip => To::Nowhere,
            Slot::Add(g) => To::Add(g),
            Slot::Write(g) if spread == Spread::Full => To::Write(g),
            Slot::Write(g) => {
                g.fill(R::ZERO);
                To::Add(g)
            }
        };
        Self::new(to, spread)
    }

    #[inline(always)]
    fn take(&mut self, at: At, tile: &[R; TILE]) {
        let At { n, start, m } = at;
        match (&mut self.to, self.spread) {
            (To::Nowhere, _) => {}
            (To::Scalar(_), _) | (To::Add(_), Spread::Scalar) => {
                let mut lanes = self.lanes;
                for chunk in &tile.as_chunks::<LANES>().0[..m.div_ceil(LANES)] {
                    for (lane, &x) in lanes.iter_mut().zip(chunk) {
                        *lane += x;
                    }
                }
                self.lanes = lanes;
            }
            (To::Write(g), _) => copy_into(&mut g[start..start + m], &tile[..m]),
            (To::Add(g), Spread::Full) => add_into(&mut g[start..start + m], &tile[..m]),
            (To::Add(g), Spread::Suffix) => {
                let mut offset = at.offset_in(g.len());
                let mut rest = &tile[..m];
                while let Some(run) = g.get_mut(offset..).filter(|run| !run.is_empty() && !rest.is_empty()) {
                    let (from, after) = rest.split_at(run.len().min(rest.len()));
                    add_into(run, from);
                    rest = after;
                    offset = 0;
                }
            }
            (To::Add(g), Spread::Prefix) => {
                pieces(n / g.len().max(1), start, m, |r, from, to| {
                    let mut sum = R::ZERO;
                    for &x in &tile[from..to] {
                        sum += x;
                    }
                    g[r] += sum;
                });
            }
        }
    }

    fn finish(self) {
        // halves onto halves, in a fixed order
        let mut lanes = self.lanes;
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
            width /= 2;
        }
        let sum = lanes[0];
        match self.to {
            To::Scalar(g) => *g += sum,
            To::Add(g) if self.spread == Spread::Scalar => {
                if let Some(g) = g.first_mut() {
                    *g += sum;
                }
            }
            _ => {}
        }
    }
}

#[inline(always)]
fn add_into<R: Real>(to: &mut [R], from: &[R]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}

/// `out[i] = f(operands at i)`
pub fn forward<R: Real, const N: usize>(out: &mut [R], operands: [Operand<'_, R>; N], f: impl Fn([R; N]) -> R) {
    vectorize(Isa::best(), Forward { out, operands, f });
}

struct Forward<'a, R, const N: usize, F> {
    out: &'a mut [R],
    operands: [Operand<'a, R>; N],
    f: F,
}

impl<R: Real, const N: usize, F: Fn([R; N]) -> R> Kernel for Forward<'_, R, N, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        let zeros = [R::ZERO; TILE];
        let mut buffers = prepared(&self.operands);
        let mut tail = [R::ZERO; TILE];
        for (t, out) in self.out.chunks_mut(TILE).enumerate() {
            let tiles = tiles(&self.operands, At { n, start: t * TILE, m: out.len() }, &mut buffers, &zeros);
            match out.first_chunk_mut() {
                Some(out) => forward_tile(out, &tiles, &self.f),
                None => {
                    forward_tile(&mut tail, &tiles, &self.f);
                    out.copy_from_slice(&tail[..out.len()]);
                }
            }
        }
    }
}

#[inline(always)]
fn forward_tile<R: Real, const N: usize>(out: &mut [R; TILE], tiles: &[&[R; TILE]; N], f: &impl Fn([R; N]) -> R) {
    for i in 0..TILE {
        out[i] = f(tiles.map(|tile| tile[i]));
    }
}

/// As [`forward`], with `S` intermediate results put aside for the backward pass. `saved` has `S * out.len()` elements,
/// tile by tile.
pub fn forward_saving<R: Real, const N: usize, const S: usize>(
    out: &mut [R],
    saved: &mut [R],
    operands: [Operand<'_, R>; N],
    f: impl Fn([R; N]) -> (R, [R; S]),
) {
    vectorize(Isa::best(), ForwardSaving { out, saved, operands, f });
}

struct ForwardSaving<'a, R, const N: usize, F> {
    out: &'a mut [R],
    saved: &'a mut [R],
    operands: [Operand<'a, R>; N],
    f: F,
}

impl<R: Real, const N: usize, const S: usize, F: Fn([R; N]) -> (R, [R; S])> Kernel for ForwardSaving<'_, R, N, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        let zeros = [R::ZERO; TILE];
        let mut buffers = prepared(&self.operands);
        let mut tail = [R::ZERO; TILE];
        let mut saved_tail = [[R::ZERO; TILE]; S];
        let mut rest = self.saved;
        for (t, out) in self.out.chunks_mut(TILE).enumerate() {
            let m = out.len();
            let tiles = tiles(&self.operands, At { n, start: t * TILE, m }, &mut buffers, &zeros);
            let (saved, after) = core::mem::take(&mut rest).split_at_mut(S * m);
            rest = after;
            match (out.first_chunk_mut(), <&mut [[R; TILE]; S]>::try_from(saved.as_chunks_mut().0)) {
                (Some(out), Ok(saved)) => forward_saving_tile(out, saved, &tiles, &self.f),
                _ => {
                    forward_saving_tile(&mut tail, &mut saved_tail, &tiles, &self.f);
                    out.copy_from_slice(&tail[..m]);
                    for (to, from) in saved.chunks_mut(m).zip(&saved_tail) {
                        to.copy_from_slice(&from[..m]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn forward_saving_tile<R: Real, const N: usize, const S: usize>(
    out: &mut [R; TILE],
    saved: &mut [[R; TILE]; S],
    tiles: &[&[R; TILE]; N],
    f: &impl Fn([R; N]) -> (R, [R; S]),
) {
    for i in 0..TILE {
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
    operands: [Operand<'_, R>; N],
    sinks: [Sink<'_, R>; N],
    f: impl Fn([R; N], [R; S], R) -> [R; N],
) {
    vectorize(Isa::best(), Backward { cot, saved, operands, sinks, f, _results: [(); S] });
}

struct Backward<'a, R, const N: usize, const S: usize, F> {
    cot: &'a [R],
    saved: &'a [R],
    operands: [Operand<'a, R>; N],
    sinks: [Sink<'a, R>; N],
    f: F,
    /// ties the number of saved results to the type
    _results: [(); S],
}

impl<R: Real, const N: usize, const S: usize, F: Fn([R; N], [R; S], R) -> [R; N]> Kernel
    for Backward<'_, R, N, S, F>
{
    type Output = ();
    #[inline(always)]
    fn run(mut self) {
        let n = self.cot.len();
        let zeros = [R::ZERO; TILE];
        let mut buffers = prepared(&self.operands);
        let mut contributions = [[R::ZERO; TILE]; N];
        let mut tail = [R::ZERO; TILE];
        let mut saved_tail = [[R::ZERO; TILE]; S];
        let mut rest = self.saved;
        for (t, cot) in self.cot.chunks(TILE).enumerate() {
            let m = cot.len();
            let at = At { n, start: t * TILE, m };
            let tiles = tiles(&self.operands, at, &mut buffers, &zeros);
            let (saved, after) = rest.split_at(S * m);
            rest = after;
            match (cot.first_chunk(), <&[[R; TILE]; S]>::try_from(saved.as_chunks().0)) {
                (Some(cot), Ok(saved)) => backward_tile(&mut contributions, &tiles, saved, cot, &self.f),
                _ => {
                    copy_into(&mut tail[..m], cot);
                    for (to, from) in saved_tail.iter_mut().zip(saved.chunks(m)) {
                        copy_into(to, from);
                    }
                    backward_tile(&mut contributions, &tiles, &saved_tail, &tail, &self.f);
                    for contribution in &mut contributions {
                        contribution[m..].fill(R::ZERO);
                    }
                }
            }
            for (sink, contribution) in self.sinks.iter_mut().zip(&contributions) {
                sink.take(at, contribution);
            }
        }
        for sink in self.sinks {
            sink.finish();
        }
    }
}

#[inline(always)]
fn backward_tile<R: Real, const N: usize, const S: usize>(
    contributions: &mut [[R; TILE]; N],
    tiles: &[&[R; TILE]; N],
    saved: &[[R; TILE]; S],
    cot: &[R; TILE],
    f: &impl Fn([R; N], [R; S], R) -> [R; N],
) {
    for i in 0..TILE {
        let back = f(tiles.map(|tile| tile[i]), saved.each_ref().map(|saved| saved[i]), cot[i]);
        for (contribution, back) in contributions.iter_mut().zip(back) {
            contribution[i] = back;
        }
    }
}

/// A buffer for each operand, filled where the operand is one number.
#[inline(always)]
fn prepared<R: Real, const N: usize>(operands: &[Operand<'_, R>; N]) -> [[R; TILE]; N] {
    operands.each_ref().map(|o| match (o.spread, o.data.first()) {
        (Spread::Scalar, Some(&value)) => [value; TILE],
        _ => [R::ZERO; TILE],
    })
}

#[inline(always)]
fn tiles<'t, R: Real, const N: usize>(
    operands: &[Operand<'t, R>; N],
    at: At,
    buffers: &'t mut [[R; TILE]; N],
    zeros: &'t [R; TILE],
) -> [&'t [R; TILE]; N] {
    let mut tiles = [zeros; N];
    for ((tile, operand), buffer) in tiles.iter_mut().zip(operands).zip(buffers) {
        *tile = operand.tile(at, buffer);
    }
    tiles
}
